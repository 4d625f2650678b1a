"""Imports of timm and transformers that work with a torchvision that does not match the installed torch.

Both libraries import torchvision. If its compiled operators do not load in this torch (one is built for CUDA,
the other is not), the import fails at `torchvision::nms` and takes timm and transformers down with it.
signkit never calls these operators, so declaring their signatures is enough; matching builds are not touched.
The functions here repair it when they import one of them, which is done late, for it takes seconds.
"""

from functools import cache
from typing import Any

from torch import library

OPERATORS = ("nms", "qnms")
_LACKING = "operator torchvision::nms does not exist"


@cache  # which holds the library: torch forgets the signatures when the object is deleted
def mend_torchvision() -> Any:
    """Make `import torchvision` work; returns the library of declared signatures, None if none was needed."""
    try:
        import torchvision
    except ModuleNotFoundError:
        return None  # timm's own message is clear, and transformers does not need it
    except RuntimeError as error:
        if _LACKING not in str(error):
            raise
        signatures = library.Library("torchvision", "DEF")
        for name in OPERATORS:
            signatures.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision  # noqa: F401

        return signatures
    return None


def import_timm() -> Any:
    """Import timm."""
    mend_torchvision()
    import timm

    return timm


def import_transformers() -> Any:
    """Import transformers, which imports torchvision later, when it needs it."""
    mend_torchvision()
    import transformers

    return transformers
