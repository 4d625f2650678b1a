"""What a run recognised, as sources to be translated: the second stage of a cascade."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from signkit.data.corpora.build import build_corpus
from signkit.data.corpora.table import fail_together
from signkit.data.corpora.text_configs import RecognisedConfig
from signkit.errors import UserError
from signkit.runtime.files import read_text
from signkit.runtime.run_folder import recorded_recipe
from signkit.text.vocabulary import UNKNOWN
from signkit.types import SPLITS, WRITTEN, Corpus, Sample, Text


@dataclass(frozen=True, slots=True)
class _Read:
    """The sources of a split: the glosses that are read of each sample, and what is added to its id."""

    sources: Mapping[str, tuple[str, ...]]
    suffix: str = ""


def read(config: RecognisedConfig) -> Corpus:
    """The corpus of a run with what it recognised in place of its clips, and its texts as references.

    Dev and test are read as the run recognised them, train as its glosses are, as they were recognised, or
    both. A clip in which nothing was recognised has an unknown gloss as its source.

    Raises:
        UserError: it is no finished run of a corpus with texts, or a split was not decoded.
    """
    run = Path(config.run)
    if not (run / "resolved.yaml").is_file():
        raise UserError(str(run), "is no run", "name its folder, as `signkit run` printed it")
    whole = build_corpus(recorded_recipe(run, run.name).data)
    faults = [
        UserError(str(run), f"{each.id} of its corpus has no text to translate into")
        for each in whole.samples
        if not each.text.split()
    ]
    fail_together(faults, str(run))
    samples, empty = list[Sample](), 0
    for split in SPLITS:
        of_split = whole.split(split)
        for each in _sources(config, run, split, of_split) if of_split else ():
            for sample in of_split:
                tokens = each.sources[sample.id]
                empty += not tokens
                samples.append(_sample(sample, tokens or (UNKNOWN,), each.suffix))
    what = "clips in which nothing was recognised have an unknown gloss as their source"
    texts = repr([(each.id, each.glosses, each.text) for each in samples])
    return Corpus(
        name="recognised",
        samples=tuple(samples),
        layout=WRITTEN,
        width=1,
        fingerprint=hashlib.sha256(texts.encode()).hexdigest(),
        notes=(f"{empty:,} {what}",) if empty else (),
    )


def _sources(config: RecognisedConfig, run: Path, split: str, samples: tuple[Sample, ...]) -> Iterator[_Read]:
    true = split == "train" and config.train != "recognised"
    if true:
        yield _Read({each.id: each.glosses or each.reference for each in samples})
    if split != "train" or config.train != "glosses":
        yield _Read(_decoded(run / "decode" / f"{split}.jsonl", samples), "+recognised" if true else "")


def _decoded(file: Path, samples: tuple[Sample, ...]) -> dict[str, tuple[str, ...]]:
    """The glosses that were recognised of each sample.

    Raises:
        UserError: there is no such file, or it lacks samples.
    """
    if not file.is_file():
        what = f"was not decoded by its run: there is no {file.name}"
        raise UserError(str(file.parent.parent), f"{file.stem} {what}", "decode.splits of that run names it")
    found: dict[str, tuple[str, ...]] = {}
    for line in read_text(file).splitlines():
        record: dict[str, Any] = json.loads(line)
        found[str(record["id"])] = tuple(record.get("gloss", record)["tokens"])
    if lacking := [each.id for each in samples if each.id not in found]:
        raise UserError(str(file), f"has no line for {lacking[0]}, of {len(lacking)} that it lacks")
    return found


def _sample(sample: Sample, tokens: tuple[str, ...], suffix: str) -> Sample:
    return Sample(
        id=sample.id + suffix,
        split=sample.split,
        reference=tuple(sample.text.split()),
        frames=len(tokens),
        load=partial(Text, tokens),
        source=sample.source,
        signer=sample.signer,
        text=sample.text,
        glosses=tokens,
        fps=Text.fps,
    )
