"""Shared fixtures: where the real data lies, when it is there."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """Gives the folder of a real data set, or skips the test where it is absent."""
    base = Path(os.environ.get("SIGNKIT_TEST_DATA", ROOT.parent / "shared" / "data"))

    def find(name: str) -> Path:
        if not (base / name).is_dir():
            pytest.skip(f"real data {name!r} is not at {base} (set SIGNKIT_TEST_DATA)")
        return base / name

    return find
