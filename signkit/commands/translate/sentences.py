"""What is translated: the sentences of files, with the times of their glosses where those are known."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from signkit.data.corpora.recognised import readings_of
from signkit.errors import UserError
from signkit.eval.formats import read
from signkit.models.spec import Spec
from signkit.runtime.files import read_text
from signkit.text.sources import as_read
from signkit.text.vocabulary import UNKNOWN_AT, composed
from signkit.types import Text

NAMED = 5
"""Unknown words that a note names, at most."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A source.

    Attributes:
        id: unique among those that are translated together.
        source: its tokens, with the other readings of a recogniser's n-best list.
        times: seconds of each token; empty where they are not known.
        where: the file and the line.
    """

    id: str
    source: Text
    where: str = ""
    times: tuple[float, ...] = field(default=(), repr=False)

    @property
    def tokens(self) -> tuple[str, ...]:
        """Of the first reading."""
        return self.source.tokens


def sentences_of(files: Sequence[Path], column: str = "") -> list[Sentence]:
    """The sentences of files in any format that transcripts are read in; ``-`` is the standard input.

    Args:
        column: of the sources, where there are columns.

    Raises:
        UserError: a file cannot be read, or two sentences have one id.
    """
    if not files:
        raise UserError("translate", "no file is named", "- reads the standard input")
    found: list[Sentence] = []
    for file in files:
        transcripts = read(file, column=column)
        records = _records(file) if transcripts.format == "jsonl" and file.is_file() else {}
        numbered = transcripts.format == "lines"
        prefix = f"{file.stem}-" if numbered and len(files) > 1 else ""
        for name, text, line in zip(transcripts.ids, transcripts.texts, transcripts.lines, strict=True):
            tokens = tuple(composed(text).split())
            source, times = records.get(name, (Text(()), ()))
            source = replace(source, tokens=tokens)
            times = times if len(times) == len(tokens) else ()
            found.append(Sentence(prefix + name, source, f"{file}:{line}", times))
    for name, count in Counter(each.id for each in found).items():
        if count > 1:
            raise UserError(
                "translate", f"two sentences have the id {name}", "translate the files one by one"
            )
    return found


def _records(file: Path) -> dict[str, tuple[Text, tuple[float, ...]]]:
    """The readings of each record and the times of its tokens, as `signkit predict --json` writes them."""
    found = {}
    for line in read_text(file).splitlines():
        try:
            record: Any = json.loads(line)
        except ValueError:
            continue
        if not isinstance(record, dict):
            continue
        times = record.get("times")
        if not isinstance(times, list) or not all(isinstance(each, int | float) for each in times):
            times = []
        found[str(record.get("id"))] = readings_of(record), tuple(map(float, times))
    return found


def cleaned(sentence: Sentence, clean: Callable[[str], str]) -> Sentence:
    """A sentence whose readings are cleaned; a changed one has no times, as its tokens are others.

    Raises:
        UserError: the rules refuse a word, which is too long for them.
    """
    source = sentence.source
    readings = [tuple(clean(composed(" ".join(each))).split()) for each in (source.tokens, *source.others)]
    kept = [place for place in range(1, len(readings)) if readings[place]]
    others = tuple(readings[place] for place in kept)
    scores = tuple(source.scores[place] for place in (0, *kept)) if kept else ()
    times = sentence.times if readings[0] == sentence.tokens else ()
    return replace(sentence, source=Text(readings[0], others, scores), times=times)


def unknown_note(sentences: Iterable[Sentence], spec: Spec, recipe: Any) -> str:
    """A note on the words that the model has no vector for; "" if it knows all of them."""
    vocabulary = spec.source
    assert vocabulary is not None
    counts: Counter[str] = Counter()
    total = 0
    for sentence in sentences:
        total += len(sentence.tokens)
        for token, read_ in zip(sentence.tokens, as_read(sentence.tokens, recipe.source), strict=True):
            if UNKNOWN_AT in vocabulary.encode(read_ if vocabulary.unit == "character" else (read_,)):
                counts[token] += 1
    if not counts:
        return ""
    named = ", ".join(f"{token} ({count})" for token, count in counts.most_common(NAMED))
    more = f", and {len(counts) - NAMED} more" if len(counts) > NAMED else ""
    return f"{counts.total():,} of {total:,} glosses are unknown to the run: {named}{more}"
