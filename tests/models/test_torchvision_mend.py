"""torchvision's trap, with stand-ins for its builds: matched, mismatched, broken otherwise, not there."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
MISMATCHED = """
from torch import library
from . import part
library.register_fake("torchvision::nms")(lambda dets, scores, iou_threshold: dets.new_empty(0))
library.register_fake("torchvision::qnms")(lambda dets, scores, iou_threshold: dets.new_empty(0))
"""
TELL = """
import sys
import signkit.models.torchvision_mend as door
assert "torchvision" not in sys.modules
mended = door.mend_torchvision() is not None
import torchvision
print(mended, door.mend_torchvision.__wrapped__() is None, torchvision.__name__)
"""
CASES = {  # the package torchvision, and what is run where it is installed
    "mismatched": (MISMATCHED, TELL),
    "matched": ("", TELL),
    "not mended": (MISMATCHED, "import torchvision"),
    "another fault": ("raise RuntimeError('some other fault')", TELL),
    "not installed": (None, "import signkit.models.torchvision_mend as door; print(door.mend_torchvision())"),
}
FORKED = """
import json, os, sys
import torch  # once, for it takes long
for folder, code in json.load(sys.stdin):
    sys.stdout.flush()
    if not (child := os.fork()):
        for name, number in (("out", 1), ("err", 2)):
            os.dup2(os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT), number)
        sys.path.insert(0, folder)
        try:
            exec(compile(code, "case", "exec"), {})
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """What each case prints and complains of, in a process of its own that has torch alone imported."""
    root = tmp_path_factory.mktemp("torchvision")
    orders = []
    for number, (package, code) in enumerate(CASES.values()):
        folder = root / str(number)
        if package is None:  # as if it were not installed
            folder.mkdir()
            code = "import sys; sys.modules['torchvision'] = None\n" + code
        else:
            (folder / "torchvision").mkdir(parents=True)
            (folder / "torchvision" / "__init__.py").write_text(package, encoding="utf-8")
            (folder / "torchvision" / "part.py").write_text("", encoding="utf-8")
        orders.append((str(folder), code))
    done = subprocess.run(
        [sys.executable, "-c", FORKED], input=json.dumps(orders), capture_output=True, text=True, timeout=120,
        cwd=ROOT,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    files = {name: [root / str(number) / f for f in ("out", "err")] for number, name in enumerate(CASES)}
    return {name: (out.read_text(), err.read_text()) for name, (out, err) in files.items()}


@pytest.mark.parametrize(("name", "mended"), [("mismatched", True), ("matched", False)])
def test_a_build_that_does_not_match_is_mended(
    told: dict[str, tuple[str, str]], name: str, mended: bool
) -> None:
    assert told[name] == (f"{mended} True torchvision\n", "")


def test_the_stand_in_fails_as_the_real_one_does(told: dict[str, tuple[str, str]]) -> None:
    assert told["not mended"] == ("", "RuntimeError: operator torchvision::nms does not exist\n")


def test_other_faults_stay(told: dict[str, tuple[str, str]]) -> None:
    assert told["another fault"] == ("", "RuntimeError: some other fault\n")


def test_it_need_not_be_there(told: dict[str, tuple[str, str]]) -> None:
    assert told["not installed"] == ("None\n", "")


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
