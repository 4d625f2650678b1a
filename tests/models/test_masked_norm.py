"""Masked normalisation against torch's own on what is real, alone and over two processes."""

import multiprocessing
import socket
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn

from signkit.data.batch import length_mask
from signkit.models.encoders.masked_norm import MaskedBatchNorm, MaskedInstanceNorm, masked_mean
from signkit.models.encoders.packing import packing

LENGTHS = torch.tensor([7, 3, 5])
MASK = length_mask(LENGTHS, 9)


def padded() -> Tensor:
    return torch.randn(3, 9, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3 + 5


def pair(channels: int = 4, **options: float) -> tuple[MaskedBatchNorm, nn.BatchNorm1d]:
    mine, torchs = MaskedBatchNorm(channels, **options).double(), nn.BatchNorm1d(channels, **options).double()
    with torch.no_grad():
        for module in (mine, torchs):
            module.weight.copy_(torch.linspace(0.5, 2, channels))
            module.bias.copy_(torch.linspace(-1, 1, channels))
    return mine, torchs


@pytest.mark.parametrize("mask", [None, torch.ones(3, 9, dtype=torch.bool)], ids=["none", "full"])
def test_without_padding_batch_norm_is_torchs(mask: Tensor | None) -> None:
    mine, torchs = pair()
    for _ in range(2):
        expected = torchs(padded().transpose(1, 2)).transpose(1, 2)
        torch.testing.assert_close(mine(padded(), mask), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(mine.running_mean, torchs.running_mean)
    torch.testing.assert_close(mine.running_var, torchs.running_var)
    evaluated = torchs.eval()(padded().transpose(1, 2)).transpose(1, 2)
    torch.testing.assert_close(mine.eval()(padded(), mask), evaluated, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("every_value", [False, True], ids=["frames", "values"])
def test_batch_norm_is_torchs_on_the_real_frames(every_value: bool) -> None:
    mine, torchs = pair(momentum=0.3)
    x, same = padded().requires_grad_(), padded().requires_grad_()
    mask = MASK.unsqueeze(-1).expand(x.shape) if every_value else MASK
    normed, expected = mine(x, mask), torchs(same[MASK])
    torch.testing.assert_close(normed[MASK], expected, rtol=1e-12, atol=1e-12)
    assert not normed[~MASK].any()
    weights = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    (normed[MASK] * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(x.grad, same.grad, rtol=1e-9, atol=1e-12)
    for name in ("running_mean", "running_var"):
        torch.testing.assert_close(getattr(mine, name), getattr(torchs, name))
    for name in ("weight", "bias"):
        torch.testing.assert_close(getattr(mine, name).grad, getattr(torchs, name).grad)


def test_each_channel_has_its_own_mask() -> None:
    x = padded()
    mask = torch.rand(x.shape, generator=torch.Generator().manual_seed(2)) > 0.5
    normed = MaskedBatchNorm(4, affine=False, eps=0.0).double()(x, mask)
    for channel in range(4):
        values = x[..., channel][mask[..., channel]]
        expected = (values - values.mean()) / values.std(correction=0)
        torch.testing.assert_close(normed[..., channel][mask[..., channel]], expected)
    assert not normed[~mask].any()


def test_one_value_gives_the_shift_and_leaves_the_statistics() -> None:
    mine, _ = pair()
    x = torch.full((1, 1, 4), 7.0, dtype=torch.float64)
    assert torch.equal(mine(x, torch.ones(1, 1, dtype=torch.bool))[0, 0], mine.bias)
    assert not mine(x, torch.zeros(1, 1, dtype=torch.bool)).any()
    assert mine.running_mean.tolist() == [0] * 4
    assert mine.running_var.tolist() == [1] * 4


def test_a_large_mean_does_not_cancel() -> None:
    x = padded().float() * 1e-2 + 100
    mask = MASK.unsqueeze(-1).expand(x.shape)
    expected = MaskedBatchNorm(4, affine=False).double()(x.double(), mask)
    torch.testing.assert_close(
        MaskedBatchNorm(4, affine=False)(x, mask).double(), expected, rtol=0, atol=1e-2
    )


def test_instance_norm_is_torchs_on_each_sample() -> None:
    mine, torchs = MaskedInstanceNorm(4).double(), nn.InstanceNorm1d(4, affine=True).double()
    with torch.no_grad():
        for module in (mine, torchs):
            module.weight.copy_(torch.linspace(0.5, 2, 4))
            module.bias.copy_(torch.linspace(-1, 1, 4))
    normed = mine(padded(), MASK)
    for i, length in enumerate(LENGTHS.tolist()):
        expected = torchs(padded()[i : i + 1, :length].transpose(1, 2)).transpose(1, 2)[0]
        torch.testing.assert_close(normed[i, :length], expected, rtol=1e-12, atol=1e-12)
        assert not normed[i, length:].any()


def test_instance_norm_of_one_frame_is_the_shift() -> None:
    norm = MaskedInstanceNorm(4)
    nn.init.normal_(norm.bias)
    assert torch.equal(norm(torch.randn(1, 1, 4), torch.ones(1, 1, dtype=torch.bool))[0, 0], norm.bias)


def test_masked_mean_is_a_mean_a_sample() -> None:
    expected = torch.stack([padded()[i, :n].mean() for i, n in enumerate(LENGTHS.tolist())])
    torch.testing.assert_close(masked_mean(padded(), MASK), expected)


def test_half_precision_counts_in_float32() -> None:
    x = torch.full((1, 4000, 1), 1.0, dtype=torch.bfloat16)  # bfloat16 cannot count beyond 256
    assert masked_mean(x, torch.ones(1, 4000, dtype=torch.bool)).tolist() == [1.0]
    norm = MaskedBatchNorm(1, momentum=1.0)
    norm(x, torch.ones(1, 4000, dtype=torch.bool))
    assert norm.running_mean.item() == 1.0


def test_packing_takes_the_padding_out_and_puts_it_back() -> None:
    real = packing(MASK)
    packed = real.pack(padded())
    assert torch.equal(packed, torch.cat([padded()[i, :n] for i, n in enumerate(LENGTHS.tolist())]))
    assert torch.equal(real.unpack(packed), padded() * MASK.unsqueeze(-1))
    assert packing(torch.ones(2, 3, dtype=torch.bool)).index is None


def _process(rank: int, port: int, queue: Any) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"tcp://127.0.0.1:{port}", world_size=2, rank=rank)
    norm, _ = pair()
    chosen = [0, 1] if rank == 0 else [2]
    x = padded()[chosen].requires_grad_()
    normed = norm(x, MASK[chosen])
    normed.pow(3).sum().backward()
    found = (normed.detach(), x.grad, norm.running_mean, norm.running_var)
    queue.put((rank, [t.detach().numpy().copy() for t in found if t is not None]))
    dist.barrier()
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_are_one() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    workers = [context.Process(target=_process, args=(rank, port, queue)) for rank in range(2)]
    for worker in workers:
        worker.start()
    parts = dict(queue.get(timeout=120) for _ in workers)
    for worker in workers:
        worker.join(timeout=60)
    norm, _ = pair()
    x = padded().requires_grad_()
    normed = norm(x, MASK)
    normed.pow(3).sum().backward()
    both = [torch.cat([torch.from_numpy(parts[rank][i]) for rank in range(2)]) for i in range(2)]
    torch.testing.assert_close(both[0], normed.detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(both[1], x.grad, rtol=1e-9, atol=1e-12)
    for rank in range(2):
        torch.testing.assert_close(torch.from_numpy(parts[rank][2]), norm.running_mean)
        torch.testing.assert_close(torch.from_numpy(parts[rank][3]), norm.running_var)
