"""What the documents refer to is there: files, images, verbs; and what the code refers to in them."""

import re
from pathlib import Path

import pytest
import typer
from reference import ROOT, fenced

from signkit.cli.app import app
from signkit.config.assets import names

ROOTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/RESULTS.md")
DOCUMENTS = [ROOT / name for name in ROOTS] + sorted(ROOT.glob("docs/*.md"))
CODE = [
    p
    for kind in ("signkit", "recipes", "lm", "eval")
    for p in sorted((ROOT / kind).rglob("*"))
    if p.suffix in (".py", ".yaml")
]
by_name = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)


def headings(path: Path) -> set[str]:
    return {
        line.lstrip("# ") for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")
    }


@by_name
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if ":" not in link and not (path.parent / link).exists()] == []


@by_name
def test_commands_are_those_of_the_program(path: Path) -> None:
    group = typer.main.get_command(app)
    verbs = dict(group.commands)  # type: ignore[attr-defined]
    for block in fenced(path.read_text(encoding="utf-8"), "bash"):
        for verb, rest in re.findall(r"^(?:\w+=\$\()?signkit (\w+)(.*)$", block, flags=re.MULTILINE):
            assert verb in verbs, verb
            command = verbs[verb]
            if hasattr(command, "commands"):  # `lm train`, `data fetch`
                command = command.commands[rest.split()[0]]
            options = {name for parameter in command.params for name in parameter.opts}
            assert set(re.findall(r"(?<= )--[a-z-]+", rest.partition("#")[0])) <= options | {"--help"}


@by_name
def test_no_path_of_a_machine(path: Path) -> None:
    assert re.findall(r"(?<![\w.])/(?:home|root|tmp|work|Users)\b.*", path.read_text(encoding="utf-8")) == []


@by_name
def test_nothing_is_left_to_be_filled_in(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"@[A-Z][A-Z0-9]*@|\b(?:TODO|TBD|FIXME)\b", text) == []
    assert (
        re.findall(r"^[^#`\n]*[^#\s`]#{2,4} .*$", text, flags=re.MULTILINE) == []
    )  # a heading within a line


def test_what_the_code_says_of_the_documents_is_true() -> None:
    wanted = set()
    for path in CODE:
        text = " ".join(path.read_text(encoding="utf-8").split())
        found = re.finditer(r'docs/(\w+\.md)(?:, "([^"]+)"|, ([A-Z]{2,}))?', text)
        wanted |= {(match[1], match[2] or match[3]) for match in found}
    assert wanted, "no reference was found"
    for name, title in sorted(wanted, key=str):
        document = ROOT / "docs" / name
        assert document.is_file(), name
        assert title is None or title in headings(document), f"{name}: {title}"


def test_the_readme_names_every_recipe() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in names("recipes") if f"`{name}`" not in text] == []
    assert "make quickstart" in text and "make test" in text


def test_the_readmes_encoder_is_that_of_the_architecture() -> None:
    readme, whole = (
        (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/architecture.md")
    )
    example = readme.partition("\n## Add an encoder\n")[2].partition("\n## ")[0]
    blocks = fenced(example, "python") + fenced(example, "toml")
    assert len(blocks) == 2
    lines = [line.partition("  #")[0].rstrip() for block in blocks for line in block.splitlines()]
    assert [line for line in lines if line and line not in whole] == []
