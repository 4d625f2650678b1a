"""The losses as plain functions of tensors, for training code of your own.

    from signkit.losses import cst_loss

Each gives one value a sample, in nats. Nothing is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signkit.models.losses.cst import cst_loss
    from signkit.models.losses.ctc import ctc_loss
    from signkit.models.losses.frame_ce import frame_cross_entropy
    from signkit.models.losses.kl import kl_loss
    from signkit.models.losses.stc import stc_loss

__all__ = ["cst_loss", "ctc_loss", "frame_cross_entropy", "kl_loss", "stc_loss"]

_HOMES = {
    "cst_loss": "cst",
    "ctc_loss": "ctc",
    "frame_cross_entropy": "frame_ce",
    "kl_loss": "kl",
    "stc_loss": "stc",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"signkit.models.losses.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
