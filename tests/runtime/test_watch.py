"""What a run records: continued without a doubled step, and without loss when it is killed."""

import json
import os
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from signkit.errors import OperationalError
from signkit.eval.figures import metric
from signkit.runtime.progress import TrainingWatch, Watch, read_metrics


def record(folder: Path, begun: int, steps: range, loss: float, total: int = 10) -> None:
    """A training that goes on from a step."""
    watch = Watch(folder, main=True)
    try:
        with watch.bar("train", total, begun) as bar:
            watcher = TrainingWatch(watch, bar, begun=begun, total=total, metric=metric("wer"))
            for step in steps:
                watcher.stepped(step, {"loss": loss, "lr": 0.5})
                if step % 2 == 0:
                    watcher.evaluated(step, 0.25, best=step == 2)
            watcher.close()
    finally:
        watch.close()


def rows(folder: Path) -> list[dict[str, float]]:
    text = (folder / "metrics.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_metrics_of_an_unbroken_training(tmp_path: Path) -> None:
    record(tmp_path, 0, range(1, 4), 1.5)
    assert rows(tmp_path) == [
        {"step": 1, "loss": 1.5, "lr": 0.5},
        {"step": 2, "loss": 1.5, "lr": 0.5},
        {"step": 2, "dev_WER": 0.25},
        {"step": 3, "loss": 1.5, "lr": 0.5},
    ]


def test_metrics_are_continued(tmp_path: Path) -> None:
    """Lines after the step that training goes on from are dropped, a broken one too."""
    record(tmp_path, 0, range(1, 6), 1.0)
    with open(tmp_path / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write('{"step": 6, "lo')
    record(tmp_path, 3, range(4, 7), 2.0)
    found = [(int(row["step"]), row["loss"]) for row in rows(tmp_path) if "loss" in row]
    assert found == [(1, 1.0), (2, 1.0), (3, 1.0), (4, 2.0), (5, 2.0), (6, 2.0)]


def test_metrics_survive_a_kill_while_they_are_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path, 0, range(1, 4), 1.0)
    before = (tmp_path / "metrics.jsonl").read_bytes()

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(Killed):
        record(tmp_path, 2, range(3, 4), 1.0)
    assert (tmp_path / "metrics.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "key", "told"),
    [
        ("wer", "dev_WER", "WER 25.00 %"),
        ("letter_accuracy", "dev_letter_accuracy", "letter accuracy 25.00 %"),
        ("aslfr", "dev_aslfr", "(N - D) / N 25.00 %"),
        ("bleu4", "dev_bleu4", "BLEU-4 25.00"),
        ("pseudo_perplexity", "dev_pseudo_perplexity", "pseudo-perplexity 0.25"),
    ],
)
def test_dev_is_told_by_its_metric(tmp_path: Path, name: str, key: str, told: str) -> None:
    """In its unit and in words; in metrics.jsonl as it is, by a name without spaces."""
    watch = Watch(tmp_path, main=True)
    with watch.bar("train", 2) as bar:
        watcher = TrainingWatch(watch, bar, begun=0, total=2, metric=metric(name))
        watcher.evaluated(1, 0.25, best=True)
        watcher.close()
    watch.close()
    assert rows(tmp_path) == [{"step": 1, key: 0.25}]
    log = (tmp_path / "log.txt").read_text(encoding="utf-8").splitlines()
    assert [line[20:] for line in log] == [f"step 1: dev {told} (best)"]


def test_a_long_training_is_thinned(tmp_path: Path) -> None:
    """About 400 lines, the first and the last among them."""
    record(tmp_path, 0, range(1, 4001), 1.0, total=4000)
    steps = [int(row["step"]) for row in rows(tmp_path) if "loss" in row]
    assert steps == [1, *range(10, 4001, 10)]


def test_tensorboard(tmp_path: Path) -> None:
    record(tmp_path, 0, range(1, 6), 1.0)
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    assert set(board.Tags()["scalars"]) == {"loss", "lr", "dev_WER"}
    assert [(e.step, e.value) for e in board.Scalars("loss")] == [(step, 1.0) for step in range(1, 6)]
    record(tmp_path, 3, range(4, 7), 2.0)
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    values = [1.0] * 3 + [2.0] * 3
    assert [(e.step, e.value) for e in board.Scalars("loss")] == list(enumerate(values, start=1))


def test_the_terminal_and_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Messages are no markup; what is noted is in the log alone."""
    watch = Watch(tmp_path, main=True)
    watch.say("[red] sample [3] of a very long line " + "x" * 200)
    watch.note("noted")
    watch.close()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "[red] sample [3] of a very long line " + "x" * 200 + "\n"
    log = (tmp_path / "log.txt").read_text(encoding="utf-8").splitlines()
    assert [line[20:] for line in log] == [captured.err[:-1], "noted"]


def test_other_processes_are_silent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watch = Watch(tmp_path, main=False)
    watch.say("hello")
    with watch.bar("train", 2) as bar:
        watcher = TrainingWatch(watch, bar, begun=0, total=2, metric=metric("wer"))
        watcher.stepped(1, {"loss": 1.0})
        watcher.evaluated(1, 0.5, best=True)
        watcher.close()
    watch.close()
    assert capsys.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_lines_now_and_then_without_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr("signkit.runtime.progress.time.monotonic", lambda: now)
    watch = Watch(tmp_path, main=True)
    with watch.bar("train", 100, 10) as bar:
        for step in range(11, 31):
            now += 1.0
            bar.at(step, f"loss {step}.000")
    watch.close()
    assert capsys.readouterr().err == "train 26/100, 74 s left  loss 26.000\n"


def test_a_bar_of_quick_work_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal: nothing before the delay, then the bar."""
    now = 0.0
    monkeypatch.setattr("signkit.runtime.progress.time.monotonic", lambda: now)
    monkeypatch.setenv("FORCE_COLOR", "1")
    watch = Watch(tmp_path, main=True, log=False)
    assert watch.console.is_terminal
    with watch.bar("images", 3, delay=1.0) as bar:
        now = 0.9
        bar.at(1)
        assert capsys.readouterr().err == ""
        now = 1.0
        bar.at(2)
        assert "images" in capsys.readouterr().err
    with watch.bar("images", 1, delay=1.0) as bar:
        bar.at(1)
    with watch.bar("clips", 1):
        pass
    err = capsys.readouterr().err
    assert "clips" in err and "1/1" not in err


@pytest.mark.parametrize("name", ["log.txt", "metrics.jsonl"])
def test_a_place_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(OperationalError) as caught:
        record(tmp_path, 0, range(1, 2), 1.0)
    assert str(caught.value) == f"{tmp_path / name}: cannot be written: Is a directory"


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """/dev/full stands for the log: every write fails as on a full disk."""
    (tmp_path / "log.txt").symlink_to("/dev/full")
    watch = Watch(tmp_path, main=True)
    with pytest.raises(OperationalError) as caught:
        watch.say("hello")
    assert str(caught.value) == f"{tmp_path / 'log.txt'}: cannot be written: No space left on device"
    watch.close()


def test_metrics_that_are_not_there(tmp_path: Path) -> None:
    assert read_metrics(tmp_path / "metrics.jsonl") == []


def test_a_remark_on_a_step_is_shown_and_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watch = Watch(tmp_path, main=True)
    with watch.bar("train", 3) as bar:
        watcher = TrainingWatch(
            watch, bar, begun=0, total=3, metric=metric("wer"),
            remark=lambda step, figures: f"loss {figures['loss']} at {step}" if step == 2 else "",
        )  # fmt: skip
        for step in (1, 2, 3):
            watcher.stepped(step, {"loss": 1.5})
        watcher.close()
    watch.close()
    assert capsys.readouterr().err.splitlines().count("loss 1.5 at 2") == 1
    (line,) = (tmp_path / "log.txt").read_text(encoding="utf-8").splitlines()
    assert line.endswith(" loss 1.5 at 2")
