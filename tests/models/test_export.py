"""An export is all that is needed: no checkpoint folder, no card, no run it began with."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from tiny import (
    C2ST,
    CTC,
    LM,
    MASKED,
    Shock,
    signkit,
    write_corpus,
    write_lm_recipe,
    write_recipe,
    write_text,
)

from signkit.config.recipe import InitFrom, Recipe
from signkit.config.recipe_file import load_recipe
from signkit.data.loader import eval_batches
from signkit.errors import OperationalError, SignkitError, UserError
from signkit.models.export import CARD, TrainedModel, for_reload, read_export, write_export
from signkit.models.spec import signal_to_text
from signkit.runtime.files import sha256
from signkit.train.setup import Prepared, prepare

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow

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
    write_export(run / "export", TrainedModel(recipe, prepared.spec, prepared.model))
    return recipe, prepared


def same_model(prepared: Prepared, run: Path) -> None:
    """The model read again has the same keys and weights, and gives the same logits."""
    found = read_export(run)
    ours, theirs = found.model.state_dict(), prepared.model.state_dict()
    assert list(ours) == list(theirs)
    assert all(ours[name].equal(theirs[name]) for name in theirs)
    assert found.spec == prepared.spec == signal_to_text("boston104", 2, prepared.vocabulary)
    batch = next(eval_batches(prepared.datasets["dev"], 4))
    prepared.model.eval()
    with torch.no_grad():
        logits, expected = found.model(batch), prepared.model(batch)
    assert logits.levels["video"].equal(expected.levels["video"])
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


def test_a_model_that_is_read_begins_with_nothing(corpus: Path, tmp_path: Path) -> None:
    path = write_recipe(tmp_path / "tiny.yaml", corpus, init_from=str(tmp_path))
    recipe = load_recipe(str(path))
    assert for_reload(recipe, tmp_path).train.init_from == InitFrom()
    assert for_reload(recipe, tmp_path).context == recipe.context


OLDER = {"output.": "classifier.", "heads.chunk.": "chunk_classifier.", "encoder.frames.": "encoder."}


def as_version_01(run: Path, layout: str, width: int) -> None:
    """Write an export as version 0.1 did: a signal and a vocabulary, other names of weights and options."""
    folder = run / "export"
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    old = {"signkit": "0.1.0", "name": config["name"], "layout": layout, "width": width, "step": 0}
    (folder / "config.json").write_text(json.dumps(old), encoding="utf-8")
    state = load_file(folder / "model.safetensors")
    for now, before in OLDER.items():
        state = {before + n.removeprefix(now) if n.startswith(now) else n: t for n, t in state.items()}
    assert any(name.startswith("classifier.") for name in state)
    save_file(state, folder / "model.safetensors")
    recipe = yaml.safe_load((folder / "recipe.yaml").read_text(encoding="utf-8"))
    recipe["train"]["init_from"] = ""
    del recipe["train"]["groups"], recipe["decode"]["name"]
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    names = [path.name for path in folder.iterdir() if path.name != "SHA256SUMS"]
    sums = [f"{sha256(folder / name)}  {name}\n" for name in sorted(names)]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


WIDE = {**CTC, "encoder": {**C2ST["encoder"], "global_temporal": {"layers": 1, "width": 5}}}


@pytest.mark.parametrize("base", [C2ST, CTC, WIDE], ids=["c2st", "ctc", "two widths"])
def test_an_export_of_version_01(corpus: Path, tmp_path: Path, base: dict[str, Any]) -> None:
    recipe, prepared = exported(tmp_path, write_recipe(tmp_path / "tiny.yaml", corpus, base))
    as_version_01(tmp_path, "boston104", 2)
    same_model(prepared, tmp_path)
    assert read_export(tmp_path).recipe == recipe


NOTHING = {"encoder": {"name": "nothing", "width": 8}}


@pytest.mark.parametrize("base", [{**LM, **NOTHING}, {**MASKED, **NOTHING}], ids=["causal", "masked"])
def test_an_export_of_a_language_model_of_version_01(tmp_path: Path, base: dict[str, Any]) -> None:
    """It had an encoder of nothing and a signal of one number."""
    path = write_lm_recipe(tmp_path / "lm.yaml", write_text(tmp_path / "text"), base)
    recipe, prepared = exported(tmp_path, path)
    as_version_01(tmp_path, "", 1)
    found = read_export(tmp_path)
    assert (found.recipe, found.spec) == (recipe, prepared.spec)
    assert found.spec.inputs == {}
    ours, theirs = found.model.state_dict(), prepared.model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(ours[name].equal(theirs[name]) for name in theirs)


def failure(run: Path) -> SignkitError:
    with pytest.raises(SignkitError) as caught:
        read_export(run)
    return caught.value


def test_not_a_run(tmp_path: Path) -> None:
    error = failure(tmp_path)
    assert isinstance(error, UserError)
    assert str(error) == f"{tmp_path}: is an empty folder, and not a run; `signkit runs` lists the runs"


def test_not_finished(tmp_path: Path) -> None:
    (tmp_path / "resolved.yaml").write_text("")
    hint = "`signkit run RECIPE --resume auto` continues it"
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
