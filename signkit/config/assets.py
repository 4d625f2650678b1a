"""The YAML assets: recipes, language models (recipes and cards), scoring protocols.

They lie at the top of the source tree; a wheel carries them in the package (see ``setup.py``).
"""

import os
from pathlib import Path
from typing import Literal

from signkit.config.suggest import suggestion
from signkit.errors import UserError

Kind = Literal["recipes", "lm", "eval"]
KINDS: dict[Kind, str] = {"recipes": "recipe", "lm": "language model", "eval": "scoring protocol"}


def folder(kind: Kind) -> Path:
    """Where the assets of a kind lie: in the installed package, or in the checkout next to it."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "assets" / kind
    return installed if installed.is_dir() else package.parent / kind


def names(kind: Kind) -> tuple[str, ...]:
    """The built-in assets of a kind, sorted."""
    return tuple(sorted(path.stem for path in folder(kind).glob("*.yaml")))


def asset(kind: Kind, name: str) -> Path:
    """The file of a built-in asset.

    Raises:
        UserError: there is none of that name.
    """
    known = names(kind)
    if name not in known:
        raise UserError(name, f"no built-in {KINDS[kind]} has this name", suggestion(name, known))
    return folder(kind) / f"{name}.yaml"


def find(kind: Kind, ref: str) -> Path:
    """A user's own file, where the reference ends as one (``.yaml``), else a built-in asset.

    Raises:
        UserError: there is neither.
    """
    path = Path(os.path.expanduser(ref))
    if path.suffix not in (".yaml", ".yml"):
        return asset(kind, ref)
    if not path.is_file():
        hint = f"did you mean the built-in `{path.stem}`?" if path.stem in names(kind) else ""
        raise UserError(ref, "there is no such file", hint)
    return path
