"""Where the tokens of a text are in a clip: the best places that never go back."""

import torch
from jaxtyping import Float64, Int
from torch import Tensor


def rising_places(
    scores: Float64[Tensor, "texts tokens chunks"], lengths: Int[Tensor, " texts"]
) -> Int[Tensor, "texts tokens"]:
    """The chunk of each token, never before that of the token before it, with the largest sum of scores.

    The best sum up to token u at or before chunk s is a running maximum over s, so the only loop is over the
    tokens (this project).

    Args:
        scores: of each token at each chunk, such as log probabilities; -inf where it cannot be.
        lengths: tokens of each text; places beyond are undefined.
    """
    texts, tokens, chunks = scores.shape
    best = torch.zeros(texts, chunks, dtype=scores.dtype)
    reached = []
    for place in range(tokens):
        best, at = (best + scores[:, place]).cummax(1)
        reached.append(at)  # the chunk of this token if the next is at chunk s or later
    found = torch.zeros(texts, tokens, dtype=torch.long)
    latest = torch.full((texts, 1), chunks - 1)
    for place in reversed(range(tokens)):
        inside = (place < lengths)[:, None]
        latest = torch.where(inside, reached[place].gather(1, latest), latest)
        found[:, place] = latest[:, 0]
    return found
