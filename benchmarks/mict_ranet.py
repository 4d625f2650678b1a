"""MiCT-RANet: its sizes and its speed, and what a reduced one learns of fingerspelling in video.

    python benchmarks/mict_ranet.py sizes [--side 224] [--frames 8]
    python benchmarks/mict_ranet.py overfit FOLDER --out RUNS [--set KEY=VALUE]...
    python benchmarks/mict_ranet.py spelled "{name: ..., ...}" --out RUNS [--set KEY=VALUE]...

`sizes` prints the map of each layer, parameters, and milliseconds a frame. `overfit` trains on clips with an
index.csv (file, label), all of them, and scores the same clips: that the whole can learn. `spelled` trains
on a corpus, its section `data`, and scores its dev and test.
"""

import argparse
import csv
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import signkit
from signkit.config.registry import build
from signkit.data.batch import Batch
from signkit.models.encoders.configs import MictRanetConfig

RECIPE = "chicagofswild_mict_ranet"
SMALL = (
    "encoder.backbone=resnet18", "encoder.channels=[16, 32, 64, 128]", "encoder.attention=128",
    "encoder.hidden=128", "encoder.weights=none", "encoder.checkpoint=false", "video.resize=64",
    "video.crop=64", "augment.mirror=0", "train.optimizer=adamw", "train.schedule=cosine", "train.workers=0",
)  # fmt: skip
OVERFIT = (
    "train.batch_size=4", "train.lr=5e-4", "train.warmup_steps=40", "train.max_steps=400",
    "train.eval_every=0", "train.save_every=100", "train.select=last",
)  # fmt: skip
SPELLED = (
    "video.resize=48", "video.crop=48", "train.batch_size=16", "train.lr=1e-3", "train.warmup_steps=100",
    "train.ema=0.99", "train.max_steps=1200", "train.eval_every=300", "train.save_every=300",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    sizes = commands.add_parser("sizes")
    sizes.add_argument("--side", type=int, default=224)
    sizes.add_argument("--frames", type=int, default=8)
    sizes.set_defaults(run=_sizes)
    for name, run in (("overfit", _overfit), ("spelled", _spelled)):
        command = commands.add_parser(name)
        command.add_argument("corpus")
        command.add_argument("--out", required=True)
        command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
        command.set_defaults(run=run)
    args = parser.parse_args()
    args.run(args)


def _sizes(args: argparse.Namespace) -> None:
    torch.manual_seed(0)
    encoder = build(MictRanetConfig(weights="none"), None, 3).eval()
    parts = {"stem": encoder.cnn.stem} | {f"stage {n}": s for n, s in enumerate(encoder.cnn.stages, 1)}
    shapes = dict[str, tuple[int, ...]]()
    for name, part in parts.items():
        module: nn.Module = part if name == "stem" else part.blocks[-1]
        module.register_forward_hook(
            lambda _, __, out, name=name: shapes.__setitem__(name, tuple(out.shape[1:]))
        )
    batch = _clip(args.frames, args.side)
    with torch.no_grad():
        encoder(batch)
        began = time.perf_counter()
        encoder(batch)
    seconds = time.perf_counter() - began
    print("| part | map | parameters |\n|---|---|---|")
    for name, part in parts.items():
        print(f"| {name} | {' x '.join(map(str, shapes[name]))} | {_count(part):,} |")
    print(f"| attention | {encoder.dims['video']} | {_count(encoder.attention):,} |")
    print(f"| output layer of 32 symbols | 32 | {512 * 32 + 32:,} |")
    print(f"| all | | {_count(encoder) + 512 * 32 + 32:,} |")
    speed = f"{1000 * seconds / args.frames:.0f} ms a frame"
    print(f"\n{args.frames} frames of {args.side} x {args.side}, {torch.get_num_threads()} threads: {speed}")


def _overfit(args: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _manifest(Path(args.corpus), Path(folder))
        data = f"data={{name: manifest, root: {folder}, shared_clips: allow, near_duplicates: allow}}"
        _run([data, *SMALL, *OVERFIT, *args.set], args.out)


def _spelled(args: argparse.Namespace) -> None:
    _run([f"data={args.corpus}", *SMALL, *SPELLED, *args.set], args.out)


def _run(sets: list[str], out: str) -> None:
    began = time.process_time()
    result = signkit.run(RECIPE, [*sets, f"run.dir={out}"])
    minutes = (time.process_time() - began) / 60
    for score in result.scores:
        if score.name in ("letter_accuracy", "cer"):
            print(f"{score.split} {score.name} {score.value:.4f}")
    print(f"{minutes:.1f} CPU-minutes; a model that says nothing has letter accuracy 0; {result.folder}")


def _manifest(source: Path, folder: Path) -> None:
    """A corpus of all the clips, in train and in test."""
    rows = ["id,path,gloss,split"]
    with (source / "index.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            shutil.copy(source / "videos" / row["file"], folder)
            stem = Path(row["file"]).stem
            rows += [f"{split}-{stem},{row['file']},{row['label']},{split}" for split in ("train", "test")]
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _clip(frames: int, side: int) -> Batch:
    def whole(*shape: int, **options: Any) -> Tensor:
        return torch.zeros(shape, **options)

    return Batch(
        ids=("clip",),
        inputs=torch.randint(256, (1, frames, side, side, 3), dtype=torch.uint8),
        seen=whole(1, frames, 1, dtype=torch.bool) | True,
        lengths=torch.tensor([frames]),
        targets=whole(1, 1, dtype=torch.long),
        target_lengths=torch.tensor([1]),
        frame_labels=whole(1, frames, dtype=torch.long) - 100,
        fps=torch.tensor([25.0]),
    )


if __name__ == "__main__":
    main()
