"""The letter systems at full size, and that a backbone sees what timm would show it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from images import write_images
from PIL import Image

from signkit.config.recipe import AugmentConfig, Recipe, VideoConfig
from signkit.config.recipe_file import load_recipe
from signkit.config.registry import build
from signkit.data.batch import Batch
from signkit.data.frames_augment import augment_frames
from signkit.data.video.fit import read_fitted
from signkit.data.video.still import StillImage
from signkit.models.encoders.backbone import make_backbone
from signkit.models.encoders.image_backbone import ImageBackboneFrames
from signkit.models.spec import Labels, SignalInput, Spec
from signkit.models.torchvision_mend import import_timm
from signkit.train.loop import make_optimizer, mean_loss
from signkit.train.task import task_of
from signkit.types import VIDEO

ALPHABET = Spec({"signal": SignalInput(VIDEO, 3)}, {"gloss": Labels(tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))})


def recipe_of(name: str, folder: Path, *changes: str) -> Recipe:
    return load_recipe(name, [f"data.root={folder}", *changes])


def parameters(recipe: Recipe) -> int:
    """Of the model for 26 letters, without making its numbers."""
    with torch.device("meta"):
        return sum(p.numel() for p in task_of(recipe).model(ALPHABET).parameters())


def pictures(side: int, count: int = 2) -> Batch:
    """A batch of single frames with the labels A and B."""
    pixels = torch.randint(256, (count, 1, side, side, 3), dtype=torch.uint8)
    return Batch(
        ids=tuple(map(str, range(count))),
        inputs=pixels,
        seen=torch.ones(count, 1, 1, dtype=torch.bool),
        lengths=torch.ones(count, dtype=torch.int64),
        targets=torch.arange(1, count + 1)[:, None],
        target_lengths=torch.ones(count, dtype=torch.int64),
        frame_labels=torch.zeros(count, 1, dtype=torch.int64),
        fps=torch.full((count,), 25.0),
    )


def step(recipe: Recipe, side: int) -> tuple[float, float]:
    """The loss before and after a step on the same pictures."""
    task = task_of(recipe)
    torch.manual_seed(1)
    model, batch = task.model(ALPHABET).train(), pictures(side)
    optimizer = make_optimizer(model, recipe.train)
    losses = []
    for _ in range(2):
        totals = {name: float(each.sum()) for name, each in task.weights(model, batch).items()}
        loss = mean_loss(task.loss(model, model, batch, 0.0), totals)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses[0], losses[1]


CONVOLUTIONS = sum(9 * a * b + b for a, b in ((3, 16), (16, 32), (32, 64), (64, 128)))
MOBILENET = {"035": 396_128, "050": 687_680, "100": 2_223_872, "140": 4_315_776}
"""Weights without the classifier, as timm has them."""


def test_the_sizes_of_the_cnn(tmp_path: Path) -> None:
    """16-32-64-128, a layer of 512 on 4 x 4, and 26 letters."""
    expected = CONVOLUTIONS + (128 * 16 * 512 + 512) + (512 * 26 + 26)
    assert parameters(recipe_of("letters_cnn", tmp_path)) == expected == 1_159_866
    assert parameters(recipe_of("letters_cnn", tmp_path, "encoder.grey=true")) == expected - 2 * 9 * 16


@pytest.mark.parametrize("width", MOBILENET)
def test_width_multipliers_of_mobilenet(width: str, tmp_path: Path) -> None:
    changes = (f"encoder.backbone=mobilenetv2_{width}", "encoder.weights=none")
    features = 1792 if width == "140" else 1280
    classifier = features * 26 + 26
    assert parameters(recipe_of("letters_mobilenet", tmp_path, *changes)) == MOBILENET[width] + classifier


def test_the_sizes_of_transfer(tmp_path: Path) -> None:
    """VGG16 with its two layers of 4096, ResNet50; and a classifier with a layer of 256."""
    for name, weights, width in (("vgg16", 134_260_544, 4096), ("resnet50", 23_508_032, 2048)):
        changes = (f"encoder.backbone={name}.tv_in1k", "encoder.weights=none")
        expected = weights + (width * 256 + 256) + (256 * 26 + 26)
        assert parameters(recipe_of("letters_transfer", tmp_path, *changes)) == expected


def test_the_sizes_of_the_autoencoder(tmp_path: Path) -> None:
    encoder = CONVOLUTIONS + (128 * 16 * 512 + 512)
    decoder = (
        512 * 128 * 16 + 128 * 16 + sum(16 * a * b + b for a, b in ((128, 64), (64, 32), (32, 16), (16, 3)))
    )
    assert parameters(recipe_of("letters_autoencoder_forest", tmp_path)) == encoder + decoder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("letters_transfer", ("encoder.backbone=vgg16.tv_in1k", "encoder.freeze=all")),
        ("letters_transfer", ("encoder.backbone=resnet50.tv_in1k", "encoder.freeze=2", "train.lr=1e-4")),
        ("letters_mobilenet", ("train.lr=1e-4",)),
    ],
)
def test_a_step_at_full_size(name: str, changes: tuple[str, ...], tmp_path: Path) -> None:
    recipe = recipe_of(name, tmp_path, "encoder.weights=none", "train.precision=float32", *changes)
    assert recipe.video.crop == 224
    before, after = step(recipe, 224)
    assert np.isfinite([before, after]).all() and before != after


def test_only_the_classifier_of_a_frozen_backbone_is_trained(tmp_path: Path) -> None:
    recipe = recipe_of("letters_transfer", tmp_path, "encoder.backbone=test_resnet", "encoder.weights=none")
    model = task_of(recipe).model(ALPHABET)
    assert {name.partition(".")[0] for name, p in model.named_parameters() if p.requires_grad} == {"heads"}


@pytest.mark.parametrize(("height", "width"), [(300, 400), (333, 290), (224, 224), (100, 120)])
@pytest.mark.parametrize("backbone", ["resnet50.tv_in1k", "mobilenetv2_100"])
def test_a_backbone_sees_what_timm_would_show_it(
    backbone: str, height: int, width: int, tmp_path: Path
) -> None:
    """`fit: short` with timm's own size, crop and interpolation: its transform, but for roundings."""
    rng = np.random.default_rng(height)
    coarse = rng.integers(0, 256, (height // 10, width // 10, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    image.save(tmp_path / "x.png")
    timm = import_timm()
    about = timm.data.resolve_data_config({}, model=timm.create_model("test_resnet"))
    about |= timm.data.resolve_data_config(timm.models.get_pretrained_cfg(backbone).to_dict())
    theirs = timm.data.create_transform(**about)(Image.open(tmp_path / "x.png"))
    crop = about["input_size"][1]
    video = VideoConfig(
        resize=round(crop / about["crop_pct"]), crop=crop, fit="short", interpolation=about["interpolation"]
    )
    clip = StillImage(tmp_path / "x.png", "x.png")
    pixels = read_fitted(clip, np.array([0]), video)
    seen, _ = augment_frames(pixels, video.crop, AugmentConfig(), np.random.default_rng())
    frames = ImageBackboneFrames(torch.nn.Identity(), mean=about["mean"], deviation=about["std"])
    ours = torch.from_numpy(seen.copy()).permute(0, 3, 1, 2) * frames.scale + frames.shift
    assert ours[0].shape == theirs.shape
    difference = (ours[0] - theirs).abs() * torch.tensor(about["std"])[:, None, None] * 255
    assert float(difference.max()) < 2.01
    assert float(difference.mean()) < 0.2


def test_the_recipe_of_transfer_prepares_as_timm_does(tmp_path: Path) -> None:
    recipe = recipe_of("letters_transfer", tmp_path, "encoder.weights=none")
    timm = import_timm()
    for name in (recipe.encoder.backbone, "vgg16.tv_in1k"):  # type: ignore[union-attr]
        about = timm.models.get_pretrained_cfg(name)
        assert (recipe.video.crop, recipe.video.interpolation) == (about.input_size[1], about.interpolation)
        assert round(recipe.video.crop / about.crop_pct) == recipe.video.resize
        assert recipe.video.fit == "short"


def test_a_backbones_pixels_are_normalised_once() -> None:
    """From 8 bits to timm's mean and deviation; the fault behind the source's 0.149 was to do so twice."""
    backbone = make_backbone("test_resnet", "none")
    about = backbone.pretrained_cfg
    seen: list[torch.Tensor] = []
    backbone.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    frames = ImageBackboneFrames(backbone, mean=about["mean"], deviation=about["std"]).eval()
    batch = pictures(64)
    frames(batch)
    colours = batch.inputs[:, 0].permute(0, 3, 1, 2).double() / 255
    mean, deviation = (torch.tensor(about[key]).double()[:, None, None] for key in ("mean", "std"))
    torch.testing.assert_close(seen[-1].double(), (colours - mean) / deviation, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("fit", "size", "expected"),
    [
        ("stretch", (20, 40), (16, 16)),
        ("short", (20, 40), (16, 32)),
        ("short", (41, 20), (32, 16)),
        ("pad", (20, 40), (16, 16)),
        ("pad", (41, 20), (16, 16)),
    ],
)
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_frames_that_are_no_squares(
    fit: str, size: tuple[int, int], expected: tuple[int, int], interpolation: str
) -> None:
    """A white film: where nothing is added it stays white, black is beside it, and nothing else."""
    from signkit.data.video.array import ArrayClip

    clip = ArrayClip(np.full((40, *size, 3), 255, dtype=np.uint8))
    video = VideoConfig(resize=16, crop=8, fit=fit, interpolation=interpolation)  # type: ignore[arg-type]
    places = np.array([0, 3, 3, *range(4, 40)])
    pixels = read_fitted(clip, places, video)
    assert pixels.shape == (len(places), *expected, 3)
    np.testing.assert_array_equal(pixels[0], read_fitted(clip, places[:1], video)[0])
    white = (pixels == 255).all((0, 3))
    assert ((pixels == 0).all((0, 3)) | white).all()
    if fit != "pad":
        assert white.all()
    elif size == (20, 40):
        assert white.any(1).tolist() == [False] * 4 + [True] * 8 + [False] * 4
    else:
        assert white.any(0).tolist() == [False] * 4 + [True] * 8 + [False] * 4


def test_images_reach_the_model_by_the_recipes_fit(tmp_path: Path) -> None:
    """From the corpus to the batch: a wide image on a black square."""
    root = write_images(tmp_path / "x", "AB")
    for path in root.rglob("*.png"):
        Image.new("RGB", (40, 20), (200, 100, 50)).save(path)
        path.write_bytes(path.read_bytes() + str(path).encode())  # no two files are equal
    recipe = recipe_of("letters_mobilenet", root, "video.resize=16", "video.crop=16")
    corpus = build(recipe.data)
    task = task_of(recipe)
    dataset = task.dataset(corpus.split("test"), task.spec(corpus, lambda line: None))
    frame = dataset.example(0).inputs[0]
    assert frame.shape == (16, 16, 3)
    assert (frame[:4] == 0).all() and (frame[12:] == 0).all()
    assert np.abs(frame[4:12].astype(int) - [200, 100, 50]).max() <= 1
