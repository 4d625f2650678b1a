"""Copies of external models and ensembles in an export, so that it can be moved as a whole."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from signkit.config.registry import ComponentConfig, build
from signkit.decode.configs import SearchConfig
from signkit.decode.external.configs import NgramConfig
from signkit.lm.binary import ENDING, write_binary
from signkit.models.export import TrainedModel, path_options, with_paths
from signkit.tasks.transcripts.external import train_text
from signkit.types import Corpus


def pack(model: TrainedModel, corpus: Callable[[], Corpus], temperature: float, folder: Path) -> SearchConfig:
    """Copy the files and runs that the section `decode` refers to into a folder.

    N-gram models that are estimated from the train references are written there, too. External models of
    weight 0 are left out. Of a run, its export is copied.

    Args:
        corpus: returns the run's corpus, for n-gram models.
        temperature: of the confidences.
        folder: the export.

    Returns:
        The section `decode` with the names of the copies, relative to the folder.

    Raises:
        OSError: something cannot be read or written.
    """
    decode = cast(SearchConfig, model.recipe.decode)

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
    """The options of an external model, with its files copied into the folder."""
    paths = {
        option: _copied(path, folder / f"{name}.{option}") for option, path in path_options(part).items()
    }
    if isinstance(part, NgramConfig) and not part.file:
        paths["file"] = _estimated(part, model, corpus, folder / f"{name}.file{ENDING}")
    return with_paths(part, paths)


def _estimated(part: NgramConfig, model: TrainedModel, corpus: Callable[[], Corpus], path: Path) -> str:
    """Write an n-gram model that is estimated from the train references; returns the file's name."""
    vocabulary = model.spec.vocabulary
    text = train_text(corpus, vocabulary)
    scorer = build(part, vocabulary=vocabulary, model=model.model, text=text)
    write_binary(path, scorer.model, "")
    return path.name


def _copied(source: Path, target: Path) -> str:
    """Copy a file under its own suffix, or a folder (of a run, the export only); returns the copy's name."""
    if source.is_dir():
        inner = source / "export"
        shutil.copytree(inner if inner.is_dir() else source, target / "export" if inner.is_dir() else target)
        return target.name
    endings = source.suffixes[-2:] if source.suffix == ".gz" else source.suffixes[-1:]
    target = target.with_name(target.name + "".join(endings))
    shutil.copyfile(source, target)
    return target.name
