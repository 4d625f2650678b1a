"""Time of a clip on one core, and the size of the export of a run that reads landmarks.

    python benchmarks/clip_time.py RUN [--frames 25 60] [--repeat 50]

The clip is random holistic landmarks in memory. Measured is all of `predict` of one clip at a time: checks,
normalisation, the network, the names of the classes; not the tracking of the points, nor reading a file.
Printed are the median and the largest time on the CPU, since a busy machine makes others wait.
"""

import argparse
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch

import signkit


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--frames", type=int, nargs="+", default=[25, 60])
    parser.add_argument("--repeat", type=int, default=50)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = signkit.load(args.run)
    for frames in args.frames:
        clip = np.random.default_rng(0).random((frames, 543, 3), dtype=np.float32)
        model.predict(clip)
        times = []
        for _ in range(args.repeat):
            began = time.process_time()
            model.predict(clip)
            times.append(1000 * (time.process_time() - began))
        print(f"{frames} frames: median {median(times):.1f} ms, largest {max(times):.1f} ms")
    files = [path for path in (args.run / "export").rglob("*") if path.is_file()]
    print(f"export: {sum(path.stat().st_size for path in files) / 1e6:.2f} MB in {len(files)} files")


if __name__ == "__main__":
    main()
