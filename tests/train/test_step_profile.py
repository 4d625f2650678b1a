"""The profile of some steps: their parts, the operators, and a trace."""

import gzip
import json
import time
from pathlib import Path

import pytest
import torch

from signkit.train.step_profile import SKIPPED, StepProfile, part_of_step


def test_the_parts_of_the_steps_after_the_first(tmp_path: Path) -> None:
    profile = StepProfile(tmp_path, 3)
    said = list[list[str]]()
    for step in range(SKIPPED + 5):
        with part_of_step("data"):
            time.sleep(0.5 if step < SKIPPED else 0.02)
        with part_of_step("forward"):
            torch.ones(50, 50) @ torch.ones(50, 50)
        said.append(profile.stepped())
    assert profile.close() == []
    assert [len(lines) for lines in said] == [0] * (SKIPPED + 2) + [3, 0, 0]
    figures = json.loads((tmp_path / "profile" / "steps.json").read_text(encoding="utf-8"))
    assert figures["steps"] == 3 and {*figures["parts"]} == {"data", "forward"}
    assert 20 <= figures["parts"]["data"] <= figures["milliseconds"]
    assert "aten::mm" in [name for name, _ in figures["operators"]]
    trace = json.loads(gzip.decompress((tmp_path / "profile" / "trace.json.gz").read_bytes()))
    names = [event.get("name") for event in trace["traceEvents"]]
    assert names.count("signkit: data") == 3


@pytest.mark.parametrize("done", [1, SKIPPED + 2])
def test_what_ends_too_early_has_no_profile(tmp_path: Path, done: int) -> None:
    """Its last step would be a part of one."""
    profile = StepProfile(tmp_path, 3)
    assert [profile.stepped() for _ in range(done)] == [[]] * done
    assert profile.close() == ["no profile was written: it is of steps 5 to 7, and the training ended before"]
    assert not list(tmp_path.iterdir())
