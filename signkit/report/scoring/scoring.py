"""What `signkit score` found out, for whatever shows it."""

from dataclasses import dataclass

from signkit.eval.analyses import Analyses
from signkit.eval.comparison import Comparison
from signkit.eval.protocols import Protocol
from signkit.eval.scores import Resampling, Scored


@dataclass(frozen=True, slots=True)
class Scoring:
    """Systems scored on one file of references.

    Attributes:
        reference: its name.
        description: of the protocol, a sentence.
        systems: by name; the first is the one that was asked for, the others are compared with it.
        analyses: of each system.
        classes: whether figures by class were asked for.
    """

    reference: str
    protocol: Protocol
    description: str
    systems: dict[str, Scored]
    analyses: dict[str, Analyses]
    comparisons: tuple[Comparison, ...]
    resampling: Resampling
    classes: bool = False


TITLES = {
    "wer": "word error rate",
    "wer_substitutions": "substituted words",
    "wer_deletions": "deleted words",
    "wer_insertions": "inserted words",
    "wer_seen": "word error rate, seen in train",
    "wer_unseen": "word error rate, unseen",
    "cer": "character error rate",
    "cer_substitutions": "substituted characters",
    "cer_deletions": "deleted characters",
    "cer_insertions": "inserted characters",
    "cer_seen": "character error rate, seen in train",
    "cer_unseen": "character error rate, unseen",
    "letter_accuracy": "letter accuracy",
    "aslfr": "(N - D) / N",
    "sentence_error": "sentences with errors",
    "seen_share": "sentences seen in train",
    "bleu1": "BLEU-1",
    "bleu2": "BLEU-2",
    "bleu3": "BLEU-3",
    "bleu4": "BLEU-4",
    "chrf": "chrF2",
    "rouge_l": "ROUGE-L",
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
}
POINTS = ("bleu1", "bleu2", "bleu3", "bleu4", "chrf", "rouge_l")
"""Metrics that are read as points of 100, not as a percentage of something."""
