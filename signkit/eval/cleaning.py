"""Applying a protocol's clean-up rules to lines, fast.

Most lines contain nothing that any rule changes, and the same words occur over and over. So neighbouring
rules that act on single words are fused, and their result for each word is cached. For the other rules it is
cached for each word whether a line with that word may be changed by them.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import eq

from signkit.errors import UserError
from signkit.eval.patterns import LONGEST, shape
from signkit.eval.protocols import Protocol, load
from signkit.eval.rules import Rule, Side

Edit = Callable[[str], str]
Test = Callable[[str], bool]
Traced = tuple[str, list[tuple[str, str, str]]]
# Words in a cleaner's cache; a vocabulary is far smaller.
REMEMBERED = 1 << 17


@dataclass(frozen=True, slots=True)
class _Step:
    """A rule, or several fused ones, in executable form.

    Attributes:
        name: name of the rule.
        apply: maps a line to the changed line.
        fires: whether a line that contains this word may be changed.
        in_words: whether the rule acts on each word separately.
        repeats: whether a line with two equal neighbouring words may be changed.
    """

    name: str
    apply: Edit
    fires: Test
    in_words: bool = False
    repeats: bool = False


def cleaner(protocol: Protocol, side: Side) -> Edit:
    """A function that cleans a line of words joined by single blanks; the result may be empty.

    Without rules for the side it is the identity. The function raises UserError for a word of more than
    `LONGEST` characters if the pattern of a rule has a repeat.
    """
    steps = _fused(_steps(protocol, side))
    if not steps:
        return _identity
    may_fire = _forecast(steps)

    def clean(line: str) -> str:
        left = may_fire(line)  # bit n: step n may change the line
        if not left:
            return line
        while left:
            lowest = left & -left
            left ^= lowest
            after = steps[lowest.bit_length() - 1].apply(line)
            if after != line:
                line = after
                left = may_fire(line) & -(lowest << 1)  # new words; only the steps after this one
        return _joined(line)

    return clean


def hypothesis_cleaner(protocol: str) -> Edit:
    """`cleaner` of the hypotheses of a protocol that is named.

    Raises:
        UserError: there is no such protocol.
    """
    return cleaner(load(protocol), "hypothesis")


def tracer(protocol: Protocol, side: Side) -> Callable[[str], Traced]:
    """A function that cleans a line and traces it: the cleaned line, and for each rule that changed it the
    rule's name, the line before and the line after."""
    steps = _steps(protocol, side)

    def trace(line: str) -> Traced:
        changes = []
        for step in steps:
            after = step.apply(line)
            if after != line:
                changes.append((step.name, line, after))
                line = after
        return (_joined(line) if changes else line), changes

    return trace


@lru_cache(16)
def _steps(protocol: Protocol, side: Side) -> tuple[_Step, ...]:
    return tuple(_step(rule, protocol.name) for rule in protocol.rules if rule.to in ("both", side))


def _fused(steps: Sequence[_Step]) -> list[_Step]:
    """The steps, with runs of neighbours that act on single words fused into one step."""
    fused: list[_Step] = []
    for in_words, run in groupby(steps, key=lambda step: step.in_words):
        neighbours = [*run]
        fused += [_of_words(neighbours)] if in_words else neighbours
    return fused


def _of_words(steps: Sequence[_Step]) -> _Step:
    """One step for several that act on single words, with a cache of their result for each word."""

    @lru_cache(REMEMBERED)
    def cleaned(word: str) -> str:
        for step in steps:
            word = step.apply(word)
        return word

    return _Step(
        name=steps[0].name,
        apply=lambda line: " ".join(map(cleaned, line.split(" "))),
        fires=lambda word: len(word) > LONGEST or cleaned(word) != word,
        in_words=True,
    )


def _forecast(steps: Sequence[_Step]) -> Callable[[str], int]:
    """A function that tells which steps may change a line, as bits; a step whose bit is 0 cannot."""
    merging = sum(1 << place for place, step in enumerate(steps) if step.repeats)
    bits: dict[str, int] = {}  # steps that fire on each word seen so far
    inert: set[str] = set()  # words on which none does: a line of only these takes one set operation

    def learn(word: str) -> int:
        if len(bits) >= REMEMBERED:
            bits.clear()
            inert.clear()
        firing = sum(1 << place for place, step in enumerate(steps) if step.fires(word))
        bits[word] = firing
        if not firing:
            inert.add(word)
        return firing

    def may_fire(line: str) -> int:
        words = line.split(" ")
        firing = merging if merging and True in map(eq, words, words[1:]) else 0
        if not inert.issuperset(words):
            for word in set(words) - inert:
                known = bits.get(word)
                firing |= learn(word) if known is None else known
        return firing

    return may_fire


def _step(rule: Rule, protocol: str) -> _Step:
    once, fires, in_words = _edits(rule, protocol)

    def several(line: str) -> str:
        for _ in range(rule.times):
            before, line = line, once(line)
            if before == line:
                break
        return line

    repeats = rule.kind == "merge_repeats"
    return _Step(rule.name, once if rule.times == 1 else several, fires, in_words, repeats)


def _edits(rule: Rule, protocol: str) -> tuple[Edit, Test, bool]:
    """One application of a rule to a line, the test of words that it may change, and whether it acts on
    single words."""
    text, by = rule.text, rule.by
    if rule.kind in ("delete", "replace"):
        piece = max(text.split(" "), key=len)  # a line with the text has a word with this part of it
        return lambda line: line.replace(text, by), lambda word: piece in word, " " not in text + by
    if rule.kind == "drop":
        return lambda line: _kept(line, text), lambda word: text in word, True
    if rule.kind == "keep":
        allowed = {*text, " "}
        return lambda line: _filtered(line, allowed), lambda word: not allowed.issuperset(word), True
    if rule.kind == "squeeze":
        return _squeezed, lambda word: not word, False
    return _regex(rule, protocol) if rule.kind == "regex" else _merging(rule)


def _regex(rule: Rule, protocol: str) -> tuple[Edit, Test, bool]:
    matcher, by = rule.matcher(), rule.by
    search = rule.word_matcher().search if rule.with_word else None
    limited = shape(rule.pattern).repeats + shape(rule.with_word).repeats > 0
    in_words = not rule.with_word and shape(rule.pattern).in_words and " " not in by

    def fires(word: str) -> bool:
        return search is None or (limited and len(word) > LONGEST) or search(word) is not None

    def once(line: str) -> str:
        if limited and len(line) > LONGEST:
            _check_words(line, rule, protocol)
        if search is not None and not any(map(search, line.split(" "))):
            return line
        return matcher.sub(by, line)

    return once, fires, in_words


def _merging(rule: Rule) -> tuple[Edit, Test, bool]:
    if not rule.pattern:
        return _merged, lambda word: False, False
    matcher = rule.matcher()
    whole = re.compile(rule.pattern, matcher.flags).fullmatch
    # In a line of letters, digits, hyphens and blanks only, words can be compared as a whole. Otherwise a
    # repeated word can be a part of what blanks separate, and only the pattern finds it.
    other = re.compile(r"[^\w -]", matcher.flags).search

    def once(line: str) -> str:
        if other(line):
            return matcher.sub(r"\1", line)
        merged, before = [], ""
        for word in line.split(" "):
            if word == before and whole(word):
                before = ""  # this pair is merged; a third equal word starts a new one
            else:
                merged.append(word)
                before = word
        return " ".join(merged)

    return once, lambda word: other(word) is not None, False


def _check_words(line: str, rule: Rule, protocol: str) -> None:
    longest = max(map(len, line.split(" ")))
    if longest > LONGEST:
        what = f"takes words of at most {LONGEST:,} characters, and here is one of {longest:,}"
        raise UserError(f"protocol {protocol}", f"the rule `{rule.name}` {what}")


def _identity(line: str) -> str:
    return line


def _joined(line: str) -> str:
    return " ".join(line.split())


def _kept(line: str, text: str) -> str:
    """The line without the words that contain the text; the blanks around them stay."""
    return " ".join(["" if text in word else word for word in line.split(" ")])


def _filtered(line: str, allowed: set[str]) -> str:
    return "".join([character for character in line if character in allowed])


def _squeezed(line: str) -> str:
    while "  " in line:
        line = line.replace("  ", " ")
    return line


def _merged(line: str) -> str:
    return " ".join([word for word, _ in groupby(line.split(" "))])
