"""`~` at the head of paths in recipes is expanded everywhere; variables are not, and the message says so."""

from pathlib import Path

import pytest

from signkit.config.assets import find
from signkit.config.recipe_file import find_recipe, load_recipe
from signkit.errors import UserError

RECIPE = """\
data: {name: manifest, root: ~/clips}
encoder: {name: gcn}
context: {name: none}
model: {name: ctc}
train: {losses: [{name: ctc}]}
"""
VARIABLES = "are not expanded in a recipe; write the path out; only `~` at its head is expanded"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with a corpus and a recipe, and another current folder."""
    (tmp_path / "home" / "clips").mkdir(parents=True)
    (tmp_path / "home" / "r.yaml").write_text(RECIPE, encoding="utf-8")
    (tmp_path / "home" / "p.yaml").write_text("protocol: {}\n", encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def message(home: Path, *overrides: str) -> str:
    with pytest.raises(UserError) as caught:
        load_recipe(str(home / "r.yaml"), overrides)
    return str(caught.value)


def test_a_recipe_and_its_folders(home: Path) -> None:
    recipe = load_recipe("~/r.yaml", ["run.dir=~/runs", "data.file=~/list.csv", "data.extra_text=~/t.txt"])
    assert recipe.data.root == str(home / "clips")  # type: ignore[attr-defined]
    assert recipe.data.file == str(home / "list.csv")  # type: ignore[attr-defined]
    assert recipe.data.extra_text == str(home / "t.txt")  # type: ignore[attr-defined]
    assert recipe.run.dir == str(home / "runs")
    assert find_recipe("~/r.yaml")[0] == home / "r.yaml"
    assert find("eval", "~/p.yaml") == home / "p.yaml"


@pytest.mark.parametrize(
    "override",
    [
        "data.root=~/clips",
        'data.root="~/clips"',
        "train.init_from=~/clips",
        "train.init_from.run=~/clips",
        "decode.ensemble=[~/clips]",
        "decode.fusion=[{name: ngram, file: ~/clips, weight: 1}]",
        "eval.protocol=~/p.yaml",
        "data.root=~",
    ],
)
def test_paths_that_have_to_exist(home: Path, override: str) -> None:
    recipe = load_recipe("~/r.yaml", [override])
    assert str(home) in str(recipe)
    assert "~" not in str(recipe)


def test_words_that_are_no_paths_stay(home: Path) -> None:
    recipe = load_recipe("~/r.yaml", ["encoder.name=timm", "context.name=bert"])
    assert recipe.encoder.weights == "imagenet"  # type: ignore[union-attr]
    assert recipe.context.checkpoint == "from_scratch"  # type: ignore[union-attr]
    assert recipe.run.dir == "runs"


def test_weights_and_checkpoints(home: Path) -> None:
    overrides = [
        "encoder.name=timm",
        "encoder.weights=~/w.pth",
        "context.name=bert",
        "context.checkpoint=~/b",
    ]
    recipe = load_recipe("~/r.yaml", overrides)
    assert recipe.encoder.weights == str(home / "w.pth")  # type: ignore[union-attr]
    assert recipe.context.checkpoint == str(home / "b")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("key", "path", "variable"),
    [
        ("data.root", "$HOME/clips", "$HOME"),
        ("data.root", "${HOME}/clips", "${HOME}"),
        ("data.root", "/data/$USER/clips", "$USER"),
        ("data.file", "$LISTS/m.csv", "$LISTS"),
        ("run.dir", "$SCRATCH/runs", "$SCRATCH"),
    ],
)
def test_variables_are_named(home: Path, key: str, path: str, variable: str) -> None:
    assert message(home, f"{key}={path}") == (
        f"--set {key}={path}: `{key}` is `{path}`, but variables such as `{variable}` {VARIABLES}"
    )


def test_a_folder_may_have_such_a_name(home: Path) -> None:
    Path("$HOME").mkdir()
    assert load_recipe("~/r.yaml", ["data.root=$HOME"]).data.root == str(Path.cwd() / "$HOME")  # type: ignore[attr-defined]
    assert load_recipe("~/r.yaml", ["data.file=m$1.csv"]).data.file == "m$1.csv"  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", ["data.root", "run.dir"])
def test_no_such_user(home: Path, key: str) -> None:
    assert message(home, f"{key}=~nobody-here/x") == (
        f"--set {key}=~nobody-here/x: `{key}` is `~nobody-here/x`, but there is no such home folder"
    )
