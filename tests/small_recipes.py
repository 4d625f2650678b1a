"""Which built-in recipes are of stages, changes that make recipes small, and recipes made small."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hearai import FRAMES, write_hearai, write_points
from images import write_images
from media import moving, write_frames
from official import lines
from segmented import write_segmented
from seq2seq_checkpoints import write_checkpoint
from tiny import write_corpus, write_text
from translated import write_pairs

from signkit.config.assets import asset, names
from signkit.config.recipe import Recipe
from signkit.config.recipe_file import is_of_ngrams, load_recipe, sections
from signkit.config.registry import component_name
from signkit.data.corpora.configs import HearaiConfig, ManifestConfig

OF_STAGES = tuple(name for name in names("recipes") if "stages" in sections(asset("recipes", name)))
SINGLE = tuple(name for name in names("recipes") if name not in OF_STAGES)

COMPOSED = ("data.people=4", "data.rate=2", "data.longest=4", "data.phrases=0")
MICT = (
    "encoder.backbone=resnet18",
    "encoder.channels=[4, 4, 4, 4]",
    "encoder.hidden=8",
    "encoder.weights=none",
    "video.resize=32",
    "video.crop=32",
)
WRITTEN = (
    "text.pieces=40",
    "encoder.width=8",
    "encoder.global_temporal.layers=1",
    "encoder.global_temporal.width=8",
    "encoder.global_temporal.feed_forward=8",
    "model.width=8",
    "model.layers=1",
    "model.feed_forward=8",
)
SQUEEZEFORMER = ("encoder.width=8", "encoder.blocks=1", "encoder.heads=2", "encoder.kernel=3")
TRANSFORMER = ("encoder.width=8", "encoder.layers=1", "encoder.heads=2", "encoder.feed_forward=8")

SMALL = (
    "train.batch_size=4",
    "train.accumulate=1",
    "train.warmup_steps=0",
    "train.precision=float32",
    "train.init_from=",
    "train.too_long=skip",
)
SIZES = {"width": 8, "layers": 1, "heads": 2, "feed_forward": 16, "positions": 64, "dropout": 0.1}
NARROW = ("encoder.local_temporal.width=8", "encoder.global_temporal.width=4")
GCN = ("encoder.channels=[4]", "encoder.fusion_width=8", *NARROW)
TIMM = ("encoder.backbone=test_convnext", "encoder.weights=none", "video.resize=36", "video.crop=32", *NARROW)
SYNTHETIC = (
    "data.train=8",
    "data.dev=3",
    "data.test=2",
    "data.extra_sentences=8",
    "data.homonyms=0.2",
    "data.signs=12",
)
SPLITS = ("data.train=8", "data.dev=3", "data.test=2")
MADE_UP = {"synthetic": SYNTHETIC, "composed": (*SPLITS, *COMPOSED)}
HAND = ("encoder.width=8", *NARROW)
POINTS = ("encoder.width=8", "encoder.global_temporal.width=4", "model.width=8", "sampling.frames=12")
LETTERS = ("data.train=2", "data.dev=1", "data.test=1", "data.people=4", "encoder.width=8")
AVATAR = ("data.train=24", "data.dev=6", "data.test=6", "data.signs=24", "data.signers=8")
SEGMENTS = ("encoder.local_temporal.width=8", "model.trees=10", "data.folds=4", "data.dev_in_train=false")
CONV = ("encoder.width=8", "sampling.frames=4")
PIXELS = ("video.resize=36", "video.crop=32")
BACKBONE = ("encoder.backbone=test_resnet", "encoder.weights=none")
CNN = ("encoder.channels=[4,8]", "encoder.width=8")
OF_IMAGES = {
    "letters_cnn": CNN,
    "digits_cnn": CNN,
    "letters_transfer": BACKBONE,
    "letters_mobilenet": BACKBONE,
    "letters_autoencoder_forest": (*CNN, "model.channels=[8,4]", "model.size=32", "model.trees=[3,5]"),
}
"""Recipes that read a folder of images, and how they are made small."""
LANGUAGE_MODELS = [
    name
    for name in names("lm")
    if not is_of_ngrams(asset("lm", name)) and "model" in asset("lm", name).read_text(encoding="utf-8")
]


def small_recipe(name: str, folder: Path, *changes: str) -> Recipe:
    """A built-in recipe with few narrow layers, on a small corpus that is made in a folder."""
    if name.startswith("lm/"):
        text = write_text(folder / "text", train=10, dev=4)
        made = [f"data.{split}=[{text / f'{split}.txt'}]" for split in ("train", "dev", "test")]
        whole = load_recipe(name, made)
        return load_recipe(name, [*made, *_context_of(whole, folder), *changes])
    if name in OF_IMAGES:
        root = write_images(folder / "images", "ABC", 6, size=36)
        return load_recipe(name, [f"data.root={root}", *PIXELS, *OF_IMAGES[name], *changes])
    if name == "hand_letters":
        return load_recipe(name, [*LETTERS, *changes])
    if name.startswith("hearai"):
        return _hearai(name, folder, changes)
    if name == "segment_classify":
        root = write_segmented(folder / "corpus")
        return load_recipe(name, [*SEGMENTS, f"data.root={root}", *changes])
    whole = load_recipe(name, ["train.init_from="], check_paths=False)
    given = ["train.init_from=", *_parts_of(whole, folder), *_context_of(whole, folder)]
    if whole.task in ("recognition", "sequence"):
        given.append("decode.beam=2")
    if whole.task == "sequence":
        of_text = getattr(whole.data, "reference", "gloss") == "text"
        given.append(f"decode.longest={40 if of_text else 4}")  # weights at random have no end
    if getattr(whole.data, "written", False):
        pairs = f"data={{name: parallel, root: {write_pairs(folder / 'pairs')}}}"
        return load_recipe(name, [*given, pairs, *changes])
    if (corpus := component_name("corpora", whole.data)) in MADE_UP:
        return load_recipe(name, [*given, *MADE_UP[corpus], *changes])
    recipe = load_recipe(name, [*given, *changes], check_paths=False)
    return replace(recipe, data=ManifestConfig(root=str(_corpus_like(whole, folder))))


def _hearai(name: str, folder: Path, changes: Sequence[str]) -> Recipe:
    short = ("encoder.global_temporal.width=8", "encoder.global_temporal.layers=1", "sampling.frames=4")
    if name == "hearai_hamnosys":
        return load_recipe(name, [*short, *AVATAR, "encoder.width=8", *changes])
    root = write_hearai(folder / "clips", size=(8, 6))
    clips = [f"{clip} {start} {start + 1}" for clip, frames in FRAMES.items() for start in range(frames - 1)]
    numbers = [f"{clip} {n % 3} 1 {n % 4} 0 2 {n % 8} 1 9" for n, clip in enumerate(clips)]
    lines(root / "test_hamnosys.txt", numbers)
    lines(root / "test_gloss.txt", [f"{clip} {n % 2}" for n, clip in enumerate(clips)])
    write_points(root)
    of_encoder = TIMM[:4] if name.endswith("frames") else GCN[:2]
    short = (*short, "model.heads.0.hidden=8")
    recipe = load_recipe(name, [*short, *of_encoder, *changes], check_paths=False)
    data: Any = recipe.data
    made = HearaiConfig(root=str(root), gloss=data.gloss, signal=data.signal, folds=3)
    return replace(recipe, data=made)


def _parts_of(recipe: Recipe, folder: Path) -> tuple[str, ...]:
    if recipe.encoder is None:  # the checkpoint has one
        return (f"model.checkpoint={write_checkpoint(folder / 'checkpoint')}",)
    return _encoder_of(recipe)


def _encoder_of(recipe: Recipe) -> tuple[str, ...]:
    name = component_name("encoders", recipe.encoder)  # type: ignore[arg-type]
    attending = {"squeezeformer": SQUEEZEFORMER, "landmark_transformer": TRANSFORMER}
    video = {"timm": TIMM, "mict_ranet": MICT}
    written = {"text": WRITTEN}
    points = {"gcn": GCN, "kinematic": NARROW, "hand": HAND, "points": POINTS, "conv_transformer": CONV}
    return {**points, **video, **attending, **written}[name]


def _context_of(recipe: Recipe, folder: Path) -> tuple[str, ...]:
    context: Any = recipe.context
    if hasattr(context, "card"):
        (folder / "card.yaml").write_text("\n".join(f"{key}: {value}" for key, value in SIZES.items()))
        more = ("context.pretrain_steps=1",) if context.pretrain_steps else ()
        return (f"context.card={folder / 'card.yaml'}", *more)
    return ("context.width=8",) if hasattr(context, "width") else ()


def _corpus_like(recipe: Recipe, folder: Path) -> Path:
    """A manifest of clips of the kind that the recipe's encoder reads."""
    if component_name("corpora", recipe.data) == "boston104":
        return write_corpus(folder / "corpus", train=8, dev=3, test=2)
    rows = ["id,path,gloss,split"]
    for number in range(11):
        split = "train" if number < 7 else "dev" if number < 9 else "test"
        glosses = " ".join(("RED", "BLUE", "GREEN")[: 1 + number % 3])
        if component_name("encoders", recipe.encoder) in ("timm", "mict_ranet"):  # type: ignore[arg-type]
            path = write_frames(folder / f"{number}", moving(12 + number, 24, 24))
        else:
            path = folder / f"{number}.npz"
            points = np.random.default_rng(number).normal(size=(12 + number, 543, 3)).astype(np.float32)
            np.savez(path, landmarks=points, layout=np.array("holistic"))
        rows.append(f"c{number},{path.name},{glosses},{split}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder
