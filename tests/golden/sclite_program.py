"""Runs NIST's sclite, where it is installed, and makes sentences to try it on."""

import random
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from signkit.eval.alternatives import sclite_case, sclite_words
from signkit.eval.transcripts import Pairs, Ragged

Counts = tuple[int, int, int, int]
Sentence = list[str]
DEBIAN = Path("/usr/lib/sctk/bin/sclite")

# Invented glosses that look like those of real corpora: German, Chinese, Arabic, fingerspelt, marked.
GLOSSES = (
    *("HAUS", "BAUM", "ÜBER-MORGEN", "ÄPFEL", "GRÖSSE", "über-morgen", "äpfel", "Haus", "baum", "ICH", "DU"),
    *("loc-NORD", "poss-MEIN", "NICHT-SCHLAFEN", "WIE-VIEL", "cl-DACH", "X-A-N-N-A", "__LANG__", "7", "1990"),
    *("你们", "吃饭", "苹果", "小猫", "学校", "صباح", "قطة", "مدرسة", "تفاحة", "kitap", "ağaç", "ÇİÇEK"),
    *("<PAUSE>", "[LACHT]", "IX_1", "A+B", "neg-WOLLEN"),
)


@dataclass(frozen=True)
class Case:
    """A pair of texts."""

    reference: str
    hypothesis: str


def find() -> Path | None:
    """The program, or None."""
    found = shutil.which("sclite")
    return Path(found) if found else DEBIAN if DEBIAN.exists() else None


def run(folder: Path, cases: Sequence[Case], ids: Sequence[str], flags: Sequence[str] = ()) -> str:
    """What sclite prints for some pairs of texts in trn form."""
    program = find()
    assert program is not None
    texts = {"r": [case.reference for case in cases], "h": [case.hypothesis for case in cases]}
    for name, lines in texts.items():
        rows = (f" {text} ({i})\n" for text, i in zip(lines, ids, strict=True))
        (folder / f"{name}.trn").write_text("".join(rows), encoding="utf-8")
    files = ["-r", str(folder / "r.trn"), "trn", "-h", str(folder / "h.trn"), "trn", "the system"]
    command = [str(program), *files, "-i", "rm", "-f", "0", *flags]
    done = subprocess.run(command, capture_output=True, check=True)
    return done.stdout.decode("utf-8", errors="replace")


def counts(folder: Path, cases: Sequence[Case], flags: Sequence[str] = ()) -> list[Counts]:
    """Correct, substituted, deleted, inserted words of each pair, as sclite counts them."""
    ids = [f"s-{i}" for i in range(len(cases))]
    found: dict[int, Counts] = {}
    place = -1
    for line in run(folder, cases, ids, [*flags, "-o", "pra", "stdout"]).splitlines():
        if line.startswith("id: "):
            place = int(line[7:-1])
        elif line.startswith("Scores: "):
            correct, substitutions, deletions, insertions = map(int, line.split()[-4:])
            found[place] = (correct, substitutions, deletions, insertions)
    return [found[i] for i in range(len(cases))]


def corrupted(rng: random.Random, words: Sentence, vocabulary: Sequence[str]) -> Sentence:
    """A hypothesis for a sentence: 2 to 50 % noise, at times shuffled or empty."""
    noise = rng.uniform(0.02, 0.5)
    hypothesis: Sentence = []
    for word in words:
        draw = rng.random()
        if draw < noise / 3:
            hypothesis.append(rng.choice(vocabulary if rng.random() < 0.5 else words))
        elif draw < noise:
            hypothesis += [word, rng.choice(words)] if draw > 2 * noise / 3 else []
        else:
            hypothesis.append(word)
    if rng.random() < noise / 4:
        rng.shuffle(hypothesis)
    return [] if rng.random() < 0.01 else hypothesis


def encoded(
    cases: Sequence[Case],
    ids: Sequence[str] = (),
    signers: Sequence[str] = (),
    *,
    case_sensitive: bool = False,
) -> Pairs:
    """Pairs of texts without alternatives in the words that sclite takes them for."""
    number: dict[str, int] = {}

    def numbers(texts: Sequence[str]) -> Ragged:
        sentences = [sclite_words(text if case_sensitive else sclite_case(text)) for text in texts]
        values = [number.setdefault(word, len(number)) for words in sentences for word in words]
        ends = np.cumsum([0, *(len(words) for words in sentences)])
        return Ragged(np.array(values, dtype=np.int32), ends)

    left, right = (numbers(texts) for texts in ([c.reference for c in cases], [c.hypothesis for c in cases]))
    names = tuple(ids) or tuple(map(str, range(len(cases))))
    return Pairs(names, left, right, tuple(number), tuple(signers))


def plain_cases(rng: random.Random, number: int) -> list[Case]:
    """Sentences of glosses with noise, and pairs of sentences of very few words, where most ties are."""
    cases = []
    for i in range(number):
        few = rng.sample(GLOSSES, rng.randint(2, 5))
        if i % 2:
            pair = [[rng.choice(few) for _ in range(rng.randint(0, 12))] for _ in range(2)]
        else:
            reference = [rng.choice(GLOSSES) for _ in range(rng.randint(0, 14))]
            pair = [reference, corrupted(rng, reference, GLOSSES)]
        cases.append(Case(*(" ".join(words) for words in pair)))
    return cases


def network_cases(rng: random.Random, number: int) -> list[Case]:
    """Texts with alternatives, words that may be left out, fragments and tags."""
    return [
        Case(_text(rng, 2, rng.randint(0, 9)), _text(rng, rng.choice((0, 0, 1)), rng.randint(0, 6)))
        for _ in range(number)
    ]


def _text(rng: random.Random, depth: int, length: int) -> str:
    return " ".join(_item(rng, depth) for _ in range(length))


def _item(rng: random.Random, depth: int) -> str:
    if depth and rng.random() < 0.3:
        texts = (
            "@" if rng.random() < 0.35 else _text(rng, depth - 1, rng.randint(1, 3))
            for _ in range(rng.randint(1, 3))
        )
        return "{ " + " / ".join(texts) + " }"
    word = rng.choice(("a", "b", "ä", "山")) * rng.choice((1, 1, 1, 2))
    forms = ("({})", "{}-", "-{}", "({}-)", "(-{})", "{};b", "{}\\b", "{}*", "**{}", "-", "@")
    return rng.choice(forms).format(word) if rng.random() < 0.4 else word
