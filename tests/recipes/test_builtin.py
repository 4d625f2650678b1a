"""Every recipe that comes with the program does a step, decodes and scores, on a corpus made small."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fingerspelled import aslfr, chicagofswild
from seq2seq_checkpoints import write_checkpoint
from small_recipes import COMPOSED, MICT, OF_STAGES, SINGLE, SQUEEZEFORMER, TRANSFORMER, WRITTEN
from tiny import signkit
from translated import write_pairs

from signkit.config.recipe import Recipe
from signkit.config.recipe_file import load_pipeline, load_recipe
from signkit.config.registry import build, component_name
from signkit.eval.metrics import main_figure
from signkit.eval.protocols import load as load_protocol

pytestmark = pytest.mark.slow

SMALL = (
    "train.max_steps=1",
    "train.batch_size=4",
    "train.warmup_steps=0",
    "train.workers=0",
    "train.init_from=",
)
SYNTHETIC = ("data.train=12", "data.dev=3", "data.test=3", "data.extra_sentences=20")
SPLITS = ("data.train=12", "data.dev=3", "data.test=3")
NARROW = ("encoder.local_temporal.width=16", "encoder.global_temporal.width=8")
SWIN = ("encoder.backbone=test_convnext", "encoder.weights=none", "video.resize=36", "video.crop=32", *NARROW)
GCN = ("encoder.channels=[4]", "encoder.fusion_width=8", *NARROW)
ALL_CLIPS = ("data.least_frames_per_character=0", "data.least_hand_frames=0")
OFFICIAL = ("phoenix2014", "phoenix2014t", "csl_daily")


RECOGNISERS = [
    name
    for name in SINGLE
    if load_recipe(name, check_paths=False).task in ("recognition", "sequence", "segmentation")
]


@pytest.mark.parametrize("name", RECOGNISERS)
def test_a_step(name: str, tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    recipe = load_recipe(name, ["train.init_from="], check_paths=False)
    changes = [*SMALL, f"run.dir={tmp_path / 'runs'}", *corpus_of(recipe, tmp_path, real_data)]
    if recipe.task == "segmentation":
        pytest.importorskip("sklearn")
        changes.append("model.trees=2")
    else:
        changes.append("decode.beam=2")
    if hasattr(recipe.context, "pretrain_steps"):
        changes.append("context.pretrain_steps=1")
    if recipe.task == "sequence":
        changes.append("decode.longest=40")  # weights at random have no end
    done = signkit("run", name, *(word for change in changes for word in ("--set", change)))
    assert done.status == 0, done.err
    scores = json.loads((done.run / "scores.json").read_text(encoding="utf-8"))["metrics"]
    splits = {"dev", "test"} - ({"dev"} if component_name("corpora", recipe.data) == "manifest" else set())
    figure = main_figure(load_protocol(recipe.eval.protocol))
    assert {(row["name"], row["split"]) for row in scores} >= {(figure, split) for split in splits}


@pytest.mark.parametrize("name", OF_STAGES)
def test_a_step_of_each_stage(name: str, tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    pipeline = load_pipeline(name, check_paths=False)
    assert pipeline is not None
    changes = [f"run.dir={tmp_path / 'runs'}"]
    for number, stage in enumerate(pipeline.stages):
        small = (*SMALL, "decode.beam=2", *corpus_of(stage, tmp_path / stage.name, real_data))
        changes += [f"stages.{number}.{change}" for change in small]
    done = signkit("run", name, *(word for change in changes for word in ("--set", change)))
    assert done.status == 0, done.err
    for stage in pipeline.stages:
        assert json.loads((done.run / stage.name / "status.json").read_text())["state"] == "finished"


def corpus_of(recipe: Recipe, folder: Path, real_data: Callable[[str], Path]) -> tuple[str, ...]:
    """What a recipe is to be told of a small corpus, and of an encoder that suits it."""
    corpus = component_name("corpora", recipe.data)
    if corpus == "recognised":
        return ("encoder.width=8", *WRITTEN[2:])
    if getattr(recipe.data, "written", False):
        pairs = f"data={{name: parallel, root: {write_pairs(folder / 'pairs')}}}"
        if recipe.encoder is None:
            return (pairs, f"model.checkpoint={write_checkpoint(folder / 'checkpoint')}")
        return (pairs, *WRITTEN)
    if corpus == "synthetic":
        return SYNTHETIC
    if corpus == "composed":
        if recipe.data.video:  # type: ignore[attr-defined]
            return (*SPLITS, *COMPOSED, "data.video=32", *MICT)
        return (*SPLITS, *COMPOSED, "encoder.width=16", *NARROW)
    if corpus == "aslfr":
        of_encoder = {"squeezeformer": SQUEEZEFORMER, "landmark_transformer": TRANSFORMER}
        encoder = of_encoder[component_name("encoders", recipe.encoder)]  # type: ignore[arg-type]
        return (f"data.root={aslfr(folder / 'aslfr')}", "data.folds=3", *ALL_CLIPS, *encoder)
    if corpus == "boston104":
        return (f"data.root={real_data('boston104_hands')}",)
    if corpus == "manifest":
        return (f"data.root={clips_of_landmarks(folder)}", *GCN)
    if corpus == "chicagofswild":
        root = f"data.root={chicagofswild(folder / 'spelled')}"
        return (root, *(MICT if hasattr(recipe.encoder, "attention") else SWIN))
    assert corpus in OFFICIAL, f"{corpus}: say here how a small one is made"
    root = folder / "made"
    sizes = ("--train", 6, "--dev", 2, "--test", 2, "--glosses", 12, "--size", 24, "--signers", 2)
    made = signkit("data", "synth", "--layout", corpus, root, *sizes)
    assert made.status == 0, made.err
    if not recipe.data.landmarks:  # type: ignore[attr-defined]
        return (f"data.root={root}", *SWIN)
    for sample in build(type(recipe.data)(root=str(root))).samples:
        write_landmarks(folder / "landmarks" / sample.split / f"{sample.id}.npz", sample.frames)
    return (f"data.root={root}", f"data.landmarks={folder / 'landmarks'}", *GCN)


def write_landmarks(path: Path, frames: int) -> None:
    """As `signkit landmarks` would, of somebody who trembles."""
    path.parent.mkdir(parents=True, exist_ok=True)
    points = np.random.default_rng(frames).normal(size=(frames, 543, 3)).astype(np.float32)
    np.savez(path, landmarks=points, layout=np.array("holistic"))


def clips_of_landmarks(folder: Path) -> Path:
    rows = ["id,path,gloss,split"]
    for number in range(8):
        write_landmarks(folder / f"{number}.npz", 12 + number)
        rows.append(
            f"c{number},{number}.npz,{'RED' if number % 2 else 'BLUE'},{'test' if number > 5 else 'train'}"
        )
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_frames_that_the_backbone_does_not_take(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    """It is said before BERT learns a word, and nothing is left behind."""
    recipe = load_recipe("c2st_phoenix", check_paths=False)
    size = ("encoder.backbone=test_vit", "video.resize=40", "video.crop=40")
    changes = [*SMALL, f"run.dir={tmp_path / 'runs'}", *corpus_of(recipe, tmp_path, real_data), *size]
    done = signkit("run", "c2st_phoenix", *(word for change in changes for word in ("--set", change)))
    assert (done.status, done.out) == (2, "")
    assert done.err.splitlines()[-1] == (
        "error: video.crop: the backbone takes no frames of 40 x 40: Input height (40) should be divisible "
        "by patch size (16); it was made for 160 x 160"
    )
    assert "context" not in done.err
    assert not (tmp_path / "runs").exists()
