"""What decoding needs beside the model, in the model's export: it can be moved as a whole."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from signkit.config.recipe import DecodeConfig
from signkit.config.registry import ComponentConfig, build
from signkit.decode.external.configs import NgramConfig
from signkit.lm.binary import ENDING, write_binary
from signkit.models.export import path_options, with_paths
from signkit.tasks.recognition.external import train_text
from signkit.train.setup import Prepared


def pack(decode: DecodeConfig, prepared: Prepared, temperature: float, folder: Path) -> DecodeConfig:
    """Copy the files and the runs that a section names into a folder, and write its n-gram models that are
    made of train; gives the section that names them there.

    Parts of weight 0 are left out. Of a run its export is copied.

    Args:
        temperature: of the confidences, as fitted or given.

    Raises:
        OSError: something cannot be read or written.
    """
    ensemble = tuple(_copied(Path(run), folder / f"ensemble.{n}") for n, run in enumerate(decode.ensemble))
    return replace(
        decode,
        fusion=_parts(decode.fusion, "fusion", prepared, folder),
        rescore=_parts(decode.rescore, "rescore", prepared, folder),
        ensemble=ensemble,
        temperature=temperature,
    )


def _parts(
    parts: Sequence[ComponentConfig], key: str, prepared: Prepared, folder: Path
) -> tuple[ComponentConfig, ...]:
    kept = []
    for number, part in enumerate(parts):
        if part.weight == 0:  # type: ignore[attr-defined]
            continue
        name = f"{key}.{number}"
        paths = {
            option: _copied(path, folder / f"{name}.{option}") for option, path in path_options(part).items()
        }
        if isinstance(part, NgramConfig) and not part.file:
            paths["file"] = _made(part, prepared, folder / f"{name}.file{ENDING}")
        kept.append(with_paths(part, paths))
    return tuple(kept)


def _made(part: NgramConfig, prepared: Prepared, path: Path) -> str:
    """Write the model that a part makes of the train references."""
    text = train_text(prepared.corpus, prepared.vocabulary)
    scorer = build(part, vocabulary=prepared.vocabulary, model=prepared.model, text=text)
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
