"""`signkit landmarks` against bare MediaPipe in one process, and with several processes.

    python benchmarks/landmarks_speed.py VIDEOS --clips 2 --workers 1 2

Bare: frames that are decoded already go through MediaPipe's `process`, and nothing is kept. Ours: the same
clips from file to file. Both in one process in turn, so that they share what else the machine does; frames a
second of the clock, and of the processor. With several processes: the clock, from the first frame on.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def in_turn(clips: Sequence[Path], rounds: int, results: Any) -> None:
    """Seconds [clock, processor] and frames of both, sent from a process of its own."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    import numpy as np

    from signkit.data.tracking.extract import Options, extract
    from signkit.data.tracking.tracker import Tracker
    from signkit.data.video import open_clip

    tracker = Tracker("holistic")
    graph = tracker._graph
    decoded = {clip: open_clip(clip).read(np.arange(open_clip(clip).frames)) for clip in clips}
    graph.process(decoded[clips[0]][0])  # models are loaded with the first frame
    seconds = {"bare": np.zeros(2), "ours": np.zeros(2)}
    with tempfile.TemporaryDirectory() as folder:
        for clip in [*clips] * rounds:
            graph.reset()
            begun = time.monotonic(), time.process_time()
            for frame in decoded[clip]:
                graph.process(frame)
            seconds["bare"] += time.monotonic() - begun[0], time.process_time() - begun[1]
            begun = time.monotonic(), time.process_time()
            extract(tracker, clip, Path(folder) / "a.npz", Options(), lambda frames: None)
            seconds["ours"] += time.monotonic() - begun[0], time.process_time() - begun[1]
    frames = rounds * sum(len(each) for each in decoded.values())
    results.send({name: [frames / each for each in value.tolist()] for name, value in seconds.items()})


def side_by_side(clips: Sequence[Path], workers: int) -> float:
    """Frames a second of the clock, once every process has begun with frames."""
    from signkit.data.tracking.extract import Options, Summary
    from signkit.data.tracking.jobs import Job, track_all
    from signkit.data.video import open_clip

    with tempfile.TemporaryDirectory() as folder:
        jobs = [Job(clip, Path(folder) / f"{number}.npz", Options()) for number, clip in enumerate(clips)]
        frames, begun, at = dict.fromkeys(jobs, 0), 0.0, 0
        for job, event in track_all(jobs, workers):
            if isinstance(event, int):
                frames[job] += event
            elif isinstance(event, Summary):
                frames[job] = open_clip(job.source).frames
            if not begun and sum(count > 0 for count in frames.values()) >= workers:
                begun, at = time.monotonic(), sum(frames.values())
        return (sum(frames.values()) - at) / (time.monotonic() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("videos", type=Path)
    parser.add_argument("--clips", type=int, default=2, help="the first so many of the folder")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    clips = sorted(args.videos.glob("*.mp4"))[: args.clips]

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=in_turn, args=(clips, args.rounds, theirs))
    process.start()
    rates = ours.recv()
    process.join()
    many = {workers: side_by_side([*clips] * args.rounds, workers) for workers in args.workers}
    load = os.getloadavg()[0]
    if args.json:
        print(json.dumps({"one_process": rates, "processes": many, "load": load}))
        return
    print(f"load of the machine {load:.1f} on {os.cpu_count()} processors\n")
    print("| frames/s | clock | processor |\n|---|---|---|")
    for name, (clock, processor) in rates.items():
        print(f"| {name} | {clock:.2f} | {processor:.2f} |")
    print(f"| ours / bare | {rates['ours'][0] / rates['bare'][0]:.3f} | ", end="")
    print(f"{rates['ours'][1] / rates['bare'][1]:.3f} |")
    for workers, rate in many.items():
        print(f"| {workers} process(es) | {rate:.2f} | |")


if __name__ == "__main__":
    main()
