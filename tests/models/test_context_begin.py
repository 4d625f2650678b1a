"""A context that begins with a language model's run."""

import shutil
from pathlib import Path

import pytest
import torch
from test_fusion_neural import exported
from tiny import C2ST, CAUSAL, GLOSSES, LM, MASKED, write_corpus, write_recipe

from signkit.config.recipe_file import load_recipe
from signkit.errors import UserError
from signkit.models.export import TrainedModel, for_reload, read_export, write_export
from signkit.models.sentence_scores import padded
from signkit.train.setup import Prepared, prepare

LSTM = {"name": "lstm", "width": 8}
BERT = {"name": "bert", "card": "card.yaml", "adaptor_width": 4}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("begin")
    return {
        name: exported(folder / name, base)
        for name, base in (("lstm", LM), ("bert", CAUSAL), ("masked", MASKED))
    }


def recogniser(tmp_path: Path, run: str, context: dict, **options: object) -> Prepared:
    """A C2ST whose glosses are those of the model, and NEW."""
    corpus = tmp_path / "corpus"
    if not corpus.exists():
        write_corpus(corpus)
        manifest = corpus / "manifest.csv"
        text = manifest.read_text(encoding="utf-8")
        manifest.write_text(text.replace(",train\n", " NEW,train\n", 1), encoding="utf-8")
    shutil.copy(Path(run).parent / "card.yaml", tmp_path / "card.yaml")
    base = {**C2ST, "context": {**context, "init_from": run, **options}}
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, base)
    return prepare(load_recipe(str(recipe), ["train.too_long=skip"]))


@pytest.mark.parametrize(("name", "context"), [("lstm", LSTM), ("bert", BERT)])
def test_known_glosses_have_equal_vectors(
    runs: dict[str, str], name: str, context: dict, tmp_path: Path
) -> None:
    run = runs[name]
    ready, lm = recogniser(tmp_path, run, context), read_export(Path(run))
    assert f"context: began with {run}; 4 of 5 glosses known" in ready.notes
    sentences = [GLOSSES, GLOSSES[:2], (), (GLOSSES[3], GLOSSES[3])]
    ours, theirs = ([v.encode(s) for s in sentences] for v in (ready.vocabulary, lm.spec.vocabulary))
    with torch.no_grad():
        vectors = ready.model.eval().context(*padded(ours))
        assert torch.allclose(vectors, lm.model.context(*padded(theirs)), atol=1e-6)
        (new,) = ready.vocabulary.encode(("NEW",))
        mean = lm.model.context.reader.embedding.weight[2:].mean(0)
        assert torch.allclose(ready.model.context.reader.embedding.weight[new], mean, atol=1e-6)


def test_a_masked_bert_is_a_beginning_too(runs: dict[str, str], tmp_path: Path) -> None:
    ready, lm = recogniser(tmp_path, runs["masked"], BERT), read_export(Path(runs["masked"]))
    own, given = (
        {n: t for n, t in m.context.state_dict().items() if "word_embeddings" not in n}
        for m in (ready.model, lm.model)
    )
    assert own.keys() == given.keys()
    assert all(torch.equal(own[name], given[name]) for name in own)


def test_the_gain_says_how_large_the_vectors_are(runs: dict[str, str], tmp_path: Path) -> None:
    whole = recogniser(tmp_path, runs["lstm"], LSTM).model.eval().context
    half = recogniser(tmp_path, runs["lstm"], LSTM, gain=0.5).model.eval().context
    none = recogniser(tmp_path, runs["lstm"], LSTM, gain=0.0).model.eval().context
    with torch.no_grad():
        vectors = [context(*padded([(2, 3)])) for context in (whole, half, none)]
    assert torch.allclose(0.5 * vectors[0], vectors[1], atol=1e-6)
    assert vectors[0].abs().max() > 0 and torch.equal(vectors[2], torch.zeros_like(vectors[2]))


def test_an_adaptor_of_another_width_is_fresh(tmp_path: Path) -> None:
    run = exported(tmp_path / "wide", LM, "model.width=12")
    ready = recogniser(tmp_path, run, LSTM)
    note = f"context: began with {run}; 4 of 5 glosses known; its adaptor is fresh, the vectors are 8 wide"
    assert f"{note}, not 12" in ready.notes
    other = read_export(Path(run)).model.context.reader.state_dict()
    for name, tensor in ready.model.context.reader.lstm.state_dict().items():
        assert torch.equal(tensor, other[f"lstm.{name}"])


def test_a_finished_run_does_not_need_it_any_more(runs: dict[str, str], tmp_path: Path) -> None:
    run = tmp_path / "gone"
    shutil.copytree(Path(runs["lstm"]).parent, run)
    ready = recogniser(tmp_path, str(run / "run"), LSTM)
    recipe = load_recipe(str(tmp_path / "tiny.yaml"))
    write_export(tmp_path / "mine" / "export", TrainedModel(recipe, ready.spec, ready.model))
    shutil.rmtree(run)
    assert for_reload(recipe, tmp_path).context.init_from == ""
    own, read = ready.model.state_dict(), read_export(tmp_path / "mine").model.state_dict()
    assert all(torch.equal(own[name], read[name]) for name in own)


def test_runs_that_do_not_fit(runs: dict[str, str], tmp_path: Path) -> None:
    lstm, bert = runs["lstm"], runs["bert"]
    wide = {**LSTM, "width": 16}
    cases = [
        (bert, LSTM, f"{bert} has a BertReader where this recipe has a ForwardLstm; use the same context"),
        (
            lstm,
            wide,
            f"lstm.weight_ih_l0 is [32, 8] in {lstm} but [64, 16] here; use the same width and layers",
        ),
        (
            lstm,
            {**LSTM, "layers": 2},
            f"lstm.weight_ih_l1 is not there in {lstm} but [32, 8] here; use the same width and layers",
        ),
    ]
    for run, context, what in cases:
        with pytest.raises(UserError) as caught:
            recogniser(tmp_path, run, context)
        assert str(caught.value) == f"context.init_from: {what}"


def test_vocabularies_without_a_common_gloss(runs: dict[str, str], tmp_path: Path) -> None:
    recogniser(tmp_path, runs["lstm"], LSTM)
    manifest = tmp_path / "corpus" / "manifest.csv"
    text = manifest.read_text(encoding="utf-8")
    for number, gloss in enumerate((*GLOSSES, "NEW")):
        text = text.replace(gloss, f"OTHER{number}")
    manifest.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        recogniser(tmp_path, runs["lstm"], LSTM)
    message = f"context.init_from: none of the 5 glosses is among the 28 of {runs['lstm']}"
    assert str(caught.value) == message
