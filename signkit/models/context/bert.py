"""BERT as a context: one position a gloss, each seeing itself and those before it.

The start symbol stands where BERT has [CLS]. Causal attention instead of BERT's own is this project's
choice (docs/c2st.md): one pass gives the states of all histories of a sentence.
"""

from inspect import signature
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.data.batch import length_mask
from signkit.models.context.adaptor import AdaptedContext, Adaptor
from signkit.models.context.bert_checkpoint import load_bert, quiet_transformers
from signkit.models.context.card import BertCard, load_card
from signkit.models.context.configs import BertConfig
from signkit.models.torchvision_mend import import_transformers
from signkit.text.vocabulary import Vocabulary


class BertReader(nn.Module):
    """Reads all glosses so far with a causal BERT.

    A history longer than the positions BERT has is read all the same: the glosses beyond share the last
    position's embedding. While no weight of BERT's is trained, its dropout is off too. It can step.

    Args:
        bert: a `transformers.BertModel` made as a decoder, its word embeddings one a gloss.
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
        """The last layer's state at each symbol."""
        places = torch.arange(symbols.shape[1], device=symbols.device).clamp(max=self.card.positions - 1)
        states: Tensor = self.bert(
            input_ids=symbols, position_ids=places[None], use_cache=False
        ).last_hidden_state
        return states

    @property
    def embedding(self) -> nn.Embedding:
        """Of the glosses, the start symbol first."""
        bert: Any = self.bert
        found: nn.Embedding = bert.get_input_embeddings()
        return found

    @property
    def kept(self) -> int:
        """Numbers of a symbol's keys and values in all layers."""
        return 2 * self.card.layers * self.card.width

    def step(
        self,
        symbols: Int[Tensor, " batch"],
        past: Float[Tensor, "batch before kept"],
        lengths: Int[Tensor, " batch"],
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch kept"]]:
        """The last layer's state at one symbol more; see `signkit.models.context.protocol.Stepping`."""
        before = past.shape[1]
        split = past.unflatten(2, (self.card.layers, 2, self.card.heads, -1)).permute(2, 3, 0, 4, 1, 5)
        cache: Any = import_transformers().DynamicCache([(layer[0], layer[1]) for layer in split])
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
        """The last layer's states, each with attention to all symbols of its sentence."""
        places = torch.arange(embedded.shape[1], device=embedded.device)
        inside = length_mask(lengths, embedded.shape[1])
        # A mask of four dimensions is used as it is; the causal one is made from none.
        states: Tensor = self.bert(
            inputs_embeds=embedded,
            position_ids=places.clamp(max=self.card.positions - 1)[None],
            attention_mask=inside[:, None, None].expand(-1, 1, embedded.shape[1], -1),
            use_cache=False,
        ).last_hidden_state
        return states

    def train(self, mode: bool = True) -> "BertReader":
        """Switch dropout on or off."""
        super().train(mode)
        self.bert.train(mode and any(weight.requires_grad for weight in self.bert.parameters()))
        return self


def build(config: BertConfig, vocabulary_size: int, dim: int, vocabulary: Vocabulary) -> AdaptedContext:
    """A causal BERT with its adaptor, from scratch or from a checkpoint.

    Raises:
        UserError: the card or the checkpoint cannot be used; the file or folder is named.
        OperationalError: the checkpoint is a name on the Hub, which cannot be reached.
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
    """An untrained BERT; index 0 is the start symbol, so nothing is BERT's padding."""
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
