"""MiCT-RANet on frames as they come: the logits of each frame, the same as of the whole clip.

A frame's map depends on the frames around it that the 3-D convolutions reach: with kernels of five frames, 11
before it and 11 after it. So a frame is answered once those after it are there. Each call computes the maps
of a window, the frames that are answered and those around them; the recurrent state goes from call to call.

    frames     . . . [ before | answered now | after ] . . .
    window           [------------ maps -------------]
"""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from signkit.data.batch import Batch
from signkit.data.motion import How, MotionStream
from signkit.errors import UserError
from signkit.models.ctc import Ctc
from signkit.models.encoders.mict_attention import State
from signkit.models.encoders.mict_ranet import MictRanet

Frames = UInt8[Tensor, "frames height width 3"]
Maps = UInt8[Tensor, "frames _ _"]


class MictStream:
    """The logits of a clip whose frames come one after the other.

    Args:
        model: a trained `ctc` on `mict_ranet`; it is set to eval mode.
        motion: `video.motion` of its recipe.

    Attributes:
        delay: how many frames after its own a frame is answered.

    Raises:
        UserError: the model is another one.

    Example:
        trained = read_export(Path("runs/mine"))
        stream = MictStream(trained.model, trained.recipe.video.motion)
        logits = stream.push(frames)  # uint8 [frames, crop, crop, 3]
        last = stream.finish()
    """

    def __init__(self, model: torch.nn.Module, motion: How = "none") -> None:
        if not isinstance(model, Ctc) or not isinstance(model.encoder, MictRanet):
            raise UserError("model", "is no `ctc` on the encoder `mict_ranet`", "others read whole clips")
        self._model, self._encoder = model.eval(), model.encoder
        self._how: How = motion
        self.delay = self._encoder.cnn.after
        self._begin()

    def _begin(self) -> None:
        self._frames: Frames | None = None
        self._maps: Maps | None = None
        self._motion = None if self._how == "none" else MotionStream(self._how)
        self._context = 0  # how many of the frames are answered and only needed by later ones
        self._state: State | None = None

    def push(self, frames: Frames) -> Float[Tensor, "answered vocab"]:
        """The logits of the frames that can be answered now, none or more.

        Args:
            frames: of the size that the model was trained on, `video.crop`.
        """
        self._frames = _joined(self._frames, frames)
        if self._motion is not None:
            self._maps = _joined(self._maps, torch.from_numpy(self._motion.push(frames.cpu().numpy())))
        return self._answer(len(self._frames) - self._context - self.delay)

    def finish(self) -> Float[Tensor, "answered vocab"]:
        """The logits of the frames that are left; then the next clip may begin."""
        if self._frames is None:
            return self._answer(0)
        if self._motion is not None:
            self._maps = _joined(self._maps, torch.from_numpy(self._motion.finish()))
        logits = self._answer(len(self._frames) - self._context)
        self._begin()
        return logits

    @torch.no_grad()
    def _answer(self, count: int) -> Float[Tensor, "answered vocab"]:
        """The logits of the next frames; the window is all that is retained."""
        bias = self._model.output.bias
        if count <= 0 or self._frames is None:
            return bias.new_empty(0, len(bias))
        now = slice(self._context, self._context + count)
        maps = self._encoder.maps(_one_clip(self._frames).to(bias.device))[:, now]
        motion = None if self._maps is None else self._maps[None, now].to(bias.device)
        vectors, _, self._state = self._encoder.attend(maps, motion, self._state)
        gone = max(0, now.stop - self._encoder.cnn.before)
        self._frames, self._context = self._frames[gone:], now.stop - gone
        self._maps = None if self._maps is None else self._maps[gone:]
        logits: Tensor = self._model.output(vectors[0]) + bias
        return logits


def _joined(before: Tensor | None, more: Tensor) -> Tensor:
    return more if before is None else torch.cat([before, more])


def _one_clip(frames: Frames) -> Batch:
    count = len(frames)
    return Batch(
        ids=("",),
        inputs=frames[None],
        seen=torch.ones(1, count, 1, dtype=torch.bool),
        lengths=torch.tensor([count]),
        targets=torch.zeros(1, 0, dtype=torch.long),
        target_lengths=torch.zeros(1, dtype=torch.long),
        frame_labels=torch.full((1, count), -100),
        fps=torch.full((1,), 25.0),
    )
