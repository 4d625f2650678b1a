"""The training loop, from top to bottom.

Everything random in a step is seeded by (seed, step). So a run that is resumed from a checkpoint computes the
same numbers as one that was never interrupted, and a checkpoint needs no states of random generators.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast
from torch import Tensor, nn
from torch.amp import GradScaler

from signkit.config.recipe import TrainConfig
from signkit.data.loader import Ahead, Batch, Step
from signkit.errors import OperationalError, UserError
from signkit.models.losses.checks import NotANumber, unread_losses
from signkit.models.losses.functions import check_per_sample
from signkit.models.precision import precision_on, tf32
from signkit.runtime import checkpoint
from signkit.runtime.checkpoint import Progress, State
from signkit.train.quick_dropout import QuickDropout
from signkit.train.step_profile import part_of_step
from signkit.train.task import Evaluation, Task, Term


@runtime_checkable
class Watcher(Protocol):
    """Receives the progress of a training, for the terminal, the log and TensorBoard."""

    def stepped(self, step: int, figures: dict[str, float]) -> None:
        """Called after each update with its figures, such as the loss."""
        ...

    def evaluated(self, step: int, score: float, best: bool) -> None:
        """Called after each evaluation with the dev score, and whether it is the best so far."""
        ...


@dataclass(frozen=True, slots=True)
class Ended:
    """How a training ended: ``finished``, ``stopped early`` or ``interrupted``, and its progress."""

    how: str
    progress: Progress


def accelerator(config: TrainConfig) -> Accelerator:
    """Set up the processes and the device of this run. The precision is `signkit.models.precision`'s.

    Raises:
        UserError: the device cannot compute in the recipe's precision.
    """
    precision_on("cuda" if torch.cuda.is_available() else "cpu", config.precision)
    # Accelerate has one global state per process, which would keep the device of an earlier run.
    AcceleratorState._reset_state()
    # Apple's GPU lacks float64, which the lattice needs. And without `cpu` accelerate does not notice that
    # several processes that torchrun started on a machine without a GPU belong together.
    return Accelerator(mixed_precision="no", cpu=not torch.cuda.is_available())


def train(
    task: Task,
    model: Any,
    config: TrainConfig,
    steps: Callable[[int], Iterator[Step]],
    evaluate: Callable[[int], Evaluation] | None,
    checkpoints: Path,
    watcher: Watcher,
    engine: Accelerator,
    should_stop: Callable[[], bool],
    importance: Mapping[str, float] | None = None,
) -> Ended:
    """Train a model until the last step, until it stops improving on dev, or until it is asked to stop.

    Args:
        task: defines the loss and the weight of each sample.
        model: changed in place.
        config: the section `train` of the recipe.
        steps: returns an endless iterator of batches, starting at a step (counted from 0).
        evaluate: returns the dev score of the current weights (the task's `selection`), given the number of
            updates so far; None without a dev split.
        checkpoints: the folder of checkpoints; training resumes from the newest one in it.
        watcher: receives the progress.
        engine: from `accelerator`.
        should_stop: called after each step.
        importance: factor of the weight of each sample by its id; None: 1 for all.

    Raises:
        OperationalError: the loss is not finite, or a checkpoint cannot be written or read.
    """
    model.to(engine.device)
    optimizer = make_optimizer(model, config)
    averaged = {n: t.detach().clone() for n, t in model.state_dict().items()} if config.ema else None
    done = checkpoint.steps(checkpoints)
    progress = Progress()
    if done:
        progress = checkpoint.load(checkpoints, done[-1], model, averaged, optimizer)
        if engine.is_main_process:  # the run may have been killed between saving and pruning
            checkpoint.prune(checkpoints, keep=config.keep, best_step=progress.best_step)
    scaler = GradScaler(engine.device.type) if config.precision == "fp16" else None
    if scaler is not None and progress.scaler:
        scaler.load_state_dict(progress.scaler)
    if config.patience and progress.stale >= config.patience:
        return Ended("stopped early", progress)
    # `parallel` may be a wrapper of several processes; `model` is the bare module, whose state is saved.
    parallel, optimizer = engine.prepare(model, optimizer)

    stream = Ahead(steps(progress.step))
    for data in stream:
        step = data.step + 1
        if step > config.max_steps:
            break
        # A seed of its own for every step and process, so that dropout and masks do not depend on the past.
        torch.manual_seed((config.seed << 32) + step * 1024 + engine.process_index)
        set_learning_rate(optimizer, config, step)
        model.train()
        fetch = stream.fetch if step < config.max_steps else None
        with QuickDropout():
            figures, skipped = update(
                parallel,
                model,
                optimizer,
                data,
                config,
                task,
                engine,
                importance,
                scaler=scaler,
                meanwhile=fetch,
            )
        if averaged is not None:
            # The decay rises from 2/11, so that the random initial weights are soon forgotten.
            average(averaged, model.state_dict(), min(config.ema, (1 + step) / (10 + step)))
        progress = replace(progress, step=step, skipped=progress.skipped + skipped)
        watcher.stepped(step, figures)

        last = step == config.max_steps
        improved = False
        due = last or (config.eval_every and step % config.eval_every == 0)
        if evaluate is not None and due:
            with swapped_weights(model, averaged):
                evaluation = evaluate(step)
            score = of_main(evaluation.value, engine)
            # A score that does not count yet (an untrained context) is neither the best nor a failure to
            # improve.
            if evaluation.counts:
                improved = progress.best is None or task.selection.is_better(score, progress.best)
                progress = replace(progress, stale=0 if improved else progress.stale + 1)
            if improved:
                progress = replace(progress, best=score, best_step=step)
            watcher.evaluated(step, score, improved)
        early = bool(config.patience) and progress.stale >= config.patience
        stop = agreed(should_stop(), engine)
        if last or improved or early or stop or (config.save_every and step % config.save_every == 0):
            if engine.is_main_process:
                progress = replace(progress, scaler=scaler.state_dict() if scaler is not None else {})
                checkpoint.save(checkpoints, progress, model.state_dict(), averaged, optimizer)
                checkpoint.prune(checkpoints, keep=config.keep, best_step=progress.best_step)
            engine.wait_for_everyone()
        if last or early:
            return Ended("finished" if last else "stopped early", progress)
        if stop:
            return Ended("interrupted", progress)
    return Ended("finished", progress)


def update(
    parallel: nn.Module,
    model: Any,
    optimizer: torch.optim.Optimizer,
    data: Step,
    config: TrainConfig,
    task: Task,
    engine: Accelerator,
    importance: Mapping[str, float] | None = None,
    *,
    scaler: GradScaler | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> tuple[dict[str, float], int]:
    """One update of the weights from this process's parts of a batch.

    Each term of the loss is a weighted mean over the samples of all parts and processes.

    Args:
        meanwhile: called when all passes of the step are queued on the device, before its figures are read.
        scaler: of fp16, whose gradients it keeps from vanishing. A step whose scaled gradients are infinite
            changes no weights but the scale, and has the figure `loss_scale` instead of their norm.

    Returns:
        The figures of the step (means over the same samples), and how many samples were left out.

    Raises:
        OperationalError: the loss or the gradient is not finite; the message names the samples.
    """
    share = data.step / config.max_steps
    held = held_back(optimizer, share, alone=engine.num_processes == 1)
    # Before the first forward pass, since each part is divided by the weights of all parts at once.
    weights, skipped = total_weights(task, model, data.parts, engine, importance)
    optimizer.zero_grad(set_to_none=True)
    sums: dict[str, Tensor] = {}
    seen: list[tuple[Sequence[str], Mapping[str, Term]]] = []
    for number, part in enumerate(data.parts):
        batch = part.to(engine.device)
        # Processes exchange gradients once, with the last part.
        hold = engine.no_sync(parallel) if number + 1 < len(data.parts) else nullcontext()
        with hold:
            try:
                with unread_losses(), part_of_step("forward"):
                    terms = task.loss(model, parallel, batch, share)
            except NotANumber as error:
                ids = [batch.ids[i] for i in error.samples]
                raise _diverged(data.step, ids, [error.term] if error.term else []) from error
            for name, term in terms.items():
                check_per_sample(term.total, len(batch.ids), f"the task's loss `{name}`", "its `total` is")
            terms = weighted(terms, batch.ids, importance)
            loss = mean_loss(terms, weights)
            # The loss is divided by the weights of all processes, but gradients are averaged over processes.
            mean = loss * engine.num_processes
            with tf32(config.tf32), part_of_step("backward"):
                engine.backward(mean if scaler is None else scaler.scale(mean))
        for name, term in terms.items():
            for figure, values in term.figures.items():
                total = values.detach().sum() / max(weights[name], 1.0)
                sums[figure] = sums[figure] + total if figure in sums else total
        sums["loss"] = sums["loss"] + loss.detach() if "loss" in sums else loss.detach()
        seen.append(
            (batch.ids, {name: Term(term.total.detach(), term.figures) for name, term in terms.items()})
        )
    for parameter in held:
        parameter.grad = None
    if scaler is not None:
        scaler.unscale_(optimizer)
    norm = torch.as_tensor(engine.clip_grad_norm_(parallel.parameters(), config.clip or math.inf))
    if meanwhile is not None:
        with part_of_step("data"):
            meanwhile()
    # All figures are read at once, before the weights change: each reading waits for the device.
    names = sorted(sums)
    with part_of_step("figures"):
        totals = engine.reduce(torch.stack([sums[name].double() for name in names]), "sum")
        *read, length = torch.cat([totals, norm.detach().double()[None]]).tolist()
    figures = dict(zip(names, read, strict=True))
    if not math.isfinite(figures["loss"]):
        raise _diverged(data.step, *_not_finite(seen))
    if math.isfinite(length):
        with part_of_step("optimizer"):
            optimizer.step()
        figures["gradient_norm"] = length
    elif scaler is None or (scale := scaler.get_scale()) < 1:  # the scale is not the reason
        raise OperationalError(
            f"step {data.step + 1}: the gradient is not a number; a lower train.lr may help"
        )
    else:
        figures["loss_scale"] = scale
    if scaler is not None:
        scaler.update()
    figures["lr"] = optimizer.param_groups[0]["lr"]
    return figures, skipped


def held_back(optimizer: torch.optim.Optimizer, share: float, *, alone: bool) -> list[nn.Parameter]:
    """The parameters that are still frozen at a share of the training, by `until` of their group.

    Args:
        alone: whether this is the only process; then no gradient is computed for them. Several processes
            agreed at the start on the gradients that they exchange.
    """
    held = list[nn.Parameter]()
    for group in optimizer.param_groups:
        # A checkpoint of an earlier version has no such entry.
        frozen = share < group.get("until", 0.0)
        held += group["params"] if frozen else []
        if alone:
            for parameter in group["params"]:
                parameter.requires_grad_(not frozen)
    return held


def total_weights(
    task: Task,
    model: Any,
    parts: Sequence[Batch],
    engine: Accelerator,
    importance: Mapping[str, float] | None = None,
) -> tuple[dict[str, float], int]:
    """The sum of the weights of each term over all parts and processes, and the number of samples with weight
    0.

    Weights depend on targets and lengths only. So they are known before the first part is computed, and on
    the CPU, without waiting for a GPU.
    """
    weight_sums: dict[str, float] = {}
    skipped = 0
    for part in parts:
        weights = task.weights(model, part)
        skipped += int((torch.stack([*weights.values()]) == 0).all(0).sum())
        if importance is not None:
            factors = torch.tensor([importance[name] for name in part.ids])
            weights = {name: each * factors for name, each in weights.items()}
        for name, each in weights.items():
            weight_sums[name] = weight_sums.get(name, 0.0) + float(each.sum())
    if engine.num_processes == 1:
        return weight_sums, skipped
    sums = torch.tensor([*weight_sums.values(), skipped], dtype=torch.float64, device=engine.device)
    *totals, left_out = engine.reduce(sums, "sum").tolist()
    return dict(zip(weight_sums, totals, strict=True)), int(left_out)


def weighted(
    terms: Mapping[str, Term], ids: Sequence[str], importance: Mapping[str, float] | None
) -> Mapping[str, Term]:
    """The terms of a batch, each sample times its factor; as they are without factors."""
    if importance is None:
        return terms
    total = next(iter(terms.values())).total
    factors = torch.tensor([importance[name] for name in ids], dtype=total.dtype, device=total.device)
    return {
        name: Term(term.total * factors, {key: values * factors for key, values in term.figures.items()})
        for name, term in terms.items()
    }


def mean_loss(terms: Mapping[str, Term], weights: Mapping[str, float]) -> Tensor:
    """The sum of the terms, each divided by its total weight; a term without weight is 0, with a gradient."""
    each = [term.total.sum() / (weights[name] or 1.0) for name, term in terms.items()]
    return each[0] if len(each) == 1 else torch.stack(each).sum()


def _not_finite(parts: Sequence[tuple[Sequence[str], Mapping[str, Term]]]) -> tuple[list[str], list[str]]:
    """The samples whose loss is not finite, and the terms that are not."""
    samples, names = list[str](), dict[str, None]()
    for ids, terms in parts:
        finite = torch.stack([term.total.isfinite() for term in terms.values()]).all(0).tolist()
        samples += [name for name, fine in zip(ids, finite, strict=True) if not fine]
        figures = [each for term in terms.values() for each in term.figures.items()]
        names |= {name: None for name, values in figures if not bool(values.isfinite().all())}
    return samples, list(names)


def _diverged(step: int, ids: Sequence[str], terms: Sequence[str]) -> OperationalError:
    of = f" of {' and '.join(f'`{name}`' for name in terms)}" if terms else ""
    return OperationalError(
        f"step {step + 1}: the loss{of} is not a number (samples {', '.join(ids) or 'of another process'}); "
        "a lower train.lr or train.clip may help"
    )


def make_optimizer(model: Any, config: TrainConfig) -> torch.optim.Optimizer:
    """Create the optimizer, with parameter groups by learning rate and weight decay.

    Vectors (biases, gains of norms) have no weight decay. Parts that `train.groups` freezes to the end lose
    their gradient.

    Raises:
        UserError: `train.groups` names a part that the model does not have, or freezes all of it.
    """
    groups: dict[tuple[bool, float, float, bool], list[nn.Parameter]] = {}
    named = {part: False for group in config.groups for part in group.parts}
    for name, parameter in model.named_parameters():
        of_encoder, until = name.startswith("encoder."), 0.0
        scale = config.encoder_lr_scale if of_encoder else 1.0
        for group in reversed(config.groups):  # the first matching group decides
            parts = [part for part in group.parts if name == part or name.startswith(f"{part}.")]
            if parts:
                scale, until = group.lr_scale, group.until if group.freeze else 0.0
                named |= dict.fromkeys(parts, True)
        if until == 1:
            parameter.requires_grad_(False)
        if parameter.requires_grad:
            groups.setdefault((of_encoder, scale, until, parameter.ndim >= 2), []).append(parameter)
    if missing := [part for part, there in named.items() if not there]:
        there = ", ".join(dict.fromkeys(name.partition(".")[0] for name, _ in model.named_parameters()))
        raise UserError("train.groups", f"the model has no part {missing[0]!r}", f"it has {there}")
    if all(until for _, _, until, _ in groups):
        raise UserError("train.groups", "nothing is left to be trained", "freeze fewer parts")
    options = [
        {
            "params": parameters,
            "scale": scale,
            "until": until,
            "weight_decay": config.weight_decay if decays else 0.0,
        }
        for (_, scale, until, decays), parameters in groups.items()
    ]
    if config.optimizer == "sgd":
        return torch.optim.SGD(options, lr=config.lr, momentum=config.momentum)
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(
            options, lr=config.lr, alpha=0.9
        )  # the constant of Hinton's lecture, and Keras
    return torch.optim.AdamW(options, lr=config.lr, fused=True)


def learning_rate(config: TrainConfig, step: int) -> float:
    """The learning rate of a step, counted from 1: linear warm-up, then the schedule over the remaining
    steps."""
    if step <= config.warmup_steps:
        return config.lr * step / config.warmup_steps
    share = (step - config.warmup_steps) / max(1, config.max_steps - config.warmup_steps)
    if config.schedule == "cosine":
        return config.lr * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
    if config.schedule == "step":
        return config.lr * config.gamma ** sum(step > m * config.max_steps for m in config.milestones)
    return config.lr


def set_learning_rate(optimizer: torch.optim.Optimizer, config: TrainConfig, step: int) -> None:
    """Set each group's learning rate for a step."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(config, step) * group["scale"]


def average(averaged: State, now: State, decay: float) -> None:
    """Update the moving average of the weights in place; integers, such as counts of batches, are copied."""
    moving = [name for name, tensor in averaged.items() if tensor.is_floating_point()]
    with torch.no_grad():
        # All in one call, which a GPU computes in a few kernels.
        torch._foreach_lerp_([averaged[name] for name in moving], [now[name] for name in moving], 1 - decay)
        for name in averaged.keys() - moving:
            averaged[name].copy_(now[name])


@contextmanager
def swapped_weights(model: nn.Module, averaged: State | None) -> Iterator[None]:
    """Load the averaged weights within the block; the model's own are restored exactly."""
    if averaged is None:
        yield
        return
    own = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict(averaged)
    try:
        yield
    finally:
        model.load_state_dict(own)


def agreed(stop: bool, engine: Accelerator) -> bool:
    """Whether any process was asked to stop; all processes return the same answer."""
    if engine.num_processes == 1:
        return stop
    total: Tensor = engine.reduce(torch.tensor(float(stop), device=engine.device), "sum")
    return bool(total.item())


def of_main(value: float, engine: Accelerator) -> float:
    """The main process's value, in all processes, so that they make the same decisions."""
    if engine.num_processes == 1:
        return value
    return float(broadcast(torch.tensor(value, dtype=torch.float64, device=engine.device)))
