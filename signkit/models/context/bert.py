"""BERT as a context: one position per gloss, with causal attention.

The start symbol takes the place of [CLS]. Causal attention in place of BERT's bidirectional attention is this
project's choice (docs/c2st.md): one pass computes the states of all histories of a sentence.
"""

from inspect import signature
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.data.batch import length_mask
from signkit.models.context.adaptor import AdaptedContext, Adaptor
from signkit.models.context.bert_checkpoint import load_bert
from signkit.models.context.card import BertCard, load_card
from signkit.models.context.configs import BertConfig
from signkit.models.hub_checkpoint import quiet_transformers
from signkit.models.torchvision_mend import import_transformers
from signkit.text.vocabulary import Vocabulary


class BertReader(nn.Module):
    """Reads all glosses so far with a causal BERT; an incremental reader (`Stepping`).

    A history may be longer than BERT has positions: the glosses beyond share the last position's embedding.
    If all of BERT is frozen, its dropout is off in training, too.

    Args:
        bert: a `transformers.BertModel` configured as a decoder, with one word embedding per gloss.
        card: its sizes.
    """

    looks_back = True

    def __init__(self, *, bert: nn.Module, card: BertCard) -> None:
        super().__init__()
        self.bert, self.card = bert, card
        # transformers renamed the argument of its cache in 5.24; from 5.40 on the old name is gone.
        names = signature(type(bert).forward).parameters
        self._cache_argument = "cache" if "cache" in names else "past_key_values"

    def forward(self, symbols: Int[Tensor, "batch histories"]) -> Float[Tensor, "batch histories width"]:
        """The state of the last layer at each symbol."""
        places = torch.arange(symbols.shape[1], device=symbols.device).clamp(max=self.card.positions - 1)
        states: Tensor = self.bert(
            input_ids=symbols, position_ids=places[None], use_cache=False
        ).last_hidden_state
        return states

    @property
    def embedding(self) -> nn.Embedding:
        """The embeddings of the symbols; the start symbol is the first."""
        bert: Any = self.bert
        embedding: nn.Embedding = bert.get_input_embeddings()
        return embedding

    @property
    def cache_width(self) -> int:
        """Size of a symbol's keys and values in all layers."""
        return 2 * self.card.layers * self.card.width

    def step(
        self,
        symbols: Int[Tensor, " batch"],
        past: Float[Tensor, "batch before cached"],
        lengths: Int[Tensor, " batch"],
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch cached"]]:
        """The state of the last layer at one more symbol; see `signkit.models.context.protocol.Stepping`."""
        before = past.shape[1]
        # past [batch, before, layers * 2 * heads * size], keys then values in each layer, becomes
        # [layers, 2, batch, heads, before, size], a pair of keys and values per layer for transformers.
        split = past.unflatten(2, (self.card.layers, 2, self.card.heads, -1)).permute(2, 3, 0, 4, 1, 5)
        cache: Any = import_transformers().DynamicCache([(layer[0], layer[1]) for layer in split])
        # Shorter histories are padded on the left, where they must not attend.
        seen = torch.arange(before + 1, device=past.device) >= before - lengths[:, None]
        states: Tensor = self.bert(
            input_ids=symbols[:, None],
            position_ids=lengths.clamp(max=self.card.positions - 1)[:, None],
            attention_mask=seen[:, None, None],
            use_cache=True,
            **{self._cache_argument: cache},
        ).last_hidden_state[:, 0]
        own = [part[:, :, -1].flatten(1) for layer in cache.layers for part in (layer.keys, layer.values)]
        return states, torch.cat(own, dim=1)

    def both_sides(
        self, embedded: Float[Tensor, "batch symbols width"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch symbols width"]:
        """The states of the last layer with bidirectional attention within each sentence."""
        places = torch.arange(embedded.shape[1], device=embedded.device)
        inside = length_mask(lengths, embedded.shape[1])
        # transformers uses a mask of four dimensions as it is; without one it would build a causal mask.
        states: Tensor = self.bert(
            inputs_embeds=embedded,
            position_ids=places.clamp(max=self.card.positions - 1)[None],
            attention_mask=inside[:, None, None].expand(-1, 1, embedded.shape[1], -1),
            use_cache=False,
        ).last_hidden_state
        return states

    def train(self, mode: bool = True) -> "BertReader":
        """Set the mode; a BERT that is frozen as a whole stays in eval mode."""
        super().train(mode)
        self.bert.train(mode and any(weight.requires_grad for weight in self.bert.parameters()))
        return self


def build(config: BertConfig, vocabulary_size: int, dim: int, vocabulary: Vocabulary) -> AdaptedContext:
    """Build a causal BERT with its adaptor, from scratch or from a checkpoint.

    Raises:
        UserError: the card or the checkpoint cannot be used; the message names the file or folder.
        OperationalError: the checkpoint is a name on the Hub, and the Hub cannot be reached.
    """
    if config.checkpoint == "from_scratch":
        card = load_card(config.card)
        bert = _from_scratch(card, vocabulary_size)
    else:
        bert, card = load_bert(config.checkpoint, vocabulary)
    if config.freeze:
        bert.requires_grad_(False)
    adaptor = Adaptor(
        width=card.width, dim=dim, bottleneck=config.adaptor_width, dropout=config.dropout, gain=config.gain
    )
    return AdaptedContext(reader=BertReader(bert=bert, card=card), adaptor=adaptor)


def _from_scratch(card: BertCard, vocabulary_size: int) -> Any:
    """An untrained BERT. It has no padding symbol, because index 0 is the start symbol."""
    with quiet_transformers() as transformers:
        sizes = transformers.BertConfig(
            vocab_size=vocabulary_size,
            hidden_size=card.width,
            num_hidden_layers=card.layers,
            num_attention_heads=card.heads,
            intermediate_size=card.feed_forward,
            max_position_embeddings=card.positions,
            hidden_dropout_prob=card.dropout,
            attention_probs_dropout_prob=card.dropout,
            hidden_act=card.activation,
            layer_norm_eps=card.norm_epsilon,
            type_vocab_size=card.segments,
            pad_token_id=None,
            is_decoder=True,
            attn_implementation="sdpa",
        )
        return transformers.BertModel(sizes, add_pooling_layer=False)
