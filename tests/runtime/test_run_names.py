"""Runs by name, and what their folders say: states, steps, sizes; no torch."""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

import signkit
from signkit import UserError
from signkit.cli.app import main
from signkit.commands.grid.show import GridPoint
from signkit.runtime.no_run import no_run
from signkit.runtime.run_folder import Clock, locked
from signkit.runtime.runs import describe, find_run, latest, run_folders

SCORE = {"name": "wer", "value": 0.25, "split": "dev", "low": None, "high": None}


def make(
    path: str, state: str = "finished", *, steps: int = 3, content: str = "train:\n  max_steps: 5\n"
) -> Path:
    """The folder of a run, as far as it is looked at."""
    folder = Path(path)
    folder.mkdir(parents=True)
    (folder / "resolved.yaml").write_text(content, encoding="utf-8")
    (folder / "status.json").write_text(json.dumps({"state": state, "error": "no disk"}), encoding="utf-8")
    rows = [json.dumps({"step": step, "loss": 1.0}) for step in range(1, steps + 1)]
    (folder / "metrics.jsonl").write_text("\n".join([*rows, '{"st']), encoding="utf-8")
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Three recipes' runs in `runs`, one of them of stages, and one run elsewhere."""
    monkeypatch.chdir(tmp_path)
    stages = make("runs/two/20260103-000000-dddddddd", content="stages:\n- name: first\n")
    return {
        "old": make("runs/mine/20260101-000000-aaaaaaaa"),
        "new": make("runs/mine/20260102-000000-bbbbbbbb"),
        "broken": make("runs/mine/20260109-000000-cccccccc", "interrupted"),
        "first": make(f"{stages}/first"),
        "second": make(f"{stages}/second"),
        "other": make("elsewhere/mine/20260105-000000-eeeeeeee"),
    }


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("runs/mine/20260101-000000-aaaaaaaa", "old"),
        ("latest", "second"),
        ("runs/latest", "second"),
        ("mine/latest", "new"),
        ("runs/mine/latest", "new"),
        ("elsewhere/latest", "other"),
        ("elsewhere/mine/latest", "other"),
        ("20260101", "old"),
        ("mine/20260101", "old"),
        ("runs/mine/20260101", "old"),
        ("elsewhere/mine/2026", "other"),
        ("two", "second"),
        ("two/2026", "second"),
        ("20260103", "second"),
        ("runs/two/20260103-000000-dddddddd", "second"),
        ("two/20260103-000000-dddddddd/first", "first"),
    ],
)
def test_a_run_by_its_name(here: dict[str, Path], name: str, found: str) -> None:
    assert find_run(name) == here[found]
    assert find_run(Path(name)) == here[found]


@pytest.mark.parametrize("name", ["nothing", "mine/1999", "runs/nothing/x", ""])
def test_a_name_that_fits_nothing_stays_as_it_is(here: dict[str, Path], name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    os.chdir(tmp_path / "empty")
    assert find_run(name) == Path(name)


def test_a_file_and_a_folder_of_something_else(here: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "lm.arpa").write_text("", encoding="utf-8")
    assert [find_run(name) for name in ("model", "lm.arpa")] == [Path("model"), Path("lm.arpa")]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "mine",
            "mine: is a recipe with 3 runs: runs/mine/20260101-000000-aaaaaaaa, "
            "runs/mine/20260102-000000-bbbbbbbb, runs/mine/20260109-000000-cccccccc; "
            "name one of them, or mine/latest, the newest finished one",
        ),
        (
            "mine/2026010",
            "mine/2026010: is the beginning of 3 runs: runs/mine/20260101-000000-aaaaaaaa, "
            "runs/mine/20260102-000000-bbbbbbbb, runs/mine/20260109-000000-cccccccc; name one of them",
        ),
        (
            "runs",
            "runs: is a folder of 5 runs, and not a run; "
            "runs/latest is the newest finished one, `signkit runs runs` lists them",
        ),
        (
            "none/latest",
            "none/latest: there is no finished run in runs/none; `signkit runs runs/none` lists them",
        ),
    ],
)
def test_a_name_of_several_or_of_none(here: dict[str, Path], name: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        find_run(name)
    assert str(caught.value) == message


def test_the_oldest_first_whatever_the_recipe(here: dict[str, Path]) -> None:
    listed = run_folders(Path("runs"))
    assert listed == [here[name] for name in ("old", "new", "first", "second", "broken")]
    assert latest(listed) == here["second"]
    assert latest([here["broken"]]) is None


def test_what_a_folder_says(here: dict[str, Path]) -> None:
    run = describe(here["old"], Path("runs"))
    assert (run.name, run.recipe, run.state) == ("mine/20260101-000000-aaaaaaaa", "mine", "finished")
    assert (run.begun, run.step, run.max_steps, run.seconds) == ("2026-01-01 00:00:00", 3, 5, None)
    assert run.size == sum(path.stat().st_size for path in here["old"].iterdir())
    stage = describe(here["second"], Path("runs"))
    assert (stage.recipe, stage.begun) == ("two/second", "2026-01-03 00:00:00")


@pytest.mark.parametrize("name", ["20260101-000075-aaaaaaaa", "99999999-000000-a", "mine"])
def test_a_name_that_is_no_time(here: dict[str, Path], name: str) -> None:
    """A run that was renamed began when its first file was written."""
    run = make(f"runs/mine/{name}")
    begun = datetime(2026, 2, 3, 4, 5, 6).timestamp()
    os.utime(run / "resolved.yaml", (begun, begun))
    assert describe(run, Path("runs")).begun == "2026-02-03 04:05:06"
    assert latest(run_folders(Path("runs"))) == run


def test_how_long_a_session_took(here: dict[str, Path]) -> None:
    begun = datetime(2026, 1, 1, 12, 0, 0).astimezone()
    line = json.dumps({"time": begun.strftime("%Y-%m-%dT%H:%M:%S%z")})
    (here["old"] / "env.json").write_text(line, encoding="utf-8")
    (here["old"] / "log.txt").write_text("", encoding="utf-8")
    os.utime(here["old"] / "log.txt", (begun.timestamp() + 90,) * 2)
    assert describe(here["old"], Path("runs")).seconds == 90


@pytest.mark.parametrize(
    ("status", "seconds"),
    [
        ({"state": "running", "seconds": 600.5}, 690.5),  # or its process was killed
        ({"state": "interrupted", "seconds": 600.5}, 600.5),
        ({"state": "finished", "seconds": 600.5}, 600.5),
        ({"state": "failed", "seconds": 600.5}, 600.5),
        ({"state": "finished"}, 90),  # of a version that recorded no time
        ({"state": "running", "seconds": "long"}, 90),
    ],
)
def test_the_time_of_all_sessions(here: dict[str, Path], status: dict[str, object], seconds: float) -> None:
    begun = datetime(2026, 1, 1, 12, 0, 0).astimezone()
    line = json.dumps({"time": begun.strftime("%Y-%m-%dT%H:%M:%S%z")})
    (here["old"] / "env.json").write_text(line, encoding="utf-8")
    (here["old"] / "log.txt").write_text("", encoding="utf-8")
    os.utime(here["old"] / "log.txt", (begun.timestamp() + 90,) * 2)
    (here["old"] / "status.json").write_text(json.dumps(status), encoding="utf-8")
    assert describe(here["old"], Path("runs")).seconds == seconds
    assert Clock(here["old"]).before == seconds
    assert Clock(here["old"])() == pytest.approx(seconds, abs=60)


def export(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "recipe.yaml"):
        (folder / name).write_text("", encoding="utf-8")
    return folder


LISTS = "`signkit runs` lists the runs"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", f"there is no run of this name, and no such folder; {LISTS}"),
        ("minee", "there is no run of this name, and no such folder; did you mean `mine`?"),
        ("20260101-000000-aaaaaaab",
         "there is no run of this name, and no such folder; did you mean `20260101-000000-aaaaaaaa`?"),
        ("quickstart", "is a recipe that has no run here; `signkit run quickstart` makes one"),
        ("mine.yaml", "is a recipe, and not a run; `signkit run mine.yaml` runs it "
                      "and prints the folder of its run"),
        ("notes.txt", f"is a file, and not the folder of a run; {LISTS}"),
        ("recipes", "is a folder of recipes (a.yaml, …), and not a run; "
                    "`signkit run recipes/a.yaml` runs one"),
        ("corpus", f"is a corpus (manifest.csv), and not a run; {LISTS}"),
        ("empty", f"is an empty folder, and not a run; {LISTS}"),
        ("things", f"is not the folder of a run; {LISTS}"),
        ("runs/mine", "is a folder of 3 runs, and not a run; runs/mine/latest is the newest finished one, "
                      "`signkit runs runs/mine` lists them"),
        ("elsewhere", "is the folder around a run, and not a run; "
                      "give elsewhere/mine/20260105-000000-eeeeeeee"),
        ("waiting", "is a folder of 2 runs, of which none is finished; `signkit runs waiting` lists them"),
        ("runs/mine/20260109-000000-cccccccc",
         "the run is not finished; `signkit run RECIPE --resume auto` continues it"),
        ("runs/two/20260103-000000-dddddddd/first",
         "the run is not finished; `signkit run RECIPE --resume auto` continues it"),
        ("runs/mine/20260101-000000-aaaaaaaa/export",
         "is a part of the run runs/mine/20260101-000000-aaaaaaaa, and not a run; "
         "give runs/mine/20260101-000000-aaaaaaaa"),
        ("runs/mine/20260101-000000-aaaaaaaa/status.json",
         "is a part of the run runs/mine/20260101-000000-aaaaaaaa, and not a run; "
         "give runs/mine/20260101-000000-aaaaaaaa"),
        ("sent/export", "is the export of a run, which is named by the folder around it; give sent"),
        ("model", "is the export of a run, which is named by the folder around it; "
                  "rename it to `export` in a folder, and give that folder"),
        ("sent", "has only the export of a run, which is enough for `predict`, "
                 "`evaluate` and `signkit.load`; this needs the whole folder of the run"),
        ("wide", "has results of runs/mine/x, and not a run; give runs/mine/x"),
    ],
)  # fmt: skip
def test_what_a_path_is_that_is_no_run(here: dict[str, Path], name: str, message: str) -> None:
    for folder in ("recipes", "corpus", "empty", "things", "wide"):
        Path(folder).mkdir()
    files = ("mine.yaml", "notes.txt", "recipes/a.yaml", "recipes/b.yaml", "corpus/manifest.csv", "things/x")
    for file in files:
        Path(file).write_text("", encoding="utf-8")
    Path("wide/scores.json").write_text('{"metrics": [], "run": "runs/mine/x"}', encoding="utf-8")
    for folder in ("sent/export", "model", here["old"] / "export"):
        export(Path(folder))
    for stamp in ("20260101-000000-a", "20260102-000000-a"):
        make(f"waiting/{stamp}", "interrupted")
    assert str(no_run(Path(name))) == f"{name}: {message}"
    assert str(no_run(Path(name), "--resume")) == f"--resume {name}: {message}"


def test_an_object_stands_for_its_folder(here: dict[str, Path]) -> None:
    listed = signkit.runs()
    assert [find_run(each) for each in listed] == run_folders(Path("runs"))
    with pytest.raises(UserError) as caught:
        find_run(GridPoint({"train.lr": "1"}))
    assert str(caught.value) == (
        "run: <run train.lr=1, waiting> has no folder: its results were not written, or its run was not begun"
    )


def test_the_list_of_a_run_is_that_run(here: dict[str, Path]) -> None:
    """Of a recipe of stages they are its stages."""
    (run,) = signkit.runs(here["old"])
    assert (run.folder, run.name) == (here["old"], here["old"].name)
    assert [each.name for each in signkit.runs(here["first"].parent)] == ["first", "second"]


def test_a_listed_run_in_python(here: dict[str, Path]) -> None:
    scores = [SCORE, SCORE | {"split": "test", "value": 0.5}, SCORE | {"name": "cer"}]
    (here["new"] / "scores.json").write_text(json.dumps({"metrics": scores}), encoding="utf-8")
    old, new, *_ = signkit.runs("runs/mine")
    name = "20260102-000000-bbbbbbbb"
    assert repr(new) == f"<run {name}, finished, dev WER 25.00 %, test WER 50.00 %, latest>"
    assert repr(old) == "<run 20260101-000000-aaaaaaaa, finished>"
    assert (new.folder, new.name, new.recipe, new.state) == (
        Path("runs/mine") / name,
        name,
        "mine",
        "finished",
    )
    assert new.dev is not None and new.test is not None
    assert (new.dev.value, new.test.value, len(new.scores), new.seconds) == (0.25, 0.5, 3, None)
    assert (old.dev, old.test, old.scores) == (None, None, ())


@pytest.mark.parametrize("state", ["running", "created"])
def test_a_run_whose_process_is_gone_was_interrupted(here: dict[str, Path], state: str) -> None:
    run = make("runs/mine/20260201-000000-ffffffff", state)
    with locked(run):
        assert describe(run, Path("runs")).state == state
    assert describe(run, Path("runs")).state == "interrupted"
    (run / ".lock").unlink()
    assert describe(run, Path("runs")).state == "interrupted"


def test_the_list(
    here: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make("runs/mine/20260401-000000-99999999", "failed", steps=0)
    (here["new"] / "scores.json").write_text(
        json.dumps({"metrics": [SCORE, {**SCORE, "name": "wer_greedy"}, {**SCORE, "split": "test"}]}),
        encoding="utf-8",
    )

    def call(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["signkit", "runs", *words])
        with pytest.raises(SystemExit) as leaving:
            main()
        return int(leaving.value.code or 0), capsys.readouterr().out

    status, out = call("runs/mine")
    rows = [line.split() for line in out.splitlines() if line.strip().startswith("2026")]
    assert status == 0
    assert rows == [
        ["20260101-000000-aaaaaaaa", "finished", "3", "of", "5", "0.0", "MB"],
        [
            *("20260102-000000-bbbbbbbb", "finished", "latest", "3", "of", "5"),
            *("WER", "25.00", "%", "WER", "25.00", "%", "0.0", "MB"),
        ],
        ["20260109-000000-cccccccc", "interrupted", "3", "of", "5", "0.0", "MB"],
        ["20260401-000000-99999999", "failed", "0", "of", "5", "0.0", "MB"],
    ]
    listed = json.loads(call("--json")[1])["runs"]
    assert [run["latest"] for run in listed] == [False, False, False, True, False, False]
    assert listed[1]["dev"]["value"] == 0.25
    assert (listed[-1]["error"], listed[-1]["dev"]) == ("no disk", None)
    found = {each.run.name: each.score("dev") for each in signkit.runs("runs")}
    assert found["mine/20260102-000000-bbbbbbbb"].value == 0.25  # type: ignore[union-attr]
    assert found["mine/20260101-000000-aaaaaaaa"] is None


def test_no_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["signkit", "runs"])
    with pytest.raises(SystemExit) as leaving:
        main()
    assert (leaving.value.code, capsys.readouterr().out) == (0, "no runs in runs\n")
    with pytest.raises(UserError) as caught:
        signkit.runs("nowhere")
    assert str(caught.value) == (
        "nowhere: there is no such folder; `signkit runs DIR` lists the runs below DIR"
    )


def test_neither_the_list_nor_a_comparison_imports_torch() -> None:
    code = """
import sys
import signkit
signkit.runs, signkit.compare
assert not [name for name in ("torch", "matplotlib") if name in sys.modules]
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
