"""Perplexities of language models on transcripts, n-grams of 1 to 5 and neural ones, with training times.

    python benchmarks/lm_perplexity.py --data FOLDER [--only NAME] [--distinct] [--neural [--steps N]]
    python benchmarks/lm_perplexity.py --times

FOLDER has gloss_text/{phoenix2014-T,CSL-Daily}/{train,dev,test}.stm, isharah_text/SI/{train,dev}.txt and
fingerspelling_text/aslfr_supplemental_phrases.csv; what is not there is left out. ASLFR phrases are read
as characters, and a tenth of the distinct phrases, drawn by a seed, is kept out of training. Where the
package kenlm is installed, it scores the same ARPA file beside. A Markdown table is printed.

--neural adds the recipes of `signkit lm train`, in place of n-grams their names and in place of how many
n-grams how many weights; one thread each. Dev chooses their weights, so that test is the honest figure; of
ASLFR a further tenth of the phrases left is dev. Masked models have pseudo-perplexities, which are no
perplexities.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from signkit.eval.formats import read
from signkit.lm import NGram, Perplexity, estimate, load, perplexity, save
from signkit.lm.arpa import parse_arpa, write_arpa
from signkit.lm.binary import archive_of
from signkit.lm.grams import BLANK, Unit
from signkit.lm.sentences import split

try:
    import kenlm
except ImportError:
    kenlm = None

ORDERS = range(1, 6)
NEURAL = {"word": ("gloss_lstm", "gloss_transformer", "gloss_bert_masked"), "character": ("char_lstm",)}
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
    arguments.add_argument("--neural", action="store_true", help="neural models too")
    arguments.add_argument("--steps", type=int, help="updates of these, the recipes' own if not given")
    arguments.add_argument("--only", default="", help="corpora whose names begin so")
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
            if not name.startswith(chosen.only):
                continue
            once = [list(words) for words in dict.fromkeys(map(tuple, train))] if chosen.distinct else train
            judge(name, unit, once, others, Path(folder))
            for recipe in NEURAL[unit] if chosen.neural else ():
                judge_neural(name, unit, recipe, once, others, Path(folder), chosen.steps)


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
        NGram.from_grams(parse_arpa(path.read_bytes(), str(path), unit)[0])
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
        archive_of(path).unlink()


def judge_neural(
    name: str,
    unit: Unit,
    recipe: str,
    train: Sentences,
    others: dict[str, Sentences],
    folder: Path,
    steps: int | None,
) -> None:
    parts = {"train": train, "dev": others.get("dev"), "test": others.get("test")}
    if parts["dev"] is None:  # held out: it must not choose, so dev is taken from train
        distinct = sorted(set(map(tuple, train)))
        dev = set(random.Random(1).sample(distinct, len(distinct) // 10))
        parts = {
            "train": [words for words in train if tuple(words) not in dev],
            "dev": [list(words) for words in sorted(dev)],
            "test": others["held out"],
        }
    options = [f"run.dir={folder / 'runs'}", *([f"train.max_steps={steps}"] if steps else [])]
    for part, texts in parts.items():
        if texts is not None:
            path = folder / f"{part}.jsonl"
            joined = (" " if unit == "word" else "").join
            lines = (json.dumps({"id": str(n), "text": joined(words)}) for n, words in enumerate(texts))
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            options.append(f"data.{part}={path}")
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "signkit", "lm", "train", recipe, "--json"]
        + [word for option in options for word in ("--set", option)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    seconds = time.perf_counter() - begun
    found = json.loads(done.stdout)
    said = (Path(found["run"]) / "log.txt").read_text(encoding="utf-8")
    weights = said.partition(" weights;")[0].rsplit(" ", 1)[1].replace(",", "")
    scores = {(each["split"], each["name"]): each for each in found["metrics"]}
    for place, key in scores:
        if not key.endswith("_known"):
            whole, known = scores[place, key], scores[place, f"{key}_known"]
            words, unknown = (part.split()[0] for part in whole["note"].split(", ")[:2])
            pseudo = " (pseudo)" if key.startswith("pseudo") else ""
            label = place if place in others else "held out" if place == "test" else "dev of train"
            print(
                f"| {name} | {recipe}{pseudo} | {len(parts['train'])} | {weights} | {label} | {words} "
                f"| {unknown} | {whole['value']:.2f} | {known['value']:.2f} | - | {seconds:.0f} | - | - |",
                flush=True,
            )


def by_kenlm(path: Path, judged: Sentences, ours: Perplexity) -> str:
    """KenLM's perplexity of the same ARPA file, and how far the logarithms are apart at most."""
    if kenlm is None:
        return "not installed"
    model = kenlm.Model(str(path))
    total = sum(model.score(" ".join(BLANK if word == " " else word for word in words)) for words in judged)
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
