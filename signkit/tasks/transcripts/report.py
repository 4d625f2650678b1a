"""The sections of a recogniser's report: training curves, a clip, confidences, and all sentences aligned."""

from dataclasses import replace

from signkit.eval.breakdown import breakdown
from signkit.eval.figures import Metric, metric
from signkit.eval.pairing import train_sentences
from signkit.eval.protocols import Protocol
from signkit.eval.scores import Resampling, as_transcripts, score
from signkit.report.reliability import draw_reliability
from signkit.report.scoring.analyses import analyses
from signkit.report.scoring.page import System, sentences
from signkit.report.sections import Group, Pairs, Paragraph, Picture, Section
from signkit.tasks.transcripts.picture import draw
from signkit.tasks.transcripts.result import Result
from signkit.tasks.transcripts.scoring import text_of
from signkit.train.task import Outcome

EXAMPLES = 4
"""Sentences shown on a terminal."""


def sections(outcome: Outcome, protocol: Protocol, judged: Metric | None = None) -> list[Section]:
    """The sections of the page; writes ``picture.png`` and ``reliability.png`` to the outcome's folder.

    Args:
        protocol: that hypotheses are scored by.
        judged: by which dev was judged during the training; None: the main metric, of greedy search.
    """
    result = Result.of(outcome)
    picture = draw(outcome.folder, result, outcome.run, judged)
    shown: list[Section] = [Picture(picture, "Training, a clip, times of glosses", "Training")]
    reliability = draw_reliability(
        outcome.folder / "reliability.png", result.splits, result.raw, result.used, "tokens"
    )
    if reliability is not None:
        shown.append(Paragraph(_calibration(result), "Confidences"))
        shown.append(Picture(reliability, "Confidence against share of correct tokens"))
    shown += [_errors(outcome, split, protocol) for split in result.splits]
    return shown


def _errors(outcome: Outcome, split: str, protocol: Protocol) -> Group:
    """Where the errors of a split are: confusions, lengths, signers, what train had, and all sentences."""
    join, samples = outcome.spec.vocabulary.join, outcome.samples[split]
    references = {sample.id: join(sample.reference) for sample in samples}
    best = {each.id: join(text_of(each).tokens) for each in outcome.predictions[split]}
    signers = [sample.signer for sample in samples]
    scored = score(
        references,
        best,
        protocol,
        signers=signers if all(signers) else (),
        split=split,
        resampling=Resampling(resamples=0),
    )
    heard = outcome.corpus.split("train") if outcome.corpus else ()
    texts = as_transcripts({sample.id: join(sample.reference) for sample in heard}, "train")
    result = breakdown(scored, train_sentences(texts, protocol) if heard else None)
    unit = scored.sentences.error_unit
    system = System(split, scored.scores, *scored.sentences.errors, result)
    aligned = sentences((system,), unit)
    shown = replace(aligned, title=f"Sentences of {split}", opened=split == "dev")
    return Group((*analyses(result, unit), shown), f"Where the errors of {split} are")


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
