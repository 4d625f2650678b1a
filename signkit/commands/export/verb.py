"""`signkit export`: a finished run's model for use without signkit."""

import json
import os
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, get_args

from signkit.commands.live.language import language_of, spelled_by
from signkit.commands.live.site import OPEN_IT, check_assets, is_site, write_site
from signkit.commands.predict.options import PredictOptions
from signkit.commands.predict.search import load_model
from signkit.errors import UserError
from signkit.models.export import TrainedModel
from signkit.models.onnx.folder import BOUNDS, OnnxExport, write_onnx
from signkit.models.onnx.names import LANGUAGE, LEXICON
from signkit.models.onnx.read import OnnxModel, is_onnx
from signkit.models.onnx.smaller import Precision
from signkit.runtime.files import read_text
from signkit.runtime.runs import RunRef, find_run

To = Literal["onnx", "web"]
"""What a model is exported to."""


def export(
    run: RunRef,
    folder: str | os.PathLike[str],
    *,
    to: To = "onnx",
    precision: Precision = "float32",
    force: bool = False,
    lm: str | os.PathLike[str] | None = None,
    lexicon: str | os.PathLike[str] | None = None,
) -> OnnxExport:
    """Write the model of a finished run as a folder with an ONNX graph: the whole folder or nothing.

    The graph does all preprocessing, and reads the points of a clip or the pixels of an image as files have
    them. It is checked by onnxruntime: its probabilities are those of the model to 1e-4, with weights in
    float16 to 0.01, in int8 to 0.1. docs/export.md lists the files of the folder; `signkit.load` opens it.

    Args:
        run: as `signkit.load` takes it.
        to: ``onnx``; or ``web``, a page with the model for any static host, as `signkit live` serves it.
        precision: of the weights: ``float32``, ``float16`` (half the size) or ``int8`` (a quarter); the graph
            computes in float32 all the same.
        force: replace the folder of an earlier export.
        lm: of a model that spells, an n-gram model of characters (ARPA or its archive), for the page.
        lexicon: a list of words, a word a line, the most frequent first, for the page.

    Raises:
        UserError: the run is not finished, its model cannot be exported, a package is missing, the folder
            is there already, or the language model or the lexicon cannot be used.
        OperationalError: the graph differs from the model, or the folder cannot be written.
    """
    for name, value, known in (("to", to, get_args(To)), ("precision", precision, tuple(BOUNDS))):
        if value not in known:
            raise UserError(name, f"{value!r} is none of {', '.join(known)}")
    if to == "web":
        check_assets("export --to web")
    target, source = Path(folder), find_run(run)
    _check_target(target, force)
    trained = load_model(source, PredictOptions())
    if isinstance(trained.model, OnnxModel):
        raise UserError(str(source), "is exported already", "give the run itself")
    more = _for_words(trained, source, lm, lexicon)
    if to == "onnx":
        return write_onnx(target, trained, source, precision, more)
    with tempfile.TemporaryDirectory(prefix="signkit-") as temporary:
        found = write_onnx(Path(temporary) / "model", trained, source, precision, more)
        write_site(found.folder, target)
    return replace(found, folder=target)


def _for_words(
    trained: TrainedModel,
    run: Path,
    lm: str | os.PathLike[str] | None,
    lexicon: str | os.PathLike[str] | None,
) -> dict[str, bytes]:
    """The files with which the page makes words of letters."""
    found: dict[str, bytes] = {}
    if lm is not None:
        found[LANGUAGE] = language_of(Path(lm), spelled_by(trained, run))
    if lexicon is not None:
        found[LEXICON] = read_text(Path(lexicon)).encode()
    return found


def _check_target(folder: Path, force: bool) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        if not (is_onnx(folder) or is_site(folder)):
            raise UserError(str(folder), "is a folder of other files", "give a new one")
        if not force:
            raise UserError(str(folder), "has an export already", "--force replaces it")
    elif folder.exists() and not folder.is_dir():
        raise UserError(str(folder), "is a file", "give a folder")


def export_run(
    run: str,
    folder: Path,
    *,
    to: To,
    precision: Precision,
    force: bool,
    lm: Path | None,
    lexicon: Path | None,
    as_json: bool,
) -> int:
    """The verb: write the folder and say what is in it; the last line printed is the folder."""
    found = export(run, folder, to=to, precision=precision, force=force, lm=lm, lexicon=lexicon)
    if as_json:
        plain: dict[str, Any] = {**asdict(found), "folder": str(found.folder), "bound": BOUNDS[precision]}
        print(json.dumps(plain, ensure_ascii=False))
        return 0
    size, apart = f"{found.size / 1e6:.1f} MB", f"{found.difference:.2g}"
    bound = f"{BOUNDS[precision]:g} is allowed"
    what = f"{precision}, {size}; probabilities differ from the model's by up to {apart} ({bound})"
    graph = found.folder / ("model.onnx" if to == "onnx" else "model/model.onnx")
    print(f"{graph}: {what}", file=sys.stderr)
    if to == "web":
        print(f"{found.folder / 'index.html'}: {OPEN_IT}", file=sys.stderr)
    print(found.folder)
    return 0
