"""A run's dev split with its encoder outputs at hand, searched again and again with other settings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.loader import eval_batches
from signkit.decode.rows import Floats
from signkit.decode.scorer import Fused, Rescorer, Scorer
from signkit.decode.state import Candidate
from signkit.fusion.build import build_fusion, build_rescorers
from signkit.prepare import Prepared
from signkit.recipe import DecodeConfig
from signkit.recognise import Weighted, acoustic_logits, check_beam, logits_of, search_acoustic
from signkit.results.beside import train_text
from signkit.results.reopened import Reopened
from signkit.tune.space import value_of, with_weight


@dataclass(frozen=True, slots=True)
class Encoded:
    """The acoustic logits of a batch, on the CPU."""

    ids: tuple[str, ...]
    acoustic: Float[Tensor, "batch chunks vocab"]
    lengths: Int[Tensor, " batch"]


@dataclass(frozen=True, slots=True)
class Cached:
    """A run whose split can be searched without its encoder.

    Attributes:
        bias: of the classifier; it tells context rows their width.
        references: tokens by id.
        fusion: the scorer of each part of `decode.fusion`, None where its weight stays 0.
        rescorers: the same of `decode.rescore`.
    """

    prepared: Prepared
    batches: tuple[Encoded, ...]
    bias: Float[Tensor, " vocab"]
    references: dict[str, tuple[str, ...]]
    fusion: tuple[Scorer | None, ...]
    rescorers: tuple[Rescorer | None, ...]

    def search(self, decode: DecodeConfig, nbest: int | None = 1) -> dict[str, list[Candidate]]:
        """The best candidates of every sample by id, all of the beam if None, with this section's
        weights; those of 0 take no part."""
        fusion = [
            Fused(scorer, value_of(decode, f"decode.fusion.{n}.weight"))
            for n, scorer in enumerate(self.fusion)
            if scorer is not None and value_of(decode, f"decode.fusion.{n}.weight")
        ]
        rescorers: list[Weighted] = [
            (rescorer, value_of(decode, f"decode.rescore.{n}.weight"))
            for n, rescorer in enumerate(self.rescorers)
            if rescorer is not None and value_of(decode, f"decode.rescore.{n}.weight")
        ]
        found: dict[str, list[Candidate]] = {}
        with torch.no_grad():
            for batch in self.batches:
                beams = search_acoustic(
                    self.prepared.model,
                    batch.acoustic,
                    batch.lengths,
                    self.bias,
                    decode,
                    fusion=fusion,
                    rescorers=rescorers,
                    nbest=nbest,
                )
                found |= dict(zip(batch.ids, beams, strict=True))
        return {name: found[name] for name in self.references}


class Remembered:
    """A `Rescorer` that says again what it said before of the same sequence."""

    def __init__(self, rescorer: Rescorer) -> None:
        self._rescorer = rescorer
        self._known: dict[tuple[int, ...], float] = {}

    def totals(self, sequences: list[tuple[int, ...]]) -> Floats:
        """Log scores [n]; those not known yet are asked for in one call."""
        new = list(dict.fromkeys(each for each in sequences if each not in self._known))
        if new:
            self._known |= dict(zip(new, self._rescorer.totals(new).tolist(), strict=True))
        return np.array([self._known[each] for each in sequences], dtype=np.float64)


def encode_split(
    opened: Reopened, split: str, tuned: Sequence[str], told: Callable[[int], None] = lambda done: None
) -> Cached:
    """Run the encoder over a split and build the scorers, each once.

    Args:
        tuned: the keys whose values will change.
        told: called with the number of samples done so far.

    Raises:
        UserError: a part's input is at fault.
        OperationalError: a sample's scores are not numbers.
    """
    prepared, decode = opened.prepared, opened.recipe.decode
    examples, model = prepared.examples[split], prepared.model.eval()
    device = next(model.parameters()).device
    batches: list[Encoded] = []
    with torch.no_grad():
        for batch in eval_batches(examples, decode.batch_size, workers=opened.recipe.train.workers):
            logits = logits_of(model, batch.to(device))
            acoustic = acoustic_logits(logits, decode.level).cpu()
            batches.append(Encoded(batch.ids, acoustic, logits.lengths.cpu()))
            bias = logits.bias.cpu()
            told(sum(len(each.ids) for each in batches))
    model.cpu()
    check_beam(decode.beam, [*decode.fusion, *decode.rescore])
    return Cached(
        prepared,
        tuple(batches),
        bias,
        {sample.id: sample.reference for sample in examples.samples},
        tuple(_built(prepared, decode, "fusion", tuned)),
        tuple(_built(prepared, decode, "rescore", tuned)),
    )


def only_split(prepared: Prepared, split: str) -> Prepared:
    """Without the samples of other splits, train's references aside: nothing else can be read by mistake."""
    samples = tuple(s for s in prepared.corpus.samples if s.split in ("train", split))
    corpus = replace(prepared.corpus, samples=samples)
    return replace(prepared, corpus=corpus, examples={split: prepared.examples[split]})


def _built(prepared: Prepared, decode: DecodeConfig, section: str, tuned: Sequence[str]) -> list[Any]:
    """The scorer of each part of a section; None of one whose weight is 0 and stays so."""
    built: list[Any] = []
    beside: dict[str, Any] = {
        "vocabulary": prepared.vocabulary,
        "model": prepared.model,
        "text": train_text(prepared),
    }
    for place in range(len(getattr(decode, section))):
        key = f"decode.{section}.{place}"
        if not value_of(decode, f"{key}.weight") and f"{key}.weight" not in tuned:
            built.append(None)
            continue
        part = getattr(with_weight(decode, section, place, 1.0), section)[place]
        if section == "fusion":
            built.append(build_fusion([part], **beside)[0].scorer)
        else:
            built.append(Remembered(build_rescorers([part], **beside)[0][0]))
    return built
