"""Two processes by torchrun: the loss of one process at the same batch, also after an interruption."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file
from tiny import C2ST, metrics, signkit, write_corpus, write_recipe

pytestmark = pytest.mark.slow

TOLERANCE = 1e-5
# BatchNorm and lift pooling: statistics are of all processes' samples.
TCN = {
    "name": "kinematic",
    "local_temporal": {"kind": "tcn", "width": 8},
    "global_temporal": {"layers": 1, "width": 4},
}
DECODE = {"beam": 2, "batch_size": 2}  # two batches of dev and of test, one for each process
WORKER = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from tiny import Shock
from signkit.cli.app import main
if os.environ["RANK"] == "1":
    Shock("signkit.runtime.progress:TrainingWatch.stepped", 2, signal.SIGTERM).install()
main()
"""


def torchrun(*words: object) -> "subprocess.CompletedProcess[str]":
    """Two processes on this machine."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run([*command, *map(str, words)], capture_output=True, text=True, timeout=200)


def test_two_processes(tmp_path: Path) -> None:
    """SIGTERM to the second one stops both after the same step; resumed, they end as one process does. What
    they have decoded together is to the byte what one process decodes."""
    corpus = write_corpus(tmp_path / "corpus")
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, {**C2ST, "encoder": TCN, "decode": DECODE})
    worker = tmp_path / "worker.py"
    worker.write_text(WORKER.format(tests=str(Path(__file__).parents[1])), encoding="utf-8")
    words = ("run", recipe, "--set", f"run.dir={tmp_path / 'two'}")
    interrupted = torchrun(worker, *words)
    (run,) = (tmp_path / "two").glob("tiny/*")
    assert interrupted.stdout == f"{run}\n"
    assert interrupted.stderr.count("interrupted; `") == 1
    assert status(run) == ("interrupted", 2)

    done = torchrun("-m", "signkit", *words, "--resume", "auto")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert done.stdout.splitlines()[-1] == str(run)
    assert done.stdout.count(str(run)) == 3  # picture, report, folder: one process prints
    assert status(run) == ("finished", 6)
    again = signkit("decode", run).run
    for name in ("dev.jsonl", "test.jsonl"):
        assert (again / name).read_bytes() == (run / "decode" / name).read_bytes()
    scores = [json.loads((each / "scores.json").read_text(encoding="utf-8")) for each in (run, again)]
    assert scores[0]["metrics"] == scores[1]["metrics"] and len(scores[0]["metrics"]) > 8
    one = signkit("run", recipe).run
    assert len(metrics(run)) == len(metrics(one)) == 8
    for ours, theirs in zip(metrics(run), metrics(one), strict=True):
        assert ours == pytest.approx(theirs, rel=TOLERANCE, abs=TOLERANCE)
    for name in ("model", "averaged"):
        weights, others = (load_file(r / f"checkpoints/step_000006/{name}.safetensors") for r in (run, one))
        assert max(float((weights[k] - others[k]).abs().max()) for k in others) < TOLERANCE


def status(run: Path) -> tuple[str, int]:
    content = json.loads((run / "status.json").read_text(encoding="utf-8"))
    return content["state"], content["step"]
