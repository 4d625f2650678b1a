"""torchvision's trap, with stand-ins for its builds: matched, mismatched, broken otherwise, not there."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MISMATCHED = """
from torch import library
from . import part
library.register_fake("torchvision::nms")(lambda dets, scores, iou_threshold: dets.new_empty(0))
library.register_fake("torchvision::qnms")(lambda dets, scores, iou_threshold: dets.new_empty(0))
"""
TELL = """
import signkit.models.torchvision_mend as door
import torchvision
print(door.SIGNATURES is not None, door.mend_torchvision() is None, torchvision.__name__)
"""


def run(folder: Path, package: str | None, code: str = TELL) -> subprocess.CompletedProcess[str]:
    """The code where torchvision is this package; None: where there is none."""
    if package is None:
        block = "import sys; sys.modules['torchvision'] = None\n"  # as if it were not installed
        code = block + code
    else:
        (folder / "torchvision").mkdir()
        (folder / "torchvision" / "__init__.py").write_text(package, encoding="utf-8")
        (folder / "torchvision" / "part.py").write_text("", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environment, cwd=folder
    )


@pytest.mark.parametrize(
    ("package", "mended"), [(MISMATCHED, True), ("", False)], ids=["mismatched", "matched"]
)
def test_a_build_that_does_not_match_is_mended(package: str, mended: bool, tmp_path: Path) -> None:
    done = run(tmp_path, package)
    assert (done.stdout, done.stderr) == (f"{mended} True torchvision\n", "")


def test_the_stand_in_fails_as_the_real_one_does(tmp_path: Path) -> None:
    done = run(tmp_path, MISMATCHED, "import torchvision")
    assert done.stderr.splitlines()[-1] == "RuntimeError: operator torchvision::nms does not exist"


def test_other_faults_stay(tmp_path: Path) -> None:
    done = run(tmp_path, "raise RuntimeError('some other fault')")
    assert done.stderr.splitlines()[-1] == "RuntimeError: some other fault"


def test_it_need_not_be_there(tmp_path: Path) -> None:
    done = run(tmp_path, None, "import signkit.models.torchvision_mend as door; print(door.SIGNATURES)")
    assert (done.stdout, done.stderr) == ("None\n", "")


def test_timm_and_transformers_come_through_the_door() -> None:
    """The real ones, as they are installed; in a process of its own, which has imported neither."""
    pytest.importorskip("torch")
    code = "import signkit.models.torchvision_mend as door; print(door.import_timm().__name__)\n"
    code += "print(door.import_transformers().BertModel.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout == "timm\nBertModel\n", done.stderr


def test_nobody_goes_another_way() -> None:
    """`import timm` and `import transformers` stand in one module; what follows them is taken from there."""
    others = []
    for path in sorted((ROOT / "signkit").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if {name.partition(".")[0] for name in names} & {"timm", "transformers", "torchvision"}:
                others.append(path.name)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("timm", "torchvision")):
                others.append(path.name)
    assert set(others) == {"torchvision_mend.py"}
