"""The laws of an encoder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from signkit.data.batch import Batch
from signkit.data.layouts import Layout
from signkit.data.layouts import layout as layout_named
from signkit.models.encoders.protocol import Encoder, EncoderOutput
from signkit.types import VIDEO, WRITTEN

LENGTHS = (13, 1, 6, 16)
"""Frames of the clips of a batch."""
UNSEEN = 0.2
"""Share of the points that are not seen."""
LONGEST = 40


def check_encoder(
    build: Callable[[], nn.Module],
    *,
    layout: str | Layout = "",
    width: int = 3,
    side: int = 32,
    dtype: torch.dtype = torch.float64,
    tolerance: float = 1e-7,
    noise: float = 0.1,
) -> None:
    """Hold an encoder to its laws: no output depends on padding, on the order of a batch or on its other
    clips; `output_lengths` tells the truth, at least 1 chunk for 1 frame; every parameter gets a gradient.

    Args:
        build: gives a new encoder. It is built a few times, seeded before, and its weights are moved a
            little, so that those that begin with zero play a part. Dropout is switched off.
        layout: of the landmarks that it reads, by name; "" for features, ``"video"`` for frames, ``"text"``
            for written sources.
        width: coordinates a point, numbers a feature vector, or different tokens of sources.
        side: height and width of frames.
        dtype: that it is computed in.
        tolerance: how far outputs may differ, as a share of the largest one.
        noise: standard deviation of the move of the weights.

    Raises:
        AssertionError: saying which law is broken.
    """
    named = isinstance(layout, str) and layout not in ("", VIDEO, WRITTEN)
    on = layout_named(str(layout)) if named else layout
    points = on if isinstance(on, Layout) else None
    clips = _Clips(points, width, side if on == VIDEO else 0, dtype, written=on == WRITTEN)
    laws = _Laws(build, clips, dtype, tolerance, noise)
    laws.is_an_encoder()
    laws.lengths_tell_the_truth()
    for training in (False, True):
        laws.padding_changes_nothing(training)
        laws.order_is_kept(training)
    laws.a_clip_alone_is_as_in_a_batch()
    laws.every_parameter_gets_a_gradient()


@dataclass(frozen=True)
class _Clips:
    """Batches of clips; clip i is always the same one, cut to its length."""

    layout: Layout | None
    width: int
    side: int
    dtype: torch.dtype
    written: bool = False

    @property
    def kind(self) -> str:
        """As an encoder's `reads` names it."""
        if self.side or self.written:
            return VIDEO if self.side else "text"
        return "landmarks" if self.layout else "features"

    def __call__(self, lengths: Sequence[int], frames: int = 0) -> Batch:
        size, frames = len(lengths), max(frames, *lengths)
        points = len(self.layout.points) if self.layout else 1
        shape: tuple[int, ...] = (points, self.width) if self.layout else (self.width,)
        if self.side or self.written:
            shape = (self.side, self.side, 3) if self.side else ()
        dtype = torch.uint8 if self.side else torch.int64 if self.written else self.dtype
        inputs = torch.zeros(size, frames, *shape, dtype=dtype)
        seen = torch.zeros(size, frames, points, dtype=torch.bool)
        half = self.side // 2
        motion = torch.zeros(size, frames, half, half, dtype=torch.uint8) if self.side else None
        for i, length in enumerate(lengths):
            generator = torch.Generator().manual_seed(i)
            visible = torch.rand(LONGEST, points, generator=generator) >= (UNSEEN if self.layout else 0)
            if self.side or self.written:
                values = 256 if self.side else self.width
                clip = torch.randint(0, values, (LONGEST, *shape), generator=generator, dtype=dtype)
            else:
                clip = torch.randn(LONGEST, *shape, generator=generator, dtype=torch.float64).to(self.dtype)
            if self.layout:
                clip = clip * visible[..., None]
            inputs[i, :length], seen[i, :length] = clip[:length], visible[:length]
            if motion is not None:
                maps = torch.randint(0, 256, (LONGEST, half, half), generator=generator, dtype=torch.uint8)
                motion[i, :length] = maps[:length]
        return Batch(
            ids=tuple(map(str, range(size))),
            inputs=inputs,
            seen=seen,
            lengths=torch.tensor(lengths),
            targets=torch.zeros(size, 1, dtype=torch.long),
            target_lengths=torch.ones(size, dtype=torch.long),
            frame_labels=torch.full((size, frames), -100),
            fps=torch.full((size,), 25.0),
            motion=motion,
        )


@dataclass(frozen=True)
class _Laws:
    build: Callable[[], nn.Module]
    clips: _Clips
    dtype: torch.dtype
    tolerance: float
    noise: float

    def fresh(self, training: bool) -> Any:
        """An encoder away from its beginning, always the same one, without dropout."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            encoder = self.build().to(self.dtype).train(training)
            with torch.no_grad():
                for parameter in encoder.parameters():
                    parameter.add_(self.noise * torch.randn_like(parameter))
                for module in encoder.modules():
                    _move_statistics(module)
        for module in encoder.modules():
            if "Drop" in type(module).__name__:
                module.eval()
            for name in ("dropout", "drop_prob"):
                if isinstance(getattr(module, name, None), float):
                    setattr(module, name, 0.0)
        return encoder

    def is_an_encoder(self) -> None:
        encoder = self.fresh(training=False)
        lacking = [
            name
            for name in ("dims", "reads", "output_lengths", "chunk_centres")
            if not hasattr(encoder, name)
        ]
        assert not lacking, f"an encoder has `{'`, `'.join(lacking)}`, and this one has not"
        assert isinstance(encoder, Encoder)
        kind = self.clips.kind
        assert encoder.reads == kind, f"`reads` is {encoder.reads!r}, and it is given {kind}"
        output = encoder(self.clips(LENGTHS))
        assert isinstance(output, EncoderOutput), f"it gives a {type(output).__name__}, no EncoderOutput"
        for name in ("chunk", "video"):
            assert name in output.levels, f"it has no level `{name}`"
        for name, level in output.levels.items():
            width = encoder.dims.get(name)
            assert width == level.shape[2], (
                f"`dims[{name!r}]` is {width}, and the level {level.shape[2]} wide"
            )
        assert output.auxiliary.shape == (len(LENGTHS),), "`auxiliary` is not one number a clip"

    def lengths_tell_the_truth(self) -> None:
        encoder = self.fresh(training=False)
        for frames in (*range(1, 12), LONGEST - 1, LONGEST):
            length = int(encoder.output_lengths(torch.tensor([frames])))
            with torch.no_grad():
                output = encoder(self.clips([frames]))
            chunks = {int(output.lengths), *(level.shape[1] for level in output.levels.values())}
            what = f"and the output has {sorted(chunks)} chunks"
            assert chunks == {length}, f"`output_lengths` says {length} for {frames} frames, {what}"
            assert length >= 1, f"{frames} frames give no chunk"
            centres = encoder.chunk_centres(length).tolist()
            assert len(centres) == length, f"`chunk_centres({length})` gives {len(centres)} frames"
            assert centres == sorted(set(centres)), f"the centres of chunks do not rise: {centres}"
            assert centres[0] >= 0, f"the first chunk is centred before the clip, at {centres[0]}"

    def padding_changes_nothing(self, training: bool) -> None:
        longest = max(LENGTHS)
        exact = self.fresh(training)(self.clips(LENGTHS))
        for more in (1, 3, 10):
            batch = self.clips(LENGTHS, longest + more)
            padding = torch.arange(longest + more) >= batch.lengths[:, None]
            self.same(exact, self.fresh(training)(batch), f"{more} more frames of padding change", training)
            dirty = batch.inputs.clone()
            dirty[padding] = self.clips.width - 1 if self.clips.written else 201
            seen = batch.seen | padding[..., None]
            motion = batch.motion
            if motion is not None:
                motion = motion.masked_fill(padding[..., None, None], 99)
            found = self.fresh(training)(replace(batch, inputs=dirty, seen=seen, motion=motion))
            self.same(exact, found, "what lies in the padding changes", training)

    def order_is_kept(self, training: bool) -> None:
        batch, order = self.clips(LENGTHS), torch.tensor([2, 0, 3, 1])
        permuted = {
            each.name: getattr(batch, each.name)[order]
            for each in fields(batch)
            if isinstance(getattr(batch, each.name), Tensor)
        }
        shuffled = replace(batch, ids=tuple(batch.ids[i] for i in order.tolist()), **permuted)
        one, other = self.fresh(training)(batch), self.fresh(training)(shuffled)
        straight = EncoderOutput(
            {name: level[order] for name, level in one.levels.items()},
            one.lengths[order],
            one.auxiliary[order],
        )
        self.same(straight, other, "another order of the batch changes", training)

    def a_clip_alone_is_as_in_a_batch(self) -> None:
        encoder = self.fresh(training=False)
        with torch.no_grad():
            together = encoder(self.clips(LENGTHS))
            alone = encoder(self.clips(LENGTHS[:1]))
        first = EncoderOutput(
            {name: level[:1] for name, level in together.levels.items()},
            together.lengths[:1],
            together.auxiliary[:1],
        )
        self.same(alone, first, "the other clips of a batch change", training=False)

    def every_parameter_gets_a_gradient(self) -> None:
        for lengths in (LENGTHS, LENGTHS[:1]):
            encoder = self.fresh(training=True)
            output = encoder(self.clips(lengths))
            generator = torch.Generator().manual_seed(0)
            total = output.auxiliary.sum()
            for level in output.levels.values():
                weights = torch.randn(level.shape, generator=generator, dtype=torch.float64).to(level)
                total = total + (level * weights).sum()
            total.backward()
            learning = [(name, p.grad) for name, p in encoder.named_parameters() if p.requires_grad]
            silent = [name for name, grad in learning if grad is None or not bool(grad.any())]
            assert not silent, f"no gradient reaches {', '.join(silent)} in a batch of {len(lengths)}"
            broken = [name for name, grad in learning if grad is not None and not bool(grad.isfinite().all())]
            assert not broken, f"the gradient of {', '.join(broken)} is not finite"

    def same(self, expected: EncoderOutput, found: EncoderOutput, what: str, training: bool) -> None:
        """Compare as far as the clips go; beyond there are zeros."""
        when = " in training" if training else ""
        assert torch.equal(expected.lengths, found.lengths), f"{what} the number of chunks{when}"
        for name, level in expected.levels.items():
            other, chunks = found.levels[name], level.shape[1]
            beyond = torch.arange(other.shape[1]) >= found.lengths[:, None]
            assert not bool(other[beyond].any()), (
                f"the level `{name}` is not zero after the end of a clip{when}"
            )
            self.close(level, other[:, :chunks], f"{what} the level `{name}`{when}")
        self.close(expected.auxiliary, found.auxiliary, f"{what} the auxiliary loss{when}")

    def close(self, expected: Tensor, found: Tensor, message: str) -> None:
        room = self.tolerance * float(expected.detach().abs().max().clamp(min=1e-3))
        apart = float((expected - found).detach().abs().max())
        assert apart <= room, f"{message}, by {apart:.2g}"


def _move_statistics(module: nn.Module) -> None:
    """Give a norm running statistics that it would not begin with."""
    mean, variance = getattr(module, "running_mean", None), getattr(module, "running_var", None)
    if isinstance(mean, Tensor) and isinstance(variance, Tensor):
        mean.normal_(0, 0.3)
        variance.uniform_(0.5, 2.0)
