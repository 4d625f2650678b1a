"""SIGKILL at every step, save and write of a tiny run, each resumed, against the unbroken run.

    python benchmarks/kill_every_step.py [--steps 6]

Prints a table of the kinds of places where processes were killed: how many runs, how many were resumed to
the same bits. Compared are weights, averages, moments, hypotheses, scores and the steps of the metrics.
Leaves with status 1 at any difference.
"""

import argparse
import hashlib
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from tiny import RANDOM, Shock, metrics, signkit, write_corpus, write_recipe

STEPPED, SAVE = "signkit.runtime.progress:TrainingWatch.stepped", "signkit.runtime.checkpoint:save"
DISK = ("os:fsync", "os:replace")


def main() -> int:
    """Kill, resume, compare and count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=6)
    steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as folder:
        corpus = write_corpus(Path(folder) / "corpus")
        recipe = write_recipe(Path(folder) / "tiny.yaml", corpus, RANDOM, max_steps=steps, eval_every=3)
        unbroken = signkit("run", recipe, "--set", f"run.dir={folder}/unbroken")
        expected = bits(unbroken.run)
        print(f"unbroken: {steps} steps, {len(expected)} files and metrics compared", flush=True)
        wrong = chain(recipe, Path(folder) / "chain", steps, expected)
        for kind, shocks in kinds(recipe, steps):
            same = [resumed(recipe, Path(folder) / kind / str(n), s, expected) for n, s in enumerate(shocks)]
            print(f"{kind:45} killed {len(same):4}   the same bits {sum(same):4}", flush=True)
            wrong += len(same) - sum(same)
    return 1 if wrong else 0


def kinds(recipe: Path, steps: int) -> Iterator[tuple[str, list[Shock]]]:
    """The places: after every update, after every save, before and after every sync and rename."""
    yield "after an update, before it is saved", [Shock(STEPPED, n) for n in range(1, steps + 1)]
    yield "after a save", [Shock(SAVE, n, after=True) for n in range(1, steps + 1)]
    yield "while the context is pre-trained", [Shock("signkit.runtime.progress:Bar.at", n) for n in (1, 2, 3)]
    yield (
        "while dev is scored",
        [Shock("signkit.commands.run:_DevScore.__call__", n) for n in range(1, steps // 3 + 1)],
    )
    for place in DISK:
        count = calls(recipe, place)
        yield f"before a call of {place}", [Shock(place, n) for n in range(1, count + 1)]
        yield f"after a call of {place}", [Shock(place, n, after=True) for n in range(1, count + 1)]


def chain(recipe: Path, folder: Path, steps: int, expected: dict[str, str]) -> int:
    """One run killed in every step, resumed each time."""
    words = ("run", recipe, "--set", f"run.dir={folder}", "--resume", "auto")
    for step in range(1, steps + 1):
        assert signkit(*words, shocks=[Shock(STEPPED, 1 if step == 1 else 2)]).status == -signal.SIGKILL
    same = bits(signkit(*words).run) == expected
    print(
        f"{'one run, in every step':45} killed {steps:4}   the same bits {'yes' if same else 'NO'}",
        flush=True,
    )
    return 0 if same else 1


def resumed(recipe: Path, folder: Path, shock: Shock, expected: dict[str, str]) -> bool:
    """Whether a run that is killed there ends as the unbroken one."""
    words = ("run", recipe, "--set", f"run.dir={folder}", "--resume", "auto")
    killed = signkit(*words, shocks=[shock])
    assert killed.status == -signal.SIGKILL, (shock, killed)
    done = signkit(*words)
    if done.status or bits(done.run) != expected:
        print(f"DIFFERENT: {shock} {done.err}", flush=True)
        return False
    return True


def calls(recipe: Path, place: str) -> int:
    """How often an unbroken run comes there: found by killing it later and later."""
    low, high = 0, 1
    while _is_killed(recipe, place, high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _is_killed(recipe, place, middle) else (low, middle)
    return low


def _is_killed(recipe: Path, place: str, call: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        done = signkit("run", recipe, "--set", f"run.dir={folder}", shocks=[Shock(place, call)])
    return done.status == -signal.SIGKILL


def bits(run: Path) -> dict[str, str]:
    """SHA-256 of every file that must be equal, and the metrics."""
    kept = ("checkpoints/*/*", "export/*.safetensors", "export/vocabulary.json", "decode/*", "scores.json")
    files = [file for pattern in kept for file in run.glob(pattern)]
    found = {str(f.relative_to(run)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
    return found | {"metrics": str(metrics(run)), "left over": str(sorted(run.rglob(".*.part")))}


if __name__ == "__main__":
    sys.exit(main())
