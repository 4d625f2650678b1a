"""Time `signkit score` beside sclite and jiwer: whole processes, the same sentences, one after another.

    python benchmarks/score_speed.py [--sentences 100000] [--repeats 5] [--text FILE.stm …]

Sentences are drawn from the given transcripts (or made up), and the hypotheses are corruptions of them: a
fifth of the words substituted, deleted or inserted. Each command's shortest and middle time and its
highest memory are printed. sclite is looked for on PATH and where Debian's package `sctk` puts it.
"""

import argparse
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NOISE = 0.2
JIWER = """
import sys
from pathlib import Path
import jiwer
sides = [[line.rpartition(" (")[0] for line in Path(f).read_text().splitlines()] for f in sys.argv[1:]]
out = jiwer.process_words(*sides)
print(out.wer, out.substitutions, out.deletions, out.insertions)
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sentences", type=int, default=100_000)
    arguments.add_argument("--repeats", type=int, default=5)
    arguments.add_argument("--text", type=Path, nargs="*", default=[])
    arguments.add_argument("--only", help="one command of those printed, such as `signkit score`")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        reference, hypothesis = write(Path(folder), chosen.sentences, chosen.text)
        commands = known_commands(reference, hypothesis)
        if chosen.only:
            commands = {chosen.only: commands[chosen.only]}
        times: dict[str, list[float]] = {name: [] for name in commands}
        memory = dict.fromkeys(commands, 0.0)
        for _ in range(chosen.repeats):
            for name, command in commands.items():  # in turn, so that a busy moment strikes all alike
                seconds, megabytes = measure(command, Path(folder))
                times[name].append(seconds)
                memory[name] = max(memory[name], megabytes)
        size = sum(path.stat().st_size for path in (reference, hypothesis)) / 1e6
        print(f"{chosen.sentences} sentences, {size:.0f} MB in both files, {chosen.repeats} runs each")
        for name in commands:
            shortest, middle = min(times[name]), statistics.median(times[name])
            times_of = f"shortest {shortest:6.2f} s   middle {middle:6.2f} s"
            print(f"{name:28} {times_of}   memory {memory[name]:6.0f} MB")


def known_commands(reference: Path, hypothesis: Path) -> dict[str, list[str]]:
    here = Path(sys.executable).with_name("signkit")
    score = [str(here), "score", str(reference), str(hypothesis)]
    found = {
        "signkit score": score,
        "signkit score --resamples 0": [*score, "--resamples", "0"],
        "signkit score --json": [*score, "--json"],
        "jiwer": [sys.executable, "-c", JIWER, str(reference), str(hypothesis)],
    }
    sclite = shutil.which("sclite") or "/usr/lib/sctk/bin/sclite"
    if Path(sclite).is_file():
        sides = ["-r", str(reference), "trn", "-h", str(hypothesis), "trn"]
        found["sclite"] = [sclite, *sides, "-i", "rm", "-o", "sum", "stdout"]
    else:
        print("sclite is not installed (Debian's package sctk): left out", file=sys.stderr)
    return found


def measure(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds of a whole process, and the most memory it held, in MB."""
    start = time.perf_counter()
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"{command} failed:\n{(folder / 'out').read_text()[-2000:]}")
    return seconds, usage.ru_maxrss / 1024


def write(folder: Path, count: int, texts: list[Path]) -> tuple[Path, Path]:
    """Two trn files: sentences and corruptions of them."""
    rng = random.Random(0)
    sentences = [line.split()[5:] for text in texts for line in text.read_text().splitlines()]
    if not sentences:
        sentences = [
            [f"GLOSS{min(int(rng.expovariate(0.01)), 1199)}" for _ in range(11)] for _ in range(5000)
        ]
    words = sorted({word for sentence in sentences for word in sentence})
    paths = folder / "reference.trn", folder / "hypothesis.trn"
    with paths[0].open("w") as left, paths[1].open("w") as right:
        for number in range(count):
            sentence = rng.choice(sentences)
            left.write(f"{' '.join(sentence)} (signer{number % 9}-{number})\n")
            right.write(f"{' '.join(corrupted(sentence, words, rng))} (signer{number % 9}-{number})\n")
    return paths


def corrupted(sentence: list[str], words: list[str], rng: random.Random) -> list[str]:
    found = []
    for word in sentence:
        kind = rng.random() / NOISE
        if kind >= 2 / 3:
            found.append(word)
        if kind < 1 / 3 or 2 / 3 <= kind < 1:
            found.append(rng.choice(words))
    return found


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
