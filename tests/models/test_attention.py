"""The attention decoder: step by step as at once, sizes as published, and what training hides."""

import pytest
import torch

from signkit.config.recipe_file import load_recipe
from signkit.errors import UserError
from signkit.models.attention import reversed_tokens
from signkit.models.text_decoder import TextDecoder
from signkit.train.task import task_of

WINNER = dict(width=208, layers=2, heads=4, feed_forward=512, dropout=0.1, attention_dropout=0.2)
RECIPE = """
data: {name: synthetic, train: 4, dev: 2, test: 2, signs: 12, extra_sentences: 0}
encoder: {name: kinematic, local_temporal: {kind: none}, global_temporal: {layers: 0}}
model: {name: attention, width: 8, layers: 1, heads: 2, feed_forward: 16}
train: {losses: [{name: next_token}]}
"""


def decoder(**options) -> TextDecoder:
    torch.manual_seed(1)
    sizes = dict(width=8, layers=2, heads=2, feed_forward=16, dropout=0.0) | options
    return TextDecoder(7, 6, **sizes).eval()


def memory_of(net: TextDecoder, lengths: list[int]):
    features = torch.randn(len(lengths), max(lengths), 6, generator=torch.Generator().manual_seed(2))
    return net.memory(features, torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])


def test_the_decoder_of_the_source_has_as_many_parameters() -> None:
    # Two layers of 208 and 512, 63 tokens, an output layer of its own: 1,152,096 in the winner of ASLFR.
    net = TextDecoder(63, 208, **WINNER)
    assert sum(each.numel() for each in net.parameters()) == 1_152_096
    tied = TextDecoder(63, 208, **WINNER, tied=True)
    assert sum(each.numel() for each in tied.parameters()) == 1_152_096 - 63 * 208


def test_step_by_step_is_as_at_once() -> None:
    net = decoder()
    memory = memory_of(net, [5, 3])
    tokens = torch.tensor([[[2, 3, 4], [5, 6, 2]], [[3, 3, 3], [1, 2, 6]]])  # two clips, two hypotheses each
    past, steps = net.begin(memory, 2), []
    for place in range(4):
        here = torch.zeros(2, 2, dtype=torch.long) if place == 0 else tokens[..., place - 1]
        logits, past, attention = net.step(here, past, memory)
        assert torch.allclose(attention.sum(2), torch.ones(2, 2))
        assert (attention[1, :, 3:] == 0).all(), "padding is attended to"
        steps.append(logits)
    for beam in range(2):
        at_once = net(tokens[:, beam], memory)
        found = torch.stack([each[:, beam] for each in steps], 1)
        assert torch.allclose(found, at_once, atol=1e-5)


def test_padded_histories_are_not_computed() -> None:
    net, tokens = decoder(), torch.tensor([[2, 3, 4], [5, 0, 0]])
    memory = memory_of(net, [5, 3])
    whole, real = net(tokens, memory), net(tokens, memory, torch.tensor([3, 1]))
    torch.testing.assert_close(real[0], whole[0])
    torch.testing.assert_close(real[1, :2], whole[1, :2])
    assert (real[1, 2:] == 0).all() and not (whole[1, 2:] == 0).any()
    rows: list[int] = []
    net.layers[0].widen.register_forward_pre_hook(lambda _, given: rows.append(len(given[0])))  # type: ignore[union-attr]
    net(tokens, memory, torch.tensor([3, 1]))
    assert rows == [4 + 2]


def test_hypotheses_go_on_from_their_parents() -> None:
    net = decoder()
    memory = memory_of(net, [4])
    first, past, _ = net.step(torch.zeros(1, 2, dtype=torch.long), net.begin(memory, 2), memory)
    _, past, _ = net.step(torch.tensor([[2, 3]]), past, memory)
    swapped, _, _ = net.step(torch.tensor([[5, 5]]), past.chosen(torch.tensor([[1, 1]])), memory)
    expected = net(torch.tensor([[3, 5]]), memory)[:, 2]
    assert torch.allclose(swapped[:, 0], expected, atol=1e-5)
    assert torch.allclose(swapped[:, 1], expected, atol=1e-5)


def test_what_comes_later_changes_nothing() -> None:
    net = decoder()
    memory = memory_of(net, [4])
    one, other = (net(torch.tensor([tokens]), memory) for tokens in ([2, 3, 4], [2, 3, 6]))
    assert torch.equal(one[:, :3], other[:, :3])
    assert not torch.allclose(one[:, 3], other[:, 3])


def test_texts_are_reversed_before_their_padding() -> None:
    tokens = torch.tensor([[2, 3, 4], [5, 6, 0], [0, 0, 0]])
    expected = torch.tensor([[4, 3, 2], [6, 5, 0], [0, 0, 0]])
    assert torch.equal(reversed_tokens(tokens, torch.tensor([3, 2, 0])), expected)


def test_tokens_are_hidden_in_training_only(tmp_path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(RECIPE, encoding="utf-8")
    task = task_of(load_recipe(str(file), ["model.noise=0.5"]))
    from signkit.train.setup import prepare

    model = prepare(task.recipe).model
    tokens = torch.full((50, 40), 3)
    torch.manual_seed(0)
    hidden = model.train()._hidden(tokens)
    assert set(hidden.unique().tolist()) == {1, 3}
    assert 0.45 < (hidden == 1).float().mean() < 0.55
    assert torch.equal(model.eval()._hidden(tokens), tokens)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["train.losses=[{name: next_token}, {name: ctc}]"],
            "`train.losses`: has `ctc`, and the model has no CTC head; model.head: both",
        ),
        (
            ["model.head=both"],
            "`model.head`: is `both`, and no loss trains the CTC head; add `{name: ctc, weight: 0.3}`",
        ),
        (
            ["train.losses=[{name: ctc}]", "model.head=both"],
            "`train.losses`: has no `next_token`, which trains the decoder; add `{name: next_token}`",
        ),
        (
            ["decode.ctc_weight=0.5"],
            "`decode.ctc_weight`: has no effect: the model has no CTC head; leave it out",
        ),
    ],
)
def test_heads_losses_and_search_that_do_not_fit(overrides: list[str], message: str, tmp_path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(RECIPE, encoding="utf-8")
    with pytest.raises(UserError) as error:
        load_recipe(str(file), overrides)
    assert str(error.value) == f"--set {overrides[0]}: {message}"


def test_an_external_model_of_recognisers(tmp_path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(RECIPE, encoding="utf-8")
    with pytest.raises(UserError) as error:
        task_of(load_recipe(str(file), ["decode.fusion=[{name: internal}]"]))
    what = "decode.fusion.0: `internal` is for recognisers with a context; leave it out"
    assert str(error.value) == what


def test_a_width_that_the_heads_do_not_divide(tmp_path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(RECIPE, encoding="utf-8")
    with pytest.raises(UserError, match=r"`model.width`: 9 is no multiple of the 2 heads"):
        load_recipe(str(file), ["model.width=9"])
