"""What a run recognised, as sources to be translated: the second stage of a cascade."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
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

    sources: Mapping[str, Text]
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
                source = each.sources[sample.id]
                empty += not source.tokens
                read_ = source if source.tokens else replace(source, tokens=(UNKNOWN,))
                samples.append(_sample(sample, read_, each.suffix))
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
        yield _Read({each.id: Text(each.glosses or each.reference) for each in samples})
    if split != "train" or config.train != "glosses":
        yield _Read(_decoded(run / "decode" / f"{split}.jsonl", samples), "+recognised" if true else "")


def _decoded(file: Path, samples: tuple[Sample, ...]) -> dict[str, Text]:
    """The glosses that were recognised of each sample, with the rest of its n-best list if it was written.

    Raises:
        UserError: there is no such file, or it lacks samples.
    """
    if not file.is_file():
        what = f"was not decoded by its run: there is no {file.name}"
        raise UserError(str(file.parent.parent), f"{file.stem} {what}", "decode.splits of that run names it")
    found: dict[str, Text] = {}
    for line in read_text(file).splitlines():
        record: dict[str, Any] = json.loads(line)
        found[str(record["id"])] = readings_of(record.get("gloss", record))
    if lacking := [each.id for each in samples if each.id not in found]:
        raise UserError(str(file), f"has no line for {lacking[0]}, of {len(lacking)} that it lacks")
    return found


def readings_of(record: Mapping[str, Any]) -> Text:
    """What a record of a recogniser's JSON lines reads, the best first; empty ones after it are left out."""
    tokens, score = tuple(record.get("tokens", ())), record.get("score")
    nbest = record.get("nbest")
    in_letters = len(tokens) > 1 and record.get("text") == "".join(tokens)
    others = [
        (tuple(text) if in_letters else tuple(text.split()), log)
        for text, log in map(_text_and_score, nbest if isinstance(nbest, list) else ())
        if text.split()
    ]
    if not others or not isinstance(score, int | float):
        return Text(tokens)
    return Text(tokens, tuple(text for text, _ in others), (score, *(log for _, log in others)))


def _text_and_score(entry: Any) -> tuple[str, float]:
    """Of an entry of an n-best list; an empty text if it is something else."""
    match entry:
        case {"text": str(text), "score": int() | float() as score}:
            return text, score
    return "", 0.0


def _sample(sample: Sample, source: Text, suffix: str) -> Sample:
    return Sample(
        id=sample.id + suffix,
        split=sample.split,
        reference=tuple(sample.text.split()),
        frames=source.frames,
        load=lambda: source,
        source=sample.source,
        signer=sample.signer,
        text=sample.text,
        glosses=source.tokens,
        fps=Text.fps,
    )
