"""Checkpoints of transformers: a folder, or a name on the Hub. Only safetensors, JSON and text are read."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from signkit.errors import OperationalError, UserError
from signkit.models.torchvision_mend import import_transformers
from signkit.runtime.paths import is_path

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


@contextmanager
def quiet_transformers() -> Iterator[Any]:
    """Import transformers and silence its reports, progress bars and warnings within the block."""
    transformers = import_transformers()
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield transformers
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def folder_of(checkpoint: str, key: str, files: Collection[str]) -> Path:
    """The folder of a checkpoint: the path itself, or the local snapshot of a name on the Hub.

    Args:
        key: of the recipe, for messages.
        files: patterns of the files that are read.

    Raises:
        UserError: there is no such folder, or no such name on the Hub.
        OperationalError: the Hub cannot be reached, or its cache cannot be written.
    """
    path = Path(checkpoint).expanduser()
    if path.is_dir():
        return path
    if is_path(checkpoint):
        raise UserError(checkpoint, "there is no such folder", f"{key} is a folder or a name on the Hub")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

    try:
        return Path(snapshot_download(checkpoint, allow_patterns=list(files)))
    except HFValidationError as error:
        raise UserError(checkpoint, "is neither a folder nor a name on the Hub") from error
    except RepositoryNotFoundError as error:
        raise UserError(checkpoint, "is no folder, and the Hub has no public model of this name") from error
    except Exception as error:  # the Hub's client also raises errors of its HTTP library
        if isinstance(error, OSError) and error.errno and not isinstance(error, ConnectionError):
            raise OperationalError(
                f"{checkpoint}: cannot be written to the Hub's cache: {error.strerror}"
            ) from error
        raise OperationalError(
            f"{checkpoint}: is no folder, is not in the Hub's cache, and the Hub cannot be reached; "
            "download it elsewhere and give its folder"
        ) from error


def config_of(folder: Path) -> dict[str, Any]:
    """The config of a checkpoint, which has a `model_type`.

    Raises:
        UserError: there is none, or it is no such config.
    """
    require(folder, ("config.json",), "config")
    where = folder / "config.json"
    try:
        config: dict[str, Any] = json.loads(where.read_bytes())
        _ = config["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(str(where), "is not the config of a model") from error
    return config


def require(folder: Path, names: tuple[str, ...], what: str) -> None:
    """Refuse a checkpoint that has none of some files.

    Raises:
        UserError: it has not.
    """
    if not any((folder / name).is_file() for name in names):
        pickled = names == WEIGHTS and (folder / "pytorch_model.bin").is_file()
        hint = "pytorch_model.bin is a pickle, which is not read: save it as safetensors" if pickled else ""
        raise UserError(str(folder), f"has no {' or '.join(names)} ({what})", hint)


def check_whole(folder: Path, loading_info: Mapping[str, Any]) -> None:
    """Refuse weights that lack some of the model's.

    Raises:
        UserError: they do.
    """
    if loading_info["missing_keys"]:
        first, *others = sorted(loading_info["missing_keys"])
        more = f" and {len(others)} more" if others else ""
        raise UserError(
            str(folder), f"its weights lack {first}{more}", "the file is of another model, or not whole"
        )
