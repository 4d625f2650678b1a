"""SIGKILL at random moments of preparing made corpora, against an unbroken run, with 1 and 2 workers.

    python benchmarks/prepare_kill.py [--kills 20] [--seed 1]

Each of shards and mp4 files: a corpus is prepared once without a break; then in another folder, killed
at random moments, begun again each time by the same command, until it has been killed so many times. A
folder that comes to its end is compared and another one begun. Prints how many were killed and how many
folders had the same bits; leaves with status 1 at any difference.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from clips import digests, killed_after, start_preparing, video_corpus

from signkit.types import Corpus


def main() -> int:
    """Kill, go on, compare and count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    corpus = video_corpus(train=40, dev=5, test=5, frames=20)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for format in ("shards", "mp4"):
            options = {"format": format, "size": 32, "shard_size": "200KB"}
            wrong += killed(corpus, Path(folder) / format, options, asked.kills, random.Random(asked.seed))
    return 1 if wrong else 0


def killed(corpus: Corpus, place: Path, options: dict[str, Any], kills: int, rng: random.Random) -> int:
    """Kill so many times; the number of folders that ended with other bits."""
    place.mkdir()
    begun = time.monotonic()
    finish(corpus, place / "unbroken", options, workers=1)
    whole, expected = time.monotonic() - begun, digests(place / "unbroken")
    same, done = [], 0
    while done < kills:
        workers = rng.choice((1, 2))
        seconds = rng.uniform(0, 0.4) * whole
        if killed_after(corpus, place / str(len(same)), seconds, workers=workers, **options):
            done += 1
        else:
            same.append(digests(place / str(len(same))) == expected)
    finish(corpus, place / str(len(same)), options, workers=2)
    same.append(digests(place / str(len(same))) == expected)
    files = f"{len(expected)} files"
    print(
        f"{options['format']:7} {files}: killed {done}, folders ended {len(same)}, the same bits {sum(same)}"
    )
    return same.count(False)


def finish(corpus: Corpus, folder: Path, options: dict[str, Any], workers: int) -> None:
    """Prepare to the end."""
    process = start_preparing(corpus, folder, workers=workers, **options)
    process.join()
    assert process.exitcode == 0, "preparing failed"


if __name__ == "__main__":
    sys.exit(main())
