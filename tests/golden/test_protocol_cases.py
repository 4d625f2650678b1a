"""The clean-up rules of every built-in protocol on the lines of `eval/golden`."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from signkit.config.assets import names
from signkit.config.strict_yaml import read_file
from signkit.eval.cleaning import cleaner, tracer
from signkit.eval.protocols import Protocol, load
from signkit.eval.rules import Side
from signkit.eval.scores import score

GOLDEN = Path(__file__).resolve().parents[2] / "eval" / "golden"


@dataclass(frozen=True)
class Case:
    """A line and what all rules of a protocol make of it; `rule` is the one that the case is about."""

    rule: str
    side: Side
    line: str
    cleaned: str


@dataclass(frozen=True)
class Counted:
    """A pair, and how many errors a protocol finds in how many tokens of its reference."""

    reference: str
    hypothesis: str
    errors: int
    tokens: int


@dataclass(frozen=True)
class Cases:
    """A file of `eval/golden`."""

    counts: tuple[Counted, ...]
    cases: tuple[Case, ...] = ()


WITH_RULES = tuple(name for name in names("eval") if load(name).rules)


@cache
def cases(name: str) -> tuple[Case, ...]:
    return read_file(GOLDEN / f"{name}.yaml", Cases).cases


def holds(case: Case, protocol: Protocol) -> bool:
    return tracer(protocol, case.side)(case.line)[0] == case.cleaned


def test_every_protocol_has_cases_and_nothing_else_has() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(names("eval"))
    assert {name for name in names("eval") if cases(name)} == set(WITH_RULES)
    assert set(WITH_RULES) >= {"phoenix2014", "phoenix2014t", "chicagofswild"}


@pytest.mark.parametrize("name", names("eval"))
def test_counts_hold(name: str) -> None:
    protocol = load(name)
    found = read_file(GOLDEN / f"{name}.yaml", Cases).counts
    assert len(found) >= 3
    for case in found:
        aligned = score([case.reference], [case.hypothesis], protocol).sentences.main[1]
        assert (aligned.errors.sum(), aligned.words.sum()) == (case.errors, case.tokens), case


@pytest.mark.parametrize("name", WITH_RULES)
def test_cases_hold(name: str) -> None:
    protocol = load(name)
    clean = {side: cleaner(protocol, side) for side in ("reference", "hypothesis")}
    for case in cases(name):
        found, trace = tracer(protocol, case.side)(case.line)
        assert (found, clean[case.side](case.line)) == (case.cleaned, case.cleaned), (case, trace)


@pytest.mark.parametrize("name", WITH_RULES)
def test_every_rule_acts_in_one_case_and_not_in_another(name: str) -> None:
    protocol = load(name)
    acts: dict[str, set[bool]] = {rule.name: set() for rule in protocol.rules}
    for case in cases(name):
        _, trace = tracer(protocol, case.side)(case.line)
        acts[case.rule].add(case.rule in {rule for rule, _, _ in trace})
    assert acts == {rule.name: {True, False} for rule in protocol.rules}


@pytest.mark.parametrize("name", WITH_RULES)
def test_without_a_rule_one_of_its_cases_fails(name: str) -> None:
    protocol = load(name)
    for rule in protocol.rules:
        without = replace(protocol, rules=tuple(other for other in protocol.rules if other is not rule))
        own = [case for case in cases(name) if case.rule == rule.name]
        assert not all(holds(case, without) for case in own), rule.name


@pytest.mark.parametrize("name", WITH_RULES)
def test_a_rule_that_is_applied_more_than_once_needs_it(name: str) -> None:
    protocol = load(name)
    for place, rule in enumerate(protocol.rules):
        if rule.times == 1:
            continue
        once = replace(rule, times=rule.times - 1)
        fewer = replace(protocol, rules=(*protocol.rules[:place], once, *protocol.rules[place + 1 :]))
        assert not all(holds(case, fewer) for case in cases(name) if case.rule == rule.name), rule.name
