"""From batches to hypotheses: the model's logits searched as the recipe says."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from signkit.data.batch import Batch
from signkit.decode.beam import beam_search
from signkit.decode.greedy import greedy_search
from signkit.decode.state import Candidate
from signkit.files import write_text
from signkit.losses.logits import SplitLogits
from signkit.models.proposals import search_rows
from signkit.recipe import DecodeConfig
from signkit.text import Vocabulary
from signkit.types import Hypothesis

NBest = tuple[Hypothesis, ...]


def recognise(
    model: Any,
    batches: Iterable[Batch],
    vocabulary: Vocabulary,
    config: DecodeConfig,
    told: Callable[[int], None] = lambda done: None,
) -> dict[str, NBest]:
    """The best hypotheses of every sample, best first, by its id.

    Args:
        model: a `Recogniser`; its mode (train or eval) is left as it was.
        told: called with the number of samples done so far.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    found: dict[str, NBest] = {}
    with torch.no_grad():
        for batch in batches:
            nothing = batch.targets[:, :0]
            batch = replace(batch, targets=nothing, target_lengths=torch.zeros_like(batch.target_lengths))
            logits = model(batch.to(device)).float()
            centres = logits.centres.tolist()
            for place, candidates in enumerate(search(model, logits, config)):
                last = int(batch.lengths[place]) - 1
                frames = [[min(centres[chunk], last) for chunk in c.chunks] for c in candidates]
                fps = float(batch.fps[place])
                found[batch.ids[place]] = tuple(
                    _hypothesis(batch.ids[place], candidate, [frame / fps for frame in at], vocabulary)
                    for candidate, at in zip(candidates, frames, strict=True)
                )
            told(len(found))
    model.train(was_training)
    return found


def search(model: Any, logits: SplitLogits, config: DecodeConfig) -> list[list[Candidate]]:
    """Greedy search for a beam of 1, beam search otherwise."""
    acoustic, rows = _acoustic(logits, config.level) + logits.bias, search_rows(model, logits.bias)
    if config.beam == 1:
        return greedy_search(
            acoustic, logits.lengths, rows, topology=model.topology, context_scale=config.context_scale
        )
    return beam_search(
        acoustic,
        logits.lengths,
        rows,
        topology=model.topology,
        beam=config.beam,
        nbest=min(config.nbest, config.beam),
        top_k=config.top_k,
        length_reward=config.length_reward,
        context_scale=config.context_scale,
    )


def write_hypotheses(path: Path, hypotheses: Sequence[NBest]) -> None:
    """Write JSON lines ``{"id", "tokens", "text", "score", "times"}``, the best hypothesis of each sample;
    the others of an n-best list under ``"nbest"``."""
    lines = []
    for nbest in hypotheses:
        line = asdict(nbest[0])
        if len(nbest) > 1:
            line["nbest"] = [{"text": other.text, "score": other.score} for other in nbest[1:]]
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    write_text(path, "".join(lines))


def _acoustic(logits: SplitLogits, level: str) -> Float[Tensor, "batch chunks vocab"]:
    if level == "sum" and logits.chunk is not logits.video:
        return logits.video + logits.chunk
    return logits.chunk if level == "chunk" else logits.video


def _hypothesis(name: str, candidate: Candidate, times: list[float], vocabulary: Vocabulary) -> Hypothesis:
    tokens = vocabulary.decode(candidate.tokens)
    rounded = tuple(round(time, 3) for time in times)
    return Hypothesis(name, tokens, vocabulary.join(tokens), candidate.score, rounded)
