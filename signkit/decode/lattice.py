"""From batches to hypotheses: the model's logits searched as the recipe says."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.batch import Batch, length_mask
from signkit.decode.beam import beam_search
from signkit.decode.confidence import Votes, beam_votes, confidences, greedy_votes
from signkit.decode.configs import LatticeConfig, check_beam
from signkit.decode.context_logits import ContextLogits, constant_context_logits
from signkit.decode.greedy import greedy_search
from signkit.decode.in_words import InWords
from signkit.decode.rescore import rescore
from signkit.decode.scorer import Fused, Rescorer
from signkit.decode.state import Candidate
from signkit.errors import OperationalError
from signkit.models.losses.logits import SplitLogits
from signkit.models.protocol import Recogniser
from signkit.text.vocabulary import Vocabulary
from signkit.types import Hypothesis

Weighted = tuple[Rescorer, float]


MANY = 1_000_000
"""States, at about 150 bytes each, that a scorer may keep from search to search."""


@runtime_checkable
class Growing(Protocol):
    """A `Scorer` with a state for every history that it is asked about."""

    def forget(self) -> None:
        """Forget all states if there are many: called between searches, each of which starts anew."""
        ...


@dataclass(frozen=True, slots=True)
class BeamResult:
    """What a search found for one sample.

    Attributes:
        candidates: the whole beam, best first; the one path of greedy search.
        seconds: from the start of the clip to the middle of each chunk.
        greedy: the path of greedy search, by the model alone; None where it was not asked for.
    """

    candidates: list[Candidate]
    seconds: tuple[float, ...]
    greedy: Candidate | None = None


def recognise(
    model: Any,
    batches: Iterable[Batch],
    vocabulary: Vocabulary,
    config: LatticeConfig,
    on_progress: Callable[[int], None] = lambda done: None,
    *,
    fusion: Sequence[Fused] = (),
    rescorers: Sequence[Weighted] = (),
) -> dict[str, Hypothesis]:
    """The best hypothesis of every sample by its id, with the others of its n-best list; `find` and
    `hypotheses` in one.

    The confidences are those of the configuration's temperature, or of 1 where it names none.
    """
    found = find(model, batches, config, on_progress, fusion=fusion, rescorers=rescorers)
    return hypotheses(found, vocabulary, config, config.temperature or 1.0)


def find(
    model: Any,
    batches: Iterable[Batch],
    config: LatticeConfig,
    on_progress: Callable[[int], None] = lambda done: None,
    *,
    fusion: Sequence[Fused] = (),
    rescorers: Sequence[Weighted] = (),
    with_greedy: bool = False,
) -> dict[str, BeamResult]:
    """The beam of every sample by its id.

    Args:
        model: a `Recogniser`; its mode (train or eval) is left as it was.
        on_progress: called with the number of samples done so far.
        fusion: what takes part in beam search, as `signkit.decode.external.build.build_fusion` gives it.
        rescorers: what orders the n-best list when the search is done.
        with_greedy: whether the same logits are searched greedily too, by the model alone.

    Raises:
        OperationalError: a sample's scores are not numbers.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    found: dict[str, BeamResult] = {}
    with torch.no_grad():
        for batch in batches:
            logits = logits_of(model, batch.to(device))
            searched = search(model, logits, config, fusion=fusion, rescorers=rescorers)
            paths: Sequence[Sequence[Candidate | None]] = [[None]] * len(searched)
            if with_greedy:
                paths = search(model, logits, config.greedy())
            for place, candidates in enumerate(searched):
                seconds = chunk_seconds(logits, batch, place)
                found[batch.ids[place]] = BeamResult(candidates, seconds, paths[place][0])
            on_progress(len(found))
    model.train(was_training)
    return found


def chunk_seconds(logits: SplitLogits, batch: Batch, place: int) -> tuple[float, ...]:
    """From the start of a sample of the batch to the middle of each of its chunks."""
    last, fps = int(batch.lengths[place]) - 1, float(batch.fps[place])
    frames = logits.centres[: int(logits.lengths[place])].clamp(max=last).tolist()
    return tuple(frame / fps for frame in frames)


def hypotheses(
    found: Mapping[str, BeamResult], vocabulary: Vocabulary, config: LatticeConfig, temperature: float
) -> dict[str, Hypothesis]:
    """The best of each sample in tokens, with its confidences at a temperature, and the others of its n-best
    list."""
    shares = iter(confidences(votes(found, config, vocabulary), temperature).tolist())
    return {
        name: replace(
            _hypothesis(name, each.candidates[0], each.seconds, vocabulary, shares),
            others=tuple(
                _hypothesis(name, candidate, each.seconds, vocabulary)
                for candidate in each.candidates[1 : config.nbest]
            ),
        )
        for name, each in found.items()
    }


def votes(found: Mapping[str, BeamResult], config: LatticeConfig, vocabulary: Vocabulary) -> Votes:
    """Who says each token (of subwords each word) of the best candidates: the whole beam, or the one path of
    greedy search."""
    lists = InWords(vocabulary).candidates([each.candidates for each in found.values()])
    return greedy_votes(lists) if config.beam == 1 else beam_votes(lists)


def logits_of(model: Any, batch: Batch) -> SplitLogits:
    """A batch's logits in single precision, without those of its targets.

    Raises:
        OperationalError: those of a sample are not numbers.
    """
    nothing = batch.targets[:, :0]
    batch = replace(batch, targets=nothing, target_lengths=torch.zeros_like(batch.target_lengths))
    logits: SplitLogits = model(batch).float()
    for level in (logits.levels["video"], logits.levels["chunk"]):
        inside = length_mask(logits.lengths, level.shape[1])
        bad = (~(level + logits.bias).isfinite().all(2) & inside).any(1).nonzero()
        if len(bad):
            what = "the model's scores are not numbers; its weights have diverged or are damaged"
            raise OperationalError(f"sample {batch.ids[int(bad[0])]!r}: {what}")
    return logits


def search(
    model: Any,
    logits: SplitLogits,
    config: LatticeConfig,
    *,
    fusion: Sequence[Fused] = (),
    rescorers: Sequence[Weighted] = (),
) -> list[list[Candidate]]:
    """Each sample's beam, best first; for a beam of 1 the one path of greedy search."""
    acoustic = acoustic_logits(logits, config.level)
    return search_acoustic(
        model, acoustic, logits.lengths, logits.bias, config, fusion=fusion, rescorers=rescorers
    )


def acoustic_logits(logits: SplitLogits, level: str) -> Float[Tensor, "batch chunks vocab"]:
    """The encoder's logits of a level (``video``, ``chunk``, ``sum``), the output layer's bias included."""
    video, chunk = logits.levels["video"], logits.levels["chunk"]
    if level == "sum" and chunk is not video:
        return video + chunk + logits.bias
    return (chunk if level == "chunk" else video) + logits.bias


def decoder_context(model: Recogniser, bias: Float[Tensor, " vocab"]) -> ContextLogits:
    """A model's context logits as the decoder wants them; marked constant where there is no context."""
    return (
        constant_context_logits(torch.zeros_like(bias)) if model.context_free else model.last_context_logits
    )


def search_acoustic(
    model: Any,
    acoustic: Float[Tensor, "batch chunks vocab"],
    lengths: Int[Tensor, " batch"],
    bias: Float[Tensor, " vocab"],
    config: LatticeConfig,
    *,
    fusion: Sequence[Fused] = (),
    rescorers: Sequence[Weighted] = (),
    nbest: int | None = None,
) -> list[list[Candidate]]:
    """`search` on logits that are at hand, `acoustic_logits`; ``bias`` has the width and the device of
    context logits.

    Args:
        nbest: sequences wanted at most; all of the beam if None.

    Raises:
        OperationalError: a scorer gives what is no log score.
    """
    context = decoder_context(model, bias)
    if config.acoustic_scale != 1:
        acoustic = acoustic * config.acoustic_scale
    if config.beam == 1:
        check_beam("decode.beam", config.beam, [*fusion, *rescorers])
        return greedy_search(
            acoustic, lengths, context, topology=model.topology, context_scale=config.context_scale
        )
    for part in fusion:
        if isinstance(part.scorer, Growing):
            part.scorer.forget()
    try:
        found = beam_search(
            acoustic,
            lengths,
            context,
            topology=model.topology,
            beam=config.beam,
            nbest=config.beam if rescorers or nbest is None else nbest,
            top_k=config.top_k,
            length_reward=config.length_reward,
            context_scale=config.context_scale,
            beam_threshold=config.beam_threshold,
            fusion=fusion,
        )
        return [each[:nbest] for each in rescore(found, rescorers)]
    except ValueError as error:
        if not fusion and not rescorers:
            raise
        raise OperationalError(f"decode.fusion or decode.rescore: {error}") from error


def _hypothesis(
    name: str,
    candidate: Candidate,
    seconds: Sequence[float],
    vocabulary: Vocabulary,
    shares: Iterator[float] | None = None,
) -> Hypothesis:
    tokens = vocabulary.decode(candidate.tokens)
    begun = [candidate.chunks[first] for first, _ in vocabulary.spans(candidate.tokens)]
    times = tuple(round(seconds[chunk], 3) for chunk in begun)
    sure = tuple(round(next(shares), 4) for _ in tokens) if shares else ()
    return Hypothesis(name, tokens, vocabulary.join(tokens), candidate.score, times, sure)
