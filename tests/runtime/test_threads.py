"""How threads wait: asleep, unless the user chose otherwise, and known before torch is loaded."""

import os
import re
import subprocess
import sys

import pytest

WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OPENBLAS_THREAD_TIMEOUT")
SHOW = f"import os, signkit; print({{name: os.environ.get(name) for name in {WAITING!r}}})"


def python(code: str, **chosen: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name not in WAITING} | chosen
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )


@pytest.mark.parametrize(
    ("chosen", "then"),
    [
        ({}, ("passive", None, "0", "4")),
        ({"OMP_WAIT_POLICY": "active"}, ("active", None, None, "4")),
        ({"GOMP_SPINCOUNT": "100"}, (None, "100", None, "4")),
        ({"KMP_BLOCKTIME": "200"}, (None, None, "200", "4")),
        ({"OPENBLAS_THREAD_TIMEOUT": "20"}, ("passive", None, "0", "20")),
    ],
)
def test_the_users_choice_stands(chosen: dict[str, str], then: tuple[str | None, ...]) -> None:
    assert python(SHOW, **chosen).stdout.strip() == str(dict(zip(WAITING, then, strict=True)))


@pytest.mark.parametrize(
    "code",
    [
        "import signkit, torch",
        "import signkit; signkit.losses.cst_loss",
        "import signkit.commands.run, torch",
        "import signkit, subprocess, sys; subprocess.run([sys.executable, '-c', 'import torch'])",
    ],
)
def test_torchs_own_runtime_has_read_it(code: str) -> None:
    """Also in processes that are started from here."""
    shown = python(code, OMP_DISPLAY_ENV="true").stderr
    policies = re.findall(r"OMP_WAIT_POLICY = '(\w+)'", shown)
    if not policies:
        pytest.skip("torch's OpenMP runtime does not print its settings here")
    assert set(policies) == {"PASSIVE"}
