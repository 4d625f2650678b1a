"""onnxruntime is told to send nothing before it is imported; a user who has said otherwise is obeyed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from signkit.models.onnx.trace import SILENT

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


@pytest.mark.parametrize(("said", "seen"), [({}, ["1", "disabled"]), ({SILENT: "0"}, ["0"])])
def test_it_is_told_before_it_is_imported(said: dict[str, str], seen: list[str], tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text(FAKE, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != SILENT}
    ran = subprocess.run(
        [sys.executable, "-c", "from signkit.models.onnx.trace import session; print(session(b''))"],
        env={**environment, **said, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.strip() == str(seen)
