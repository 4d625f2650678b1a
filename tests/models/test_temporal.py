"""Lift pooling, the temporal convolutions and the LSTM against their formulas on unpadded samples."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import length_mask
from signkit.models.encoders.configs import GlobalTemporalConfig, LocalTemporalConfig
from signkit.models.encoders.lift_pooling import LiftPool, MaxPool, TimeConv, pairs
from signkit.models.encoders.temporal import DilatedTcn, Lstm, PooledTcn, build_temporal

LENGTHS = torch.tensor([7, 4, 1])
MASK = length_mask(LENGTHS, 8)


def frames(channels: int = 3) -> Tensor:
    x = torch.randn(3, 8, channels, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return x * MASK.unsqueeze(-1)


def perturbed(module: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return module.double()


def test_an_odd_sample_repeats_its_last_frame() -> None:
    x = torch.tensor([[1.0, 2, 3, 0, 0], [4, 5, 6, 7, 8]]).unsqueeze(-1)
    even, odd, real = pairs(x, torch.tensor([[True] * 3 + [False] * 2, [True] * 5]))
    assert even.squeeze(-1).tolist() == [[1, 3, 0], [4, 6, 8]]
    assert odd.squeeze(-1).tolist() == [[2, 3, 0], [5, 7, 8]]
    assert real.tolist() == [[True, True, False], [True, True, True]]


def test_max_pooling_takes_the_larger() -> None:
    x = torch.tensor([[1.0, 2, 3, 0, 0], [5, 4, 6, 7, -8]]).unsqueeze(-1)
    pooled, _, auxiliary = MaxPool()(x, torch.tensor([[True] * 3 + [False] * 2, [True] * 5]))
    assert pooled.squeeze(-1).tolist() == [[2, 3, 0], [5, 7, -8]]
    assert auxiliary.tolist() == [0, 0]


def test_a_new_lift_pooling_adds_the_two_frames() -> None:
    x = torch.tensor([[1.0, 2, 3, 0, 0], [4, 5, 6, 7, 9]]).unsqueeze(-1)
    pooled, real, auxiliary = LiftPool(1)(x, torch.tensor([[True] * 3 + [False] * 2, [True] * 5]))
    assert pooled.squeeze(-1).tolist() == [[3, 6, 0], [9, 13, 18]]
    assert real.tolist() == [[True, True, False], [True, True, True]]
    # s = x_e and d = x_o: 0.001 (mean |x_e - x_o| + mean |x_o|)
    expected = [1e-3 * (1 / 2 + 5 / 2), 1e-3 * (2 / 3 + 21 / 3)]
    torch.testing.assert_close(auxiliary, torch.tensor(expected))


def test_lift_pooling_is_its_formula() -> None:
    lift = perturbed(LiftPool(3))
    assert isinstance(lift, LiftPool)
    pooled, _, auxiliary = lift(frames(), MASK)
    for i, length in enumerate(LENGTHS.tolist()):
        x = frames()[i, :length]
        x = torch.cat([x, x[-1:]]) if length % 2 else x
        even, odd = x[0::2].T[None], x[1::2].T[None]
        detail = odd - _lifter(lift.predict, even)
        smooth = even + _lifter(lift.update, detail)
        expected = _weigh(lift.weigh_smooth, smooth) + _weigh(lift.weigh_detail, detail)
        torch.testing.assert_close(pooled[i, : expected.shape[2]], expected[0].T)
        loss = 1e-3 * ((smooth - odd).abs().mean() + detail.abs().mean())
        torch.testing.assert_close(auxiliary[i], loss)


def _lifter(module: nn.Module, x: Tensor) -> Tensor:
    depthwise, _, pointwise, _ = module.children()
    hidden = F.relu(F.conv1d(x, depthwise.conv.weight, depthwise.conv.bias, padding=1, groups=3))
    return torch.tanh(F.conv1d(hidden, pointwise.conv.weight, pointwise.conv.bias))


def _weigh(module: nn.Module, x: Tensor) -> Tensor:
    y = F.conv1d(x, module.conv.conv.weight, padding=2)
    y = (y - y.mean(2, keepdim=True)) / (y.var(2, correction=0, keepdim=True) + 1e-5).sqrt()
    gate = torch.sigmoid(y * module.norm.weight[:, None] + module.norm.bias[:, None])
    return x + x * (gate - 0.5)


def test_the_pooled_tcn_is_conv_norm_relu_pool_twice() -> None:
    tcn = perturbed(PooledTcn(3, 4, lift=False)).eval()
    assert isinstance(tcn, PooledTcn)
    chunks, auxiliary = tcn(frames(), MASK)
    assert auxiliary.tolist() == [0, 0, 0]
    for i, length in enumerate(LENGTHS.tolist()):
        x = frames()[i, :length].T[None]
        for conv, norm in zip(tcn.convs, tcn.norms, strict=True):
            x = F.conv1d(x, conv.conv.weight, padding=2)
            x = x / (1 + 1e-5) ** 0.5 * norm.weight[:, None] + norm.bias[:, None]
            x = F.max_pool1d(F.relu(x), 2, ceil_mode=True)
        torch.testing.assert_close(chunks[i, : x.shape[2]], x[0].T)


@pytest.mark.parametrize(("stride", "kernel"), [(1, 5), (2, 5), (3, 3), (4, 1), (8, 3)])
def test_the_strided_convolution_looks_around_the_chunks_centre(stride: int, kernel: int) -> None:
    """With weights that pick the kernel's middle, chunk s is frame s * stride + (stride - 1) // 2."""
    module = DilatedTcn(1, 1, kernel=kernel, stride=stride, dilations=())
    temporal_centres = torch.arange(-(-20 // stride)) * stride + (stride - 1) // 2
    kept = []
    module.strided.register_forward_hook(lambda m, inputs, output: kept.append(output))
    module.stem, module.stem_norm = nn.Identity(), nn.Identity()
    with torch.no_grad():
        module.strided.weight.zero_()[0, 0, kernel // 2] = 1.0
        module.strided.bias.zero_()
    module(torch.arange(1.0, 21)[None, :, None], torch.ones(1, 20, dtype=torch.bool))
    picked = F.silu(F.pad(torch.arange(1.0, 21), (0, stride)))[temporal_centres]
    torch.testing.assert_close(kept[0].flatten(), picked)


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", range(1, 9))
def test_a_dilated_module_gives_ceil_of_frames_by_stride(stride: int, kernel: int) -> None:
    """Of short clips too, which end before the first window of a small kernel has its middle."""
    config = LocalTemporalConfig(kind="dilated", width=2, kernel=kernel, stride=stride, dilations=(1,))
    temporal = build_temporal(1, config, GlobalTemporalConfig(layers=0)).eval()
    for length in range(1, 18):
        output = temporal(torch.ones(1, length, 1), torch.tensor([length]))
        chunks = -(-length // stride)
        assert (output.lengths.tolist(), output.levels["chunk"].shape) == ([chunks], (1, chunks, 2))
    whole = torch.randn(1, 17, 1, generator=torch.Generator().manual_seed(0))
    alone = temporal(whole[:, :1], torch.tensor([1])).levels["chunk"]
    torch.testing.assert_close(temporal(whole, torch.tensor([1])).levels["chunk"][:, :1], alone)


def test_every_dilation_is_a_residual_layer() -> None:
    """With the residual convolutions at zero, the module is its two first convolutions."""
    deep = DilatedTcn(3, 4, dilations=(1, 2, 4))
    flat = DilatedTcn(3, 4, dilations=())
    with torch.no_grad():
        for block in deep.blocks:
            block.conv.weight.zero_()
    flat.load_state_dict(
        {k: v for k, v in deep.state_dict().items() if not k.startswith(("blocks", "norms"))}
    )
    x, mask = frames().float(), MASK
    assert torch.equal(deep(x, mask)[0], flat(x, mask)[0])


def test_the_lstm_is_torchs_on_each_sample() -> None:
    lstm = Lstm(3, 5, 2).double()
    out = lstm(frames(), LENGTHS)
    assert out.shape == (3, 8, 10)
    for i, length in enumerate(LENGTHS.tolist()):
        expected, _ = lstm.lstm(frames()[i : i + 1, :length])
        torch.testing.assert_close(out[i, :length], expected[0])
        assert not out[i, length:].any()


def test_the_lstm_remembers_at_the_start() -> None:
    lstm = Lstm(3, 2, 1).lstm
    assert lstm.bias_ih_l0.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert lstm.bias_hh_l0_reverse.tolist() == [0] * 8


def test_without_layers_the_video_features_are_the_chunk_features() -> None:
    temporal = build_temporal(3, LocalTemporalConfig(width=4), GlobalTemporalConfig(layers=0)).double()
    output = temporal(frames(), LENGTHS)
    assert output.levels["video"] is output.levels["chunk"]
    assert (temporal.dims["chunk"], temporal.dims["video"]) == (4, 4)


def test_the_defaults_are_the_papers_sizes() -> None:
    temporal = build_temporal(768, LocalTemporalConfig(), GlobalTemporalConfig())
    assert (temporal.stride, temporal.dims["chunk"], temporal.dims["video"]) == (4, 1024, 1024)
    assert sum(isinstance(module, LiftPool) for module in temporal.modules()) == 2
    assert temporal.recurrent is not None and temporal.recurrent.lstm.num_layers == 2


def test_options_reach_the_modules() -> None:
    local = LocalTemporalConfig(kind="dilated", width=6, kernel=3, dilations=(1, 3), stride=5, dropout=0.25)
    temporal = build_temporal(2, local, GlobalTemporalConfig(layers=2, width=7, dropout=0.5))
    assert isinstance(temporal.local, DilatedTcn)
    assert [block.conv.dilation for block in temporal.local.blocks] == [(1,), (3,)]
    assert (temporal.local.stem.conv.kernel_size, temporal.local.strided.stride) == ((3,), (5,))
    assert (temporal.local.dropout, temporal.recurrent.dropout, temporal.recurrent.lstm.dropout) == (
        0.25,
        0.5,
        0.5,
    )
    assert build_temporal(2, local, GlobalTemporalConfig(layers=1, dropout=0.5)).recurrent.lstm.dropout == 0


def test_a_time_convolution_keeps_the_length() -> None:
    for kernel, dilation in ((1, 1), (3, 8), (5, 1), (5, 3)):
        assert TimeConv(3, 2, kernel, dilation=dilation)(torch.ones(1, 4, 3)).shape == (1, 4, 2)
