"""A classifier: an encoder, its chunks pooled to one vector a clip, and a head for every question asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from signkit.data.batch import Batch, length_mask
from signkit.models.configs import ClassifierConfig
from signkit.models.encoders.protocol import Encoder


@dataclass(frozen=True, slots=True)
class LabelLogits:
    """What a classifier returns.

    Attributes:
        heads: logits [batch, classes] by the head's name.
        auxiliary: the encoder's own loss of each sample.
    """

    heads: Mapping[str, Float[Tensor, "batch _"]]
    auxiliary: Float[Tensor, " batch"]


class Classifier(nn.Module):
    """Classes of whole clips, by any number of heads.

    Args:
        encoder: its ``video`` features are pooled.
        heads: from the pooled vector to the logits of each head, by name.
        pooling: ``mean`` or ``max`` over the chunks; or ``attention``: a mean whose weights are learnt.
        dropout: probability, on the pooled vector.
    """

    def __init__(self, *, encoder: Any, heads: nn.ModuleDict, pooling: str, dropout: float) -> None:
        super().__init__()
        self.encoder, self.heads, self.pooling = encoder, heads, pooling
        self.attention = nn.Linear(encoder.dims["video"], 1) if pooling == "attention" else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: Batch) -> LabelLogits:
        """The logits of a batch."""
        encoded = self.encoder(batch)
        features = encoded.levels["video"].float()
        real = length_mask(encoded.lengths, features.shape[1])
        pooled = self.dropout(self._pooled(features, real))
        return LabelLogits({name: head(pooled) for name, head in self.heads.items()}, encoded.auxiliary)

    def _pooled(
        self, features: Float[Tensor, "batch chunks width"], real: Bool[Tensor, "batch chunks"]
    ) -> Float[Tensor, "batch width"]:
        if self.pooling == "max":
            return features.masked_fill(~real[..., None], -torch.inf).amax(1)
        if self.attention is not None:
            weights = self.attention(features)[..., 0].masked_fill(~real, -torch.inf).softmax(1)
        else:
            weights = real / real.sum(1, keepdim=True)
        return torch.einsum("bc,bcw->bw", weights.to(features.dtype), features)


def build(config: ClassifierConfig, *, encoder: Encoder, classes: Mapping[str, int]) -> Classifier:
    """Build the model from its options, its encoder, and the number of classes of each head."""
    width = encoder.dims["video"]

    def head(hidden: int, outputs: int) -> nn.Module:
        if not hidden:
            return nn.Linear(width, outputs)
        return nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(hidden, outputs)
        )

    heads = nn.ModuleDict({each.name: head(each.hidden, classes[each.name]) for each in config.heads})
    return Classifier(encoder=encoder, heads=heads, pooling=config.pooling, dropout=config.dropout)
