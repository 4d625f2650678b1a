"""Whether systems differ: paired tests of every two, corrected for their number."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from signkit.errors import UserError
from signkit.eval.bootstrap import paired
from signkit.eval.metrics import main_rate
from signkit.eval.pairing import Missing
from signkit.eval.protocols import Protocol, load
from signkit.eval.scores import Resampling, Scored, Texts, groups, score
from signkit.eval.significance import SIGNIFICANT, holm, mapsswe


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One metric of two systems.

    Attributes:
        metric: as `Score.name`.
        test: ``bootstrap`` (paired), or ``mapsswe`` (NIST's matched pairs, of the error rate).
        first, second: names of the systems.
        difference: the first's value less the second's, a fraction.
        low, high: the interval of the difference; NaN for ``mapsswe``.
        p_value: two-sided.
        p_corrected: by Holm, for all pairs of systems in this metric and test.
        better: the name of the better system; empty where p_corrected is not below 0.05.
        note: what the test was made of.
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
    """Systems on the same references.

    Attributes:
        systems: by name, in the order given.
        comparisons: of every two, metric by metric.
    """

    systems: dict[str, Scored]
    comparisons: tuple[Comparison, ...]


def compare(
    references: Texts,
    systems: Mapping[str, Texts],
    protocol: Protocol | str = "plain",
    *,
    metrics: Sequence[str] = (),
    signers: Sequence[str] = (),
    missing: Missing = "refuse",
    resampling: Resampling | None = None,
) -> Compared:
    """Score two or more systems, and test every two of them in every metric.

    Args:
        systems: hypotheses by the system's name.
        (the others as of `signkit.eval.scores.score`)

    Raises:
        UserError: fewer than two systems, or as `score`.
    """
    rules = load(protocol) if isinstance(protocol, str) else protocol
    if len(systems) < 2:
        raise UserError("systems", f"two or more are needed to compare, not {len(systems)}")
    drawn = resampling or Resampling()
    scored = {
        name: score(
            references,
            hypotheses,
            rules,
            metrics=metrics,
            signers=signers,
            missing=missing,
            resampling=drawn,
        )
        for name, hypotheses in systems.items()
    }
    return Compared(scored, comparisons(scored, drawn))


def comparisons(systems: Mapping[str, Scored], drawn: Resampling) -> tuple[Comparison, ...]:
    """The tests of every two systems, see `compare`."""
    first = next(iter(systems.values()))
    tests: list[Comparison] = []
    protocol = first.sentences.protocol
    pairs = list(combinations(systems, 2))
    if drawn.resamples:
        for place in range(len(first.measures)):
            tests += _corrected([_bootstrapped(systems, a, b, place, drawn) for a, b in pairs])
    rate = main_rate(protocol)
    if any(measure.name == rate for measure in first.measures):
        tests += _corrected([_matched_pairs(systems, a, b, rate) for a, b in pairs])
    return tuple(tests)


def _bootstrapped(systems: Mapping[str, Scored], a: str, b: str, place: int, drawn: Resampling) -> Comparison:
    one, other = systems[a].measures[place], systems[b].measures[place]
    group = groups(systems[a].sentences.cleaned.signers) if drawn.by_signer else None
    result = paired(
        one,
        other,
        confidence=drawn.confidence,
        resamples=drawn.resamples,
        seed=drawn.seed,
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
    """With Holm's correction; `better` stays only where it holds."""
    values = holm([test.p_value for test in tests])
    return [
        replace(test, p_corrected=p, better=test.better if p < SIGNIFICANT else "")
        for test, p in zip(tests, values, strict=True)
    ]
