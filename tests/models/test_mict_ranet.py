"""MiCT-RANet: its sizes, its arithmetic as in the public network, its weights, and frames as they come."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from signkit import api
from signkit.config.recipe_file import load_recipe
from signkit.config.registry import build
from signkit.data.batch import Batch
from signkit.data.motion import motion_maps
from signkit.errors import UserError
from signkit.models.encoders.configs import MictRanetConfig
from signkit.models.encoders.mict_attention import RecurrentAttention
from signkit.models.encoders.mict_ranet import DEVIATION, MEAN, MictRanet
from signkit.models.encoders.mict_resnet import Convolution3d
from signkit.models.encoders.mict_weights import from_public
from signkit.models.export import read_export
from signkit.models.import_mict_ranet import CHARACTERS, import_mict_ranet
from signkit.models.mict_stream import MictStream
from signkit.models.torchvision_mend import import_timm
from signkit.train.init_from import init_model
from signkit.train.task import task_of

State = dict[str, Tensor]
BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}
WIDTHS = (4, 4, 6, 8)
RECIPE = """
data: {{name: manifest, root: {root}}}
text: {{unit: character}}
video: {{resize: 32, crop: 32, motion: {motion}}}
encoder:
  {{name: mict_ranet, backbone: {backbone}, channels: {widths}, attention: 8, hidden: 8, weights: none}}
model: {{name: ctc}}
train: {{losses: [{{name: ctc}}]}}
"""


def encoder(**options: Any) -> MictRanet:
    return build(MictRanetConfig(**{"weights": "none", **options}), None, 3)  # type: ignore[no-any-return]


def small(**options: Any) -> MictRanet:
    sizes = {"backbone": "resnet18", "channels": WIDTHS, "attention": 5, "hidden": 7, "checkpoint": False}
    return encoder(**{**sizes, **options})


def clips(*lengths: int, side: int = 32, motion: bool = False) -> Batch:
    generator = torch.Generator().manual_seed(0)
    size, frames = len(lengths), max(lengths)
    inputs = torch.randint(256, (size, frames, side, side, 3), generator=generator, dtype=torch.uint8)
    maps = torch.randint(256, (size, frames, side // 2, side // 2), generator=generator, dtype=torch.uint8)
    return Batch(
        ids=tuple(map(str, range(size))),
        inputs=inputs,
        seen=torch.ones(size, frames, 1, dtype=torch.bool),
        lengths=torch.tensor(lengths),
        targets=torch.zeros(size, 1, dtype=torch.long),
        target_lengths=torch.ones(size, dtype=torch.long),
        frame_labels=torch.full((size, frames), -100),
        fps=torch.full((size,), 25.0),
        motion=maps if motion else None,
    )


def count(*parts: nn.Module) -> int:
    return sum(parameter.numel() for part in parts for parameter in part.parameters())


def moved(module: nn.Module) -> Any:
    """Away from its beginning, running statistics too."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                noise = torch.randn(tensor.shape, generator=generator)
                tensor.add_(noise.abs() if name.endswith("running_var") else 0.1 * noise)
    return module.eval()


def test_the_parameters_are_those_of_the_public_network() -> None:
    """By its log 32,164,128 with the output layer for 32 symbols; each part as summed from its modules."""
    with torch.device("meta"):
        whole = encoder()
    three = [m for m in whole.modules() if isinstance(m, Convolution3d)]
    convs, norms = count(*(m.conv for m in three)), count(*(m.bn for m in three))
    attention = whole.attention
    assert len(three) == 5
    assert (count(whole.cnn) - convs - norms, convs, norms) == (21_284_672, 7_972_800, 2_048)
    matrices = [count(each) for each in (attention.query, attention.key, attention.value, attention.score)]
    assert matrices == [262_144, 262_144, 262_144, 512]
    assert count(attention.cell) == 2_101_248
    assert count(whole) + 512 * 32 + 32 == 32_164_128


def test_the_maps_of_each_layer_for_frames_of_224() -> None:
    shapes = dict[str, tuple[int, ...]]()
    whole = encoder().eval()
    for name in ("stem", *(f"stages.{n}.blocks.0" for n in range(4))):
        layer = whole.cnn.get_submodule(name)
        layer.register_forward_hook(
            lambda _, __, out, name=name: shapes.__setitem__(name, tuple(out.shape[1:]))
        )
    with torch.no_grad():
        maps = whole.maps(clips(1, side=224))
    assert shapes == {
        "stem": (64, 56, 56),
        "stages.0.blocks.0": (64, 56, 56),
        "stages.1.blocks.0": (128, 28, 28),
        "stages.2.blocks.0": (256, 14, 14),
        "stages.3.blocks.0": (512, 14, 14),
    }
    assert maps.shape == (1, 1, 512, 14, 14)


@pytest.mark.slow
def test_a_step_at_full_size() -> None:
    """Four frames of 112; the gradient of every weight is finite."""
    whole = encoder().train()
    whole(clips(4, side=112, motion=True)).levels["video"].square().sum().backward()
    for name, parameter in whole.named_parameters():
        assert parameter.grad is not None and bool(parameter.grad.isfinite().all()), name


@pytest.mark.parametrize(("padding", "reach"), [("center", (11, 11)), ("forward", (1, 21))])
def test_how_far_a_map_reaches_in_time(padding: str, reach: tuple[int, int]) -> None:
    net = moved(small(padding=padding)).double()
    batch = clips(50)
    with torch.no_grad():
        before = net.maps(batch)
        batch.inputs[0, 25] = 255 - batch.inputs[0, 25]
        changed = (net.maps(batch) - before).abs().amax((0, 2, 3, 4)).nonzero().flatten()
    assert (net.cnn.before, net.cnn.after) == reach
    assert (int(changed[0]), int(changed[-1])) == (25 - reach[1], 25 + reach[0])


def test_recomputed_activations_change_nothing() -> None:
    found = []
    for checkpoint in (False, True):
        torch.manual_seed(0)
        net = small(checkpoint=checkpoint).train()
        net(clips(5, 3)).levels["video"].square().sum().backward()
        found.append([*(p.grad for p in net.parameters()), *net.state_dict().values()])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_attention_by_its_formula_frame_by_frame() -> None:
    torch.manual_seed(0)
    attention = RecurrentAttention(6, 5, 7)
    maps, prior = torch.randn(1, 3, 4, 6), torch.tensor([[[0, 9, 3, 0], [0, 0, 0, 0], [1, 1, 1, 1.0]]])
    h, c = torch.zeros(1, 7), torch.zeros(1, 7)
    vectors, weights, state = attention(maps, prior)
    for frame in range(3):
        scores = torch.stack(
            [
                attention.score(torch.tanh(attention.query(h) + attention.key(maps[:, frame, place])))[0, 0]
                for place in range(4)
            ]
        )
        weighted = scores.softmax(0) * prior[0, frame]
        values = attention.value(maps[0, frame])
        context = (weighted[:, None] * values).sum(0) / weighted.sum().clamp(min=1e-5)
        h, c = attention.cell(context[None], (h, c))
        torch.testing.assert_close(vectors[:, frame], h)
        torch.testing.assert_close(weights[0, frame].sum(), torch.tensor(0.0 if frame == 1 else 1.0))
    torch.testing.assert_close(state, (h, c))


def test_what_moves_is_looked_at() -> None:
    """A prior of one place leaves nothing of the others; a factor of it has no effect."""
    net = moved(small())
    batch = clips(4, side=64)
    motion = torch.zeros(1, 4, 32, 32, dtype=torch.uint8)
    motion[:, :, 16:24, 8:16] = 200
    with torch.no_grad():
        maps = net.maps(batch)
        vectors, weights, _ = net.attend(maps, motion)
        fainter = net.attend(maps, motion // 2)[0]
    expected = torch.zeros(4, 4)
    expected[2, 1] = 1
    torch.testing.assert_close(weights[0], expected.expand(4, 4, 4))
    torch.testing.assert_close(vectors, fainter)


def test_padding_has_no_effect_on_attention_with_motion() -> None:
    net = moved(small())
    both, alone = clips(6, 3, motion=True), clips(3, motion=True)
    both.inputs[1, :3], both.motion[1, :3] = alone.inputs[0], alone.motion[0]  # type: ignore[index]
    both.motion[1, 3:] = 77  # type: ignore[index]
    with torch.no_grad():
        found, expected = net(both).levels["video"][1], net(alone).levels["video"][0]
    torch.testing.assert_close(found[:3], expected)
    assert not found[3:].any()


# --- the public network's names, and its arithmetic for one clip --------------------------------------------


def public_shapes(backbone: str, widths: tuple[int, ...], outputs: int = 32) -> dict[str, tuple[int, ...]]:
    """The names and shapes of its state, as the public modules have them (mictresnet.py, mictranet.py)."""
    shapes = dict[str, tuple[int, ...]]()

    def norm(name: str, width: int) -> None:
        shapes.update(
            {f"{name}.{part}": (width,) for part in ("weight", "bias", "running_mean", "running_var")}
        )
        shapes[f"{name}.num_batches_tracked"] = ()

    shapes["cnn.conv1.weight"], shapes["cnn.conv2.weight"] = (widths[0], 3, 7, 7), (widths[0], 3, 5, 7, 7)
    norm("cnn.bn1", widths[0])
    norm("cnn.bn2", widths[0])
    inputs = widths[0]
    for stage, (width, blocks) in enumerate(zip(widths, BLOCKS[backbone], strict=True), 1):
        for block in range(blocks):
            name = f"cnn.layer{stage}.bottlenecks.{block}"
            before = width if block else inputs
            shapes[f"{name}.conv1.weight"] = (width, before, 3, 3)
            shapes[f"{name}.conv2.weight"] = (width, width, 3, 3)
            norm(f"{name}.bn1", width)
            norm(f"{name}.bn2", width)
            if block == 0 and (stage in (2, 3) or before != width):
                shapes[f"{name}.downsample.0.weight"] = (width, before, 1, 1)
                norm(f"{name}.downsample.1", width)
        shapes[f"cnn.layer{stage}.conv.weight"] = (width, inputs, 5, 3, 3)
        norm(f"cnn.layer{stage}.bn", width)
        inputs = width
    shapes["attn_cell.v"] = (inputs, 1)
    shapes |= {f"attn_cell.{name}": (inputs, inputs) for name in ("Wh", "Wk", "Wv")}
    shapes |= {f"attn_cell.lstm_cell.weight_{of}": (4 * inputs, inputs) for of in ("ih", "hh")}
    shapes |= {f"attn_cell.lstm_cell.bias_{of}": (4 * inputs,) for of in ("ih", "hh")}
    return shapes | {"fc.weight": (outputs, inputs), "fc.bias": (outputs,)}


def public_state(backbone: str, widths: tuple[int, ...]) -> State:
    generator = torch.Generator().manual_seed(5)
    state = State()
    for name, shape in public_shapes(backbone, widths).items():
        noise = 0.3 * torch.randn(shape, generator=generator)
        positive = name.endswith("running_var")
        counts = name.endswith("num_batches_tracked")
        state[name] = torch.tensor(9) if counts else 0.5 + noise.abs() if positive else noise
    return state


def public_logits(state: State, frames: Tensor, motion: Tensor, backbone: str) -> Tensor:
    """For frames uint8 [frames, height, width, 3] and a prior [frames, places]: as that network computes."""

    def norm(x: Tensor, name: str) -> Tensor:
        parts = (state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *parts)

    def flat(x: Tensor, name: str, conv: str, bn: str, stride: int = 1, padding: int = 1) -> Tensor:
        return norm(F.conv2d(x, state[f"{name}{conv}.weight"], None, stride, padding), f"{name}{bn}")

    def deep(x: Tensor, conv: str, bn: str, stride: int, padding: int) -> Tensor:
        clip = x.transpose(0, 1)[None]
        y = F.conv3d(clip, state[f"{conv}.weight"], None, (1, stride, stride), (2, padding, padding))
        return F.relu(norm(y, bn))

    x = frames.permute(0, 3, 1, 2) / 255
    x = (x - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(DEVIATION).view(3, 1, 1)
    three = F.max_pool3d(deep(x, "cnn.conv2", "cnn.bn2", 2, 3), 3, (1, 2, 2), 1)[0].transpose(0, 1)
    x = F.max_pool2d(F.relu(flat(x, "cnn.", "conv1", "bn1", 2, 3)), 3, 2, 1) + three
    for stage, blocks in enumerate(BLOCKS[backbone], 1):
        stride, whole = (1, 2, 2, 1)[stage - 1], x
        for block in range(blocks):
            name, step = f"cnn.layer{stage}.bottlenecks.{block}.", 1 if block else stride
            y = flat(F.relu(flat(x, name, "conv1", "bn1", step)), name, "conv2", "bn2")
            if f"{name}downsample.0.weight" in state:
                x = flat(x, name, "downsample.0", "downsample.1", step, 0)
            x = F.relu(y + x)
            if block == 0:
                layer = f"cnn.layer{stage}"
                x = x + deep(whole, f"{layer}.conv", f"{layer}.bn", stride, 1)[0].transpose(0, 1)
    places = x.flatten(2).transpose(1, 2)
    attention = {name: state[f"attn_cell.{name}"] for name in ("Wh", "Wk", "Wv", "v")}
    cell = nn.LSTMCell(places.shape[2], places.shape[2])
    cell.load_state_dict({n.removeprefix("attn_cell.lstm_cell."): t for n, t in state.items() if "lstm" in n})
    hidden, outputs = (torch.zeros(1, places.shape[2]),) * 2, []
    for features, prior in zip(places, motion, strict=True):
        scores = torch.tanh(hidden[0] @ attention["Wh"] + features @ attention["Wk"]) @ attention["v"]
        weights = scores.softmax(0) * prior[:, None]
        context = (weights * (features @ attention["Wv"])).sum(0, keepdim=True)
        hidden = cell(context / weights.sum().clamp(min=1e-5), hidden)
        outputs.append(hidden[0])
    return torch.cat(outputs) @ state["fc.weight"].T + state["fc.bias"]


@pytest.mark.parametrize("backbone", BLOCKS)
def test_the_public_names_are_all_known_at_full_size(backbone: str) -> None:
    with torch.device("meta"):
        own = {f"{n}": tuple(t.shape) for n, t in encoder(backbone=backbone).state_dict().items()}
        public = {n: torch.empty(s) for n, s in public_shapes(backbone, (64, 128, 256, 512)).items()}
    named = {name: tuple(tensor.shape) for name, tensor in from_public(public).items()}
    assert named == own | {"fc.weight": (32, 512), "fc.bias": (32,)}


def recipe_file(folder: Path, backbone: str = "resnet18", motion: str = "none") -> str:
    path = folder / "tiny.yaml"
    fields = {"root": folder, "backbone": backbone, "widths": list(WIDTHS), "motion": motion}
    path.write_text(RECIPE.format(**fields), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("backbone", BLOCKS)
def test_imported_weights_give_the_logits_of_the_public_network(backbone: str, tmp_path: Path) -> None:
    state = public_state(backbone, WIDTHS)
    torch.save(state, tmp_path / "public.pth")
    run = import_mict_ranet(tmp_path / "public.pth", tmp_path / "run", recipe=recipe_file(tmp_path, backbone))
    trained = read_export(run)
    batch = clips(6, side=64, motion=True)
    with torch.no_grad():
        output = trained.model(batch)
        prior = F.interpolate(batch.motion.float(), (4, 4), mode="bilinear")[0].flatten(1)  # type: ignore[union-attr]
        expected = public_logits(state, batch.inputs[0], prior, backbone)
    vocabulary = trained.spec.vocabulary
    order = [0, *(vocabulary.index[character] for character in CHARACTERS)]
    found = (output.levels["video"] + output.bias)[0]
    assert (len(vocabulary), vocabulary.tokens[2:5]) == (33, (" ", "&", "'"))
    torch.testing.assert_close(found[:, order], expected, rtol=1e-4, atol=1e-4)
    assert float(found.detach().softmax(1)[:, 1].max()) < 1e-9  # the unknown character


def test_an_imported_run_predicts(tmp_path: Path) -> None:
    save_file(
        {n: t.contiguous() for n, t in public_state("resnet18", WIDTHS).items()},
        tmp_path / "public.safetensors",
    )
    recipe = recipe_file(tmp_path, motion="difference")
    run = import_mict_ranet(tmp_path / "public.safetensors", tmp_path / "run", recipe=recipe)
    (prediction,) = api.load(run).predict([clips(9).inputs[0].numpy()])
    assert set("".join(prediction.text)) <= set(CHARACTERS)


def test_a_training_begins_with_an_imported_run(tmp_path: Path) -> None:
    run = import_mict_ranet(_saved(tmp_path), tmp_path / "run", recipe=recipe_file(tmp_path))
    recipe = load_recipe(recipe_file(tmp_path), [f"train.init_from={run}"])
    trained = read_export(run)
    model = task_of(recipe).model(trained.spec)
    (line,) = init_model(recipe, model, trained.spec)
    assert line.endswith("; fresh: 0")
    state = model.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in trained.model.state_dict().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("attn_cell.Wk"), "{file}: the weights are not those of MiCT-RANet of this size: "
         "without encoder.attention.key.weight"),
        (lambda s: s.update({"cnn.bn2.weight": torch.ones(9)}), "{file}: the weights are not those of "
         "MiCT-RANet of this size: encoder.cnn.stem.conv3d.bn.weight is [9], not [4]"),
        (lambda s: s.update({"fc.bias": torch.ones(31)}),
         "{file}: has no output layer `fc` of 32 symbols from 8 numbers"),
        (lambda s: s.clear() or s.update(other=torch.ones(1)), "{file}: the weights are not those of "
         "MiCT-RANet of this size: without encoder.attention.cell.bias_hh, encoder.attention.cell.bias_ih, "
         "encoder.attention.cell.weight_hh and 130 more; with encoder.other"),
    ],
)  # fmt: skip
def test_other_weights_are_refused(change: Callable[[State], Any], message: str, tmp_path: Path) -> None:
    state = public_state("resnet18", WIDTHS)
    change(state)
    file = tmp_path / "public.pth"
    torch.save(state, file)
    with pytest.raises(UserError) as caught:
        import_mict_ranet(file, tmp_path / "run", recipe=recipe_file(tmp_path))
    assert str(caught.value) == message.format(file=file)
    assert not (tmp_path / "run").exists()


ENCODER = "encoder={name: features}"
NO_CTC = "is no recipe of the model `ctc`, not normalised"
LOSSES = "train.losses=[{name: next_token}]"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([ENCODER], "is no recipe of the encoder `mict_ranet`"),
        (["model={name: attention}", LOSSES, "decode={name: attention}"], NO_CTC),
        (["model.normalised=true"], NO_CTC),
        (["text.unit=gloss"], "its text.unit is gloss, and the weights spell characters"),
    ],
)
def test_recipes_of_other_networks_are_refused(changes: list[str], message: str, tmp_path: Path) -> None:
    recipe = recipe_file(tmp_path)
    with pytest.raises(UserError) as caught:
        import_mict_ranet(_saved(tmp_path), tmp_path / "run", recipe=recipe, overrides=changes)
    assert str(caught.value) == f"{recipe}: {message}; take one such as chicagofswild_mict_ranet"
    assert not (tmp_path / "run").exists()


def test_a_resnet_begins_the_flat_layers(tmp_path: Path) -> None:
    """timm's, from a file; the 3-D convolutions are as without."""
    resnet = import_timm().create_model("resnet18", pretrained=False, num_classes=5)
    torch.save(resnet.state_dict(), tmp_path / "resnet.pth")
    net = encoder(backbone="resnet18", weights=str(tmp_path / "resnet.pth"))
    assert torch.equal(net.cnn.stem.conv1.weight, resnet.conv1.weight)
    blocks = net.cnn.stages[2].blocks  # type: ignore[union-attr]
    assert torch.equal(blocks[1].conv2.weight, resnet.layer3[1].conv2.weight)  # type: ignore[index, union-attr]
    with pytest.raises(UserError) as caught:
        encoder(backbone="resnet34", weights=str(tmp_path / "resnet.pth"))
    what = "the weights are not those of a ResNet of this size: without stages.0.blocks.2."
    assert str(caught.value).startswith(f"{tmp_path / 'resnet.pth'}: {what}")


# --- frames as they come ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pieces", "motion", "padding"),
    [
        ((1,) * 40, "difference", "center"),
        ((7, 30, 3), "none", "forward"),
        ((5, 5, 30), "difference", "forward"),
        ((40,), "none", "center"),
    ],
)
def test_frames_as_they_come_have_the_logits_of_the_clip(
    pieces: tuple[int, ...], motion: Any, padding: str, tmp_path: Path
) -> None:
    import_mict_ranet(
        _saved(tmp_path),
        tmp_path / "run",
        recipe=recipe_file(tmp_path),
        overrides=[f"encoder.padding={padding}"],
    )
    model = read_export(tmp_path / "run").model
    batch = clips(40)
    if motion != "none":
        maps = torch.from_numpy(motion_maps(batch.inputs[0].numpy(), motion))
        batch = replace(batch, motion=maps[None])
    with torch.no_grad():
        output = model(batch)
    whole = (output.levels["video"] + output.bias)[0]
    stream = MictStream(model, motion)
    for _ in range(2):  # a second clip, too
        parts = [stream.push(part) for part in batch.inputs[0].split(list(pieces))]
        assert len(torch.cat(parts)) == 40 - stream.delay
        torch.testing.assert_close(torch.cat([*parts, stream.finish()]), whole, rtol=1e-5, atol=1e-5)
    assert len(stream.finish()) == 0


def test_a_stream_without_frames_answers_nothing(tmp_path: Path) -> None:
    run = import_mict_ranet(_saved(tmp_path), tmp_path / "run", recipe=recipe_file(tmp_path))
    stream = MictStream(read_export(run).model, "difference")
    assert len(stream.finish()) == 0
    frames = clips(5).inputs[0]
    assert len(stream.push(frames[:0])) == 0
    assert len(stream.finish()) == 0
    assert (len(stream.push(frames[:0])), len(stream.push(frames)), len(stream.finish())) == (0, 0, 5)


def _saved(folder: Path) -> Path:
    torch.save(public_state("resnet18", WIDTHS), folder / "public.pth")
    return folder / "public.pth"


def test_no_stream_of_another_model() -> None:
    with pytest.raises(UserError) as caught:
        MictStream(nn.Linear(2, 2))
    assert str(caught.value) == "model: is no `ctc` on the encoder `mict_ranet`; others read whole clips"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": (4, 4)}, "channels: has 2 numbers, and a ResNet has 4 stages"),
        ({"kernel": 4}, "kernel: 4 is even; take an odd number of frames, which has a middle"),
    ],
)
def test_what_it_refuses(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        MictRanetConfig(**options)
    assert str(caught.value) == message


def test_a_corpus_without_video() -> None:
    with pytest.raises(UserError) as caught:
        build(MictRanetConfig(), None, 7)
    assert str(caught.value) == "encoder.name: 'mict_ranet' reads video, and the corpus has none"
    assert np.isclose(MEAN, (0.485, 0.456, 0.406)).all()
