"""Two versions of signkit side by side, in one run, taking turns: a training, a step, decoding, scoring.

    python benchmarks/side_by_side.py BEFORE AFTER [--boston104 DIR] [--recognised DIR] [--repeats 3]
        [--only NAME …]

BEFORE and AFTER are Python interpreters, each of an environment with one version installed. Everything
runs with one thread. Times are the shortest and the middle one of the repeats, in seconds; of a training
step in milliseconds, from the runs' own log of their steps. --recognised has `train.gloss`, `train.de` and
the like of RWTH-PHOENIX-Weather 2014 T, as for gloss2text.py.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SENTENCES, UTTERANCES = 100_000, 500
DECODE = f"""
import time, torch
from signkit.decode import beam_search
try:
    from signkit.decode import constant_context_logits
except ImportError:  # its name in version 0.1
    from signkit.decode import constant_rows as constant_context_logits
generator = torch.Generator().manual_seed(1)
logits = torch.randn({UTTERANCES}, 60, 1296, generator=generator) * 3
lengths, bias = torch.full(({UTTERANCES},), 60), torch.zeros(1296)
beam_search(logits[:8], lengths[:8], constant_context_logits(bias), topology="ctc", beam=16)
begun = time.perf_counter()
beam_search(logits, lengths, constant_context_logits(bias), topology="ctc", beam=16)
print(time.perf_counter() - begun)
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("before", type=Path)
    arguments.add_argument("after", type=Path)
    arguments.add_argument("--boston104", type=Path)
    arguments.add_argument("--recognised", type=Path)
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--only", nargs="*", default=[])
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cases: dict[str, Callable[[Path, Path], float]] = {
            "help (s)": lambda python, place: command(python, place, "--help"),
            "quickstart (s)": lambda python, place: command(python, place, "run", "quickstart"),
            f"decode {UTTERANCES} (s)": decode,
            f"score {SENTENCES} (s)": lambda python, place: command(
                python, place, "score", str(Path(folder, "ref.trn")), str(Path(folder, "hyp.trn"))
            ),
        }
        if chosen.boston104:
            cases["boston104 step (ms)"] = lambda python, place: step(
                python, place, "c2st_boston104", f"data.root={chosen.boston104}", "train.max_steps=120"
            )
        if chosen.recognised:
            given = {"source": "{split}.gloss", "text": "{split}.de", "clean": "phoenix2014t"}
            data = {"name": "parallel", "root": str(chosen.recognised.resolve()), **given}
            search = ("decode.beam=1", "decode.expected=none")
            cases["gloss2text step (ms)"] = lambda python, place: step(
                python,
                place,
                "gloss2text_phoenix2014t",
                f"data={json.dumps(data)}",
                "train.max_steps=60",
                *search,
            )
        write_sentences(Path(folder))
        for name, case in cases.items():
            if chosen.only and not any(name.startswith(word) for word in chosen.only):
                continue
            times: dict[Path, list[float]] = {chosen.before: [], chosen.after: []}
            for _ in range(chosen.repeats):
                for python, measured in times.items():  # in turn, so that a busy moment strikes both
                    with tempfile.TemporaryDirectory() as place:
                        measured.append(case(python, Path(place)))
            before, after = times.values()
            print(f"{name:20} before {shown(before)}   after {shown(after)}", flush=True)


def shown(times: list[float]) -> str:
    """The shortest and the middle time."""
    return f"{min(times):8.2f} {statistics.median(times):8.2f}"


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}


def command(python: Path, place: Path, *words: str) -> float:
    """Seconds of a whole command."""
    begun = time.perf_counter()
    subprocess.run(
        [python, "-m", "signkit", *words], cwd=place, env=environment(), check=True, capture_output=True
    )
    return time.perf_counter() - begun


def decode(python: Path, place: Path) -> float:
    """Seconds of a beam search over random logits, 60 chunks of 1,296 symbols, beam 16."""
    done = subprocess.run(
        [python, "-c", DECODE], cwd=place, env=environment(), check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def step(python: Path, place: Path, recipe: str, *changes: str) -> float:
    """Milliseconds of a training step: the time from the first to the last record of TensorBoard's file."""
    sets = (*changes, "train.save_every=0", "train.eval_every=0", "decode.splits=[dev]")
    command(python, place, "run", recipe, *(word for each in sets for word in ("--set", each)))
    code = (
        "import glob\nfrom tensorboard.backend.event_processing.event_file_loader import EventFileLoader\n"
        "found = glob.glob('runs/*/*/tensorboard/events*')[0]\n"
        "steps = {e.step: e.wall_time for e in EventFileLoader(found).Load() if e.step}\n"
        "first, last = min(steps) + 20, max(steps)\n"
        "print(1000 * (steps[last] - steps[first]) / (last - first))"
    )
    done = subprocess.run([python, "-c", code], cwd=place, check=True, capture_output=True, text=True)
    return float(done.stdout)


def write_sentences(folder: Path) -> None:
    """References, and hypotheses in which a fifth of the words is wrong."""
    draw = random.Random(1)
    words = [f"W{number}" for number in range(1000)]
    with open(folder / "ref.trn", "w") as references, open(folder / "hyp.trn", "w") as hypotheses:
        for number in range(SENTENCES):
            sentence = draw.choices(words, k=draw.randint(3, 14))
            heard = [draw.choice(words) if draw.random() < 0.2 else word for word in sentence]
            references.write(f"{' '.join(sentence)} (s-{number})\n")
            hypotheses.write(f"{' '.join(heard)} (s-{number})\n")


if __name__ == "__main__":
    main()
