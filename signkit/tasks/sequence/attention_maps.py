"""Where a decoder looked in written sources: a heat map for each of a few sentences."""

from pathlib import Path
from typing import Any

import numpy as np

from signkit.data.pairs import source_of
from signkit.report.plots import INK, saved
from signkit.report.sections import Picture
from signkit.tasks.transcripts.calibration import beams
from signkit.tasks.transcripts.result import Result
from signkit.text.sources import encode_source
from signkit.train.task import Outcome

SENTENCES, COLUMNS = 4, 2
LONGEST = 40
"""Tokens of a source or a text that is shown, at most."""

Map = tuple[str, list[str], list[str], np.ndarray]
"""An id, the tokens of the source, those of the text, and the shares of attention [text, source]."""


def attention_maps(outcome: Outcome) -> Picture | None:
    """The picture ``attention.png`` in the outcome's folder; None if nothing was decoded."""
    result = Result.of(outcome)
    maps = _maps(outcome, result)
    if not maps:
        return None
    path = saved(Path(outcome.folder) / "attention.png", lambda: _figure(maps))
    return Picture(path, "Tokens of the text (down) and of the source (across)", "Where the decoder looked")


def _maps(outcome: Outcome, result: Result) -> list[Map]:
    source, text = outcome.spec.source, outcome.spec.vocabulary
    found: list[Map] = []
    for split in result.splits[:1]:
        beam_of = beams(outcome.predictions[split])
        for sentence in result.examples(split, 3 * SENTENCES):
            best = beam_of[sentence.id].candidates[0]
            if source is None or best.attention is None or not len(best.attention):
                continue
            read = encode_source(source_of(result.samples[sentence.id]), source, outcome.recipe.source)
            if max(len(read.tokens), len(best.tokens)) > LONGEST or len(found) == SENTENCES:
                continue
            across, down = (
                [each.tokens[i] for i in of] for each, of in ((source, read.tokens), (text, best.tokens))
            )
            shares = best.attention[:, : len(across)].astype(np.float32)
            found.append((sentence.id, across, down, shares))
    return found


def _figure(maps: list[Map]) -> Any:
    from matplotlib import pyplot

    rows = -(-len(maps) // COLUMNS)
    height = sum(
        max(0.22 * len(down) for _, _, down, _ in maps[row * COLUMNS : (row + 1) * COLUMNS]) + 1.3
        for row in range(rows)
    )
    figure, axes = pyplot.subplots(rows, COLUMNS, figsize=(11, height), layout="constrained", squeeze=False)
    for place in axes.flat[len(maps) :]:
        place.set_axis_off()
    for place, (name, across, down, shares) in zip(axes.flat, maps, strict=False):
        place.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        place.set_title(name, fontsize=8, color=INK)
        place.set_xticks(range(len(across)), across, rotation=60, ha="right", fontsize=7)
        place.set_yticks(range(len(down)), down, fontsize=7)
    return figure
