"""The drawn house: imports go down only, torch stays out of its lower floors, nothing unsafe is called."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WITHOUT_TORCH = (
    "signkit.cli.app", "signkit.commands.recipes", "signkit.config.recipe_file", "signkit.config.registry",
    "signkit.config.assets",
    "signkit.types", "signkit.text.vocabulary", "signkit.eval.scores", "signkit.eval.protocols",
    "signkit.lm", "signkit.commands.lm", "signkit.commands.score",
)  # fmt: skip


def test_imports_go_down_only() -> None:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    result = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stdout
    assert "Contracts: 1 kept, 0 broken." in result.stdout


def test_the_lower_floors_do_not_import_torch() -> None:
    code = f"import sys, {', '.join(WITHOUT_TORCH)}\n"
    code += "print([m for m in ('torch', 'transformers', 'jinja2', 'matplotlib') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr) == ("[]\n", "")


def test_no_module_reads_pickles_or_runs_text() -> None:
    """But the one restricted reader, which has its own tests."""
    modules = sorted((ROOT / "signkit").rglob("*.py"))
    assert modules
    assert [
        f"{path.relative_to(ROOT)}, {what}"
        for path in modules
        for what in unsafe(ast.parse(path.read_text(encoding="utf-8")))
        if not (path == ROOT / "signkit/runtime/unpickle.py" and what.endswith(": import pickle"))
    ] == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import pickle", "import pickle"),
        ("from dill import load", "import dill"),
        ("eval('1')", "eval"),
        ("yaml.load(text)", "yaml.load"),
        ("torch.load(path)", "torch.load"),
        ("torch.load(path, weights_only=False)", "torch.load"),
        ("torch.load(path, map_location='cpu', weights_only=True)", None),
        ("np.load(path, allow_pickle=True)", "allow_pickle"),
        ("os.system('ls')", "os.system"),
        ("run('ls', shell=True)", "shell"),
        ("model.eval()", None),
        ("np.load(path, allow_pickle=False)", None),
    ],
)
def test_the_search_finds_what_is_unsafe(code: str, found: str | None) -> None:
    assert list(unsafe(ast.parse(code))) == ([f"line 1: {found}"] if found else [])


def unsafe(tree: ast.AST) -> Iterator[str]:
    """Imports of pickles and calls that run or unpickle what they are given."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            modules = (
                [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            )
            for module in modules:
                if module.partition(".")[0] in (
                    "pickle",
                    "dill",
                    "cloudpickle",
                    "joblib",
                    "shelve",
                    "marshal",
                ):
                    yield f"line {node.lineno}: import {module}"
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name == "torch.load" and "weights_only=True" in map(ast.unparse, node.keywords):
                name = "tensors alone"
            if name in (
                "eval",
                "exec",
                "yaml.load",
                "yaml.unsafe_load",
                "yaml.full_load",
                "torch.load",
                "os.system",
            ):
                yield f"line {node.lineno}: {name}"
            for keyword in node.keywords:
                if keyword.arg in ("allow_pickle", "shell") and ast.unparse(keyword.value) != "False":
                    yield f"line {node.lineno}: {keyword.arg}"
