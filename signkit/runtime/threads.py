"""Threads that wait without keeping a core busy."""

import os

OPENMP = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""What tells an OpenMP runtime how to wait: the standard's variable, GNU's and LLVM's."""


def wait_passively() -> None:
    """Have the threads of torch and numpy sleep while they wait for work, unless the user chose otherwise.

    By default they spin: they wait in a loop for the slowest of them. Where another process uses the cores
    too, that one does not get to run, and a training took seven times as long (benchmarks/RESULTS.md,
    "Threads that wait"). The variables are read when torch and numpy are loaded, and handed down to worker
    processes. Results do not depend on them.
    """
    if not any(name in os.environ for name in OPENMP):
        os.environ["OMP_WAIT_POLICY"] = "passive"
        os.environ["KMP_BLOCKTIME"] = "0"  # milliseconds; LLVM's runtime, that of torch on macOS
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")  # numpy's BLAS spins for 2**4 cycles, not 2**26
