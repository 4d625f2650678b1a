"""From batches to hypotheses: greedy or beam search over the logits of a recogniser, with external models."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.batch import Batch, length_mask
from signkit.data.on_host import on_host
from signkit.decode.beam import beam_search
from signkit.decode.confidence import Votes, beam_votes, confidences, greedy_votes
from signkit.decode.configs import LatticeConfig, SearchConfig, check_beam
from signkit.decode.context_logits import ContextLogits, constant_context_logits
from signkit.decode.greedy import greedy_search
from signkit.decode.in_words import InWords
from signkit.decode.rescore import rescore
from signkit.decode.scorer import Fused, Rescorer
from signkit.decode.single import single_search
from signkit.decode.state import Candidate
from signkit.errors import OperationalError
from signkit.models.losses.logits import SplitLogits, decoded_level
from signkit.models.protocol import Recogniser
from signkit.text.vocabulary import UNKNOWN_AT, Vocabulary
from signkit.types import Hypothesis

Weighted = tuple[Rescorer, float]


TOP = 5
"""Candidates of one token that are always found, for the top-5 accuracy."""
MAX_STATES = 1_000_000
"""States, at about 150 bytes each, that a scorer may retain from one search to the next."""


@runtime_checkable
class ForgetsStates(Protocol):
    """A `Scorer` whose table of states grows with every new history, such as that of a neural model."""

    def forget(self) -> None:
        """Drop all states if there are more than `MAX_STATES`. It is called between searches, never within
        one, so no search holds a state that has been dropped."""
        ...


@dataclass(frozen=True, slots=True)
class BeamResult:
    """The result of a search for one sample.

    Attributes:
        candidates: the whole beam, best first; a single path for greedy search.
        seconds: the time of each chunk's middle, in seconds from the start of the clip.
        greedy: the path of greedy search without external models; None unless it was requested.
        glosses: the best path of a CTC head that writes glosses next to the text; None without one.
    """

    candidates: list[Candidate]
    seconds: tuple[float, ...]
    greedy: Candidate | None = None
    glosses: Candidate | None = None


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
    """Decode batches: the best hypothesis of every sample, with the rest of its n-best list.

    This is `find` followed by `hypotheses`. Confidences are computed at the configuration's temperature, or
    at 1 if it has none.

    Returns:
        Hypotheses by sample id.
    """
    beams = find(model, batches, config, on_progress, fusion=fusion, rescorers=rescorers)
    return hypotheses(beams, vocabulary, config, config.temperature or 1.0)


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
    """Search the logits of every batch.

    Args:
        model: a `Recogniser`; its mode (train or eval) is restored afterwards.
        on_progress: called after each batch with the number of samples decoded so far.
        fusion: external models that take part in the search, from
            `signkit.decode.external.build.build_fusion`.
        rescorers: external models that reorder the n-best list after the search.
        with_greedy: also run greedy search without external models on the same logits.

    Returns:
        The beam of every sample by its id.

    Raises:
        OperationalError: the logits of a sample are not finite.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    beams: dict[str, BeamResult] = {}
    with torch.no_grad():
        for batch in batches:
            logits = logits_of(model, batch.to(device))
            searched = search(model, logits, config, fusion=fusion, rescorers=rescorers)
            paths: Sequence[Sequence[Candidate | None]] = [[None]] * len(searched)
            if with_greedy:
                paths = search(model, logits, config.greedy())
            for place, candidates in enumerate(searched):
                seconds = chunk_seconds(logits, batch, place)
                beams[batch.ids[place]] = BeamResult(candidates, seconds, paths[place][0])
            on_progress(len(beams))
    model.train(was_training)
    return beams


@runtime_checkable
class Chunked(Protocol):
    """The chunks of a batch: how many of each sample, and the frame at the centre of each."""

    @property
    def lengths(self) -> Int[Tensor, " batch"]: ...

    @property
    def centres(self) -> Int[Tensor, " chunks"]: ...


def chunk_seconds(logits: Chunked, batch: Batch, place: int) -> tuple[float, ...]:
    """The times of a sample's chunks, each at the chunk's middle, in seconds from the start of the clip."""
    lengths, chunks, rates = on_host(batch.lengths), on_host(logits.lengths), on_host(batch.fps)
    last, fps = int(lengths[place]) - 1, float(rates[place])
    frames = on_host(logits.centres)[: int(chunks[place])].clamp(max=last).tolist()
    if batch.times is None:
        return tuple(frame / fps for frame in frames)
    return tuple(batch.times[place][frames].tolist())


def hypotheses(
    beams: Mapping[str, BeamResult], vocabulary: Vocabulary, config: SearchConfig, temperature: float
) -> dict[str, Hypothesis]:
    """The best candidate of each sample as tokens, with confidences at a temperature, and the rest of its
    n-best list, which has no confidences."""
    # The confidences of all samples are computed in one call; each hypothesis takes as many as it has tokens.
    confidence = iter(confidences(votes(beams, config, vocabulary), temperature).tolist())
    return {
        name: replace(
            hypothesis(name, each.candidates[0], each.seconds, vocabulary, confidence),
            others=_others(name, each, vocabulary, config.nbest),
        )
        for name, each in beams.items()
    }


def _others(name: str, beam: BeamResult, vocabulary: Vocabulary, nbest: int) -> tuple[Hypothesis, ...]:
    """The next best texts; what is the same text in other subwords is not there twice."""
    found: dict[str, Hypothesis] = {}
    for candidate in beam.candidates:
        if len(found) == nbest:
            break
        other = hypothesis(name, candidate, beam.seconds, vocabulary)
        found.setdefault(other.text, other)
    return tuple(found.values())[1:]


def votes(beams: Mapping[str, BeamResult], config: SearchConfig, vocabulary: Vocabulary) -> Votes:
    """For each token of the best candidates (for subwords, each word) the candidates that agree with it, from
    which confidences are computed: the whole beam, or the chunks of the greedy path."""
    candidates = InWords(vocabulary).candidates([each.candidates for each in beams.values()])
    return greedy_votes(candidates) if config.beam == 1 and not config.is_single else beam_votes(candidates)


def logits_of(model: Any, batch: Batch) -> SplitLogits:
    """The logits of a batch in float32. Targets are removed first, so no context logits are computed for
    them.

    Raises:
        OperationalError: the logits of a sample are not finite.
    """
    no_targets = batch.targets[:, :0]
    batch = replace(batch, targets=no_targets, target_lengths=torch.zeros_like(batch.target_lengths))
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
    """Search the logits of a batch; returns each sample's beam, best first (a single path if `beam` is 1)."""
    acoustic = acoustic_logits(logits, config.level)
    return search_acoustic(
        model, acoustic, logits.lengths, logits.bias, config, fusion=fusion, rescorers=rescorers
    )


def acoustic_logits(logits: SplitLogits, level: str) -> Float[Tensor, "batch chunks vocab"]:
    """The encoder's logits at a level (``video``, ``chunk`` or their ``sum``), plus the output layer's bias
    once."""
    return decoded_level(logits.levels, level) + logits.bias


def decoder_context(model: Recogniser, bias: Float[Tensor, " vocab"]) -> ContextLogits:
    """The function from histories to context logits that the decoders call; a constant without a context.

    A model without context returns the same zeros for every history, and the decoders are faster when they
    know that beforehand.
    """
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
    """`search` on acoustic logits that have been computed before (`acoustic_logits`).

    Args:
        bias: the output layer's; only its width and device are used.
        nbest: the largest number of sequences to return; the whole beam if None.

    Raises:
        OperationalError: an external model returned something that is no log score, such as NaN.
    """
    context = decoder_context(model, bias)
    if config.acoustic_scale != 1:
        acoustic = acoustic * config.acoustic_scale
    if config.beam == 1:
        check_beam("decode.beam", config.beam, [*fusion, *rescorers])
    if config.beam == 1 and not config.is_single:
        return greedy_search(
            acoustic, lengths, context, topology=model.topology, context_scale=config.context_scale
        )
    forget_states(fusion)
    widest = max(config.beam, config.nbest, TOP) if config.is_single else config.beam
    if rescorers or nbest is None:
        wanted = acoustic.shape[2] if rescorers and config.is_single else widest
    else:
        wanted = nbest
    with external_faults(bool(fusion or rescorers)):
        if config.is_single:
            nbest_lists = single_search(
                acoustic,
                lengths,
                context,
                topology=model.topology,
                nbest=wanted,
                length_reward=config.length_reward,
                context_scale=config.context_scale,
                fusion=fusion,
                never=[UNKNOWN_AT],
            )
        else:
            nbest_lists = beam_search(
                acoustic,
                lengths,
                context,
                topology=model.topology,
                beam=config.beam,
                nbest=wanted,
                top_k=config.top_k,
                length_reward=config.length_reward,
                context_scale=config.context_scale,
                beam_threshold=config.beam_threshold,
                fusion=fusion,
            )
        return [each[: nbest or widest] for each in rescore(nbest_lists, rescorers)]


def forget_states(fusion: Sequence[Fused]) -> None:
    """Before a search: drop the states that external models have retained, if they are too many."""
    for part in fusion:
        if isinstance(part.scorer, ForgetsStates):
            part.scorer.forget()


@contextmanager
def external_faults(are_there: bool) -> Iterator[None]:
    """Name external models, if there are any, as what a wrong value comes from.

    Raises:
        OperationalError: one of them returned something that is no log score, such as NaN.
    """
    try:
        yield
    except ValueError as error:
        if not are_there:
            raise
        raise OperationalError(f"decode.fusion or decode.rescore: {error}") from error


def hypothesis(
    name: str,
    candidate: Candidate,
    seconds: Sequence[float],
    vocabulary: Vocabulary,
    shares: Iterator[float] | None = None,
) -> Hypothesis:
    """A candidate as text.

    Args:
        seconds: of each chunk.
        shares: the confidences of its tokens, and of those that follow.
    """
    tokens = vocabulary.decode(candidate.tokens)
    begun = [candidate.chunks[first] for first, _ in vocabulary.spans(candidate.tokens)]
    times = tuple(round(seconds[chunk], 3) for chunk in begun)
    sure = tuple(round(next(shares), 4) for _ in tokens) if shares else ()
    return Hypothesis(name, tokens, vocabulary.join(tokens), candidate.score, times, sure)
