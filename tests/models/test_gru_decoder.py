"""The GRU decoder: step by step as at once, hypotheses from their parents, padding is not attended to."""

import pytest
import torch

from signkit.models.gru_decoder import GruDecoder


def decoder(layers: int = 2, tied: bool = False) -> GruDecoder:
    torch.manual_seed(1)
    return GruDecoder(7, 6, width=8, layers=layers, dropout=0.0, tied=tied).eval()


def memory_of(net: GruDecoder, lengths: list[int], longest: int = 0):
    size = max(longest, *lengths)
    features = torch.randn(len(lengths), 9, 6, generator=torch.Generator().manual_seed(2))[:, :size]
    mask = torch.arange(size) < torch.tensor(lengths)[:, None]
    return net.memory(features * mask[..., None], mask)


@pytest.mark.parametrize("layers", [1, 2])
def test_step_by_step_is_as_at_once(layers: int) -> None:
    net = decoder(layers)
    memory = memory_of(net, [5, 3])
    tokens = torch.tensor([[[2, 3, 4], [5, 6, 2]], [[3, 3, 3], [1, 2, 6]]])
    past, steps = net.begin(memory, 2), []
    for place in range(4):
        here = torch.zeros(2, 2, dtype=torch.long) if place == 0 else tokens[..., place - 1]
        logits, past, attention = net.step(here, past, memory)
        assert torch.allclose(attention.sum(2), torch.ones(2, 2))
        assert (attention[1, :, 3:] == 0).all(), "padding is attended to"
        steps.append(logits)
    for beam in range(2):
        found = torch.stack([each[:, beam] for each in steps], 1)
        assert torch.allclose(found, net(tokens[:, beam], memory), atol=1e-5)


def test_hypotheses_go_on_from_their_parents() -> None:
    net = decoder()
    memory = memory_of(net, [4, 2])
    start = torch.zeros(2, 2, dtype=torch.long)
    _, past, _ = net.step(start, net.begin(memory, 2), memory)
    _, past, _ = net.step(torch.tensor([[2, 3], [4, 5]]), past, memory)
    parents = torch.tensor([[1, 1], [0, 1]])
    swapped, _, _ = net.step(torch.full((2, 2), 6), past.chosen(parents), memory)
    for clip, texts in enumerate(([[3, 6], [3, 6]], [[4, 6], [5, 6]])):
        for beam, text in enumerate(texts):
            alone = net(torch.tensor([text, text]), memory)[clip, 2]
            assert torch.allclose(swapped[clip, beam], alone, atol=1e-5)


def test_padding_changes_nothing() -> None:
    net, tokens = decoder(), torch.tensor([[2, 3], [4, 5]])
    exact = net(tokens, memory_of(net, [5, 3]))
    assert torch.allclose(net(tokens, memory_of(net, [5, 3], longest=9)), exact, atol=1e-6)
    shorter = net(tokens, memory_of(net, [5, 3]), torch.tensor([2, 1]))
    assert torch.allclose(shorter[0], exact[0]) and torch.allclose(shorter[1, :2], exact[1, :2])
    assert (shorter[1, 2] == 0).all() and not (exact[1, 2] == 0).any()


def test_tied() -> None:
    net = decoder(tied=True)
    assert net.output.weight is net.embedding.weight
