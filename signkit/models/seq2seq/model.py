"""A translator that begins with a checkpoint: an encoder-decoder of transformers as an `AttentionModel`.

The network has an encoder of its own, which reads written sources, and a decoder with the interface of
`signkit.models.text_decoder`, so that search, ensembles, language models and reports are those of every
attention model.
"""

from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from signkit.data.batch import Batch, length_mask
from signkit.data.on_host import on_both
from signkit.errors import UserError
from signkit.models.attention import AttentionModel
from signkit.models.encoders.protocol import EncoderOutput
from signkit.models.precision import in_float32
from signkit.models.seq2seq.checkpoint import open_checkpoint
from signkit.models.seq2seq.configs import Seq2seqConfig
from signkit.models.seq2seq.network import Network, from_card, load_network
from signkit.models.torchvision_mend import import_transformers
from signkit.text.vocabulary import Vocabulary

LEAST = 1e-9
"""Attention that each token of a source has at least, when all of it is on the tokens around the source."""


class Seq2seqEncoder(nn.Module):
    """The encoder of a network. Its chunks are the tokens of a source; behind them are those around it, such
    as its end and its language, which decoders attend to as well."""

    reads = "text"
    rows: Tensor

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.net = network.net.get_encoder()
        self.pad = int(network.net.config.pad_token_id)
        self.before, self.after = network.frame.before, network.frame.after
        width = int(network.net.config.hidden_size)
        self.dims = {"chunk": width, "video": width}
        self.register_buffer("rows", network.source)

    def forward(self, batch: Batch) -> EncoderOutput:
        lengths, before = batch.lengths, len(self.before)
        size, frames = batch.inputs.shape
        ids = batch.inputs.new_full((size, frames + before + len(self.after)), self.pad)
        ids[:, :before] = ids.new_tensor(self.before)
        ids[:, before : before + frames] = self.rows[batch.inputs]
        places = torch.arange(ids.shape[1], device=ids.device)
        ids = torch.where(places < before + lengths[:, None], ids, self.pad)
        for place, row in enumerate(self.after):
            ids.scatter_(1, (before + lengths + place)[:, None], row)
        chunks = on_both(self.output_lengths, lengths)
        mask = length_mask(chunks, ids.shape[1])
        states: Tensor = self.net(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        # The tokens that stand before the source go behind it: a chunk is then the frame of its number.
        own, moved = places < lengths[:, None], places < lengths[:, None] + before
        order = torch.where(own, places + before, torch.where(moved, places - lengths[:, None], places))
        states = torch.take_along_dim(states, order[..., None], 1) * mask[..., None]
        return EncoderOutput({"chunk": states, "video": states}, chunks, states.new_zeros(size))

    def output_lengths(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """The tokens of a source and those around it."""
        return lengths + len(self.before) + len(self.after)

    def chunk_centres(self, chunks: int) -> Int[Tensor, " chunks"]:
        """The number of each token."""
        return torch.arange(chunks)


@dataclass(frozen=True, slots=True)
class Seq2seqMemory:
    """What the decoder attends to.

    Attributes:
        features: of the encoder, [batch, chunks, width].
        mask: which chunks are real.
    """

    features: Float[Tensor, "batch chunks width"]
    mask: Bool[Tensor, "batch chunks"]


@dataclass(frozen=True, slots=True)
class Seq2seqPast:
    """The keys and values of the tokens so far, and those of the memory, which the network wants for each
    hypothesis.

    Attributes:
        memory: that of its clip, for each hypothesis.
        cache: of transformers; empty before the first token.
    """

    memory: Seq2seqMemory
    cache: Any

    def chosen(self, parents: Int[Tensor, "batch beam"]) -> "Seq2seqPast":
        """The past of the hypotheses that ``parents`` names; those of a clip have the same memory."""
        batch, beam = parents.shape
        if beam == 1:
            return self
        rows = (parents + beam * torch.arange(batch, device=parents.device)[:, None]).flatten()
        chosen = self.copied()
        for layer in chosen.cache.self_attention_cache.layers:
            layer.keys, layer.values = (each.index_select(0, rows) for each in (layer.keys, layer.values))
        return chosen

    def copied(self) -> "Seq2seqPast":
        """One to which tokens can be added without a change of this one. No tensor is copied."""
        cache, own = copy(self.cache), copy(self.cache.self_attention_cache)
        own.layers = [copy(layer) for layer in own.layers]
        cache.self_attention_cache = own
        return replace(self, cache=cache)


class Seq2seqDecoder(nn.Module):
    """The decoder of a network, with the interface of `TextDecoder`."""

    rows: Tensor

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.net: Any
        self.net, self.card = network.net, network.card()
        self.start, self.around = network.frame.start, len(network.frame.before) + len(network.frame.after)
        self.register_buffer("rows", network.text)
        head = self.net.get_output_embeddings()
        head.forward = partial(in_float32, head.forward)
        # transformers renamed the argument of its cache in 5.24; from 5.40 on the old name is gone.
        names = signature(type(self.net).forward).parameters
        self._cache_argument = "cache" if "cache" in names else "past_key_values"

    def memory(
        self, features: Float[Tensor, "batch chunks width"], mask: Bool[Tensor, "batch chunks"]
    ) -> Seq2seqMemory:
        """What the decoder attends to, of the encoder's features."""
        return Seq2seqMemory(features, mask)

    def forward(
        self,
        tokens: Int[Tensor, "batch labels"],
        memory: Seq2seqMemory,
        lengths: Int[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch histories vocab"]:
        """The logits after 0, 1, … all tokens; those after a padded token are undefined. ``lengths`` are not
        used: the network computes them with the rest."""
        ids = torch.cat([self._beginning(len(tokens)), self.rows[tokens]], 1)
        logits = self._run(ids, memory, use_cache=False).logits
        return self._known(logits[:, len(self.start) - 1 :])

    def begin(self, memory: Seq2seqMemory, beam: int) -> Seq2seqPast:
        """The past before the first token."""
        repeated = (each.repeat_interleave(beam, 0) for each in (memory.features, memory.mask))
        transformers = import_transformers()
        own, cross = transformers.DynamicCache(), transformers.DynamicCache()
        return Seq2seqPast(Seq2seqMemory(*repeated), transformers.EncoderDecoderCache(own, cross))

    def step(
        self, tokens: Int[Tensor, "batch beam"], past: Seq2seqPast, memory: Seq2seqMemory
    ) -> tuple[Float[Tensor, "batch beam vocab"], Seq2seqPast, Float[Tensor, "batch beam chunks"]]:
        """The logits after one more token of every hypothesis; at first that is the beginning, index 0.

        Returns:
            Logits, the past with this token, and the last layer's attention to the tokens of the source, the
            mean of its heads.
        """
        past, begun = past.copied(), bool(past.cache.self_attention_cache.layers)
        ids = self.rows[tokens.flatten()[:, None]] if begun else self._beginning(tokens.numel())
        options = {self._cache_argument: past.cache, "use_cache": True, "output_attentions": True}
        output = self._run(ids, past.memory, **options)
        logits = self._known(output.logits[:, -1]).unflatten(0, tokens.shape)
        looked = output.cross_attentions[-1][:, :, -1].mean(1).unflatten(0, tokens.shape)
        sources = length_mask(memory.mask.sum(1) - self.around, memory.mask.shape[1])
        looked = (looked + LEAST) * sources[:, None]
        looked = looked / looked.sum(2, keepdim=True)
        return logits, past, looked

    def _run(self, ids: Int[Tensor, "rows places"], memory: Seq2seqMemory, **options: Any) -> Any:
        return self.net(
            decoder_input_ids=ids,
            encoder_outputs=(memory.features,),
            attention_mask=memory.mask.long(),
            **options,
        )

    def _beginning(self, rows: int) -> Int[Tensor, "rows places"]:
        return self.rows.new_tensor(self.start).expand(rows, -1)

    def _known(self, logits: Float[Tensor, "*batch rows"]) -> Float[Tensor, "*batch vocab"]:
        """The logits of the vocabulary's tokens."""
        return logits.index_select(-1, self.rows)


def build(config: Seq2seqConfig, *, text: Vocabulary, source: Vocabulary) -> AttentionModel:
    """Build a translator from a checkpoint, or from the card of an export, whose weights are loaded then.

    Raises:
        UserError: the checkpoint cannot be used, or an option does not fit it.
        OperationalError: the Hub cannot be reached, or the card is damaged.
    """
    if Path(config.checkpoint).is_file():
        network = from_card(Path(config.checkpoint), config, text, source)
    else:
        network = load_network(open_checkpoint(config.checkpoint), config, text, source)
    model = AttentionModel(
        encoder=Seq2seqEncoder(network),
        decoder=Seq2seqDecoder(network),
        backwards=None,
        output=None,
        noise=config.noise,
    )
    model.register_state_dict_post_hook(_without_copies)  # type: ignore[no-untyped-call]
    return model


def check_lengths(model: AttentionModel, source: int, text: int) -> None:
    """Refuse sources or texts that may be longer than the network has places for.

    Args:
        source, text: the longest ones of the recipe, in tokens.

    Raises:
        UserError: they may be.
    """
    decoder, net = model.decoder, model.decoder.net
    # T5 has no places of its own, and M2M100 computes as many as there are.
    most = int(net.config.max_position_embeddings) if net.config.model_type in ("mbart", "marian") else 0
    for key, tokens, around in (
        ("source.longest", source, decoder.around),
        ("decode.longest", text, len(decoder.start)),
    ):
        if most and tokens + around > most:
            what = (
                f"is {tokens}, and the network has places for {most} tokens, {around} of them around a text"
            )
            raise UserError(key, what, f"at most {most - around}")


def _without_copies(module: nn.Module, state: dict[str, Any], prefix: str, _: Any) -> None:
    """Leave out of a state the second name of every tensor: the network is in the encoder and in the decoder,
    and its tables are often one."""
    seen = set[tuple[int, torch.Size]]()
    for name in [*state]:
        key = (state[name].data_ptr(), state[name].shape)
        if key in seen:
            del state[name]
        seen.add(key)
