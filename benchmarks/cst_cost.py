"""What CST costs, forward and backward, beside torch's CTC and beside a full joint tensor.

    python benchmarks/cst_cost.py [--repeats N] [--threads 1 2] [--json]

Time: medians over repeats that take turns (CTC, CST, CTC, CST, ...), so that a busy machine slows both
alike. CTC is log_softmax and torch.nn.functional.ctc_loss; the full joint is chunks x histories x vocabulary
logits laid out, their log_softmax, and CTC's lattice with context by autograd. KL is the distillation at
temperature 8, from a teacher whose logits are the student's in another order. C2ST is what a step of the
published recipe has: CST of both levels, and KL between them. Every loss includes the backward to its logits.
Memory: most bytes alive at once during forward and backward beyond the inputs, from torch.profiler's record
of every allocation (CPU), or torch.cuda.max_memory_allocated (GPU).
"""

import argparse
import json
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from signkit.models.losses.cst import cst_levels, cst_loss
from signkit.models.losses.kl import kl_loss

SIZES = ((8, 60, 16, 1296), (8, 256, 40, 60), (4, 500, 60, 1296), (2, 50, 12, 1296))
HEAD = (
    "device threads size lengths | ms: ctc cst kl c2st joint | cst/ctc kl/cst joint/cst | MB: ctc cst joint"
)
Run = Callable[[], None]
Size = tuple[int, int, int, int]


def make_batch(size: Size, varied: bool, device: str) -> tuple[Tensor, ...]:
    batch, chunks, labels, vocab = size
    generator = torch.Generator().manual_seed(0)
    acoustic = 2 * torch.randn(batch, chunks, vocab, generator=generator)
    context = torch.randn(batch, labels + 1, vocab, generator=generator)
    targets = torch.randint(1, vocab, (batch, labels), generator=generator)
    input_lengths, target_lengths = torch.full((batch,), chunks), torch.full((batch,), labels)
    if varied:
        input_lengths = torch.linspace(0.6 * chunks, chunks, batch).long()
        target_lengths = torch.linspace(0.5 * labels, labels, batch).long()
    parts = acoustic, context, targets, input_lengths, target_lengths
    moved = [part.to(device) for part in parts]
    return moved[0].requires_grad_(), moved[1].requires_grad_(), *moved[2:]


def ctc(acoustic: Tensor, context: Tensor, targets: Tensor, chunks: Tensor, labels: Tensor) -> Tensor:
    log_p = acoustic.log_softmax(2).transpose(0, 1)
    return torch.nn.functional.ctc_loss(log_p, targets, chunks, labels, reduction="none")


def taught(acoustic: Tensor, context: Tensor, *reference: Tensor) -> Callable[..., Tensor]:
    teacher = acoustic.detach().flip(2), context.detach().flip(2)
    return lambda own, of_history, *_: kl_loss(own, of_history, *teacher, *reference, temperature=8.0)


def c2st(acoustic: Tensor, context: Tensor, *reference: Tensor) -> Tensor:
    """Both levels are the same logits in another order; their gradients come to the same tensor."""
    chunk = acoustic.flip(2)
    (video_loss, posteriors), (chunk_loss, _) = cst_levels((acoustic, chunk), context, *reference)
    taught = kl_loss(chunk, context, acoustic, context, *reference, temperature=8.0, posteriors=posteriors)
    return video_loss + chunk_loss + taught


def full_joint(acoustic: Tensor, context: Tensor, targets: Tensor, chunks: Tensor, labels: Tensor) -> Tensor:
    log_p = (acoustic[:, :, None] + context[:, None]).log_softmax(3)
    following = torch.nn.functional.pad(targets, (0, 1))
    own = torch.nn.functional.pad(targets, (1, 0))
    picks = torch.stack((torch.zeros_like(own), own, following), 2)[:, None].expand(*log_p.shape[:3], 3)
    blank, stay, enter = log_p.gather(3, picks).unbind(3)
    repeated = torch.nn.functional.pad(targets[:, 1:] == targets[:, :-1], (1, 0))
    label = acoustic.new_full(own.shape, -1e30)
    held = torch.nn.functional.pad(label[:, 1:], (1, 0))  # here: in a blank, not in a label
    for step in range(acoustic.shape[1]):
        either = torch.logaddexp(held, label)
        source = torch.where(repeated, held[:, :-1], either[:, :-1]) + enter[:, step, :-1]
        after_blank = either + blank[:, step]
        entered = torch.nn.functional.pad(source, (1, 0), value=-1e30)
        after_label = torch.logaddexp(label + stay[:, step], entered)
        going = (step < chunks)[:, None]
        held, label = torch.where(going, after_blank, held), torch.where(going, after_label, label)
    return -torch.logaddexp(held, label).gather(1, labels[:, None])[:, 0]


def torchaudio_rnnt(
    acoustic: Tensor, context: Tensor, targets: Tensor, chunks: Tensor, labels: Tensor
) -> Tensor:
    from torchaudio.functional import rnnt_loss

    joint = acoustic[:, :, None] + context[:, None]
    return rnnt_loss(joint, targets.int(), chunks.int(), labels.int(), blank=0, reduction="none")


def cst_rnnt(*parts: Tensor) -> Tensor:
    return cst_loss(*parts, topology="rnnt")


def runs_of(losses: dict[str, Callable[..., Tensor]], parts: tuple[Tensor, ...]) -> dict[str, Run]:
    def run(loss: Callable[..., Tensor]) -> None:
        parts[0].grad = parts[1].grad = None
        loss(*parts).sum().backward()

    return {name: lambda loss=loss: run(loss) for name, loss in losses.items()}


def median_ms(runs: dict[str, Run], repeats: int, device: str) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats + 2):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if device == "cuda":
                torch.cuda.synchronize()
            taken[name].append(time.perf_counter() - start)
    return {name: 1e3 * statistics.median(times[2:]) for name, times in taken.items()}


def peak_mb(run: Run, parts: tuple[Tensor, ...], device: str) -> float:
    parts[0].grad = parts[1].grad = None
    if device == "cuda":
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        run()
        return (torch.cuda.max_memory_allocated() - before) / 1e6
    with torch.profiler.profile(profile_memory=True) as profiler:
        run()
    events = profiler.profiler.kineto_results.events()
    live = peak = 0
    for event in sorted((e for e in events if e.name() == "[memory]"), key=lambda e: e.start_ns()):
        live += event.nbytes()
        peak = max(peak, live)
    return peak / 1e6


def measure(
    size: tuple[int, int, int, int], varied: bool, threads: int, repeats: int, device: str
) -> dict[str, object]:
    torch.set_num_threads(threads)
    parts = make_batch(size, varied, device)
    runs = runs_of({"ctc": ctc, "cst": cst_loss, "kl": taught(*parts), "c2st": c2st}, parts)
    times = median_ms(runs, repeats, device)
    joint = runs_of({"joint": full_joint}, parts)
    times |= median_ms(joint, 1 if size[1] * size[2] * size[3] > 10_000_000 else 3, device)
    runs |= joint
    if device == "cuda":
        others = {"cst_rnnt": cst_rnnt}
        try:
            import torchaudio  # noqa: F401

            others["torchaudio_rnnt"] = torchaudio_rnnt
        except ImportError:
            pass
        times |= median_ms(runs_of(others, parts), repeats, device)
    return {
        "size": "B{} S{} U{} V{}".format(*size),
        "lengths": "varied" if varied else "equal",
        "device": device,
        "threads": threads,
        "ms": {name: round(value, 3) for name, value in times.items()},
        "cst/ctc": round(times["cst"] / times["ctc"], 2),
        "kl/cst": round(times["kl"] / times["cst"], 2),
        "joint/cst": round(times["joint"] / times["cst"], 1),
        "peak_mb": {name: round(peak_mb(run, parts, device), 2) for name, run in runs.items()},
    }


def show(row: dict[str, object]) -> str:
    ms, peak = row["ms"], row["peak_mb"]
    assert isinstance(ms, dict) and isinstance(peak, dict)
    columns = [f"{row['device']:4} {row['threads']}  {row['size']:20} {row['lengths']:6}"]
    columns += [f"{ms[name]:9.2f}" for name in ("ctc", "cst", "kl", "c2st", "joint")]
    columns += [f"{row['cst/ctc']:8.2f} {row['kl/cst']:8.2f} {row['joint/cst']:8.1f} "]
    columns += [f"{peak[name]:8.2f}" for name in ("ctc", "cst", "joint")]
    columns += [f"{peak['cst'] / peak['joint']:9.3f}"]
    columns += [
        f"  {name} {ms[name]:.2f} ms" for name in ms if name not in ("ctc", "cst", "kl", "c2st", "joint")
    ]
    return " ".join(columns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # silences the profiler's messages
    rows = []
    settings = [("cpu", threads) for threads in options.threads]
    if torch.cuda.is_available():
        settings.append(("cuda", options.threads[0]))
    if not options.json:
        print(HEAD)
    for device, threads in settings:
        for size in SIZES:
            for varied in (False, True):
                rows.append(measure(size, varied, threads, options.repeats, device))
                if not options.json:
                    print(show(rows[-1]), flush=True)
    if options.json:
        print(
            json.dumps({"torch": torch.__version__, "machine": platform.processor(), "rows": rows}, indent=1)
        )


if __name__ == "__main__":
    main()
