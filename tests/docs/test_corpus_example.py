"""The corpus reader of docs/corpora.md, beside signkit: true to the laws, listed, checked, and its faults."""

import json
from pathlib import Path

import pytest
from example_package import lay_out, run
from tiny import write_corpus

pytestmark = pytest.mark.slow


COUNTED = """
from lines_corpus.config import LinesConfig
from signkit.config.registry import build
from signkit.errors import UserError

try:
    corpus = build(LinesConfig(root="data"))
    print(corpus.width * 4, *(len(corpus.split(name)) for name in ("train", "dev", "test")))
except UserError as error:
    print(error)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return lay_out("corpora.md", tmp_path)


def test_it_is_true_to_the_laws(package: Path) -> None:
    assert "1 passed" in run(package, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_lines.py")


def test_it_is_a_corpus_like_any_other(package: Path) -> None:
    """And the faults of its list have their line."""
    known = json.loads(run(package, "-m", "signkit", "list", "--json"))
    assert known["corpora"]["lines"] == "A folder of landmark files with a list of their glosses, lines.txt."
    data = write_corpus(package / "data", train=4, dev=2, test=1)
    rows = [row.split(",") for row in (data / "manifest.csv").read_text().splitlines()[1:]]
    lines = "".join(f"{split}|{path}|{gloss}\n" for _, path, gloss, split in rows)
    (data / "lines.txt").write_text(lines)
    assert run(package, "-c", COUNTED) == "8 4 2 1\n"
    recipe = ("check", "quickstart", "--set", "data={name: lines, root: data}")
    assert run(package, "-m", "signkit", *recipe) == "recipes/quickstart.yaml: ok\n"
    for broken, message in (
        ("train|train0.npz\n", "has no three columns; split|file|glosses"),
        ("train|gone.npz|A\n", "there is no such file"),
        ("all|train0.npz|A\n", "split 'all' is none of train, dev, test"),
    ):
        (data / "lines.txt").write_text(lines + broken)
        assert run(package, "-c", COUNTED) == f"{Path('data', 'lines.txt')}:8: {message}\n"
