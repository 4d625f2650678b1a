"""The losses as plain functions of tensors, for training code of your own.

    from signkit.losses import cst_loss

Each gives one value a sample, in nats. Nothing is imported before it is used.
"""

from typing import TYPE_CHECKING

from signkit.runtime.lazy import lazy

if TYPE_CHECKING:
    from signkit.models.losses.cst import cst_loss
    from signkit.models.losses.ctc import ctc_loss
    from signkit.models.losses.frame_ce import frame_cross_entropy
    from signkit.models.losses.kl import kl_loss
    from signkit.models.losses.stc import stc_loss

__all__ = ["cst_loss", "ctc_loss", "frame_cross_entropy", "kl_loss", "stc_loss"]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "cst_loss": "signkit.models.losses.cst",
        "ctc_loss": "signkit.models.losses.ctc",
        "frame_cross_entropy": "signkit.models.losses.frame_ce",
        "kl_loss": "signkit.models.losses.kl",
        "stc_loss": "signkit.models.losses.stc",
    },
)
