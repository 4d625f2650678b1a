"""Each kind of training and prediction on a device that is pretended: all tensors are there, few waits."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).resolve().parents[1] / "pretended.py"
CASES = (
    "quickstart",
    "c2st_phoenix",
    "c2st_boston104",
    "chicagofswild_mict_ranet",
    "aslfr_squeezeformer",
    "sign2text_joint",
    "gloss2text_phoenix2014t",
    "hand_letters",
    "hearai_hamnosys_frames",
    "segment_classify",
    "letters_autoencoder_forest",
    "lm/gloss_bert_masked.yaml",
)
"""One of each kind; `.ci/run` tries all recipes."""
WAITS = 3
"""How often an update may wait for the device, at most."""


@pytest.fixture(scope="module")
def counts() -> dict[str, Any]:
    """The waits and copies of each case, whose results were equal on both devices."""
    done = subprocess.run(
        [sys.executable, PROGRAM, "--json", *CASES], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.slow
def test_an_update_seldom_waits(counts: dict[str, Any]) -> None:
    found = {name: sum(each["update"]["waits"].values()) for name, each in counts.items()}
    assert tuple(found) == CASES
    assert {name: each for name, each in found.items() if each > WAITS} == {}
    assert found["sign2text_joint"] == 1  # of which the figures are read


REFUSED = """
import torch, pretended
kept = pretended.register()
with pretended.OnDevice():
    there = torch.ones(3, device="pretend")
    for refused in (lambda: there + torch.ones(3), there.numpy):
        try:
            refused()
        except (RuntimeError, TypeError) as error:
            print(error)
"""


@pytest.mark.slow
def test_what_a_gpu_refuses_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-c", REFUSED], capture_output=True, text=True, cwd=PROGRAM.parent, check=False
    )
    assert done.stdout.splitlines() == [
        "Expected all tensors to be on the same device: aten.add.Tensor of pretend:0 and cpu",
        "can't convert pretend:0 device type tensor to numpy",
    ], done.stderr
