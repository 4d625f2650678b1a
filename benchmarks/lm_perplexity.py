"""Perplexities of n-gram models on transcripts, for n of 1 to 5, with the time that training takes.

    python benchmarks/lm_perplexity.py --data FOLDER [--distinct] [--times]

FOLDER has gloss_text/{phoenix2014-T,CSL-Daily}/{train,dev,test}.stm, isharah_text/SI/{train,dev}.txt and
fingerspelling_text/aslfr_supplemental_phrases.csv; what is not there is left out. ASLFR phrases are read
as characters, and a tenth of the distinct phrases, drawn by a seed, is kept out of training. Where the
package kenlm is installed, it scores the same ARPA file beside. A Markdown table is printed.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from signkit.eval.formats import read
from signkit.lm import NGram, Perplexity, estimate, load, perplexity, save
from signkit.lm.arpa import read_arpa, write_arpa
from signkit.lm.binary import beside
from signkit.lm.grams import Unit, shown
from signkit.lm.sentences import split

try:
    import kenlm
except ImportError:
    kenlm = None

ORDERS = range(1, 6)
Sentences = list[list[str]]
HEAD = (
    "| corpus | n | sentences | n-grams | judged on | words | unknown | perplexity | of known words | KenLM "
    "| train s | load ARPA s | load npz s |"
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--data", type=Path, help="the folder of the transcripts")
    arguments.add_argument("--distinct", action="store_true", help="learn each sentence once")
    arguments.add_argument(
        "--times", action="store_true", help="time 100,000 made-up sentences in place of it"
    )
    chosen = arguments.parse_args()
    print(HEAD)
    print("|---|" + "---:|" * 3 + "---|" + "---:|" * 8)
    with tempfile.TemporaryDirectory() as folder:
        if chosen.times:
            judge("made up", "word", made_up(100_000, 1), {"dev": made_up(1000, 2)}, Path(folder))
            return
        if chosen.data is None:
            arguments.error("--data or --times")
        for name, (unit, train, others) in corpora(chosen.data).items():
            once = [list(words) for words in dict.fromkeys(map(tuple, train))] if chosen.distinct else train
            judge(name, unit, once, others, Path(folder))


def corpora(data: Path) -> dict[str, tuple[Unit, Sentences, dict[str, Sentences]]]:
    """Train, and what is judged on, of each corpus that is there."""
    found: dict[str, tuple[Unit, Sentences, dict[str, Sentences]]] = {}
    for name in ("phoenix2014-T", "CSL-Daily"):
        folder = data / "gloss_text" / name
        if folder.is_dir():
            parts = {part: sentences(folder / f"{part}.stm") for part in ("train", "dev", "test")}
            found[name] = ("word", parts.pop("train"), parts)
    folder = data / "isharah_text" / "SI"
    if folder.is_dir():
        found["Isharah SI"] = (
            "word",
            sentences(folder / "train.txt"),
            {"dev": sentences(folder / "dev.txt")},
        )
    phrases = data / "fingerspelling_text" / "aslfr_supplemental_phrases.csv"
    if phrases.is_file():
        spelled = sentences(phrases, "character")
        distinct = sorted(set(map(tuple, spelled)))
        held = set(random.Random(0).sample(distinct, len(distinct) // 10))
        kept = [phrase for phrase in spelled if tuple(phrase) not in held]
        found["ASLFR phrases"] = ("character", kept, {"held out": [list(phrase) for phrase in sorted(held)]})
    return found


def sentences(path: Path, unit: Unit = "word") -> Sentences:
    return [words for words in (split(text, unit) for text in read(path).texts) if words]


def judge(name: str, unit: Unit, train: Sentences, others: dict[str, Sentences], folder: Path) -> None:
    for order in ORDERS:
        path = folder / "lm.arpa"
        begun = time.perf_counter()
        trained = estimate(train, order, unit=unit)
        write_arpa(path, trained.grams)
        seconds = [time.perf_counter() - begun]
        begun = time.perf_counter()
        NGram.from_grams(read_arpa(path, unit)[0])
        seconds.append(time.perf_counter() - begun)
        save(path, trained.grams)
        begun = time.perf_counter()
        model = load(path)
        seconds.append(time.perf_counter() - begun)
        for part, judged in others.items():
            figures = perplexity(model, judged)
            star = "*" if trained.fallback else ""
            print(
                f"| {name} | {order}{star} | {len(train)} | {sum(model.counts)} | {part} | {figures.words} "
                f"| {figures.unknown} | {figures.perplexity:.2f} | {figures.perplexity_known:.2f} "
                f"| {by_kenlm(path, judged, figures) if order > 1 else '-'} "
                f"| {' | '.join(f'{each:.3f}' for each in seconds)} |",
                flush=True,
            )
        beside(path).unlink()


def by_kenlm(path: Path, judged: Sentences, ours: Perplexity) -> str:
    """KenLM's perplexity of the same ARPA file, and how far the logarithms are apart at most."""
    if kenlm is None:
        return "not installed"
    model = kenlm.Model(str(path))
    total = sum(model.score(" ".join(shown([word]) for word in words)) for words in judged)
    apart = abs(total - ours.log10) / (ours.words + ours.sentences)
    return f"{10 ** (-total / (ours.words + ours.sentences)):.2f} ({apart:.0e} a word)"


def made_up(count: int, seed: int) -> Sentences:
    """Sentences of a language of 2,000 words: a word depends on the one before."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(4, 15, count)
    jumps = generator.zipf(1.4, int(lengths.sum())) % 2000
    found, place = [], 0
    for length in lengths.tolist():
        words: Sequence[int] = (np.cumsum(jumps[place : place + length]) % 2000).tolist()
        found.append([f"GLOSS{word}" for word in words])
        place += length
    return found


if __name__ == "__main__":
    main()
