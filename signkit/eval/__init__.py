"""Scoring: alignments, metrics, protocols, tests of significance. No torch here."""

from signkit.eval.alignment import align
from signkit.eval.comparison import compare
from signkit.eval.scores import score

__all__ = ["align", "compare", "score"]
