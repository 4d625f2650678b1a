"""`signkit decode` and `signkit tune` on a finished run; language models in the export; confidences."""

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import LM, MASKED, Shock, write_corpus, write_lm_recipe, write_recipe, write_text
from tiny import signkit as command

from signkit.cli.app import main
from signkit.config.recipe_file import DecodeRecipe
from signkit.config.strict_yaml import read_file
from signkit.data import examples
from signkit.runtime.files import sha256

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow

NGRAM = "decode.fusion=[{name: ngram, order: 2, weight: 0.3}]"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learned a little, with four checkpoints."""
    folder = tmp_path_factory.mktemp("decode")
    recipe = write_recipe(
        folder / "tiny.yaml", write_corpus(folder / "corpus"), max_steps=30, lr=0.05, keep=4, eval_every=15
    )
    done = command("run", recipe)
    assert done.status == 0, done.err
    return done.run


@pytest.fixture
def signkit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """The command in this process, in an empty folder; no picture is drawn."""
    from signkit.commands.tune import show
    from signkit.tasks.transcripts import report

    def nothing_drawn(path: Path, *_: object) -> Path:
        path = path / "picture.png" if path.is_dir() else path
        path.write_bytes(b"")
        return path

    monkeypatch.setattr(report, "draw", nothing_drawn)
    monkeypatch.setattr(report, "draw_reliability", lambda *result: None)
    monkeypatch.setattr(show, "saved", nothing_drawn)
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["signkit", *map(str, words)])
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capsys.readouterr()
        return int(leaving.value.code or 0), captured.out, captured.err

    return call


def run_corpus(run: Path) -> Path:
    """The corpus of the fixture's run."""
    return run.parents[2] / "corpus"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def digests(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): sha256(p) for p in folder.rglob("*") if p.is_file()}


def test_as_it_was(signkit: Command, run: Path, tmp_path: Path) -> None:
    """Nothing said anew: the very hypotheses and scores of the run, which stays as it was."""
    before = digests(run)
    status, out, _ = signkit("decode", run, "--out", "again")
    assert (status, out.splitlines()[-1]) == (0, "again")
    assert digests(run) == before
    names = {"decode.yaml", "log.txt", "picture.png", "report.html", "scores.json"}
    names |= {f"{split}{end}.jsonl" for split in ("dev", "test") for end in ("", ".references")}
    assert {path.name for path in (tmp_path / "again").iterdir()} == names
    for split in ("dev", "test"):
        assert lines(tmp_path / f"again/{split}.jsonl") == lines(run / f"decode/{split}.jsonl")
    ours, theirs = (json.loads((f / "scores.json").read_text()) for f in (tmp_path / "again", run))
    assert ours == {**theirs, "run": str(run)}


def test_below_the_run(signkit: Command, run: Path) -> None:
    status, out, _ = signkit("decode", run, "--split", "test", "--set", "decode.beam=4")
    folder = Path(out.splitlines()[-1])
    assert (status, folder.parent) == (0, run / "decoded")
    assert (folder / "test.jsonl").is_file()
    assert not (folder / "dev.jsonl").exists()
    used = read_file(folder / "decode.yaml", DecodeRecipe).decode
    assert (used.beam, used.splits) == (4, ("test",))


def test_weight_zero_changes_nothing(signkit: Command, run: Path, tmp_path: Path) -> None:
    zero = NGRAM.replace("0.3", "0")
    for name, words in (("plain", ()), ("zero", ("--set", zero)), ("some", ("--set", NGRAM))):
        assert signkit("decode", run, "--split", "dev", "--out", name, *words)[0] == 0
    assert lines(tmp_path / "plain/dev.jsonl") == lines(tmp_path / "zero/dev.jsonl")
    assert lines(tmp_path / "plain/dev.jsonl") != lines(tmp_path / "some/dev.jsonl")


def test_a_file_then_what_is_set(signkit: Command, run: Path, tmp_path: Path) -> None:
    """The file's keys replace the run's, the others stay; what is set comes last."""
    (tmp_path / "mine.yaml").write_text(
        "decode:\n  nbest: 2\n  beam: 6\n  length_reward: 0.5\n", encoding="utf-8"
    )
    words = ("--with", "mine.yaml", "--set", "decode.length_reward=1", "--out", "out")
    assert signkit("decode", run, *words)[0] == 0
    used = read_file(tmp_path / "out/decode.yaml", DecodeRecipe).decode
    assert (used.beam, used.nbest, used.length_reward, used.batch_size) == (6, 2, 1.0, 32)
    assert all(len(line["nbest"]) == 1 for line in lines(tmp_path / "out/dev.jsonl"))


def test_json(signkit: Command, run: Path, tmp_path: Path) -> None:
    status, out, _ = signkit("decode", run, "--json", "--split", "test", "--out", "out")
    printed = json.loads(out)
    assert (status, list(printed), printed["decoded"]) == (0, ["decoded", "run", "metrics", "notes"], "out")
    assert printed["metrics"] == json.loads((tmp_path / "out/scores.json").read_text())["metrics"]


def test_results_are_there_whole_or_not_at_all(run: Path, tmp_path: Path) -> None:
    """Killed, and asked to stop; what a killed one left is cleared away by the next."""
    out, before = tmp_path / "out", digests(run)
    words = ("decode", run, "--split", "dev", "--out", out)
    written = "signkit.commands.decode:write_scores"
    assert command(*words, shocks=[Shock(written, 1)]).status == -signal.SIGKILL
    assert not out.exists()
    stopped = command(*words, shocks=[Shock(written, 1, signal.SIGINT)])
    assert (stopped.status, stopped.out, list(tmp_path.iterdir())) == (130, "", [])
    done = command(*words)
    assert (done.status, done.run, list(tmp_path.iterdir())) == (0, out, [out])
    assert f"report:  {out}/report.html\n" in done.out
    for verb, module in (
        ("decode", "signkit.decode.lattice"),
        ("tune", "signkit.tasks.recognition.searched"),
    ):
        again = command(verb, run, shocks=[Shock(f"{module}:acoustic_logits", 1, signal.SIGINT)])
        assert (again.status, again.out) == (130, "")
    assert digests(run) == before


def test_confidences(signkit: Command, run: Path, tmp_path: Path) -> None:
    """Fitted on dev where no temperature is named, also when test alone is asked for."""
    signkit("decode", run, "--set", "decode.beam=8", "--out", "both")
    signkit("decode", run, "--set", "decode.beam=8", "--split", "test", "--out", "test")
    both, test = (json.loads((tmp_path / f / "scores.json").read_text()) for f in ("both", "test"))
    assert both["confidences"] == test["confidences"]
    assert both["confidences"]["fitted_on"] == "dev"
    assert lines(tmp_path / "both/test.jsonl") == lines(tmp_path / "test/test.jsonl")
    signkit("decode", run, "--set", "decode.beam=8", "--set", "decode.temperature=1", "--out", "one")
    one = json.loads((tmp_path / "one/scores.json").read_text())
    assert one["confidences"] == {"temperature": 1.0, "fitted_on": None}
    for split in ("dev", "test"):
        named = {s["name"]: s["value"] for s in one["metrics"] if s["split"] == split}
        fitted = {s["name"]: s["value"] for s in both["metrics"] if s["split"] == split}
        assert named["calibration_error"] == named["calibration_error_raw"] == fitted["calibration_error_raw"]


def test_nothing_possible_is_said(signkit: Command, run: Path, tmp_path: Path) -> None:
    """A sentence that is in no beam; the score is null, since JSON has no infinity."""
    (tmp_path / "sentence.txt").write_text("READ WHO READ WHO READ WHO READ\n", encoding="utf-8")
    part = "decode.fusion=[{name: lexicon, of: sentences, file: sentence.txt}]"
    status, _, error = signkit("decode", run, "--split", "dev", "--set", part, "--out", "out")
    assert (status, error) == (
        0,
        "warning: nothing is possible for 4 of 4 samples of dev: all that is in the beam is forbidden by "
        "decode.fusion or decode.rescore\n",
    )
    text = (tmp_path / "out/dev.jsonl").read_text(encoding="utf-8")
    assert "Infinity" not in text
    assert [(line["tokens"], line["score"]) for line in map(json.loads, text.splitlines())] == [
        ([], None)
    ] * 4


def test_averaged_checkpoints(signkit: Command, run: Path, tmp_path: Path) -> None:
    assert signkit("decode", run, "--set", "decode.average=3", "--out", "mean")[0] == 0
    assert lines(tmp_path / "mean/dev.jsonl") != lines(run / "decode/dev.jsonl")
    status, out, error = signkit("decode", run, "--set", "decode.average=9", "--out", "more")
    steps = sorted(int(path.name[5:]) for path in (run / "checkpoints").iterdir())
    assert (status, out) == (2, "")
    assert error == (
        f"error: decode.average: is 9, but {run / 'checkpoints'} has {len(steps)} checkpoints "
        f"(steps {', '.join(map(str, steps))}); train.keep says how many a training keeps\n"
    )
    assert not (tmp_path / "more").exists()


def test_an_ensemble_of_one(signkit: Command, run: Path, tmp_path: Path) -> None:
    assert signkit("decode", run, "--set", f"decode.ensemble=[{run}]", "--out", "both")[0] == 0
    assert lines(tmp_path / "both/dev.jsonl") == lines(run / "decode/dev.jsonl")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--set", "decode.name=attention"],
            "--set decode.name=attention: the decoder of this run is `lattice`, and belongs to its model; "
            "leave it out",
        ),
        (["--set", "train.lr=1"], "--set train.lr=1: of a finished run only `decode` and `eval` can be set"),
        (
            ["--set", "decode.beam=0"],
            "--set decode.beam=0: `decode.beam` must be between 1 and 4096, not `0`",
        ),
        (["--set", "decode.bean=2"], "--set decode.bean=2: unknown key `decode.bean`; did you mean `beam`?"),
        (
            ["--set", "decode.beam=1", "--set", NGRAM],
            "--set decode.beam=1: `decode.beam`: is 1, greedy search, which has no place for decode.fusion "
            "and decode.rescore; a wider beam, such as 8, or none of them",
        ),
        (["--with", "gone.yaml"], "gone.yaml: cannot be read: No such file or directory"),
        (["--out", "."], "--out: . exists already; name a new folder"),
    ],
)
def test_what_is_refused(signkit: Command, run: Path, tmp_path: Path, words: list[str], message: str) -> None:
    before = digests(run)
    assert signkit("decode", run, *words) == (2, "", f"error: {message}\n")
    assert digests(run) == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("setting", "meant"),
    [
        ("beam=32", "decode.beam"),
        ("bean=32", "decode.beam"),
        ("protocol=plain", "eval.protocol"),
        ("fusion.0.weight=1", "decode.fusion.0.weight"),
        ("decod.beam=32", "decode.beam"),
        ("temperatur=1", "decode.temperature"),
    ],
)
@pytest.mark.parametrize("verb", ["decode", "tune"])
def test_a_key_without_its_section(signkit: Command, run: Path, verb: str, setting: str, meant: str) -> None:
    what = "of a finished run only `decode` and `eval` can be set"
    message = f"error: --set {setting}: {what}; did you mean `{meant}`?\n"
    assert signkit(verb, run, "--set", setting) == (2, "", message)


def test_a_file_with_another_section(signkit: Command, run: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("train:\n  lr: 1\n", encoding="utf-8")
    status, out, error = signkit("decode", run, "--with", "mine.yaml")
    assert (status, out) == (2, "")
    assert error.startswith("error: mine.yaml:1:1: unknown key `train`")


def test_a_file_that_does_not_go_with_the_run(signkit: Command, copied: Path, tmp_path: Path) -> None:
    """Greedy search in the file, a language model in the run."""
    recorded = copied / "resolved.yaml"
    fusion = "fusion:\n  - {name: ngram, order: 2}"
    recorded.write_text(recorded.read_text().replace("fusion: []", fusion))
    (tmp_path / "mine.yaml").write_text("decode:\n  beam: 1\n", encoding="utf-8")
    status, out, error = signkit("decode", copied, "--with", "mine.yaml")
    assert (status, out) == (2, "")
    assert error == (
        "error: mine.yaml: `decode.beam`, together with the run's settings, is 1, greedy search, which has "
        "no place for decode.fusion and decode.rescore; a wider beam, such as 8, or none of them\n"
    )
    (tmp_path / "mine.yaml").write_text("decode:\n  beam: 1\n  fusion: []\n", encoding="utf-8")
    assert signkit("decode", copied, "--with", "mine.yaml", "--out", "out")[0] == 0


def test_not_a_finished_run(signkit: Command, run: Path, tmp_path: Path) -> None:
    for verb in ("decode", "tune"):
        assert signkit(verb, "nowhere") == (
            2,
            "",
            "error: nowhere: there is no run of this name, and no such folder; "
            "`signkit runs` lists the runs\n",
        )
        begun = tmp_path / "begun"
        begun.mkdir(exist_ok=True)
        shutil.copy(run / "resolved.yaml", begun)
        hint = "`signkit run RECIPE --resume auto` continues it"
        assert signkit(verb, begun) == (2, "", f"error: {begun}: the run is not finished; {hint}\n")


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    """The run, to be changed."""
    shutil.copytree(run, tmp_path / "copy")
    return tmp_path / "copy"


def test_scores_that_are_no_numbers(signkit: Command, copied: Path) -> None:
    """Weights of NaN, as of a training that diverged, in an export that is whole."""
    from safetensors.torch import load_file, save_file

    weights = copied / "export" / "model.safetensors"
    save_file({name: tensor.float() * float("nan") for name, tensor in load_file(weights).items()}, weights)
    sums = copied / "export" / "SHA256SUMS"
    kept = [line for line in sums.read_text().splitlines() if "model.safetensors" not in line]
    sums.write_text("\n".join([*kept, f"{sha256(weights)}  model.safetensors"]) + "\n")
    before = set(copied.rglob("*"))
    what = "the model's scores are not numbers; its weights have diverged or are damaged"
    for verb in ("decode", "tune"):
        status, out, error = signkit(verb, copied)
        assert (status, out) == (1, "")
        assert error.splitlines()[-1].endswith(what)
        assert error.splitlines()[-1].startswith("error: sample 'dev")
    assert set(copied.rglob("*")) == before


def test_a_split_that_the_corpus_lacks(signkit: Command, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", test=0, dev=0)
    done = command("run", write_recipe(tmp_path / "tiny.yaml", corpus, max_steps=1))
    assert done.status == 0, done.err
    message = f"--split: the corpus {corpus} has no test samples; it has train"
    status, out, error = signkit("decode", done.run, "--split", "test")
    assert (status, out) == (2, "")
    assert error.startswith("error: --split: the corpus ") and error.endswith(
        "has no test samples; it has train\n"
    ), message
    status, out, error = signkit("tune", done.run)
    assert (status, out) == (2, "")
    assert error.endswith(f" of {done.run} has no dev samples; it has train\n")


# --- language models in the export


def test_the_export_needs_neither_corpus_nor_model_file(signkit: Command, run: Path, tmp_path: Path) -> None:
    """A model made of train and one of the user's: both go with the export, wherever it is moved."""
    corpus = write_corpus(tmp_path / "corpus")
    (tmp_path / "text.txt").write_text("WHO READ\nJOHN READ HOUSE\n", encoding="utf-8")
    words = ("--set", "data.text=[text.txt]", "--set", "lm.order=2", "--out", "mine.arpa.gz")
    assert signkit("lm", "train", "ngram", *words)[0] == 0
    parts = "[{name: ngram, order: 2, weight: 0.3}, {name: ngram, weight: 0}]"
    done = command(
        "run",
        write_recipe(tmp_path / "tiny.yaml", corpus, max_steps=3),
        "--set", f"decode.fusion={parts}",
        "--set", f"decode.rescore=[{{name: ngram, file: {tmp_path / 'mine.arpa.gz'}, weight: 0.2}}]",
    )  # fmt: skip
    assert done.status == 0, done.err
    clips = [corpus / f"test{n}.npz" for n in range(3)]
    shutil.copytree(corpus, tmp_path / "clips")
    clips = [tmp_path / "clips" / clip.name for clip in clips]
    names = {path.name for path in (done.run / "export").iterdir()}
    assert {"fusion.0.file.npz", "rescore.0.file.arpa.gz"} <= names
    expected = [
        {key: line[key] for key in ("tokens", "times", "confidences")}
        for line in lines(done.run / "decode/test.jsonl")
    ]
    shutil.move(done.run / "export", tmp_path / "moved" / "export")
    for path in (corpus, done.run):
        shutil.rmtree(path)
    for path in tmp_path.glob("mine.*"):
        path.unlink()
    status, out, error = signkit("predict", "moved", *clips, "--json")
    assert (status, error) == (0, "")
    found = [json.loads(line) for line in out.splitlines()]
    assert [{key: line[key] for key in expected[0]} for line in found] == expected
    assert signkit("predict", "moved", *clips, "--beam", "1")[0] == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--set", "decode.beam=4", "--set", NGRAM),
        ("--with", "mine.yaml", "--set", "decode.length_reward=1"),
        ("--set", "decode.average=3"),
        ("--set", "decode.beam=4", "--set", "decode.rescore=[{name: ngram, order: 3, weight: 0.5}]"),
    ],
)
def test_clips_are_recognised_as_the_run_is_decoded(
    signkit: Command, run: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """What `decode` tells of a search holds for `predict` with the same words, models made of train too."""
    (tmp_path / "mine.yaml").write_text(f"decode:\n  beam: 6\n  {NGRAM[7:].replace('=', ': ')}\n")
    assert (
        signkit("decode", run, *words, "--set", "decode.temperature=1", "--split", "test", "--out", "out")[0]
        == 0
    )
    expected = {line["id"]: line["tokens"] for line in lines(tmp_path / "out/test.jsonl")}
    clips = [run_corpus(run) / f"{name}.npz" for name in expected]
    status, out, error = signkit("predict", run, *clips, "--json", *words)
    assert (status, error) == (0, "")
    assert [json.loads(line)["tokens"] for line in out.splitlines()] == list(expected.values())


def test_predict_without_the_corpus_that_a_model_wants(signkit: Command, run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "export", tmp_path / "alone" / "export")
    clip = run_corpus(run) / "test0.npz"
    status, out, error = signkit("predict", "alone", clip, "--set", "decode.beam=4", "--set", NGRAM)
    assert (status, out) == (2, "")
    assert error == (
        "error: alone: a part of its decode.fusion wants the train references, which an export has not; "
        "give it a file\n"
    )
    status, _, error = signkit("predict", run, clip, "--set", "train.seed=2")
    assert (status, error) == (
        2, "error: --set train.seed=2: of a finished run only `decode` and `eval` can be set\n"
    )  # fmt: skip


def test_neural_models_and_ensembles_go_with_the_export(signkit: Command, run: Path, tmp_path: Path) -> None:
    """Their runs may be deleted."""
    text = write_text(tmp_path / "text")
    trained = {}
    for name, base in (("causal", LM), ("masked", MASKED)):
        done = command("run", write_lm_recipe(tmp_path / f"{name}.yaml", text, base, max_steps=2))
        assert done.status == 0, done.err
        trained[name] = done.run
    clips = [run.parents[2] / "corpus" / f"test{n}.npz" for n in range(3)]
    other = tmp_path / "other"
    shutil.copytree(run, other)
    done = command(
        "run",
        write_recipe(tmp_path / "tiny.yaml", clips[0].parent, max_steps=2),
        "--set", f"decode.fusion=[{{name: neural, run: {trained['causal']}, weight: 0.4}}]",
        "--set", f"decode.rescore=[{{name: masked, run: {trained['masked']}, weight: 0.3}}]",
        "--set", f"decode.ensemble=[{other}]",
        "--set", "decode.beam=4",
    )  # fmt: skip
    assert done.status == 0, done.err
    for folder in (*trained.values(), other):
        shutil.rmtree(folder)
    names = {path.name for path in (done.run / "export").iterdir()}
    assert {"fusion.0.run", "rescore.0.run", "ensemble.0"} <= names
    status, out, error = signkit("predict", done.run, *clips, "--json")
    assert (status, error) == (0, "")
    tokens = [json.loads(line)["tokens"] for line in out.splitlines()]
    assert tokens == [line["tokens"] for line in lines(done.run / "decode/test.jsonl")]


def test_a_fault_in_decoding_is_told_before_the_training(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus)
    for words, message in (
        (["decode.average=3"], "decode.average: is 3, but train.keep keeps 2 checkpoints"),
        (["decode.beam=1", NGRAM], "--set decode.beam=1: `decode.beam`: is 1, greedy search, which has no "),
        ([f"decode.ensemble=[{corpus}]"], f"{corpus}: is a corpus (manifest.csv), and not a run"),
    ):
        done = command("run", recipe, *(word for each in words for word in ("--set", each)))
        assert (done.status, done.out) == (2, "")
        assert done.err.startswith(f"error: {message}")
    assert not (tmp_path / "runs").exists()


# --- tune


def test_tune_never_reads_test(
    signkit: Command, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No clip of test reaches a model, and its references are no part of what is tuned on."""
    read: list[str] = []
    usual = examples.prepare_signal

    def watched(signal: Any, layout: str, width: int, landmarks: Any, where: str) -> Any:
        read.append(where.rpartition(":")[2])
        return usual(signal, layout, width, landmarks, where)

    monkeypatch.setattr(examples, "prepare_signal", watched)
    words = ("--set", "decode.beam=4", "--set", NGRAM, "--trials", "12", "--out", "tuned.yaml")
    status, out, _ = signkit("tune", run, *words)
    assert (status, out.splitlines()[-1]) == (0, "tuned.yaml")
    assert sorted(read) == ["14", "15", "16", "17"]  # the lines of dev in the manifest
    assert signkit("tune", run, "--split", "test") == (
        2,
        "",
        "error: --split: test is never tuned on; dev, or folds of train as dev\n",
    )
    assert signkit("tune", run, "--split", "train") == (
        2,
        "",
        "error: --split: train is what the models were trained on; dev, or folds of train as dev\n",
    )


def test_the_tuned_recipe_gives_what_was_said(signkit: Command, run: Path, tmp_path: Path) -> None:
    """The rate and the temperature that tune tells are those of `decode` with its file."""
    words = ("--set", "decode.beam=4", "--set", NGRAM, "--set", "decode.rescore=[{name: ngram, weight: 0}]")
    status, out, _ = signkit("tune", run, *words, "--trials", "20", "--json", "--out", "tuned.yaml")
    tuned = json.loads(out)
    assert status == 0
    assert {"tuned.yaml", "tuned.html"} == {path.name for path in tmp_path.iterdir()}
    assert tuned["value"] == min(trial["value"] for trial in tuned["trials"])
    assert tuned["value"] <= min(tuned["plain"], tuned["recipe"], *tuned["without"].values())
    status, out, _ = signkit("decode", run, "--with", "tuned.yaml", "--json", "--out", "out")
    found = {(s["split"], s["name"]): s["value"] for s in json.loads(out)["metrics"]}
    assert found["dev", "wer"] == tuned["value"]
    used = json.loads((tmp_path / "out/scores.json").read_text())["confidences"]
    assert used == {"temperature": tuned["temperature"], "fitted_on": None}


def test_the_point_where_nothing_changes_is_plain_decoding(
    signkit: Command, run: Path, tmp_path: Path
) -> None:
    _, out, _ = signkit("decode", run, "--split", "dev", "--json", "--out", "out")
    plain = next(s["value"] for s in json.loads(out)["metrics"] if s["name"] == "wer")
    _, out, _ = signkit("tune", run, "--set", NGRAM, "--trials", "1", "--json", "--out", "tuned.yaml")
    tuned = json.loads(out)
    assert tuned["trials"][-1]["number"] >= 1
    (first,) = (trial for trial in tuned["trials"] if trial["number"] == 1)
    assert (first["value"], tuned["plain"]) == (plain, plain)
    assert (first["decode.fusion.0.weight"], first["decode.length_reward"]) == (0.0, 0.0)


def test_the_same_seed_tunes_the_same(signkit: Command, run: Path, tmp_path: Path) -> None:
    texts = []
    for seed in (1, 1, 2):
        signkit("tune", run, "--set", NGRAM, "--trials", "10", "--seed", seed, "--out", "tuned.yaml")
        texts.append((tmp_path / "tuned.yaml").read_text())
    assert texts[0] == texts[1]
    assert "seed 2" in texts[2]


def test_several_runs_pool_their_errors(signkit: Command, run: Path, copied: Path, tmp_path: Path) -> None:
    """A run and its copy: twice the errors in twice the words, so the same rates."""
    alone, both = (
        json.loads(signkit("tune", *runs, "--trials", "8", "--json", "--out", "tuned.yaml")[1])
        for runs in ((run,), (run, copied))
    )
    assert both["trials"] == alone["trials"]
    assert both["sentences"]["all"] == 2 * alone["sentences"]["all"] == 8
    assert (both["interval"], both["gain"]) == (alone["interval"], alone["gain"])  # no more is known
    message = f"error: {run}: is named twice, so its sentences would count twice\n"
    assert signkit("tune", run, run) == (2, "", message)
    other = copied / "resolved.yaml"
    other.write_text(other.read_text().replace("beam: 2", "beam: 3"))
    status, out, error = signkit("tune", run, copied)
    assert (status, out) == (2, "")
    what = f"is decoded otherwise than {run}: `decode.beam`: 2, now 3"
    assert error == f"error: {copied}: {what}; give both the same by --with FILE or --set\n"


def test_what_tune_shows(signkit: Command, run: Path, tmp_path: Path) -> None:
    _, out, _ = signkit("tune", run, "--set", NGRAM, "--trials", "10", "--out", "tuned.yaml")
    assert f"{run}, dev: the best of " in out
    assert "Effect of each parameter" in out
    assert "of 4 sentences have fewer errors, " in out
    assert f", the recipe with {NGRAM} " in " ".join(out.split())
    assert "The settings were chosen on these very sentences: WER on others will be higher." in out
    recipe = (tmp_path / "tuned.yaml").read_text()
    assert recipe.startswith(f"# Tuned on dev of {run}: ")
    assert ">Effect of each parameter</h2>" in (tmp_path / "tuned.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--space", "decode.length_reward=0:x"], "--space decode.length_reward=0:x: 'x' is no number"),
        (["--out", "x/tuned.yaml"], "--out: x/tuned.yaml is not a .yaml file in a folder that is there"),
        (["--out", "tuned.txt"], "--out: tuned.txt is not a .yaml file in a folder that is there"),
        (
            ["--set", "decode.beam=1", "--set", NGRAM],
            "--set decode.beam=1: `decode.beam`: is 1, greedy search, which has no place for decode.fusion "
            "and decode.rescore; a wider beam, such as 8, or none of them",
        ),
        (["--set", "train.lr=1"], "--set train.lr=1: of a finished run only `decode` and `eval` can be set"),
    ],
)
def test_what_tune_refuses(
    signkit: Command, run: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    status, out, error = signkit("tune", run, *words)
    assert (status, out, error.splitlines()[-1]) == (2, "", f"error: {message}")
    assert list(tmp_path.iterdir()) == []


def test_a_rescorer_remembers() -> None:
    from signkit.tasks.transcripts.scorers import CachedRescorer

    asked: list[list[tuple[int, ...]]] = []

    class Lengths:
        def totals(self, sequences: list[tuple[int, ...]]) -> Any:
            asked.append(sequences)
            return np.array([-float(len(each)) for each in sequences])

    cached = CachedRescorer(Lengths())
    assert cached.totals([(2, 3), (), (2, 3)]).tolist() == [-2, 0, -2]
    assert cached.totals([(4,), ()]).tolist() == [-1, 0]
    assert cached.totals([()]).tolist() == [0]
    assert asked == [[(2, 3), ()], [(4,)]]
