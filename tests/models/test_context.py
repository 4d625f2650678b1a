"""The laws of every context, BERT's checkpoints, and pre-training."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from signkit.config import registry as plugins
from signkit.config.yaml_write import to_yaml
from signkit.errors import OperationalError, UserError
from signkit.models.context.bert_checkpoint import gloss_embeddings
from signkit.models.context.card import BertCard, load_card
from signkit.models.context.configs import BertConfig, EmbeddingConfig, LstmConfig, NoneConfig
from signkit.models.context.protocol import Context, Stepping
from signkit.models.torchvision_mend import import_transformers
from signkit.tasks.recognition.context_lm import PretrainResult, pretrain
from signkit.text.vocabulary import Vocabulary

transformers = import_transformers()

VOCABULARY = Vocabulary.from_references([["REGEN", "SONNE", "WIND", "MORGEN", "HEUTE", "IX-1P", "XYZZY"]])
SIZE, DIM = len(VOCABULARY), 12
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "regen", "son", "##ne", "wind", "morgen", "heute"]
PIECES += ["ix", "-", "1", "##p"]

CONFIGS = {
    "none": NoneConfig(),
    "embedding": EmbeddingConfig(width=8, dropout=0.3),
    "lstm": LstmConfig(width=8, layers=2, dropout=0.3),
    "bert": BertConfig(adaptor_width=6),
}
LEARNED = ("embedding", "lstm", "bert")


@pytest.fixture
def card(tmp_path: Path) -> str:
    path = tmp_path / "card.yaml"
    path.write_text("{width: 16, layers: 2, heads: 2, feed_forward: 24, positions: 7, dropout: 0.1}")
    return str(path)


@pytest.fixture
def make(card: str) -> Callable[..., nn.Module]:
    def build(name: str, seed: int = 1, **options: object) -> nn.Module:
        config = CONFIGS[name]
        if isinstance(config, BertConfig):
            config = replace(config, card=card)
        torch.manual_seed(seed)
        built: nn.Module = plugins.build(replace(config, **options), SIZE, DIM, VOCABULARY)
        return built.eval()

    return build


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A tiny BERT and its word pieces, as transformers saves them: bidirectional, with a pooler."""
    folder = tmp_path / "tiny-bert"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(PIECES))
    torch.manual_seed(3)
    sizes = transformers.BertConfig(
        vocab_size=len(PIECES),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=9,
        hidden_act="relu",
        layer_norm_eps=1e-6,
        hidden_dropout_prob=0.25,
    )
    transformers.BertModel(sizes).save_pretrained(folder)
    transformers.BertTokenizer(vocab={p: i for i, p in enumerate(PIECES)}).save_pretrained(folder)
    return folder


def histories(labels: int = 6, batch: int = 4, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    history = torch.randint(1, SIZE, (batch, labels), generator=generator)
    return history, torch.tensor([labels, 0, 3, 1][:batch])


# the laws


@pytest.mark.parametrize("name", CONFIGS)
def test_one_vector_for_each_history(make: Callable[..., nn.Module], name: str) -> None:
    context = make(name)
    assert isinstance(context, Context)
    assert context.dim == DIM
    assert context(*histories()).shape == (4, 7, DIM)
    assert context(torch.zeros(2, 0, dtype=torch.long), torch.tensor([0, 0])).shape == (2, 1, DIM)
    assert context(*histories()).isfinite().all()


@pytest.mark.parametrize("name", CONFIGS)
def test_no_vector_depends_on_what_follows(make: Callable[..., nn.Module], name: str) -> None:
    context = make(name)
    history, _ = histories(batch=1)
    lengths = torch.tensor([6])
    before = context(history, lengths)
    for place in range(6):
        changed = history.clone()
        changed[0, place] = 1 + changed[0, place] % (SIZE - 1)
        after = context(changed, lengths)
        assert torch.equal(after[:, : place + 1], before[:, : place + 1])
        assert name == "none" or not torch.allclose(after[:, place + 1], before[:, place + 1])


@pytest.mark.parametrize("name", CONFIGS)
def test_memory_of_each_context(make: Callable[..., nn.Module], name: str) -> None:
    """Which contexts see further back than the last gloss."""
    history, lengths = torch.tensor([[2, 3, 4], [5, 3, 4]]), torch.tensor([3, 3])
    one, other = make(name).last(history, lengths)
    assert torch.equal(one, other) == (name in ("none", "embedding"))


@pytest.mark.parametrize("name", CONFIGS)
def test_padding_changes_nothing(make: Callable[..., nn.Module], name: str) -> None:
    context = make(name).double()
    history, lengths = histories()
    vectors = context(history, lengths)
    junk = history.clone()
    for row, length in enumerate(lengths.tolist()):
        junk[row, length:] = -1 if row % 2 else 10**6
        alone = context(history[row : row + 1, :length], lengths[row : row + 1])
        assert torch.allclose(alone[0], vectors[row, : length + 1], rtol=0, atol=1e-12)
    assert torch.equal(context(junk, lengths), vectors)
    longer = context(nn.functional.pad(history, (0, 5)), lengths)
    assert torch.allclose(longer[0, :7], vectors[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_permuted_batch_permutes_vectors(make: Callable[..., nn.Module], name: str) -> None:
    context = make(name).double()
    history, lengths = histories()
    order = torch.tensor([2, 0, 3, 1])
    assert torch.allclose(
        context(history[order], lengths[order]), context(history, lengths)[order], rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("name", CONFIGS)
def test_last_is_the_vector_of_the_whole_history(make: Callable[..., nn.Module], name: str) -> None:
    context = make(name).double()
    history, lengths = histories()
    expected = context(history, lengths)[torch.arange(4), lengths]
    assert torch.allclose(context.last(history, lengths), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", LEARNED)
def test_gradients_reach_every_weight_and_every_embedding(make: Callable[..., nn.Module], name: str) -> None:
    context = make(name)
    history, lengths = torch.arange(1, SIZE)[None], torch.tensor([SIZE - 1])
    (context(history, lengths) ** 3).sum().backward()
    missing = [n for n, p in context.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert missing == []
    rows = next(p.grad for n, p in context.named_parameters() if "embedding" in n and len(p) == SIZE)
    assert (rows.abs().sum(dim=1) > 0).all()  # the start symbol's row too


@pytest.mark.parametrize("name", LEARNED)
def test_a_seed_gives_equal_weights(make: Callable[..., nn.Module], name: str) -> None:
    one, same, other = (make(name, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("name", LEARNED)
def test_gain_0_begins_without_context_and_learns_it(make: Callable[..., nn.Module], name: str) -> None:
    context = make(name, gain=0.0)
    vectors = context(*histories())
    assert torch.equal(vectors, torch.zeros(4, 7, DIM))
    (vectors * torch.randn(4, 7, DIM, generator=torch.Generator().manual_seed(1))).sum().backward()
    assert context.adaptor.norm.weight.grad.abs().min() > 0


@pytest.mark.parametrize("name", LEARNED)
def test_gain_is_the_size_of_the_vectors(make: Callable[..., nn.Module], name: str) -> None:
    assert torch.allclose(make(name, gain=0.5)(*histories()), 0.5 * make(name)(*histories()))


def test_no_context_is_zero_and_has_nothing_to_learn(make: Callable[..., nn.Module]) -> None:
    context = make("none")
    assert not context(*histories()).any()
    assert not context.state_dict()
    assert context.double().last(*histories()).dtype == torch.float64


@pytest.mark.parametrize("name", LEARNED)
def test_only_training_drops_out(make: Callable[..., nn.Module], name: str) -> None:
    context = make(name)
    assert torch.equal(context(*histories()), context(*histories()))
    context.train()
    assert not torch.equal(context(*histories()), context(*histories()))


# BERT


def test_glosses_beyond_the_positions_share_the_last(make: Callable[..., nn.Module]) -> None:
    context = make("bert")  # of 7 positions, the start's included
    history = torch.full((1, 20), 2)
    vectors = context(history, torch.tensor([20]))
    assert vectors.shape == (1, 21, DIM)
    assert torch.allclose(vectors[:, :7], context(history[:, :6], torch.tensor([6])), atol=1e-6)


def test_frozen_bert_leaves_the_adaptor(make: Callable[..., nn.Module]) -> None:
    context = make("bert", freeze=True, dropout=0.0)
    assert {n.split(".")[0] for n, p in context.named_parameters() if p.requires_grad} == {"adaptor"}
    context.train()
    assert torch.equal(context(*histories()), context(*histories()))


def test_checkpoint_equals_transformers_own_decoder(checkpoint: Path) -> None:
    context = plugins.build(BertConfig(checkpoint=str(checkpoint)), SIZE, DIM, VOCABULARY).eval()
    own = transformers.BertModel.from_pretrained(
        checkpoint, is_decoder=True, attn_implementation="eager"
    ).eval()
    # glosses of one piece: their embeddings are the pieces' own
    words = ["heute", "morgen", "regen", "wind"]
    history = torch.tensor([VOCABULARY.encode(word.upper() for word in words)])
    pieces = torch.tensor([[PIECES.index(word) for word in ["[CLS]", *words]]])
    expected = own(input_ids=pieces, use_cache=False).last_hidden_state
    states = context.reader(torch.cat([torch.zeros(1, 1, dtype=torch.long), history], dim=1))
    assert torch.allclose(states, expected, atol=1e-6)
    assert torch.equal(context(history, torch.tensor([4])), context.adaptor(states))


def test_glosses_begin_as_the_mean_of_their_pieces(checkpoint: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    pieces = torch.randn(len(PIECES), 16, generator=torch.Generator().manual_seed(1))
    table = gloss_embeddings(VOCABULARY, tokenizer, pieces)
    row = {token: table[index] for index, token in enumerate(VOCABULARY.tokens)}
    piece = dict(zip(PIECES, pieces, strict=True))
    assert torch.equal(row["<blank>"], piece["[CLS]"])
    assert torch.equal(row["<unk>"], piece["[UNK]"])
    assert torch.equal(row["REGEN"], piece["regen"])
    assert torch.allclose(row["SONNE"], (piece["son"] + piece["##ne"]) / 2)
    assert torch.allclose(row["IX-1P"], (piece["ix"] + piece["-"] + piece["1"] + piece["##p"]) / 4)
    assert not any(torch.allclose(row["XYZZY"], other) for other in pieces)  # no piece known: drawn


def test_checkpoint_can_be_rebuilt_from_its_card(checkpoint: Path, tmp_path: Path) -> None:
    loaded = plugins.build(BertConfig(checkpoint=str(checkpoint)), SIZE, DIM, VOCABULARY).eval()
    assert loaded.reader.bert.card == BertCard(
        width=16, layers=2, heads=2, feed_forward=24, positions=9, dropout=0.25, activation="relu",
        norm_epsilon=1e-6, segments=2,
    )  # fmt: skip
    path = tmp_path / "rebuilt.yaml"
    path.write_text(to_yaml(loaded.reader.bert.card))
    rebuilt = plugins.build(BertConfig(card=str(path)), SIZE, DIM, VOCABULARY).eval()
    rebuilt.load_state_dict(loaded.state_dict())
    assert torch.equal(rebuilt(*histories()), loaded(*histories()))


def test_transformers_says_nothing(checkpoint: Path, capfd: pytest.CaptureFixture[str]) -> None:
    level = transformers.utils.logging.get_verbosity()
    context = plugins.build(BertConfig(checkpoint=str(checkpoint)), SIZE, DIM, VOCABULARY)
    context(*histories())
    assert tuple(capfd.readouterr()) == ("", "")
    assert transformers.utils.logging.get_verbosity() == level
    assert transformers.utils.logging.is_progress_bar_enabled()


@pytest.mark.slow
def test_transformers_is_imported_for_checkpoints_only() -> None:
    code = (
        "import sys, torch; from signkit.models.context import bert, configs\n"
        "import signkit.tasks.recognition.context_lm\n"
        "from signkit.text.vocabulary import Vocabulary; v = Vocabulary.from_references(['A'])\n"
        "bert.build(configs.BertConfig(card='gloss_bert'), 3, 4, v)\n"
        "print('transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def break_config(folder: Path, **changes: object) -> None:
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(content | changes))


def pickle_only(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def without_tokenizer(folder: Path) -> None:
    for path in (*folder.glob("tokenizer*"), folder / "vocab.txt"):
        path.unlink()


def truncated(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:5000])


def half_the_weights(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    kept = {key: value for key, value in weights.items() if "layer.1.output" not in key}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


BROKEN = [
    (lambda f: (f / "config.json").unlink(), "{f}: has no config.json (config)"),
    (lambda f: (f / "config.json").write_text("{"), "{f}/config.json: is not the config of a model"),
    (lambda f: (f / "config.json").write_text("[]"), "{f}/config.json: is not the config of a model"),
    (
        lambda f: break_config(f, model_type="gpt2"),
        "{f}/config.json: is of a model of type 'gpt2', not 'bert'",
    ),
    (
        lambda f: break_config(f, hidden_act="tanh"),
        "{f}/config.json: has the activation 'tanh', which is not supported",
    ),
    (
        lambda f: break_config(f, num_attention_heads=3),
        "{f}/config.json: cannot be used: heads: 3 heads do not divide the width 16",
    ),
    (
        lambda f: (f / "model.safetensors").unlink(),
        "{f}: has no model.safetensors or model.safetensors.index.json (weights)",
    ),
    (
        pickle_only,
        "{f}: has no model.safetensors or model.safetensors.index.json (weights); "
        "pytorch_model.bin is a pickle, which is not read: save it as safetensors",
    ),
    (
        without_tokenizer,
        "{f}: has no tokenizer.json or vocab.txt "
        "(tokenizer, from whose word pieces the glosses' embeddings start)",
    ),
    (
        half_the_weights,
        "{f}: its weights lack encoder.layer.1.output.LayerNorm.bias and 3 more; "
        "the file is of another model, or not whole",
    ),
]


@pytest.mark.parametrize(("fault", "message"), BROKEN)
def test_broken_checkpoint(checkpoint: Path, fault: Callable[[Path], object], message: str) -> None:
    fault(checkpoint)
    with pytest.raises(UserError) as caught:
        plugins.build(BertConfig(checkpoint=str(checkpoint)), SIZE, DIM, VOCABULARY)
    assert str(caught.value) == message.format(f=checkpoint)


@pytest.mark.parametrize("fault", [truncated, lambda f: break_config(f, hidden_size=32)])
def test_checkpoint_whose_weights_do_not_fit(checkpoint: Path, fault: Callable[[Path], object]) -> None:
    """The reason is the library's: only its place is ours."""
    fault(checkpoint)
    with pytest.raises(UserError) as caught:
        plugins.build(BertConfig(checkpoint=str(checkpoint)), SIZE, DIM, VOCABULARY)
    assert str(caught.value).startswith(f"{checkpoint}: cannot be loaded: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["./no-such-bert", "/no/such/bert", "models/my/bert"])
def test_folder_that_is_not_there(name: str) -> None:
    with pytest.raises(UserError) as caught:
        plugins.build(BertConfig(checkpoint=name), SIZE, DIM, VOCABULARY)
    hint = "context.checkpoint is a folder or a name on the Hub"
    assert str(caught.value) == f"{name}: there is no such folder; {hint}"


def test_name_that_the_hub_cannot_have() -> None:
    with pytest.raises(UserError) as caught:
        plugins.build(BertConfig(checkpoint="a bert!"), SIZE, DIM, VOCABULARY)
    assert str(caught.value) == "a bert!: is neither a folder nor a name on the Hub"


def test_hub_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(OperationalError) as caught:
        plugins.build(BertConfig(checkpoint="some/bert"), SIZE, DIM, VOCABULARY)
    assert str(caught.value) == (
        "some/bert: is no folder, is not in the Hub's cache, and the Hub cannot be reached; "
        "download it elsewhere and give its folder"
    )


def test_full_disk_while_downloading(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def full(*args: object, **options: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", full)
    with pytest.raises(OperationalError) as caught:
        plugins.build(BertConfig(checkpoint="some/bert"), SIZE, DIM, VOCABULARY)
    assert str(caught.value) == "some/bert: cannot be written to the Hub's cache: No space left on device"


# cards


@pytest.mark.parametrize(("name", "width"), [("gloss_bert", 128), ("gloss_bert_base", 768)])
def test_built_in_cards(name: str, width: int) -> None:
    assert load_card(name).width == width


def test_faulty_card(tmp_path: Path) -> None:
    path = tmp_path / "card.yaml"
    path.write_text("width: 16\nlayers: 1\nheads: 3\nfeed_forward: 24\npositions: 8\n")
    with pytest.raises(UserError) as caught:
        load_card(str(path))
    assert str(caught.value) == f"{path}:3:8: `heads`: 3 heads do not divide the width 16"
    path.write_text("width: 16\nlayer: 1\nheads: 2\nfeed_forward: 24\npositions: 8\n")
    with pytest.raises(UserError) as caught:
        load_card(str(path))
    assert f"{path}:2:1: unknown key `layer`; did you mean `layers`?" in str(caught.value)


def test_card_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        load_card("glossbert")
    assert str(caught.value) == (
        "glossbert: no built-in language model has this name; did you mean `gloss_bert`?"
    )


# steps


@pytest.mark.parametrize("name", ["lstm", "bert"])
def test_a_step_is_the_pass_over_all(make: Callable[..., nn.Module], name: str) -> None:
    """Side by side with histories of other lengths, and beyond BERT's positions too."""
    reader = make(name).reader
    assert isinstance(reader, Stepping)
    symbols = torch.randint(1, SIZE, (3, 11), generator=torch.Generator().manual_seed(5))
    symbols[:, 0] = 0
    behind = torch.tensor([0, 2, 5])  # how many steps later each begins
    with torch.no_grad():
        expected = reader(symbols)
        cached = torch.zeros(3, 0, reader.cache_width)
        for step in range(16):
            lengths = step - behind
            here = (lengths >= 0) & (lengths < 11)
            past = (
                cached
                if reader.looks_back
                else torch.cat([torch.zeros(3, 1, reader.cache_width), cached], 1)[:, -1:]
            )
            at = lengths.clamp(0, 10)
            states, own = reader.step(symbols.gather(1, at[:, None])[here, 0], past[here], lengths[here])
            # About 100 roundings of float32 (6e-8) on numbers near 1, in another order than in one pass.
            assert torch.allclose(states, expected[torch.arange(3), at][here], atol=1e-5)
            more = torch.zeros(3, 1, reader.cache_width)
            more[here, 0] = own
            cached = torch.cat([cached, more], 1)


def test_the_last_gloss_alone_needs_no_steps(make: Callable[..., nn.Module]) -> None:
    assert not isinstance(make("embedding").reader, Stepping)


# pre-training: a language in which the next gloss follows from the last two


def sentences(count: int, seed: int) -> list[list[int]]:
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        sentence = list(generator.integers(1, 5, 2))
        while len(sentence) < generator.integers(4, 9):
            sentence.append(1 + (sentence[-1] + 2 * sentence[-2]) % 4)
        found.append([int(gloss) for gloss in sentence])
    return found


def train(context: nn.Module, **options: object) -> PretrainResult:
    settings = {"vocabulary_size": SIZE, "steps": 60, "lr": 1e-2, "seed": 4} | options
    return pretrain(context, sentences(60, 1), **settings)


@pytest.mark.parametrize("name", LEARNED)
def test_pretraining_lowers_perplexity(make: Callable[..., nn.Module], name: str) -> None:
    result = train(make(name), dev=sentences(20, 2))
    assert len(result.perplexities) == 5
    assert result.best == int(np.argmin(result.perplexities))
    assert result.perplexities[result.best] < 0.6 * result.perplexities[0]


@pytest.mark.parametrize("name", LEARNED)
def test_pretraining_is_reproducible_and_leaves_the_generator(
    make: Callable[..., nn.Module], name: str
) -> None:
    contexts = [make(name), make(name)]
    torch.manual_seed(9)
    state = torch.get_rng_state()
    first = train(contexts[0])
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(10)
    second = train(contexts[1])
    assert first.perplexities == second.perplexities
    assert torch.equal(first.head.weight, second.head.weight)
    one, two = (context.state_dict() for context in contexts)
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_head_tells_the_perplexity_of_the_context_left(make: Callable[..., nn.Module]) -> None:
    context, dev = make("lstm"), sentences(7, 3)
    result = train(context, dev=dev)
    total = words = 0.0
    for sentence in dev:
        logits = result.head(context(torch.tensor([sentence]), torch.tensor([len(sentence)])))[0]
        targets = torch.tensor([*sentence, 0])
        total += nn.functional.cross_entropy(logits, targets, reduction="sum").item()
        words += len(targets)
    assert np.exp(total / words) == pytest.approx(result.perplexities[result.best], rel=1e-5)


def test_pretraining_keeps_gain_freezing_and_mode(make: Callable[..., nn.Module]) -> None:
    context = make("bert", gain=0.0, freeze=True)
    before = {name: p.detach().clone() for name, p in context.named_parameters()}
    train(context, steps=2)
    assert torch.equal(context(*histories()), torch.zeros(4, 7, DIM))
    assert not context.training
    changed = {name for name, p in context.named_parameters() if not torch.equal(p, before[name])}
    assert {"adaptor.project.weight", "reader.bert.embeddings.word_embeddings.weight"} <= changed
    assert {n.split(".")[0] for n, p in context.named_parameters() if p.requires_grad} == {"adaptor"}
    assert all(p.grad is None for p in context.parameters())


def test_progress_is_told_after_each_update(make: Callable[..., nn.Module]) -> None:
    told: list[tuple[int, float]] = []
    result = train(make("embedding"), steps=3, on_progress=lambda step, loss: told.append((step, loss)))
    assert [step for step, _ in told] == [1, 2, 3]
    assert result.best == len(result.perplexities) - 1


def test_no_updates_leave_the_context(make: Callable[..., nn.Module]) -> None:
    context = make("lstm")
    before = {key: value.clone() for key, value in context.state_dict().items()}
    result = train(context, steps=0)
    assert (len(result.perplexities), result.best) == (1, 0)
    assert all(torch.equal(value, before[key]) for key, value in context.state_dict().items())


def test_nothing_to_pretrain(make: Callable[..., nn.Module]) -> None:
    with pytest.raises(UserError) as caught:
        train(make("none"))
    assert str(caught.value) == "context.pretrain_steps: this context has nothing to learn"
    with pytest.raises(UserError) as caught:
        pretrain(make("lstm"), [], vocabulary_size=SIZE, steps=1, lr=1e-3, seed=1)
    assert str(caught.value) == "context.pretrain_steps: there are no gloss sentences to learn from"
    with pytest.raises(ValueError, match="token indices 0 to 2 of a vocabulary of 9"):
        pretrain(make("lstm"), [[2, 0]], vocabulary_size=SIZE, steps=1, lr=1e-3, seed=1)


def test_empty_sentences_are_only_their_end(make: Callable[..., nn.Module]) -> None:
    result = pretrain(make("embedding"), [[], []], vocabulary_size=SIZE, steps=30, lr=0.05, seed=1)
    assert result.perplexities[-1] < 1.1
