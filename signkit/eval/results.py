"""The results of a decoding in a folder: scores, hypotheses and the references they were scored against.

A run has ``scores.json``, and the other files in its folder ``decode``. `signkit decode` and `signkit
evaluate --out` write all of them into one folder:

    scores.json             every score with its interval
    dev.jsonl               the hypotheses of a split, a line each
    dev.references.jsonl    its references, with the same ids in the same order, and the signers

Both kinds of lines are what `signkit score` reads.
"""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from signkit.errors import OperationalError
from signkit.eval.figures import Metric, metric
from signkit.runtime.files import plainly
from signkit.types import Score

SCORES = "scores.json"


@dataclass(frozen=True, slots=True)
class Results:
    """The content of a ``scores.json``.

    Attributes:
        scores: of every split, the main metric of a split first.
        metrics: how scores are presented that `signkit.eval.figures` does not know.
        notes: on the scores, or on why there are none.
        run: the folder of the run whose model was decoded; "" where that is the folder of the file.
    """

    scores: tuple[Score, ...]
    metrics: tuple[Metric, ...] = ()
    notes: tuple[str, ...] = ()
    run: str = ""

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that were scored, in their order."""
        return tuple(dict.fromkeys(score.split for score in self.scores))

    def main(self, split: str) -> Score | None:
        """The first score of a split, that of the protocol's main metric; None if there is none."""
        return main_score(self.scores, split)


def main_score(scores: Sequence[Score], split: str) -> Score | None:
    """The first score of a split, that of the protocol's main metric; None if there is none."""
    return next((score for score in scores if score.split == split), None)


class MainScores(ABC):
    """What has scores, with the main one of each split at hand."""

    __slots__ = ()

    @property
    @abstractmethod
    def scores(self) -> tuple[Score, ...]:
        """All scores; empty as long as there are none."""

    @property
    def dev(self) -> Score | None:
        """The main metric of dev; None if it was not scored."""
        return self.score("dev")

    @property
    def test(self) -> Score | None:
        """The main metric of test; None if it was not scored."""
        return self.score("test")

    def score(self, split: str) -> Score | None:
        """The main metric of a split; None if it was not scored."""
        return main_score(self.scores, split)


def in_brief(scores: Sequence[Score], metrics: Sequence[Metric] = ()) -> str:
    """The main score of each split in a line: ``dev WER 7.31 %, test WER 8.02 %``."""
    first = [main_score(scores, split) for split in dict.fromkeys(score.split for score in scores)]
    named = [(score, metric(score.name, metrics)) for score in first if score is not None]
    return ", ".join(f"{score.split} {of.heading} {of.text(score.value)}" for score, of in named)


def hypotheses_file(folder: Path, split: str) -> Path:
    """The file of a split's hypotheses."""
    return folder / f"{split}.jsonl"


def references_file(folder: Path, split: str) -> Path:
    """The file of a split's references."""
    return folder / f"{split}.references.jsonl"


def lines_folder(results: Path) -> Path:
    """The folder of hypotheses and references: that of a run is below it."""
    return results / "decode" if (results / "decode").is_dir() else results


def plain(score: Score) -> dict[str, Any]:
    """A score as a JSON object; undefined values are null."""
    return {key: None if value != value else value for key, value in asdict(score).items()}


def read_results(path: Path) -> Results:
    """Read a ``scores.json``, of an older version too.

    Raises:
        OperationalError: the file cannot be read, or has no scores.
    """
    with plainly(path, "read"):
        text = path.read_text(encoding="utf-8")
    try:
        document = json.loads(text)
        rows: list[dict[str, Any]] = [
            {key: math.nan if value is None else value for key, value in row.items()}
            for row in document["metrics"]
        ]
        return Results(
            tuple(Score(**row) for row in rows),
            tuple(Metric(**each) for each in document.get("own_metrics", ())),
            tuple(map(str, document.get("notes", ()))),
            str(document.get("run", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise OperationalError(f"{path}: is no file of scores") from None
