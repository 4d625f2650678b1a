"""Sentences of text files, in any format that transcripts are read in: what language models learn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from signkit.errors import UserError
from signkit.eval.formats import read
from signkit.lm.grams import SPECIAL, Unit
from signkit.lm.sentences import split

Sentences = list[list[str]]


@dataclass(frozen=True, slots=True)
class Text:
    """What is learnt from, and how many sentences were left out: without words, excluded, there before."""

    sentences: Sentences
    empty: int
    excluded: int
    repeated: int

    @property
    def words(self) -> int:
        """How many the sentences have."""
        return sum(map(len, self.sentences))


def gather(
    files: Sequence[str], *, column: str, unit: Unit, exclude: Sequence[str] = (), distinct: bool = False
) -> Text:
    """The sentences of some files that are learnt from.

    Args:
        column: of the text, where there are columns.
        exclude: files whose sentences are left out.
        distinct: a sentence that is there several times is taken once.

    Raises:
        UserError: there are none, or they cannot be learnt from.
    """
    sentences: Sentences = []
    empty = 0
    for path in files:
        more, without = read_sentences(shown(path), "", column, unit)
        sentences += more
        empty += without
    before = len(sentences)
    if exclude:
        others = (read_sentences(shown(path), "", column, unit)[0] for path in exclude)
        barred = {tuple(sentence) for other in others for sentence in other}
        sentences = [sentence for sentence in sentences if tuple(sentence) not in barred]
    excluded = before - len(sentences)
    if not sentences:
        raise UserError("data.exclude", "has every sentence of the text, so nothing is left to learn from")
    retained = [list(words) for words in dict.fromkeys(map(tuple, sentences))] if distinct else sentences
    return Text(retained, empty, excluded, len(sentences) - len(retained))


def read_sentences(path: Path, format: str, column: str, unit: Unit) -> tuple[Sentences, int]:
    """The sentences of a file, and how many lines had no words.

    Raises:
        UserError: the file cannot be used, has no words, or has some that are no words.
    """
    transcripts = read(path, format, column)
    split_ = [split(text, unit) for text in transcripts.texts]
    marks = {*SPECIAL}
    for text, line in zip(transcripts.texts, transcripts.lines, strict=True):
        if "<" in text and (bad := marks.intersection(text.split())):
            raise UserError(
                f"{path}:{line}", f"`{min(bad)}` is a mark of the model's, not a word", "leave it out"
            )
        if transcripts.with_alternatives and "{" in text:
            raise UserError(f"{path}:{line}", "has alternatives, `{ a / b }`", "a model needs one text")
    sentences = [words for words in split_ if words]
    if not sentences:
        raise UserError(str(path), "has no words", "write one sentence a line")
    return sentences, len(split_) - len(sentences)


def shown(path: str) -> Path:
    """A path as the user would write it, from the current folder."""
    here = Path.cwd()
    return Path(path).relative_to(here) if Path(path).is_relative_to(here) else Path(path)
