"""Attention over chunks: Transformers against torch's own layers, and what their options mean."""

import pytest
import torch
from torch import nn

from signkit.errors import UserError
from signkit.models.encoders.attending import Attending, Hubert, Transformer, build_attending, waves
from signkit.models.encoders.configs import GlobalTemporalConfig, LocalTemporalConfig
from signkit.models.encoders.temporal import build_temporal

SIZES = {"layers": 2, "width": 8, "heads": 2, "feed_forward": 6}
KINDS = ("transformer", "conv_transformer", "hubert")


def built(kind: str, **options: object) -> Attending:
    torch.manual_seed(0)
    return build_attending(5, GlobalTemporalConfig(kind=kind, **SIZES | options)).eval()  # type: ignore[arg-type]


def test_places_are_waves() -> None:
    found = waves(3, 5).double()
    place, rate = torch.arange(3.0).double()[:, None], 10_000 ** (-torch.tensor([0.0, 2, 4]).double() / 5)
    torch.testing.assert_close(found[:, 0::2], (place * rate).sin(), atol=1e-6, rtol=0)
    torch.testing.assert_close(found[:, 1::2], (place * rate[:2]).cos(), atol=1e-6, rtol=0)


def of_layers(module: Attending, x: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    """What torch's own layers make of a batch, after a linear map and places, before a normalisation."""
    inner = module.layers
    assert isinstance(inner, Transformer)
    padding = torch.arange(x.shape[1]) >= torch.tensor(lengths)[:, None]
    expected = inner._drop(module.project(x) + waves(x.shape[1], 8))
    for layer in inner.layers:
        expected = layer(expected, src_key_padding_mask=padding if padding.any() else None)
    return nn.functional.layer_norm(expected, (8,))


@pytest.mark.parametrize("training", [False, True])
def test_a_transformer_is_its_layers(training: bool) -> None:
    """Of one clip; in training with the same random numbers at the same places."""
    module, x = built("transformer", dropout=0.3).train(training), torch.randn(1, 4, 5)
    torch.manual_seed(1)
    expected = of_layers(module, x, [4])
    torch.manual_seed(1)
    torch.testing.assert_close(module(x, torch.tensor([4])), expected)


def test_padding_is_not_computed() -> None:
    module, x, lengths = built("transformer", dropout=0.0).train(), torch.randn(3, 6, 5), [6, 2, 4]
    found, expected = module(x, torch.tensor(lengths)), of_layers(module, x, lengths)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(found[row, :length], expected[row, :length])
        assert (found[row, length:] == 0).all()
    rows: list[int] = []
    module.layers.layers[0].linear1.register_forward_pre_hook(lambda _, given: rows.append(len(given[0])))  # type: ignore[union-attr]
    module(x, torch.tensor(lengths))
    assert rows == [sum(lengths)]


def test_a_convolution_before_each_layer_mixes_neighbours_alone() -> None:
    """With attention that is switched off, a chunk reaches as far as the convolutions."""
    module = built("conv_transformer", kernel=3)
    for layer in module.layers.layers:  # type: ignore[attr-defined]
        nn.init.zeros_(layer.self_attn.out_proj.weight)
    x = torch.randn(1, 9, 5)
    changed = x.clone()
    changed[0, 4] += 1
    moved = (module(changed, torch.tensor([9])) - module(x, torch.tensor([9]))).abs().amax(2)[0] > 1e-6
    assert moved.tolist() == [False, False, True, True, True, True, True, False, False]


@pytest.mark.parametrize("kind", KINDS)
def test_order_matters(kind: str) -> None:
    module, x = built(kind), torch.randn(1, 6, 5)
    forward, backward = (module(each, torch.tensor([6])) for each in (x, x.flip(1)))
    assert (forward - backward.flip(1)).abs().max() > 1e-3


def test_hubert_has_fresh_weights_of_its_sizes() -> None:
    module = built("hubert", layers=3, kernel=7)
    assert isinstance(module.layers, Hubert)
    config = module.layers.encoder.config
    found = config.hidden_size, config.num_hidden_layers, config.num_attention_heads, config.intermediate_size
    assert found == (8, 3, 2, 6)
    assert (config.num_conv_pos_embeddings, config.layerdrop) == (7, 0)


@pytest.mark.parametrize("kind", ["lstm", *KINDS])
def test_it_reads_frames_that_no_local_module_has_widened(kind: str) -> None:
    """Whatever the width that a local module would have had."""
    over = GlobalTemporalConfig(kind=kind, **SIZES)  # type: ignore[arg-type]
    temporal = build_temporal(5, LocalTemporalConfig(kind="none", width=1024), over)
    output = temporal(torch.randn(2, 4, 5), torch.tensor([4, 2]))
    assert output.levels["video"].shape == (2, 4, temporal.dims["video"])
    weights = {name: weight.shape for name, weight in temporal.named_parameters()}
    assert 1024 not in {size for shape in weights.values() for size in shape}
    assert temporal.dims == {"chunk": 5, "video": 16 if kind == "lstm" else 8}


def test_widths_that_do_not_fit() -> None:
    with pytest.raises(UserError) as caught:
        GlobalTemporalConfig(kind="transformer", width=10, heads=4)
    what = "`transformer` needs a width that is a multiple of its 4 heads, not 10; such as 8"
    assert str(caught.value) == f"kind: {what}"
    assert GlobalTemporalConfig(width=10, heads=4).width == 10  # an LSTM has no heads
    with pytest.raises(UserError) as caught:
        GlobalTemporalConfig(kernel=4)
    assert str(caught.value) == "kernel: 4 is even; take an odd number of frames, which has a middle"
