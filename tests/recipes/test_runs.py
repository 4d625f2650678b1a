"""Whole runs: what they print, what they leave in their folder, and what they refuse."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import (
    C2ST,
    CTC,
    FEATURES,
    RANDOM,
    Done,
    Shock,
    metrics,
    signkit,
    steps_of,
    write_corpus,
    write_npz,
    write_recipe,
)

from signkit import api
from signkit.cli.app import main
from signkit.config.recipe_file import load_recipe
from signkit.data import examples
from signkit.data.loader import eval_batches
from signkit.decode.lattice import recognise
from signkit.errors import UserError
from signkit.models.export import read_export
from signkit.train.setup import prepare

pytestmark = pytest.mark.slow

ENCODER = {**C2ST["encoder"], "global_temporal": {"layers": 0}}
SHORT_CTC = {**CTC, "encoder": ENCODER}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("runs") / "corpus")


@pytest.fixture(scope="module")
def ctc(corpus: Path) -> Path:
    """A finished run of CTC that has learned something."""
    options = {"max_steps": 80, "lr": 0.03, "eval_every": 40, "save_every": 0}
    recipe = write_recipe(corpus.parent / "ctc.yaml", corpus, SHORT_CTC, **options)
    done = signkit("run", recipe, "--profile", 2)
    assert done.status == 0, done.err
    return done.run


def ok(*words: object) -> Done:
    done = signkit("run", *words)
    assert done.status == 0, done.err
    return done


def refused(*words: object) -> str:
    """The message of a run that a user's mistake prevents."""
    done = signkit("run", *words)
    assert (done.status, done.out) == (2, "")
    assert "Traceback" not in done.err
    return done.err


def scores(run: Path, split: str) -> dict[str, float | None]:
    rows = json.loads((run / "scores.json").read_text(encoding="utf-8"))["metrics"]
    return {row["name"]: row["value"] for row in rows if row["split"] == split}


def lines(run: Path, split: str) -> list[dict[str, object]]:
    text = (run / "decode" / f"{split}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def log(run: Path) -> list[str]:
    """Its lines without their times."""
    return [line[20:] for line in (run / "log.txt").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("base", [RANDOM, FEATURES], ids=["random", "features"])
def test_a_run_in_this_process(
    base: dict[str, object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where every shape that is annotated is checked; the last line is the run's folder."""
    corpus = write_corpus(tmp_path / "corpus", features=base is FEATURES)
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, base, max_steps=2)
    monkeypatch.setattr("sys.argv", ["signkit", "run", str(recipe)])
    with pytest.raises(SystemExit) as leaving:
        main()
    assert not leaving.value.code
    (run,) = (tmp_path / "runs" / "tiny").iterdir()
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:] == [f"picture: {run}/picture.png", f"report:  {run}/report.html", str(run)]


def test_the_folder_of_a_run(ctc: Path) -> None:
    names = "env.json log.txt metrics.jsonl picture.png recipe.yaml report.html resolved.yaml scores.json"
    folders = "checkpoints decode export profile tensorboard"
    expected = {*names.split(), *folders.split(), "status.json"}
    assert {path.name for path in ctc.iterdir() if not path.name.startswith(".")} == expected
    assert json.loads((ctc / "status.json").read_text(encoding="utf-8"))["state"] == "finished"
    env = json.loads((ctc / "env.json").read_text(encoding="utf-8"))
    assert {"packages", "python", "platform", "git", "device", "data", "command"} <= set(env)
    assert [name for name in steps_of(ctc) if name.startswith(".")] == []


def test_hypotheses_and_scores(ctc: Path) -> None:
    """One line a sample, in the corpus's order; scores are fractions."""
    dev = lines(ctc, "dev")
    assert [line["id"] for line in dev] == ["dev0", "dev1", "dev2", "dev3"]
    for line in dev:
        assert list(line) == ["id", "tokens", "text", "score", "times", "confidences"]
        assert line["text"] == " ".join(line["tokens"])  # type: ignore[arg-type]
        assert len(line["times"]) == len(line["confidences"]) == len(line["tokens"])  # type: ignore[arg-type]
        assert line["times"] == sorted(line["times"])  # type: ignore[call-overload]
    assert set(scores(ctc, "dev")) == set(scores(ctc, "test"))
    names = (
        "wer wer_greedy sentence_error seen_share wer_seen wer_unseen calibration_error_raw calibration_error"
    )
    assert set(names.split()) <= set(scores(ctc, "dev"))
    assert scores(ctc, "dev")["wer"] == 0.0  # it is an easy corpus


def test_an_undefined_score_is_null(tmp_path: Path) -> None:
    """No sentence of dev is in train: there is no error rate of such sentences."""
    corpus = write_corpus(tmp_path / "corpus", train=4, dev=0, test=0)
    manifest = corpus / "manifest.csv"
    write_npz(corpus / "other.npz", np.ones((30, 3, 2)) + np.arange(30)[:, None, None])
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text + "d,other.npz,WHO WHO WHO WHO WHO,dev\n", encoding="utf-8")
    run = ok(write_recipe(tmp_path / "tiny.yaml", corpus, CTC, max_steps=2)).run
    assert scores(run, "dev")["wer_seen"] is None
    assert scores(run, "dev")["seen_share"] == 0.0
    assert "NaN" not in (run / "scores.json").read_text(encoding="utf-8")


def test_nbest(corpus: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, max_steps=2)
    run = ok(recipe, "--set", "decode.beam=4", "--set", "decode.nbest=3").run
    (first, *_) = lines(run, "dev")
    assert list(first) == ["id", "tokens", "text", "score", "times", "confidences", "nbest"]
    assert len(first["nbest"]) == 2  # type: ignore[arg-type]
    assert first["score"] >= first["nbest"][0]["score"]  # type: ignore[index]


def test_json_is_all_that_is_printed(corpus: Path, tmp_path: Path) -> None:
    done = ok(write_recipe(tmp_path / "tiny.yaml", corpus, max_steps=2), "--json")
    printed = json.loads(done.out)
    assert list(printed) == ["run", "state", "metrics", "notes"]
    assert printed["state"] == "finished"
    saved = (Path(printed["run"]) / "scores.json").read_text(encoding="utf-8")
    assert json.loads(saved)["metrics"] == printed["metrics"]


def test_overrides_that_scripts_rely_on(corpus: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus)
    keys = (f"run.dir={tmp_path / 'here'}", "train.seed=7", "train.max_steps=2", "decode.beam=1")
    done = ok(recipe, *(word for key in keys for word in ("--set", key)), "--set", "train.save_every=1")
    assert done.run.parent == tmp_path / "here" / "tiny"
    assert steps_of(done.run) == ["step_000001", "step_000002"]
    resolved = load_recipe(str(done.run / "resolved.yaml"), check_paths=False)
    assert (resolved.train.seed, resolved.decode.beam) == (7, 1)
    assert "wer_greedy" not in scores(done.run, "dev")


def test_resume_auto_takes_the_newest_unfinished(corpus: Path, tmp_path: Path) -> None:
    """None is unfinished: a new one is begun."""
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, max_steps=1)
    first, second = (ok(recipe, "--resume", "auto").run for _ in range(2))
    assert first != second
    (first / "status.json").unlink()
    assert ok(recipe, "--resume", "auto").run == first


def test_without_dev_and_test(tmp_path: Path) -> None:
    """It trains, the last weights are kept, and there is nothing to score."""
    corpus = write_corpus(tmp_path / "corpus", dev=0, test=0)
    run = ok(write_recipe(tmp_path / "tiny.yaml", corpus, max_steps=3)).run
    written = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    assert written == {
        "metrics": [],
        "notes": ["no dev or test: nothing was scored"],
        "confidences": {"temperature": 1.0, "fitted_on": None},
    }
    assert list((run / "decode").glob("*")) == [] if (run / "decode").exists() else True
    last = run / "checkpoints/step_000003/averaged.safetensors"
    assert (run / "export/model.safetensors").read_bytes() == last.read_bytes()


def test_without_train(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", train=0)
    message = refused(write_recipe(tmp_path / "tiny.yaml", corpus))
    assert message == f"error: {corpus / 'manifest.csv'}: no row has the split train\n"
    assert not (tmp_path / "runs").exists()


def test_a_gloss_of_dev_that_train_lacks(tmp_path: Path) -> None:
    """It counts as an error, and is no reason to stop."""
    corpus = write_corpus(tmp_path / "corpus", dev=1, test=1)
    manifest = corpus / "manifest.csv"
    text = manifest.read_text(encoding="utf-8")
    start, _, rest = text.partition("dev0,dev0.npz,")
    manifest.write_text(f"{start}dev0,dev0.npz,UNSEEN,{rest.partition(',')[2]}", encoding="utf-8")
    run = ok(write_recipe(tmp_path / "tiny.yaml", corpus, max_steps=2)).run
    assert scores(run, "dev")["wer"] >= 1  # type: ignore[operator]
    assert "UNSEEN" not in (run / "export/vocabulary.json").read_text(encoding="utf-8")


@pytest.fixture
def long_reference(tmp_path: Path) -> Path:
    """A corpus with two clips of four frames and references of three tokens, more than their chunks."""
    corpus = write_corpus(tmp_path / "corpus")
    text = (corpus / "manifest.csv").read_text(encoding="utf-8")
    for name in ("short0", "short1"):
        write_npz(corpus / f"{name}.npz", np.random.default_rng(0).normal(size=(4, 3, 2)))
        text += f"{name},{name}.npz,WHO READ WHO,train\n"
    (corpus / "manifest.csv").write_text(text, encoding="utf-8")
    return corpus


def test_a_reference_longer_than_its_chunks_is_refused(long_reference: Path, tmp_path: Path) -> None:
    message = refused(write_recipe(tmp_path / "tiny.yaml", long_reference))
    assert message == (
        f"error: {long_reference / 'manifest.csv'}:21: the reference is longer than its chunks: 2 samples: "
        "short0 (3 tokens, 4 frames), short1 (3 tokens, 4 frames); "
        "train.too_long: skip leaves them out\n"
    )


def test_a_reference_longer_than_its_chunks_is_skipped(long_reference: Path, tmp_path: Path) -> None:
    """Named and counted, on the terminal and in the log; the figures are those without it."""
    done = ok(write_recipe(tmp_path / "tiny.yaml", long_reference, too_long="skip", max_steps=2))
    note = (
        "left out of train, longer than their chunks: 2 samples: "
        "short0 (3 tokens, 4 frames), short1 (3 tokens, 4 frames)"
    )
    assert log(done.run)[0] == note
    assert done.err.splitlines()[0] == note
    assert "tiny: 12 train, 4 dev, 3 test; 6 symbols; " in done.err.splitlines()[1]
    assert len(done.err.splitlines()) == 2


def test_collapse_is_told_once(corpus: Path, tmp_path: Path) -> None:
    """A rate of learning of 0 and a bias for the blank: every hypothesis of dev is empty."""
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, max_steps=3, eval_every=1, lr=1.0)
    done = ok(recipe, "--set", "decode.beam=1", "--set", "decode.length_reward=-50")
    warnings = [line for line in done.err.splitlines() if line.startswith("warning: ")]
    assert warnings in [
        [
            f"warning: step {step}: greedy search, with which dev is judged during training, recognises "
            "nothing in 4 of 4 clips of dev (blanks only)"
        ]
        for step in (1, 2, 3)
    ]
    assert log(done.run).count(warnings[0]) == 1


def test_early_stopping(corpus: Path, tmp_path: Path) -> None:
    """A finished run: resuming it trains no more."""
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, lr=0.0, eval_every=1, patience=2, max_steps=50)
    run = ok(recipe).run
    last = max(steps_of(run))
    assert last < "step_000010"
    state = json.loads((run / f"checkpoints/{last}/state.json").read_text(encoding="utf-8"))
    assert state["stale"] == 2
    assert ok(recipe, "--resume", run).run == run
    assert max(steps_of(run)) == last


def test_best_and_last_weights(corpus: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, CTC, eval_every=2, keep=1)
    for select in ("best", "last"):
        run = ok(recipe, "--set", f"train.select={select}").run
        state = json.loads((run / "checkpoints/step_000006/state.json").read_text(encoding="utf-8"))
        step = state["best_step"] if select == "best" else 6
        chosen = run / f"checkpoints/step_{step:06d}/averaged.safetensors"
        assert (run / "export/model.safetensors").read_bytes() == chosen.read_bytes()
        best = {f"step_{state['best_step']:06d}", "step_000006"}
        assert set(steps_of(run)) == best


@pytest.mark.parametrize(
    ("names", "figure", "title"),
    [
        ("letter_accuracy, wer", "letter_accuracy", "letter accuracy"),
        ("aslfr", "aslfr", "(N - D) / N"),
        ("bleu, wer", "bleu4", "BLEU-4"),
        ("wer", "wer", "word error rate"),
    ],
)
def test_dev_is_judged_by_the_main_metric(tmp_path: Path, names: str, figure: str, title: str) -> None:
    """The best of the figures told for dev is the one whose weights are scored; page, table and scores.json
    have it with its interval."""
    higher = figure != "wer"
    corpus = write_corpus(tmp_path / "corpus", signs_a_clip=(4, 4))  # BLEU-4 is of four words in a row
    protocol = tmp_path / "mine.yaml"
    protocol.write_text(f"metrics: [{names}]\n", encoding="utf-8")
    options = {"max_steps": 60, "lr": 0.05, "eval_every": 6, "save_every": 0, "ema": 0.0}
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, SHORT_CTC, **options)
    done = ok(recipe, "--set", f"eval.protocol={protocol}", "--set", "decode.beam=1")
    (key,) = {key for row in metrics(done.run) for key in row if key.startswith("dev_")}
    told = {int(row["step"]): row[key] for row in metrics(done.run) if key in row}
    assert len(set(told.values())) > 2
    best = (max if higher else min)(told.values())
    step = min(step for step, value in told.items() if value == best)
    saved = json.loads((done.run / "checkpoints/step_000060/state.json").read_text(encoding="utf-8"))
    assert (saved["best"], saved["best_step"]) == (best, step)
    rows = json.loads((done.run / "scores.json").read_text(encoding="utf-8"))["metrics"]
    (row,) = (row for row in rows if (row["name"], row["split"]) == (figure, "dev"))
    assert row["value"] == pytest.approx(best)  # greedy search of these weights, as while training
    assert row["low"] <= row["value"] <= row["high"]
    assert done.out.splitlines()[0] == f"tiny, weights of step {step}"
    way = "higher" if higher else "lower"
    selected = f"The weights were selected by the {title} of dev ({way} is better)."
    page = (done.run / "report.html").read_text(encoding="utf-8")
    assert selected in done.out and selected in page
    shown = f"{100 * row['value']:.2f}"
    between = f"({100 * row['low']:.1f}–{100 * row['high']:.1f})"
    (line,) = (line for line in done.out.splitlines() if line.strip().startswith(f"{title} "))
    assert f"{title} {'↑' if higher else '↓'}" in line and shown in line and between in line
    assert f'data-v="{row["value"]}"' in page and f"<small>{between}</small>" in page


def test_early_stopping_by_a_metric_of_which_more_is_better(corpus: Path, tmp_path: Path) -> None:
    """Nothing is learnt: the first evaluation is the best, and the second one after it ends the training."""
    protocol = tmp_path / "mine.yaml"
    protocol.write_text("metrics: [letter_accuracy]\n", encoding="utf-8")
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, lr=0.0, eval_every=1, patience=2, max_steps=50)
    run = ok(recipe, "--set", f"eval.protocol={protocol}", "--set", "train.ema=0").run
    assert max(steps_of(run)) == "step_000003"
    told = [row["dev_letter_accuracy"] for row in metrics(run) if "dev_letter_accuracy" in row]
    assert len(told) == 3 and len(set(told)) == 1


def test_losses_of_another_kind_of_model(tmp_path: Path) -> None:
    """Found when the recipe is read, before the corpus is: with its place."""
    (tmp_path / "empty").mkdir()
    recipe = write_recipe(tmp_path / "tiny.yaml", tmp_path / "empty", CTC)
    said = "`train.losses.1`: `next_token` is no loss of `ctc`; it is of another kind of model\n"
    change = "train.losses=[{name: ctc}, {name: next_token}]"
    assert refused(recipe, "--set", change) == f"error: --set {change}: {said}"
    write_recipe(recipe, tmp_path / "empty", CTC, losses=[{"name": "ctc"}, {"name": "next_token"}])
    line = 1 + recipe.read_text(encoding="utf-8").splitlines().index("  - name: next_token")
    assert refused(recipe) == f"error: {recipe}:{line}:5: {said}"


def test_c2st_begins_as_the_ctc_it_is_started_from(ctc: Path, corpus: Path, tmp_path: Path) -> None:
    """With a context of gain 0 it writes what CTC writes on dev, before its first step."""
    base = {**C2ST, "encoder": ENCODER, "context": {"name": "embedding", "width": 8, "gain": 0.0}}
    recipe = load_recipe(str(write_recipe(tmp_path / "c2st.yaml", corpus, base, init_from=str(ctc))))
    prepared, exported = prepare(recipe), read_export(ctc)
    ours, theirs = prepared.model.state_dict(), exported.model.state_dict()
    assert all(ours[name].equal(theirs[name]) for name in theirs)
    fresh = f"{len(ours) - len(theirs)} (context.reader, context.adaptor)"
    assert prepared.notes == (f"began with {len(theirs)} weights of {ctc}; fresh: {fresh}",)
    for beam in (1, 4):
        decode = replace(recipe.decode, beam=beam)
        found, expected = (
            recognise(model, eval_batches(prepared.datasets["dev"], 3), prepared.vocabulary, decode)
            for model in (prepared.model, exported.model)
        )
        for name in expected:
            assert found[name].tokens == expected[name].tokens
            assert found[name].times == expected[name].times
            assert found[name].score == pytest.approx(expected[name].score, abs=1e-5)


def test_a_run_begun_with_another_goes_on_without_it(ctc: Path, corpus: Path, tmp_path: Path) -> None:
    begin = tmp_path / "ctc"
    (begin / "export").parent.mkdir()
    shutil.copytree(ctc / "export", begin / "export")
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, SHORT_CTC, init_from=str(begin), max_steps=2)
    unbroken = ok(recipe).run
    words = ("run", recipe, "--set", f"run.dir={tmp_path / 'killed'}", "--resume", "auto")
    shock = Shock("signkit.runtime.progress:TrainingWatch.stepped", 2)
    assert signkit(*words, shocks=[shock]).status == -9
    for file in (begin / "export").iterdir():
        file.unlink()
    done = signkit(*words)
    assert done.status == 0, done.err
    ours, theirs = (run / "export/model.safetensors" for run in (done.run, unbroken))
    assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("what", ["vocabulary", "shapes", "no run", "unfinished"])
def test_weights_that_cannot_be_begun_with(ctc: Path, tmp_path: Path, corpus: Path, what: str) -> None:
    base, begin = SHORT_CTC, ctc
    if what == "vocabulary":
        corpus = write_corpus(tmp_path / "corpus")
        manifest = corpus / "manifest.csv"
        text = manifest.read_text(encoding="utf-8").replace("JOHN", "MARY")
        manifest.write_text(text, encoding="utf-8")
        expected = f"train.init_from: the vocabulary of {ctc} is another one"
    elif what == "shapes":
        local = {"kind": "dilated", "width": 12, "dilations": [1, 2]}
        base = {**CTC, "encoder": {**ENCODER, "local_temporal": local}}
        expected = (
            "train.init_from: encoder.temporal.local.stem.conv.weight is [8, 36, 5] in "
            f"{ctc} but [12, 36, 5] here; use the same encoder and vocabulary"
        )
    elif what == "no run":
        begin = tmp_path / "empty"
        begin.mkdir()
        expected = f"{begin}: is an empty folder, and not a run; `signkit runs` lists the runs"
    else:
        begin = tmp_path / "run"
        begin.mkdir()
        (begin / "resolved.yaml").write_text("")
        expected = f"{begin}: the run is not finished; `signkit run RECIPE --resume auto` continues it"
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, base, init_from=str(begin))
    assert refused(recipe) == f"error: {expected}\n"
    assert not (tmp_path / "runs").exists()


def test_a_clip_that_cannot_be_used(tmp_path: Path) -> None:
    """It is found with the manifest, before there is a run."""
    corpus = write_corpus(tmp_path / "corpus")
    write_npz(corpus / "train3.npz", np.full((30, 3, 2), np.inf))
    manifest = corpus / "manifest.csv"
    lines = manifest.read_text(encoding="utf-8").splitlines()
    lines[4] = "train3,train3.npz,WHO,train"
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    message = refused(write_recipe(tmp_path / "tiny.yaml", corpus)).splitlines()[-1]
    assert message == f"error: {manifest}:5: train3.npz: point 'left-hand' is infinite in frame 0"
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_clip_that_breaks_in_training(
    tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whatever process it is read: it is named, and the run says that it failed."""
    corpus = write_corpus(tmp_path / "corpus")
    where = f"{corpus / 'manifest.csv'}:4"
    whole = examples.prepare_signal

    def broken(*given: Any) -> Any:
        if given[-1] == where:
            raise UserError(where, "its disk is gone")
        return whole(*given)

    monkeypatch.setattr(examples, "prepare_signal", broken)
    with pytest.raises(UserError) as failed:
        api.run(write_recipe(tmp_path / "tiny.yaml", corpus, workers=workers))
    assert str(failed.value) == f"{where}: its disk is gone"
    (run,) = (tmp_path / "runs" / "tiny").iterdir()
    status = json.loads((run / "status.json").read_text(encoding="utf-8"))
    assert (status["state"], status["error"]) == ("failed", str(failed.value))
    assert log(run)[-1] == f"failed: {status['error']}"
