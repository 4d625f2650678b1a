"""The page with a model in it: the files a browser loads, and the same as a folder for any static host."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signkit.data.builtin_layouts import HAND
from signkit.errors import OperationalError, UserError
from signkit.models.onnx.names import DESCRIPTION, GOLDEN, LANGUAGE, LEXICON, MODEL
from signkit.runtime.files import whole_folder

PAGE = Path(__file__).parent / "page"
VENDOR = "vendor"
MODEL_FILES = (MODEL, DESCRIPTION, GOLDEN, LEXICON, LANGUAGE)
"""What is taken of an exported folder; the last three need not be there."""
NEEDED = MODEL_FILES[:2]
INDEX, SIZES = "index.html", "files.json"
OPEN_IT = "browsers give it a camera over https or on localhost only, and open no such page as a file"
"""What a user has to know of a page that was written."""

# MediaPipe and onnxruntime compile WebAssembly and evaluate no text; a dropped video is a blob of the page.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "connect-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
"""The page's Content-Security-Policy: nothing is loaded from elsewhere, and nothing is sent."""


@dataclass(frozen=True, slots=True)
class Site:
    """The files of a page by their paths in it, with slashes: a file of the disk, or its content."""

    files: dict[str, Path | bytes]

    def size(self, name: str) -> int:
        """Of a file, in bytes."""
        content = self.files[name]
        return len(content) if isinstance(content, bytes) else content.stat().st_size

    def read(self, name: str) -> bytes:
        """The content of a file."""
        content = self.files[name]
        return content if isinstance(content, bytes) else content.read_bytes()


def is_exported(folder: Path) -> bool:
    """Whether a folder holds an exported model."""
    return all((folder / name).is_file() for name in NEEDED)


def is_site(folder: Path) -> bool:
    """Whether a folder holds a page that was written."""
    return all((folder / name).is_file() for name in (INDEX, SIZES))


def check_assets(purpose: str) -> None:
    """Whether the page has the libraries that it loads.

    Raises:
        UserError: they were not built.
    """
    if not (PAGE / VENDOR).is_dir():
        what = "the page's libraries (onnxruntime-web, @mediapipe/hands) are not built"
        raise UserError(
            purpose, what, "run `make web` in a checkout of signkit, which needs npm, and install that"
        )


def check_searchless(described: Mapping[str, Any], where: Path) -> None:
    """Whether a model names symbols by itself, by its description.

    Raises:
        UserError: it has a context or a decoder, with which texts have to be searched.
    """
    if "topology" in described or "end" in described:
        what = "the model finds its texts by a search, which neither the page nor an export does"
        hint = (
            "--camera or --video read with the run itself, if it is a C2ST that streams (docs/streaming.md)"
        )
        raise UserError(str(where), what, hint)


def check_readable(model: Path) -> None:
    """Whether the page can give the model of an exported folder what it reads: images, or points of hands.

    Raises:
        UserError: it reads points of the body or the face, or its texts have to be searched.
        OperationalError: the folder is damaged.
    """
    path = model / "model.json"
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        check_searchless(described, model)
        given = described["input"]
        points = [re.sub("^(left|right)_hand_", "", name) for name in given.get("points", ())]
        layout = given.get("layout")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise OperationalError(f"{path}: is not the description of an exported model") from None
    if set(points) - set(HAND):
        what = f"the model reads points of the layout {layout!r}, and the page tracks hands alone"
        raise UserError(str(model), what, "--camera or --video of `signkit live` track the whole body")


def site_of(model: Path) -> Site:
    """The page with the model of an exported folder.

    ``files.json`` has the sizes of what the page loads before it can start.

    Raises:
        UserError: the page's libraries were not built, or it cannot track what the model reads.
        OperationalError: the folder is damaged.
    """
    check_assets("signkit live")
    check_readable(model)
    page = [path for path in sorted(PAGE.rglob("*")) if path.is_file()]
    files: dict[str, Path | bytes] = {path.relative_to(PAGE).as_posix(): path for path in page}
    files |= {f"model/{name}": model / name for name in MODEL_FILES if (model / name).is_file()}
    site = Site(files)
    loaded = [name for name in files if name.startswith(("model/", f"{VENDOR}/"))]
    left_out = ("model/model.json", "model/golden.json")  # read first, and by tests alone
    sizes = {name: site.size(name) for name in loaded if name not in left_out and not name.endswith(".txt")}
    if (lexicon := f"model/{LEXICON}") in files:
        sizes[lexicon] = site.size(lexicon)
    files[SIZES] = json.dumps(sizes, indent=1).encode()
    return site


def write_site(model: Path, folder: Path) -> None:
    """Write the page with the model of an exported folder, for any static host: the whole folder or nothing.

    Paths are relative, no header is needed of the host, and the policy is in the page. Browsers give a camera
    to pages of https and of localhost only.

    Args:
        folder: is replaced if it exists.

    Raises:
        UserError: the page's libraries were not built.
        OperationalError: the folder cannot be written.
    """
    site = site_of(model)
    index = site.read(INDEX).decode()
    meta = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    site.files[INDEX] = index.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n{meta}').encode()
    with whole_folder(folder) as aside:
        for name in site.files:
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            (aside / name).write_bytes(site.read(name))
