"""Comparing systems: paired tests of every two systems, corrected for multiple comparisons."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from os import PathLike

from signkit.errors import UserError
from signkit.eval.bootstrap import paired
from signkit.eval.metrics import main_rate
from signkit.eval.pairing import Missing
from signkit.eval.protocols import Protocol, load
from signkit.eval.scores import Resampling, Scored, Texts, groups, score
from signkit.eval.significance import SIGNIFICANT, holm, mapsswe


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One test of one metric between two systems.

    Attributes:
        metric: name of the metric, as `Score.name`.
        test: ``bootstrap`` (paired), or ``mapsswe`` (NIST's matched pairs test of the error rate).
        first: name of the first system.
        second: name of the second system.
        difference: value of the first minus value of the second, a fraction.
        low: lower end of the interval of the difference; NaN for ``mapsswe``.
        high: upper end of that interval; NaN for ``mapsswe``.
        p_value: two-sided p-value.
        p_corrected: the p-value after Holm's correction for all pairs of systems in this metric and test.
        better: name of the better system; empty if p_corrected is not below 0.05.
        note: details of the test.
    """

    metric: str
    test: str
    first: str
    second: str
    difference: float
    low: float = math.nan
    high: float = math.nan
    p_value: float
    p_corrected: float = math.nan
    better: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """Scores and comparisons of several systems on the same references.

    Attributes:
        systems: the systems by name, in the given order.
        comparisons: tests of every two systems, metric by metric.
    """

    systems: dict[str, Scored]
    comparisons: tuple[Comparison, ...]


def compare(
    references: Texts,
    systems: Mapping[str, Texts],
    protocol: Protocol | str | PathLike[str] = "plain",
    *,
    metrics: Sequence[str] = (),
    signers: Sequence[str] = (),
    missing: Missing = "refuse",
    resampling: Resampling | None = None,
) -> Compared:
    """Score two or more systems, and test every two of them in every metric.

    Args:
        references: the reference sentences.
        systems: hypotheses by the name of the system.
        protocol: as for `signkit.eval.scores.score`, like all other arguments.

    Raises:
        UserError: fewer than two systems, or as for `score`.

    Example:
        >>> references = {"s1": "MY NAME ANN", "s2": "WHAT NAME", "s3": "MY DOG"}
        >>> first = {"s1": "MY NAME ANN", "s2": "WHAT NAME", "s3": "MY CAT"}
        >>> second = {"s1": "NAME ANN", "s2": "WHAT", "s3": "MY CAT"}
        >>> compared = compare(references, {"A": first, "B": second}, metrics=["wer"])
        >>> [(c.test, round(c.difference, 3), c.better) for c in compared.comparisons]
        [('bootstrap', -0.286, 'A'), ('mapsswe', -0.286, 'A')]
    """
    rules = protocol if isinstance(protocol, Protocol) else load(protocol)
    if len(systems) < 2:
        raise UserError("systems", f"two or more are needed to compare, not {len(systems)}")
    resampling = resampling or Resampling()
    scored = {
        name: score(
            references,
            hypotheses,
            rules,
            metrics=metrics,
            signers=signers,
            missing=missing,
            resampling=resampling,
        )
        for name, hypotheses in systems.items()
    }
    return Compared(scored, comparisons(scored, resampling))


def comparisons(systems: Mapping[str, Scored], resampling: Resampling) -> tuple[Comparison, ...]:
    """The tests of every two of some scored systems, see `compare`."""
    first = next(iter(systems.values()))
    tests: list[Comparison] = []
    protocol = first.sentences.protocol
    pairs = list(combinations(systems, 2))
    if resampling.resamples:
        for place in range(len(first.measures)):
            tests += _corrected([_bootstrapped(systems, a, b, place, resampling) for a, b in pairs])
    rate = main_rate(protocol)
    if any(measure.name == rate for measure in first.measures):
        tests += _corrected([_matched_pairs(systems, a, b, rate) for a, b in pairs])
    return tuple(tests)


def _bootstrapped(
    systems: Mapping[str, Scored], a: str, b: str, place: int, resampling: Resampling
) -> Comparison:
    one, other = systems[a].measures[place], systems[b].measures[place]
    group = groups(systems[a].sentences.cleaned.signers) if resampling.by_signer else None
    result = paired(
        one,
        other,
        confidence=resampling.confidence,
        resamples=resampling.resamples,
        seed=resampling.seed,
        groups=group,
    )
    first_is_better = (result.difference > 0) == one.higher_is_better
    return Comparison(
        metric=one.name,
        test="bootstrap",
        first=a,
        second=b,
        difference=result.difference,
        low=result.low,
        high=result.high,
        p_value=result.p_value,
        better=a if first_is_better else b,
        note=f"{result.resamples} resamples",
    )


def _matched_pairs(systems: Mapping[str, Scored], a: str, b: str, rate: str) -> Comparison:
    result = mapsswe(systems[a].sentences.main[1], systems[b].sentences.main[1])
    difference = systems[a][rate].value - systems[b][rate].value
    return Comparison(
        metric=rate,
        test="mapsswe",
        first=a,
        second=b,
        difference=difference,
        p_value=result.p_value if difference == difference else math.nan,
        better=a if result.mean < 0 else b,
        note=f"{result.segments} segments, {result.errors_a} and {result.errors_b} errors, Z {result.z:.3f}",
    )


def _corrected(tests: list[Comparison]) -> list[Comparison]:
    """The tests with Holm's correction; `better` is cleared where it is not significant any more."""
    values = holm([test.p_value for test in tests])
    return [
        replace(test, p_corrected=p, better=test.better if p < SIGNIFICANT else "")
        for test, p in zip(tests, values, strict=True)
    ]
