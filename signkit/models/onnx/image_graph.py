"""A classifier of images with its preprocessing, in operations of torch alone: what a graph computes.

An image of any size is resized and cropped as `signkit.data.video` does it, to the very integer: bilinear or
bicubic, averaged where it shrinks, in the fixed-point arithmetic of torch's `interpolate` for 8 bits (weights
of 16 bits; rounded after the rows and again after the columns). ONNX's own resizing rounds otherwise. Here it
is two products with matrices, which every runtime has. Their sums are exact in float32 where a side shrinks
to no less than a quarter; below that one pixel of many thousands may be a level brighter or darker.
"""

import torch
from jaxtyping import Float, Float64, Shaped, UInt8
from torch import Tensor, nn

from signkit.config.recipe import VideoConfig
from signkit.data.batch import Batch
from signkit.models.classifier import Classifier, LabelLogits

MOST_BITS = 22
"""Weights have fewer fractional bits than this, and as many as leave the largest one below 2 ** 15."""


class ImageGraph(nn.Module):
    """From the pixels of one image to log-probabilities.

    Args:
        model: a classifier whose clips are images.
        video: the size of what it is given.
    """

    def __init__(self, model: Classifier, video: VideoConfig) -> None:
        super().__init__()
        self.model, self.video = model, video

    def forward(self, image: UInt8[Tensor, "height width 3"]) -> dict[str, Tensor]:
        """Log-probabilities [1, classes] of each head."""
        output: LabelLogits = self.model(one_image(fitted(image, self.video)))
        return {name: logits.log_softmax(-1) for name, logits in output.heads.items()}


def one_image(pixels: Float[Tensor, "crop crop 3"]) -> Batch:
    """A batch of an image without a reference."""
    one, nothing = torch.ones(1, 1, dtype=torch.long), torch.zeros(1, 1, dtype=torch.long)
    return Batch(
        ids=("image",),
        inputs=pixels[None, None],
        seen=torch.ones(1, 1, 1, dtype=torch.bool),
        lengths=one[0],
        targets=nothing,
        target_lengths=nothing[0],
        frame_labels=one,
        fps=torch.ones(1),
    )


def fitted(image: UInt8[Tensor, "height width 3"], video: VideoConfig) -> Float[Tensor, "crop crop 3"]:
    """The image as evaluation gives it to the model, integers from 0 to 255: resized, and of that the middle
    square."""
    columns, rows = places(image[:, 0, 0]), places(image[0, :, 0])
    size = fitted_size(torch.cat([columns[-1:], rows[-1:]]) + 1, video)
    down, down_unit = resizing(columns, size[:1], video)
    across, across_unit = resizing(rows, size[1:], video)
    pixels = image.permute(2, 0, 1).to(torch.float32)
    pixels = _rounded(pixels @ across.T, across_unit)
    pixels = _rounded(down @ pixels, down_unit)
    return pixels.permute(1, 2, 0).reshape(video.crop, video.crop, 3)


def fitted_size(sides: Float64[Tensor, "2"], video: VideoConfig) -> Float64[Tensor, "2"]:
    """As `signkit.data.video.fit.fitted_size`."""
    if video.fit == "stretch":
        return torch.full_like(sides, video.resize)
    if video.fit == "short":
        return torch.floor(video.resize * sides / sides.min())
    return torch.round(video.resize * sides / sides.max()).clamp(min=1)


def resizing(
    source: Float64[Tensor, " pixels"], size: Float64[Tensor, "1"], video: VideoConfig
) -> tuple[Float[Tensor, "crop pixels"], Float[Tensor, "1"]]:
    """The weights of a side's pixels for each place of the crop, integers, and the integer that means 1.

    Places in the black around a picture have weights of 0. Single numbers are vectors of one, since in graphs
    torch takes those without a dimension for float32.

    Args:
        source: the pixels' places: 0, 1, …
        size: of the side when it is resized.
    """
    pixels = source[-1:] + 1
    step = pixels / size
    wide = step.clamp(min=1)
    support = wide * (2 if video.interpolation == "bicubic" else 1)
    middle = step * (places_of(size) + 0.5)[:, None]
    inside = (source >= torch.floor(middle - support + 0.5)) & (source < torch.floor(middle + support + 0.5))
    apart = ((source - middle + 0.5) / wide).abs()
    weights = (_cubic(apart) if video.interpolation == "bicubic" else (1 - apart).clamp(min=0)) * inside
    weights = weights / weights.cumsum(1)[:, -1:]  # not `sum`, whose order is its own in every runtime
    units = 2.0 ** torch.arange(MOST_BITS + 1, dtype=torch.float64)
    largest = weights.flatten().max(0, keepdim=True).values
    bits = (torch.floor(largest * units[1:] + 0.5) < 2**15).sum(0, keepdim=True).clamp(max=MOST_BITS - 1)
    unit = units[bits]
    weights = torch.sign(weights) * torch.floor(weights.abs() * unit + 0.5)

    crop = torch.arange(video.crop, dtype=torch.float64)
    total = torch.full_like(size, video.resize) if video.fit == "pad" else size
    at = crop + torch.round((total - video.crop) / 2)
    at = at - torch.floor((video.resize - size) / 2) if video.fit == "pad" else at
    shown = (at >= 0) & (at < size)
    chosen = weights[torch.minimum(at.clamp(min=0), size - 1).long()] * shown[:, None]
    return chosen.to(torch.float32), unit.to(torch.float32)


def places(pixels: Shaped[Tensor, " pixels"]) -> Float64[Tensor, " pixels"]:
    """0, 1, … for each of some values, in operations that a graph takes for any number of them."""
    return torch.ones_like(pixels, dtype=torch.float64).cumsum(0) - 1


def places_of(size: Float64[Tensor, "1"]) -> Float64[Tensor, " size"]:
    """0, 1, … up to a size that is a tensor."""
    return torch.arange(size[0].long()).to(torch.float64)  # type: ignore[call-overload,no-any-return]


def _cubic(apart: Tensor) -> Tensor:
    """Keys' kernel with -0.5, as Pillow's and torch's with `antialias`."""
    near = (1.5 * apart - 2.5) * apart * apart + 1
    far = (((apart - 5) * apart + 8) * apart - 4) * -0.5
    return torch.where(apart < 1, near, torch.where(apart < 2, far, 0.0))


def _rounded(sums: Float[Tensor, "*shape"], unit: Float[Tensor, "1"]) -> Float[Tensor, "*shape"]:
    return torch.floor((sums + unit / 2) / unit).clamp(0, 255)
