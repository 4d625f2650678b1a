"""onnxruntime is told to send nothing before it is imported; a user who has said otherwise is obeyed."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from signkit.models.onnx.trace import SILENT, session

FAKE = """
import os

SEEN = [os.environ.get("ORT_DISABLE_TELEMETRY")]


def disable_telemetry_events():
    SEEN.append("disabled")


class SessionOptions:
    pass


def InferenceSession(content, options, providers):
    return SEEN
"""


@pytest.mark.parametrize(("said", "seen"), [(None, ["1", "disabled"]), ("0", ["0"])])
def test_it_is_told_before_it_is_imported(
    said: str | None, seen: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "onnxruntime.py").write_text(FAKE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "onnxruntime", ModuleType("onnxruntime"))  # which is put back afterwards
    del sys.modules["onnxruntime"]
    monkeypatch.setenv(SILENT, said or "")
    if said is None:
        monkeypatch.delenv(SILENT)
    assert session(b"") == seen
