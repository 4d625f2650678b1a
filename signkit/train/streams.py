"""What a task has whose models read frames as they come."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt
from torch import Tensor

from signkit.models.export import TrainedModel
from signkit.types import Corpus, Hypothesis


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How a stream is read.

    Attributes:
        fps: frames a second, for the times of tokens.
        stable_after: how many chunks back a text may still be changed; None: to its beginning, which gives
            the text of the whole clip.
    """

    fps: float = 25.0
    stable_after: int | None = None


@runtime_checkable
class Stream(Protocol):
    """The text of frames that come one after another; `signkit.stream` makes it.

    Attributes:
        delay: frames that follow a frame, at most, until it has been read.
        settled: how many tokens of the text so far can no longer change.
    """

    delay: int

    @property
    def settled(self) -> int: ...

    def push(self, frames: npt.NDArray[Any] | Tensor) -> Hypothesis:
        """Read the next frames, one or more; returns the best text so far.

        Args:
            frames: landmarks [frames, points, coordinates] of the corpus's whole layout, NaN where a point
                was not seen, features [frames, width], or video, uint8 [frames, height, width, 3], RGB; at
                the rate of the clips that the model was trained on.

        Raises:
            UserError: they are something else.
            OperationalError: the model gives no numbers.
        """
        ...

    def finish(self) -> Hypothesis:
        """Read what is left; without `stable_after` the text is that of `signkit.LoadedModel.predict`.

        The next clip may begin then.
        """
        ...


@runtime_checkable
class GivesStream(Protocol):
    """A task whose models can read frames as they come."""

    def stream(
        self, models: Sequence[TrainedModel], options: StreamOptions, *, corpus: Callable[[], Corpus]
    ) -> Stream:
        """The text of frames that come one after another.

        Raises:
            UserError: the model needs whole clips, with the option that is in the way, or is an ensemble.
        """
        ...
