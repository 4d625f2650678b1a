"""`signkit data prepare` broken off: killed, out of room, or by Ctrl-C. The end is the same to the bit."""

import os
import random
import signal
import time
from pathlib import Path

import pytest
from clips import digests, killed_after, start_preparing, video_corpus, wait_for_group
from tiny import Shock, signkit, write_corpus

from signkit.data.shards.store import JOURNAL

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow

OPTIONS = {"size": 16, "shard_size": "40KB", "workers": 2}


@pytest.mark.parametrize("format", ["shards", "mp4"])
def test_killed_at_any_moment(tmp_path: Path, format: str) -> None:
    """SIGKILL to the process alone: its workers end with it, and what is left is taken up."""
    corpus = video_corpus(train=24, dev=3, test=3, frames=12)
    begun = time.monotonic()
    process = start_preparing(corpus, tmp_path / "unbroken", format=format, **OPTIONS)
    process.join()
    assert process.exitcode == 0
    whole = time.monotonic() - begun
    expected, folder = digests(tmp_path / "unbroken"), tmp_path / "killed"
    rng, kills = random.Random(7), 0
    for _ in range(12):
        if kills == 4:
            break
        if killed_after(corpus, folder, rng.uniform(0.2, 0.6) * whole, format=format, **OPTIONS):
            kills += 1
        else:  # it was at its end already: begin another one
            assert digests(folder) == expected
            folder = tmp_path / f"killed-{kills}"
    process = start_preparing(corpus, folder, format=format, **OPTIONS)
    process.join()
    assert process.exitcode == 0
    assert kills > 0
    assert digests(folder) == expected


STORE = "signkit.data.shards.store:Store"
PLACES = [
    (f"{STORE}.add", 1, False),
    (f"{STORE}.add", 5, True),
    ("os:replace", 3, False),
    ("os:replace", 3, True),  # the shard is there, its block is not
    (f"{STORE}._note", 2, True),
    (f"{STORE}.close_shard", 2, False),
    (f"{STORE}.close_shard", 2, True),  # before the first clip of the next shard
    (f"{STORE}.finish", 1, False),
    (f"{STORE}.tidy", 1, False),
]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("source") / "corpus")


@pytest.fixture(scope="module")
def command(source: Path) -> tuple[object, ...]:
    return ("data", "prepare", "manifest", "--root", source, "--shard-size", "8KB", "--workers", 1, "--out")


@pytest.fixture(scope="module")
def unbroken(command: tuple[object, ...], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("unbroken") / "out"
    assert signkit(*command, folder).status == 0
    return digests(folder)


@pytest.mark.parametrize(("where", "call", "after"), PLACES)
def test_killed_at_one_place(
    command: tuple[object, ...], unbroken: dict[str, str], tmp_path: Path, where: str, call: int, after: bool
) -> None:
    folder = tmp_path / "out"
    done = signkit(*command, folder, shocks=[Shock(where, call, after=after)])
    assert done.status == -9, done.err
    done = signkit(*command, folder)
    assert done.status == 0, done.err
    assert digests(folder) == unbroken


def test_the_disk_is_full(command: tuple[object, ...], unbroken: dict[str, str], tmp_path: Path) -> None:
    """One message; with room again it goes on."""
    folder = tmp_path / "out"
    done = signkit(*command, folder, largest_file=7000)
    assert (done.status, done.out) == (1, "")
    assert done.err.splitlines()[-1] == f"error: {folder}/train-000002.tar: cannot be written: File too large"
    assert "Traceback" not in done.err
    assert not list(folder.glob(".*.part"))
    done = signkit(*command, folder)
    assert done.status == 0
    assert "clips are there already" in done.err
    assert digests(folder) == unbroken


def test_ctrl_c(command: tuple[object, ...], unbroken: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "out"
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        shock = Shock("signkit.data.shards.store:Store.add", 4, signal=number)
        done = signkit(*command, folder, shocks=[shock])
        assert (done.status, done.out) == (status, "")
        assert done.err.splitlines()[-1] == "interrupted; the same command goes on from here"
    assert signkit(*command, folder).status == 0
    assert digests(folder) == unbroken


def test_ctrl_c_with_workers(tmp_path: Path) -> None:
    """As a terminal sends it, to all processes of the group: all of them end."""
    corpus = video_corpus(train=60, frames=30)
    process = start_preparing(corpus, tmp_path / "out", **OPTIONS)
    assert process.pid is not None
    journal, patience = tmp_path / "out" / JOURNAL, time.monotonic() + 20
    while not (journal.exists() and journal.stat().st_size) and time.monotonic() < patience:
        time.sleep(0.001)  # until the first clip is there: the others are under way
    os.killpg(process.pid, signal.SIGINT)
    process.join(20)
    assert process.exitcode == 130
    wait_for_group(process.pid)


def test_two_at_once(command: tuple[object, ...], tmp_path: Path) -> None:
    from signkit.runtime.run_folder import locked

    folder = tmp_path / "out"
    folder.mkdir()
    with locked(folder):
        done = signkit(*command, folder)
    assert (done.status, done.out) == (1, "")
    assert done.err == f"error: {folder}: another process is running there\n"


def damage(folder: Path, how: str) -> None:
    """What may have become of a folder that was broken off."""
    journal = folder / ".journal.jsonl"
    content = journal.read_bytes()
    shard = sorted(folder.glob("train-*.tar"))[1]
    (part,) = folder.glob(".train-*.tar.part")
    assert content.count(b"\n\n") > 2
    if how == "half a block":
        journal.write_bytes(content[:-1])
    elif how == "half a line":
        journal.write_bytes(content + content[:40])
    elif how == "a block of another clip":
        journal.write_bytes(content + content)
    elif how == "a block of no clip":
        journal.write_bytes(content.replace(b'"frames":', b'"farmes":'))
    elif how == "bytes that are no text":
        journal.write_bytes(content.replace(b'"frames":', b'"fram\xff":'))
    elif how == "no journal":
        journal.unlink()
    elif how == "journal without a shard":
        shard.unlink()
    elif how == "lost end of the shard":
        os.truncate(shard, shard.stat().st_size - 700)
    elif how == "more in the shard":
        shard.write_bytes(shard.read_bytes() + b"half a clip")
    elif how == "a shard too many":
        (folder / "train-000009.tar").write_bytes(b"x")
    elif how == "nothing of the shard that was open":
        part.unlink()


@pytest.mark.parametrize(
    "how",
    [
        "half a block", "half a line", "a block of another clip", "a block of no clip",
        "bytes that are no text", "no journal", "journal without a shard", "lost end of the shard",
        "more in the shard", "a shard too many", "nothing of the shard that was open",
    ],
)  # fmt: skip
def test_what_was_lost_is_made_again(
    command: tuple[object, ...], unbroken: dict[str, str], tmp_path: Path, how: str
) -> None:
    folder = tmp_path / "out"
    assert signkit(*command, folder, shocks=[Shock("signkit.data.shards.store:Store.add", 9)]).status == -9
    damage(folder, how)
    done = signkit(*command, folder)
    assert done.status == 0, done.err
    assert digests(folder) == unbroken
