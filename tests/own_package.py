"""A package of components, `my-signs`, each with its faults as an option; laid out as installed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from signkit.config.registry import entry_points_of
from signkit.data import layouts

CONFIGS = '''
from dataclasses import dataclass
from typing import Annotated, ClassVar

from signkit.config.strict_yaml import Range
from signkit.models.losses.configs import LossTerm


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """An encoder of landmarks."""

    factory: ClassVar[str] = "my_signs.parts:encoder"
    fault: str = ""
    width: Annotated[int, Range(1)] = 8


@dataclass(frozen=True, kw_only=True)
class LossConfig(LossTerm):
    """A loss."""

    factory: ClassVar[str] = "my_signs.parts:loss"
    fault: str = ""


@dataclass(frozen=True, kw_only=True)
class CorpusConfig:
    """A corpus of gloves."""

    factory: ClassVar[str] = "my_signs.parts:corpus"
    fault: str = ""
    layout: str = "glove"


@dataclass(frozen=True, kw_only=True)
class ReaderConfig(EncoderConfig):
    """An encoder whose options say that it reads features."""

    reads: ClassVar[str] = "features"


@dataclass(frozen=True, kw_only=True)
class GoneConfig:
    """An encoder whose factory is not there."""

    factory: ClassVar[str] = "my_signs.parts:gone"


@dataclass(frozen=True, kw_only=True)
class NowhereConfig:
    """An encoder whose factory's module is not there."""

    factory: ClassVar[str] = "my_signs.nowhere:encoder"


@dataclass(frozen=True, kw_only=True)
class DefaultsConfig:
    """An encoder with defaults that no recipe could give."""

    factory: ClassVar[str] = "my_signs.parts:encoder"
    width: Annotated[int, Range(1)] = "64"
    layers: Annotated[int, Range(1)] = 0
    names: tuple[str, ...] = ("a", 1)
'''

PARTS = """
import numpy as np
import torch
from functools import partial
from types import SimpleNamespace
from signkit.data.layouts import Layout
from signkit.losses import ctc_loss
from signkit.models.encoders.protocol import EncoderOutput
from signkit.types import Corpus, Landmarks, Sample
from torch import nn

GLOVE = Layout(
    name="glove", points=("a", "b", "c", "d"), parts={"left_hand": (0, 1), "right_hand": (2, 3)},
    edges=((0, 1), (2, 3)), mirror=(2, 3, 0, 1), root=(0, 2), scale=((0, 1), (2, 3)),
)


def wrong(levels, lengths, auxiliary):
    # as an EncoderOutput, whose shapes the tests would check before signkit does
    return SimpleNamespace(levels=levels, lengths=lengths, auxiliary=auxiliary)


class Own(nn.Module):
    reads = "landmarks"

    def __init__(self, config, layout, width):
        super().__init__()
        self.fault, size = config.fault, config.width
        self.dims = {"chunk": size, "video": size}
        if self.fault == "dims":
            self.dims = {"video": size}
        if self.fault == "reads":
            self.reads = "features"
        self.linear = nn.Linear(len(layout.points) * width, size)

    def forward(self, batch):
        inside = torch.arange(batch.inputs.shape[1]) < batch.lengths[:, None]
        features = torch.relu(self.linear(batch.inputs.flatten(2))) * inside[..., None]
        levels = {"chunk": features, "video": features}
        nothing = features.new_zeros(len(features))
        if self.fault == "raises":
            raise RuntimeError("mat1 and\\n  mat2 do not fit")
        if self.fault == "raises in training" and self.training:
            return features.no_such_thing
        if self.fault == "auxiliary in training" and self.training:
            nothing = nothing.sum()
        faulty = {
            "None": None,
            "bare": features,
            "levels": wrong(features, batch.lengths, nothing),
            "one level": wrong({"video": features}, batch.lengths, nothing),
            "flat": wrong({"chunk": features[:, 0], "video": features}, batch.lengths, nothing),
            "narrow": wrong({"chunk": features[..., 1:], "video": features}, batch.lengths, nothing),
            "lengths": wrong(levels, batch.lengths.float(), nothing),
            "auxiliary": wrong(levels, batch.lengths, nothing.sum()),
        }
        if self.fault in faulty:
            return faulty[self.fault]
        return EncoderOutput(levels, batch.lengths, nothing)

    def output_lengths(self, lengths):
        return lengths[:1] if self.fault == "promise" else lengths

    def chunk_centres(self, chunks):
        return None if self.fault == "centres" else torch.arange(chunks)


def encoder(config, layout, width):
    if config.fault == "gives None":
        return None
    if config.fault == "gives a module":
        return nn.Linear(2, 2)
    if config.fault == "factory raises":
        return layout["points"]
    return Own(config, layout, width)


def loss(config, *, topology):
    if config.fault == "gives None":
        return None
    if config.fault == "factory raises":
        raise KeyError("x")

    def term(logits, batch, propose):
        bias = logits.bias.expand(len(batch.ids), 1, -1)
        each = ctc_loss(logits.levels["video"], bias, batch.targets, logits.lengths, batch.target_lengths)
        if config.fault == "raises":
            raise ZeroDivisionError
        faulty = {
            "None": None, "float": 1.0, "scalar": each.mean(), "one more": torch.cat([each, each[:1]]),
            "column": each[:, None], "whole": each.long(), "nan": each * float("nan"),
        }
        return faulty.get(config.fault, each)

    return term


def load(seed, fault, frames=12):
    if fault == "load raises":
        raise ValueError("torn file")
    if fault == "load gives None":
        return None
    points = np.random.default_rng(seed).normal(size=(frames, 4, 3)).astype(np.float32)
    return points if fault == "load gives an array" else Landmarks(points, "glove")


def corpus(config):
    if config.fault == "None":
        return None
    splits = ["train"] * 4 + ["dev"] * 2
    samples = tuple(
        Sample(f"{s}{i}", s, ("A", "B"), 12, partial(load, i, config.fault)) for i, s in enumerate(splits)
    )
    if config.fault == "list":
        return list(samples)
    if config.fault == "raises":
        return samples["train"]
    return Corpus("own", samples, config.layout, 3, fingerprint="1")
"""

POINTS = """
[signkit.encoders]
my_encoder = my_signs.configs:EncoderConfig
gone = my_signs.configs:GoneConfig
reader = my_signs.configs:ReaderConfig
nowhere = my_signs.configs:NowhereConfig
defaults = my_signs.configs:DefaultsConfig

[signkit.losses]
my_loss = my_signs.configs:LossConfig

[signkit.corpora]
my_corpus = my_signs.configs:CorpusConfig

[signkit.layouts]
glove = my_signs.parts:GLOVE
"""

RECIPE = """
data: {name: my_corpus}
encoder: {name: my_encoder}
context: {name: none}
model: {name: ctc}
train: {losses: [{name: my_loss}], max_steps: 1, batch_size: 4, eval_every: 0, precision: float32}
decode: {beam: 1}
"""
NAMED = "(package my-signs 1.0)"


def write_package(folder: Path, version: str = "1.0") -> Path:
    """The package and its metadata, as an installation has them."""
    package, info = folder / "my_signs", folder / "my_signs-1.0.dist-info"
    for each in (package, info):
        each.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "configs.py").write_text(CONFIGS)
    (package / "parts.py").write_text(PARTS)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: my-signs\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(POINTS)
    return folder


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """The package can be imported within the block, and only there."""
    sys.path.insert(0, str(folder))
    forget()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        forget()


def forget() -> None:
    """Read the entry points and the package anew when they are needed."""
    entry_points_of.cache_clear()
    layouts._outside.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_signs"]:
        del sys.modules[name]


def line_of(text: str) -> int:
    """The line of `parts.py` that has a text."""
    return next(number for number, line in enumerate(PARTS.splitlines(), start=1) if text in line)
