"""Shapes in annotations of modules that also run without jaxtyping, which is in the extra `train`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxtyping import Bool, Float32, UInt8
else:
    try:
        from jaxtyping import Bool, Float32, UInt8
    except ImportError:

        class _Unchecked:
            """``Float32[np.ndarray, "frames points"]`` is the array alone."""

            def __class_getitem__(cls, item: tuple[type[Any], str]) -> type[Any]:
                return item[0]

        Bool = Float32 = UInt8 = _Unchecked

__all__ = ["Bool", "Float32", "UInt8"]
