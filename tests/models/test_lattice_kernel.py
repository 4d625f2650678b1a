"""The kernel of the lattice, by Triton's interpreter, next to the loop of torch."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("triton") is None, reason="the package triton is not installed"),
]
PROGRAM = """
import torch
from signkit.models.losses import cst, lattice, lattice_kernel
torch.manual_seed(0)
for topology in ("ctc", "monotonic", "rnnt"):
    for sizes in ((3, 12, 4, 9), (2, 25, 6, 5), (4, 7, 3, 6), (2, 3, 20, 8), (2, 4, 0, 3)):
        batch, chunks, labels, vocab = sizes
        acoustic, context = 2 * torch.randn(batch, chunks, vocab), torch.randn(batch, labels + 1, vocab)
        targets = torch.randint(1, vocab, (batch, labels))
        chunk_lengths = torch.linspace(max(1, 0.6 * chunks), chunks, batch).long()
        lengths = torch.linspace(min(1, labels), labels, batch).long()
        built, rows = cst._build_lattice(acoustic, context, targets, chunk_lengths, lengths, topology, 0)
        _, arcs = cst._joined_arcs((acoustic,), rows, built)
        ends = built.chain.ends
        total, taken = lattice.posteriors(arcs.clone(), ends)
        found, by_arc = lattice_kernel.posteriors(arcs.clone(), ends)
        torch.testing.assert_close(found, total, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(by_arc, taken, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(lattice_kernel.log_likelihood(arcs, ends), found, rtol=0, atol=0)
"""


def test_it_finds_what_the_loop_finds() -> None:
    """Of all topologies, of references that do not fit, and of empty ones."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, "TRITON_INTERPRET": "1"}, capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
