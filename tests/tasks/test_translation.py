"""Translation of written sources: a whole run learns its sentences, and `translate` writes them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from predicting import Predict, exported
from tiny import C2ST, signkit, write_corpus
from translated import PAIRS, RECIPE, write_pairs, write_recipe

from signkit import evaluate, load, tune
from signkit.commands.predict.options import PredictOptions
from signkit.commands.translate.sentences import Sentence
from signkit.commands.translate.verb import translator, usable
from signkit.config.recipe_file import load_recipe
from signkit.errors import UserError
from signkit.tasks.recognition.task import Recognition
from signkit.testing import check_task
from signkit.train.setup import prepare
from signkit.types import Hypothesis, Prediction, Text

SMALL = ("train.batch_size=4", "train.warmup_steps=0", "decode.longest=40")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("translation")
    done = signkit("run", write_recipe(folder))
    assert done.status == 0, done.err
    return done.run


def scores(run: Path) -> dict[tuple[str, str], float]:
    rows = json.loads((run / "scores.json").read_text(encoding="utf-8"))["metrics"]
    return {(row["name"], row["split"]): row["value"] for row in rows}


def test_it_learns_its_sentences(run: Path) -> None:
    assert scores(run)["wer", "test"] == 0
    assert (run / "attention.png").is_file()
    assert (run / "export" / "source.vocabulary.json").is_file()


def test_files_are_translated(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "new.txt"
    file.write_text("".join(f"{glosses}\n" for glosses, _ in PAIRS), encoding="utf-8")
    done = signkit("translate", run, file)
    assert (done.status, done.err) == (0, "")
    assert [line.split("\t") for line in done.out.splitlines()] == [
        [str(number), glosses, text] for number, (glosses, text) in enumerate(PAIRS, start=1)
    ]


def test_json_carries_times_over(run: Path, tmp_path: Path) -> None:
    """Each word has the time of the gloss that it was read from, or of one after it."""
    file = tmp_path / "recognised.jsonl"
    record = {"id": "a", "tokens": PAIRS[0][0].split(), "times": [0.5, 1.25, 3.0]}
    file.write_text(json.dumps(record) + "\n", encoding="utf-8")
    done = signkit("translate", run, file, "--json", "--nbest", 3)
    found = json.loads(done.out)
    assert (found["id"], found["source"], found["text"]) == ("a", record["tokens"], PAIRS[0][1])
    assert set(found["times"]) <= {0.5, 1.25, 3.0} and found["times"] == sorted(found["times"])
    assert len(found["times"]) == len(found["tokens"])
    texts = [found["text"], *(other["text"] for other in found["nbest"])]
    assert len(set(texts)) == len(texts) == 3
    file.write_text(json.dumps({"id": "a", "tokens": PAIRS[0][0].split()}) + "\n", encoding="utf-8")
    assert "times" not in json.loads(signkit("translate", run, file, "--json").out)


def test_an_nbest_list_is_translated_as_one(run: Path, tmp_path: Path) -> None:
    """A likely reading of unknown glosses, and one that the run knows: that one is translated and named."""
    file = tmp_path / "recognised.jsonl"
    glosses, text = PAIRS[0]
    record = {
        "id": "a",
        "tokens": ["NIE", "NIE", "NIE"],
        "text": "NIE NIE NIE",
        "score": -1.0,
        "times": [1, 2, 3],
        "nbest": [{"text": glosses, "score": -1.5}],
    }
    file.write_text(json.dumps(record) + "\n", encoding="utf-8")
    alone = json.loads(signkit("translate", run, file, "--json").out)
    assert (alone["source"], "times" in alone) == (record["tokens"], True)
    several = ("--set", "decode.readings=2", "--set", "decode.source_weight=0")
    found = json.loads(signkit("translate", run, file, "--json", *several).out)
    assert (found["source"], found["text"], "times" in found) == (glosses.split(), text, False)
    assert found["score"] > alone["score"] + np.log(0.5) - 1e-6
    plain = tmp_path / "plain.txt"  # a single reading is translated as ever
    plain.write_text(f"{glosses}\n", encoding="utf-8")
    assert signkit("translate", run, plain, *several).out == f"1\t{glosses}\t{text}\n"


def test_bleu_is_tuned(run: Path, tmp_path: Path) -> None:
    """The figure by which a translator's weights are chosen, and the one that is best when it is highest."""
    changes: Any = {"overrides": ["eval.protocol=text"]}
    tuned = tune(run, space=["decode.length_reward=-5:5"], trials=4, out=tmp_path / "tuned.yaml", **changes)
    (again,) = evaluate(run, split="dev", decode=tuned.file, **changes)
    assert again.dev is not None
    of_trials = [trial.value for trial in tuned.outcome.trials]
    assert min(of_trials) < 0.5 < max(of_trials)
    assert tuned.outcome.best.value == max(of_trials)
    assert [again.dev.name, again.dev.value] == [tuned.outcome.figure, pytest.approx(max(of_trials))]
    assert repr(tuned).startswith(f"<tuned: {tuned.file}: BLEU-4 {100 * max(of_trials):.1f}")


def test_a_corpus_of_single_readings(run: Path) -> None:
    done = signkit("decode", run, "--set", "decode.readings=3")
    what = "is 3, and the sources of dev have one reading each"
    fault = f"error: decode.readings: {what}; decode.nbest of a recogniser's run gives its corpus more\n"
    assert (done.status, done.err[-len(fault) :]) == (2, fault)


def test_unknown_glosses_are_counted(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "new.txt"
    file.write_text("MORGEN NORD HAGEL\nHAGEL NEBEL\n", encoding="utf-8")
    done = signkit("translate", run, file)
    assert done.status == 0
    assert done.err == "note: 3 of 5 glosses are unknown to the run: HAGEL (2), NEBEL (1)\n"


def test_sources_are_cleaned_as_those_of_the_corpus(run: Path) -> None:
    """With `data.clean` markers and repeated glosses are left out of every reading, and an empty one too."""
    raw = translator(run, PredictOptions())
    data = replace(cast(Any, raw.recipe.data), clean="phoenix2014t")
    trained = replace(raw, recipe=replace(raw.recipe, data=data))
    clean = tuple(PAIRS[0][0].split())
    dirty = ("__ON__", *clean, "__LEFTHAND__", clean[-1])
    several = Sentence(
        "a", Text(dirty, (("__ON__",), dirty[1:]), (-1.0, -2.0, -3.0)), times=(0.5,) * len(dirty)
    )
    same, nothing = Sentence("b", Text(clean), times=(1.0, 2.0, 3.0)), Sentence("c", Text(("__ON__",)))
    assert usable([several, same, nothing], raw) == ([several, same, nothing], [])
    good, faults = usable([several, same, nothing], trained)
    assert good == [Sentence("a", Text(clean, (clean,), (-1.0, -3.0))), same]
    assert list(map(str, faults)) == ["c: the source is empty"]


def test_what_cannot_be_translated(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "new.txt"
    file.write_text(f"\n{PAIRS[0][0]}\n{'REGEN ' * 501}\n", encoding="utf-8")
    faults = [
        f"{file}:1: the source is empty",
        f"{file}:3: the source has 501 tokens, and the run reads 500 at most (source.longest)",
    ]
    done = signkit("translate", run, file)
    assert (done.status, done.out) == (2, "")
    assert done.err.splitlines() == [*faults, "error: 2 faults"]
    done = signkit("translate", run, file, "--on-error", "skip")
    assert (done.status, done.out) == (2, f"2\t{PAIRS[0][0]}\t{PAIRS[0][1]}\n")
    assert done.err.splitlines() == [
        *(f"error: {fault}" for fault in faults),
        "error: 2 of 3 sentences left out",
    ]


def test_from_python(run: Path) -> None:
    model = load(run)
    assert model.translate(PAIRS[0][0]).text == PAIRS[0][1]
    assert [each.text for each in model.translate([glosses for glosses, _ in PAIRS])] == [
        text for _, text in PAIRS
    ]
    with pytest.raises(UserError) as caught:
        model.translate(["REGEN", " "])
    assert str(caught.value) == "sentences[1]: the source is empty"


def test_recognised_glosses_are_translated(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By `predict --translate`: in the table, in JSON, and as captions from the first gloss to the last."""
    corpus = write_corpus(tmp_path / "corpus")
    recogniser = exported(tmp_path / "run", corpus, C2ST)
    clip = next(corpus.glob("*.npz"))

    def said(_: Any, models: Any, batches: Any, **__: Any) -> Any:
        list(batches)
        text = Hypothesis(str(clip), tuple(PAIRS[0][0].split()), PAIRS[0][0], -1.0, (0.2, 0.4, 0.6))
        yield Prediction(str(clip), {"text": text})

    monkeypatch.setattr(Recognition, "predict", said)
    predict = Predict(monkeypatch, capsys)
    status, out, _ = predict(recogniser, clip, "--translate", run)
    assert (status, out) == (0, f"{clip}\t{PAIRS[0][0]}\t{PAIRS[0][1]}\n")
    status, out, _ = predict(recogniser, clip, "--translate", run, "--json", "--captions", tmp_path / "vtt")
    assert json.loads(out)["translation"] == PAIRS[0][1]
    seconds = len(np.load(clip)["landmarks"]) / 25
    lines = (tmp_path / "vtt" / f"{clip.stem}.vtt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "-->" in line or line == PAIRS[0][1]] == [
        f"00:00:00.200 --> 00:00:{seconds:06.3f}",
        PAIRS[0][1],
    ]


def test_a_recogniser_translates_nothing(run: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    recogniser = exported(tmp_path / "run", corpus, C2ST)
    fault = f"error: {recogniser}: recognises recordings and translates nothing; see `signkit predict`\n"
    (tmp_path / "x.txt").write_text("A\n", encoding="utf-8")
    done = signkit("translate", recogniser, tmp_path / "x.txt")
    assert (done.status, done.err) == (2, fault)
    with pytest.raises(UserError, match="^translate: the model recognises recordings and translates nothing"):
        load(recogniser).translate("A")


def test_a_translator_recognises_nothing(run: Path, tmp_path: Path) -> None:
    done = signkit("predict", run, tmp_path)
    fault = f"error: {run}: translates sentences and recognises nothing; see `signkit translate`\n"
    assert (done.status, done.err) == (2, fault)
    with pytest.raises(UserError, match="^predict: the model translates sentences; see `translate`$"):
        load(run).predict("x.npz")


def test_sources_are_counted_and_neither_packed_nor_drawn(tmp_path: Path) -> None:
    root = write_pairs(tmp_path / "pairs")
    done = signkit("data", "check", "parallel", "--root", root)
    assert done.status == 0 and "480 frames" not in done.out and "complete" in done.out
    done = signkit("data", "prepare", "parallel", "--root", root, "--out", tmp_path / "packed")
    assert (done.status, done.err) == (2, "error: parallel: has written sources, which need no packing\n")
    assert not (tmp_path / "packed").exists()
    done = signkit("data", "report", "parallel", "--root", root, "--out", tmp_path / "page.html")
    what = "has written sources, and a report shows recordings; `signkit data check` counts them"
    assert (done.status, done.err) == (2, f"error: parallel: {what}\n")


def test_a_step_is_measured(tmp_path: Path) -> None:
    """Sources and texts of made-up tokens, of one vocabulary where they share it."""
    root = write_pairs(tmp_path / "pairs")
    data = f"data={{name: parallel, root: {root}}}"
    sizes = [f"encoder.{each}" for each in ("width=8", "global_temporal.width=8", "global_temporal.layers=1")]
    words = [data, *sizes, "model.width=8", "model.layers=1"]
    options = [word for each in words for word in ("--set", each)]
    done = signkit("profile", "gloss2text_phoenix2014t", *options, "--frames", 15, "--batch", 2)
    assert done.status == 0, done.err


def test_nothing_is_named(run: Path) -> None:
    done = signkit("translate", run)
    assert (done.status, done.err) == (2, "error: translate: no file is named; - reads the standard input\n")


def write_small(folder: Path, *changes: str) -> Any:
    file = folder / "small.yaml"
    root = write_pairs(folder / "pairs")
    file.write_text(RECIPE.replace("ROOT", str(root)).replace("RUNS", str(folder / "runs")), encoding="utf-8")
    return load_recipe(str(file), changes)


SHARED = (
    "text={unit: subword, pieces: 30, sampling: 0.5}",
    "source={unit: shared, lowercase: true, sampling: 0.5, hide: 0.2}",
    "model.tied=true",
    "model.tied_source=true",
)
GRU = (
    "model.network=gru",
    "encoder.global_temporal={kind: gru, layers: 1, width: 8}",
    "source={unit: subword, pieces: 30, sampling: 0.3}",
    "text={unit: subword, pieces: 40, algorithm: bpe, sampling: 0.3}",
)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [(), SHARED, GRU], ids=["glosses", "shared", "gru"])
def test_the_laws_of_a_task(changes: tuple[str, ...], tmp_path: Path) -> None:
    outcome = check_task(write_small(tmp_path, *SMALL, *changes))
    assert outcome.spec.source is not None


def test_one_table_for_sources_and_texts(tmp_path: Path) -> None:
    model = prepare(write_small(tmp_path, *SHARED)).model
    table = model.decoder.embedding.weight
    assert model.encoder.frames.embedding.weight is table is model.decoder.output.weight


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            ("model.tied_source=true",),
            "the sources have 9 tokens and the texts 13; source.unit:",
        ),
        ((*SHARED, "encoder.width=8"), "encoder.width is 8, and model.width 16; make them equal"),
    ],
)
def test_tables_that_cannot_be_one(changes: tuple[str, ...], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        prepare(write_small(tmp_path, *changes))
    assert str(caught.value).startswith(f"model.tied_source: {message}")


def test_sources_of_recordings(tmp_path: Path) -> None:
    recipe = load_recipe("composed_attention", ["source.lowercase=true", "data.train=4", "data.people=4"])
    with pytest.raises(UserError) as caught:
        prepare(recipe)
    assert str(caught.value) == "source: is of written sources, and the corpus has recordings; leave it out"


@pytest.mark.parametrize(
    ("change", "key"),
    [("text={unit: subword, pieces: 100, sampling: 0.2}", "text.sampling"), ("source.hide=0.1", "source")],
)
def test_a_recogniser_has_neither(change: str, key: str) -> None:
    with pytest.raises(UserError) as caught:
        prepare(load_recipe("quickstart", [change]))
    assert str(caught.value) == f"{key}: has no effect: it is for attention models; leave it out"


def test_long_sources_of_train(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"its source has 3 tokens, and at most 2 are read"):
        prepare(write_small(tmp_path, "source.longest=2"))


def test_the_real_pairs(real_data: Any, tmp_path: Path) -> None:
    root = real_data("phoenix14t_recognised")
    data = f"data={{name: parallel, root: {root}, source: '{{split}}.gloss', text: '{{split}}.de'}}"
    ready = prepare(load_recipe("gloss2text_phoenix2014t", [data], check_paths=False))
    assert [len(each.samples) for each in ready.datasets.values()] == [7096, 519, 642]
    assert len(ready.spec.vocabulary) == 2002 and ready.spec.source == ready.spec.vocabulary
