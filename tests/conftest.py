"""Where the real data lies, when it is there. Shapes are checked, and Ctrl-C reaches what tests start."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell in the background hands it down
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # of tests that import onnxruntime by themselves

ROOT = Path(__file__).resolve().parent.parent

SHAPED = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "signkit").rglob("*.py")
    if re.search("from (jaxtyping|signkit.data.shapes) import", path.read_text(encoding="utf-8"))
]
"""Modules that annotate shapes: in these every call is checked. Elsewhere mypy does, and calls stay fast."""
install_import_hook(SHAPED, "beartype.beartype")


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """Gives the folder of a real data set, or skips the test where it is absent."""
    base = Path(os.environ.get("SIGNKIT_TEST_DATA", ROOT.parent / "shared" / "data"))

    def find(name: str) -> Path:
        if not (base / name).is_dir():
            pytest.skip(f"real data {name!r} is not at {base} (set SIGNKIT_TEST_DATA)")
        return base / name

    return find
