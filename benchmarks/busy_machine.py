"""How long a run takes alone and beside other processes, by how the threads of torch and numpy wait.

    python benchmarks/busy_machine.py quickstart train.max_steps=20 --busy 0 2 --repeats 2

`one thread` has none that could wait; `spin` is what torch and numpy do where nothing is set; `sleep` is
what signkit sets (`signkit/runtime/threads.py`). The busy processes count in a loop, as another training
would. The shortest of the repeats is shown, of the whole command with its start.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

WAYS = {
    "one thread": {"OMP_NUM_THREADS": "1"},
    "spin": {"GOMP_SPINCOUNT": "300000", "OPENBLAS_THREAD_TIMEOUT": "26"},  # the libraries' own defaults
    "sleep": {},
}
CHOSEN = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OPENBLAS_THREAD_TIMEOUT")


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Processes that do nothing but count."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def seconds(recipe: str, values: list[str], way: dict[str, str]) -> float:
    """How long the command took."""
    environment = {name: value for name, value in os.environ.items() if name not in CHOSEN} | way
    with tempfile.TemporaryDirectory() as folder:
        sets = [word for value in (*values, f"run.dir={folder}") for word in ("--set", value)]
        command = [sys.executable, "-m", "signkit", "run", recipe, *sets]
        begun = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 2], help="numbers of other processes")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("recipe")
    parser.add_argument("values", nargs="*", metavar="KEY=VALUE")
    args = parser.parse_args()
    table: dict[str, dict[int, list[float]]] = {way: {count: [] for count in args.busy} for way in WAYS}
    for _ in range(args.repeats):
        for count in args.busy:
            for way, environment in WAYS.items():  # taking turns
                with busy(count):
                    table[way][count].append(seconds(args.recipe, args.values, environment))
    if args.json:
        print(json.dumps(table))
        return
    print("| " + " | ".join(["seconds", *(f"beside {count}" for count in args.busy)]) + " |")
    print("|---" * (len(args.busy) + 1) + "|")
    for way, times in table.items():
        print(f"| {way} | " + " | ".join(f"{min(times[count]):.1f}" for count in args.busy) + " |")


if __name__ == "__main__":
    main()
