"""Options of the corpus `shards`."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from signkit.config.strict_yaml import Path_


@dataclass(frozen=True, kw_only=True)
class ShardsConfig:
    """What `signkit data prepare` wrote: clips of any corpus, packed for training."""

    factory: ClassVar[str] = "signkit.data.shards.corpus:read"
    root: Annotated[str, Path_()]
    """The folder that was its --out."""
