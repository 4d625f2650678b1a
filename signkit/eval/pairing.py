"""From two transcripts to pairs that can be aligned: matched by id, cleaned, split into tokens."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

import numpy as np

from signkit.errors import UserError
from signkit.eval.alternatives import NOTHING, Network, has_alternatives, parse, sclite_words
from signkit.eval.cleaning import cleaner
from signkit.eval.networks import Chosen, align_networks
from signkit.eval.protocols import FinalPeriod, Protocol
from signkit.eval.rules import Side
from signkit.eval.tokens import Case, Numbers, Unit, characters, folding, words
from signkit.eval.transcripts import Aligned, Ints, Pairs, Transcripts
from signkit.text.vocabulary import composed

Missing = Literal["refuse", "deletions"]

OF_SCLITE = ("stm", "trn", "ctm")
"""Formats in which ``@``, ``A;tag``, a trailing ``*`` and backslashes mean what they mean to sclite."""
LARGEST = 4_000_000
"""Most cells of the table of a pair with alternatives, words of one side times words of the other."""
BRACES = ("{", "/", "}")
MARKS = "@*;\\"
FINAL_PERIOD = re.compile(r"(?:^|\s+|(?<=\w))\.$")
NAMED = 3
"""Most ids that a message names."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """References with their hypotheses as cleaned text, in the order of the references.

    Attributes:
        signers: signer of each sentence; empty if they are not known.
        missing: ids that had no hypothesis; it was taken to be "".
        chosen: alignments of pairs with alternatives, by place; their texts are the chosen words.
    """

    ids: tuple[str, ...]
    references: tuple[str, ...]
    hypotheses: tuple[str, ...]
    signers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    chosen: Mapping[int, Chosen] = field(default_factory=dict)


def pair(
    references: Transcripts, hypotheses: Transcripts, protocol: Protocol, missing: Missing = "refuse"
) -> Cleaned:
    """Match hypotheses with references by id and clean both by a protocol.

    Raises:
        UserError: an id occurs on one side only (references without a hypothesis are allowed if `missing` is
            ``deletions``), or alternatives cannot be parsed.
    """
    left = clean(references, protocol, "reference")
    right, absent = _matched(references, hypotheses, clean(hypotheses, protocol, "hypothesis"), missing)
    if protocol.empty:
        right = [text or protocol.empty for text in right]
    chosen = _chosen(references, hypotheses, left, right, protocol)
    for place, path in chosen.items():
        left[place], right[place] = " ".join(path.reference), " ".join(path.hypothesis)
    return Cleaned(references.ids, tuple(left), tuple(right), references.signers, absent, chosen)


def clean(transcripts: Transcripts, protocol: Protocol, side: Side) -> list[str]:
    """The texts of a file after a protocol's clean-up rules.

    Rules are applied to lines of the file: to a sentence, or to a word where each has a line of its own. The
    final period is that of the sentence.
    """
    cleaned = _by_rules(transcripts, protocol, side)
    mode = protocol.final_period
    return cleaned if mode == "kept" else [with_final_period(text, mode) for text in cleaned]


def with_final_period(text: str, mode: FinalPeriod) -> str:
    """A text with a final period as a word of its own (``added``) or without one (``removed``).

    A period that is attached to the last word counts as well. A text without words stays without words.
    """
    if mode == "kept":
        return text
    bare = FINAL_PERIOD.sub("", text.rstrip())
    if mode == "removed":
        return bare
    return f"{bare} ." if bare else text.strip()


def _by_rules(transcripts: Transcripts, protocol: Protocol, side: Side) -> list[str]:
    rule = cleaner(protocol, side)
    texts: Iterable[str] = transcripts.texts
    everything = "\n".join(transcripts.texts) if transcripts.format in OF_SCLITE else ""
    if any(mark in everything for mark in MARKS):
        texts = [" ".join(sclite_words(text)) if _marked(text) else text for text in texts]
    if not any(each.to in ("both", side) for each in protocol.rules):
        return list(texts)
    if transcripts.with_alternatives and has_alternatives(everything):
        by_word = transcripts.a_word_a_line
        return [_cleaned_parts(text, rule, by_word=by_word) for text in texts]
    if not transcripts.a_word_a_line:
        return [rule(" ".join(text.split())) for text in texts]
    known: dict[str, str] = {}
    cleaned = []
    for text in texts:
        line_words = text.split()
        for word in line_words:
            if word not in known:
                known[word] = rule(word)
        cleaned.append(" ".join(filter(None, map(known.__getitem__, line_words))))
    return cleaned


def train_sentences(transcripts: Transcripts, protocol: Protocol) -> frozenset[tuple[str, ...]]:
    """The sentences of train as words, cleaned like references."""
    return frozenset(tuple(text.split()) for text in clean(transcripts, protocol, "reference"))


def _cleaned_parts(text: str, rule: Callable[[str], str], *, by_word: bool = False) -> str:
    """A text with alternatives; each stretch between braces and slashes is cleaned on its own."""
    if by_word:
        whole = rule
        rule = lambda stretch: " ".join(filter(None, map(whole, stretch.split())))  # noqa: E731
    if not has_alternatives(text):
        return rule(" ".join(text.split()))
    parts: list[str] = []
    for is_mark, group in groupby(text.split(), key=lambda word: word in BRACES):
        if is_mark:
            for mark in group:
                if parts and parts[-1] in ("{", "/") and mark in ("/", "}"):
                    parts.append(NOTHING)  # the rules have emptied this alternative
                parts.append(mark)
        elif cleaned := rule(" ".join(group)):
            parts.append(cleaned)
    return " ".join(parts)


def _marked(text: str) -> bool:
    """Whether a text without alternatives has words that sclite changes."""
    return any(mark in text for mark in MARKS) and not has_alternatives(text)


def _matched(
    references: Transcripts, hypotheses: Transcripts, texts: list[str], missing: Missing
) -> tuple[list[str], tuple[str, ...]]:
    """The hypotheses' texts in the references' order, and the ids that have none."""
    ids = _named_as(hypotheses, references)
    if ids == references.ids:
        return texts, ()
    place_of = {name: place for place, name in enumerate(ids)}
    absent = tuple(name for name in references.ids if name not in place_of)
    if not ids:
        _refuse_missing(references, hypotheses, absent, missing)
        return [""] * len(references), absent
    if references.format == hypotheses.format == "lines":
        what = f"{len(hypotheses)} lines against the {len(references)} of {references.source}"
        raise UserError(hypotheses.source, what, "without ids, line by line is compared")
    unknown = [place for place, name in enumerate(ids) if name not in references.index]
    if unknown:
        raise _unknown(references, hypotheses, unknown)
    _refuse_missing(references, hypotheses, absent, missing)
    return [texts[place_of[name]] if name in place_of else "" for name in references.ids], absent


def _named_as(hypotheses: Transcripts, references: Transcripts) -> tuple[str, ...]:
    """The ids of the hypotheses, spelled as those of the references that differ from them in the case of A-Z.

    sclite compares ids so; between its formats it is done here too, for ids of which the references have one.
    """
    ids = hypotheses.ids
    if not {references.format, hypotheses.format} <= {*OF_SCLITE} or ids == references.ids:
        return ids
    fold = folding("ascii")
    known: dict[str, str | None] = {}
    for name in references.ids:
        key = fold(name)
        known[key] = None if key in known else name
    named = tuple(name if name in references.index else known.get(fold(name)) or name for name in ids)
    return named if len(set(named)) == len(named) else ids


def _unknown(references: Transcripts, hypotheses: Transcripts, unknown: Sequence[int]) -> UserError:
    """The error for hypotheses whose ids the references do not have."""
    there, here = references.ids[0], hypotheses.ids[unknown[0]]
    cased = next((name for name in references.ids if name.casefold() == here.casefold()), "")
    if len(unknown) < len(hypotheses):
        where = f"{hypotheses.source}:{hypotheses.lines[unknown[0]]}"
        names = _named([hypotheses.ids[place] for place in unknown])
        hint = f"{cased!r}, which it has, differs in upper and lower case" if cased else ""
        return UserError(where, f"{references.source} has no sentence with the id {names}", hint)
    what = f"none of its ids is in {references.source}"
    hint = f"{here!r} here, {cased or there!r} there, for example"
    if cased:
        hint += ": they differ in upper and lower case only"
    elif alike := {_bare(name): name for name in references.ids}.get(_bare(here)):
        hint = f"{here!r} here, {alike!r} there: they differ in folders or the ending only"
    for side, other, option in (
        (references, hypotheses, "--reference-format"),
        (hypotheses, references, "--hyp-format"),
    ):
        if side.format == "lines":
            led = all(text.split(None, 1)[0] in other.index for text in side.texts if text)
            way = f"`{option} kaldi` reads `id words`" if led else f"`{option}` names another format"
            hint = f"{side.source} was read as lines, which have no ids: {way}"
    return UserError(hypotheses.source, what, hint)


def _bare(name: str) -> str:
    """An id without folders and without the ending of a file."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return re.sub(r"\.[A-Za-z][A-Za-z0-9]{1,4}$", "", last)


def _refuse_missing(
    references: Transcripts, hypotheses: Transcripts, absent: Sequence[str], missing: Missing
) -> None:
    if absent and missing != "deletions":
        what = f"no hypothesis for {len(absent)} of {len(references)} sentences: {_named(absent)}"
        option = '`missing="deletions"`' if hypotheses.format == "python" else "`--missing deletions`"
        raise UserError(hypotheses.source, what, f"{option} counts all their words as deleted")


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(repr(name) for name in names[:NAMED]) + more


def _chosen(
    references: Transcripts, hypotheses: Transcripts, left: list[str], right: list[str], protocol: Protocol
) -> dict[int, Chosen]:
    """The best paths through pairs with alternatives, optional words or fragments, by place."""
    sides = (references, left), (hypotheses, right)
    places = {
        place
        for each, texts in sides
        if _is_network("\n".join(texts), each, protocol)
        for place, text in enumerate(texts)
        if _is_network(text, each, protocol)
    }
    fold = folding(protocol.case)
    chosen = {}
    for place in sorted(places):
        name = references.ids[place]
        one, other = (_network(texts[place], each, name) for each, texts in sides)
        if len(one.words) * len(other.words) > LARGEST:
            what = f"alternatives too long to align: {len(one.words)} words against {len(other.words)}"
            raise UserError(f"sentence {name!r}", what, "split it")
        chosen[place] = align_networks(
            one,
            other,
            protocol.costs,
            optional=protocol.optional,
            fragments=protocol.fragments,
            same=lambda left, right: fold(composed(left)) == fold(composed(right)),
        )
    return chosen


def _is_network(text: str, transcripts: Transcripts, protocol: Protocol) -> bool:
    if transcripts.with_alternatives and has_alternatives(text):
        return True
    return (protocol.optional and "(" in text) or (protocol.fragments and "-" in text)


def _network(text: str, transcripts: Transcripts, name: str) -> Network:
    if not transcripts.with_alternatives or not has_alternatives(text):
        plain = tuple(text.split())
        return Network(plain, tuple((place,) for place in range(len(plain))), (len(plain),))
    return parse(text, f"{transcripts.source}:{transcripts.lines[transcripts.index[name]]}")


def with_chosen(aligned: Aligned, chosen: Mapping[int, Chosen]) -> Aligned:
    """Alignments of words, with those of pairs with alternatives replaced by the chosen paths."""
    if not chosen:
        return aligned
    parts: list[list[Ints]] = []
    lengths = np.diff(aligned.offsets)
    counts = aligned.counts.copy()
    sides = (aligned.kinds.astype(np.int32), aligned.references, aligned.hypotheses)
    start = 0
    for place, path in sorted(chosen.items()):
        first, last = aligned.offsets[place], aligned.offsets[place + 1]
        parts.append([each[start:first] for each in sides])
        parts.append(_steps(path, aligned.references[first:last], aligned.hypotheses[first:last]))
        lengths[place] = len(path.steps)
        counts[place] = path.counts
        start = last
    parts.append([each[start:] for each in sides])
    kinds, references, hypotheses = (np.concatenate(column) for column in zip(*parts, strict=True))
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    return Aligned(counts, offsets, kinds.astype(np.int8), references, hypotheses)


def _steps(path: Chosen, references: Ints, hypotheses: Ints) -> list[Ints]:
    """Kinds and token numbers of a chosen path, whose words were first aligned as plain text.

    Only the alignment changes: the words of each side are the same and in the same order, so their numbers
    can be taken over.
    """
    kinds = np.array([kind for kind, _, _ in path.steps], dtype=np.int32)
    sides = []
    for side, numbers in ((1, references), (2, hypotheses)):
        column = np.full(len(path.steps), -1, dtype=np.int32)
        column[np.array([step[side] is not None for step in path.steps], dtype=bool)] = numbers[numbers >= 0]
        sides.append(column)
    return [kinds, *sides]


def encode(cleaned: Cleaned, unit: Unit, *, case: Case, spaces: bool = False) -> Pairs:
    """The pairs as tokens of a unit; tokens that are equal, or equal but for case, have equal numbers.

    Args:
        cleaned: the texts.
        unit: ``word``: separated by blanks; ``character``: code points of the composed form (NFC).
        case: whether case counts, see `signkit.eval.tokens.folding`.
        spaces: whether the single blank between two words is a character.
    """
    numbers = Numbers(folding(case))
    sides = []
    for texts in (cleaned.references, cleaned.hypotheses):
        split = words(texts, numbers) if unit == "word" else characters(texts, numbers, spaces=spaces)
        sides.append(split)
    return Pairs(cleaned.ids, sides[0], sides[1], tuple(numbers.tokens), cleaned.signers)
