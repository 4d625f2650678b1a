"""External models of a search that is repeated with other settings: each is built only once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from signkit.decode.configs import SECTIONS, SearchConfig, value_of, with_weight
from signkit.decode.context_logits import Floats
from signkit.decode.external.build import ExternalModels, TrainText, build_external, leaves_scale_open
from signkit.decode.scorer import Fused, Rescorer
from signkit.text.vocabulary import Vocabulary

MAX_CACHED_SEQUENCES = 1_000_000
"""Sequences whose scores a `CachedRescorer` retains."""


@dataclass(frozen=True, slots=True)
class Scorers:
    """The external models of a search, for any weights.

    Attributes:
        model: the model that is decoded.
        text: for external models that are estimated from the train references.
        cached: by key (``fusion.0``), without those whose weight stays 0 and those that depend on
            `decode.context_scale`, which are built again for each search.
    """

    model: Any
    vocabulary: Vocabulary
    text: TrainText
    cached: dict[str, Any]

    @classmethod
    def of(
        cls, model: Any, vocabulary: Vocabulary, text: TrainText, decode: SearchConfig, tuned: Sequence[str]
    ) -> "Scorers":
        """Build those that are used in the trials and are the same in all of them.

        Args:
            tuned: the keys of `decode` whose values will change.

        Raises:
            UserError: the input of an external model cannot be used.
        """
        scorers = cls(model, vocabulary, text, {})
        for section, place in _places(decode):
            if _is_cached(decode, section, place, tuned):
                scorers.cached[f"{section}.{place}"] = scorers.build(decode, section, place)
        return scorers

    def parts(self, decode: SearchConfig) -> ExternalModels:
        """The external models with the weights of these options, without those of weight 0."""
        parts: dict[str, list[Any]] = {section: [] for section in SECTIONS}
        for section, place in _places(decode):
            key = f"{section}.{place}"
            if weight := value_of(decode, f"decode.{key}.weight"):
                cached = self.cached.get(key)
                scorer = self.build(decode, section, place) if cached is None else cached
                parts[section].append(Fused(scorer, weight) if section == "fusion" else (scorer, weight))
        return ExternalModels(tuple(parts["fusion"]), tuple(parts["rescore"]))

    def build(self, decode: SearchConfig, section: str, place: int) -> Any:
        """Build one external model alone, with weight 1 so that it is not left out."""
        weighted = with_weight(decode, section, place, 1.0)
        alone: dict[str, Any] = dict.fromkeys(SECTIONS, ()) | {section: (getattr(weighted, section)[place],)}
        only = replace(decode, **alone)
        built = build_external(only, vocabulary=self.vocabulary, model=self.model, text=self.text)
        return built.fusion[0].scorer if section == "fusion" else CachedRescorer(built.rescorers[0][0])


class CachedRescorer:
    """A `Rescorer` that caches the scores of sequences."""

    def __init__(self, rescorer: Rescorer) -> None:
        self._rescorer = rescorer
        self._known: dict[tuple[int, ...], float] = {}

    def totals(self, sequences: list[tuple[int, ...]]) -> Floats:
        """log scores [n] of sequences; those that are not cached are computed in one call."""
        new = list(dict.fromkeys(each for each in sequences if each not in self._known))
        if len(self._known) + len(new) > MAX_CACHED_SEQUENCES:
            self._known, new = {}, list(dict.fromkeys(sequences))
        if new:
            self._known |= dict(zip(new, self._rescorer.totals(new).tolist(), strict=True))
        return np.array([self._known[each] for each in sequences], dtype=np.float64)


def _places(decode: SearchConfig) -> list[tuple[str, int]]:
    """The external models of both sections, by the section's name and the position in it."""
    return [(section, place) for section in SECTIONS for place in range(len(getattr(decode, section)))]


def _is_cached(decode: SearchConfig, section: str, place: int, tuned: Sequence[str]) -> bool:
    """Whether an external model is used in the trials and is the same in all of them."""
    key = f"decode.{section}.{place}.weight"
    used = value_of(decode, key) != 0 or key in tuned
    return used and not leaves_scale_open(getattr(decode, section)[place])
