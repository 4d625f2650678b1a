"""What is read of a checkpoint, and what is refused, in one message each."""

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from predicting import exported
from safetensors.torch import load_file, save_file
from seq2seq_checkpoints import LANGUAGES, languages_of, write_checkpoint
from tiny import C2ST, write_corpus
from translated import RECIPE, write_pairs

from signkit.config.recipe_file import load_recipe
from signkit.errors import UserError
from signkit.models.hub_checkpoint import quiet_transformers
from signkit.models.seq2seq.checkpoint import open_checkpoint
from signkit.models.torchvision_mend import import_transformers
from signkit.train.setup import Prepared, prepare

transformers = import_transformers()
MODEL = "{name: seq2seq, checkpoint: %s, dropout: 0.0}"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("saved") / "checkpoint")


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "checkpoint"))


def recipe(tmp_path: Path, checkpoint: Path | str, *changes: str, kind: str = "mbart") -> Any:
    lines = [line for line in RECIPE.splitlines() if line[:8] not in ("text: {u", "model: {")]
    start, end = lines.index("encoder:"), next(i for i, line in enumerate(lines) if line.startswith("train"))
    own = ["text: {unit: subword}", "source: {unit: shared}", f"model: {MODEL % checkpoint}"]
    text = "\n".join([*lines[:start], *own, *lines[end:]])
    file = tmp_path / "recipe.yaml"
    root = write_pairs(tmp_path / "pairs")
    file.write_text(text.replace("ROOT", str(root)).replace("RUNS", str(tmp_path / "runs")), encoding="utf-8")
    return load_recipe(str(file), [*languages_of(kind), *changes])


def opened(tmp_path: Path, checkpoint: Path | str, *changes: str, kind: str = "mbart") -> Prepared:
    return prepare(recipe(tmp_path, checkpoint, *changes, kind=kind))


def refused(tmp_path: Path, checkpoint: Path | str, *changes: str, kind: str = "mbart") -> str:
    with pytest.raises(UserError) as caught:
        opened(tmp_path, checkpoint, *changes, kind=kind)
    return str(caught.value)


def test_a_folder_needs_no_network(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: Any) -> None:
        raise AssertionError("a connection is opened")

    monkeypatch.setattr(socket.socket, "connect", connect)
    assert len(opened(tmp_path, folder).spec.vocabulary) > 2


def test_no_such_folder(tmp_path: Path) -> None:
    what = "there is no such folder; model.checkpoint is a folder or a name on the Hub"
    assert refused(tmp_path, tmp_path / "none") == f"{tmp_path / 'none'}: {what}"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]},
            "is of GPT2LMHeadModel, which is no encoder-decoder",
        ),
        ({"model_type": "bert"}, "is of a model of type 'bert', which is no encoder-decoder"),
        (
            {
                "model_type": "bart",
                "architectures": ["BartForConditionalGeneration"],
                "is_encoder_decoder": True,
            },
            "is of BartForConditionalGeneration; one of `mbart`, `t5`, `mt5`, `umt5`, `marian`, `m2m_100` "
            "can be read",
        ),
        ({"architectures": ["T5Model"]}, "is not the config of a model"),
    ],
)
def test_other_architectures(config: dict[str, Any], message: str, folder: Path, tmp_path: Path) -> None:
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert refused(tmp_path, folder) == f"{folder / 'config.json'}: {message}"


def without_pieces(folder: Path) -> None:
    (folder / "sentencepiece.bpe.model").unlink()


def with_a_fast_tokenizer(folder: Path) -> None:
    without_pieces(folder)
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def without_a_tensor(folder: Path) -> None:
    state = load_file(folder / "model.safetensors")
    del state["model.decoder.layers.1.fc2.bias"], state["model.decoder.layers.1.fc2.weight"]
    save_file(state, folder / "model.safetensors", {"format": "pt"})


def without_rows(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    state = load_file(folder / "model.safetensors")
    for name, tensor in state.items():
        if config["vocab_size"] in tensor.shape:
            state[name] = tensor[..., :40].clone() if "bias" in name else tensor[:40].clone()
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": 40}), encoding="utf-8")


def cut_off(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:1000])


PIECES = "has no sentencepiece.bpe.model (the sentencepiece model of its tokenizer)"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without_pieces, f"{PIECES}; there is `tokenizer_config.json`, which has no such model"),
        (
            with_a_fast_tokenizer,
            f"{PIECES}; there is `tokenizer.json`, `tokenizer_config.json`, which has no such model",
        ),
        (
            without_weights,
            "has no model.safetensors or model.safetensors.index.json (weights); pytorch_model.bin is a "
            "pickle, which is not read: save it as safetensors",
        ),
        (
            without_a_tensor,
            "its weights lack model.decoder.layers.1.fc2.bias and 1 more; the file is of another model, or "
            "not whole",
        ),
    ],
)
def test_damage(damage: Callable[[Path], None], message: str, folder: Path, tmp_path: Path) -> None:
    damage(folder)
    assert refused(tmp_path, folder) == f"{folder}: {message}"


def test_fewer_rows_than_pieces(folder: Path, tmp_path: Path) -> None:
    number = open_checkpoint(str(folder)).numbers["en_XX"]
    without_rows(folder)
    what = f"its tokenizer's `en_XX` has the number {number}, and its weights have 40 rows"
    assert refused(tmp_path, folder) == f"{folder}: {what}"


def test_weights_that_do_not_fit(folder: Path, tmp_path: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"decoder_ffn_dim": 32}), encoding="utf-8")
    assert refused(tmp_path, folder).startswith(f"{folder}: cannot be loaded: ")


def test_weights_that_are_cut_off(folder: Path, tmp_path: Path) -> None:
    cut_off(folder)
    assert refused(tmp_path, folder).startswith(f"{folder}: cannot be loaded: ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "model.target_language=xx_XX",
            "model.target_language: FOLDER has no language 'xx_XX'; it has `de_DE`, `en_XX`, `fr_XX`",
        ),
        (
            "model.source_language=",
            "model.source_language: FOLDER needs one; it has `de_DE`, `en_XX`, `fr_XX`",
        ),
        (
            "text={unit: character}",
            "text.unit: is `character`, and `seq2seq` reads and writes the pieces of its checkpoint; "
            "text.unit: subword",
        ),
        (
            "source.unit=gloss",
            "source.unit: is `gloss`, and `seq2seq` reads and writes the pieces of its checkpoint; "
            "source.unit: shared",
        ),
        (
            "text.pieces=500",
            "text.pieces: has no effect: the pieces are those of the checkpoint; leave it out",
        ),
        (
            "decode.longest=512",
            "decode.longest: is 512, and the network has places for 512 tokens, 1 of them around a text; "
            "at most 511",
        ),
        (
            "source.longest=511",
            "source.longest: is 511, and the network has places for 512 tokens, 2 of them around a text; "
            "at most 510",
        ),
    ],
)
def test_options_that_do_not_fit(change: str, message: str, saved: Path, tmp_path: Path) -> None:
    assert refused(tmp_path, saved, change) == message.replace("FOLDER", str(saved))


@pytest.mark.parametrize("key", ["source", "target"])
def test_a_language_of_a_checkpoint_without_any(key: str, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "t5", "t5")
    message = refused(tmp_path, folder, f"model.{key}_language=de", kind="t5")
    assert message == f"model.{key}_language: {folder} has no languages; leave it out"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("encoder={name: text}", "`encoder`: `seq2seq` has none; leave it out"),
        (
            "train.losses=[{name: next_token}, {name: ctc}]",
            "`train.losses.1`: `ctc` is no loss of `seq2seq`; take `losses: [{name: next_token}]`",
        ),
        (
            "decode.ctc_weight=0.5",
            "`decode.ctc_weight`: has no effect: the model has no CTC head; leave it out",
        ),
        (
            "decode.doubt=0.5",
            "`decode.doubt`: has no effect: the model has no confidence; leave it out",
        ),
    ],
)
def test_recipes_that_do_not_fit(change: str, message: str, saved: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        recipe(tmp_path, saved, change)
    assert str(caught.value).endswith(message)


def test_recordings(saved: Path, tmp_path: Path) -> None:
    data = f"data={{name: manifest, root: {write_corpus(tmp_path / 'corpus')}}}"
    message = refused(tmp_path, saved, data)
    assert message == "model: `seq2seq` reads written sources, and the corpus has recordings"


def test_characters_that_the_checkpoint_lacks(tmp_path: Path) -> None:
    """They get a piece and a row of their own, in the texts and in the sources."""
    folder = write_checkpoint(tmp_path / "checkpoint", lines=["morgen regen", "MORGEN REGEN"])
    known = {*open_checkpoint(str(folder)).models[0].pieces}
    lacking = {*"hutsüdnwio.HUTSDNWI"} - known
    ready = opened(tmp_path, folder)
    assert lacking and lacking < {*ready.spec.vocabulary.tokens}
    rows = ready.model.decoder.rows
    assert len({*rows.tolist()}) == len(rows) == len(ready.spec.vocabulary)
    table = ready.model.decoder.net.get_output_embeddings().weight
    assert int(rows.max()) == len(table) - 1
    new = table[[int(rows[ready.spec.vocabulary.index[letter]]) for letter in lacking]]
    assert torch.linalg.vector_norm(new, dim=1).min() > 0


@pytest.mark.parametrize("kind", ["mbart", "mbart50", "nllb", "m2m_100"])
def test_languages_that_its_files_do_not_number(kind: str, tmp_path: Path) -> None:
    """They are numbered behind the pieces, in the order of transformers' own list."""
    folder = write_checkpoint(tmp_path / kind, kind)
    described = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    del described["added_tokens_decoder"]
    (folder / "tokenizer_config.json").write_text(json.dumps(described), encoding="utf-8")
    checkpoint = open_checkpoint(str(folder))
    first = len(checkpoint.numbers) - len(checkpoint.languages)
    assert sorted(checkpoint.languages.values()) == [*range(first, first + len(checkpoint.languages))]
    count = {"mbart": 25, "mbart50": 52, "nllb": 202, "m2m_100": 100}[kind]
    assert len(checkpoint.languages) == count
    if kind == "m2m_100":
        with quiet_transformers():
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        assert checkpoint.languages == tokenizer.lang_code_to_id
    assert {name.strip("_") for name in LANGUAGES[kind]} < {*checkpoint.languages}


def test_a_prefix_stands_before_every_source(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "t5", "t5")
    ready = opened(tmp_path, folder, "model.prefix='übersetze glossen:'", kind="t5")
    checkpoint, encoder = open_checkpoint(str(folder)), ready.model.encoder
    model = checkpoint.models[0]
    assert len(encoder.before) == len([*model.split("übersetze"), *model.split("glossen:")])
    assert encoder.dims == {"chunk": 16, "video": 16}
    assert encoder.output_lengths(torch.tensor([3])).tolist() == [3 + len(encoder.before) + 1]


def test_a_run_that_is_no_translator_has_no_card(tmp_path: Path) -> None:
    run = exported(tmp_path / "run", write_corpus(tmp_path / "corpus"), C2ST)
    assert not (run / "export" / "network.json").exists()
