"""The wheel: what lies in it, and that it works from an empty folder."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from signkit import __version__
from signkit.config.assets import KINDS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
BUILT_FROM = (
    "signkit",
    "recipes",
    "lm",
    "eval",
    "pyproject.toml",
    "setup.py",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
    "NOTICE",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that nothing is left in the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(source),
    ]
    built = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("signkit-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed wheel and nothing else."""
    target = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    command += ["--disable-pip-version-check", "--target", str(target), str(wheel)]
    subprocess.run(command, check=True, timeout=300)
    return target


def run(installed: Path, empty: Path, *args: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, *args], cwd=empty, env=environment, capture_output=True, text=True, timeout=120
    )


def test_the_wheels_only_top_level_name_is_signkit(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"signkit", f"signkit-{__version__}.dist-info"}


def test_the_wheel_carries_every_asset_and_module(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    assets = {f"signkit/assets/{kind}/{path.name}" for kind in KINDS for path in (ROOT / kind).glob("*.yaml")}
    assert {name for name in inside if name.startswith("signkit/assets/")} == assets
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "signkit").rglob("*.py")}
    templates = {str(path.relative_to(ROOT)) for path in (ROOT / "signkit/report/templates").iterdir()}
    assert {name for name in inside if "/templates/" in name} == templates != set()
    page = ROOT / "signkit/commands/live/page"
    files = {str(path.relative_to(ROOT)) for path in page.rglob("*") if path.is_file()}
    assert {name for name in inside if "/live/page/" in name} == files != set()
    assert "signkit/py.typed" in inside  # its annotations are for type checkers of other packages, too
    assert {name for name in inside if name.endswith(".py")} == modules
    carried = {str(path.relative_to(ROOT)) for path in (ROOT / "signkit/models/carried").glob("*/**/*.*")}
    carried |= {str(path.relative_to(ROOT)) for path in (ROOT / "signkit/models/carried").rglob("SHA256SUMS")}
    assert {name for name in inside if "/carried/" in name} == carried != set()


def test_the_metadata_is_what_an_installer_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        base = f"signkit-{__version__}.dist-info"
        meta = Parser().parsestr(archive.read(f"{base}/METADATA").decode())
        points = archive.read(f"{base}/entry_points.txt").decode()
    assert meta["License-Expression"] == "Apache-2.0"
    assert meta.get_all("License-File") == ["LICENSE", "NOTICE"]
    assert meta["Requires-Python"] == ">=3.10"
    assert set(meta.get_all("Provides-Extra") or ()) == {
        "train", "video", "landmarks", "lm", "classic", "web", "data", "cluster", "docs", "all", "dev",
    }  # fmt: skip
    required = [line.replace('"', "'") for line in meta.get_all("Requires-Dist") or ()]
    names = re.findall(
        r"signkit\[([\w,]+)\]", " ".join(line for line in required if "extra == 'all'" in line)
    )
    assert names == ["classic,data,landmarks,lm,train,video"]
    core = [line for line in meta.get_all("Requires-Dist") or () if "extra ==" not in line]
    assert [re.match(r"[\w-]+", line)[0] for line in core] == [  # type: ignore[index]
        "numpy", "pyyaml", "typer", "rich", "platformdirs", "sacrebleu", "jinja2",
    ]  # fmt: skip
    assert "signkit = signkit.cli.app:main" in points


def releases(path: Path) -> dict[str, str]:
    """The exact releases that a file of constraints names; nothing else may be in it."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line) for line in lines), path
    return {plain(line.partition("==")[0]): line.partition("==")[2] for line in lines}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_for(extra: str) -> dict[str, str]:
    """All that an extra of signkit brings into this environment, with what that needs in turn."""
    found: dict[str, str] = {}
    waiting = [("signkit", extra)]
    seen = set(waiting)
    while waiting:
        name, wanted = waiting.pop()
        distribution = metadata.distribution(name)
        found[plain(name)] = distribution.version.partition("+")[0]
        for line in distribution.requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": wanted}):
                more = {(needed.name, each) for each in ("", *needed.extras)} - seen
                seen |= more
                waiting += more
    del found["signkit"]
    return found


def test_a_tested_set_has_the_torch_that_needs_no_gpu_and_no_address() -> None:
    torch = releases(ROOT / "constraints" / "torch-cpu.txt")
    assert list(torch) == ["torch", "torchvision"]
    sets = sorted((ROOT / "constraints").glob("python3.*.txt"))
    assert sets
    for path in sets:
        assert torch.items() <= releases(path).items()


def test_a_tested_set_is_complete() -> None:
    """Asked where it is installed: no package comes in that it does not name."""
    path = ROOT / "constraints" / f"python3.{sys.version_info.minor}.txt"
    if not path.is_file():
        pytest.skip(f"no set of releases was tested with Python 3.{sys.version_info.minor}")
    tested, here = releases(path), installed_for("dev")
    if any(tested.get(name, version) != version for name, version in here.items()):
        pytest.skip("other releases are installed than those of the tested set")
    assert here.keys() <= tested.keys()


def test_an_installed_wheel_works_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    where = run(installed, tmp_path, "-c", "import signkit; print(signkit.__file__)")
    assert where.stdout == f"{installed / 'signkit' / '__init__.py'}\n"
    for ref in ("quickstart", "recipes/quickstart.yaml"):
        checked = run(installed, tmp_path, "-m", "signkit", "check", ref)
        assert (checked.returncode, checked.stdout, checked.stderr) == (
            0,
            "recipes/quickstart.yaml: ok\n",
            "",
        )
    shown = run(installed, tmp_path, "-m", "signkit", "show", "recipes/quickstart.yaml", "--json")
    assert json.loads(shown.stdout)["name"] == "quickstart"
    listed = run(installed, tmp_path, "-m", "signkit", "list", "--json")
    assert list(json.loads(listed.stdout)["recipes"]) == sorted(
        path.stem for path in (ROOT / "recipes").glob("*.yaml")
    )
    assert list(tmp_path.iterdir()) == []
