"""`signkit data prepare`: a corpus of video, or of landmarks or features, packed for training."""

import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from signkit.commands.data.chosen import chosen_corpus
from signkit.commands.data.summary import print_summary, size_text
from signkit.config.strict_yaml import Path_, field_types
from signkit.data.corpora.build import build_corpus
from signkit.data.motion import How, check_motion
from signkit.data.shards.index import NO_MOTION, Header, Refused
from signkit.data.shards.pack import Pack
from signkit.data.shards.store import LOCK, Store, begin, check_out
from signkit.errors import UserError
from signkit.runtime.files import plainly, sha256
from signkit.runtime.pool import Executor, processors, run_tasks
from signkit.runtime.progress import Watch
from signkit.runtime.ray_pool import connected
from signkit.runtime.run_folder import locked
from signkit.runtime.signals import Interrupted, stop_on_signals
from signkit.types import VIDEO, WRITTEN, Corpus

UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
PACKAGES = {True: ("av", "numpy", "pillow", "torch"), False: ("numpy",)}
"""Whose versions decide about the bits: for video, and for landmarks and features."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a corpus is packed; the options of the command."""

    out: Path
    root: str | Path | None = None
    overrides: tuple[str, ...] = ()
    size: int = 256
    motion: How = "none"
    format: str = "shards"
    quality: int = 92
    shard_size: str = "1GB"
    workers: int = 0
    executor: Executor = "local"
    address: str = ""
    damaged: Literal["refuse", "skip"] = "refuse"
    as_json: bool = False


def prepare_corpus(ref: str, options: Options) -> int:
    """Pack a corpus, or go on where it was broken off; returns the exit status.

    Args:
        ref: a recipe, or the name of a corpus.

    Raises:
        UserError: no such corpus, a wrong option, a folder that cannot be used, a damaged clip.
        OperationalError: the disk is full or cannot be written, or a worker was killed.
    """
    config = chosen_corpus(ref, options.root, options.overrides)
    check_out(options.out, _sources(config))
    shard_size = bytes_of(options.shard_size)
    if options.format == "mp4" and options.size % 2:
        raise UserError("--size", f"{options.size} is odd, and mp4 files need an even one")
    if options.motion != NO_MOTION and options.format == "mp4":
        raise UserError("--motion", "is for shards, and --format is mp4", "it is computed in training then")
    check_motion(options.motion)
    with connected(options.executor, options.address), stop_on_signals() as stop:
        try:
            corpus = build_corpus(config)
            if corpus.layout == WRITTEN:
                raise UserError(corpus.name, "has written sources, which need no packing")
            header = _header(corpus, options, shard_size)
            _prepare(corpus, header, options)
        except Interrupted:
            print("interrupted; the same command goes on from here", file=sys.stderr)
            return stop.exit_code
    print_summary(options.out, header, options.as_json)
    return 0


def _sources(config: Any) -> list[Path]:
    """The folders that a corpus is read from: its options that are paths."""
    cls: type = type(config)
    hints = field_types(cls)
    paths = (name for name, hint in hints.items() if any(isinstance(n, Path_) for n in _notes(hint)))
    return [Path(value) for name in paths if isinstance(value := getattr(config, name), str) and value]


def _notes(hint: Any) -> tuple[Any, ...]:
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def bytes_of(text: str) -> int:
    """A number of bytes, such as ``500MB``.

    Raises:
        UserError: it is none.
    """
    match = re.fullmatch(r"([0-9]{1,15}) ?(|KB|MB|GB)", text.strip(), re.IGNORECASE)
    if match is None or int(match[1]) == 0:
        raise UserError("--shard-size", f"{text!r} is not a size", "for example 500MB or 2GB")
    return int(match[1]) * UNITS[match[2].upper()]


def _header(corpus: Corpus, options: Options, shard_size: int) -> Header:
    return Header(
        name=corpus.name,
        layout=corpus.layout,
        width=corpus.width,
        fingerprint=corpus.fingerprint,
        clips=len(corpus.samples),
        left_out=corpus.left_out,
        format=options.format,
        size=options.size,
        quality=options.quality,
        motion=options.motion if corpus.layout == VIDEO else NO_MOTION,
        shard_size=shard_size,
        versions={name: _version(name) for name in PACKAGES[corpus.layout == VIDEO]},
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _prepare(corpus: Corpus, header: Header, options: Options) -> None:
    """Pack what is not packed yet."""
    watch = Watch(options.out, main=True, log=False)
    with _held(options.out):
        store = begin(options.out, header, corpus.samples, retry=options.damaged == "refuse")
        try:
            if not store.finished:
                _fill(store, options, watch)
                store.finish(corpus, _sums(store, options.workers or processors(), watch))
        finally:
            store.tidy()


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    with plainly(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        try:
            yield
        finally:
            (folder / LOCK).unlink(missing_ok=True)


def _fill(store: Store, options: Options, watch: Watch) -> None:
    """Pack the clips that are left, in their order."""
    first, total = len(store.records), len(store.order)
    size, begun = sum(getattr(record, "bytes", 0) for record in store.records), time.monotonic()
    if first:
        watch.say(f"{first} of {total} clips are there already")
    pack = Pack(store.samples, store.header)
    with (
        run_tasks(pack, store.order[first:], executor=options.executor, workers=options.workers) as results,
        watch.bar("clips", total, first) as bar,
    ):
        for done, packed in enumerate(results, first + 1):
            if isinstance(packed, Refused):
                _check_skipped(packed, options.damaged)
                watch.say(f"left out: {packed.error()}")
            else:
                size += len(packed.content)
            store.add(packed)
            rate = (done - first) / (time.monotonic() - begun)
            bar.at(done, f"{rate:.1f} clips/s  {size_text(size)}")
    store.close_shard()


def _check_skipped(refused: Refused, damaged: str) -> None:
    """Stop at a clip that cannot be used, unless it is one of train and may be left out."""
    if damaged == "skip" and refused.split == "train":
        return
    hint = "mend it and run the same command again"
    hint += ", or leave out such clips of train with --damaged skip" if refused.split == "train" else ""
    raise UserError(refused.where, refused.what, f"{refused.hint}; {hint}" if refused.hint else hint)


def _sums(store: Store, workers: int, watch: Watch) -> dict[str, str]:
    """The SHA-256 of all files of clips, read again from the disk."""
    files = store.files()
    # Threads: hashing lets others run, and a process that is connected to ray cannot be forked.
    with ThreadPoolExecutor(workers) as pool, watch.bar("checksums", len(files)) as bar:
        sums = {}
        for name, digest in zip(files, pool.map(partial(_sum, store.folder), files), strict=True):
            sums[name] = digest
            bar.at(len(sums))
    return sums


def _sum(folder: Path, name: str) -> str:
    with plainly(folder / name, "read"):
        return sha256(folder / name)
