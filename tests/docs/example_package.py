"""A package that a document shows, laid out as an installation would, and commands run beside it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from reference import ROOT


def lay_out(document: str, folder: Path) -> Path:
    """Write the files that a document shows into a folder, with the package's metadata; the folder."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    files = dict(
        re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    )
    project = files.pop("pyproject.toml")
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    (package,) = {Path(name).parent.name for name in files if "/" in name}
    points = re.sub(r'^\[project\.entry-points\."(.+)"\]$', r"[\1]", project, flags=re.MULTILINE)
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(points.replace('"', ""))
    return folder


def run(folder: Path, *args: str, status: int = 0, quiet: bool = True) -> str:
    """What Python prints beside the package. Its status must be this one, and it says no more if quiet."""
    paths = [str(folder), str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    result = subprocess.run(
        [sys.executable, "-W", "error", *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (result.returncode, result.stderr if quiet else "") == (status, ""), result.stderr
    return result.stdout
