"""Options of the corpus `shards`."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from signkit.config.strict_yaml import NewPath, Path_


@dataclass(frozen=True, kw_only=True)
class ShardsConfig:
    """What `signkit data prepare` wrote: clips of any corpus, packed for training."""

    factory: ClassVar[str] = "signkit.data.shards.corpus:read"
    root: Annotated[str, Path_(address=True)]
    """The folder that was its --out, or its address: http, https, s3, gs, or another that fsspec reads."""
    cache: Annotated[str, NewPath()] = ""
    """Where clips of an address are stored once they are fetched; the user's cache folder if empty."""
