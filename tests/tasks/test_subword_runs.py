"""Runs with subwords, from the recipe to hypotheses in words: kept, resumed, decoded anew, refused."""

import hashlib
import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from test_subwords import LINES, trained
from tiny import (
    C2ST,
    CTC,
    LM,
    MASKED,
    SPELT,
    Done,
    Shock,
    metrics,
    signkit,
    write_lm_recipe,
    write_recipe,
    write_spelling,
    write_text,
)

from signkit.config.recipe_file import load_recipe
from signkit.data.loader import eval_batches
from signkit.decode.external.trained import load_run
from signkit.decode.lattice import recognise
from signkit.errors import UserError
from signkit.eval.scores import error_rate
from signkit.models.export import read_export
from signkit.models.text_scores import text_scores
from signkit.text.subwords import Subwords
from signkit.text.vocabulary import SUBWORDS, Vocabulary
from signkit.train.reopen import reopen
from signkit.train.setup import prepare

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow

TEXT = {"unit": "subword", "pieces": 9}
NGRAM = "decode.fusion=[{name: ngram, order: 2}]"
TRAINED = {"max_steps": 60, "batch_size": 8, "eval_every": 0, "save_every": 0, "lr": 0.02}
WIDER = {
    "name": "kinematic",
    "local_temporal": {"kind": "dilated", "width": 24, "dilations": [1, 2]},
    "global_temporal": {"layers": 1, "width": 24},
}
"""These learn to write something."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_spelling(tmp_path_factory.mktemp("subwords") / "corpus")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text(tmp_path_factory.mktemp("subwords") / "text")


@pytest.fixture(scope="module")
def finished(corpus: Path) -> Path:
    """A run of CTC with an n-gram model of pieces beside it."""
    base = CTC | {"text": TEXT, "encoder": WIDER}
    recipe = write_recipe(corpus.parent / "ctc.yaml", corpus, base, **TRAINED)
    return ok("run", recipe, "--set", NGRAM, "--set", "decode.beam=4", "--set", "decode.nbest=3").run


@pytest.fixture(scope="module")
def language(text: Path) -> dict[str, Path]:
    """Finished runs of language models of subwords."""
    bases = {"lstm": LM, "masked": MASKED}
    recipes = {
        name: write_lm_recipe(text.parent / f"{name}.yaml", text, base | {"text": {**TEXT, "pieces": 40}})
        for name, base in bases.items()
    }
    return {name: ok("run", recipe).run for name, recipe in recipes.items()}


def ok(*words: object, **options: Any) -> Done:
    done = signkit(*words, **options)
    assert done.status == 0, done.err
    return done


def refused(*words: object) -> str:
    done = signkit(*words)
    assert (done.status, done.out) == (2, ""), done.err
    return done.err


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def digests(run: Path) -> dict[str, str]:
    kept = ("checkpoints/*/*", "export/*", "decode/*", "scores.json", SUBWORDS)
    files = [file for pattern in kept for file in run.glob(pattern)]
    return {str(f.relative_to(run)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def test_hypotheses_are_words(finished: Path) -> None:
    """Each with its time and its confidence; rates are those of words, by the references as they are."""
    found = {row["id"]: row for split in ("dev", "test") for row in rows(finished / f"decode/{split}.jsonl")}
    assert any(row["tokens"] for row in found.values())
    for row in found.values():
        assert row["text"] == " ".join(row["tokens"]) and "▁" not in row["text"]
        assert len(row["times"]) == len(row["confidences"]) == len(row["tokens"])
        assert row["times"] == sorted(row["times"])
        assert all(0 <= sure <= 1 for sure in row["confidences"])
        assert len(row["nbest"]) <= 2
    prepared = prepare(load_recipe(str(finished / "resolved.yaml"), name="ctc"))
    references = {s.id: s.reference for s in prepared.datasets["dev"].samples}
    assert {word for words in references.values() for word in words} <= {*SPELT}
    scores = json.loads((finished / "scores.json").read_text(encoding="utf-8"))["metrics"]
    (wer,) = [s["value"] for s in scores if (s["name"], s["split"]) == ("wer", "dev")]
    expected = error_rate(references, {name: tuple(found[name]["tokens"]) for name in references})
    assert wer == pytest.approx(expected)


def test_words_have_what_their_pieces_have(finished: Path) -> None:
    """The time of the first, by greedy search the product of the confidences."""
    opened = reopen(finished, None, ["decode.beam=1", "decode.nbest=1", "decode.fusion=[]"])
    prepared, decode = opened.prepared, opened.recipe.decode
    pieces = Vocabulary(prepared.vocabulary.tokens[:2] + tuple("abcdefghi"), "character")
    assert len(pieces) == len(prepared.vocabulary)
    batches = [*eval_batches(prepared.datasets["train"], 4)]
    said, spelt = (recognise(prepared.model, batches, v, decode) for v in (prepared.vocabulary, pieces))
    several = 0
    for name, hypothesis in said.items():
        of_pieces = spelt[name]
        indices = pieces.encode(of_pieces.tokens)
        spans = prepared.vocabulary.spans(indices)
        assert hypothesis.tokens == prepared.vocabulary.decode(indices)
        assert hypothesis.times == tuple(of_pieces.times[first] for first, _ in spans)
        several += sum(end - first > 1 for first, end in spans)
        for sure, (first, end) in zip(hypothesis.confidences, spans, strict=True):
            product = 1.0
            for each in of_pieces.confidences[first:end]:
                product *= each
            assert sure == pytest.approx(product, abs=2e-3)
    assert several > 5


def test_the_export_has_the_model_and_is_all_that_is_needed(finished: Path, tmp_path: Path) -> None:
    """Moved elsewhere: predict has neither the run nor the corpus."""
    export = finished / "export"
    content = json.loads((export / "vocabulary.json").read_text(encoding="utf-8"))
    assert content["sha256"] == hashlib.sha256((export / SUBWORDS).read_bytes()).hexdigest()
    assert (finished / SUBWORDS).read_bytes() == (export / SUBWORDS).read_bytes()
    assert SUBWORDS in (export / "SHA256SUMS").read_text(encoding="utf-8")
    moved = tmp_path / "moved"
    shutil.copytree(export, moved / "export")
    clip = finished.parent.parent.parent / "corpus" / "dev0.npz"
    line = json.loads(ok("predict", moved, clip, "--json").out)
    (expected,) = [row for row in rows(finished / "decode/dev.jsonl") if row["id"] == "dev0"]
    assert line["text"] == expected["text"] and line["times"] == expected["times"]
    assert line["confidences"] == pytest.approx(expected["confidences"], abs=1e-3)


def test_a_damaged_model_in_the_export(finished: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(finished / "export", moved / "export")
    file = moved / "export" / SUBWORDS
    file.write_bytes(file.read_bytes()[:-3])
    done = signkit("predict", moved, tmp_path / "none.npz")
    assert done.status == 1
    assert done.err == f"error: {file}: damaged (its SHA-256 is not the one in SHA256SUMS)\n"


def test_decoded_again_and_tuned(finished: Path, tmp_path: Path) -> None:
    """With the pieces that the run has, whatever would be learnt now."""
    again = ok("decode", finished, "--split", "dev", "--out", tmp_path / "again").run
    assert rows(again / "dev.jsonl") == rows(finished / "decode" / "dev.jsonl")
    words = ("--trials", 2, "--space", "decode.length_reward=0:1", "--out", tmp_path / "tuned.yaml")
    told = ok("tune", finished, "--split", "dev", *words).out
    assert told.splitlines()[-1] == str(tmp_path / "tuned.yaml")


def test_the_same_bits_again_and_after_a_stop(corpus: Path, tmp_path: Path) -> None:
    """C2ST, killed and gone on with; two processes load the data."""
    recipe = write_recipe(tmp_path / "c2st.yaml", corpus, C2ST | {"text": TEXT})
    first = ok("run", recipe).run
    loaded = ok("run", recipe, "--set", "train.workers=2").run
    words = ("run", recipe, "--set", f"run.dir={tmp_path / 'killed'}", "--resume", "auto")
    killed = signkit(*words, shocks=[Shock("signkit.runtime.progress:TrainingWatch.stepped", 3)])
    assert killed.status == -signal.SIGKILL
    resumed = ok(*words).run
    ours = digests(first)
    for other in (resumed, loaded):
        theirs = digests(other)
        assert set(ours) == set(theirs)
        assert {k for k in ours if ours[k] != theirs[k]} <= {"export/recipe.yaml", "export/SHA256SUMS"}
        assert metrics(other) == metrics(first)


def test_a_run_goes_on_with_its_own_pieces(corpus: Path, tmp_path: Path) -> None:
    """Those of a file of the user's as it was, though it has become another one since."""
    recipe = write_recipe(tmp_path / "ctc.yaml", corpus, CTC | {"text": TEXT})
    file = tmp_path / "mine.model"
    other = prepare(load_recipe(str(recipe), ["text.pieces=12"])).vocabulary.subwords
    own = prepare(load_recipe(str(recipe))).vocabulary.subwords
    assert own is not None and other is not None and own != other
    file.write_bytes(own.model)
    words = ("run", recipe, "--set", f"text.file={file}", "--resume", "auto")
    killed = signkit(*words, shocks=[Shock("signkit.runtime.progress:TrainingWatch.stepped", 3)])
    assert killed.status == -signal.SIGKILL
    file.write_bytes(other.model)
    run = ok(*words).run
    assert read_export(run).spec.vocabulary == Vocabulary.of_subwords(own)
    ok("decode", run, "--split", "dev")


def test_the_same_pieces_for_every_seed(corpus: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "ctc.yaml", corpus, CTC | {"text": TEXT})
    one, two = (prepare(load_recipe(str(recipe), [f"train.seed={seed}"])).vocabulary for seed in (1, 2))
    assert one == two and one.fingerprint == two.fingerprint


def test_fewer_pieces_are_told(corpus: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "ctc.yaml", corpus, CTC | {"text": {"unit": "subword"}})
    prepared = prepare(load_recipe(str(recipe)))
    assert prepared.notes == (
        f"{len(prepared.vocabulary) - 2} subwords were learnt, not 1000: train has no more",
    )


def test_other_pieces_are_other_vocabularies(finished: Path, corpus: Path, tmp_path: Path) -> None:
    """Of an ensemble, of weights to begin with, and of a context; `text.file` makes them the same."""
    base = CTC | {"text": {**TEXT, "pieces": 12}, "encoder": WIDER}
    recipe = write_recipe(tmp_path / "ctc.yaml", corpus, base)
    model = finished / "export" / SUBWORDS
    assert refused("run", recipe, "--set", f"decode.ensemble=[{finished}]") == (
        f"error: decode.ensemble: {finished} cannot be averaged with this run: "
        "another vocabulary (9 tokens against 12, 9 in both)\n"
    )
    begun = ("run", recipe, "--set", f"train.init_from={finished}")
    assert refused(*begun) == (
        f"error: train.init_from: the vocabulary of {finished} is another one; "
        f"text.file: {model} takes its subwords\n"
    )
    same = ("--set", f"text.file={model}", "--set", f"decode.ensemble=[{finished}]")
    ok(*begun, *same)


def test_models_with_the_same_pieces_are_still_others() -> None:
    """Which word is cut into which of them is another matter."""
    options = {"normalization_rule_name": "identity", "vocab_size": 25}
    one, two = (Vocabulary.of_subwords(Subwords(trained(*lines, **options))) for lines in (LINES, LINES * 2))
    assert sorted(one.tokens) == sorted(two.tokens)
    assert one != two and one.fingerprint != two.fingerprint


def test_a_model_beside_must_have_the_same_pieces(
    finished: Path, language: dict[str, Path], text: Path, tmp_path: Path
) -> None:
    run, model = language["lstm"], finished / "export" / SUBWORDS
    beside = "decode.fusion=[{{name: neural, run: {}}}]"
    words = ("decode", finished, "--split", "dev", "--set")
    assert refused(*words, beside.format(run)) == (
        f"error: {run}: is a model of other subwords than the recogniser's; "
        "train it with text.file: the recogniser's export/subwords.model\n"
    )
    recipe = write_lm_recipe(tmp_path / "lm.yaml", text, LM | {"text": {**TEXT, "file": str(model)}})
    spelt = tmp_path / "spelt.txt"
    spelt.write_text("ABBA CAB\nFACE DEAF\nBEAD\n", encoding="utf-8")
    changes = [f"data.{split}=[{spelt}]" for split in ("train", "dev", "test")]
    same = ok("lm", "train", recipe, *(word for change in changes for word in ("--set", change))).run
    ok(*words, beside.format(same))
    fused = load_run(str(same))
    assert fused.token_numbers(read_export(finished).spec.vocabulary).tolist() == [*range(11)]


def test_what_is_for_words_or_characters(finished: Path, tmp_path: Path) -> None:
    listed = tmp_path / "words.txt"
    listed.write_text("ABBA\nBEAD\n", encoding="utf-8")
    words = ("decode", finished, "--split", "dev", "--set")
    assert refused(*words, f"decode.fusion=[{{name: lexicon, file: {listed}}}]") == (
        "error: decode.fusion: `lexicon` of words is for a recogniser of glosses or characters, and this one "
        "writes subwords; of: sentences\n"
    )
    assert refused(*words, f"decode.fusion=[{{name: words, file: {listed}}}]") == (
        "error: decode.fusion: `words` is for a recogniser of characters, and this one writes subwords; "
        "`name: ngram` takes a model of subwords\n"
    )
    sentences = f"decode.fusion=[{{name: lexicon, file: {listed}, of: sentences}}]"
    found = ok(*words, sentences).run
    assert {row["text"] for row in rows(found / "dev.jsonl")} <= {"ABBA", "BEAD"}


def test_perplexities_of_words_and_of_pieces(language: dict[str, Path], text: Path) -> None:
    """The same probability of the text, shared among more."""
    for name, run in language.items():
        key = "pseudo_perplexity" if name == "masked" else "perplexity"
        found = json.loads((run / "scores.json").read_text(encoding="utf-8"))["metrics"]
        scores = {row["name"]: row for row in found if row["split"] == "dev"}
        assert set(scores) == {key, f"{key}_known", f"{key}_piece"}
        assert scores[key]["note"] == "16 words, 1 unknown, 6 sentences"
        told = json.loads(ok("lm", "score", text / "dev.txt", "--lm", run, "--json", "--words").out)
        assert told["perplexity"] == pytest.approx(scores[key]["value"], rel=1e-6)
        assert told["perplexity_piece"] == pytest.approx(scores[f"{key}_piece"]["value"], rel=1e-6)
        ends = 0 if name == "masked" else told["sentences"]
        log10 = told["log10"]
        assert told["unit"] == "word" and told["words"] == 16
        assert told["perplexity"] == pytest.approx(10 ** (-log10 / (16 + ends)), rel=1e-5)
        assert told["perplexity_piece"] == pytest.approx(10 ** (-log10 / (told["pieces"] + ends)), rel=1e-5)
        vocabulary = read_export(run).spec.vocabulary
        lines = (text / "dev.txt").read_text(encoding="utf-8").splitlines()
        assert told["pieces"] == sum(len(vocabulary.encode(line.split())) for line in lines)
        end = [] if name == "masked" else ["</s>"]
        assert [each["words"] for each in told["texts"]] == [[*line.split(), *end] for line in lines]


def test_a_model_of_words_in_pieces_is_a_model_of_words(text: Path, tmp_path: Path) -> None:
    """Where every word is one piece, both perplexities are one."""
    lines = (text / "train.txt").read_text(encoding="utf-8").splitlines()
    file = tmp_path / "whole.model"
    file.write_bytes(trained(*lines, model_type="word", vocab_size=40))
    base = LM | {"text": {"unit": "subword", "file": str(file)}}
    prepared = prepare(load_recipe(str(write_lm_recipe(tmp_path / "lm.yaml", text, base))))
    sentences = [line.split() for line in lines]
    scored = text_scores(prepared.model, prepared.vocabulary, sentences)
    assert scored.pieces == [*map(len, sentences)]
    assert scored.piece_perplexity == pytest.approx(scored.perplexity.perplexity)
    of_words = prepare(load_recipe(str(write_lm_recipe(tmp_path / "words.yaml", text))))
    assert sorted(prepared.vocabulary.tokens[2:]) == [f"▁{word}" for word in of_words.vocabulary.tokens[2:]]


def test_perplexities_as_told(language: dict[str, Path], text: Path) -> None:
    dev = text / "dev.txt"
    said = {
        "lstm": "a word has the probability of its subwords: models of words can be compared",
        "masked": "each subword is predicted from all others, of its own word too: not to be compared with a "
        "perplexity",
    }
    for name, run in language.items():
        told = json.loads(ok("lm", "score", dev, "--lm", run, "--json").out)
        kind, judged = ("masked", "pseudo-perplexity") if name == "masked" else ("causal", "perplexity")
        assert ok("lm", "score", dev, "--lm", run).out == (
            f"{dev} by {run}: 6 sentences, 16 words of {told['pieces']} subwords, {kind}\n"
            f"{said[name]}\n"
            f"{judged:20} {told['perplexity']:.2f}\n"
            f"  known words only   {told['perplexity_known']:.2f}\n"
            f"  a subword          {told['perplexity_piece']:.2f}\n"
            f"unknown              1 (6.25 %)\n"
        )


def test_only_characters_can_be_unknown(text: Path, language: dict[str, Path], tmp_path: Path) -> None:
    """A word with one is; any other word has a probability of its own, though train does not have it."""
    new = tmp_path / "new.txt"
    new.write_text("JOHNHOUSE WHØ READ\n", encoding="utf-8")
    told = json.loads(ok("lm", "score", new, "--lm", language["lstm"], "--json", "--words").out)
    assert told["texts"][0]["unknown"] == [False, True, False, False]
    assert told["unknown"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "text.file={}/none.model",
            "error: --set text.file={}/none.model: `text.file` is `{short}…`, but there is no such file "
            "or folder\n",
        ),
        ("text.file={}/cut.model", "error: {}/cut.model: is no sentencepiece model, or not a whole one\n"),
        (
            "text.file={}/lower.model",
            "error: {}/lower.model: `{word}` comes back from its pieces as `{lower}`; "
            "normalization_rule_name=identity trains a model that keeps text\n",
        ),
        (
            "text.pieces=3",
            "error: text.pieces: is 3, but train has 7 characters, each of them a piece; at least 7, better "
            "some times as many\n",
        ),
    ],
)
def test_what_is_no_sub_words(
    corpus: Path, tmp_path: Path, finished: Path, change: str, message: str
) -> None:
    model = (finished / SUBWORDS).read_bytes()
    (tmp_path / "cut.model").write_bytes(model[: len(model) // 2])
    lower = trained(*SPELT, normalization_rule_name="nmt_nfkc_cf", vocab_size=20)
    (tmp_path / "lower.model").write_bytes(lower)
    recipe = write_recipe(tmp_path / "ctc.yaml", corpus, CTC | {"text": TEXT})
    first = prepare(load_recipe(str(recipe))).corpus.samples[0].reference[0]
    said = refused("run", recipe, "--set", change.format(tmp_path))
    short = str(tmp_path / "none.model")[:60]
    assert said == message.format(tmp_path, word=first, lower=first.lower(), short=short)


def test_a_file_is_for_sub_words(corpus: Path, finished: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "ctc.yaml", corpus, CTC)
    with pytest.raises(UserError) as caught:
        load_recipe(str(recipe), [f"text.file={finished / SUBWORDS}"])
    assert str(caught.value).endswith(
        "is a sentencepiece model, and text.unit is gloss; text.unit: subword takes it"
    )
