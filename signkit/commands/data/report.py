"""`signkit data report`: read a corpus, describe it, write the page."""

import json
from collections import Counter
from pathlib import Path

from signkit.commands.data.check import stock_of
from signkit.commands.data.chosen import chosen_corpus
from signkit.errors import UserError
from signkit.report.corpus.describe import Described, describe
from signkit.report.corpus.page import write_page
from signkit.report.corpus.tokens import UNITS, characters, few_frames
from signkit.runtime.progress import Watch
from signkit.types import WRITTEN


def report_corpus(
    ref: str,
    out: Path,
    root: str | Path | None = None,
    overrides: tuple[str, ...] = (),
    as_json: bool = False,
) -> int:
    """Write a page about the samples that are there; what is missing is for `signkit data check`.

    Args:
        ref: the name of a corpus, or a recipe.

    Returns:
        The exit status, 0.

    Raises:
        UserError: no such corpus, nothing of it is there, a clip that is shown cannot be read.
        OperationalError: the page cannot be written.
    """
    if out.is_dir():
        raise UserError(str(out), "is a folder", "name the page, such as report.html")
    stock = stock_of(chosen_corpus(ref, root, overrides))
    if not stock.corpus.samples:
        faults = [*stock.faults, *(gap.fault for gap in stock.gaps)]
        raise UserError(stock.corpus.name, "no sample is there", str(faults[0]) if faults else "")
    if stock.corpus.layout == WRITTEN:
        what = "has written sources, and a report shows recordings"
        raise UserError(stock.corpus.name, what, "`signkit data check` counts them")
    described = describe(stock.corpus)
    absent = len(stock.faults) + sum(gap.samples for gap in stock.gaps)
    write_page(out, described, absent, Watch(out.parent, main=not as_json, log=False))
    if as_json:
        print(json.dumps({"report": str(out), **_figures(described)}, ensure_ascii=False))
    else:
        print(out)
    return 0


def _figures(described: Described) -> dict[str, object]:
    return {
        "corpus": described.name,
        "samples": {split: len(samples) for split, samples in described.samples.items()},
        "glosses": len(described.counts),
        "signers": len([name for name in described.signers if name]),
        "out_of_vocabulary": {split: held.unknown for split, held in described.held.items()},
        "characters": dict(sum(map(characters, described.samples.values()), Counter()).most_common()),
        "few_frames": {
            unit: {split: few_frames(samples, unit) for split, samples in described.samples.items()}
            for unit in UNITS
        },
        "seen_in_train": {split: held.seen for split, held in described.held.items()},
    }
