"""The folder of an exported model, opened as a model that predicts: onnxruntime computes it.

Its graph does all preprocessing, so it is given landmarks and images as files have them (`as_stored`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from signkit.config.recipe import LandmarksConfig, Recipe, SamplingConfig
from signkit.data.batch import Batch
from signkit.data.video.fit import AsStored
from signkit.errors import OperationalError, UserError
from signkit.models.attention import Encoded
from signkit.models.classifier import LabelLogits
from signkit.models.export import TrainedModel, read_description
from signkit.models.losses.logits import SplitLogits
from signkit.models.onnx.context_graph import BIAS, CONTEXT
from signkit.models.onnx.decoder_graph import ATTENTION, CONFIDENCE, CTC, FEATURES, LOGITS
from signkit.models.onnx.graphs import IMAGE, WORDS
from signkit.models.onnx.names import CONTEXT_MODEL, DECODER_MODEL, DESCRIPTION, MAY_CHANGE, MODEL
from signkit.models.onnx.trace import run_graph, session
from signkit.runtime.files import read_bytes


def is_onnx(folder: Path) -> bool:
    """Whether a folder is that of a model exported to ONNX, whole or not."""
    return (folder / DESCRIPTION).is_file() or (folder / MODEL).is_file()


def read_onnx(folder: Path) -> TrainedModel:
    """Open the folder of an exported model.

    Raises:
        UserError: onnxruntime is not installed.
        OperationalError: a file is missing or damaged.
    """
    trained = read_description(folder, free=MAY_CHANGE)
    path = folder / DESCRIPTION
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        running = session(read_bytes(folder / MODEL))
        model: OnnxModel
        if "symbols" in described:
            model = OnnxAttention(running, session(read_bytes(folder / DECODER_MODEL)), described)
        elif "topology" in described:
            model = OnnxContextual(running, session(read_bytes(folder / CONTEXT_MODEL)), described)
        else:
            model = (OnnxRecogniser if "blank" in described else OnnxClassifier)(running, described)
    except (OSError, ValueError, KeyError, TypeError):
        raise OperationalError(f"{path}: is not the description of an exported model") from None
    return replace(trained, model=model.eval())


def as_stored(recipe: Recipe) -> Recipe:
    """The recipe with inputs as files have them, a clip at a time: images differ in size."""
    whole = LandmarksConfig(points="all", hand="both", origin="none", scale="none")
    decode = replace(recipe.decode, batch_size=1)
    return replace(recipe, landmarks=whole, sampling=SamplingConfig(), video=AsStored(), decode=decode)


class OnnxModel(nn.Module):
    """A graph as a model. It computes on the processor, clip by clip, wherever its batches are.

    Args:
        running: the session of onnxruntime.
        described: its description.
    """

    def __init__(self, running: Any, described: Mapping[str, Any]) -> None:
        super().__init__()
        self._running, self._described = running, described
        self._input = str(described["input"]["name"])
        self.device = nn.Parameter(torch.zeros(0), requires_grad=False)  # says where outputs are wanted

    def outputs(self, batch: Batch) -> dict[str, list[Tensor]]:
        """Of each clip what the graph gives, by output.

        Raises:
            UserError: a classifier of images was given a clip of several frames.
        """
        found: dict[str, list[Tensor]] = {name: [] for name in self._described["outputs"]}
        for place, length in enumerate(batch.lengths.tolist()):
            for name, each in run_graph(self._running, self._given(batch, place, length)).items():
                found[name].append(torch.from_numpy(each)[0].to(self.device.device))
        return found

    def _given(self, batch: Batch, place: int, length: int) -> Any:
        inputs = batch.inputs[place, :length].cpu()
        if self._input == WORDS:
            return inputs[None].numpy()
        if self._input == IMAGE:
            if length != 1:
                raise UserError(batch.ids[place], f"has {length} frames, and the model reads single images")
            return inputs[0].numpy()
        seen = batch.seen[place, :length, :, None].cpu()
        return inputs.masked_fill(~seen, torch.nan)[None].numpy()

    def centres(self, chunks: int) -> Tensor:
        """The frame of each chunk."""
        first, step = self._described["first_chunk_centre"], self._described["frames_per_chunk"]
        return torch.arange(chunks, device=self.device.device) * int(step) + int(first)


class OnnxClassifier(OnnxModel):
    """A graph with an output for each head."""

    def forward(self, batch: Batch) -> LabelLogits:
        """The log-probabilities of a batch."""
        heads = {name: torch.stack(each) for name, each in self.outputs(batch).items()}
        return LabelLogits(heads, batch.fps.new_zeros(len(batch.ids)))


class OnnxRecogniser(OnnxModel):
    """A graph with the log-probabilities of chunks: a recogniser without context."""

    topology = "ctc"
    context_free = True

    def __init__(self, running: Any, described: Mapping[str, Any]) -> None:
        super().__init__(running, described)
        (symbols,) = described["outputs"].values()
        self.bias = nn.Parameter(torch.zeros(len(symbols)), requires_grad=False)

    def forward(self, batch: Batch) -> SplitLogits:
        """The log-probabilities of a batch as its logits."""
        (each,) = self.outputs(batch).values()
        level = pad_sequence(each, batch_first=True) - self.bias
        return SplitLogits(
            levels={"video": level, "chunk": level},
            context=self.context_logits(batch.targets, batch.target_lengths),
            bias=self.bias,
            lengths=torch.tensor([len(clip) for clip in each], device=level.device),
            centres=self.centres(level.shape[1]),
            auxiliary=level.new_zeros(len(level)),
        )

    def context_logits(self, history: Tensor, lengths: Tensor) -> Tensor:
        """Zeros for every history: there is no context."""
        return self.bias.new_zeros(len(history), history.shape[1] + 1, len(self.bias))

    def last_context_logits(self, history: Tensor, lengths: Tensor) -> Tensor:
        """Zeros, as `context_logits`."""
        return self.context_logits(history, lengths)[:, -1]


class OnnxContextual(OnnxRecogniser):
    """A graph with the acoustic logits of chunks, and one with the context logits of histories."""

    context_free = False

    def __init__(self, running: Any, context: Any, described: Mapping[str, Any]) -> None:
        super().__init__(running, described)
        self.topology, self._context = str(described["topology"]), context
        self.bias.copy_(self._of(torch.zeros(1, 1, dtype=torch.long), torch.zeros(1, dtype=torch.long))[BIAS])

    def context_logits(self, history: Tensor, lengths: Tensor) -> Tensor:
        """The context logits after 0, 1, … all glosses, with the bias."""
        each = [
            self.last_context_logits(history, lengths.clamp(max=most)) + self.bias
            for most in range(history.shape[1] + 1)
        ]
        return torch.stack(each, 1)

    def last_context_logits(self, history: Tensor, lengths: Tensor) -> Tensor:
        """The context logits after the whole of each history, without the bias."""
        return self._of(nn.functional.pad(history, (0, 1)), lengths)[CONTEXT].to(self.bias.device)

    def _of(self, history: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        found = run_graph(self._context, history.cpu().numpy(), lengths.cpu().numpy())
        return {name: torch.from_numpy(each) for name, each in found.items()}


class OnnxAttention(OnnxModel):
    """A graph with what the encoder reads, and one of the decoder; as `signkit.decode.attention` uses it."""

    def __init__(self, running: Any, decoder: Any, described: Mapping[str, Any]) -> None:
        super().__init__(running, described)
        self.decoder = OnnxDecoder(decoder)
        self.output = described["outputs"].get(CTC)

    def encode(self, batch: Batch) -> Encoded:
        """The features of a batch."""
        found = self.outputs(batch)
        features, ctc, sure = (found.get(name, []) for name in (FEATURES, CTC, CONFIDENCE))
        padded = pad_sequence(features, batch_first=True)
        return Encoded(
            features=padded,
            lengths=torch.tensor([len(clip) for clip in features], device=padded.device),
            centres=self.centres(padded.shape[1]),
            auxiliary=padded.new_zeros(len(padded)),
            ctc=pad_sequence(ctc, batch_first=True) if ctc else None,
            confidence=torch.stack(sure) if sure else None,
        )


@dataclass(frozen=True, slots=True)
class OnnxPast:
    """The tokens so far of every hypothesis, [batch, beam, tokens]."""

    tokens: Tensor

    def chosen(self, parents: Tensor) -> "OnnxPast":
        """Those of the hypotheses that ``parents`` names for each place of the beam."""
        return OnnxPast(self.tokens.gather(1, parents[..., None].expand(-1, -1, self.tokens.shape[2])))


class OnnxDecoder:
    """A graph with the interface of `signkit.models.text_decoder.TextDecoder`."""

    def __init__(self, running: Any) -> None:
        self._running = running

    def memory(self, features: Tensor, mask: Tensor) -> list[Tensor]:
        """The features of each clip, without padding."""
        return [each[: int(seen.sum())] for each, seen in zip(features, mask, strict=True)]

    def begin(self, memory: list[Tensor], beam: int) -> OnnxPast:
        """No tokens."""
        return OnnxPast(torch.zeros(len(memory), beam, 0, dtype=torch.long, device=memory[0].device))

    def step(self, tokens: Tensor, past: OnnxPast, memory: list[Tensor]) -> tuple[Tensor, OnnxPast, Tensor]:
        """The logits after one more token of every hypothesis, the tokens with it, and where it looks."""
        so_far = torch.cat([past.tokens, tokens[..., None]], 2)
        found = [
            run_graph(self._running, given.cpu().numpy(), features[None].cpu().numpy())
            for given, features in zip(so_far, memory, strict=True)
        ]
        logits = torch.stack([torch.from_numpy(each[LOGITS]) for each in found])
        looks = pad_sequence([torch.from_numpy(each[ATTENTION]).T for each in found], batch_first=True)
        return logits.to(tokens.device), OnnxPast(so_far), looks.transpose(1, 2).to(tokens.device)
