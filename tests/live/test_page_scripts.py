"""The page's scripts by themselves: tests in JavaScript, which node runs."""

import subprocess
from pathlib import Path

import pytest
from live_page import NODE

HERE = Path(__file__).parent


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_in_javascript() -> None:
    files = sorted(map(str, HERE.glob("*.test.mjs")))
    assert len(files) >= 4
    ran = subprocess.run([str(NODE), "--test", *files], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout
    assert "# fail 0" in ran.stdout or "fail 0" in ran.stdout
