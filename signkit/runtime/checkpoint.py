"""Checkpoints: safetensors and JSON, written completely or not at all, and verified when read.

A checkpoint is a folder ``step_<number>`` with the weights, their moving average, the optimizer's moments and
the progress. Random generators are not saved: every step seeds them itself (`signkit.train.loop`).
"""

import json
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from signkit.errors import OperationalError, UserError
from signkit.runtime.files import checked_folder, plainly, whole_folder

State = dict[str, Tensor]

OLDER_NAMES = {"output.": "classifier.", "heads.chunk.": "chunk_classifier.", "encoder.frames.": "encoder."}
"""Prefixes of the weights' names and what they were in version 0.1, whose runs and exports can still be
read."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a training.

    Attributes:
        step: updates so far.
        best: the best dev score so far; None before the first evaluation.
        best_step: the step of the best score; 0 before the first evaluation.
        stale: evaluations since the best one.
        skipped: samples left out so far because their references do not fit.
        scaler: the state of the gradients' scaler; empty without one.
    """

    step: int = 0
    best: float | None = None
    best_step: int = 0
    stale: int = 0
    skipped: int = 0
    scaler: dict[str, float] = field(default_factory=dict)


def folder_of(checkpoints: Path, step: int) -> Path:
    """The folder of a step's checkpoint."""
    return checkpoints / f"step_{step:06d}"


def steps(checkpoints: Path) -> list[int]:
    """The steps that have a checkpoint, in ascending order."""
    return sorted(int(path.name[5:]) for path in checkpoints.glob("step_*") if path.name[5:].isdigit())


def save(
    checkpoints: Path,
    progress: Progress,
    model: State,
    averaged: State | None,
    optimizer: torch.optim.Optimizer,
) -> Path:
    """Write a checkpoint; returns its folder.

    Args:
        checkpoints: the folder of all checkpoints.
        progress: of the training.
        model: the weights being trained.
        averaged: their moving average; None without one.
        optimizer: its moments are saved by the index of each parameter in its groups.

    Raises:
        OperationalError: the disk is full or the folder cannot be written; older checkpoints stay.
    """
    folder = folder_of(checkpoints, progress.step)
    with whole_folder(folder) as aside:
        write_state(model, aside / "model.safetensors")
        if averaged is not None:
            write_state(averaged, aside / "averaged.safetensors")
        write_state(_moments(optimizer), aside / "optimizer.safetensors")
        state = asdict(progress)
        if not progress.scaler:  # earlier versions know no such entry
            del state["scaler"]
        (aside / "state.json").write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    return folder


def load(
    checkpoints: Path,
    step: int,
    model: torch.nn.Module,
    averaged: State | None,
    optimizer: torch.optim.Optimizer,
) -> Progress:
    """Read a checkpoint into a model, its moving average and its optimizer; returns the progress.

    Raises:
        OperationalError: a file is missing or damaged, or does not belong to this model.
    """
    folder = folder_of(checkpoints, step)
    try:
        checked_folder(folder)
    except OperationalError as error:
        before = [other for other in steps(checkpoints) if other < step]
        hint = f"; delete that folder to resume from step {before[-1]}" if before else ""
        raise OperationalError(f"{error}{hint}") from None
    load_weights(model, read_state(folder / "model.safetensors"), folder / "model.safetensors")
    if averaged is not None:
        path = folder / "averaged.safetensors"
        _into(averaged, with_present_names(read_state(path), averaged), path)
    _restore_moments(optimizer, read_state(folder / "optimizer.safetensors"))
    return progress(checkpoints, step)


def progress(checkpoints: Path, step: int) -> Progress:
    """The progress of the training at a checkpoint.

    Raises:
        OperationalError: its file cannot be read.
    """
    path = folder_of(checkpoints, step) / "state.json"
    try:
        return Progress(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise OperationalError(f"{path}: is not the progress of a training") from None


def weights(checkpoints: Path, step: int) -> State:
    """The weights of a checkpoint to decode with: the moving average if it has one.

    Raises:
        OperationalError: a file is missing or damaged.
    """
    folder = folder_of(checkpoints, step)
    checked_folder(folder)
    averaged = folder / "averaged.safetensors"
    return read_state(averaged if averaged.is_file() else folder / "model.safetensors")


def mean_weights(checkpoints: Path, chosen: Sequence[int]) -> State:
    """The mean of the weights of several steps; integers, such as counts of batches, are those of the last
    step.

    Raises:
        OperationalError: a file is missing or damaged, or the checkpoints are of different models.
    """
    last = weights(checkpoints, chosen[-1])
    total = {name: tensor.double() for name, tensor in last.items() if tensor.is_floating_point()}
    for step in chosen[:-1]:
        state = weights(checkpoints, step)
        # Copied into a scratch state only to verify names and shapes.
        _into(
            {name: torch.empty_like(tensor) for name, tensor in last.items()},
            state,
            folder_of(checkpoints, step),
        )
        for name in total:
            total[name] += state[name]
    return last | {name: (t / len(chosen)).to(last[name].dtype) for name, t in total.items()}


def prune(checkpoints: Path, *, keep: int, best_step: int) -> None:
    """Delete all checkpoints but the newest `keep` and the best one, and the incomplete ones of killed
    runs."""
    old = [folder_of(checkpoints, step) for step in steps(checkpoints)[:-keep] if step != best_step]
    for folder in (*old, *checkpoints.glob(".step_*")):
        with plainly(folder, "deleted"):
            shutil.rmtree(folder)


def read_state(path: Path) -> State:
    """Read a safetensors file.

    Raises:
        OperationalError: the file is missing or truncated, or is no safetensors file.
    """
    try:
        return load_file(path)
    except FileNotFoundError:
        raise OperationalError(f"{path}: missing") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise OperationalError(f"{path}: not a whole safetensors file: {error}") from None


def load_weights(model: torch.nn.Module, state: State, where: Path, *, partial: bool = False) -> None:
    """Copy weights into a model that they have to fit exactly.

    Args:
        model: changed in place.
        state: the weights, possibly with names of version 0.1.
        where: the file, for messages.
        partial: allow tensors that the model lacks, such as those of heads that are used in training only.

    Raises:
        OperationalError: a tensor is missing, unexpected, or of another shape.
    """
    if not partial:
        _make_room(model, state)
    own = model.state_dict()
    state = with_present_names(state, own)
    _into(own, {name: state[name] for name in own if name in state} if partial else state, where)


@runtime_checkable
class Growing(Protocol):
    """A module with arrays that are fitted after the training, whose shapes only their file tells."""

    def grow(self, shapes: Mapping[str, torch.Size]) -> None:
        """Give the arrays these shapes, by their names in the module."""
        ...


def _make_room(model: torch.nn.Module, state: State) -> None:
    for prefix, module in model.named_modules():
        if isinstance(module, Growing):
            names = {name: f"{prefix}.{name}" for name, _ in module.named_buffers()}  # type: ignore[attr-defined]
            if all(full in state for full in names.values()):
                module.grow({name: state[full].shape for name, full in names.items()})


def with_present_names(state: State, own: Collection[str]) -> State:
    """The state with the names of this version, if it is one of version 0.1 (`OLDER_NAMES`)."""
    older = {
        before + name.removeprefix(now): name
        for name in own
        for now, before in OLDER_NAMES.items()
        if name not in state and name.startswith(now)
    }
    return {older.get(name, name): tensor for name, tensor in state.items()}


def begin_from(model: torch.nn.Module, state: State, where: Path) -> tuple[int, tuple[str, ...]]:
    """Copy the weights whose names a model shares with a state.

    Returns:
        Their number, and the names of the model's other weights.

    Raises:
        UserError: no name is shared, or a shared weight has another shape.
    """
    own = model.state_dict()
    state = with_present_names(state, own)
    shared = [name for name in own if name in state]
    if not shared:
        raise UserError("train.init_from", f"{where} has no weight in common with this model")
    for name in shared:
        if own[name].shape != state[name].shape:
            raise UserError(
                "train.init_from",
                f"{name} is {list(state[name].shape)} in {where} but {list(own[name].shape)} here",
                "use the same encoder and vocabulary",
            )
        own[name].copy_(state[name])
    return len(shared), tuple(name for name in own if name not in state)


def write_state(state: State, path: Path) -> None:
    """Write tensors as a safetensors file.

    Raises:
        OSError: the disk is full, or the file cannot be written.
    """
    own = {name: t.detach().cpu().clone(memory_format=torch.contiguous_format) for name, t in state.items()}
    path.touch()
    mode = path.stat().st_mode  # as the umask says; safetensors replaces the file by one for its owner alone
    try:
        save_file(own, path)
        path.chmod(mode)
    except SafetensorError as error:
        reason = str(error).rpartition("I/O error: ")[2].partition(" (os error")[0]
        raise OSError(reason) from None


def _into(own: State, state: State, where: Path) -> None:
    for name in own:
        if name not in state:
            raise OperationalError(f"{where}: lacks {name}; it is of another model")
        if own[name].shape != state[name].shape:
            shapes = f"{list(state[name].shape)}, the model {list(own[name].shape)}"
            raise OperationalError(f"{where}: {name} is {shapes}; it is of another model")
    if extra := sorted(set(state) - set(own)):
        raise OperationalError(f"{where}: has {extra[0]}, which the model lacks; it is of another model")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(state[name])


def _moments(optimizer: torch.optim.Optimizer) -> State:
    state = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": torch.as_tensor(value)
        for index, moments in state.items()
        for name, value in moments.items()
        if value is not None
    }


def _restore_moments(optimizer: torch.optim.Optimizer, moments: State) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in moments.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
