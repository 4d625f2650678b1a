"""How metrics are presented: title, unit, and which direction is better."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """The presentation of a metric.

    Attributes:
        name: name of the `signkit.types.Score`, such as ``wer``.
        title: title for headings and legends.
        unit: ``percent``: a fraction shown as a percentage; ``points``: a fraction shown times 100, like
            BLEU; ``number``: shown as it is, like a perplexity.
        higher_is_better: None where neither direction is better, as of a share that describes the data.
        short: heading for narrow tables; empty to use the title.
    """

    name: str
    title: str
    unit: Literal["percent", "points", "number"] = "percent"
    higher_is_better: bool | None = False
    short: str = ""

    @property
    def heading(self) -> str:
        """The heading of a column."""
        return self.short or self.title

    def text(self, value: float, digits: int = 2) -> str:
        """A value as text: ``7.31 %``, ``23.40``, ``-`` for NaN."""
        if math.isnan(value):
            return "-"
        if self.unit == "number":
            return f"{value:.{digits}f}"
        return f"{100 * value:.{digits}f}" + (" %" if self.unit == "percent" else "")

    def is_better(self, value: float, other: float) -> bool:
        """Whether a value is better than another; false if either is NaN."""
        return value > other if self.higher_is_better else value < other


_RATES = (
    ("wer", "word error rate", "WER", "words"),
    ("cer", "character error rate", "CER", "characters"),
)

METRICS = {
    metric.name: metric
    for metric in (
        *(
            each
            for name, title, short, tokens in _RATES
            for each in (
                Metric(name, title, short=short),
                Metric(f"{name}_substitutions", f"substituted {tokens}", short="substitutions"),
                Metric(f"{name}_deletions", f"deleted {tokens}", short="deletions"),
                Metric(f"{name}_insertions", f"inserted {tokens}", short="insertions"),
                Metric(f"{name}_seen", f"{title}, seen in train", short="seen in train"),
                Metric(f"{name}_unseen", f"{title}, unseen", short="unseen"),
            )
        ),
        Metric("letter_accuracy", "letter accuracy", higher_is_better=True),
        Metric("aslfr", "(N - D) / N", higher_is_better=True),
        Metric("space_accuracy", "space accuracy", higher_is_better=True),
        Metric("sentence_error", "sentences with errors", short="sentences wrong"),
        Metric("seen_share", "sentences seen in train", higher_is_better=None, short="share seen"),
        *(Metric(f"bleu{n}", f"BLEU-{n}", "points", higher_is_better=True) for n in range(1, 5)),
        Metric("chrf", "chrF2", "points", higher_is_better=True),
        Metric("rouge_l", "ROUGE-L", "points", higher_is_better=True),
        Metric("accuracy", "accuracy", higher_is_better=True),
        Metric("top5_accuracy", "top-5 accuracy", higher_is_better=True, short="top 5"),
        Metric("macro_f1", "macro F1", higher_is_better=True),
        Metric("perplexity", "perplexity", "number"),
        Metric("perplexity_known", "perplexity of known tokens", "number", short="of known ones"),
        Metric("perplexity_piece", "perplexity a subword", "number", short="a subword"),
        Metric("pseudo_perplexity", "pseudo-perplexity", "number"),
        Metric(
            "pseudo_perplexity_known", "pseudo-perplexity of known tokens", "number", short="of known ones"
        ),
        Metric("pseudo_perplexity_piece", "pseudo-perplexity a subword", "number", short="a subword"),
        Metric("calibration_error", "expected calibration error", short="ECE"),
        Metric("calibration_error_raw", "expected calibration error, not calibrated", short="ECE before"),
    )
}
"""The metrics of all protocols and of the built-in tasks, by name."""


def metric(name: str, own: Sequence[Metric] = ()) -> Metric:
    """The presentation of a metric by name.

    A name may go on after that of a metric: ``wer_greedy`` is the WER of greedy search, ``bleu4_no_period``
    the BLEU-4 of a protocol's variant. An unknown name is taken to be a fraction of which lower is better.

    Args:
        own: further ones, such as those of a task, which come first.
    """
    if found := next((each for each in own if each.name == name), None):
        return found
    if name in METRICS:
        return METRICS[name]
    known, _, last = name.rpartition("_")
    while known and known not in METRICS:
        known, _, word = known.rpartition("_")
        last = f"{word}_{last}"
    words = "seen in train" if last == "seen" else (last if known else name).replace("_", " ")
    if not known:
        return Metric(name, words)
    whole = METRICS[known]
    return Metric(
        name,
        f"{whole.title}, {words}",
        whole.unit,
        whole.higher_is_better,
        short=words if words == "greedy" else "",
    )
