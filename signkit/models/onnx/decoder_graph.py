"""An attention model as two graphs: what its encoder reads of a clip or a sentence, and its decoder.

The decoder's graph has no memory: it is given all tokens so far. So it is the same for recurrent decoders and
for those with attention, and a search in any language can call it.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.data.batch import Batch
from signkit.models.attention import AttentionModel
from signkit.models.gru_decoder import GruDecoder
from signkit.models.onnx.trace import run_graph, session, traced
from signkit.models.text_decoder import DecoderLayer, TextDecoder, joined_heads, split_heads

FEATURES, CTC, CONFIDENCE = "features", "ctc", "confidence"
"""The outputs of the encoder's graph: [1, chunks, width]; log-probabilities of the CTC head; the confidence
of the text before the sigmoid, [1]."""
TOKENS, LOGITS, ATTENTION = "tokens", "logits", "attention"
CHECKED = (((1, 1), 1), ((3, 1), 9), ((4, 13), 30))
"""Hypotheses and their tokens, and the chunks they attend to, that a graph is checked on."""
TRACED = ((3, 4), 7)
Arrays = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]


def read_of(model: AttentionModel, batch: Batch) -> dict[str, Tensor]:
    """The outputs of the encoder's graph."""
    encoded = model.encode(batch)
    found = {FEATURES: encoded.features}
    if encoded.ctc is not None:
        found[CTC] = encoded.ctc.log_softmax(-1)
    if encoded.confidence is not None:
        found[CONFIDENCE] = encoded.confidence
    return found


class SentenceGraph(nn.Module):
    """From the tokens of one written source to what the encoder reads."""

    def __init__(self, model: AttentionModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Int[Tensor, "1 words"]) -> dict[str, Tensor]:
        """The outputs of the encoder's graph."""
        one, nothing = torch.ones_like(tokens), torch.zeros(1, 0, dtype=torch.long)
        batch = Batch(
            ids=("sentence",),
            inputs=tokens,
            seen=one[..., None] > 0,
            lengths=one.sum(1),
            targets=nothing,
            target_lengths=torch.zeros(1, dtype=torch.long),
            frame_labels=one,
            fps=torch.ones(1),
        )
        return read_of(self.model, batch)


class DecoderGraph(nn.Module):
    """From the tokens so far of some hypotheses, the beginning (0) first, and the features of their clip to
    the logits of the next token and to where the decoder looks for it."""

    def __init__(self, decoder: TextDecoder | GruDecoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(
        self, tokens: Int[Tensor, "hypotheses tokens"], features: Float[Tensor, "1 chunks width"]
    ) -> tuple[Float[Tensor, "hypotheses vocab"], Float[Tensor, "hypotheses chunks"]]:
        decoder, mask = self.decoder, torch.ones_like(features[..., 0], dtype=torch.bool)
        if isinstance(decoder, GruDecoder):
            memory = decoder.memory(features, mask)
            first = memory.first.expand(-1, tokens.shape[0], -1).contiguous()
            states, _ = decoder.gru(decoder._embedded(tokens), first)
            logits, attention = decoder._logits(states[:, -1:], memory)
            return logits[:, 0], attention[:, 0]
        x, attention = decoder._embedded(tokens, 0), features
        for layer in decoder.layers:
            assert isinstance(layer, DecoderLayer)
            x, attention = attended(layer, x, *layer.memory(features))
        logits = decoder.output(decoder.norm(x[:, -1]))
        return logits, attention[:, :, -1].mean(1)


def attended(
    layer: DecoderLayer, x: Float[Tensor, "batch places width"], key: Tensor, value: Tensor
) -> tuple[Float[Tensor, "batch places width"], Float[Tensor, "batch heads places chunks"]]:
    """A layer of the decoder in eval mode, and the weights of its attention to the encoder."""
    query, own_key, own_value = layer._split(layer.self_qkv(layer.self_norm(x)))
    mixed = nn.functional.scaled_dot_product_attention(query, own_key, own_value, is_causal=True)
    x = x + layer.self_out(joined_heads(mixed))
    query = split_heads(layer.cross_q(layer.cross_norm(x)), layer.heads)
    weights = (query @ key.transpose(2, 3) / key.shape[3] ** 0.5).softmax(3)
    x = x + layer.cross_out(joined_heads(weights @ value))
    return layer._fed(x), weights


def traced_decoder(model: AttentionModel, symbols: int) -> bytes:
    """The graph of a model's decoder: `TOKENS` int64 [hypotheses, tokens] and `FEATURES` [1, chunks, width]
    to `LOGITS` [hypotheses, symbols] and `ATTENTION` [hypotheses, chunks].

    Raises:
        UserError: onnx is not installed.
        OperationalError: an operation has no ONNX form.
    """
    rows, chunks = {0: "hypotheses"}, {1: "chunks"}
    axes: Mapping[str, Mapping[int, str]] = {
        TOKENS: {**rows, 1: "tokens"}, FEATURES: chunks, LOGITS: rows, ATTENTION: {**rows, **chunks}
    }  # fmt: skip
    graph = DecoderGraph(model.decoder).eval()
    given = decoder_case(model, symbols, *TRACED)
    return traced(graph, (TOKENS, FEATURES), given, (LOGITS, ATTENTION), axes)


def decoder_case(model: AttentionModel, symbols: int, size: tuple[int, int], chunks: int) -> Arrays:
    """Hypotheses of random tokens after the beginning, and random features."""
    rng = np.random.default_rng((*size, chunks))
    tokens = rng.integers(1, symbols, size)
    tokens[:, 0] = 0
    width = model.encoder.dims["video"]
    return tokens, rng.normal(size=(1, chunks, width)).astype(np.float32)


def decoder_difference(content: bytes, model: AttentionModel, symbols: int) -> float:
    """The largest difference of a probability by the graph from one by the model, token by token as a search
    has it, and of a weight of its attention."""
    running, apart = session(content), 0.0
    for size, chunks in CHECKED:
        given = decoder_case(model, symbols, size, chunks)
        found = run_graph(running, *given)
        logits, attention = decoded(model, *map(torch.from_numpy, given))
        both = torch.from_numpy(found[LOGITS]).softmax(-1) - logits.softmax(-1)
        looks = torch.from_numpy(found[ATTENTION]) - attention
        apart = max(apart, float(both.abs().max()), float(looks.abs().max()))
    return apart


def decoded(model: AttentionModel, tokens: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
    """What the model itself says after the last token of each hypothesis, and where it looks."""
    with torch.no_grad():
        memory = model.decoder.memory(features, torch.ones(features.shape[:2], dtype=torch.bool))
        past = model.decoder.begin(memory, len(tokens))
        logits = attention = features
        for each in tokens.T:
            logits, past, attention = model.decoder.step(each[None], past, memory)
    return logits[0], attention[0]
