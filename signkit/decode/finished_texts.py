"""The texts that a beam search has finished, read back along their steps."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int
from torch import Tensor

from signkit.decode.state import NO_CANDIDATE, Candidate
from signkit.decode.token_places import rising_places


@dataclass(slots=True)
class Step:
    """What was added to the hypotheses of a beam in one step, [batch, beam] each.

    Attributes:
        probabilities: of each token.
        places: log of the probability of each token at each chunk by the CTC head, or of the attention.
    """

    parents: Int[Tensor, "batch beam"]
    tokens: Int[Tensor, "batch beam"]
    probabilities: Float64[Tensor, "batch beam"]
    places: Float64[Tensor, "batch beam chunks"]


@dataclass(slots=True)
class Finished:
    """The best finished texts of each clip, [batch, beam]; scores of empty places are -inf.

    Attributes:
        score: normalised by length.
        lengths: tokens of each text.
        slots: its place in the beam after its last token.
        count: texts that have been finished, those that fell out again included: [batch].
    """

    score: Float64[Tensor, "batch beam"]
    lengths: Int[Tensor, "batch beam"]
    slots: Int[Tensor, "batch beam"]
    count: Int[Tensor, " batch"]

    @classmethod
    def none(cls, batch: int, beam: int) -> "Finished":
        """No text yet."""
        nothing = torch.zeros(batch, beam, dtype=torch.long)
        score = torch.full((batch, beam), -torch.inf, dtype=torch.float64)
        return cls(score, nothing, nothing, torch.zeros(batch, dtype=torch.long))

    def add(self, score: Float64[Tensor, "batch beam"], length: int) -> None:
        """Add the texts that end after ``length`` tokens; -inf for those that do not."""
        beam = self.score.shape[1]
        places = torch.arange(beam).expand_as(score)
        self.count += (score > -torch.inf).sum(1)
        scores = torch.cat([self.score, score], 1)
        order = scores.sort(dim=1, descending=True, stable=True).indices[:, :beam]
        self.score = scores.gather(1, order)
        self.lengths = torch.cat([self.lengths, torch.full_like(places, length)], 1).gather(1, order)
        self.slots = torch.cat([self.slots, places], 1).gather(1, order)


def finished_texts(finished: Finished, steps: Sequence[Step], greedy: bool) -> list[list[Candidate]]:
    """The finished texts of each clip, read from their last token to the first; all of them at once."""
    batch, beam = finished.slots.shape
    if not steps:
        return [
            [Candidate((), each, ()) if each > -math.inf else NO_CANDIDATE]
            for each in finished.score[:, 0].tolist()
        ]
    tokens, probabilities, places = [], [], []
    slots = finished.slots
    for place, step in reversed([*enumerate(steps)]):
        tokens.append(step.tokens.gather(1, slots))
        probabilities.append(step.probabilities.gather(1, slots))
        places.append(torch.take_along_dim(step.places, slots[..., None], 1))
        slots = torch.where(finished.lengths > place, step.parents.gather(1, slots), slots)
    stacked = torch.stack(places[::-1], 2).flatten(0, 1)
    chunks = rising_places(stacked, finished.lengths.flatten()).view(batch, beam, -1).tolist()
    texts, sure = (torch.stack(each[::-1], 2).tolist() for each in (tokens, probabilities))
    scores, lengths = finished.score.tolist(), finished.lengths.tolist()
    first = stacked.view(batch, beam, *stacked.shape[1:])[:, 0].exp().half().numpy()

    def candidate(clip: int, slot: int) -> Candidate:
        end = lengths[clip][slot]
        parts = (tuple(each[clip][slot][:end]) for each in (texts, chunks, sure))
        text, at, confidences = parts
        attention = first[clip, :end].copy() if slot == 0 else None
        return Candidate(text, scores[clip][slot], at, confidences if greedy else (), attention=attention)

    return [
        [candidate(clip, slot) for slot in range(beam) if scores[clip][slot] > -math.inf] or [NO_CANDIDATE]
        for clip in range(batch)
    ]
