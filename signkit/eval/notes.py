"""What the reader of scores should know about them, as sentences."""

import re
from collections.abc import Callable

import numpy as np

from signkit.eval.metrics import OF_TEXTS, Sentences
from signkit.eval.tokens import folding
from signkit.eval.transcripts import SUBSTITUTION, Transcripts
from signkit.text.visible import compatibility_form

EXAMPLES = 3
FEW = 5
"""Words that may all be right without a question whether the files are the same."""
LEFTOVER = re.compile(
    r"▁|@@$|^##\w|^<(?:s|/s|pad|blank|blk|eps|bos|eos)>$|^\[(?:PAD|CLS|SEP)\]$", re.IGNORECASE
)
"""Words that only the pieces of a tokenizer, or the marks of a model, look like."""
APOSTROPHES, DASHES = "’‘‛ʼ´`′", "‐‑‒–—―−"
ALIKE = str.maketrans({**dict.fromkeys(APOSTROPHES, "'"), **dict.fromkeys(DASHES, "-")})
BRACED = re.compile(r"\{\s[^{}]*\s/\s[^{}]*\}")
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")


def notes_of(sentences: Sentences, references: Transcripts, hypotheses: Transcripts) -> tuple[str, ...]:
    """All notes on two sides as read, and on their cleaned sentences."""
    return (
        *references.notes,
        *hypotheses.notes,
        *equal_notes(sentences),
        *case_notes(sentences),
        *alike_notes(sentences),
        *leftover_notes(sentences, references, hypotheses),
        *han_notes(sentences, references, hypotheses),
        *empty_notes(sentences, references, hypotheses),
        *(note for side in (references, hypotheses) for note in braces_notes(side)),
    )


def equal_notes(sentences: Sentences) -> tuple[str, ...]:
    """A note on hypotheses that all equal the references, if those have more than `FEW` words."""
    pairs = sentences.pairs("word")
    left, right = pairs.references, pairs.hypotheses
    same = np.array_equal(left.offsets, right.offsets) and np.array_equal(left.values, right.values)
    if not same or len(left.values) <= FEW:
        return ()
    return ("all hypotheses equal the references; is it the same file?",)


def case_notes(sentences: Sentences) -> tuple[str, ...]:
    """A note on tokens that differ only in the case of letters beyond A-Z, which sclite counts as errors.

    Nothing is aligned unless there are such tokens.
    """
    if sentences.protocol.case != "ascii":
        return ()
    count, pairs = _swapped(sentences, str.casefold)
    if not count:
        return ()
    shown = ", ".join(f"{one} and {other}" for one, other in pairs)
    substitutions = "1 substitution differs" if count == 1 else f"{count} substitutions differ"
    return (
        f"{substitutions} only in the case of letters beyond A-Z ({shown}), as sclite counts; "
        "`--set case=unicode` does not count them",
    )


def alike_notes(sentences: Sentences) -> tuple[str, ...]:
    """A note on tokens that differ only in invisible characters, width, apostrophes or dashes."""
    fold = folding(sentences.protocol.case)
    count, pairs = _swapped(sentences, lambda token: fold(_looks(token)))
    if not count:
        return ()
    one, other = pairs[0]
    here, there = (_points(set(a) - set(b)) for a, b in ((one, other), (other, one)))
    substitutions = "1 substitution is of words" if count == 1 else f"{count} substitutions are of words"
    return (
        f"{substitutions} that look alike ({one!r} in the reference has {here}, {other!r} in the hypothesis "
        f"{there}): they differ in invisible characters, width, apostrophes or dashes, and count as errors",
    )


def leftover_notes(sentences: Sentences, references: Transcripts, hypotheses: Transcripts) -> tuple[str, ...]:
    """A note on the leftovers of a tokenizer in the words of one side only."""
    pairs = sentences.pairs("word")
    left = [number for number, token in enumerate(pairs.tokens) if LEFTOVER.search(token)]
    if not left:
        return ()
    sides = []
    for side, words in ((references, pairs.references), (hypotheses, pairs.hypotheses)):
        counts = np.bincount(words.values, minlength=len(pairs.tokens))[left]
        sides.append((side.source, int(counts.sum()), counts))
    (source, count, counts), (other, others, _) = sorted(sides, key=lambda each: -each[1])
    if others:
        return ()
    shown = ", ".join(pairs.tokens[left[place]] for place in np.flatnonzero(counts)[:EXAMPLES])
    how_many = "1 word" if count == 1 else f"{count} words"
    return (
        f"{source} has {how_many} with marks of a tokenizer or a model ({shown}), and {other} none: "
        "they count as they are",
    )


def han_notes(sentences: Sentences, references: Transcripts, hypotheses: Transcripts) -> tuple[str, ...]:
    """A note on Chinese with blanks between words on one side only."""
    cleaned = sentences.cleaned
    if sentences.protocol.unit != "word" or not any(map(HAN.search, cleaned.references)):
        return ()
    sides = []
    for side, texts in ((references, cleaned.references), (hypotheses, cleaned.hypotheses)):
        longer = [text for text in texts if len(HAN.findall(text)) > 1]
        sides.append((side.source, len(longer), sum(" " in text.strip() for text in longer)))
    (source, several, parted), (other, others, none) = sorted(sides, key=lambda each: -each[2])
    if none or not others or not parted or 2 * parted < several:
        return ()
    return (
        f"{source} has blanks within Chinese sentences and {other} has none, where a sentence is one word; "
        "`--protocol csl_daily_characters` compares characters without blanks",
    )


def empty_notes(sentences: Sentences, references: Transcripts, hypotheses: Transcripts) -> tuple[str, ...]:
    """Notes on texts without words, where translations are scored; missing ones have another note."""
    if not any(name in OF_TEXTS for name in sentences.protocol.metrics):
        return ()
    cleaned = sentences.cleaned
    notes = []
    for side, texts, missing in (
        (references, cleaned.references, 0),
        (hypotheses, cleaned.hypotheses, len(cleaned.missing)),
    ):
        empty = sum(not text.strip() for text in texts) - missing
        if empty:
            what = "1 text is" if empty == 1 else f"{empty} texts are"
            notes.append(f"{side.source}: {what} empty, of {len(texts)}")
    return tuple(notes)


def unsegmented(sentences: Sentences, references: Transcripts, hypotheses: Transcripts) -> str:
    """The file in which most texts of several characters have no blank, so that words are unknown; "" if
    both have blanks."""
    cleaned = sentences.cleaned
    for side, texts in ((references, cleaned.references), (hypotheses, cleaned.hypotheses)):
        longer = [text for text in map(str.strip, texts) if len(text) > 1]
        if 2 * sum(" " in text for text in longer) < len(longer):
            return side.source
    return ""


def braces_notes(side: Transcripts) -> tuple[str, ...]:
    """A note on alternatives, ``{ A / B }``, in a format that has none."""
    if side.with_alternatives:
        return ()
    found = [text for text in side.texts if "{" in text and BRACED.search(text)]
    if not found:
        return ()
    what = "1 text" if len(found) == 1 else f"{len(found)} texts"
    return (
        f"{side.source}: {what} with alternatives ({found[0][:60]}), which only the formats stm, trn and ctm "
        f"have: in the format {side.format} braces and slashes count as words",
    )


def _swapped(sentences: Sentences, same: Callable[[str], str]) -> tuple[int, list[tuple[str, str]]]:
    """How many substitutions are of tokens that are the same to a function, and the first examples."""
    protocol = sentences.protocol
    spaces = protocol.spaces and protocol.unit == "character"
    tokens = sentences.pairs(protocol.unit, spaces).tokens
    groups: dict[str, int] = {}
    group = np.array([groups.setdefault(same(token), len(groups)) for token in tokens], dtype=np.int64)
    if len(groups) == len(tokens):
        return 0, []
    aligned = sentences.main[1]
    swapped = aligned.kinds == SUBSTITUTION
    left, right = aligned.references[swapped], aligned.hypotheses[swapped]
    alike = group[left] == group[right]
    pairs = dict.fromkeys(zip(left[alike].tolist(), right[alike].tolist(), strict=True))
    shown = [(tokens[one], tokens[other]) for one, other in list(pairs)[:EXAMPLES]]
    return int(alike.sum()), shown


def _looks(token: str) -> str:
    """A token without what cannot be seen, and with the usual widths, apostrophes and dashes."""
    if token.isascii():
        return token.translate(ALIKE)
    return compatibility_form(token.translate(ALIKE)).translate(ALIKE) or token


def _points(characters: set[str]) -> str:
    """The code points of some characters."""
    shown = [f"U+{ord(char):04X}" for char in sorted(characters)[:EXAMPLES]]
    return ", ".join(shown) or "none of them"
