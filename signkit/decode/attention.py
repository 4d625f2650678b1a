"""Beam search of an attention decoder, batched over clips, jointly with CTC and language models.

The score of a text y of a clip x is

    (1 - w) log P_attention(y|x) + w log P_ctc(y|x) + sum of weighted external models + reward · |y|

with w = `decode.ctc_weight` for models with a CTC head. While a text is not finished, P_ctc is that of all
texts that begin with it (`signkit.decode.ctc_prefix`). Finished texts are compared by their score divided by
((5 + |y| + 1) / 6) ^ `decode.length_norm` (Wu et al. 2016, eq. 14).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float64, Int
from torch import Tensor
from torch.nn import functional as F

from signkit.data.batch import Batch, length_mask
from signkit.decode.chosen import chosen_texts
from signkit.decode.configs import AttentionSearchConfig, check_beam, length_divisor
from signkit.decode.ctc_prefix import Prefixes
from signkit.decode.finished_texts import Finished, Step, finished_texts
from signkit.decode.fusion import Fusion
from signkit.decode.greedy import greedy_search
from signkit.decode.history import NO_ENTRY, ROOT, PrefixTree
from signkit.decode.lattice import BeamResult, ForgetsStates, Weighted, chunk_seconds
from signkit.decode.readings import by_sample
from signkit.decode.rescore import rescore
from signkit.decode.scorer import Fused
from signkit.decode.state import Candidate
from signkit.errors import OperationalError, UserError
from signkit.models.attention import Encoded
from signkit.text.vocabulary import Vocabulary

END = 0
"""The token that ends a text, and begins it."""


class Decoding:
    """The decoders of one or several models over the same clips: log P of the next token, their mean.

    Args:
        models: attention models with the same vocabulary; the first one's attention tells the times.
        encoded: what each of them read of the batch.
    """

    def __init__(self, models: Sequence[Any], encoded: Sequence[Encoded], beam: int) -> None:
        self._decoders = [model.decoder for model in models]
        self._memories = [
            decoder.memory(each.features, length_mask(each.lengths, each.features.shape[1]))
            for decoder, each in zip(self._decoders, encoded, strict=True)
        ]
        self._pasts = [
            decoder.begin(memory, beam)
            for decoder, memory in zip(self._decoders, self._memories, strict=True)
        ]
        self._device = encoded[0].features.device

    def step(
        self, tokens: Int[Tensor, "batch beam"], parents: Int[Tensor, "batch beam"]
    ) -> tuple[Float64[Tensor, "batch beam vocab"], Float64[Tensor, "batch beam chunks"]]:
        """log P after one more token of each hypothesis, which continues its parent, and the log of the
        first model's attention to each chunk."""
        logs, attention_to = [], torch.empty(0)
        tokens, parents = tokens.to(self._device), parents.to(self._device)
        for place, decoder in enumerate(self._decoders):
            past = self._pasts[place].chosen(parents)
            logits, self._pasts[place], attention = decoder.step(tokens, past, self._memories[place])
            logs.append(logits.double().log_softmax(2).cpu())
            if place == 0:
                attention_to = attention.double().log().cpu()
        if len(logs) == 1:
            return logs[0], attention_to
        return torch.stack(logs).logsumexp(0) - math.log(len(logs)), attention_to


def attention_search(
    models: Sequence[Any],
    encoded: Sequence[Encoded],
    config: AttentionSearchConfig,
    *,
    fusion: Sequence[Fused] = (),
    rescorers: Sequence[Weighted] = (),
    nbest: int | None = None,
) -> list[list[Candidate]]:
    """Search a batch; returns each clip's finished texts, best first.

    Args:
        models: one attention model, or several whose probabilities are averaged.
        encoded: what each of them read of the batch.
        fusion: external models that take part in the search.
        rescorers: external models that reorder the texts after it.
        nbest: the largest number of texts to return; the whole beam if None.

    Raises:
        OperationalError: an external model returned something that is no log score, such as NaN.
    """
    check_beam("decode.beam", config.beam, [*fusion, *rescorers])
    for part in fusion:
        if isinstance(part.scorer, ForgetsStates):
            part.scorer.forget()
    try:
        lists = _search(models, encoded, config, fusion)
        return [each[: nbest or config.beam] for each in rescore(lists, rescorers)]
    except ValueError as error:
        if not fusion and not rescorers:
            raise
        raise OperationalError(f"decode.fusion or decode.rescore: {error}") from error


def _search(
    models: Sequence[Any], encoded: Sequence[Encoded], config: AttentionSearchConfig, fusion: Sequence[Fused]
) -> list[list[Candidate]]:
    batch, beam = len(encoded[0].lengths), config.beam
    weight = config.ctc_weight if all(each.ctc is not None for each in encoded) else 0.0
    reward = config.length_reward if beam > 1 else 0.0
    decoding = Decoding(models, encoded, beam)
    ctc = _ctc_prefixes(encoded, beam) if weight else None
    slots = torch.arange(beam).expand(batch, beam)
    tokens, parents, alive = torch.full_like(slots, END), slots, slots == 0
    attention = torch.zeros(batch, beam, dtype=torch.float64)  # log P of each hypothesis by the decoder
    by_scorers = torch.zeros_like(attention)
    finished = Finished.none(batch, beam)
    external: _External | None = None
    steps: list[Step] = []
    while True:
        log_p, attention_to = decoding.step(tokens, parents)
        vocab = log_p.shape[2]
        if external is None and fusion:
            external = _External(fusion, batch, beam, vocab)
        # Most searches have neither CTC nor external models nor a reward, and large vocabularies: what does
        # not take part costs no pass over all scores.
        attended = attention[..., None] + log_p
        score = (1 - weight) * attended if weight else attended.clone()
        scored: Tensor | None = None
        if external is not None:
            scored = by_scorers[..., None] + external.after()
            score += scored
        if reward:
            score += reward * (len(steps) + 1)
            score[..., END] -= reward
        if ctc is not None:
            score += weight * ctc.extended().index_copy(2, torch.tensor([END]), ctc.ended()[..., None])
        score.masked_fill_(~alive[..., None], -torch.inf)
        norm = length_divisor(len(steps), config.length_norm)
        ends = score[..., END] / norm
        if len(steps) == config.longest:
            finished.add(ends, len(steps))
            break
        # Of the 2 beam best continuations at most `beam` are ends, so that `beam` others remain. A text is
        # finished if its end is among the first `beam`.
        best, at = score.flatten(1).topk(min(2 * beam, beam * vocab), 1)
        parent, token = at // vocab, at % vocab
        first = (token == END) & (torch.arange(len(best[0])) < beam)
        finishing = torch.zeros(batch, beam + 1, dtype=torch.bool)
        finishing = finishing.scatter(1, torch.where(first, parent, beam), True)[:, :beam]
        finished.add(ends.masked_fill(~finishing, -torch.inf), len(steps))
        full = finished.count >= beam
        best = best.masked_fill((token == END) | full[:, None], -torch.inf)
        order = best.sort(dim=1, descending=True, stable=True).indices[:, :beam]
        order = F.pad(order, (0, beam - order.shape[1]))
        alive = (best.gather(1, order) > -torch.inf) & (slots < best.shape[1])
        if not alive.any():
            break
        parents, tokens, at = (each.gather(1, order) for each in (parent, token, at))
        attention = attended.flatten(1).gather(1, at)
        if external is not None and scored is not None:
            by_scorers = scored.flatten(1).gather(1, at)
            external.move(parents, tokens, alive)
        if ctc is not None:
            ctc = ctc.chosen(parents, tokens)
        p = log_p.flatten(1).gather(1, at).exp()
        places = torch.take_along_dim(attention_to, parents[..., None], 1) if ctc is None else ctc.frames()
        steps.append(Step(parents, tokens, p, places))
    return finished_texts(finished, steps, greedy=beam == 1)


def _ctc_prefixes(encoded: Sequence[Encoded], beam: int) -> Prefixes:
    """The empty beginning by the CTC heads, whose probabilities are averaged.

    Raises:
        UserError: the models have different numbers of chunks.
    """
    lengths = encoded[0].lengths.cpu()
    if not all(each.lengths.cpu().equal(lengths) for each in encoded):
        what = "its runs have CTC heads with different numbers of chunks"
        raise UserError("decode.ensemble", what, "decode.ctc_weight: 0 leaves them out")
    logs = [cast(Tensor, each.ctc).double().log_softmax(2).cpu() for each in encoded]
    return Prefixes.empty(torch.stack(logs).logsumexp(0) - math.log(len(logs)), lengths, beam)


class _External:
    """External models along the hypotheses of a beam."""

    def __init__(self, fusion: Sequence[Fused], batch: int, beam: int, vocab: int) -> None:
        self._tree, self._vocab = PrefixTree(vocab), vocab
        self._fusion = Fusion(fusion, self._tree, vocab=vocab, blank=END)
        self._nodes = np.full((batch, beam), ROOT, dtype=np.int64)

    def after(self) -> Float64[Tensor, "batch beam vocab"]:
        """Weighted log scores of each next token, and of the end."""
        scores = self._fusion.after(self._nodes[..., None], np.arange(self._vocab))
        scores[..., END] = self._fusion.ends(self._nodes)
        return torch.from_numpy(scores)

    def move(self, parents: Tensor, tokens: Tensor, alive: Tensor) -> None:
        """Go on with some hypotheses, each with one more token."""
        nodes = np.take_along_axis(self._nodes, parents.numpy(), 1)
        here = alive.numpy()
        self._nodes = np.full_like(nodes, NO_ENTRY)
        self._nodes[here] = self._tree.children(nodes[here], tokens.numpy()[here])


def find_texts(
    models: Sequence[Any],
    batches: Iterable[Batch],
    config: AttentionSearchConfig,
    on_progress: Callable[[int], None] = lambda done: None,
    *,
    fusion: Sequence[Fused] = (),
    rescorers: Sequence[Weighted] = (),
    with_greedy: bool = False,
    vocabulary: Vocabulary | None = None,
    with_glosses: bool = False,
) -> dict[str, BeamResult]:
    """Read and search every batch; the models' mode (train or eval) is restored afterwards.

    Args:
        on_progress: called after each batch with the number of samples decoded so far.
        with_greedy: also run greedy search without external models.
        vocabulary: of the models, for `decode.expected` and `decode.doubt`; None: neither takes part.
        with_glosses: also take the best path of the first model's CTC head, which writes glosses.

    Returns:
        The beam of every sample by its id.

    Raises:
        OperationalError: what a model gives for a sample is not finite.
    """
    modes = [model.training for model in models]
    results: dict[str, BeamResult] = {}
    try:
        for batch in batches:
            with torch.no_grad():
                encoded = [encode(model.eval(), batch) for model in models]
                lists = attention_search(models, encoded, config, fusion=fusion, rescorers=rescorers)
                greedy = attention_search(models, encoded, config.greedy()) if with_greedy else []
            if vocabulary is None:
                samples = by_sample(batch.ids, lists, batch.logs, encoded[0].lengths, config)
            else:
                samples = chosen_texts(batch.ids, lists, encoded, batch.logs, config, vocabulary)
            paths = by_sample(batch.ids, greedy, batch.logs, encoded[0].lengths, config) if greedy else []
            glosses: list[Any] = [None] * len(batch.ids)
            if with_glosses:
                of_ctc = encoded[0]
                glosses = [each[0] for each in greedy_search(cast(Tensor, of_ctc.ctc), of_ctc.lengths)]
            for place, sample in enumerate(samples):
                of_rows = (chunk_seconds(encoded[0], batch, row) for row in sample.rows)
                path = paths[place].candidates[0] if paths else None
                glossed = glosses[sample.rows[0]]
                results[sample.id] = BeamResult(sample.candidates, tuple(chain(*of_rows)), path, glossed)
            on_progress(len(results))
    finally:
        for model, mode in zip(models, modes, strict=True):
            model.train(mode)
    return results


def encode(model: Any, batch: Batch) -> Encoded:
    """What a model reads of a batch, in float32, without its targets.

    Raises:
        OperationalError: it is not finite.
    """
    device = next(model.parameters()).device
    no_targets = replace(
        batch, targets=batch.targets[:, :0], target_lengths=torch.zeros_like(batch.target_lengths)
    )
    encoded: Encoded = model.encode(no_targets.to(device))
    bad = (~encoded.features.isfinite().all(2)).any(1).nonzero()
    if len(bad):
        what = "the model's features are not numbers; its weights have diverged or are damaged"
        raise OperationalError(f"sample {batch.ids[int(bad[0])]!r}: {what}")
    ctc = None if encoded.ctc is None else encoded.ctc.float()
    return replace(encoded, features=encoded.features.float(), ctc=ctc)
