"""Checkpoints give back every bit, and say which file is of no use."""

import json
import os
from pathlib import Path

import pytest
import torch
from torch import nn

from signkit.errors import OperationalError, UserError
from signkit.runtime import checkpoint
from signkit.runtime.checkpoint import Progress
from signkit.runtime.files import sha256

OPTIMIZERS = {
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=0.1),
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9),
    "sgd without momentum": lambda weights: torch.optim.SGD(weights, lr=0.1),
}


def model(width: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width), nn.Linear(width, 1))


def step(net: nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    net(torch.randn(5, 2, generator=generator)).square().mean().backward()
    optimizer.step()
    optimizer.zero_grad()


def saved(folder: Path, name: str = "adamw", number: int = 3) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A model of some steps, saved with the negative of its weights as their average."""
    net = model()
    optimizer = OPTIMIZERS[name](net.parameters())
    for seed in range(number):
        step(net, optimizer, seed)
    averaged = {key: -tensor for key, tensor in net.state_dict().items()}
    checkpoint.save(folder, Progress(number, 0.5, 2, 1, 7), net.state_dict(), averaged, optimizer)
    return net, optimizer


def equal(first: nn.Module, second: nn.Module) -> bool:
    theirs = second.state_dict()
    return all(tensor.equal(theirs[name]) for name, tensor in first.state_dict().items())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_to_the_same_bits(tmp_path: Path, name: str) -> None:
    net, optimizer = saved(tmp_path, name)
    other = model()
    with torch.no_grad():
        for weight in other.parameters():
            weight.fill_(9)
    averaged = other.state_dict()
    averaged = {key: tensor.clone() for key, tensor in averaged.items()}
    its_optimizer = OPTIMIZERS[name](other.parameters())
    progress = checkpoint.load(tmp_path, 3, other, averaged, its_optimizer)
    assert progress == Progress(step=3, best=0.5, best_step=2, stale=1, skipped=7)
    assert equal(net, other)
    assert all(averaged[key].equal(-tensor) for key, tensor in net.state_dict().items())
    for seed in (10, 11):
        step(net, optimizer, seed)
        step(other, its_optimizer, seed)
    assert equal(net, other)


def test_the_files(tmp_path: Path) -> None:
    saved(tmp_path)
    names = ["SHA256SUMS", "averaged.safetensors", "model.safetensors", "optimizer.safetensors", "state.json"]
    assert sorted(os.listdir(tmp_path / "step_000003")) == names
    progress = {"step": 3, "best": 0.5, "best_step": 2, "stale": 1, "skipped": 7}
    assert json.loads((tmp_path / "step_000003/state.json").read_text(encoding="utf-8")) == progress


def test_the_weights_to_use(tmp_path: Path) -> None:
    """The averaged ones, where there are any."""
    net, optimizer = saved(tmp_path)
    found = checkpoint.weights(tmp_path, 3)
    assert all(found[key].equal(-tensor) for key, tensor in net.state_dict().items())
    checkpoint.save(tmp_path, Progress(4), net.state_dict(), None, optimizer)
    found = checkpoint.weights(tmp_path, 4)
    assert all(found[key].equal(tensor) for key, tensor in net.state_dict().items())


def test_old_checkpoints_are_deleted(tmp_path: Path) -> None:
    """All but the newest and the best; what a killed process left half-written goes too."""
    for number in (1, 2, 3, 4, 5, 12):
        checkpoint.save(tmp_path, Progress(number), {}, None, torch.optim.SGD([torch.zeros(1)], lr=1))
    (tmp_path / ".step_000006.part").mkdir()
    checkpoint.prune(tmp_path, keep=2, best_step=3)
    assert checkpoint.steps(tmp_path) == [3, 5, 12]
    assert sorted(os.listdir(tmp_path)) == ["step_000003", "step_000005", "step_000012"]
    checkpoint.prune(tmp_path, keep=2, best_step=0)
    assert checkpoint.steps(tmp_path) == [5, 12]


def test_no_checkpoints(tmp_path: Path) -> None:
    assert checkpoint.steps(tmp_path / "checkpoints") == []


def reload(folder: Path, net: nn.Module, number: int = 3) -> str:
    """The message of a checkpoint that is refused."""
    averaged = {key: tensor.clone() for key, tensor in net.state_dict().items()}
    with pytest.raises(OperationalError) as caught:
        checkpoint.load(folder, number, net, averaged, torch.optim.AdamW(net.parameters()))
    return str(caught.value)


def test_a_damaged_one_is_named_with_the_one_before(tmp_path: Path) -> None:
    saved(tmp_path, number=3)
    saved(tmp_path, number=4)
    file = tmp_path / "step_000004" / "optimizer.safetensors"
    file.write_bytes(file.read_bytes()[:-4])
    damaged = f"{file}: damaged (its SHA-256 is not the one in SHA256SUMS)"
    assert reload(tmp_path, model(), 4) == f"{damaged}; delete that folder to resume from step 3"
    file = tmp_path / "step_000003" / "optimizer.safetensors"
    file.unlink()
    assert reload(tmp_path, model(), 3) == f"{file}: missing"


def resign(file: Path) -> None:
    """Write a folder's sums again, as if the file had been so from the start."""
    sums = file.parent / "SHA256SUMS"
    kept = [line for line in sums.read_text(encoding="utf-8").splitlines() if file.name not in line]
    sums.write_text("\n".join([*kept, f"{sha256(file)}  {file.name}"]) + "\n", encoding="utf-8")


def test_another_model(tmp_path: Path) -> None:
    saved(tmp_path)
    file = tmp_path / "step_000003/model.safetensors"
    shapes = "[3, 2], the model [4, 2]"
    assert reload(tmp_path, model(4)) == f"{file}: 0.weight is {shapes}; it is of another model"
    more = nn.Sequential(*model(), nn.Linear(1, 1))
    assert reload(tmp_path, more) == f"{file}: lacks 3.weight; it is of another model"
    less = nn.Sequential(*list(model())[:2])
    message = f"{file}: has 2.bias, which the model lacks; it is of another model"
    assert reload(tmp_path, less) == message


def test_a_state_that_is_none(tmp_path: Path) -> None:
    saved(tmp_path)
    file = tmp_path / "step_000003/state.json"
    file.write_text('{"stop": 3}', encoding="utf-8")
    resign(file)
    assert reload(tmp_path, model()) == f"{file}: is not the progress of a training"


def test_no_safetensors_file(tmp_path: Path) -> None:
    saved(tmp_path)
    file = tmp_path / "step_000003/model.safetensors"
    file.write_bytes(b"{}")
    resign(file)
    assert reload(tmp_path, model()).startswith(f"{file}: not a whole safetensors file: ")
    with pytest.raises(OperationalError) as caught:
        checkpoint.read_state(tmp_path / "no.safetensors")
    assert str(caught.value) == f"{tmp_path / 'no.safetensors'}: missing"


def test_shared_and_strided_tensors_are_written(tmp_path: Path) -> None:
    tensor = torch.arange(6.0).view(2, 3)
    checkpoint.write_state({"a": tensor, "b": tensor.T, "c": tensor[0]}, tmp_path / "file")
    found = checkpoint.read_state(tmp_path / "file")
    assert found["b"].equal(tensor.T)
    assert found["c"].equal(tensor[0])


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1)
    with pytest.raises(OperationalError) as caught:
        checkpoint.save(tmp_path / "checkpoints", Progress(1), {}, None, optimizer)
    message = f"{tmp_path / 'checkpoints/step_000001'}: cannot be written: Not a directory"
    assert str(caught.value) == message


def test_weights_to_begin_with(tmp_path: Path) -> None:
    net = model()
    state = {"0.weight": torch.ones(3, 2), "other": torch.zeros(1)}
    copied, fresh = checkpoint.begin_from(net, state, tmp_path)
    assert (copied, len(fresh)) == (1, len(net.state_dict()) - 1)
    assert net.state_dict()["0.weight"].equal(torch.ones(3, 2))
    with pytest.raises(UserError) as caught:
        checkpoint.begin_from(net, {"other": torch.zeros(1)}, tmp_path)
    assert str(caught.value) == f"train.init_from: {tmp_path} has no weight in common with this model"
    before = net.state_dict()["0.bias"].clone()
    with pytest.raises(UserError) as caught:
        checkpoint.begin_from(net, {"0.bias": torch.ones(3), "0.weight": torch.ones(3, 3)}, tmp_path)
    assert str(caught.value) == (
        f"train.init_from: 0.weight is [3, 3] in {tmp_path} but [3, 2] here; "
        "use the same encoder and vocabulary"
    )
    assert net.state_dict()["0.bias"].equal(before)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_files_of_weights_may_be_read_as_the_umask_says(tmp_path: Path, umask: int, mode: int) -> None:
    """As every other file of a run; also one that replaces an older one."""
    before = os.umask(umask)
    try:
        for _ in range(2):
            checkpoint.write_state({"a": torch.zeros(2)}, tmp_path / "w.safetensors")
        saved(tmp_path / "checkpoints")
    finally:
        os.umask(before)
    written = [tmp_path / "w.safetensors", *(tmp_path / "checkpoints").rglob("*.*")]
    files = [path for path in written if path.is_file()]
    assert len(files) > 3
    assert {path.stat().st_mode & 0o777 for path in files} == {mode}
