"""The one door to timm and transformers: both import torchvision, which fails beside some builds of torch.

A torchvision whose compiled operators do not load in this torch (one of them is for CUDA, the other is not)
stops at its own `torchvision::nms`, and takes timm and transformers down with it. Nothing of signkit calls
these operators, so it is enough that they have a signature. Matched builds never come to that. To import
this module is enough; those who do import it late, with what they need it for.
"""

from typing import Any

from torch import library

OPERATORS = ("nms", "qnms")
_LACKING = "operator torchvision::nms does not exist"


def mend_torchvision() -> Any:
    """Make `import torchvision` work; gives the signatures it needed, None where it needs none."""
    try:
        import torchvision
    except ModuleNotFoundError:
        return None  # timm says so itself, and transformers goes without
    except RuntimeError as error:
        if _LACKING not in str(error):
            raise
        signatures = library.Library("torchvision", "DEF")
        for name in OPERATORS:
            signatures.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision  # noqa: F401

        return signatures
    return None


SIGNATURES = mend_torchvision()
"""Made when this module is imported, and as long as it is kept they are known."""


def import_timm() -> Any:
    """timm, which takes seconds to import."""
    import timm

    return timm


def import_transformers() -> Any:
    """transformers; what it needs of torchvision it imports later."""
    import transformers

    return transformers
