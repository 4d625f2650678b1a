"""Small transcript files for tests: written into a folder, read as a pair, and scored."""

from pathlib import Path

import pytest

from signkit.errors import UserError
from signkit.eval.formats import read_pair
from signkit.eval.pairing import Missing
from signkit.eval.scores import Resampling, Scored, score

NO_INTERVALS = Resampling(resamples=0)


def put(name: str, content: str | bytes) -> Path:
    """Write a file into the working folder."""
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return Path(name)


def scored(reference: Path, hypothesis: Path, missing: Missing = "refuse", **options: str) -> Scored:
    """The word error rate of two files."""
    left, (right,) = read_pair(reference, [hypothesis], **options)
    return score(left, right, metrics=["wer"], missing=missing, resampling=NO_INTERVALS)


def counts(reference: Path, hypothesis: Path, missing: Missing = "refuse", **options: str) -> str:
    """What the word error rate was counted from."""
    return scored(reference, hypothesis, missing, **options)["wer"].note


def refusal(reference: Path, hypothesis: Path, **options: str) -> str:
    """The message with which two files are refused."""
    with pytest.raises(UserError) as caught:
        scored(reference, hypothesis, **options)
    return str(caught.value)
