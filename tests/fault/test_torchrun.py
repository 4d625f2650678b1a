"""Two processes: the loss of one process at the same batch, also after an interruption or a restart."""

import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM

import pytest
from safetensors.torch import load_file
from tiny import C2ST, Done, Shock, metrics, signkit, write_corpus, write_recipe

pytestmark = pytest.mark.slow

TOLERANCE = 1e-5
# BatchNorm and lift pooling: statistics are of all processes' samples.
TCN = {
    "name": "kinematic",
    "local_temporal": {"kind": "tcn", "width": 8},
    "global_temporal": {"layers": 1, "width": 4},
}
DECODE = {"beam": 2, "batch_size": 2}  # two batches of dev and of test, one for each process
STEP = "signkit.runtime.progress:TrainingWatch.stepped"


@dataclass(frozen=True)
class Resumed:
    """A run of two processes that were stopped and started again."""

    recipe: Path
    run: Path
    first: list[Done]
    second: list[Done]


@pytest.fixture(scope="module")
def resumed(tmp_path_factory: pytest.TempPathFactory) -> Resumed:
    """SIGTERM comes to the second process alone, after the second step."""
    folder = tmp_path_factory.mktemp("two")
    recipe = write_recipe(
        folder / "tiny.yaml", write_corpus(folder / "corpus"), {**C2ST, "encoder": TCN, "decode": DECODE}
    )
    words = ("run", recipe, "--set", f"run.dir={folder / 'two'}")
    first = pair(*words, shocks=[Shock(STEP, 2, SIGTERM)])
    (run,) = (folder / "two").glob("tiny/*")
    assert status(run) == ("interrupted", 2)
    return Resumed(recipe, run, first, pair(*words, "--resume", "auto"))


def pair(*words: object, shocks: list[Shock] | None = None) -> list[Done]:
    """Two processes, as torchrun begins them."""
    world = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}

    def one(rank: int) -> Done:
        ranks = {"RANK": str(rank), "LOCAL_RANK": str(rank)}
        return signkit(*words, shocks=(shocks or []) if rank == 1 else [], environment={**world, **ranks})

    with ThreadPoolExecutor(2) as pool:
        return [*pool.map(one, range(2))]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_two_processes(resumed: Resumed) -> None:
    """A signal to one stops both after the same step; resumed, they end as one process does. What they have
    decoded together is to the byte what one process decodes."""
    run = resumed.run
    assert [done.out for done in resumed.first] == [f"{run}\n", ""]
    assert "".join(done.err for done in resumed.first).count("interrupted; `") == 1
    main, other = resumed.second
    assert (main.status, other.status) == (0, 0), main.err
    assert "Warning" not in main.err + other.err
    assert main.out.count(str(run)) == 3  # picture, report, folder: one process prints
    assert (main.run, other.out) == (run, "")
    assert status(run) == ("finished", 6)
    again = signkit("decode", run).run
    for name in ("dev.jsonl", "test.jsonl"):
        assert (again / name).read_bytes() == (run / "decode" / name).read_bytes()
    scores = [json.loads((each / "scores.json").read_text(encoding="utf-8")) for each in (run, again)]
    assert scores[0]["metrics"] == scores[1]["metrics"] and len(scores[0]["metrics"]) > 8
    one = signkit("run", resumed.recipe).run
    assert len(metrics(run)) == len(metrics(one)) == 8
    for ours, theirs in zip(metrics(run), metrics(one), strict=True):
        assert ours == pytest.approx(theirs, rel=TOLERANCE, abs=TOLERANCE)
    for name in ("model", "averaged"):
        weights, others = (load_file(r / f"checkpoints/step_000006/{name}.safetensors") for r in (run, one))
        assert max(float((weights[k] - others[k]).abs().max()) for k in others) < TOLERANCE


WORKER = """
import os, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from tiny import Shock
from signkit.cli.app import main
if os.environ["RANK"] == "1" and not Path("killed").exists():
    Path("killed").touch()
    Shock({step!r}, 4).install()
main()
"""


def test_a_worker_is_killed_and_torchrun_starts_it_again(resumed: Resumed, tmp_path: Path) -> None:
    """Two nodes: the run goes on from its last checkpoint by itself, and ends with the bits of a resumed
    one."""
    worker = tmp_path / "worker.py"
    worker.write_text(WORKER.format(tests=str(Path(__file__).parents[1]), step=STEP), encoding="utf-8")
    launch = ("--nnodes", "2", "--nproc-per-node", "1", "--max-restarts", "1", "--rdzv-backend", "c10d")
    launch += ("--rdzv-endpoint", f"127.0.0.1:{free_port()}", "--rdzv-id", "mine")
    words = ("run", resumed.recipe, "--set", f"run.dir={tmp_path / 'two'}")
    command = [sys.executable, "-m", "torch.distributed.run", *launch, *map(str, (worker, *words))]
    new_store = {**os.environ, "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    nodes = [subprocess.Popen(command, cwd=tmp_path, env=new_store, **pipes) for _ in range(2)]
    try:
        told = [node.communicate(timeout=200) for node in nodes]
    finally:
        for node in nodes:
            node.terminate()
    assert [node.returncode for node in nodes] == [0, 0], told
    assert (tmp_path / "killed").exists()
    errors = "".join(err for _, err in told)
    assert (
        errors.count("error: the connection to another process is lost; it has failed or was killed\n") == 1
    )
    assert "Traceback" not in errors
    (run,) = (tmp_path / "two").glob("tiny/*")
    assert "".join(out for out, _ in told).endswith(f"{run}\n")
    assert status(run) == ("finished", 6)
    assert [line["step"] for line in metrics(run)] == [line["step"] for line in metrics(resumed.run)]
    for name in ("model", "averaged", "optimizer"):
        ours, theirs = (
            (r / f"checkpoints/step_000006/{name}.safetensors").read_bytes() for r in (run, resumed.run)
        )
        assert ours == theirs, name


def status(run: Path) -> tuple[str, int]:
    content = json.loads((run / "status.json").read_text(encoding="utf-8"))
    return content["state"], content["step"]
