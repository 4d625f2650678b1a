"""Model time of a training step of the encoder of video, beside the bare timm backbone on the same frames.

    python benchmarks/encoder_speed.py [--repeats N] [--threads 1 2] [--json]          on a CPU
    python benchmarks/encoder_speed.py --gpu [--frames 200] [--clip-memory 24 80]       on a CUDA device

Both sides run forward and backward in training mode, without an optimizer. Bare: the backbone as timm makes
it, all frames in one pass, pictures normalised before. Encoder: from frames in 8 bits to video features, the
temporal modules included, in the variants named; "frames alone" stops at the backbone's vectors. Medians over
repeats that take turns, so that a busy machine slows both alike; ratios are medians of neighbours' ratios.
With one thread on a CPU the time is the thread's own, which others do not lengthen.
Peak memory is what was alive at most beyond weights and inputs.

The part for a GPU: the recipe `c2st_phoenix` (batch 2, 200 frames, 224 pixels, bf16), bare and encoder,
compiled and not; then the longest clip of a batch of one that fits a given memory.
"""

import argparse
import json
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from signkit.commands.profile.measure import peak_bytes
from signkit.data.batch import Batch
from signkit.models.encoders.configs import ImageBackboneConfig
from signkit.models.encoders.image_backbone import build
from signkit.models.encoders.temporal import TemporalEncoder

SWIN = "swin_tiny_patch4_window7_224"
CPU_SIZES = ((SWIN, 2, 8, 112), ("resnet18", 2, 16, 112), ("convnext_atto", 2, 16, 112))
"""Backbone, clips, frames, pixels."""
LEAST_FREE = 0.02
"""Share of a GPU's memory that is left for others when the longest clip is looked for."""
Run = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One variant beside the bare backbone. Seconds are medians, `speed` its share of the bare one's."""

    backbone: str
    size: str
    device: str
    threads: int
    variant: str
    seconds: float
    bare_seconds: float
    speed: float
    peak_mb: float
    bare_peak_mb: float


def made_batch(clips: int, frames: int, pixels: int, device: str) -> Batch:
    generator = torch.Generator().manual_seed(0)
    shape = (clips, frames, pixels, pixels, 3)
    return Batch(
        ids=tuple(str(i) for i in range(clips)),
        inputs=torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8),
        seen=torch.ones(clips, frames, 1, dtype=torch.bool),
        lengths=torch.full((clips,), frames),
        targets=torch.zeros(clips, 1, dtype=torch.long),
        target_lengths=torch.ones(clips, dtype=torch.long),
        frame_labels=torch.full((clips, frames), -100),
        fps=torch.full((clips,), 25.0),
    ).to(device)


def encoder_of(config: ImageBackboneConfig, device: str, bare: nn.Module) -> TemporalEncoder:
    """The encoder, around the same backbone."""
    encoder = build(config, None, 3).to(device).train()
    encoder.frames.backbone = bare
    return encoder


def bare_run(backbone: nn.Module, pictures: torch.Tensor, half: bool) -> Run:
    def run() -> None:
        backbone.zero_grad(set_to_none=True)
        with torch.autocast(pictures.device.type, torch.bfloat16, enabled=half):
            vectors = backbone(pictures)
        vectors.float().sum().backward()

    return run


def frames_run(encoder: TemporalEncoder, batch: Batch, half: bool) -> Run:
    def run() -> None:
        encoder.zero_grad(set_to_none=True)
        with torch.autocast(batch.inputs.device.type, torch.bfloat16, enabled=half):
            vectors = encoder.frames.vectors(batch.inputs.flatten(0, 1))
        vectors.float().sum().backward()

    return run


def encoder_run(encoder: TemporalEncoder, batch: Batch, half: bool) -> Run:
    def run() -> None:
        encoder.zero_grad(set_to_none=True)
        with torch.autocast(batch.inputs.device.type, torch.bfloat16, enabled=half):
            output = encoder(batch)
        (output.levels["video"].float().sum() + output.auxiliary.sum()).backward()

    return run


def wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def side_by_side(runs: dict[str, Run], repeats: int, device: str) -> dict[str, list[float]]:
    """Seconds of each run, taking turns."""
    alone = device == "cpu" and torch.get_num_threads() == 1
    clock = time.process_time if alone else time.perf_counter
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(repeats + 1):
        for name, run in runs.items():
            wait(device)
            start = clock()
            run()
            wait(device)
            if number:  # the first warms up
                taken[name].append(clock() - start)
    return taken


def measure(
    name: str,
    sizes: tuple[int, int, int],
    variants: dict[str, ImageBackboneConfig],
    *,
    device: str,
    threads: int,
    repeats: int,
    half: bool = False,
    compiled: bool = False,
) -> list[Row]:
    """The variants of the encoder beside the bare backbone."""
    torch.set_num_threads(threads)
    batch = made_batch(*sizes, device)
    first = build(next(iter(variants.values())), None, 3).frames
    backbone: Any = first.backbone.to(device).train()
    if compiled:
        backbone.compile()  # in place, so for both sides
    pictures = batch.inputs.flatten(0, 1).permute(0, 3, 1, 2).float()
    pictures = (pictures * first.scale.to(device) + first.shift.to(device)).contiguous()
    runs = {"bare": bare_run(backbone, pictures, half)}
    for variant, config in variants.items():
        make = frames_run if variant.startswith("frames alone") else encoder_run
        runs[variant] = make(encoder_of(config, device, backbone), batch, half)
    taken = side_by_side(runs, repeats, device)
    peaks = {variant: peak_bytes(run, torch.device(device)) / 1e6 for variant, run in runs.items()}
    rows = []
    for variant in variants:
        ratios = [bare / own for bare, own in zip(taken["bare"], taken[variant], strict=True)]
        rows.append(
            Row(
                backbone=name,
                size="{} x {} frames, {} pixels".format(*sizes),
                device=device + (", bf16" if half else "") + (", compiled" if compiled else ""),
                threads=threads,
                variant=variant,
                seconds=statistics.median(taken[variant]),
                bare_seconds=statistics.median(taken["bare"]),
                speed=statistics.median(ratios),
                peak_mb=peaks[variant],
                bare_peak_mb=peaks["bare"],
            )
        )
    return rows


def variants_of(config: ImageBackboneConfig, frames: int) -> dict[str, ImageBackboneConfig]:
    """All in one pass; in passes; in passes that are computed again."""
    few = max(1, frames // 2)
    return {
        "frames alone": replace(config, checkpoint=False, frames_per_pass=frames),
        "one pass": replace(config, checkpoint=False, frames_per_pass=frames),
        f"passes of {few}": replace(config, checkpoint=False, frames_per_pass=few),
        f"passes of {few}, checkpoint": replace(config, frames_per_pass=few),
    }


def on_cpu(threads: Sequence[int], repeats: int) -> list[Row]:
    rows = []
    for count in threads:
        for name, *sizes in CPU_SIZES:
            clips, frames, pixels = (int(size) for size in sizes)
            config = ImageBackboneConfig(backbone=str(name), weights="none")
            rows += measure(
                str(name),
                (clips, frames, pixels),
                variants_of(config, clips * frames),
                device="cpu",
                threads=count,
                repeats=repeats,
            )
            for row in rows[-4:]:
                print(shown(row), flush=True)
    return rows


def on_gpu(frames: int, repeats: int, memories: Sequence[int]) -> tuple[list[Row], dict[str, int]]:
    """The published sizes, and the longest clip."""
    config = ImageBackboneConfig(weights="none")
    variants = {
        "frames alone": replace(config, checkpoint=False, frames_per_pass=2 * frames),
        "one pass": replace(config, checkpoint=False, frames_per_pass=2 * frames),
        "passes of 32": replace(config, checkpoint=False),
        "passes of 32, checkpoint": config,
        "passes of 32, half of the frames kept": replace(config, kept_frames=frames),
    }
    rows = []
    for compiled in (False, True):
        found = measure(
            SWIN,
            (2, frames, 224),
            variants,
            device="cuda",
            threads=torch.get_num_threads(),
            repeats=repeats,
            half=True,
            compiled=compiled,
        )
        rows += found
        for row in found:
            print(shown(row), flush=True)
    longest = {}
    for gigabytes in memories:
        for variant in ("one pass", "passes of 32, checkpoint"):
            key = f"{variant}, {gigabytes} GB"
            longest[key] = longest_clip(variants[variant], gigabytes)
            print(f"longest clip, {key}: {longest[key]} frames", flush=True)
    return rows, longest


def longest_clip(config: ImageBackboneConfig, gigabytes: int) -> int:
    """The most frames, in steps of 32, of a batch of one that a GPU of this memory trains the encoder on.

    The memory is made so small by torch's own limit; 0 where the device has less. Weights and Adam's two
    moments of them are held meanwhile.
    """
    total = torch.cuda.get_device_properties(0).total_memory
    share = gigabytes * 1e9 * (1 - LEAST_FREE) / total
    if share > 1:
        return 0
    encoder = build(config, None, 3).cuda().train()
    moments = [torch.zeros_like(p) for p in encoder.parameters() for _ in range(2)]
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(share)

    def fits(frames: int) -> bool:
        one = replace(config, frames_per_pass=frames) if not config.checkpoint else config
        encoder.frames.frames_per_pass = one.frames_per_pass
        try:
            encoder_run(encoder, made_batch(1, frames, 224, "cuda"), half=True)()
        except torch.OutOfMemoryError:
            return False
        finally:
            encoder.zero_grad(set_to_none=True)
            torch.cuda.empty_cache()
        return True

    low, high = 0, 32
    while fits(high) and high < 32 * 1024:
        low, high = high, 2 * high
    while high - low > 32:
        middle = (low + high) // 64 * 32
        low, high = (middle, high) if fits(middle) else (low, middle)
    torch.cuda.set_per_process_memory_fraction(1.0)
    del moments
    return low


def shown(row: Row) -> str:
    return (
        f"{row.device:6} {row.threads}  {row.backbone:29} {row.size:26} {row.variant:26} "
        f"{1e3 * row.seconds:9.1f} ms, bare {1e3 * row.bare_seconds:9.1f} ms, speed {row.speed:5.2f}; "
        f"{row.peak_mb:8.1f} MB, bare {row.bare_peak_mb:8.1f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--gpu", action="store_true", help="the published sizes on a CUDA device")
    parser.add_argument("--frames", type=int, default=200, help="of each of the two clips on a GPU")
    parser.add_argument("--clip-memory", type=int, nargs="*", default=[24, 80], metavar="GB")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    longest: dict[str, int] = {}
    if options.gpu:
        if not torch.cuda.is_available():
            parser.error("there is no CUDA device")
        rows, longest = on_gpu(options.frames, options.repeats, options.clip_memory)
    else:
        rows = on_cpu(options.threads, options.repeats)
    if options.json:
        machine = torch.cuda.get_device_name() if options.gpu else platform.processor()
        content = {"torch": torch.__version__, "machine": machine, "longest": longest}
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(content | {"rows": [vars(row) for row in rows]}, file, indent=1)


if __name__ == "__main__":
    main()
