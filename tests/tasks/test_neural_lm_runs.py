"""Runs of language models: the loop, the folder and the resume of every run, and what scores them."""

import hashlib
import json
import math
import signal
from pathlib import Path

import numpy as np
import pytest
from tiny import CAUSAL, LM, MASKED, Done, Shock, metrics, signkit, write_lm_recipe, write_text

from signkit.cli.app import main
from signkit.models.export import read_export
from signkit.models.sentence_scores import sentence_scores
from signkit.runtime import checkpoint
from signkit.runtime.run_folder import state

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow

BASES = {"lstm": LM, "bert": CAUSAL, "masked": MASKED}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text(tmp_path_factory.mktemp("lm") / "text")


@pytest.fixture(scope="module")
def finished(text: Path) -> dict[str, Path]:
    """A finished run of each kind."""
    recipes = {
        name: write_lm_recipe(text.parent / f"{name}.yaml", text, base) for name, base in BASES.items()
    }
    return {name: ok("run", recipe).run for name, recipe in recipes.items()}


def ok(*words: object, **options: object) -> Done:
    done = signkit(*words, **options)  # type: ignore[arg-type]
    assert done.status == 0, done.err
    return done


def refused(*words: object) -> str:
    """The message of a command that a user's mistake prevents."""
    done = signkit(*words)
    assert (done.status, done.out) == (2, "")
    return done.err


def scores(run: Path) -> dict[tuple[str, str], float]:
    rows = json.loads((run / "scores.json").read_text(encoding="utf-8"))["metrics"]
    return {(row["split"], row["name"]): row["value"] for row in rows}


def digests(run: Path) -> dict[str, str]:
    files = [*run.glob("checkpoints/*/*"), *run.glob("export/model.safetensors"), run / "scores.json"]
    return {str(f.relative_to(run)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


@pytest.mark.parametrize("name", BASES)
def test_a_run_in_this_process(
    name: str, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where every shape that is annotated is checked; the last line is the run's folder."""
    recipe = write_lm_recipe(tmp_path / "lm.yaml", text, BASES[name], max_steps=2, eval_every=2)
    monkeypatch.setattr("sys.argv", ["signkit", "run", str(recipe)])
    with pytest.raises(SystemExit) as leaving:
        main()
    assert not leaving.value.code
    (run,) = (tmp_path / "runs" / "lm").iterdir()
    lines = capsys.readouterr().out.splitlines()
    judged = "pseudo-perplexity" if name == "masked" else "perplexity"
    assert lines[0] == "lm, weights of step 2"
    assert lines[2].split() == ["metric", "dev", "test"]
    shown = [line.strip().rpartition(" ↓ ")[0] for line in lines[4:6]]
    assert shown == [judged, f"{judged} of known tokens"]
    assert lines[-3:] == [f"picture: {run}/picture.png", f"report:  {run}/report.html", str(run)]
    page = (run / "report.html").read_text(encoding="utf-8").partition("<img")[0]
    assert f"{judged} ↓" in page and "WER" not in page and "word error" not in page
    assert (run / "picture.png").stat().st_size > 5000


def test_perplexity_is_what_is_told(finished: dict[str, Path]) -> None:
    """In the log, in metrics.jsonl, in scores.json; never a rate."""
    for name, judged in (("lstm", "perplexity"), ("masked", "pseudo-perplexity")):
        run, key = finished[name], judged.replace("-", "_")
        told = [row for row in metrics(run) if f"dev_{key}" in row]
        assert [row["step"] for row in told] == [3, 6]
        best = min(row[f"dev_{key}"] for row in told)
        assert scores(run)["dev", key] == pytest.approx(best)
        assert set(scores(run)) == {(s, k) for s in ("dev", "test") for k in (key, f"{key}_known")}
        log = (run / "log.txt").read_text(encoding="utf-8")
        assert f"step 3: dev {judged} {told[0][f'dev_{key}']:.2f} (best)\n" in log
        assert "WER" not in log and "%" not in log


def test_the_result_as_json(text: Path, tmp_path: Path) -> None:
    recipe = write_lm_recipe(tmp_path / "lm.yaml", text, max_steps=2)
    printed = json.loads(ok("run", recipe, "--json").out)
    assert printed["state"] == "finished"
    rows = printed["metrics"]
    assert [(row["split"], row["name"]) for row in rows] == [
        (split, name) for split in ("dev", "test") for name in ("perplexity", "perplexity_known")
    ]
    assert rows[0]["note"] == "16 tokens, 1 unknown, 6 sentences"
    assert rows[0]["value"] > rows[1]["value"] > 1


@pytest.mark.parametrize("name", BASES)
def test_lm_score_says_the_same(finished: dict[str, Path], text: Path, name: str) -> None:
    """As the run itself, and as the logarithms of the words."""
    run, key = finished[name], "pseudo_perplexity" if name == "masked" else "perplexity"
    found = json.loads(ok("lm", "score", text / "dev.txt", "--lm", run, "--json", "--words").out)
    assert found["perplexity"] == pytest.approx(scores(run)["dev", key], rel=1e-6)
    assert found["perplexity_known"] == pytest.approx(scores(run)["dev", f"{key}_known"], rel=1e-6)
    assert (found["sentences"], found["unknown"], found["pseudo"]) == (6, 1, name == "masked")
    log10 = np.array([figure for each in found["texts"] for figure in each["word_log10"]])
    unknown = np.array([missed for each in found["texts"] for missed in each["unknown"]])
    assert len(log10) == found["words"] + (0 if name == "masked" else found["sentences"])
    assert found["perplexity"] == pytest.approx(math.exp(-log10.mean() * math.log(10)), rel=1e-6)
    assert found["perplexity_known"] == pytest.approx(10 ** -log10[~unknown].mean(), rel=1e-6)
    assert found["log10"] == pytest.approx(log10.sum(), abs=1e-4)
    lines = (text / "dev.txt").read_text(encoding="utf-8").splitlines()
    exported = read_export(run)
    log = sentence_scores(exported.model, [exported.spec.vocabulary.encode(line.split()) for line in lines])
    assert log10 == pytest.approx(np.concatenate(log) / math.log(10), abs=1e-5)
    ends = [] if name == "masked" else ["</s>"]
    assert [each["words"] for each in found["texts"]] == [[*line.split(), *ends] for line in lines]


def test_lm_score_in_words(finished: dict[str, Path], text: Path) -> None:
    dev = text / "dev.txt"
    for name, kind, judged in (("lstm", "causal", "perplexity"), ("masked", "masked", "pseudo-perplexity")):
        run = finished[name]
        figures = json.loads(ok("lm", "score", dev, "--lm", run, "--json").out)
        said = (
            "each word is predicted from all others of its sentence: not to be compared with a perplexity\n"
        )
        assert ok("lm", "score", dev, "--lm", run).out == (
            f"{dev} by {run}: 6 sentences, {figures['words']} words, {kind}\n"
            f"{said if name == 'masked' else ''}"
            f"{judged:20} {figures['perplexity']:.2f}\n"
            f"  known words only   {figures['perplexity_known']:.2f}\n"
            f"unknown              1 ({100 / figures['words']:.2f} %)\n"
        )


def test_a_seed_decides_every_bit(text: Path, tmp_path: Path) -> None:
    recipe = write_lm_recipe(tmp_path / "lm.yaml", text, MASKED, max_steps=3)
    first, again, loaded, other = (
        ok("run", recipe, "--set", change).run
        for change in ("train.seed=1", "train.seed=1", "train.workers=2", "train.seed=2")
    )
    assert digests(first) == digests(again) == digests(loaded)
    assert metrics(first) == metrics(again) == metrics(loaded)
    assert metrics(other)[0] != metrics(first)[0]


@pytest.mark.parametrize("name", BASES)
def test_a_run_that_was_stopped_goes_on(
    name: str, text: Path, tmp_path: Path, finished: dict[str, Path]
) -> None:
    """Killed, or asked to stop: the same bits as of one that was not, and another after the text changed."""
    recipe = write_lm_recipe(tmp_path / f"{name}.yaml", text, BASES[name])
    stepped = "signkit.runtime.progress:TrainingWatch.stepped"
    words = ("lm", "train", recipe, "--resume", "auto")
    assert signkit(*words, shocks=[Shock(stepped, 2)]).status == -signal.SIGKILL
    stopped = signkit(*words, shocks=[Shock(stepped, 2, signal.SIGINT)])
    assert stopped.status == 130
    assert stopped.err.splitlines()[-1].startswith("interrupted; `signkit run ")
    run = ok(*words).run
    assert state(run) == "finished"
    assert digests(run) == digests(finished[name])
    assert metrics(run) == metrics(finished[name])


def test_it_learns(text: Path, tmp_path: Path) -> None:
    """No gloss follows itself in this language."""
    options = {"max_steps": 150, "eval_every": 150, "save_every": 0, "losses": [{"name": "next_token"}]}
    recipe = write_lm_recipe(tmp_path / "lm.yaml", text, **options)
    run = ok("run", recipe, "--set", "context.width=16", "--set", "context.dropout=0").run
    exported = read_export(run)
    ids = exported.spec.vocabulary.encode(("HOUSE", "READ"))
    twice, other = sentence_scores(exported.model, [(ids[0], ids[0]), (ids[0], ids[1])])
    assert other[1] > twice[1] + 1


def test_a_built_in_recipe(text: Path, tmp_path: Path) -> None:
    """Files where the recipe has lists."""
    options = [f"data.train={text / 'train.txt'}", f"data.dev={text / 'dev.txt'}", f"run.dir={tmp_path}"]
    small = ["train.max_steps=2", "model.width=8", "train.eval_every=1"]
    recipes = {
        "gloss_lstm": "context.width=8",
        "char_lstm": "context.width=8",
        "gloss_transformer": "context.adaptor_width=4",
        "gloss_bert_masked": "context.adaptor_width=4",
    }
    for recipe, more in recipes.items():
        changes = [word for change in (*options, *small, more) for word in ("--set", change)]
        run = ok("lm", "train", recipe, *changes).run
        assert run.parent == tmp_path / recipe
        assert state(run) == "finished"
        found = json.loads(ok("lm", "score", text / "dev.txt", "--lm", run, "--json").out)
        assert found["unit"] == ("character" if recipe == "char_lstm" else "word")
        assert found["words"] == (73 if recipe == "char_lstm" else 16)


def test_a_recipe_needs_text(tmp_path: Path) -> None:
    assert refused("lm", "train", "gloss_lstm") == (
        "error: lm/gloss_lstm.yaml:4:3: `data.train`: names no file; "
        "for example `--set data.train=train.txt`\n"
    )


def test_what_is_refused(finished: dict[str, Path], text: Path, tmp_path: Path) -> None:
    run = finished["lstm"]
    assert refused("lm", "train", "gloss_bert") == (
        "error: gloss_bert: is a card, the sizes of a BERT, and no recipe; `context: {name: bert, card: …}` "
        "takes it; recipes are gloss_transformer and gloss_bert_masked\n"
    )
    assert refused("lm", "train", "gloss_lstm", "--out", "x.arpa") == (
        "error: --out: is for n-gram models; a run has a folder of its own; see --set run.dir=…\n"
    )
    assert refused("lm", "train", "ngram", "--resume", "auto") == (
        "error: --resume: an n-gram model is made in one go; leave it out\n"
    )
    assert refused("lm", "score", text / "dev.txt", "--lm", run, "--unit", "character") == (
        f"error: --unit: {run} is a model of words; leave it out, the run says it itself\n"
    )
    (tmp_path / "other.txt").write_text("ONE TWO\n", encoding="utf-8")
    message = refused("lm", "score", tmp_path / "other.txt", "--lm", run)
    assert message.startswith(
        f"error: {tmp_path / 'other.txt'}: no word of it is known to {run}; that knows `HOUSE`, `JOHN`, "
    )
    assert refused("lm", "score", text / "dev.txt", "--lm", tmp_path) == (
        f"error: {tmp_path}: is not the folder of a run; `signkit runs` lists the runs\n"
    )


def test_the_mean_of_checkpoints_and_no_text_to_judge_by(text: Path, tmp_path: Path) -> None:
    """`decode.average` holds for language models too; a run without dev and test says so."""
    recipe = write_lm_recipe(tmp_path / "lm.yaml", text, max_steps=4, keep=3, eval_every=0)
    words = ("--set", "data.dev=[]", "--set", "data.test=[]")
    last, mean = (ok("run", recipe, *words, "--set", f"decode.average={n}") for n in (1, 3))
    assert "lm, weights of step 4\nno dev or test: nothing was scored\n" in last.out
    checkpoints = mean.run / "checkpoints"
    expected = checkpoint.mean_weights(checkpoints, checkpoint.steps(checkpoints)[-3:])
    found, other = (read_export(done.run) for done in (mean, last))
    assert found.step == other.step == 4
    for name, tensor in found.model.state_dict().items():
        assert tensor.equal(expected[name])
    assert any(not t.equal(other.model.state_dict()[name]) for name, t in expected.items())


@pytest.mark.parametrize("name", BASES)
def test_a_run_is_judged_again(name: str, finished: dict[str, Path], tmp_path: Path) -> None:
    """`signkit decode`: the same perplexities, beside a run that stays as it was; of a split alone too."""
    run, out = finished[name], tmp_path / "again"
    before = digests(run)
    done = ok("decode", run, "--out", out)
    assert done.out.startswith(f"{name}, weights of step ")
    assert {path.name for path in out.iterdir()} == {
        "decode.yaml", "log.txt", "picture.png", "report.html", "scores.json",
    }  # fmt: skip
    assert scores(out) == scores(run)
    assert digests(run) == before
    ok("decode", run, "--split", "test", "--out", tmp_path / "test")
    assert scores(tmp_path / "test") == {key: v for key, v in scores(run).items() if key[0] == "test"}
    assert refused("decode", run, "--set", "decode.fusion=[{name: ngram}]") == (
        "error: decode.fusion: is for recognisers, and a language model recognises nothing; leave it out\n"
    )


def test_what_a_run_was_selected_by(finished: dict[str, Path]) -> None:
    """The lowest perplexity of dev; a table has it with the other figures."""
    for name, judged in (("lstm", "perplexity"), ("masked", "pseudo-perplexity")):
        page = (finished[name] / "report.html").read_text(encoding="utf-8")
        assert f"The weights were selected by the {judged} of dev (lower is better)." in page


def test_decoding_is_for_recognisers(text: Path, tmp_path: Path, finished: dict[str, Path]) -> None:
    recipe = write_lm_recipe(tmp_path / "lm.yaml", text)
    for change, key in (
        ("decode.rescore=[{name: ngram}]", "rescore"),
        (f"decode.ensemble=[{finished['lstm']}]", "ensemble"),
    ):
        assert refused("run", recipe, "--set", change) == (
            f"error: decode.{key}: is for recognisers, and a language model recognises nothing; "
            "leave it out\n"
        )
    assert not (tmp_path / "runs").exists()
