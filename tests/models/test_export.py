"""An export is all that is needed: no checkpoint folder, no card, no run it began with."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from tiny import C2ST, CTC, Shock, signkit, write_corpus, write_recipe

from signkit.config.recipe import Recipe
from signkit.config.recipe_file import load_recipe
from signkit.data.loader import eval_batches
from signkit.errors import OperationalError, SignkitError, UserError
from signkit.models.export import CARD, read_export, without_beginnings, write_export
from signkit.runtime.files import sha256
from signkit.train.setup import Prepared, prepare

SIZES = "width: 8\nlayers: 1\nheads: 2\nfeed_forward: 16\npositions: 12\n"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("export") / "corpus")


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    """A BERT saved by transformers, with its tokenizer."""
    from signkit.models.torchvision_mend import import_transformers

    transformers = import_transformers()

    folder = tmp_path / "bert"
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = transformers.BertConfig(vocab_size=9, max_position_embeddings=12, **sizes)
    transformers.BertModel(config).save_pretrained(folder)
    words = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "house", "john", "read", "who")
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    tokenizer = transformers.BertTokenizer(str(folder / "vocab.txt"))
    tokenizer.save_pretrained(folder)
    return folder


def exported(run: Path, path: Path) -> tuple[Recipe, Prepared]:
    """The export of a recipe's fresh model."""
    recipe = load_recipe(str(path))
    prepared = prepare(recipe)
    corpus = prepared.corpus
    write_export(run / "export", recipe, prepared.vocabulary, corpus.layout, corpus.width, prepared.model)
    return recipe, prepared


def same_model(prepared: Prepared, run: Path) -> None:
    """The model read again has the same keys and weights, and gives the same logits."""
    found = read_export(run)
    ours, theirs = found.model.state_dict(), prepared.model.state_dict()
    assert list(ours) == list(theirs)
    assert all(ours[name].equal(theirs[name]) for name in theirs)
    assert (found.vocabulary, found.layout, found.width) == (prepared.vocabulary, "boston104", 2)
    batch = next(eval_batches(prepared.examples["dev"], 4))
    prepared.model.eval()
    with torch.no_grad():
        logits, expected = found.model(batch), prepared.model(batch)
    assert logits.video.equal(expected.video)
    assert logits.context.equal(expected.context)


def test_export_and_back(corpus: Path, tmp_path: Path) -> None:
    recipe, prepared = exported(tmp_path, write_recipe(tmp_path / "tiny.yaml", corpus))
    names = {"SHA256SUMS", "config.json", "model.safetensors", "recipe.yaml", "vocabulary.json"}
    assert {path.name for path in (tmp_path / "export").iterdir()} == names
    assert read_export(tmp_path).recipe == recipe
    same_model(prepared, tmp_path)


def test_a_bert_checkpoint_is_not_needed_again(corpus: Path, bert: Path, tmp_path: Path) -> None:
    base = {**C2ST, "context": {"name": "bert", "checkpoint": str(bert)}}
    recipe, prepared = exported(tmp_path, write_recipe(tmp_path / "tiny.yaml", corpus, base))
    shutil.rmtree(bert)
    same_model(prepared, tmp_path)
    assert read_export(tmp_path).recipe == recipe  # which says where it came from


def test_a_card_of_the_users_is_not_needed_again(corpus: Path, tmp_path: Path) -> None:
    card = tmp_path / "mine.yaml"
    card.write_text(SIZES, encoding="utf-8")
    base = {**C2ST, "context": {"name": "bert", "card": str(card)}}
    _, prepared = exported(tmp_path, write_recipe(tmp_path / "tiny.yaml", corpus, base))
    card.unlink()
    same_model(prepared, tmp_path)


def test_a_protocol_of_the_users_is_not_needed_again(corpus: Path, tmp_path: Path) -> None:
    protocol = tmp_path / "mine.yaml"
    protocol.write_text("unit: word\n", encoding="utf-8")
    base = {**C2ST, "eval": {"protocol": str(protocol)}}
    _, prepared = exported(tmp_path, write_recipe(tmp_path / "tiny.yaml", corpus, base))
    protocol.unlink()
    same_model(prepared, tmp_path)


def test_ctc_has_no_use_for_a_bert(corpus: Path, bert: Path, tmp_path: Path) -> None:
    base = {**CTC, "context": {"name": "bert", "checkpoint": str(bert)}}
    _, prepared = exported(tmp_path, write_recipe(tmp_path / "tiny.yaml", corpus, base))
    shutil.rmtree(bert)
    assert not (tmp_path / "export" / CARD).exists()
    same_model(prepared, tmp_path)


def test_resumed_without_the_bert_checkpoint(corpus: Path, bert: Path, tmp_path: Path) -> None:
    """A run that has a checkpoint of its own needs the sizes alone, to the same bits."""
    base = {**C2ST, "context": {"name": "bert", "checkpoint": str(bert), "pretrain_steps": 2}}
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, base, max_steps=2)
    unbroken = signkit("run", recipe)
    assert unbroken.status == 0, unbroken.err
    words = ("run", recipe, "--set", f"run.dir={tmp_path / 'killed'}", "--resume", "auto")
    assert signkit(*words, shocks=[Shock("signkit.runtime.progress:TrainingWatch.stepped", 2)]).status == -9
    shutil.rmtree(bert)
    done = signkit(*words)
    assert done.status == 0, done.err
    for name in (
        "export/model.safetensors",
        "decode/dev.jsonl",
        "checkpoints/step_000002/optimizer.safetensors",
    ):
        assert (done.run / name).read_bytes() == (unbroken.run / name).read_bytes()


def test_without_beginnings(corpus: Path, tmp_path: Path) -> None:
    path = write_recipe(tmp_path / "tiny.yaml", corpus, init_from=str(tmp_path))
    recipe = load_recipe(str(path))
    assert without_beginnings(recipe, tmp_path).train.init_from == ""
    assert without_beginnings(recipe, tmp_path).context == recipe.context


def failure(run: Path) -> SignkitError:
    with pytest.raises(SignkitError) as caught:
        read_export(run)
    return caught.value


def test_not_a_run(tmp_path: Path) -> None:
    error = failure(tmp_path)
    assert isinstance(error, UserError)
    assert str(error) == f"{tmp_path}: is not the folder of a run"


def test_not_finished(tmp_path: Path) -> None:
    (tmp_path / "resolved.yaml").write_text("")
    hint = "signkit run RECIPE --resume auto goes on with it"
    assert str(failure(tmp_path)) == f"{tmp_path}: the run is not finished; {hint}"


@pytest.mark.parametrize("name", ["model.safetensors", "recipe.yaml", "vocabulary.json", "config.json"])
def test_damaged(corpus: Path, tmp_path: Path, name: str) -> None:
    exported(tmp_path, write_recipe(tmp_path / "tiny.yaml", corpus))
    file = tmp_path / "export" / name
    file.write_bytes(file.read_bytes()[:-1])
    error = failure(tmp_path)
    assert isinstance(error, OperationalError)
    assert str(error) == f"{file}: damaged (its SHA-256 is not the one in SHA256SUMS)"
    file.unlink()
    assert str(failure(tmp_path)) == f"{file}: missing"


def test_a_config_of_another_kind(corpus: Path, tmp_path: Path) -> None:
    """Whole, but not what this program writes."""
    exported(tmp_path, write_recipe(tmp_path / "tiny.yaml", corpus))
    folder = tmp_path / "export"
    config = folder / "config.json"
    config.write_text(json.dumps({"name": "tiny"}), encoding="utf-8")
    sums = folder / "SHA256SUMS"
    kept = [line for line in sums.read_text(encoding="utf-8").splitlines() if "config" not in line]
    sums.write_text("\n".join([*kept, f"{sha256(config)}  config.json"]) + "\n", encoding="utf-8")
    assert str(failure(tmp_path)) == f"{config}: is not the description of a model"
