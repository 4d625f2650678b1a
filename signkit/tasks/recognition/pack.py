"""What decoding needs beside the model, in the model's export: it can be moved as a whole."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from signkit.config.registry import ComponentConfig, build
from signkit.decode.configs import LatticeConfig
from signkit.decode.external.configs import NgramConfig
from signkit.lm.binary import ENDING, write_binary
from signkit.models.export import TrainedModel, path_options, with_paths
from signkit.tasks.recognition.external import train_text
from signkit.types import Corpus


def pack(
    model: TrainedModel, corpus: Callable[[], Corpus], temperature: float, folder: Path
) -> LatticeConfig:
    """Copy the files and the runs that the section `decode` names into a folder, and write its n-gram models
    that are made of train; gives the section that names them there.

    Parts of weight 0 are left out. Of a run its export is copied.

    Args:
        temperature: of the confidences, as fitted or given.

    Raises:
        OSError: something cannot be read or written.
    """
    decode = cast(LatticeConfig, model.recipe.decode)

    def parts(key: str) -> tuple[ComponentConfig, ...]:
        weighted: Sequence[Any] = getattr(decode, key)
        return tuple(
            _packed(part, model, corpus, folder, f"{key}.{number}")
            for number, part in enumerate(weighted)
            if part.weight != 0
        )

    return replace(
        decode,
        fusion=parts("fusion"),
        rescore=parts("rescore"),
        ensemble=tuple(_copied(Path(run), folder / f"ensemble.{n}") for n, run in enumerate(decode.ensemble)),
        temperature=temperature,
    )


def _packed(
    part: ComponentConfig, model: TrainedModel, corpus: Callable[[], Corpus], folder: Path, name: str
) -> ComponentConfig:
    """A part with what it needs in the folder."""
    paths = {
        option: _copied(path, folder / f"{name}.{option}") for option, path in path_options(part).items()
    }
    if isinstance(part, NgramConfig) and not part.file:
        paths["file"] = _estimated(part, model, corpus, folder / f"{name}.file{ENDING}")
    return with_paths(part, paths)


def _estimated(part: NgramConfig, model: TrainedModel, corpus: Callable[[], Corpus], path: Path) -> str:
    """Write the model that a part estimates from the train references."""
    vocabulary = model.spec.vocabulary
    text = train_text(corpus, vocabulary)
    scorer = build(part, vocabulary=vocabulary, model=model.model, text=text)
    write_binary(path, scorer.model, "")
    return path.name


def _copied(source: Path, target: Path) -> str:
    """Copy a file, its ending kept, or a folder, of a run's the export alone; gives the copy's name."""
    if source.is_dir():
        inner = source / "export"
        shutil.copytree(inner if inner.is_dir() else source, target / "export" if inner.is_dir() else target)
        return target.name
    endings = source.suffixes[-2:] if source.suffix == ".gz" else source.suffixes[-1:]
    target = target.with_name(target.name + "".join(endings))
    shutil.copyfile(source, target)
    return target.name
