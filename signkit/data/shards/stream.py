"""Shards read from their first byte to their last, the WebDataset way: from a disk or from object storage.

Shards are dealt to processes and to their loaders' workers; each gives its clips in the shard's order.
"""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from signkit.config.registry import extra_for
from signkit.data.shards.clip import MemoryClip, npz_signal
from signkit.errors import UserError
from signkit.types import Sample, Segment, Signal, Video

__all__ = ["sample_of", "stream"]


def stream(urls: Sequence[str | Path], *, shuffle: int = 0, seed: int = 0) -> "Iterator[Sample] | Any":
    """A torch `IterableDataset` of samples, each once over all processes and workers together.

    Args:
        urls: of shards: paths, or whatever `webdataset` opens (``https:``, ``pipe:aws s3 cp … -``).
        shuffle: clips that are mixed at a time, the order of the shards too; 0 keeps the order.
        seed: of the mixing.

    Raises:
        UserError: webdataset is not installed.
    """
    with extra_for("shards as a stream"):
        import webdataset  # type: ignore[import-untyped]
    dataset = webdataset.WebDataset(
        [str(url) for url in urls],
        nodesplitter=webdataset.split_by_node,
        workersplitter=webdataset.split_by_worker,
        shardshuffle=len(urls) if shuffle else False,
        seed=seed,
        empty_check=False,  # there may be fewer shards than workers
    )
    if shuffle:
        dataset = dataset.shuffle(shuffle, seed=seed)
    return dataset.map(sample_of)


def sample_of(record: dict[str, Any]) -> Sample:
    """A sample from what `webdataset` gives of a clip: bytes by the ending of their name.

    Raises:
        UserError: it is not a clip of a prepared corpus.
    """
    where = f"{record.get('__url__', 'shard')}: clip {record.get('__key__')}"
    try:
        about = json.loads(record["json"])
        return Sample(
            id=about["id"],
            split=about["split"],
            reference=tuple(about["reference"]),
            frames=about["frames"],
            load=partial(_signal, record, float(about["fps"]), where),
            source=where,
            signer=about["signer"],
            text=about["text"],
            segments=tuple(Segment(*segment) for segment in about["segments"]),
            labels=about.get("labels", {}),
            fps=float(about["fps"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        what = "is not a clip of `signkit data prepare`"
        raise UserError(where, f"{what} ({type(error).__name__}: {error})") from error


def _signal(record: dict[str, Any], fps: float, where: str) -> Signal:
    if "npz" in record:
        return npz_signal(record["npz"], where, fps)
    names = sorted(name for name in record if name.endswith(".jpg"))
    return Video(MemoryClip([record[name] for name in names], where, fps))
