"""HearAI's system: its recipes hold to the laws of a task, its sizes, and what is printed."""

import json
from pathlib import Path
from typing import Any

import pytest
from hearai import write_hearai
from small_recipes import small_recipe
from tiny import signkit
from torch import nn

from signkit.config.recipe_file import load_recipe
from signkit.data.hamnosys import CLASSES, NAMES, symbol
from signkit.errors import UserError
from signkit.models.assemble import assemble
from signkit.models.configs import HeadConfig
from signkit.models.spec import Labels, SignalInput, Spec
from signkit.testing import check_task

SMALL = (
    "train.batch_size=4",
    "train.warmup_steps=0",
    "train.precision=float32",
    "encoder.global_temporal.width=8",
    "encoder.global_temporal.feed_forward=8",
    "encoder.global_temporal.layers=1",
    "sampling.frames=4",
)
GCN = ("encoder.channels=[4]", "encoder.fusion_width=8")
TIMM = ("encoder.backbone=test_convnext", "encoder.weights=none", "video.resize=36", "video.crop=32")
THEIRS = {
    "hearai_hamnosys_frames": (2400, 9, 12, 4, 6, 18, 8, 5, 37),
    "hearai_hamnosys_landmarks": (3, 12, 4, 2, 9, 8, 3, 15),
}


def test_the_recipe_of_the_avatar(tmp_path: Path) -> None:
    outcome = check_task(small_recipe("hearai_hamnosys", tmp_path, *SMALL))
    assert {"hand_shape", "location", "movement"} <= {*outcome.spec.outputs}


@pytest.mark.parametrize("name", [*THEIRS])
def test_a_recipe_of_their_files(name: str, tmp_path: Path) -> None:
    recipe = small_recipe(name, tmp_path, *SMALL)
    outcome = check_task(recipe)
    assert [*outcome.spec.outputs] == [head.name for head in recipe.model.heads]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("name", "sizes"), THEIRS.items())
def test_the_sizes_of_their_heads(name: str, sizes: tuple[int, ...]) -> None:
    """Each has a hidden layer of three times its classes."""
    recipe = load_recipe(name, [*SMALL, *(TIMM if name.endswith("frames") else GCN)], check_paths=False)
    heads = recipe.model.heads  # type: ignore[attr-defined]
    outputs = {head.name: Labels(tuple(map(str, range(head.classes)))) for head in heads}
    signal = SignalInput("video", 3) if name.endswith("frames") else SignalInput("holistic", 3)
    model: Any = assemble(
        recipe, Spec({"signal": signal}, outputs), classes={n: len(o) for n, o in outputs.items()}
    )
    found = []
    for head in model.heads.values():
        hidden, out = (layer for layer in head if isinstance(layer, nn.Linear))
        assert hidden.out_features == out.in_features == 3 * out.out_features
        found.append(out.out_features)
    assert tuple(found) == sizes


def test_every_class_has_its_symbol() -> None:
    """As many classes as HearAI has, of symbols that all have a name; no symbol stands for two classes."""
    sizes = {head: len(codes) for head, codes in CLASSES.items()}
    assert sizes == dict(zip(CLASSES, (9, 12, 4, 6, 18, 8, 5, 37, 6), strict=True))
    for head, count in sizes.items():
        shown = [symbol(head, number) for number in range(count)]
        assert len({name for _, name in shown}) == count, head
        assert all(ord(letter) in NAMES for letters, _ in shown for letter in letters)


@pytest.mark.parametrize(
    ("head", "number", "letters", "name"),
    [
        ("hand_shape_base_form", 0, "\ue000", "hamfist"),
        ("hand_shape_base_form", 11, "\ue00b", "hamceeopen"),
        ("hand_shape_thumb_position", 0, "", ""),
        ("hand_shape_bending", 1, "\ue013", "hamdoublebent"),
        ("hand_position_finger_direction", 17, "\ue02e", "hamextfingerui"),
        ("hand_position_palm_orientation", 4, "\ue03c", "hampalmd"),
        ("hand_location_x", 4, "\ue058", "hamlrbeside on the right"),
        ("hand_location_y", 14, "\ue052", "hamchest"),
        ("hand_location_y", 36, "\ue069", "hamthumbside"),
        ("symmetry_operator", 4, "\ue0e8\ue010", "hamsymmpar hamfingerstraightmod"),
        ("hand_distance", 5, "\ue0d3", "hamcross"),
    ],
)
def test_symbols(head: str, number: int, letters: str, name: str) -> None:
    assert symbol(head, number) == (letters, name)


def test_heads_whose_codes_are_not_known() -> None:
    with pytest.raises(UserError) as caught:
        HeadConfig(name="location", symbols="hamnosys")
    known = ", ".join(CLASSES)
    assert (
        str(caught.value) == f"symbols: there is no table of symbols for 'location'; there is one for {known}"
    )
    with pytest.raises(UserError) as caught:
        HeadConfig(name="hand_shape_bending", classes=2, symbols="hamnosys")
    assert str(caught.value) == (
        "symbols: there is a table for 6 classes of hand_shape_bending, not 2; leave it out where the codes "
        "are others"
    )


def test_predictions_have_symbols(tmp_path: Path) -> None:
    """In a pipe after the class, and in JSON as entries of their own."""
    root = write_hearai(tmp_path / "clips", size=(8, 6))
    heads = (
        "model.heads=[{name: hand_shape_base_form, classes: 12, symbols: hamnosys}, "
        "{name: hand_location_y, classes: 37}]"
    )
    changes = (*SMALL, *TIMM, heads, f"data.root={root}", "data.folds=3", f"run.dir={tmp_path / 'runs'}")
    cheap = ("train.max_steps=1", "train.workers=0", "train.groups=[]")
    sets = (word for change in (*changes, *cheap) for word in ("--set", change))
    done = signkit("run", "hearai_hamnosys_frames", *sets)
    assert done.status == 0, done.err
    predicted = signkit("predict", done.run, root / "a", "--json")
    assert predicted.status == 0, predicted.err
    outputs = json.loads(predicted.out)["outputs"]
    shape = outputs["hand_shape_base_form"]
    assert (shape["symbol"], shape["symbol_name"]) == symbol("hand_shape_base_form", int(shape["label"]))
    assert "symbol" not in outputs["hand_location_y"]
    captions = ("--captions", tmp_path / "captions")
    plain = signkit("predict", done.run, root / "a", *captions).out
    shown = (
        f"{shape['label']} ({shape['symbol']} {shape['symbol_name']}) {outputs['hand_location_y']['label']}"
    )
    assert plain.rstrip("\n").split("\t")[1] == shown
    # Three frames of 25 a second, of which `sampling` uses four; all heads together.
    labels = f"{shape['label']} {outputs['hand_location_y']['label']}"
    written = (tmp_path / "captions/a.vtt").read_text(encoding="utf-8")
    assert written == f"WEBVTT\n\n1\n00:00:00.000 --> 00:00:00.120\n{labels}\n"


def test_symbols_are_saved_with_the_classes() -> None:
    spec = Spec({"signal": SignalInput("hands", 3)}, {"hand_shape_base_form": Labels(("0", "1"), "hamnosys")})
    again = Spec.load(Path(), spec.save(Path()))
    assert again == spec
