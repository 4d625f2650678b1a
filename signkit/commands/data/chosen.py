"""The corpus that a verb is about: that of a recipe, or one by its name."""

import json
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from signkit.config.recipe_file import load_recipe
from signkit.config.registry import ComponentConfig, config_class, registered
from signkit.config.strict_yaml import Group, is_address, read
from signkit.errors import UserError


@dataclass(frozen=True, kw_only=True)
class _Choice:
    """A corpus without the rest of a recipe."""

    data: Annotated[ComponentConfig, Group("corpora")]


def chosen_corpus(ref: str, root: str | Path | None, overrides: Sequence[str]) -> Any:
    """The options of the corpus of a recipe, or of one by its name.

    >>> chosen_corpus("synthetic", None, ["data.train=3"]).train
    3

    Args:
        ref: a recipe's name or file, or a corpus's name.
        root: the corpus's folder or its address, its ``data.root``.
        overrides: options of the corpus, ``data.KEY=VALUE``.

    Raises:
        UserError: there is no such recipe or corpus, or all that is wrong in its options.
    """
    if root is not None and not is_address(str(root)):
        root = Path(root)
        if not root.exists():
            raise UserError("--root", f"there is no folder {root}")
    if isinstance(root, Path) and ref == "manifest" and root.is_file():
        hint = f"--root {root.parent} --set data.file={root.name}"
        raise UserError("--root", f"{root} is a file; root is the folder, data.file names the manifest", hint)
    if ref not in registered("corpora"):
        more = [f"data.root={json.dumps(str(root), ensure_ascii=False)}"] if root is not None else []
        return load_recipe(ref, [*more, *overrides]).data
    known = {field.name: field for field in fields(config_class("corpora", ref))}
    if root is not None and "root" not in known:
        raise UserError("--root", f"the corpus {ref!r} reads no folder")
    given = root is not None or any(each.startswith("data.root=") for each in overrides)
    if not given and "root" in known and known["root"].default is MISSING:
        raise UserError("--root", f"the corpus {ref!r} needs its folder", f"{ref} --root DIR")
    values = {"name": ref} | ({"root": str(root)} if root is not None else {})
    text = json.dumps({"data": values}, ensure_ascii=False)
    return read(text, f"corpus {ref}", _Choice, overrides, folder=Path()).data
