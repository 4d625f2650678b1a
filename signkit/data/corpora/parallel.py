"""Sentences and their translations: files of both, line by line, or tables with a column of each."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from signkit.data.corpora.table import fail_together
from signkit.data.corpora.text_configs import ParallelConfig
from signkit.errors import UserError
from signkit.eval.cleaning import hypothesis_cleaner
from signkit.eval.formats import read as read_transcripts
from signkit.eval.transcripts import Transcripts
from signkit.text.vocabulary import composed
from signkit.types import SPLITS, WRITTEN, Corpus, Sample, Text


@dataclass(frozen=True, slots=True)
class _Pair:
    """A source and its text as read, with the place of the source."""

    id: str
    source: str
    text: str
    where: str

    @property
    def fault(self) -> UserError | None:
        """What is lacking, if anything is."""
        lacking = "source" if not self.source.split() else "text" if not self.text.split() else ""
        return UserError(self.where, f"{self.id} has an empty {lacking}") if lacking else None


def read(config: ParallelConfig) -> Corpus:
    """The pairs of each split that has a file; further sources and pairs join train.

    Raises:
        UserError: a file cannot be used, there is no such protocol, two files have different numbers of
            sentences, or a source or a text is empty and may not be left out.
    """
    samples, left_out, faults = list[Sample](), list[str](), list[UserError]()
    digest = hashlib.sha256()
    cleaned = hypothesis_cleaner(config.clean) if config.clean else None
    for split in SPLITS:
        for pair in _pairs(config, split):
            if cleaned is not None:
                pair = replace(pair, source=cleaned(" ".join(composed(pair.source).split())))
            digest.update(repr((pair.id, pair.source, pair.text)).encode())
            if (fault := pair.fault) is None:
                samples.append(_sample(pair, split))
            elif config.empty == "skip" and split == "train":
                left_out.append(str(fault))
            else:
                faults.append(fault)
    fail_together(faults, config.root)
    return Corpus(
        name="parallel",
        samples=tuple(samples),
        layout=WRITTEN,
        width=1,
        fingerprint=digest.hexdigest(),
        left_out=tuple(left_out),
    )


def _pairs(config: ParallelConfig, split: str) -> Iterator[_Pair]:
    """The pairs of a split; none if it has no file, which train must have."""
    root = Path(config.root)
    source = _file(root, config.source, split)
    if split != "train" and not source.is_file():
        return
    yield from _joined(config, split, source, _file(root, config.text, split) if config.text else source)
    if split != "train":
        return
    for number, pattern in enumerate(config.more_sources, start=1):
        text = _file(root, config.text, split) if config.text else source
        yield from _joined(config, f"{split}+{number}", _file(root, pattern, split), text)
    for number, name in enumerate(config.more_pairs, start=len(config.more_sources) + 1):
        yield from _joined(config, f"{split}+{number}", root / name, root / name)


def _joined(config: ParallelConfig, prefix: str, source: Path, text: Path) -> Iterator[_Pair]:
    """The sentences of two files, or of two columns of one."""
    sources = read_transcripts(source, column=_column(source, config.source_column))
    texts = read_transcripts(text, column=_column(text, config.text_column))
    if len(sources) != len(texts):
        what = f"has {len(texts)} sentences, and {source} has {len(sources)}"
        raise UserError(str(text), what, "the n-th text is that of the n-th source")
    if named := sources.format != "lines" and texts.format != "lines":
        _check_ids(sources, texts, text)
    for name, one, other, line in zip(sources.ids, sources.texts, texts.texts, sources.lines, strict=True):
        id_ = (f"{prefix}-{name}" if "+" in prefix else name) if named else f"{prefix}-{int(line):06d}"
        yield _Pair(id_, one, composed(other), f"{source}:{line}")


def _check_ids(sources: Transcripts, texts: Transcripts, file: Path) -> None:
    for first, second, line in zip(sources.ids, texts.ids, texts.lines, strict=True):
        if first != second:
            what = f"is {second}, and the source in its place is {first}"
            raise UserError(f"{file}:{line}", what, "both files need the same order")


def _column(file: Path, column: str) -> str:
    """The column of a file that has columns: lines of text have none."""
    return column if file.suffix.lower() in (".csv", ".tsv", ".psv", ".jsonl", ".ndjson", ".json") else ""


def _file(root: Path, pattern: str, split: str) -> Path:
    return root / pattern.replace("{split}", split)


def _sample(pair: _Pair, split: str) -> Sample:
    tokens = tuple(composed(pair.source).split())
    return Sample(
        id=pair.id,
        split=split,
        reference=tuple(pair.text.split()),
        frames=len(tokens),
        load=partial(Text, tokens),
        source=pair.where,
        text=pair.text,
        glosses=tokens,
        fps=Text.fps,
    )
