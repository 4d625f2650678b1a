"""What two encoders, or one encoder twice, made of the same clips."""

import torch

from signkit.models.encoders.protocol import EncoderOutput


def assert_same(a: EncoderOutput, b: EncoderOutput, order: list[int] | None = None) -> None:
    """Sample order[i] of b is sample i of a, as far as a's chunks go; what b has beyond them is zero."""
    order = list(range(len(a.lengths))) if order is None else order
    chunks = a.levels["chunk"].shape[1]
    assert torch.equal(a.lengths, b.lengths[order])
    torch.testing.assert_close(a.auxiliary, b.auxiliary[order], rtol=1e-9, atol=1e-12)
    assert a.levels.keys() == b.levels.keys() >= {"chunk", "video"}
    for name in a.levels:
        mine, other = a.levels[name], b.levels[name][order]
        torch.testing.assert_close(mine, other[:, :chunks], rtol=1e-9, atol=1e-9)
        assert not other[:, chunks:].any()
