"""The laws every encoder obeys, one body for all of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from encoded import assert_same
from torch import Tensor, nn

from signkit.data.batch import Batch
from signkit.data.landmarks import Layout, layout
from signkit.errors import UserError
from signkit.models.encoders import features, gcn, kinematic
from signkit.models.encoders.configs import (
    FeaturesConfig,
    GcnConfig,
    GlobalTemporalConfig,
    KinematicConfig,
    LocalTemporalConfig,
)
from signkit.models.encoders.masked_norm import MaskedBatchNorm
from signkit.models.encoders.protocol import Encoder

LAYOUT = Layout(
    name="small",
    points=tuple("abcdefghi"),
    parts={"body": (0, 1, 2), "left_hand": (3, 4), "right_hand": (5, 6), "face": (7,), "mark": (8,)},
    edges=((0, 1), (1, 2), (3, 4), (5, 6)),
    mirror=(0, 1, 2, 5, 6, 3, 4, 7, 8),
)
BOSTON = layout("boston104")
WIDTH = 6  # of the feature vectors

LIFT = LocalTemporalConfig(kind="tcn", width=8, pooling="lift")
MAX = LocalTemporalConfig(kind="tcn", width=8, pooling="max")
DILATED = LocalTemporalConfig(kind="dilated", width=8, dilations=(1, 2))
DILATED3 = LocalTemporalConfig(kind="dilated", width=8, dilations=(1,), stride=3, kernel=3)
LSTM = GlobalTemporalConfig(layers=2, width=5)
NONE = GlobalTemporalConfig(layers=0)


@dataclass(frozen=True)
class Case:
    build: Callable[[], Encoder]
    layout: Layout | None
    coordinates: int
    stride: int
    lift: bool


def gcn_case(local: LocalTemporalConfig, over: GlobalTemporalConfig, on: Layout, coordinates: int) -> Case:
    config = GcnConfig(
        channels=(4, 6), fusion_width=7, temporal_kernel=3, local_temporal=local, global_temporal=over
    )
    return _case(lambda: gcn.build(config, on, coordinates), on, coordinates, local)


def kinematic_case(
    local: LocalTemporalConfig, over: GlobalTemporalConfig, on: Layout, coordinates: int
) -> Case:
    config = KinematicConfig(local_temporal=local, global_temporal=over)
    return _case(lambda: kinematic.build(config, on, coordinates), on, coordinates, local)


def features_case(local: LocalTemporalConfig, over: GlobalTemporalConfig) -> Case:
    config = FeaturesConfig(local_temporal=local, global_temporal=over)
    return _case(lambda: features.build(config, None, WIDTH), None, WIDTH, local)


def _case(
    make: Callable[[], Encoder], on: Layout | None, coordinates: int, local: LocalTemporalConfig
) -> Case:
    lift = local.kind == "tcn" and local.pooling == "lift"
    return Case(make, on, coordinates, 4 if local.kind == "tcn" else local.stride, lift)


CASES = {
    "gcn-lift-lstm": gcn_case(LIFT, LSTM, LAYOUT, 3),
    "gcn-max": gcn_case(MAX, NONE, LAYOUT, 2),
    "gcn-dilated-lstm": gcn_case(DILATED, LSTM, LAYOUT, 2),
    "gcn-boston104": gcn_case(LIFT, NONE, BOSTON, 2),
    "kinematic-lift-lstm": kinematic_case(LIFT, LSTM, LAYOUT, 3),
    "kinematic-max-lstm": kinematic_case(MAX, LSTM, BOSTON, 2),
    "kinematic-dilated": kinematic_case(DILATED, NONE, BOSTON, 2),
    "features-lift-lstm": features_case(LIFT, LSTM),
    "features-max": features_case(MAX, NONE),
    "features-dilated-lstm": features_case(DILATED, LSTM),
    "features-dilated-stride3": features_case(DILATED3, NONE),
}


@pytest.fixture(params=CASES, ids=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def made(case: Case, *, dtype: torch.dtype = torch.float64) -> Encoder:
    """The encoder, seeded, moved away from its start, where some of its weights are zero."""
    torch.manual_seed(0)
    encoder = case.build()
    assert isinstance(encoder, nn.Module)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
        for module in encoder.modules():
            if isinstance(module, MaskedBatchNorm):
                module.running_mean.normal_(0, 0.3)
                module.running_var.uniform_(0.5, 2.0)
    return encoder.to(dtype)


def batch_of(case: Case, lengths: list[int], *, frames: int = 0, dtype: torch.dtype = torch.float64) -> Batch:
    """Sample i of the batch is always the same one, cut to its length; one point in five is not seen."""
    size, frames = len(lengths), max(frames, *lengths, 1)
    points = len(case.layout.points) if case.layout else 1
    shape = (points, case.coordinates) if case.layout else (WIDTH,)
    inputs = torch.zeros(size, frames, *shape, dtype=dtype)
    seen = torch.zeros(size, frames, points, dtype=torch.bool)
    for i, length in enumerate(lengths):
        generator = torch.Generator().manual_seed(i)
        track = torch.randn(80, *shape, generator=generator, dtype=torch.float64).to(dtype)
        visible = torch.rand(80, points, generator=generator) > (0.2 if case.layout else -1)
        inputs[i, :length] = (track * (visible.unsqueeze(-1) if case.layout else 1))[:length]
        seen[i, :length] = visible[:length]
    return Batch(
        ids=tuple(str(i) for i in range(size)),
        inputs=inputs,
        seen=seen,
        lengths=torch.tensor(lengths),
        targets=torch.zeros(size, 1, dtype=torch.long),
        target_lengths=torch.ones(size, dtype=torch.long),
        frame_labels=torch.full((size, frames), -100),
        fps=torch.full((size,), 25.0),
    )


def rows(batch: Batch, order: list[int]) -> Batch:
    names = ("inputs", "seen", "lengths", "targets", "target_lengths", "frame_labels", "fps")
    return replace(
        batch, ids=tuple(batch.ids[i] for i in order), **{name: getattr(batch, name)[order] for name in names}
    )


def test_it_is_an_encoder(case: Case) -> None:
    encoder = made(case)
    assert isinstance(encoder, Encoder)
    assert encoder.reads == ("landmarks" if case.layout else "features")
    output = encoder(batch_of(case, [9, 5]))
    assert output.levels["chunk"].shape == (2, -(-9 // case.stride), encoder.dims["chunk"])
    assert output.levels["video"].shape == (2, -(-9 // case.stride), encoder.dims["video"])


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("more", [1, 2, 3, 11])
def test_padding_never_changes_an_output(case: Case, training: bool, more: int) -> None:
    lengths = [13, 1, 6, 16]
    exact, padded = (made(case).train(training)(batch_of(case, lengths, frames=n)) for n in (16, 16 + more))
    assert_same(exact, padded)


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 14])
def test_a_sample_alone_is_the_sample_in_a_batch(case: Case, length: int) -> None:
    encoder = made(case).eval()
    alone = encoder(batch_of(case, [length]))
    together = encoder(batch_of(case, [length, 37, 20]))
    assert_same(alone, together, [0])


def test_a_sample_alone_trains_as_when_padded(case: Case) -> None:
    alone, padded = (made(case).train()(batch_of(case, [11], frames=n)) for n in (11, 30))
    assert_same(alone, padded)


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_what_lies_in_the_padding_is_not_read(case: Case, training: bool) -> None:
    clean = batch_of(case, [13, 4, 9], frames=17)
    padding = torch.arange(17) >= clean.lengths[:, None]
    dirty = replace(clean, inputs=clean.inputs.clone(), seen=clean.seen | padding.unsqueeze(-1))
    dirty.inputs[padding] = float("nan")
    assert_same(made(case).train(training)(clean), made(case).train(training)(dirty))


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].layout])
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_what_was_not_seen_is_not_read(name: str, training: bool) -> None:
    case = CASES[name]
    clean = batch_of(case, [13, 4, 9])
    dirty = replace(clean, inputs=clean.inputs.masked_fill(~clean.seen.unsqueeze(-1), 1e3))
    assert_same(made(case).train(training)(clean), made(case).train(training)(dirty))


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_batch_order_permutes_outputs(case: Case, training: bool) -> None:
    batch, order = batch_of(case, [13, 1, 6, 16]), [2, 0, 3, 1]
    straight = made(case).train(training)(batch)
    shuffled = made(case).train(training)(rows(batch, order))
    assert_same(shuffled, straight, order)


def test_output_lengths_tell_the_truth(case: Case) -> None:
    encoder = made(case).eval()
    for frames in range(1, 61):
        output = encoder(batch_of(case, [frames]))
        chunks = -(-frames // case.stride)
        assert encoder.output_lengths(torch.tensor([frames])).tolist() == [chunks] == output.lengths.tolist()
        assert output.levels["chunk"].shape[1] == chunks == output.levels["video"].shape[1]
        assert output.levels["chunk"].abs().sum(-1).all(), "every chunk holds something"


def test_outputs_are_zero_in_the_padding(case: Case) -> None:
    output = made(case).train()(batch_of(case, [17, 1, 9]))
    for i, length in enumerate(output.lengths.tolist()):
        assert not output.levels["chunk"][i, length:].any()
        assert not output.levels["video"][i, length:].any()


def test_chunk_centres(case: Case) -> None:
    encoder = made(case)
    middle = (case.stride - 1) // 2
    assert encoder.chunk_centres(3).tolist() == [middle, case.stride + middle, 2 * case.stride + middle]
    assert encoder.chunk_centres(0).tolist() == []


def test_a_chunk_sees_around_its_centre(case: Case) -> None:
    """With one frame changed, the chunk whose centre is nearest changes."""
    encoder = made(case).eval()
    batch = batch_of(case, [40])
    before = encoder(batch).levels["chunk"]
    for chunk in range(2, 40 // case.stride - 2):
        frame = int(encoder.chunk_centres(chunk + 1)[chunk])
        inputs, seen = batch.inputs.clone(), batch.seen.clone()
        inputs[:, frame] += 1.0
        seen[:, frame] = True
        assert (encoder(replace(batch, inputs=inputs, seen=seen)).levels["chunk"] - before)[
            0, chunk
        ].abs().sum() > 1e-6


@pytest.mark.parametrize("lengths", [[23, 9, 1], [5]], ids=["batch", "alone"])
def test_gradients_reach_every_parameter(case: Case, lengths: list[int]) -> None:
    encoder = made(case).train()
    assert isinstance(encoder, nn.Module)
    output = encoder(batch_of(case, lengths))
    weigh: Callable[[Tensor], Tensor] = lambda x: (x * torch.randn_like(x)).sum()  # noqa: E731
    (weigh(output.levels["chunk"]) + weigh(output.levels["video"]) + output.auxiliary.sum()).backward()
    silent = [name for name, p in encoder.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []
    assert all(torch.isfinite(p.grad).all() for p in encoder.parameters() if p.grad is not None)


def test_train_and_eval_differ_only_by_statistics(case: Case) -> None:
    """With the batch's own statistics as the running ones, evaluation gives what training gave."""
    encoder, batch = made(case), batch_of(case, [23, 9, 4])
    assert isinstance(encoder, nn.Module)
    norms = [module for module in encoder.modules() if isinstance(module, MaskedBatchNorm)]
    before = [parameter.clone() for parameter in encoder.parameters()]
    hooks = [norm.register_forward_hook(_keep_batch_statistics) for norm in norms]
    trained = encoder.train()(batch)
    for hook in hooks:
        hook.remove()
    assert all(map(torch.equal, before, encoder.parameters()))
    assert_same(trained, encoder.eval()(batch))


def _keep_batch_statistics(norm: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    x, mask = (*inputs, None)[:2]
    assert isinstance(norm, MaskedBatchNorm)
    mask = torch.ones(x.shape, dtype=torch.bool) if mask is None else mask
    mask = mask.reshape(mask.shape + (1,) * (x.ndim - mask.ndim)).expand(x.shape)
    for channel in range(x.shape[-1]):
        values = x[..., channel][mask[..., channel]]
        norm.running_mean[channel] = values.detach().mean()
        norm.running_var[channel] = values.detach().var(correction=0)


def test_bfloat16_is_close_to_float32(case: Case) -> None:
    encoder = made(case, dtype=torch.float32).train()
    batch = batch_of(case, [23, 9, 14], dtype=torch.float32)
    full = encoder(batch)
    with torch.autocast("cpu", torch.bfloat16):
        half = encoder(batch)
    assert torch.equal(full.lengths, half.lengths)
    parts = [(full.levels[name], half.levels[name]) for name in ("chunk", "video")]
    for a, b in (*parts, (full.auxiliary, half.auxiliary)):
        assert (a - b.float()).norm() <= 0.05 * a.norm()


def test_two_runs_give_the_same_bits(case: Case) -> None:
    def run() -> list[Tensor]:
        encoder = made(case, dtype=torch.float32).train()
        assert isinstance(encoder, nn.Module)
        output = encoder(batch_of(case, [23, 9, 14], dtype=torch.float32))
        (output.levels["video"].square().sum() + output.auxiliary.sum()).backward()
        tensors = [output.levels["chunk"], output.levels["video"], output.auxiliary, *encoder.buffers()]
        return tensors + [p.grad for p in encoder.parameters() if p.grad is not None]

    assert all(map(torch.equal, run(), run()))


def test_only_lift_pooling_has_an_auxiliary_loss(case: Case) -> None:
    auxiliary = made(case)(batch_of(case, [23, 1, 8])).auxiliary
    assert auxiliary.shape == (3,)
    assert (auxiliary > 0).all() if case.lift else not auxiliary.any()


def test_weights_survive_their_state(case: Case) -> None:
    encoder, batch = made(case).eval(), batch_of(case, [12, 7])
    again = case.build()
    assert isinstance(again, nn.Module) and isinstance(encoder, nn.Module)
    again.double().eval().load_state_dict(encoder.state_dict())
    assert torch.equal(encoder(batch).levels["video"], again(batch).levels["video"])


# What is each one's own


def test_dropout_acts_in_training_only() -> None:
    config = FeaturesConfig(dropout=0.5, local_temporal=MAX, global_temporal=NONE)
    encoder = features.build(config, None, WIDTH).double()
    batch = batch_of(CASES["features-max"], [20])
    torch.manual_seed(1)
    assert not torch.equal(encoder.train()(batch).levels["chunk"], encoder.train()(batch).levels["chunk"])
    assert torch.equal(encoder.eval()(batch).levels["chunk"], encoder.eval()(batch).levels["chunk"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: gcn.build(GcnConfig(), None, 6),
            "encoder.name: 'gcn' reads landmarks, and the corpus has feature vectors; take 'features'",
        ),
        (
            lambda: kinematic.build(KinematicConfig(), None, 6),
            "encoder.name: 'kinematic' reads landmarks, and the corpus has feature vectors; take 'features'",
        ),
        (
            lambda: features.build(FeaturesConfig(), LAYOUT, 2),
            "encoder.name: 'features' reads feature vectors, and the corpus has landmarks (small); "
            "take 'gcn' or 'kinematic'",
        ),
        (
            lambda: gcn.build(GcnConfig(channels=()), LAYOUT, 2),
            "channels: a graph network needs at least one block",
        ),
        (
            lambda: gcn.build(GcnConfig(temporal_kernel=4), LAYOUT, 2),
            "temporal_kernel: 4 is even; take an odd number of frames, which has a middle",
        ),
        (
            lambda: features.build(FeaturesConfig(local_temporal=LocalTemporalConfig(kernel=2)), None, 6),
            "kernel: 2 is even; take an odd number of frames, which has a middle",
        ),
    ],
)
def test_what_does_not_fit_is_said(make: Callable[[], object], message: str) -> None:
    with pytest.raises(UserError) as caught:
        make()
    assert str(caught.value) == message
