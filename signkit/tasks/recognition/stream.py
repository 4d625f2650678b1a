"""A recogniser on a clip that comes frame by frame: the text so far, and at the end that of the clip."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor, nn

from signkit.decode.configs import LatticeConfig
from signkit.decode.external.build import ExternalModels
from signkit.decode.lattice import BeamResult, hypotheses, hypothesis
from signkit.decode.live import LiveSearch
from signkit.errors import OperationalError, UserError
from signkit.models.encoders.masked_norm import at_least_float32
from signkit.models.encoders.protocol import EncoderOutput
from signkit.models.encoders.streaming import EncoderStream
from signkit.models.export import TrainedModel
from signkit.models.losses.logits import decoded_level
from signkit.models.output_layer import USED, OutputLayer, level_logits
from signkit.models.precision import autocast, precision_of
from signkit.tasks.recognition.prepared import preparation
from signkit.train.streams import StreamOptions
from signkit.types import Hypothesis

NAME = "stream"
"""The id of what is found."""


class ClipStream:
    """A `signkit.train.streams.Stream` of one model.

    Raises:
        UserError: the model needs whole clips; the option that is in the way is named.
    """

    def __init__(self, trained: TrainedModel, external: ExternalModels, options: StreamOptions) -> None:
        self._trained, self._external, self._options = trained, external, options
        self._model: Any = trained.model.eval()
        if not isinstance(getattr(self._model, "output", None), OutputLayer):
            what = f"{type(self._model).__name__} has no output layer on the features of chunks"
            raise UserError("model", what, "`ctc` and `c2st` can be streamed")
        self._encoder = EncoderStream(self._model.encoder)
        self.delay = self._encoder.delay
        self._begin()

    def _begin(self) -> None:
        config = self._trained.recipe.decode
        assert isinstance(config, LatticeConfig)
        self._prepared = preparation(self._trained.recipe, self._trained.spec)
        self._search = LiveSearch(
            self._model,
            self._model.output.bias.detach().float(),
            config,
            fusion=self._external.fusion,
            rescorers=self._external.rescorers,
            stable_after=self._options.stable_after,
        )
        self._config, self._frames, self._chunks = config, 0, 0

    @property
    def settled(self) -> int:
        """How many tokens of the text so far can no longer change: of subwords, whole ones."""
        vocabulary, tokens = self._trained.spec.vocabulary, self._search.best().tokens
        if vocabulary.unit != "subword":
            return self._search.settled
        # The last word may have more pieces.
        ends = [end for _, end in vocabulary.spans(tokens)]
        return sum(end <= self._search.settled for end in ends[:-1])

    def push(self, frames: npt.NDArray[Any] | Tensor) -> Hypothesis:
        """See `signkit.train.streams.Stream`."""
        array = frames.detach().cpu().numpy() if isinstance(frames, Tensor) else frames
        prepared = self._prepared(array)
        self._frames += len(prepared)
        inputs = torch.from_numpy(prepared).to(self._model.output.bias.device)
        with self._half():
            levels = self._encoder.push(inputs)
        self._read(levels)
        best, vocabulary = self._search.best(), self._trained.spec.vocabulary
        return hypothesis(NAME, best, self._seconds(), vocabulary)

    def finish(self) -> Hypothesis:
        """See `signkit.train.streams.Stream`."""
        with self._half():
            levels = self._encoder.finish()
        self._read(levels)
        found = {NAME: BeamResult(self._search.finish(), self._seconds())}
        vocabulary, temperature = self._trained.spec.vocabulary, self._config.temperature or 1.0
        text = hypotheses(found, vocabulary, self._config, temperature)[NAME]
        self._begin()
        return text

    def _half(self) -> torch.autocast:
        """The precision of the encoder."""
        return autocast(precision_of(self._model.encoder), self._model.output.bias.device)

    def _read(self, levels: dict[str, Float[Tensor, "_ _"]]) -> None:
        if not levels:
            return
        acoustic = self._acoustic(levels)
        if not bool(acoustic.isfinite().all()):
            what = "the model's scores are not numbers; its weights have diverged or are damaged"
            raise OperationalError(f"{NAME}: {what}")
        self._chunks += len(acoustic)
        self._search.push(acoustic)

    @torch.no_grad()
    def _acoustic(self, levels: dict[str, Float[Tensor, "_ _"]]) -> Float[Tensor, "chunks vocab"]:
        """The logits of the level that is decoded, as `signkit.decode.lattice.acoustic_logits`."""
        once = {
            id(each): at_least_float32(each)[None] for each in levels.values()
        }  # equal levels stay one tensor
        batch = {name: once[id(each)] for name, each in levels.items()}
        lengths = torch.tensor([len(levels["video"])])
        encoded = EncoderOutput(batch, lengths, torch.zeros(1))
        model = self._model
        heads = getattr(model, "heads", nn.ModuleDict())
        found = level_logits(encoded, model.output, heads, nn.Identity(), reversed(USED))
        logits = {name: each.float() for name, each in found.items()}
        if found["video"] is found["chunk"]:
            logits["chunk"] = logits["video"]
        acoustic: Tensor = decoded_level(logits, self._config.level) + model.output.bias.float()
        return acoustic[0]

    def _seconds(self) -> tuple[float, ...]:
        """The times of the chunks so far, each at its middle."""
        centres = np.asarray(self._model.encoder.chunk_centres(self._chunks))
        return tuple((np.minimum(centres, max(0, self._frames - 1)) / self._options.fps).tolist())
