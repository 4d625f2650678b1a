"""Preparing a corpus, and tracking landmarks, by this machine's processes and by a ray cluster of two nodes.

    python benchmarks/cluster.py [VIDEOS]

A node has one processor. In the last line of each table one is killed after a third of the time that it took
without. The files must be equal to the last bit. VIDEOS: a folder of clips for the landmarks.
"""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from signkit.runtime.files import sha256

CLIPS = ("--layout", "mp4", "--train", "120", "--dev", "8", "--test", "8")


def signkit(*words: object) -> float:
    """Seconds that a command takes."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-m", "signkit", *map(str, words)], check=True, capture_output=True)
    return time.monotonic() - begun


def digests(folder: Path) -> dict[str, str]:
    """Of the files that hold data; `report.jsonl` names its folder."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "report.jsonl")
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


def measure(name: str, command: Callable[[Path], tuple[object, ...]], cluster: Any, work: Path) -> None:
    """A table: local, ray, ray with a node killed."""
    print(f"| {name} | seconds | files |\n|---|---|---|")
    seconds = signkit(*command(work / "local"), "--workers", 2)
    wanted = digests(work / "local")
    print(f"| 2 processes | {seconds:.1f} | {len(wanted)} |")
    ray = ("--executor", "ray", "--address", cluster.address)
    for killed in (False, True):
        node, out = cluster.add_node(num_cpus=1), work / f"ray-{killed}"
        killer = threading.Timer(seconds / 3, cluster.remove_node, (node,), {"allow_graceful": False})
        if killed:
            killer.start()
        seconds = signkit(*command(out), *ray)
        if not killed:
            cluster.remove_node(node)
        how = ", one killed" if killed else ""
        same = "the same" if digests(out) == wanted else "OTHERS"
        print(f"| ray, 2 nodes{how} | {seconds:.1f} | {same} |", flush=True)
    print()


def main() -> None:
    from ray.cluster_utils import Cluster

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        signkit("data", "synth", work / "clips", *CLIPS)
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        prepare = ("data", "prepare", "manifest", "--root", work / "clips", "--shard-size", "2MB", "--out")
        measure("data prepare", lambda out: (*prepare, out), cluster, work / "prepare")
        for videos in sys.argv[1:]:
            track = ("landmarks", videos, "--model", "hands", "--out")
            measure("landmarks", lambda out: (*track, out), cluster, work / "landmarks")  # noqa: B023
        cluster.shutdown()


if __name__ == "__main__":
    main()
