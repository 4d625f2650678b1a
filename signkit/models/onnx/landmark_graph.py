"""A model on landmarks with its preprocessing, in operations of torch alone: what an exported graph computes.

The points are those of a clip as files have them, NaN where one was not seen. The normalisation is that of
`signkit.data.landmarks.normalise` in operations that depend on no value, so that tracing them is right for
every clip.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from signkit.config.recipe import LandmarksConfig, SamplingConfig
from signkit.data.batch import Batch
from signkit.data.landmarks import Layout, subset
from signkit.data.past import NO_EXTENT
from signkit.data.signing_hand import CLEARLY_LESS
from signkit.models.attention import AttentionModel
from signkit.models.classifier import Classifier
from signkit.models.losses.logits import decoded_level
from signkit.models.onnx.decoder_graph import read_of
from signkit.models.output_layer import USED, level_logits

LOG_PROBABILITIES, ACOUSTIC = "log_probabilities", "acoustic"
"""The output of a recogniser; and that of one with a context, whose logits are still to be added. Those of a
classifier are named after its heads."""


class LandmarkGraph(nn.Module):
    """From the points of one clip to log-probabilities, to the acoustic logits of a model with a context, or
    to what an attention model reads.

    Args:
        model: a recogniser, an attention model, or a classifier.
        layout: of the whole points.
        level: of a recogniser's encoder.
    """

    def __init__(
        self,
        model: nn.Module,
        layout: Layout,
        landmarks: LandmarksConfig,
        sampling: SamplingConfig,
        level: str = "video",
    ) -> None:
        super().__init__()
        self.model, self.layout, self.landmarks, self.level = model, layout, landmarks, level
        used, places = subset(layout, landmarks.points, landmarks.hand)
        self.chosen = torch.as_tensor(places)
        parts: dict[str, list[Sequence[int]]] = {
            "frame": [range(len(used.points))],
            "part": [*used.parts.values()],
        }
        self.z_scored = [torch.as_tensor([*part]) for part in parts.get(landmarks.scale, [])]
        self.frames = sampling.frames

    def forward(self, points: Float[Tensor, "1 frames points coords"]) -> dict[str, Tensor]:
        """By the output's name: [1, chunks, symbols] of a recogniser, or [1, classes] of each head."""
        clip, seen = normalised(points[0], self.layout, self.landmarks)
        if self.landmarks.hand == "signing":
            centred = self.landmarks.origin != "none"
            clip, seen = signing_right(clip, seen, self.layout, centred=centred)
        clip, seen = clip[:, self.chosen], seen[:, self.chosen]
        if self.z_scored:
            clip = z_scored(clip, seen, self.z_scored)
        if self.frames:
            places = spaced(seen, self.frames)
            clip, seen = clip[places], seen[places]
        model: Any = self.model
        if isinstance(model, Classifier):
            heads = model(one_clip(clip, seen)).heads
            return {name: logits.log_softmax(-1) for name, logits in heads.items()}
        if isinstance(model, AttentionModel):
            return read_of(model, one_clip(clip, seen))
        encoded = model.encoder(one_clip(clip, seen))  # not `model`, which computes the context, too
        levels = level_logits(encoded, model.output, model.heads, nn.Identity(), reversed(USED))
        logits = decoded_level(levels, self.level) + model.output.bias
        return {LOG_PROBABILITIES: logits.log_softmax(-1)} if model.context_free else {ACOUSTIC: logits}


def one_clip(points: Float[Tensor, "frames points coords"], seen: Bool[Tensor, "frames points"]) -> Batch:
    """A batch of a clip without a reference."""
    frames = torch.ones_like(seen[:, 0], dtype=torch.long)
    nothing = torch.zeros(1, 1, dtype=torch.long)
    return Batch(
        ids=("clip",),
        inputs=points[None],
        seen=seen[None],
        lengths=frames.sum(0, keepdim=True),
        targets=nothing,
        target_lengths=nothing[0],
        frame_labels=frames[None],
        fps=torch.ones(1),
    )


def normalised(
    points: Float[Tensor, "frames points coords"], layout: Layout, config: LandmarksConfig
) -> tuple[Float[Tensor, "frames points coords"], Bool[Tensor, "frames points"]]:
    """Points in the place and size that a model is given them in, 0 where not seen, and which are seen."""
    seen = ~points.isnan().any(-1)
    points = points.masked_fill(~seen[..., None], 0)
    size = clip_size(points, seen, layout) if config.scale == "clip" else torch.ones(())
    if config.scale == "past":
        size = past_size(points, seen, layout)[:, None, None]
    if config.origin != "none":
        past = config.origin == "past"
        origin = past_origin(points, seen, layout) if past else clip_origin(points, seen, layout)[None]
        if config.origin == "frame":
            origin = frame_origin(points, seen, layout, origin)
        planar = points[..., :2] - seen[..., None] * origin[:, None]
        points = torch.cat([planar, points[..., 2:]], -1)
    return points / size, seen


def z_scored(
    points: Float[Tensor, "frames points coords"],
    seen: Bool[Tensor, "frames points"],
    parts: Sequence[Int[Tensor, " _"]],
) -> Float[Tensor, "frames points coords"]:
    """As `signkit.data.landmarks.z_scored`, for parts that have all points between them."""
    scored = []
    for part in parts:
        mask = seen[:, part, None].to(points.dtype)
        count = mask.sum(1, keepdim=True).clamp(min=1)
        centred = (points[:, part] - (points[:, part] * mask).sum(1, keepdim=True) / count) * mask
        deviation = (centred.square().sum(1, keepdim=True) / count).sqrt()
        scored.append(torch.where(deviation > 0, centred / deviation, 0.0))
    return torch.cat(scored, 1)[:, torch.cat([*parts]).argsort()]


def clip_origin(points: Tensor, seen: Bool[Tensor, "frames points"], layout: Layout) -> Float[Tensor, "2"]:
    """The mean of the root points' medians over the frames, or of all seen points."""
    planar = points[..., :2]
    everywhere = (planar * seen[..., None]).sum((0, 1)) / seen.sum().clamp(min=1)
    if not layout.root:
        return everywhere
    root = list(layout.root)
    medians, known = median(planar[:, root], seen[:, root, None].expand(-1, -1, 2))
    mean = (medians * known).sum(0) / known.sum(0).clamp(min=1)
    return torch.where(known.any(0), mean, everywhere)


def frame_origin(
    points: Tensor, seen: Bool[Tensor, "frames points"], layout: Layout, clip: Float[Tensor, "1 2"]
) -> Float[Tensor, "frames 2"]:
    """The mean of those root points that the clip ever shows; the clip's where one of them is not seen."""
    if not layout.root:
        return clip
    root = list(layout.root)
    ever = seen[:, root].any(0)
    mean = (points[:, root, :2] * ever[:, None]).sum(1) / ever.sum().clamp(min=1)
    whole = (seen[:, root] | ~ever).all(1) & ever.any()
    return torch.where(whole[:, None], mean, clip)


def clip_size(points: Tensor, seen: Bool[Tensor, "frames points"], layout: Layout) -> Float[Tensor, ""]:
    """The mean of the reference pairs' median lengths; or the layout's unit, the spread of all points, 1."""
    if layout.unit is not None and not layout.scale:
        return torch.tensor(layout.unit)
    count = seen.sum().clamp(min=1)
    planar, mask = points[..., :2], seen[..., None]
    mean = (planar * mask).sum((0, 1)) / count
    spread = (((planar - mean) * mask).square().sum() / count).sqrt()
    spread = torch.where(spread > 0, spread, torch.ones(()))
    if not layout.scale:
        return spread
    first, second = [a for a, _ in layout.scale], [b for _, b in layout.scale]
    apart = planar[:, first] - planar[:, second]
    lengths, known = median(apart.square().sum(-1).sqrt(), seen[:, first] & seen[:, second])
    known = known & (lengths > 0)
    usual = (lengths * known).sum() / known.sum().clamp(min=1)
    return torch.where(known.any(), usual, spread)


def past_origin(
    points: Float[Tensor, "frames points coords"], seen: Bool[Tensor, "frames points"], layout: Layout
) -> Float[Tensor, "frames 2"]:
    """The origin of each frame by the frames so far, as `signkit.data.past`."""
    planar, root = points[..., :2].double(), list(layout.root)
    everywhere = planar.sum(1).cumsum(0) / _count(seen.sum(1))[:, None]
    if not root:
        return everywhere.to(points.dtype)
    known = seen[:, root].double().cumsum(0)
    mean = (planar[:, root].cumsum(0) / known.clamp(min=1)[..., None]).sum(1)  # 0 of those never seen
    some = (known > 0).sum(1)[:, None]
    return torch.where(some > 0, mean / some.clamp(min=1), everywhere).to(points.dtype)


def past_size(
    points: Float[Tensor, "frames points coords"], seen: Bool[Tensor, "frames points"], layout: Layout
) -> Float[Tensor, " frames"]:
    """The unit of length of each frame by the frames so far, as `signkit.data.past`."""
    if layout.unit is not None and not layout.scale:
        return torch.full_like(points[:, 0, 0], layout.unit)
    planar, count = points[..., :2].double(), _count(seen.sum(1))
    square = planar.square().sum((1, 2)).cumsum(0) / count
    spread = square - (planar.sum(1).cumsum(0) / count[:, None]).square().sum(1)
    usual = torch.where(spread > NO_EXTENT * square, spread, torch.ones_like(spread)).sqrt()
    if not layout.scale:
        return usual.to(points.dtype)
    first, second = [a for a, _ in layout.scale], [b for _, b in layout.scale]
    both = (seen[:, first] & seen[:, second]).double()
    apart = (planar[:, first] - planar[:, second]).square().sum(-1).sqrt() * both
    length = apart.cumsum(0) / both.cumsum(0).clamp(min=1)
    known = (length > 0).sum(1)
    return torch.where(known > 0, length.sum(1) / known.clamp(min=1), usual).to(points.dtype)


def _count(seen: Int[Tensor, " frames"]) -> Tensor:
    """How many so far, at least 1."""
    return seen.double().cumsum(0).clamp(min=1)


def signing_right(
    points: Float[Tensor, "frames points coords"],
    seen: Bool[Tensor, "frames points"],
    layout: Layout,
    *,
    centred: bool,
) -> tuple[Float[Tensor, "frames points coords"], Bool[Tensor, "frames points"]]:
    """The clip, mirrored if the left hand signs, as `signkit.data.signing_hand` finds it.

    Args:
        centred: whether the clip's origin is 0, about which it is mirrored.
    """
    left, right = list(layout.parts["left_hand"]), list(layout.parts["right_hand"])
    counts = [seen[:, hand].any(1).sum() for hand in (left, right)]
    ways = [motion(points[:, hand, :2], seen[:, hand]) for hand in (left, right)]
    unlike = torch.minimum(*counts) < CLEARLY_LESS * torch.maximum(*counts)
    # onnxruntime chooses between numbers only, not between truths
    by_left = (unlike & (counts[0] > counts[1])) | (~unlike & (ways[0] > ways[1]))
    axis = torch.zeros(()) if centred else clip_origin(points, seen, layout)[0]
    image, image_seen = points[:, list(layout.mirror)], seen[:, list(layout.mirror)]
    image = torch.cat([2 * axis - image[..., :1], image[..., 1:]], -1).masked_fill(~image_seen[..., None], 0)
    return torch.where(by_left, image, points), (by_left & image_seen) | (~by_left & seen)


def motion(
    points: Float[Tensor, "frames points 2"], seen: Bool[Tensor, "frames points"]
) -> Float[Tensor, ""]:
    """Of a hand the mean way of a point, relative to the wrist, from frame to frame; 0 if none is known."""
    if points.shape[1] > 1:
        points, seen = points[:, 1:] - points[:, :1], seen[:, 1:] & seen[:, :1]
    known = seen[1:] & seen[:-1]
    ways = (points[1:] - points[:-1]).square().sum(-1).sqrt() * known
    return ways.sum() / known.sum().clamp(min=1)


def median(
    values: Float[Tensor, "frames *columns"], known: Bool[Tensor, "frames *columns"]
) -> tuple[Float[Tensor, "*columns"], Bool[Tensor, "*columns"]]:
    """The median of each column's known values, 0 without any, and whether there are any: the mean of the two
    in the middle of the sorted values, unknown ones being sorted behind all others."""
    ordered = values.masked_fill(~known, torch.inf).sort(0).values
    count = known.sum(0, keepdim=True)
    low, high = (count - 1).clamp(min=0) // 2, torch.minimum(count // 2, (count - 1).clamp(min=0))
    middle = (ordered.gather(0, low) + ordered.gather(0, high))[0] / 2
    there = (count > 0)[0]
    return torch.where(there, middle, torch.zeros(())), there


def spaced(seen: Bool[Tensor, "frames points"], count: int) -> Tensor:
    """The middles of ``count`` equal parts of the clip, as `signkit.data.sampling.sampled_frames`."""
    # A vector of one: in graphs torch takes numbers without a dimension for float32, which is too coarse.
    frames = torch.ones_like(seen[:, 0], dtype=torch.float64).sum(0, keepdim=True)
    edges = torch.arange(count + 1, dtype=torch.float64) * (frames / count)
    return ((edges[:-1] + edges[1:]) / 2).long()
