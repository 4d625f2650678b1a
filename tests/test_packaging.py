"""The wheel: what lies in it, and that it works from an empty folder."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from signkit import __version__
from signkit.config.assets import KINDS

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
    assert {name for name in inside if name.endswith(".py")} == modules


def test_the_metadata_is_what_an_installer_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        base = f"signkit-{__version__}.dist-info"
        meta = Parser().parsestr(archive.read(f"{base}/METADATA").decode())
        points = archive.read(f"{base}/entry_points.txt").decode()
    assert meta["License-Expression"] == "Apache-2.0"
    assert meta.get_all("License-File") == ["LICENSE", "NOTICE"]
    assert meta["Requires-Python"] == ">=3.10"
    assert set(meta.get_all("Provides-Extra") or ()) == {
        "train", "video", "landmarks", "lm", "web", "data", "docs", "all", "dev",
    }  # fmt: skip
    core = [line for line in meta.get_all("Requires-Dist") or () if "extra ==" not in line]
    assert [re.match(r"[\w-]+", line)[0] for line in core] == [  # type: ignore[index]
        "numpy", "pyyaml", "typer", "rich", "platformdirs", "sacrebleu", "jinja2",
    ]  # fmt: skip
    assert "signkit = signkit.cli.app:main" in points


def test_the_constraints_name_builds_for_a_machine_without_a_gpu() -> None:
    lines = (ROOT / "constraints-cpu.txt").read_text(encoding="utf-8").splitlines()
    assert [line.partition("==")[0] for line in lines] == ["torch", "torchvision"]


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
