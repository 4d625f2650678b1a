"""Language models as modules: their laws, what they learn from, and parts that do not fit together."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import CAUSAL, LM, MASKED, write_corpus, write_lm_recipe, write_recipe, write_text

from signkit.config.recipe_file import load_recipe
from signkit.data.batch import IGNORED, TextBatch, next_tokens
from signkit.data.corpora.text import read
from signkit.data.corpora.text_configs import TextFilesConfig
from signkit.data.loader import Dataset
from signkit.data.rare import RareAsUnknown, seen_once
from signkit.errors import UserError
from signkit.models.losses.configs import MaskedTokenConfig, NextTokenConfig
from signkit.models.losses.language import build_masked_token, build_next_token
from signkit.models.masked_lm import drawn
from signkit.models.protocol import Language
from signkit.models.sentence_scores import padded, sentence_scores
from signkit.train.setup import Prepared, prepare

SENTENCES = [(2, 3, 4), (5,), (3, 1, 2, 2, 4), (), (4, 4)]


def prepared(tmp_path: Path, base: dict, *changes: str) -> Prepared:
    text = write_text(tmp_path / "text")
    return prepare(load_recipe(str(write_lm_recipe(tmp_path / "lm.yaml", text, base)), changes))


def model(tmp_path: Path, base: dict):
    """With weights far from those of the start, so that tokens differ."""
    found = prepared(tmp_path, base).model.eval()
    with torch.no_grad():
        for weight in found.parameters():
            weight.add_(
                0.3 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(weight.numel()))
            )
    return found


def as_batch(sentences: list[tuple[int, ...]]) -> TextBatch:
    return TextBatch(tuple(map(str, range(len(sentences)))), *padded(sentences))


@pytest.mark.parametrize("base", [LM, CAUSAL], ids=["lstm", "bert"])
def test_probabilities_of_tokens_and_the_end_sum_to_one(base: dict, tmp_path: Path) -> None:
    """And the logits are the context's of a transducer, index 0 the end."""
    lm = model(tmp_path, base)
    with torch.no_grad():
        logits = lm(as_batch(SENTENCES))
        expected = lm.output(lm.context(*padded(SENTENCES))) + lm.output.bias
    assert logits.shape[1] == 6
    assert torch.equal(logits, expected)
    rows = logits.log_softmax(2)
    log = sentence_scores(lm, [(2, 3, 4)])[0]
    expected = [float(rows[0, place, token]) for place, token in enumerate((2, 3, 4, 0))]
    assert log == pytest.approx(expected, abs=1e-5)
    with torch.no_grad():
        after = lm.log_next(*padded(SENTENCES))
    assert after.exp().sum(1).tolist() == pytest.approx([1] * 5, abs=1e-5)


@pytest.mark.parametrize("base", [LM, CAUSAL, MASKED], ids=["lstm", "bert", "masked"])
def test_company_order_and_padding_change_nothing(base: dict, tmp_path: Path) -> None:
    lm = model(tmp_path, base)
    together = sentence_scores(lm, SENTENCES)
    assert [len(each) for each in together] == [len(s) + lm.predicts_end for s in SENTENCES]
    backwards = sentence_scores(lm, SENTENCES[::-1])[::-1]
    for place, sentence in enumerate(SENTENCES):
        alone = sentence_scores(lm, [sentence])[0]
        assert together[place] == pytest.approx(alone, abs=1e-5)
        assert backwards[place] == pytest.approx(alone, abs=1e-5)
    tokens, lengths = padded(SENTENCES)
    junk = torch.where(tokens == 0, 3, tokens)
    with torch.no_grad():
        assert lm.log_scores(junk, lengths) == pytest.approx(lm.log_scores(tokens, lengths), abs=1e-6)


def test_a_causal_model_looks_at_nothing_that_follows(tmp_path: Path) -> None:
    for base in (LM, CAUSAL):
        lm = model(tmp_path, base)
        short, long = sentence_scores(lm, [(2, 3)])[0], sentence_scores(lm, [(2, 3, 5, 4)])[0]
        assert long[:2] == pytest.approx(short[:2], abs=1e-5)


def test_pseudo_likelihood_is_that_of_one_mask_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lm = model(tmp_path, MASKED)
    expected = []
    for sentence in SENTENCES:
        tokens, lengths = padded([sentence])
        one = []
        for place in range(len(sentence)):
            mask = torch.arange(len(sentence))[None] == place
            with torch.no_grad():
                row = lm.token_logits(tokens, lengths, mask)[0, place, 1:].log_softmax(0)
            one.append(float(row[sentence[place] - 1]))
        expected.append(one)
    for at_once in (16384, 8):  # all copies in a pass, or one
        monkeypatch.setattr("signkit.models.masked_lm.SYMBOLS_AT_ONCE", at_once)
        found = sentence_scores(lm, SENTENCES)
        assert [each.tolist() for each in found] == [pytest.approx(each, abs=1e-5) for each in expected]


def test_a_masked_token_itself_is_not_seen(tmp_path: Path) -> None:
    """All others are, on both sides."""
    lm = model(tmp_path, MASKED)
    mask = torch.tensor([[False, True, False]])
    with torch.no_grad():
        rows = [
            lm.token_logits(torch.tensor([s]), torch.tensor([3]), mask)[0, 1]
            for s in ((2, 3, 4), (2, 5, 4), (3, 3, 4), (2, 3, 5))
        ]
    assert torch.equal(rows[0], rows[1])
    assert not torch.allclose(rows[0], rows[2], atol=1e-4)
    assert not torch.allclose(rows[0], rows[3], atol=1e-4)


def test_masks_are_drawn_from_the_generator() -> None:
    inside = torch.arange(12) < torch.arange(1, 13)[:, None]
    torch.manual_seed(3)
    first = drawn(inside, 0.15)
    torch.manual_seed(3)
    assert torch.equal(first, drawn(inside, 0.15))
    assert not (first & ~inside).any()
    assert (first.sum(1) >= 1).all()
    assert (drawn(inside, 0.0).sum(1) == 1).all()
    assert torch.equal(drawn(inside, 1.0), inside)
    many = drawn(torch.ones(2000, 100, dtype=torch.bool), 0.15)
    assert 0.148 < many.float().mean() < 0.152


def test_next_tokens() -> None:
    tokens = torch.tensor([[2, 3, 9], [4, 5, 6]])
    expected = [[2, 3, 0, IGNORED], [4, 5, 6, 0]]
    assert next_tokens(tokens, torch.tensor([2, 3])).tolist() == expected


def test_the_loss_is_minus_log_p(tmp_path: Path) -> None:
    """Of the whole sentence and its end; smoothed labels give some of it to every token."""
    lm, batch = model(tmp_path, LM), as_batch(SENTENCES)
    with torch.no_grad():
        logits = lm(batch)
    loss = build_next_token(NextTokenConfig())(logits, batch)
    assert loss.tolist() == pytest.approx(
        [-float(each.sum()) for each in sentence_scores(lm, SENTENCES)], abs=1e-4
    )
    smooth = build_next_token(NextTokenConfig(smoothing=0.1))(logits, batch)
    (row,) = logits.log_softmax(2)[3, :1]
    assert float(smooth[3]) == pytest.approx(-0.9 * float(row[0]) - 0.1 * float(row.mean()), abs=1e-5)


def test_the_masked_loss_is_of_the_masked_tokens(tmp_path: Path) -> None:
    lm, batch = model(tmp_path, MASKED).train(), as_batch(SENTENCES[:3])
    logits, masked = lm(batch)
    assert masked.any()
    loss = build_masked_token(MaskedTokenConfig())((logits, masked), batch)
    log = logits[..., 1:].log_softmax(2).gather(2, (batch.tokens - 1).clamp(min=0)[..., None])[..., 0]
    assert loss.tolist() == pytest.approx((-log * masked).sum(1).tolist(), abs=1e-5)
    _, unmasked = lm.eval()(batch)
    assert not unmasked.any()


def test_a_masked_model_says_nothing_of_what_comes_next(tmp_path: Path) -> None:
    """It lacks what a search would ask for."""
    lm = model(tmp_path, MASKED)
    assert isinstance(lm, Language) and not lm.predicts_end
    only_causal = ("context_logits", "last_context_logits", "log_next", "log_step")
    assert not any(hasattr(lm, name) for name in only_causal)


def test_tokens_seen_once_are_read_as_unknown_now_and_then() -> None:
    sentences = [(2, 3, 4), (2, 5), (2, 5), (3, 3)]
    assert seen_once(sentences) == {4, 5}  # the sentence 2 5 is there twice and counts once
    reread = RareAsUnknown(frozenset({4}), 0.5)
    drawn_ = [reread((2, 4, 3), np.random.default_rng(n)) for n in range(2000)]
    assert set(drawn_) == {(2, 4, 3), (2, 1, 3)}
    assert 900 < drawn_.count((2, 1, 3)) < 1100


def test_examples_are_reread_in_an_epoch_alone(tmp_path: Path) -> None:
    """Drawn anew in each, the same for a seed; dev never."""
    ready = prepared(tmp_path, LM)
    train, dev = ready.datasets["train"], ready.datasets["dev"]
    encode = ready.vocabulary.encode

    def read(examples: Dataset, epoch: int | None) -> list[tuple[int, ...]]:
        return [tokens for _, tokens in (examples.example(index, epoch) for index in range(len(examples)))]

    epochs = [read(train, epoch) for epoch in (0, 0, 1)]
    plain = [tuple(encode(sample.reference)) for sample in train.samples]
    assert epochs[0] == epochs[1] != epochs[2]
    assert read(train, None) == plain
    missed = sum(row.count(1) for row in epochs[0])
    assert 5 <= missed <= 19  # of 24 words that are there once
    assert read(dev, 0) == [tuple(encode(sample.reference)) for sample in dev.samples]
    never = prepared(tmp_path, LM, "model.unknown=0").datasets["train"]
    assert read(never, 0) == plain


def test_it_is_said_that_unknown_is_not_learnt(tmp_path: Path) -> None:
    text = write_text(tmp_path / "text")
    (text / "train.txt").write_text("A B\nB A\n", encoding="utf-8")
    recipe = load_recipe(str(write_lm_recipe(tmp_path / "lm.yaml", text)))
    assert prepare(recipe).notes == (
        "no gloss occurs exactly once in train, so the probability of unknown ones is not learnt",
    )


def test_the_corpus_of_text(tmp_path: Path) -> None:
    for name, lines in (("a.txt", "A  B\n\nC\n"), ("b.stm", "s1 1 X 0.0 9.9 A B\n"), ("d.txt", "C\n")):
        (tmp_path / name).write_text(lines, encoding="utf-8")
    files = (str(tmp_path / "a.txt"), str(tmp_path / "b.stm"))
    plain = read(TextFilesConfig(train=files, dev=(str(tmp_path / "d.txt"),)))
    assert [(s.id, s.reference, s.frames) for s in plain.samples] == [
        ("train-000001", ("A", "B"), 2),
        ("train-000002", ("C",), 1),
        ("train-000003", ("A", "B"), 2),
        ("dev-000001", ("C",), 1),
    ]
    assert plain.samples[0].load().vectors.tolist() == [[0.0], [0.0]]
    once = read(TextFilesConfig(train=files, exclude=(str(tmp_path / "d.txt"),), distinct=True))
    assert [s.reference for s in once.samples] == [("A", "B")]
    assert once.fingerprint != plain.fingerprint


FAULTS = [
    (
        "encoder={name: features}",
        "--set encoder={{name: features}}: `encoder`: `language_model` has none; leave it out",
    ),
    ("context={name: none}", "context.name: this context has nothing to learn; take lstm or bert"),
    (
        ("model={name: masked_lm}", "train.losses=[{name: masked_token}]"),
        "context.name: a masked language model is a BERT; take `context: {{name: bert}}`",
    ),
    (
        "model={name: masked_lm}",
        "{lm}:22:5: `train.losses.0`: `next_token` is no loss of `masked_lm`; "
        "take `losses: [{{name: masked_token}}]`",
    ),
    (
        "train.losses=[{name: masked_token}]",
        "--set train.losses=[{{name: masked_token}}]: `train.losses.0`: `masked_token` is no loss of "
        "`language_model`; take `losses: [{{name: next_token}}]`",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), FAULTS, ids=[str(change) for change, _ in FAULTS])
def test_parts_that_do_not_fit(change: str | tuple[str, ...], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        prepared(tmp_path, LM, *([change] if isinstance(change, str) else change))
    assert str(caught.value) == message.format(lm=tmp_path / "lm.yaml")


def test_a_recogniser_has_other_losses(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "tiny.yaml", write_corpus(tmp_path / "corpus"))
    with pytest.raises(UserError) as caught:
        prepare(load_recipe(str(recipe), ["train.losses=[{name: cst}, {name: next_token}]"]))
    message = "`train.losses.1`: `next_token` is no loss of `c2st`; it is of another kind of model"
    assert str(caught.value) == f"--set train.losses=[{{name: cst}}, {{name: next_token}}]: {message}"


def test_a_corpus_of_clips_is_text_too(tmp_path: Path) -> None:
    """A language model of its references."""
    recipe = write_recipe(tmp_path / "tiny.yaml", write_corpus(tmp_path / "corpus"), LM)
    ready = prepare(load_recipe(str(recipe)))
    assert set(ready.datasets) == {"train", "dev", "test"}
    assert ready.model(as_batch([(2, 3)])).shape == (1, 3, len(ready.vocabulary))


@pytest.mark.parametrize("base", [LM, CAUSAL, MASKED], ids=["lstm", "bert", "masked"])
def test_an_encoder_of_nothing_gives_the_same_weights(base: dict, tmp_path: Path) -> None:
    """As recipes of version 0.1 have it; its width is the model's."""
    assert base["model"]["width"] == 8
    older = {key: value for key, value in base["model"].items() if key != "width"}
    placeholder = {**base, "model": older, "encoder": {"name": "nothing", "width": 8}}
    old, new = prepared(tmp_path, placeholder), prepared(tmp_path, base)
    assert new.recipe.encoder is None and old.spec == new.spec
    ours, theirs = old.model.state_dict(), new.model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert not any(name.startswith("encoder") for name in ours)
