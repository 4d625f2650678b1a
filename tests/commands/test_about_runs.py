"""`signkit compare`, `evaluate`, `run --grid`; references beside hypotheses; what a run says that scored
nothing, or whose dev is in train."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tiny import CTC, GLOSSES, write_corpus, write_lm_recipe, write_recipe, write_text

import signkit
from signkit import UserError
from signkit.cli.app import main
from signkit.commands.compare.show import as_json, with_short_names
from signkit.commands.compare.show import title as title_of
from signkit.commands.evaluate.opened import _check_signal
from signkit.data.tracking import TRACK
from signkit.models.spec import SignalInput, Spec
from signkit.types import VIDEO, Corpus

pytestmark = pytest.mark.slow

Command = Callable[..., tuple[int, str, str]]
SHORT = {"max_steps": 20, "lr": 0.05, "eval_every": 10, "save_every": 0}


def nothing_drawn(path: Path, *_: object) -> Path:
    path = path / "picture.png" if path.is_dir() else path
    path.write_bytes(b"")
    return path


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command in this process; no picture of a run is drawn."""
    from signkit.tasks.transcripts import report

    monkeypatch.setattr(report, "draw", nothing_drawn)
    monkeypatch.setattr(report, "draw_reliability", lambda *result: None)

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["signkit", *map(str, words)])
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capsys.readouterr()
        return int(leaving.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus whose rows have signers, and recipes of two seeds."""
    folder = tmp_path_factory.mktemp("runs")
    corpus = write_corpus(folder / "corpus")
    lines = (corpus / "manifest.csv").read_text(encoding="utf-8").splitlines()
    signed = [f"{lines[0]},signer", *(f"{line},s{n % 2}" for n, line in enumerate(lines[1:]))]
    (corpus / "manifest.csv").write_text("\n".join(signed) + "\n", encoding="utf-8")
    for seed in (1, 2):
        write_recipe(folder / f"seed{seed}.yaml", corpus, CTC, seed=seed, **SHORT)
    return folder


@pytest.fixture(scope="module")
def runs(place: Path) -> list[Path]:
    """A finished run of each recipe."""
    with pytest.MonkeyPatch.context() as patch:
        from signkit.tasks.transcripts import report

        patch.setattr(report, "draw", nothing_drawn)
        patch.setattr(report, "draw_reliability", lambda *result: None)
        return [signkit.run(place / f"seed{seed}.yaml").folder for seed in (1, 2)]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def scores(metrics: list[dict[str, Any]], split: str) -> dict[str, float]:
    return {each["name"]: each["value"] for each in metrics if each["split"] == split}


# References


def test_references_stand_beside_the_hypotheses(command: Command, runs: list[Path], place: Path) -> None:
    rows = [row.split(",") for row in (place / "corpus/manifest.csv").read_text().splitlines()[1:]]
    for split in ("dev", "test"):
        expected = [
            {"id": name, "text": text, "signer": signer} for name, _, text, of, signer in rows if of == split
        ]
        assert lines(runs[0] / f"decode/{split}.references.jsonl") == expected
    files = [runs[0] / f"decode/test{end}.jsonl" for end in (".references", "")]
    status, out, _ = command("score", *files, "--json")
    saved = json.loads((runs[0] / "scores.json").read_text(encoding="utf-8"))["metrics"]
    assert (status, json.loads(out)["metrics"][0]["value"]) == (0, scores(saved, "test")["wer"])


# Compare


def test_two_runs(command: Command, runs: list[Path], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    status, out, err = command("compare", *runs, "--report", page, "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert list(found) == ["split", "runs", "notes", "settings", "curves", "scoring"]
    assert (found["split"], [each["name"] for each in found["runs"]]) == ("test", ["seed1", "seed2"])
    assert found["settings"] == {"train.seed": {"seed1": "1", "seed2": "2"}}
    assert [row["step"] for row in found["curves"]["seed2"] if "dev_WER" in row] == [10, 20]
    for run, each in zip(runs, found["runs"], strict=True):
        saved = json.loads((run / "scores.json").read_text(encoding="utf-8"))["metrics"]
        assert each["metrics"] == saved
    files = [runs[0] / f"decode/test{end}.jsonl" for end in (".references", "")]
    other = tmp_path / "other.jsonl"
    shutil.copy(runs[1] / "decode/test.jsonl", other)
    scored = json.loads(command("score", *files, "--compare", other, "--json")[1])
    tests = [
        {key: value for key, value in each.items() if key not in ("first", "second", "better")}
        for each in found["scoring"]["comparisons"]
    ]
    assert tests == [
        {key: value for key, value in each.items() if key not in ("first", "second", "better")}
        for each in scored["comparisons"]
    ]
    html = page.read_text(encoding="utf-8")
    for title in ("Settings that differ", "Learning curves", "Systems compared", "Where the errors are"):
        assert f">{title}</h2>" in html


def test_the_tables(command: Command, runs: list[Path]) -> None:
    status, out, _ = command("compare", *runs, "--split", "dev")
    words = [line.split() for line in out.splitlines()]
    assert (status, words[0]) == (0, ["Scores", "of", "dev"])
    assert ["metric", "seed1", "seed2"] in words
    assert ["train.seed", "1", "2"] in words
    assert any(row[:2] == ["wer", "mapsswe"] for row in words)


def test_from_python(runs: list[Path]) -> None:
    compared = signkit.compare(runs, split="dev")
    assert compared.settings == {"train.seed": ("1", "2")}
    assert compared.scoring is not None
    saved = [json.loads((run / "scores.json").read_text())["metrics"] for run in runs]
    assert [each["wer"].value for each in compared.scoring.systems.values()] == [
        scores(each, "dev")["wer"] for each in saved
    ]


def test_runs_are_compared_by_bleu_in_both_conventions(runs: list[Path]) -> None:
    compared = signkit.compare(runs, split="dev", protocol="phoenix2014t_text")
    assert compared.scoring is not None
    first, second = compared.scoring.systems.values()
    tests = {each.metric: each for each in compared.tests}
    assert {each.test for each in tests.values()} == {"bootstrap"}
    for name in ("bleu1", "rouge_l_no_period"):
        assert tests[name].difference == first[name].value - second[name].value
        assert tests[name].low <= tests[name].difference <= tests[name].high


def test_one_call_gives_what_the_verb_gives(command: Command, runs: list[Path], tmp_path: Path) -> None:
    """Of paths, of texts, of a list, and of what other functions return."""
    said = json.loads(command("compare", *runs, "--json")[1])
    listed = {each.folder: each for each in signkit.runs(runs[0].parents[1])}
    others = [listed[run] for run in runs]
    for given in (runs, [str(run) for run in runs], [runs], others, [runs[0], others[1]]):
        compared = signkit.compare(*given, report=tmp_path / "page.html")
        assert json.loads(json.dumps(as_json(compared))) == said
    assert (tmp_path / "page.html").is_file()
    wer = {name: scores[0].value for name, scores in compared.scores.items()}
    assert [*wer] == ["seed1", "seed2"]
    assert [each.better for each in compared.tests if each.test == "mapsswe"] == [
        each["better"] or "" for each in said["scoring"]["comparisons"] if each["test"] == "mapsswe"
    ]
    shown = [f"{name} (test WER {100 * value:.2f} %)" for name, value in wer.items()]
    assert repr(compared) == f"<comparison on test: {', '.join(shown)}>"
    with pytest.raises(UserError) as caught:
        signkit.compare(runs[0])
    assert str(caught.value) == "compare: needs two or more different runs; `signkit runs` lists them"


def test_long_names_are_short_on_the_page(runs: list[Path], tmp_path: Path) -> None:
    name = "a_recipe_with_a_name_that_is_longer_than_any_column_of_a_table_should_be"
    compared = signkit.compare(runs)
    assert compared.scoring is not None
    named = [f"{name}_{n}" for n in (1, 2)]
    scoring = compared.scoring
    tests = [replace(c, first=named[0], second=named[1], better=named[1]) for c in scoring.comparisons]
    long = replace(
        compared,
        runs=tuple(replace(each, name=n) for each, n in zip(compared.runs, named, strict=True)),
        scoring=replace(
            scoring,
            systems=dict(zip(named, scoring.systems.values(), strict=True)),
            analyses=dict(zip(named, scoring.analyses.values(), strict=True)),
            comparisons=tuple(tests),
        ),
    )
    short = with_short_names(long)
    expected = ["a_recipe_wit…should_be_1", "a_recipe_wit…should_be_2"]
    assert [each.name for each in short.runs] == [*short.scores] == expected
    assert {(c.first, c.second, c.better) for c in short.tests} == {(*expected, expected[1])}
    assert title_of(short) == "a_recipe_wit…should_be_1 and a_recipe_wit…should_be_2, test"
    assert with_short_names(compared) == compared


def test_runs_without_references(command: Command, tmp_path: Path) -> None:
    """Language models of other texts are compared with a note; models of other tasks are not."""
    made = []
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        text = write_text(tmp_path / f"text{seed}", seed=seed)
        recipe = write_lm_recipe(tmp_path / f"{name}.yaml", text, eval_every=6)
        made.append(signkit.run(recipe))
    assert signkit.compare(made[0], made[1]).notes == ()
    note = (
        "other has read other data than one: "
        "the figures compare only if the sentences that were scored are the same."
    )
    assert signkit.compare(made[0], made[2]).notes == (note,)
    status, out, _ = command("compare", made[0].folder, made[2].folder)
    assert (status, note in out.splitlines()) == (0, True)
    corpus = write_corpus(tmp_path / "corpus")
    signs = signkit.run(write_recipe(tmp_path / "signs.yaml", corpus, CTC, max_steps=1, eval_every=1))
    with pytest.raises(UserError) as caught:
        signkit.compare(made[0], signs, split="dev")
    assert str(caught.value) == (
        "compare: the runs are of different tasks: one of language, signs of recognition; "
        "runs of one task compare, and those that write texts"
    )


def test_a_resumed_run_has_the_time_of_all_its_sessions(place: Path, tmp_path: Path) -> None:
    changes = ["train.max_steps=1", "train.seed=9", f"run.dir={tmp_path}"]
    run = signkit.run(place / "seed1.yaml", changes).folder
    status = json.loads((run / "status.json").read_text(encoding="utf-8"))
    assert 0 < status["seconds"] < 3000
    (run / "status.json").write_text(json.dumps(status | {"seconds": 5000.0}), encoding="utf-8")
    signkit.run(place / "seed1.yaml", changes, resume=run)
    assert 5000 < json.loads((run / "status.json").read_text(encoding="utf-8"))["seconds"] < 8000
    (listed,) = signkit.runs(tmp_path)
    assert listed.seconds is not None and 5000 < listed.seconds < 8000


def test_one_run_decoded_in_two_ways(command: Command, runs: list[Path], tmp_path: Path) -> None:
    """The folder of other results stands for a run; names are those of the folders."""
    assert command("decode", runs[0], "--set", "decode.beam=3", "--out", tmp_path / "wide")[0] == 0
    found = json.loads(command("compare", runs[0], tmp_path / "wide", "--json")[1])
    assert found["settings"] == {"decode.beam": {runs[0].name: "2", "wide": "3"}}
    assert found["runs"][1]["run"] == str(runs[0])


def copied(run: Path, folder: Path) -> Path:
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("checkpoints", "tensorboard", "export"))
    return folder


def test_what_does_not_compare(command: Command, runs: list[Path], tmp_path: Path) -> None:
    def refused(*words: object) -> str:
        status, out, err = command("compare", *words)
        assert (status, out) == (2, "")
        return err.strip()

    several = "error: compare: needs two or more different runs; `signkit runs` lists them"
    assert refused(runs[0]) == refused(runs[0], runs[0]) == several
    assert refused(runs[0], tmp_path) == (
        f"error: {tmp_path}: is an empty folder, and not a run; `signkit runs` lists the runs"
    )
    old = copied(runs[1], tmp_path / "old")
    (old / "decode/test.references.jsonl").unlink()
    assert refused(runs[0], old) == (
        f"error: {old}: has no references of test beside its hypotheses, as older versions wrote it; "
        f"`signkit decode {old}` decodes it again: compare the folder that it prints"
    )
    other = copied(runs[1], tmp_path / "other")
    file = other / "decode/test.references.jsonl"
    changed = lines(file)
    first, changed[0]["text"] = changed[0]["text"], "WHO WHO"
    file.write_text("".join(json.dumps(each) + "\n" for each in changed), encoding="utf-8")
    assert refused(runs[0], other) == (
        f"error: compare: these were scored on other references of test than {runs[0]}: {other}: "
        f"1 of 3 sentences differ, as 'test0': 'WHO WHO', not '{first}'; runs of one corpus and split compare"
    )
    protocol = copied(runs[1], tmp_path / "protocol")
    recipe = yaml.safe_load((protocol / "resolved.yaml").read_text(encoding="utf-8"))
    recipe["eval"]["protocol"] = "phoenix2014"
    (protocol / "resolved.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    assert refused(runs[0], protocol) == (
        "error: compare: the runs are scored in different ways: seed1 by plain (words), "
        f"{tmp_path.name} by phoenix2014 (words); --protocol names one for all"
    )
    assert command("compare", runs[0], protocol, "--protocol", "plain")[0] == 0
    broken = copied(runs[1], tmp_path / "broken")
    (broken / "scores.json").unlink()
    assert refused(runs[0], broken) == (
        f"error: {broken}: the run is not finished; `signkit run RECIPE --resume auto` continues it"
    )
    assert refused(*runs, "--split", "train") == f"error: {runs[0]}: has no scores of train; it has dev, test"


# The report of a run


def test_the_page_has_what_that_of_scores_has(runs: list[Path]) -> None:
    page = (runs[0] / "report.html").read_text(encoding="utf-8")
    for split in ("dev", "test"):
        assert f">Where the errors of {split} are</h2>" in page
        assert f">Sentences of {split}</h3>" in page
    for title in ("Deleted and inserted words", "By length of the reference", "By signer", "Every word"):
        assert page.count(f">{title}</h3>") == 2
    assert ">Settings</h2>" in page
    assert "<bdi>train.seed</bdi>" in page


# Evaluate


def test_the_runs_own_data_give_the_runs_own_scores(
    command: Command, runs: list[Path], place: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    status, _, _ = command("evaluate", runs[0], "--data", place / "corpus", "--out", out)
    assert status == 0
    for split in ("dev", "test"):
        for end in ("", ".references"):
            name = f"{split}{end}.jsonl"
            assert lines(out / name) == lines(runs[0] / "decode" / name)
    saved, again = (json.loads((f / "scores.json").read_text())["metrics"] for f in (runs[0], out))
    for split in ("dev", "test"):
        expected = scores(saved, split)
        for seen in ("seen_share", "wer_seen", "wer_unseen"):  # train is not there to look in
            expected.pop(seen)
        assert scores(again, split) == expected
    assert json.loads(command("compare", runs[1], out, "--json")[1])["runs"][1]["run"] == str(runs[0])


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A corpus of test clips alone, which says CAT where the run's would say WHO."""
    folder = write_corpus(tmp_path / "other", train=0, dev=0, test=6, seed=5)
    text = (folder / "manifest.csv").read_text(encoding="utf-8")
    (folder / "manifest.csv").write_text(text.replace("WHO", "CAT"), encoding="utf-8")
    return folder


def test_other_data(command: Command, runs: list[Path], other: Path, tmp_path: Path) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    status, out, _ = command("evaluate", runs[0], "--data", other, "--json")
    (found,) = json.loads(out)["evaluated"]
    words = [row.split(",")[2].split() for row in (other / "manifest.csv").read_text().splitlines()[1:]]
    cats, of = sum(each.count("CAT") for each in words), sum(map(len, words))
    assert (status, found["data"], found["folder"]) == (0, str(other), None)
    assert found["unknown"] == {"test": {"count": cats, "of": of, "times": {"CAT": cats}}}
    share = f"{100 * cats / of:.2f}\N{NARROW NO-BREAK SPACE}%"
    note = f"{cats} of {of} glosses of test ({share}) are not in the model's vocabulary and count as errors"
    assert found["notes"] == [f"{note}: CAT ({cats})"]
    assert scores(found["metrics"], "test")["wer"] >= cats / of
    assert "seen_share" not in scores(found["metrics"], "test")
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    printed = command("evaluate", runs[0], "--data", other / "manifest.csv")[1]
    assert f"{note}: CAT ({cats})" in printed


def test_by_the_options_of_the_corpus_and_from_python(runs: list[Path], other: Path, place: Path) -> None:
    (mine,) = signkit.evaluate(runs[0], overrides=[f"data.root={other}"])
    (theirs,) = signkit.evaluate(runs[0], [other])
    assert [(each.name, each.value) for each in mine.scores] == [(e.name, e.value) for e in theirs.scores]
    both = signkit.evaluate(runs[0], [other, place / "corpus"], split=["test"])
    assert [each.unknown["test"].count > 0 for each in both] == [True, False]


def test_words_of_another_case_are_no_unknown_ones(runs: list[Path], other: Path) -> None:
    manifest = other / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("CAT", "who"), encoding="utf-8")
    (found,) = signkit.evaluate(runs[0], [other])
    assert (found.unknown["test"].count, found.notes) == (0, ())


def test_several_data_have_a_folder_each(runs: list[Path], other: Path, place: Path, tmp_path: Path) -> None:
    signkit.evaluate(runs[0], [other, place / "corpus"], split=["test"], out=tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"other", "corpus"}
    assert (tmp_path / "out/corpus/report.html").is_file()


def test_a_language_model_of_train_is_that_of_the_runs_train(runs: list[Path], other: Path) -> None:
    """Not one of the other data, which have no train at all."""
    bigram = ["decode.beam=4", "decode.fusion=[{name: ngram, order: 2, weight: 0.3}]"]
    (found,) = signkit.evaluate(runs[0], [other], overrides=bigram)
    assert found.outcome.recipe.decode.beam == 4  # type: ignore[attr-defined]


def test_videos_for_a_run_of_landmarks() -> None:
    """The message tells how to track them, where that can be."""
    video = Corpus("clips", (), layout=VIDEO, width=3)
    for layout, hint in (("hands", f"; {TRACK}"), ("boston104", "")):
        spec = Spec({"signal": SignalInput(layout, 3)}, {})
        with pytest.raises(UserError) as caught:
            _check_signal("clips", video, spec)
        wanted = f"landmarks of layout {layout!r} with 3 coordinates"
        assert str(caught.value) == f"clips: has video, and the run reads {wanted}{hint}"


def test_the_runs_own_corpus_in_python(runs: list[Path]) -> None:
    """With another decoding, and with none."""
    saved = json.loads((runs[0] / "scores.json").read_text(encoding="utf-8"))["metrics"]
    (own,) = signkit.evaluate(runs[0], split="test")
    assert own.test is not None and own.dev is None
    assert own.test.value == scores(saved, "test")["wer"]
    assert repr(own) == f"<seed1 on manifest: test WER {100 * own.test.value:.2f} %>"
    tuned = signkit.tune(runs[0], trials=2, overrides=["decode.beam=3"], out=runs[0].parent / "tuned.yaml")
    assert list(tuned.settings) == [parameter.key for parameter in tuned.outcome.space]
    again = signkit.evaluate(runs[0], decode=tuned.file)[0]
    assert again.dev is not None
    assert again.dev.value == pytest.approx(tuned.outcome.best.value)
    assert repr(tuned).startswith(f"<tuned: {tuned.file}: WER ")


def test_what_cannot_be_evaluated(command: Command, runs: list[Path], place: Path, tmp_path: Path) -> None:
    def refused(*words: object) -> str:
        status, out, err = command("evaluate", runs[0], *words)
        assert (status, out) == (2, "")
        return err.strip().splitlines()[-1]

    features = write_corpus(tmp_path / "features", features=True)
    train = write_corpus(tmp_path / "train", dev=0, test=0)
    (tmp_path / "empty").mkdir()
    assert refused() == (
        "error: evaluate: no data are named; `--data FOLDER` or `--set data.root=FOLDER`; "
        "`signkit decode` decodes the run's own"
    )
    assert refused("--set", "root=x") == (
        "error: --set root=x: of a finished run only `data`, `decode` and `eval` can be set; "
        "did you mean `data.root`?"
    )
    assert refused("--data", features) == (
        f"error: {features}: has features of width 6, and the run reads landmarks of layout 'boston104' "
        "with 2 coordinates"
    )
    assert refused("--data", train) == (
        f"error: --split: {train} has no dev or test; `--split train` scores what it has"
    )
    assert refused("--data", train, "--split", "dev") == f"error: --split: {train} has no dev; it has train"
    assert refused("--data", tmp_path / "none") == f"error: --data: there is no {tmp_path / 'none'}"
    assert refused("--data", tmp_path / "empty") == (
        f"error: --data: {tmp_path / 'empty'} has no manifest; one of "
        "manifest.csv, manifest.tsv, manifest.jsonl, manifest.json, or name the file"
    )
    assert refused("--data", train, "--data", train) == "error: --data: names the same data twice"
    assert refused("--data", train, "--out", tmp_path) == (
        f"error: --out: {tmp_path} exists already; name a new folder"
    )
    assert refused("--data", train, "--set", "train.lr=1") == (
        "error: --set train.lr=1: of a finished run only `data`, `decode` and `eval` can be set"
    )


# Grids


def test_a_grid(command: Command, place: Path, tmp_path: Path) -> None:
    """Every combination, ranked on dev; a run that fails does not end it; none is run twice."""
    words = ("run", place / "seed1.yaml", "--set", f"run.dir={tmp_path / 'runs'}")
    words = (
        *words,
        "--set",
        "train.eval_every=2",
        "--grid",
        "train.max_steps=2,4",
        "--grid",
        "train.lr=0.05,1e9",
    )
    status, out, err = command(*words, "--json")
    found = json.loads(out)
    assert (status, found["metric"]) == (1, "wer")
    assert [line for line in err.splitlines() if line.startswith("run ")] == [
        "run 1 of 4, train.max_steps=2, train.lr=0.05",
        "run 2 of 4, train.max_steps=2, train.lr=1e9",
        "run 3 of 4, train.max_steps=4, train.lr=0.05",
        "run 4 of 4, train.max_steps=4, train.lr=1e9",
    ]
    ranked = [each for each in found["runs"] if each["state"] == "finished"]
    assert {each["settings"]["train.lr"] for each in ranked} == {"0.05"}
    values = [each["dev"]["value"] for each in ranked]
    assert (len(values), values) == (2, sorted(values))
    for each in ranked:
        saved = json.loads((Path(each["run"]) / "scores.json").read_text(encoding="utf-8"))["metrics"]
        assert each["dev"]["value"] == scores(saved, "dev")["wer"]
    assert found["best"] == ranked[0]["run"]
    failed = [each for each in found["runs"] if each["state"] == "failed"]
    assert found["runs"][2:] == failed
    assert all(each["error"] for each in failed)
    again = command(*words[:-2], "--grid", "train.lr=0.05", "--resume", "auto")
    assert again[0] == 0
    assert [line for line in again[2].splitlines() if line.startswith("run ")] == [
        "run 1 of 2, train.max_steps=2, train.lr=0.05: finished before",
        "run 2 of 2, train.max_steps=4, train.lr=0.05: finished before",
    ]
    assert again[1].splitlines()[-1] == found["best"]
    assert "Ranked on dev. Test is not shown" in again[1]
    assert len(list((tmp_path / "runs/seed1").iterdir())) == 4


def test_a_grid_from_python(place: Path, tmp_path: Path) -> None:
    changes = [f"run.dir={tmp_path / 'runs'}", "train.max_steps=1"]
    result = signkit.grid(place / "seed1.yaml", {"train.seed": [3], "augment": ["{}"]}, changes)
    assert (len(result.points), result.best) == (1, result.points[0])
    assert result.points[0].settings == {"train.seed": "3", "augment": "{}"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train.lr"], "--grid train.lr: is not of the form KEY=A,B; such as train.lr=1e-3,3e-3"),
        (["train.lr=1,"], "--grid train.lr=1,: is not of the form KEY=A,B; such as train.lr=1e-3,3e-3"),
        (["train.lr=1,1"], "--grid train.lr=1,1: names a key or a value twice"),
        (["train.lr=1,2", "train.lr=3"], "--grid train.lr=3: names a key or a value twice"),
        (["train.seed=7,8"], "--set train.seed: is a key of the grid too; leave one of them out"),
        (
            ["eval.protocol=plain,aslfr"],
            "--grid: its runs are judged by different metrics, so they cannot be ranked",
        ),
    ],
)
def test_a_grid_that_cannot_be_run(
    command: Command, place: Path, words: list[str], message: str, tmp_path: Path
) -> None:
    options = [word for each in words for word in ("--grid", each)]
    changes = ("--set", "train.seed=3", "--set", f"run.dir={tmp_path / 'runs'}")
    status, out, err = command("run", place / "seed1.yaml", *changes, *options)
    assert (status, out, err) == (2, "", f"error: {message}\n")
    assert not (tmp_path / "runs").exists()


def test_every_fault_of_a_grid_before_it_begins(command: Command, place: Path) -> None:
    status, _, err = command("run", place / "seed1.yaml", "--grid", "train.lr=0.1,x", "--grid", "tran.a=1")
    assert (status, err.splitlines()) == (
        2,
        [
            "--set tran.a=1: unknown key `tran`; did you mean `train`?",
            "--set train.lr=x: `train.lr` needs a number, not `x`",
            "error: 2 faults",
        ],
    )


# Nothing to score, and dev in train


@pytest.fixture
def train_only(tmp_path: Path) -> Path:
    corpus = write_corpus(tmp_path / "train", dev=0, test=0)
    return write_recipe(tmp_path / "alone.yaml", corpus, CTC, **{**SHORT, "max_steps": 1})


def test_a_run_that_scores_nothing_says_so(command: Command, train_only: Path) -> None:
    """In the table, on the page and in JSON; decoding it again and ranking it are refused."""
    note = "no dev or test: nothing was scored"
    status, out, _ = command("run", train_only)
    run = Path(out.splitlines()[-1])
    assert (status, out.splitlines()[:2]) == (0, ["alone, weights of step 1", note])
    assert f"<p>{note.capitalize()}.</p>" in (run / "report.html").read_text(encoding="utf-8")
    found = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    assert (found["metrics"], found["notes"]) == ([], [note])
    printed = json.loads(command("run", train_only, "--json")[1])
    assert (printed["metrics"], printed["notes"]) == ([], [note])
    empty = json.loads(command("run", train_only, "--json", "--set", "decode.splits=[]")[1])
    assert empty["notes"] == ["decode.splits is empty: nothing was scored"]
    _, _, err = command("decode", run)
    assert err == (
        "error: --split: the corpus manifest has no dev or test, so there is nothing to score; it has train\n"
    )
    _, _, err = command("run", train_only, "--grid", "train.lr=0.1,0.2")
    assert err.splitlines()[-1] == "error: --grid: dev, on which runs are ranked, is missing in the corpus"


@pytest.fixture
def in_train(tmp_path: Path) -> Path:
    """A recipe of a tiny boston104 whose dev is in train too."""
    root = tmp_path / "corpus"
    root.mkdir()
    rng = np.random.default_rng(0)
    sentences = [" ".join(rng.permutation(GLOSSES)[:2]) for _ in range(10)]
    hands = ["video,frame,left-x,left-y,right-x,right-y,nose-x,nose-y"]
    words: dict[str, list[str]] = {"train": [], "test": []}
    for video, sentence in enumerate(sentences):
        hands += [f"{video},{f},{100 + f},{video},150,{180 - f},161,62" for f in range(16)]
        part = words["test" if video > 7 else "train"]
        part += [f"{video},s,{gloss},{8 * k},{8 * k + 7}" for k, gloss in enumerate(sentence.split())]
    (root / "hands_condensed.csv").write_text("\n".join(hands) + "\n", encoding="utf-8")
    speakers = ["video,speaker", *(f"{video},s" for video in range(10))]
    (root / "speaker.csv").write_text("\n".join(speakers) + "\n", encoding="utf-8")
    for part, rows in words.items():
        text = "\n".join(["video,speaker,word,startframe,endframe", *rows]) + "\n"
        (root / f"{part}_words.csv").write_text(text, encoding="utf-8")
    recipe = write_recipe(tmp_path / "mine.yaml", root, CTC, max_steps=2, eval_every=1, select="best")
    content = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    content["data"] = {"name": "boston104", "root": str(root), "dev": "strict", "dev_in_train": True}
    recipe.write_text(yaml.safe_dump(content), encoding="utf-8")
    return recipe


def test_nothing_is_chosen_on_a_dev_that_is_in_train(command: Command, in_train: Path) -> None:
    """Neither the weights, nor the temperature, nor settings of decoding, nor the best of a grid."""
    status, out, err = command("run", in_train, "--json")
    assert status == 0
    run = Path(json.loads(out)["run"])
    note = "dev is in train too (data.dev_in_train): its figures say nothing about other clips"
    assert json.loads(out)["notes"] == [note]
    assert "dev is in train too (data.dev_in_train): no temperature is fitted to it" in err
    document = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    assert document["confidences"] == {"temperature": 1.0, "fitted_on": None}
    page = (run / "report.html").read_text(encoding="utf-8")
    assert f"<p>{note[0].upper()}{note[1:]}.</p>" in page
    assert "The weights were selected by" not in page
    assert "Weights of step 2." in page
    rows = lines(run / "metrics.jsonl")
    assert not [row for row in rows if any(key.startswith("dev_") for key in row)]
    status, out, err = command("tune", run, "--trials", "2")
    assert (status, out, err) == (
        2,
        "",
        f"error: {run}: was trained on dev too (data.dev_in_train), so nothing can be chosen on it; "
        "tune a run with data.dev_in_train=false, and decode this one `--with` its tuned.yaml\n",
    )
    _, _, err = command("run", in_train, "--grid", "train.lr=0.1,0.2")
    assert err.splitlines()[-1] == (
        "error: --grid: dev, on which runs are ranked, is in train too (data.dev_in_train)"
    )
    apart = json.loads(command("run", in_train, "--json", "--set", "data.dev_in_train=false")[1])
    assert apart["notes"] == []
    document = json.loads((Path(apart["run"]) / "scores.json").read_text(encoding="utf-8"))
    assert document["confidences"]["fitted_on"] == "dev"
    _, _, err = command("tune", apart["run"], "--trials", "2", "--set", f"decode.ensemble=[{run}]")
    joins = "joins a model that was trained on dev too (data.dev_in_train), so nothing can be chosen on it"
    assert err == f"error: decode.ensemble: {joins}; tune without it\n"


# One gloss a clip


def test_one_gloss_a_clip(command: Command, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", train=16, dev=8, test=8, signs_a_clip=(1, 1))
    recipe = write_recipe(tmp_path / "isolated.yaml", corpus, CTC, **SHORT)
    one = ("--set", "decode.only=one")
    status, out, _ = command(
        "run", recipe, *one, "--set", "decode.nbest=4", "--set", "decode.beam=4", "--json"
    )
    found = json.loads(out)
    assert status == 0
    run = Path(found["run"])
    for split in ("dev", "test"):
        hypotheses = lines(run / f"decode/{split}.jsonl")
        references = [each["text"] for each in lines(run / f"decode/{split}.references.jsonl")]
        ranked = [[each["text"], *(other["text"] for other in each["nbest"])] for each in hypotheses]
        assert all(len(each["tokens"]) == 1 for each in hypotheses)
        assert all(len({*each}) == len(each) >= 3 and "<unk>" not in each for each in ranked)
        figures = scores(found["metrics"], split)
        right = sum(each[0] == text for each, text in zip(ranked, references, strict=True))
        assert figures["accuracy"] == right / 8
        known = sum(text in each for each, text in zip(ranked, references, strict=True))
        assert figures["top5_accuracy"] == known / 8  # train has fewer than five glosses
        assert "wer_greedy" not in figures
    greedy = json.loads(command("decode", run, "--set", "decode.beam=1", "--json")[1])
    assert scores(greedy["metrics"], "test")["accuracy"] == scores(found["metrics"], "test")["accuracy"]
    (prediction,) = [signkit.load(run).predict(corpus / "test0.npz")]
    assert prediction.text == lines(run / "decode/test.jsonl")[0]["text"]
    subwords = ("--set", "text.unit=subword", "--set", "text.pieces=12")
    _, _, err = command("run", recipe, *one, *subwords)
    assert err.splitlines()[-1] == (
        "error: decode.only: is `one`, and a subword is only a part of a gloss; "
        "`text.unit: gloss`, or `decode.only: any`"
    )


def test_no_run_of_that_name(runs: list[Path]) -> None:
    with pytest.raises(UserError) as caught:
        signkit.evaluate("nothing_like_it", ["x"])
    assert str(caught.value) == "--data: there is no x"
