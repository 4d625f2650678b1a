"""Training on a GPU, measured: steps next to the bare backbone, the longest clip, the lattice's kernel.

    bash benchmarks/gpu.sh [FILE]            # all of it and `cst_cost.py`, in about ten minutes, into FILE
    python benchmarks/gpu.py [PART …] [--device cpu] [--frames N] [--steps N] [--set KEY=VALUE]

Parts: `machine`; `kernel`, the lattice's Triton kernel next to the loop it replaces; `steps`, whole updates
of `c2st_phoenix` on two clips of 200 frames, and of `c2st_phoenix_landmarks`, in half precision and float32,
and forward and backward of the bare timm backbone on the same frames, the least that an update can take;
`longest`, the longest clip whose update fits the memory, all of it and 24 GiB; `scores`, the quickstart in
float32 and in bf16. Rows of Markdown are printed. --set changes `c2st_phoenix`. With --device cpu the script
can be tried, at small sizes.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

import signkit
from signkit.config.recipe_file import load_recipe
from signkit.data.loader import Step
from signkit.models.export import without_weights
from signkit.models.losses import cst, lattice
from signkit.models.precision import autocast, compute_in
from signkit.runtime.run_folder import content
from signkit.train.loop import accelerator, make_optimizer, update
from signkit.train.task import Shapes, task_of

RECIPES = ("c2st_phoenix", "c2st_phoenix_landmarks")
VOCABULARY = 1296
GIB = 1 << 30


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help="; ".join(PARTS))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    for name in args.parts or PARTS:
        print(f"\n**{name}**\n", flush=True)
        PARTS[name](args)


def machine(args: argparse.Namespace) -> None:
    rows = {"torch": torch.__version__, "CUDA": torch.version.cuda, "threads": torch.get_num_threads()}
    if args.device == "cuda":
        card = torch.cuda.get_device_properties(0)
        rows |= {"GPU": card.name, "memory": f"{card.total_memory / GIB:.0f} GiB"}
        rows |= {"cuDNN": torch.backends.cudnn.version()}
        rows |= {"bf16": torch.cuda.is_bf16_supported(including_emulation=False)}
    print("; ".join(f"{name} {value}" for name, value in rows.items()))


def kernel(args: argparse.Namespace) -> None:
    """The largest difference of log-likelihoods and posteriors, and the time of both on the same device."""
    if args.device != "cuda":
        print("only on a GPU")
        return
    from signkit.models.losses import lattice_kernel

    generator = torch.Generator().manual_seed(0)
    print("| topology | size | ms, loop | ms, kernel | largest difference |\n|---|---|---|---|---|")
    for topology in ("ctc", "monotonic", "rnnt"):
        for size in ((8, 60, 16, VOCABULARY), (8, 256, 40, 60), (2, 50, 12, VOCABULARY)):
            batch, chunks, labels, vocabulary = size
            acoustic = 2 * torch.randn(batch, chunks, vocabulary, generator=generator)
            context = torch.randn(batch, labels + 1, vocabulary, generator=generator)
            targets = torch.randint(1, vocabulary, (batch, labels), generator=generator)
            lengths = torch.full((batch,), chunks), torch.full((batch,), labels)
            given = acoustic.cuda(), context.cuda(), targets, *lengths
            built, rows = cst._build_lattice(*given, topology, 0)
            arcs, ends = cst._joined_arcs((given[0],), rows, built)[1], built.chain.ends
            with without_kernel():
                slow, expected = _timed(lattice.posteriors, arcs, ends, args)
            fast, found = _timed(lattice_kernel.posteriors, arcs, ends, args)
            apart = max(float((a - b).abs().max()) for a, b in zip(expected, found, strict=True))
            print(f"| {topology} | {size} | {slow:.2f} | {fast:.2f} | {apart:.1e} |", flush=True)


@contextmanager
def without_kernel() -> Iterator[None]:
    own, lattice._kernel = lattice._kernel, lambda arcs: None
    yield
    lattice._kernel = own


def _timed(
    compute: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    arcs: Tensor,
    ends: Tensor,
    args: argparse.Namespace,
) -> tuple[float, tuple[Tensor, Tensor]]:
    """Milliseconds, and what is found; the arcs are overwritten, so that each call has its own."""
    return _milliseconds(lambda: compute(arcs.clone(), ends), args), compute(arcs.clone(), ends)


def steps(args: argparse.Namespace) -> None:
    print("| | precision | ms a step | frames a second | GiB |\n|---|---|---|---|---|")
    for precision in (_half(args), "float32"):
        for name in RECIPES:
            step = _update(name, args, args.frames, precision)
            print(_row(name, precision, args, *_cost(step, args)), flush=True)
        for checkpoint in (True, False):
            run = _backbone(args, precision, checkpoint)
            what = f"bare backbone{', checkpoints' if checkpoint else ''}"
            print(_row(what, precision, args, *_cost(run, args)), flush=True)


def longest(args: argparse.Namespace) -> None:
    """One clip a step, with checkpoints, as the recipe has it."""
    if args.device != "cuda":
        print("only on a GPU")
        return
    whole = torch.cuda.get_device_properties(0).total_memory / GIB
    print("| GiB | frames |\n|---|---|")
    for room in sorted({min(24.0, whole), whole}):
        torch.cuda.set_per_process_memory_fraction(min(1.0, room / whole))
        fits, too_long = 0, 16384
        while too_long - fits > max(64, fits // 16):
            frames = (fits + too_long) // 2
            try:
                _update(RECIPES[0], args, frames, _half(args), batch=1)()
                fits = frames
            except torch.OutOfMemoryError:
                too_long = frames
            torch.cuda.empty_cache()
        print(f"| {room:.0f} | {fits} |", flush=True)
    torch.cuda.set_per_process_memory_fraction(1.0)


def scores(args: argparse.Namespace) -> None:
    """The quickstart's word error rate on test, three seeds of each precision."""
    print("| precision | seed | test WER | minutes |\n|---|---|---|---|")
    with TemporaryDirectory() as folder:
        for precision in ("float32", "bf16"):
            for seed in (1, 2, 3):
                began = time.perf_counter()
                changes = [f"train.precision={precision}", f"train.seed={seed}", f"run.dir={folder}"]
                result = signkit.run("quickstart", changes)
                (wer,) = [each.value for each in result.scores if (each.name, each.split) == ("wer", "test")]
                minutes = (time.perf_counter() - began) / 60
                print(f"| {precision} | {seed} | {100 * wer:.1f} | {minutes:.1f} |", flush=True)
        print(json.dumps(content(Path(result.folder) / "env.json"), ensure_ascii=False))


PARTS = {"machine": machine, "kernel": kernel, "steps": steps, "longest": longest, "scores": scores}


def _half(args: argparse.Namespace) -> str:
    """The half precision that the device has."""
    has = args.device == "cpu" or torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16" if has else "fp16"


def _update(
    name: str, args: argparse.Namespace, frames: int, precision: str, batch: int = 2
) -> Callable[[], object]:
    """An update of a recipe on synthetic clips, all losses counted."""
    changes = [f"train.precision={precision}", *(args.changes if name == RECIPES[0] else ())]
    recipe = without_weights(load_recipe(name, changes, check_paths=False))
    task: Any = task_of(recipe)
    layout = "" if name == RECIPES[0] else "holistic"
    spec, clips = task.example(Shapes(frames=frames, batch=batch, vocabulary=VOCABULARY, layout=layout))
    engine = accelerator(recipe.train)
    model = task.model(spec).to(engine.device).train()
    compute_in(model, precision)  # type: ignore[arg-type]
    optimizer = make_optimizer(model, recipe.train)
    data = Step(recipe.train.max_steps - 1, 0, batch, (clips,))
    return lambda: update(model, model, optimizer, data, recipe.train, task, engine)


def _backbone(args: argparse.Namespace, precision: str, checkpoint: bool) -> Callable[[], None]:
    """Forward and backward of timm's own network on the frames of two clips."""
    import timm

    name = load_recipe(RECIPES[0], args.changes, check_paths=False).encoder.backbone  # type: ignore[union-attr]
    size = 224 if args.device == "cuda" else 32
    network: Any = timm.create_model(name, num_classes=0).to(args.device).train()
    network.set_grad_checkpointing(checkpoint)
    frames = torch.rand(2 * args.frames, 3, size, size, device=args.device)

    def run() -> None:
        with autocast(precision, args.device):
            features = network(frames)
        features.float().sum().backward()
        network.zero_grad(set_to_none=True)

    return run


def _row(what: str, precision: str, args: argparse.Namespace, milliseconds: float, gib: float) -> str:
    rate = 2 * args.frames / milliseconds * 1e3
    return f"| {what} | {precision} | {milliseconds:.1f} | {rate:,.0f} | {gib:.1f} |"


def _cost(run: Callable[[], object], args: argparse.Namespace) -> tuple[float, float]:
    """Milliseconds and peak memory in GiB; nan where it does not fit."""
    try:
        run()
        if args.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        found = _milliseconds(run, args)
        peak = torch.cuda.max_memory_allocated() / GIB if args.device == "cuda" else float("nan")
        return found, peak
    except torch.OutOfMemoryError:
        return float("nan"), float("nan")


def _milliseconds(run: Callable[[], object], args: argparse.Namespace) -> float:
    """Median time of a call, warmed up."""
    taken = []
    for number in range(args.steps + 2):
        _wait(args)
        began = time.perf_counter()
        run()
        _wait(args)
        taken += [time.perf_counter() - began] if number > 1 else []
    return 1e3 * statistics.median(taken)


def _wait(args: argparse.Namespace) -> None:
    if args.device == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
