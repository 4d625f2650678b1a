"""The names of timm's models: its own list, older names, and those of the Hub; nothing is downloaded."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from signkit.config.registry import check_extra
from signkit.errors import UserError

WHERE = "encoder.backbone"
NAMED = 3
"""Names that a message suggests, at most."""


def timm_of(purpose: str) -> Any:
    """Import timm.

    Raises:
        UserError: it is not installed.
    """
    try:
        from signkit.models.torchvision_mend import import_timm  # with torch, which may not be there

        return import_timm()
    except ImportError as error:
        check_extra(error, purpose)
        raise


def timm_name(timm: Any, name: str) -> str:
    """The name under which timm knows a model today.

    Older names become those that timm maps them to (``tv_densenet121`` is ``densenet121.tv_in1k``); the
    Hub's names of timm's own models lose their beginning (``hf-hub:timm/resnet18.a1_in1k``).

    Raises:
        UserError: there is none; the message has the nearest names, or the tags of the model.
    """
    plain = re.sub(r"^(hf[-_]hub:)?timm/", "", name)
    if not plain:
        raise UserError(WHERE, "is empty", "the name of a timm model, such as `resnet18`")
    if re.search(r"[:/]", plain):
        what = f"`{name}` is no model of timm's own"
        raise UserError(WHERE, what, "take the name of its architecture, and its file as encoder.weights")
    older: dict[str, str | None] = timm.models.get_deprecated_models()
    architecture, _, tag = plain.partition(".")
    current = plain
    if architecture in older:
        successor = older[architecture]
        if successor is None:
            raise UserError(WHERE, f"`{name}` has been removed from timm", _near(plain, timm))
        architecture, _, usual = successor.partition(".")
        tag = tag or usual
        current = f"{architecture}.{tag}" if tag else architecture
    if not timm.is_model(architecture):
        raise UserError(WHERE, f"timm has no model `{name}`", _near(plain, timm))
    tags = [known.partition(".")[2] for known in timm.models.get_arch_pretrained_cfgs(architecture)]
    if tag and tag not in tags:
        known = ", ".join(f"`{each}`" for each in sorted(filter(None, tags)))
        what = f"timm has no weights `{tag}` of `{architecture}`"
        raise UserError(WHERE, what, f"it has {known}" if known else "leave them out")
    return current


def _near(name: str, timm: Any) -> str:
    near = nearest_names(name, timm.list_models())
    if not near:
        return "`timm.list_models()` names them all"
    *others, last = (f"`{each}`" for each in near)
    return f"did you mean {', '.join(others)} or {last}?" if others else f"did you mean {last}?"


def nearest_names(name: str, known: Iterable[str]) -> list[str]:
    """The known names most like this one, at most `NAMED`; capitals, dashes and a tag do not count."""
    word = re.sub(r"[-\s]", "_", name.partition(".")[0].lower())[:100]
    names = sorted(known, key=len)
    inside = [each for each in names if len(word) > 3 and word in each]
    near = difflib.get_close_matches(word, names, NAMED, cutoff=0.8)
    return list(dict.fromkeys([*near, *inside]))[:NAMED] or difflib.get_close_matches(word, names, 1)


def check_backbone(name: str, weights: str) -> str:
    """Look a backbone up in timm's list, without building it or asking the Hub.

    Args:
        weights: ``imagenet``, ``none`` or a file.

    Returns:
        A note: its name today, where timm has renamed it, or that timm is not installed; "" otherwise.

    Raises:
        UserError: timm has no such model, or no weights of it, or there is no such file.
    """
    if weights not in ("imagenet", "none"):
        weights_file(weights)
    try:
        timm = timm_of("the name of the backbone")
    except UserError:
        return f"`{name}` was not looked up: timm is not installed; pip install 'signkit[video]'"
    current = timm_name(timm, name)
    if weights == "imagenet":
        weights_of(timm, current)
    return f"`{name}` is timm's `{current}`" if current != name else ""


def weights_file(path: str) -> Path:
    """The file of weights at a path.

    Raises:
        UserError: there is none.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        hint = "encoder.weights is `imagenet`, `none` or a file"
        raise UserError("encoder.weights", f"there is no file {path}", hint)
    return file


def weights_of(timm: Any, name: str) -> tuple[str, str]:
    """Where timm has the weights of a model: the repository on the Hub, and a file in it or "".

    Raises:
        UserError: it has none.
    """
    about = timm.models.get_pretrained_cfg(name)
    if about is None or not about.hf_hub_id:
        what = f"timm has no weights of `{name}`"
        raise UserError("encoder.weights", what, "take `none`, or a file of weights")
    return str(about.hf_hub_id), str(about.hf_hub_filename or "")
