"""The documents with commands, run as a reader would: their blocks in order, against the output they show."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from reference import ROOT

pytestmark = pytest.mark.slow

PROGRESS = re.compile(r"^.* [0-9]+/[0-9]+, [0-9]+ s left.*\n", flags=re.MULTILINE)
"""A line that is printed every half minute, so on a busy machine alone."""
MARKED = re.compile(r"^<!-- (run|output) -->\n```(\w+)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


def script(blocks: list[tuple[str, str]]) -> str:
    """The blocks as one shell script; what each prints goes into a file of its number."""
    lines = ["set -euo pipefail"]
    for number, (language, content) in enumerate(blocks):
        body = content if language == "bash" else f"python - <<'BLOCK'\n{content}BLOCK\n"
        lines.append(f"{{\n{body}}} > out.{number} 2>&1")
    return "\n".join(lines) + "\n"


def as_shown(output: str, expected: str) -> bool:
    """Whether output is what the tutorial shows: `…` stands for the rest of a line, alone for any lines."""
    lines = (re.escape(line).replace("…", ".*") + "\n" for line in expected.splitlines())
    pattern = "".join("(.*\n)*" if line == ".*\n" else line for line in lines)
    return re.fullmatch(pattern, PROGRESS.sub("", output)) is not None


@pytest.mark.parametrize(
    ("document", "runs", "outputs", "others"),
    [
        ("tutorial.md", 9, 8, ["bash", ""]),
        ("scoring.md", 5, 5, ["bash", "", "yaml", ""]),
        ("decoding.md", 4, 3, []),
        ("language_models.md", 4, 4, ["yaml", "", "yaml", ""]),
    ],  # others: make quickstart, and files that are not there
)
def test_a_document_runs_and_prints_what_it_shows(
    document: str, runs: int, outputs: int, others: list[str], tmp_path: Path
) -> None:
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    blocks: list[tuple[str, str]] = []
    shown: dict[int, str] = {}
    for kind, language, content in MARKED.findall(text):
        if kind == "run":
            blocks.append((language, content))
        else:
            shown[len(blocks) - 1] = content
    assert (len(blocks), len(shown)) == (runs, outputs)
    unmarked = re.sub(MARKED, "", text)
    assert re.findall(r"^```(\w*)", unmarked, flags=re.MULTILINE) == others
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    result = subprocess.run(
        ["bash", "-c", script(blocks)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    printed = {n: p.read_text() for n in range(len(blocks)) if (p := tmp_path / f"out.{n}").exists()}
    assert (result.returncode, result.stderr) == (0, ""), printed[max(printed)]
    for number, expected in shown.items():
        assert as_shown(printed[number], expected), f"{blocks[number][1]}printed\n{printed[number]}"
