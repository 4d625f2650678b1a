"""BERT as a context: one position per gloss, with causal attention.

The start symbol takes the place of [CLS]. Causal attention in place of BERT's bidirectional attention is this
project's choice (docs/c2st.md): one pass computes the states of all histories of a sentence.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.data.batch import length_mask
from signkit.models.context.adaptor import AdaptedContext, Adaptor
from signkit.models.context.bert_checkpoint import load_bert
from signkit.models.context.card import load_card
from signkit.models.context.causal_bert import CausalBert
from signkit.models.context.configs import BertConfig
from signkit.text.vocabulary import Vocabulary


class BertReader(nn.Module):
    """Reads all glosses so far with a causal BERT; an incremental reader (`Stepping`).

    A history may be longer than BERT has positions: the glosses beyond share the last position's embedding.
    If all of BERT is frozen, its dropout is off in training, too.

    Args:
        bert: with one word embedding per gloss.
    """

    looks_back = True

    def __init__(self, bert: CausalBert) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, symbols: Int[Tensor, "batch histories"]) -> Float[Tensor, "batch histories width"]:
        """The state of the last layer at each symbol."""
        places = torch.arange(symbols.shape[1], device=symbols.device)[None]
        states: Tensor = self.bert(self.embedding(symbols), places)[0]
        return states

    @property
    def embedding(self) -> nn.Embedding:
        """The embeddings of the symbols; the start symbol is the first."""
        return self.bert.words

    @property
    def cache_width(self) -> int:
        """Size of a symbol's keys and values in all layers."""
        return 2 * self.bert.card.layers * self.bert.card.width

    def step(
        self,
        symbols: Int[Tensor, " batch"],
        past: Float[Tensor, "batch before cached"],
        lengths: Int[Tensor, " batch"],
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch cached"]]:
        """The state of the last layer at one more symbol; see `signkit.models.context.protocol.Stepping`."""
        before, card = past.shape[1], self.bert.card
        # past [batch, before, layers * 2 * heads * size], keys then values in each layer, becomes
        # [layers, 2, batch, heads, before, size].
        split = past.unflatten(2, (card.layers, 2, card.heads, -1)).permute(2, 3, 0, 4, 1, 5)
        # Shorter histories are padded on the left, where they must not attend.
        seen = torch.arange(before + 1, device=past.device) >= before - lengths[:, None]
        states, own = self.bert(
            self.embedding(symbols[:, None]), lengths[:, None], seen[:, None], [(k, v) for k, v in split]
        )
        return states[:, 0], torch.cat([part.flatten(1) for pair in own for part in pair], dim=1)

    def both_sides(
        self, embedded: Float[Tensor, "batch symbols width"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch symbols width"]:
        """The states of the last layer with bidirectional attention within each sentence."""
        places = torch.arange(embedded.shape[1], device=embedded.device)[None]
        inside = length_mask(lengths, embedded.shape[1])[:, None]
        states: Tensor = self.bert(embedded, places, inside)[0]
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
        bert = CausalBert(load_card(config.card), vocabulary_size)
    else:
        bert = load_bert(config.checkpoint, vocabulary)
    if config.freeze:
        bert.requires_grad_(False)
    adaptor = Adaptor(
        width=bert.card.width,
        dim=dim,
        bottleneck=config.adaptor_width,
        dropout=config.dropout,
        gain=config.gain,
    )
    return AdaptedContext(reader=BertReader(bert), adaptor=adaptor)
