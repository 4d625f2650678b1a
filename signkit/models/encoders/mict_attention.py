"""Recurrent attention over the maps of frames (Shi et al. 2019, as MiCT-RANet has it).

For the map f of a frame, [places, channels], and the state h of the frame before:

    s_n = v . tanh(h Wh + f_n Wk)          a = softmax(s) * prior
    context = sum_n a_n f_n Wv / max(sum_n a_n, 1e-5)          h, c = LSTMCell(context, (h, c))

Wv is applied to the sum over places: the same as to each place, in a 196th of the time.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

SMALLEST = 1e-5
"""The least sum of weights that is divided by."""
State = tuple[Float[Tensor, "batch hidden"], Float[Tensor, "batch hidden"]]
"""Output and cell of the LSTM."""


class RecurrentAttention(nn.Module):
    """A vector for each frame, from its map and the frames before.

    Args:
        channels: of the maps.
        attention: width of the layer in which a map and the state are compared.
        hidden: width of the LSTM.
    """

    def __init__(self, channels: int, attention: int, hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(hidden, attention, bias=False)
        self.key = nn.Linear(channels, attention, bias=False)
        self.value = nn.Linear(channels, hidden, bias=False)
        self.score = nn.Linear(attention, 1, bias=False)
        self.cell = nn.LSTMCell(hidden, hidden)

    def forward(
        self,
        maps: Float[Tensor, "batch frames places channels"],
        prior: Float[Tensor, "batch frames places"] | None = None,
        state: State | None = None,
    ) -> tuple[Float[Tensor, "batch frames hidden"], Float[Tensor, "batch frames places"], State]:
        """Vectors, attention weights and the state after the last frame.

        Args:
            maps: of each frame; after the end of a clip anything.
            prior: factor of the attention at each place, 0 or more; None: the same everywhere.
            state: after the frame before; None: zeros.
        """
        if state is None:
            zeros = maps.new_zeros(len(maps), self.cell.hidden_size)
            state = zeros, zeros
        vectors, weights = [], []
        keys = self.key(maps)
        # One frame after the other: where a frame is looked at depends on what was seen before.
        for frame in range(maps.shape[1]):
            query = self.query(state[0])[:, None]
            attended = self.score(torch.tanh(query + keys[:, frame])).squeeze(2).softmax(1)
            if prior is not None:
                attended = attended * prior[:, frame]
            attended = attended / attended.sum(1, keepdim=True).clamp(min=SMALLEST)
            context = (attended[:, None] @ maps[:, frame]).squeeze(1)
            state = self.cell(self.value(context), state)
            vectors.append(state[0])
            weights.append(attended)
        return torch.stack(vectors, 1), torch.stack(weights, 1), state
