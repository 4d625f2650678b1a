"""The sections of a recogniser's report: training curves, a clip, confidences, and all sentences aligned."""

from signkit.eval.figures import metric
from signkit.report.reliability import draw_reliability
from signkit.report.sections import Pairs, Paragraph, Picture, Section
from signkit.tasks.recognition.picture import draw
from signkit.tasks.recognition.result import Result
from signkit.train.task import Outcome

EXAMPLES = 4
"""Sentences shown on a terminal."""


def sections(outcome: Outcome) -> list[Section]:
    """The sections of the page; writes ``picture.png`` and ``reliability.png`` to the outcome's folder."""
    result = Result.of(outcome)
    picture = draw(outcome.folder, result, outcome.run)
    shown: list[Section] = [Picture(picture, "Training, a clip, times of glosses", "Training")]
    reliability = draw_reliability(
        outcome.folder / "reliability.png", result.splits, result.raw, result.used, "tokens"
    )
    if reliability is not None:
        shown.append(Paragraph(_calibration(result), "Confidences"))
        shown.append(Picture(reliability, "Confidence against share of correct tokens"))
    unit = "character" if result.main == "cer" else "word"
    for split in result.splits:
        sentences, title = result.sentences(split), f"Sentences of {split}"
        shown.append(Pairs(sentences, title, unit=unit, opened=split == "dev"))
    return shown


def brief_sections(outcome: Outcome) -> list[Section]:
    """The sections for a terminal: the calibration in a line, and some sentences."""
    result = Result.of(outcome)
    calibration = _calibration(result)
    shown: list[Section] = [Paragraph(calibration)] if calibration else []
    for split in result.splits[:1]:
        shown.append(Pairs(result.examples(split, EXAMPLES), f"Sentences of {split}"))
    return shown


def _calibration(result: Result) -> str:
    """A line with the expected calibration error of each split, before and after temperature scaling."""
    parts = []
    for split in result.splits:
        raw, used = (result.value(split, f"calibration_error{end}") for end in ("_raw", ""))
        if raw and used:
            before, after = (metric("").text(each.value, 1) for each in (raw, used))
            parts.append(f"{split} {before}, calibrated {after}")
    return f"Expected calibration error of the confidences: {'; '.join(parts)}" if parts else ""
