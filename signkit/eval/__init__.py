"""Evaluation: transcripts, clean-up, alignment, metrics and significance tests; torch is not imported."""

from signkit.eval.alignment import align
from signkit.eval.comparison import compare
from signkit.eval.scores import score

__all__ = ["align", "compare", "score"]
