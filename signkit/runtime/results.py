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
from dataclasses import asdict
from pathlib import Path
from typing import Any

from signkit.errors import OperationalError
from signkit.runtime.files import plainly
from signkit.types import Score

SCORES, REPORT = "scores.json", "report.html"


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


def read_scores(path: Path) -> tuple[Score, ...]:
    """Read the scores of a ``scores.json``.

    Raises:
        OperationalError: the file cannot be read, or has no scores.
    """
    with plainly(path, "read"):
        text = path.read_text(encoding="utf-8")
    try:
        rows = json.loads(text)["metrics"]
        filled: list[dict[str, Any]] = [
            {k: math.nan if v is None else v for k, v in row.items()} for row in rows
        ]
        return tuple(Score(**row) for row in filled)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise OperationalError(f"{path}: is no file of scores") from None
