"""Video encoder: an image backbone for each frame (a Swin in Zhang et al. 2023), then the temporal modules.

Padding frames are left out, and the others go through the backbone in passes of a number of frames.
With gradient checkpointing a pass does not retain its activations, so the memory of a longer clip grows only
by its pixels and vectors. Results do not depend on the passes, except for a BatchNorm that is trained, whose
statistics are those of a pass (docs/video.md).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from signkit.data.batch import Batch, length_mask
from signkit.data.landmarks import Layout
from signkit.errors import OperationalError, UserError
from signkit.models.encoders.backbone import freeze, make_backbone, width_of
from signkit.models.encoders.configs import Auto, ImageBackboneConfig
from signkit.models.encoders.packing import packing
from signkit.models.encoders.passes import PER_PASS, Plan, bytes_a_frame, divided, free_memory, planned
from signkit.models.encoders.streaming import Reach
from signkit.models.encoders.temporal import TemporalEncoder, build_temporal


class ImageBackboneFrames(nn.Module):
    """Applies an image backbone to every frame of ``batch.inputs``, uint8 [batch, frames, height, width, 3].

    Args:
        backbone: maps images [n, 3, height, width] to vectors [n, features]. Modules of it whose parameters
            are all frozen stay in eval mode: their statistics are fixed and they drop nothing.
        mean: of each colour, from 0 to 1, which is subtracted from the pixels.
        deviation: of each colour, by which they are divided.
        frames_per_pass: frames that go through the backbone at a time; ``auto``: by the GPU's free memory.
        recompute: do not retain activations; compute them again for the gradient. ``auto``: of what does not
            fit into the GPU's free memory.
        kept_frames: the first so many frames of a batch retain their activations all the same.
        compiled: whether the backbone is compiled by `torch.compile`.
        dropout: probability, on each frame's vector.
    """

    reads = "video"
    reach = Reach()
    scale: Float[Tensor, "3 1 1"]
    shift: Float[Tensor, "3 1 1"]

    def __init__(
        self,
        backbone: nn.Module,
        *,
        mean: Sequence[float],
        deviation: Sequence[float],
        frames_per_pass: int | Auto = PER_PASS,
        recompute: bool | Auto = True,
        kept_frames: int = 0,
        dropout: float = 0.0,
        compiled: bool = False,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        # In a tuple, or it would be a module with weights of its own.
        self._compiled: tuple[Any, ...] = (torch.compile(backbone, dynamic=False),) if compiled else ()
        self.frames_per_pass, self.recompute, self.kept_frames = frames_per_pass, recompute, kept_frames
        self.dropout = dropout
        spread = torch.tensor(deviation).view(3, 1, 1)
        self.register_buffer("scale", 1 / (255 * spread), persistent=False)
        self.register_buffer("shift", -torch.tensor(mean).view(3, 1, 1) / spread, persistent=False)
        self._learns = any(parameter.requires_grad for parameter in backbone.parameters())
        self._sizes: set[tuple[int, int]] = set()
        self._plans: dict[tuple[Any, ...], Plan] = {}

    def train(self, mode: bool = True) -> "ImageBackboneFrames":
        """Set the mode; frozen modules stay in eval mode."""
        super().train(mode)
        for module in self.backbone.modules():
            own = list(module.parameters())
            if own and not any(parameter.requires_grad for parameter in own):
                module.eval()
        return self

    def forward(self, batch: Batch) -> Float[Tensor, "batch frames features"]:
        real = packing(length_mask(batch.lengths, batch.inputs.shape[1]))
        vectors = self.vectors(real.pack(batch.inputs))
        vectors = F.dropout(vectors, self.dropout, self.training)
        return real.unpack(vectors)

    def vectors(self, frames: UInt8[Tensor, "real height width 3"]) -> Float[Tensor, "real features"]:
        """The backbone's vector of each frame.

        Raises:
            UserError: the backbone does not accept frames of this size, does not return vectors, or has a
                BatchNorm in training that sees a single value.
        """
        self._check_size(frames)
        plan = self._plan(frames)
        learns = self._learns and torch.is_grad_enabled()
        run: Callable[[Tensor], Tensor] = self._pass if not self._compiled else self._compiled_pass
        vectors, done = [], 0
        with torch.set_grad_enabled(learns):
            for some, real in divided(frames, plan.per_pass, unit=self._unit(plan, frames.device)):
                if learns and self.recompute and done >= plan.kept:
                    found = checkpoint(run, some, use_reentrant=False, context_fn=self._first_and_second)
                else:
                    found = run(some)
                vectors.append(found[:real])
                done += real
        return torch.cat(vectors)

    def _plan(self, frames: UInt8[Tensor, "real height width 3"]) -> Plan:
        """How frames of this size are divided, the same for all of a process's batches."""
        # Before a training the model computes once on a CPU, and not as in training.
        case = (frames.shape[1], frames.shape[2], frames.device, self._trains_statistics())
        if case not in self._plans:
            per_pass, kept, free = self.frames_per_pass, self.kept_frames, free_memory(frames.device)
            plan = Plan(PER_PASS, kept)
            if free is not None and "auto" in (per_pass, self.recompute):
                weights = sum(weight.nbytes for weight in self.backbone.parameters() if weight.requires_grad)
                with self._as_evaluated():
                    a_frame = bytes_a_frame(self._pass, frames)
                plan = planned(free, a_frame, 3 * weights)  # gradients, and the two moments of Adam
            own = isinstance(per_pass, int)
            # The statistics of a BatchNorm are those of a pass, which must not depend on the machine.
            own_pass = per_pass if own else PER_PASS if self._trains_statistics() else plan.per_pass
            self._plans[case] = Plan(int(own_pass), plan.kept if self.recompute == "auto" else kept)
        return self._plans[case]

    def _unit(self, plan: Plan, device: torch.device) -> int:
        """Of `divided`: few sizes for a compiler and for a GPU, unless statistics would see frames twice."""
        if self._trains_statistics():
            return 0
        return plan.per_pass if self._compiled else -(-plan.per_pass // 4) if device.type == "cuda" else 0

    def _trains_statistics(self) -> bool:
        return any(isinstance(each, _BatchNorm) and each.training for each in self.backbone.modules())

    @contextmanager
    def _as_evaluated(self) -> Iterator[None]:
        self.backbone.eval()
        try:
            yield
        finally:
            self.train(self.training)

    def _compiled_pass(self, frames: UInt8[Tensor, "some height width 3"]) -> Float[Tensor, "some features"]:
        try:
            return self._pass(frames, self._compiled[0])
        except Exception as error:
            if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
                raise
            lines = str(error).strip().splitlines() or [type(error).__name__]
            what = " ".join(lines[: 2 if lines[0].endswith(":") else 1])  # "backend … raised:", and what
            raise OperationalError(f"encoder.compile: {what}; `compile: false` does without") from error

    def _pass(
        self,
        frames: UInt8[Tensor, "some height width 3"],
        backbone: Callable[[Tensor], Tensor] | None = None,
    ) -> Float[Tensor, "some features"]:
        pictures = self.pictures(frames)
        try:
            vectors = (backbone or self.backbone)(pictures)
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            size = f"{frames.shape[1]} x {frames.shape[2]}"
            what = f"a BatchNorm that is trained has one value alone of a pass of one frame of {size}"
            hint = "take more frames a pass, a backbone without BatchNorm, or freeze it"
            raise UserError("encoder.frames_per_pass", what, hint) from error
        if vectors.ndim != 2:
            what = f"returns {list(vectors.shape[1:])} for a frame, and a single vector is needed"
            raise UserError("encoder.backbone", what, "take another")
        return vectors

    def pictures(self, frames: UInt8[Tensor, "some height width 3"]) -> Float[Tensor, "some 3 height width"]:
        """What the backbone is given. In memory the colours of a pixel stay next to each other, as
        convolutions of a GPU are fastest."""
        pictures = frames.permute(0, 3, 1, 2).to(self.scale.dtype) * self.scale + self.shift
        return pictures.contiguous(memory_format=torch.channels_last)

    def _first_and_second(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        """Contexts for the first computation of a pass and for its recomputation, in which the running
        statistics of BatchNorms must not be updated a second time."""
        return nullcontext(), still_statistics(self.backbone)

    def _check_size(self, frames: UInt8[Tensor, "real height width 3"]) -> None:
        """Try each new size of frames once, so that an unsupported size is reported with a clear message."""
        height, width = frames.shape[1:3]
        if (height, width) in self._sizes:
            return
        try:
            with self._as_evaluated(), torch.no_grad():
                self._pass(frames[:1])
        except torch.OutOfMemoryError:
            raise
        except (AssertionError, RuntimeError, ValueError) as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            what = f"the backbone takes no frames of {height} x {width}: {first}"
            raise UserError("video.crop", what, _size_hint(self.backbone)) from error
        self._sizes.add((height, width))


@contextmanager
def still_statistics(module: nn.Module) -> Iterator[None]:
    """Keep the running statistics of a module's BatchNorms from changing; they still normalise by the
    batch's."""
    norms = [each for each in module.modules() if isinstance(each, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    counts = [norm.num_batches_tracked for norm in norms]
    before = [None if count is None else count.clone() for count in counts]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for count, old in zip(counts, before, strict=True):
            if count is not None and old is not None:
                count.copy_(old)


def _size_hint(backbone: nn.Module) -> str:
    about = getattr(backbone, "pretrained_cfg", None) or {}
    size = about.get("input_size", ())
    return f"it was made for {size[1]} x {size[2]}" if len(size) == 3 else ""


def build(config: ImageBackboneConfig, layout: Layout | None, width: int) -> TemporalEncoder:
    """Build the encoder for a corpus of video.

    Raises:
        UserError: the corpus has no video, timm has no such backbone, or the weights do not fit it.
        OperationalError: the weights cannot be downloaded.
    """
    if layout is not None or width != 3:
        what = "'timm' reads video, and the corpus has " + ("features" if layout is None else "landmarks")
        raise UserError(
            "encoder.name", what, "take 'features'" if layout is None else "take 'gcn' or 'kinematic'"
        )
    backbone = make_backbone(config.backbone, config.weights, config.drop_path)
    freeze(backbone, config.freeze)
    about = backbone.pretrained_cfg
    temporal = build_temporal(width_of(backbone), config.local_temporal, config.global_temporal)
    frames = ImageBackboneFrames(
        backbone,
        mean=about["mean"],
        deviation=about["std"],
        frames_per_pass=config.frames_per_pass,
        recompute=config.checkpoint,
        kept_frames=config.kept_frames,
        dropout=config.dropout,
        compiled=config.compile,
    )
    return TemporalEncoder(frames, temporal)
