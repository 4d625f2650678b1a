"""The laws of the encoder of video: timm's numbers, however frames are divided, whatever the padding."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from encoded import assert_same
from torch import Tensor, nn

from signkit.data.batch import Batch
from signkit.data.landmarks import layout
from signkit.errors import UserError
from signkit.models.encoders.configs import GlobalTemporalConfig, ImageBackboneConfig, LocalTemporalConfig
from signkit.models.encoders.image_backbone import ImageBackboneFrames, build
from signkit.models.encoders.masked_norm import MaskedBatchNorm
from signkit.models.encoders.protocol import Encoder, EncoderOutput
from signkit.models.encoders.temporal import TemporalEncoder, build_temporal

SWIN = "swin_tiny_patch4_window7_224"
LOCAL = LocalTemporalConfig(width=8)
GLOBAL = GlobalTemporalConfig(layers=1, width=4)
LEAST = ImageBackboneConfig(
    backbone="test_convnext", weights="none", frames_per_pass=5, local_temporal=LOCAL, global_temporal=GLOBAL
)
CASES = {
    "convnext": LEAST,
    "convnext-stage": replace(LEAST, freeze="1"),
    "vit": replace(LEAST, backbone="test_vit"),
    "batch-norm-frozen": replace(LEAST, backbone="test_resnet", freeze="all"),
    "batch-norm-stem": replace(LEAST, backbone="test_byobnet", freeze="all", checkpoint=False),
}
"""Of these no output depends on how frames are divided, in training neither."""


@pytest.fixture(params=CASES, ids=list(CASES))
def config(request: pytest.FixtureRequest) -> ImageBackboneConfig:
    return CASES[request.param]


def made(config: ImageBackboneConfig, *, dtype: torch.dtype = torch.float64) -> TemporalEncoder:
    """The encoder, seeded, moved away from its start, statistics too."""
    torch.manual_seed(0)
    encoder = build(config, None, 3)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
        for module in encoder.modules():
            if isinstance(module, (MaskedBatchNorm, nn.BatchNorm2d)):
                module.running_mean.normal_(0, 0.3)
                module.running_var.uniform_(0.5, 2.0)
    return encoder.to(dtype)


def batch_of(lengths: list[int], *, frames: int = 0, size: int = 32) -> Batch:
    """Sample i of the batch is always the same one, cut to its length."""
    count, frames = len(lengths), max(frames, *lengths, 1)
    inputs = torch.zeros(count, frames, size, size, 3, dtype=torch.uint8)
    seen = torch.zeros(count, frames, 1, dtype=torch.bool)
    for i, length in enumerate(lengths):
        generator = torch.Generator().manual_seed(i)
        inputs[i, :length] = torch.randint(0, 256, (length, size, size, 3), generator=generator).byte()
        seen[i, :length] = True
    return Batch(
        ids=tuple(str(i) for i in range(count)),
        inputs=inputs,
        seen=seen,
        lengths=torch.tensor(lengths),
        targets=torch.zeros(count, 1, dtype=torch.long),
        target_lengths=torch.ones(count, dtype=torch.long),
        frame_labels=torch.full((count, frames), -100),
        fps=torch.full((count,), 25.0),
    )


def timms_own(encoder: TemporalEncoder, frames: Tensor) -> Tensor:
    """forward_features and its pooling, on pictures normalised as timm's own transforms do."""
    backbone: Any = encoder.frames.backbone
    about = backbone.pretrained_cfg
    mean, spread = (torch.tensor(about[key], dtype=encoder.frames.scale.dtype) for key in ("mean", "std"))
    pictures = (frames / 255 - mean) / spread
    features = backbone.forward_features(pictures.permute(0, 3, 1, 2).contiguous())
    return backbone.forward_head(features, pre_logits=True)  # type: ignore[no-any-return]


def weighed(x: Tensor) -> Tensor:
    """A sum with a weight of its own for each number."""
    generator = torch.Generator().manual_seed(7)
    return (x * torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x.dtype)).sum()


def gradients(encoder: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None}


def test_it_is_an_encoder(config: ImageBackboneConfig) -> None:
    encoder = made(config)
    assert isinstance(encoder, Encoder)
    assert (encoder.reads, config.reads) == ("video", "video")
    output = encoder(batch_of([9, 5]))
    assert output.levels["chunk"].shape == (2, 3, encoder.dims["chunk"]) == (2, 3, 8)
    assert output.levels["video"].shape == (2, 3, encoder.dims["video"]) == (2, 3, 8)


@pytest.mark.parametrize("name", ["test_convnext", "test_vit", "test_resnet", "test_efficientnet"])
@pytest.mark.parametrize("checkpoint", [False, True])
@pytest.mark.parametrize("frames_per_pass", [1, 4, 100])
def test_vectors_are_timms_own(name: str, frames_per_pass: int, checkpoint: bool) -> None:
    config = replace(LEAST, backbone=name, frames_per_pass=frames_per_pass, checkpoint=checkpoint)
    encoder = made(config, dtype=torch.float32).eval()
    frames = batch_of([7]).inputs[0]
    torch.testing.assert_close(
        encoder.frames.vectors(frames), timms_own(encoder, frames), rtol=1e-5, atol=1e-5
    )


def test_swins_vectors_and_gradients_are_timms_own() -> None:
    """The published backbone at another size than its own, in passes that are computed twice.

    In float64, where the order in which a processor sums is below 1e-12. What is left is that the encoder
    keeps the mean and spread of pixels as float32 (6e-8), which 12 blocks make 5e-7 of a tensor's largest
    number; ten times that is allowed.
    """
    config = replace(LEAST, backbone=SWIN, frames_per_pass=2)
    encoder = made(config).train()
    frames = batch_of([3], size=64).inputs[0]
    ours = encoder.frames.vectors(frames)
    weighed(ours).backward()
    found = gradients(encoder.frames.backbone)
    encoder.zero_grad()
    theirs = timms_own(encoder, frames)
    weighed(theirs).backward()
    assert_near(ours, theirs, 5e-6)
    expected = gradients(encoder.frames.backbone)
    assert found.keys() == expected.keys() == dict(encoder.frames.backbone.named_parameters()).keys()
    for name in expected:
        assert_near(found[name], expected[name], 5e-6)


def assert_near(found: Tensor, expected: Tensor, share: float) -> None:
    """Equal up to a share of the largest number."""
    torch.testing.assert_close(found, expected, rtol=0, atol=share * expected.detach().abs().max().item())


@pytest.mark.parametrize(
    "change",
    [{"frames_per_pass": 1}, {"frames_per_pass": 64}, {"checkpoint": False}, {"kept_frames": 7}],
    ids=lambda change: "-".join(change),
)
def test_passes_change_neither_outputs_nor_gradients(
    config: ImageBackboneConfig, change: dict[str, Any]
) -> None:
    def run(config: ImageBackboneConfig) -> tuple[EncoderOutput, dict[str, Tensor]]:
        encoder = made(config).train()
        output = encoder(batch_of([9, 4, 6]))
        (
            weighed(output.levels["chunk"]) + weighed(output.levels["video"]) + output.auxiliary.sum()
        ).backward()
        return output, gradients(encoder)

    (output, found), (other, expected) = run(config), run(replace(config, **change))
    assert_same(output, other)
    assert found.keys() == expected.keys()
    for name in expected:  # timm brings a vision transformer's positions to the size in float32
        torch.testing.assert_close(found[name], expected[name], rtol=1e-6, atol=1e-7)


def test_dropped_blocks_are_the_same_when_computed_again() -> None:
    """Stochastic depth draws anew in each pass, and the same again for its gradient."""
    config = replace(LEAST, backbone="test_vit", drop_path=0.5)

    def run(checkpoint: bool) -> dict[str, Tensor]:
        encoder = made(replace(config, checkpoint=checkpoint)).train()
        torch.manual_seed(3)
        weighed(encoder(batch_of([9, 4])).levels["video"]).backward()
        return gradients(encoder)

    found, expected = run(True), run(False)
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-6, atol=1e-7)
    encoder = made(config).train()
    frames = batch_of([4]).inputs[0]
    assert not torch.equal(encoder.frames.vectors(frames), encoder.frames.vectors(frames))
    encoder.eval()
    assert torch.equal(encoder.frames.vectors(frames), encoder.frames.vectors(frames))


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("more", [1, 3, 8])
def test_padding_never_changes_an_output(config: ImageBackboneConfig, training: bool, more: int) -> None:
    lengths = [9, 1, 6]
    exact, padded = (made(config).train(training)(batch_of(lengths, frames=n)) for n in (9, 9 + more))
    assert_same(exact, padded)


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_padding_is_not_read_nor_counted_where_batch_norm_is_trained(training: bool) -> None:
    config = replace(LEAST, backbone="test_resnet")
    exact, padded = made(config).train(training), made(config).train(training)
    clean, dirty = batch_of([9, 1, 6]), batch_of([9, 1, 6], frames=14)
    dirty.inputs[~dirty.seen.squeeze(2)] = 200
    assert_same(exact(clean), padded(dirty))
    for name, statistics in exact.frames.backbone.named_buffers():
        assert torch.equal(statistics, dict(padded.frames.backbone.named_buffers())[name]), name


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_what_lies_in_the_padding_is_not_read(config: ImageBackboneConfig, training: bool) -> None:
    clean = batch_of([7, 3, 9], frames=10)
    dirty = replace(clean, inputs=clean.inputs.masked_fill(~clean.seen[..., None, None], 255))
    assert not torch.equal(clean.inputs, dirty.inputs)
    assert_same(made(config).train(training)(clean), made(config).train(training)(dirty))


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_batch_order_permutes_outputs(config: ImageBackboneConfig, training: bool) -> None:
    batch, order = batch_of([9, 1, 6, 12]), [2, 0, 3, 1]
    names = ("inputs", "seen", "lengths", "targets", "target_lengths", "frame_labels", "fps")
    changed: dict[str, Any] = {name: getattr(batch, name)[order] for name in names}
    shuffled = made(config).train(training)(replace(batch, ids=tuple("2031"), **changed))
    assert_same(shuffled, made(config).train(training)(batch), order)


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_sample_alone_is_the_sample_in_a_batch(config: ImageBackboneConfig, length: int) -> None:
    encoder = made(config).eval()
    assert_same(encoder(batch_of([length])), encoder(batch_of([length, 11, 3])), [0])


def test_lengths_tell_the_truth_from_1_to_300() -> None:
    """Of every length: ceil(N / 4) chunks, each of which holds something."""
    encoder = made(replace(LEAST, frames_per_pass=4096), dtype=torch.float32).eval()
    picture = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 256, (300, 32, 32, 3), generator=picture).byte()
    with torch.no_grad():
        vectors = encoder.frames.vectors(frames)
        lengths = torch.arange(1, 301)
        output = encoder.temporal(vectors.expand(300, -1, -1), lengths)
    chunks = (lengths + 3) // 4
    assert torch.equal(encoder.output_lengths(lengths), chunks)
    assert torch.equal(output.lengths, chunks)
    for features in (output.levels["chunk"], output.levels["video"]):
        assert torch.equal(features.abs().sum(-1).gt(0).sum(1), chunks)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 8, 9])
def test_output_lengths_of_whole_clips(length: int) -> None:
    encoder = made(LEAST).eval()
    output = encoder(batch_of([length]))
    assert (
        output.lengths.tolist()
        == [-(-length // 4)]
        == [output.levels["chunk"].shape[1]]
        == [output.levels["video"].shape[1]]
    )
    assert encoder.chunk_centres(3).tolist() == [1, 5, 9]


@pytest.mark.parametrize("name", [SWIN, "test_vit", "test_resnet", "test_convnext"])
@pytest.mark.parametrize("lengths", [[9, 1], [5]], ids=["batch", "alone"])
def test_gradients_reach_every_parameter_that_is_trained(name: str, lengths: list[int]) -> None:
    encoder = made(replace(LEAST, backbone=name), dtype=torch.float32).train()
    output = encoder(batch_of(lengths, size=32 if name == SWIN else 64))
    (weighed(output.levels["chunk"]) + weighed(output.levels["video"]) + output.auxiliary.sum()).backward()
    silent = [name for name, p in encoder.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


FROZEN = {
    "none": (),
    "0": ("stem.",),
    "2": ("stem.", "stages.0.", "stages.1."),
    "4": ("stem.", "stages."),
    "all": ("",),
}


@pytest.mark.parametrize("share", FROZEN)
def test_what_is_frozen_takes_no_gradient_and_stays_in_evaluation(share: str) -> None:
    encoder = made(replace(LEAST, freeze=share, drop_path=0.5)).train()
    weighed(encoder(batch_of([6])).levels["video"]).backward()
    prefixes = FROZEN[share]
    for name, parameter in encoder.frames.backbone.named_parameters():
        frozen = bool(prefixes) and name.startswith(prefixes)
        assert (parameter.grad is None) == frozen, name
    for name, module in encoder.frames.backbone.named_modules():
        if next(module.parameters(), None) is not None:
            assert module.training != (bool(prefixes) and f"{name}.".startswith(prefixes)), name
    assert encoder.temporal.training
    assert not encoder.eval().frames.backbone.training


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_frozen_statistics_stay(training: bool) -> None:
    config = replace(LEAST, backbone="test_resnet", freeze="2")
    encoder = made(config).train(training)
    before = {name: buffer.clone() for name, buffer in encoder.frames.backbone.named_buffers()}
    weighed(encoder(batch_of([9, 4])).levels["video"]).backward()
    moved = {
        name
        for name, buffer in encoder.frames.backbone.named_buffers()
        if not torch.equal(buffer, before[name])
    }
    trained = {name for name in before if name.startswith(("layer3", "layer4"))}
    assert moved == (trained if training else set())


def test_statistics_that_are_trained_move_once_a_pass() -> None:
    """Not a second time when a pass is computed again."""

    def statistics(checkpoint: bool) -> dict[str, Tensor]:
        encoder = made(replace(LEAST, backbone="test_resnet", checkpoint=checkpoint)).train()
        weighed(encoder(batch_of([9, 4])).levels["video"]).backward()
        assert all(norm.momentum == 0.1 for norm in encoder.modules() if isinstance(norm, nn.BatchNorm2d))
        return dict(encoder.frames.backbone.named_buffers())

    twice, once = statistics(True), statistics(False)
    assert twice.keys() == once.keys()
    for name in once:
        torch.testing.assert_close(twice[name], once[name], rtol=1e-12, atol=1e-12)
    assert once["bn1.num_batches_tracked"].item() == 3  # of 13 frames, 5 at most a pass


def kept_bytes(encoder: TemporalEncoder, batch: Batch) -> int:
    """What the backbone keeps for its backward pass, its own weights and what it reads not counted."""
    own = {p.untyped_storage().data_ptr() for p in encoder.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own and tensor.dtype != torch.uint8:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = encoder.frames.vectors(batch.inputs.flatten(0, 1))  # held, or addresses would be used again
    del output
    return sum(kept.values())


def test_activations_are_kept_only_where_they_are_needed() -> None:
    batch = batch_of([20], size=64)

    def kept(**change: Any) -> int:
        return kept_bytes(made(replace(LEAST, **change), dtype=torch.float32).train(), batch)

    whole = kept(checkpoint=False)
    assert whole > 15_000_000
    assert kept() < 1000
    assert kept(freeze="all", checkpoint=False) == 0
    assert kept(freeze="2", checkpoint=False) < whole / 4
    assert 0.2 * whole < kept(kept_frames=5) < 0.3 * whole


def test_bfloat16_is_close_to_float32(config: ImageBackboneConfig) -> None:
    encoder = made(config, dtype=torch.float32).train()
    batch = batch_of([9, 4])
    full = encoder(batch)
    with torch.autocast("cpu", torch.bfloat16):
        half = encoder(batch)
    weighed(half.levels["video"].float()).backward()
    assert torch.equal(full.lengths, half.lengths)
    parts = [(full.levels[name], half.levels[name]) for name in ("chunk", "video")]
    for a, b in (*parts, (full.auxiliary, half.auxiliary)):
        assert (a - b.float()).norm() <= 0.05 * a.norm()
    assert all(
        p.grad is not None and p.grad.isfinite().all() for p in encoder.parameters() if p.requires_grad
    )


def test_two_runs_give_the_same_bits(config: ImageBackboneConfig) -> None:
    """A size met for the first time is tried, and that draws nothing."""

    def run(tried: bool) -> list[Tensor]:
        encoder = made(replace(config, dropout=0.3), dtype=torch.float32).train()
        if tried:
            encoder(batch_of([3]))
            encoder = made(replace(config, dropout=0.3), dtype=torch.float32).train()
            encoder.frames._sizes.add((32, 32))
        torch.manual_seed(1)
        output = encoder(batch_of([9, 4]))
        weighed(output.levels["video"]).backward()
        return [
            output.levels["chunk"],
            output.levels["video"],
            *encoder.buffers(),
            *gradients(encoder).values(),
        ]

    assert all(map(torch.equal, run(False), run(True)))


def test_weights_survive_their_state(config: ImageBackboneConfig) -> None:
    encoder, batch = made(config).eval(), batch_of([7, 3])
    again = build(config, None, 3).double().eval()
    again.load_state_dict(encoder.state_dict())
    assert torch.equal(encoder(batch).levels["video"], again(batch).levels["video"])
    assert not [name for name in encoder.state_dict() if name in ("scale", "shift")]


def test_any_size_goes_into_a_swin_and_a_vision_transformer() -> None:
    for name in (SWIN, "test_vit"):
        encoder = made(replace(LEAST, backbone=name), dtype=torch.float32).eval()
        for size in (32, 48, 64):
            frames = batch_of([1], size=size).inputs[0]
            torch.testing.assert_close(
                encoder.frames.vectors(frames), timms_own(encoder, frames), rtol=1e-5, atol=1e-5
            )


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        (
            "test_vit",
            40,
            "video.crop: the backbone takes no frames of 40 x 40: Input height (40) should be divisible by "
            "patch size (16); it was made for 160 x 160",
        ),
        (
            "levit_128s",
            64,
            "video.crop: the backbone takes no frames of 64 x 64: The size of tensor a (16) must match the "
            "size of tensor b (196) at non-singleton dimension 3; it was made for 224 x 224",
        ),
    ],
)
def test_a_size_that_a_backbone_does_not_take(name: str, size: int, message: str) -> None:
    encoder = made(replace(LEAST, backbone=name), dtype=torch.float32).train()
    with pytest.raises(UserError) as caught:
        encoder(batch_of([2], size=size))
    assert str(caught.value) == message
    assert encoder.frames.backbone.training


@pytest.mark.parametrize("checkpoint", [False, True])
def test_a_batch_norm_learns_nothing_of_one_value(checkpoint: bool) -> None:
    config = replace(LEAST, backbone="test_resnet", frames_per_pass=1, checkpoint=checkpoint)
    encoder = made(config, dtype=torch.float32).train()
    with pytest.raises(UserError) as caught:
        encoder(batch_of([2]))
    assert str(caught.value) == (
        "encoder.frames_per_pass: a BatchNorm that is trained has one value alone of a pass of one frame of "
        "32 x 32; take more frames a pass, a backbone without BatchNorm, or freeze it"
    )
    assert encoder.eval()(batch_of([2])).lengths.tolist() == [1]


def test_a_backbone_gives_one_vector_a_frame() -> None:
    temporal = build_temporal(4, LOCAL, GLOBAL)
    frames = ImageBackboneFrames(nn.Conv2d(3, 4, 8), mean=(0.5,) * 3, deviation=(0.2,) * 3)
    encoder = TemporalEncoder(frames, temporal)
    with pytest.raises(UserError) as caught:
        encoder(batch_of([2]))
    assert str(caught.value) == (
        "encoder.backbone: returns [4, 25, 25] for a frame, and a single vector is needed; take another"
    )


def test_it_reads_video_alone() -> None:
    refused: Callable[..., Any] = partial(pytest.raises, UserError)
    with refused() as caught:
        build(LEAST, layout("boston104"), 2)
    assert str(caught.value) == (
        "encoder.name: 'timm' reads video, and the corpus has landmarks; take 'gcn' or 'kinematic'"
    )
    with refused() as caught:
        build(LEAST, None, 40)
    assert str(caught.value) == (
        "encoder.name: 'timm' reads video, and the corpus has features; take 'features'"
    )


def test_freeze_is_a_word_or_a_number() -> None:
    with pytest.raises(UserError) as caught:
        replace(LEAST, freeze="half")
    assert str(caught.value) == "freeze: cannot be `half`; `none`, `all`, or a number of stages, such as 2"
