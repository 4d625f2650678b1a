"""Components of another package that are at fault: one message that names component, kind and package."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from own_package import NAMED, POINTS, RECIPE, forget, installed, line_of, write_package

from signkit.cli.app import main

Command = Callable[..., tuple[int, str, str]]
ENCODER, LOSS, CORPUS = (
    f"encoder `my_encoder` {NAMED}",
    f"loss `my_loss` {NAMED}",
    f"corpus `my_corpus` {NAMED}",
)


@pytest.fixture
def signkit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Command]:
    """Run the command in this process, beside the package and a recipe that uses it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SIGNKIT_TRACEBACK", raising=False)
    write_package(tmp_path / "site")
    (tmp_path / "r.yaml").write_text(RECIPE)
    np.savez(
        tmp_path / "clip.npz",
        landmarks=np.random.default_rng(0).normal(size=(12, 4, 3)).astype(np.float32),
        layout="glove",
    )

    def call(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["signkit", *args])
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capsys.readouterr()
        return leaving.value.code or 0, captured.out, captured.err  # type: ignore[return-value]

    with installed(tmp_path / "site"):
        yield call


def raised(message: str, text: str) -> str:
    """An exception with the place in the package that raised it."""
    return f"{message} ({Path('site').resolve() / 'my_signs' / 'parts.py'}:{line_of(text)})"


PER_SAMPLE = "not one floating-point number a sample, [4]; a mean over the batch is taken afterwards"
WRONG = [
    ("encoder", "gives None", f"{ENCODER}: its factory my_signs.parts:encoder gives None, not an Encoder"),
    (
        "encoder",
        "gives a module",
        f"{ENCODER}: its factory my_signs.parts:encoder gives a Linear without `output_lengths`, "
        "`chunk_centres`, `dims`, `reads`, not an Encoder",
    ),
    (
        "encoder",
        "dims",
        f"{ENCODER}: its `dims` are {{'video': 8}}, not the widths of levels with `chunk` and `video`",
    ),
    (
        "encoder",
        "reads",
        f"{ENCODER}: it reads 'features' (its `reads`), and the corpus has landmarks; "
        "take another encoder, or correct its `reads`",
    ),
    (
        "encoder",
        "None",
        f"{ENCODER}: its output is None, and has no attribute `levels`; "
        "it is an EncoderOutput of signkit.models.encoders.protocol",
    ),
    (
        "encoder",
        "bare",
        f"{ENCODER}: its output is a Tensor [2, 12, 8], and has no attribute `levels`; "
        "it is an EncoderOutput of signkit.models.encoders.protocol",
    ),
    (
        "encoder",
        "levels",
        f"{ENCODER}: the `levels` of its output are a Tensor [2, 12, 8], not features by name",
    ),
    ("encoder", "one level", f"{ENCODER}: its `dims` have the level `chunk`, and its output has not"),
    (
        "encoder",
        "flat",
        f"{ENCODER}: its level `chunk` is a Tensor [2, 8], not floating-point numbers [2, chunks, 8]",
    ),
    (
        "encoder",
        "narrow",
        f"{ENCODER}: its level `chunk` is a Tensor [2, 12, 7], not floating-point numbers [2, chunks, 8]",
    ),
    (
        "encoder",
        "lengths",
        f"{ENCODER}: the `lengths` of its output are a Tensor [2] of torch.float32, not whole numbers [2]",
    ),
    (
        "encoder",
        "auxiliary",
        f"{ENCODER}: the `auxiliary` of its output is a Tensor [] of torch.float32, "
        f"{PER_SAMPLE.replace('4', '2')}",
    ),
    (
        "encoder",
        "promise",
        f"{ENCODER}: its `output_lengths` gives a Tensor [1] of torch.int64, not whole numbers [2]",
    ),
    ("encoder", "centres", f"{ENCODER}: its `chunk_centres(12)` gives None, not whole numbers [12]"),
    ("train.losses.0", "gives None", f"{LOSS}: its factory my_signs.parts:loss gives None, not a function"),
    ("train.losses.0", "None", f"{LOSS}: it gives None, {PER_SAMPLE}"),
    ("train.losses.0", "float", f"{LOSS}: it gives a float, {PER_SAMPLE}"),
    ("train.losses.0", "scalar", f"{LOSS}: it gives a Tensor [] of torch.float32, {PER_SAMPLE}"),
    ("train.losses.0", "one more", f"{LOSS}: it gives a Tensor [5] of torch.float32, {PER_SAMPLE}"),
    ("train.losses.0", "column", f"{LOSS}: it gives a Tensor [4, 1] of torch.float32, {PER_SAMPLE}"),
    ("train.losses.0", "whole", f"{LOSS}: it gives a Tensor [4] of torch.int64, {PER_SAMPLE}"),
    ("data", "None", f"{CORPUS}: its factory my_signs.parts:corpus gives None, not a Corpus"),
    ("data", "list", f"{CORPUS}: its factory my_signs.parts:corpus gives a list, not a Corpus"),
    (
        "data",
        "load gives None",
        f"{CORPUS}: `load` of its sample 'train0' gives None, not Landmarks, Features or a Video",
    ),
    (
        "data",
        "load gives an array",
        f"{CORPUS}: `load` of its sample 'train0' gives a ndarray [12, 4, 3], "
        "not Landmarks, Features or a Video",
    ),
]


@pytest.mark.parametrize(("part", "fault", "message"), WRONG, ids=[f"{each[0]} {each[1]}" for each in WRONG])
def test_what_a_component_gives_wrongly(signkit: Command, part: str, fault: str, message: str) -> None:
    status, out, err = signkit("run", "r.yaml", "--set", f"{part}.fault={fault}")
    assert (status, out, err.splitlines()[-1]) == (2, "", f"error: {message}")


def test_what_the_options_of_an_encoder_say_that_it_reads(signkit: Command) -> None:
    status, _, err = signkit("run", "r.yaml", "--set", "encoder.name=reader")
    what = "'reader' reads features, and the corpus has landmarks (glove); take 'gcn'"
    assert (status, err) == (2, f"error: encoder.name: {what}\n")


RAISED = [
    ("encoder", "factory raises", f"{ENCODER}: TypeError: 'Layout' object is not subscriptable", "layout["),
    ("encoder", "raises", f"{ENCODER}: RuntimeError: mat1 and mat2 do not fit", "raise RuntimeError"),
    (
        "encoder",
        "raises in training",
        f"{ENCODER}: AttributeError: 'Tensor' object has no attribute 'no_such_thing'",
        "no_such_thing",
    ),
    ("train.losses.0", "factory raises", f"{LOSS}: KeyError: 'x'", "raise KeyError"),
    ("train.losses.0", "raises", f"{LOSS}: ZeroDivisionError", "raise Zero"),
    (
        "data",
        "raises",
        f"{CORPUS}: TypeError: tuple indices must be integers or slices, not str",
        'samples["train"]',
    ),
    ("data", "load raises", f"{CORPUS}: ValueError: torn file", "torn file"),
]


@pytest.mark.parametrize(
    ("part", "fault", "message", "text"), RAISED, ids=[f"{each[0]} {each[1]}" for each in RAISED]
)
def test_what_a_component_raises(signkit: Command, part: str, fault: str, message: str, text: str) -> None:
    status, out, err = signkit("run", "r.yaml", "--set", f"{part}.fault={fault}")
    assert (status, out, err.splitlines()[-1]) == (1, "", f"error: {raised(message, text)}")
    assert "Traceback" not in err


def test_the_traceback_of_a_component_on_demand(signkit: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNKIT_TRACEBACK", "1")
    for fault in ("raises", "raises in training"):
        status, _, err = signkit("run", "r.yaml", "--set", f"encoder.fault={fault}")
        assert status == 1
        assert "Traceback (most recent call last):" in err


def test_signals_that_worker_processes_load(signkit: Command) -> None:
    status, _, err = signkit(
        "run", "r.yaml", "--set", "data.fault=load raises", "--set", "train.workers=1"
    )  # fmt: skip
    assert (status, err.splitlines()[-1]) == (
        1,
        f"error: {raised(f'{CORPUS}: ValueError: torn file', 'torn file')}",
    )


def test_the_term_of_a_loss_that_is_not_a_number(signkit: Command) -> None:
    status, _, err = signkit("run", "r.yaml", "--set", "train.losses.0.fault=nan")
    assert (status, err.splitlines()[-1].partition(" (")[0]) == (
        1,
        "error: step 1: the loss of `my_loss` is not a number",
    )


@pytest.mark.parametrize(
    ("name", "faults"),
    [
        (
            "gone",
            [
                f"error: encoder `gone` {NAMED}: its `factory` is 'my_signs.parts:gone', "
                "and there is no such function; write it as `module:function`"
            ],
        ),
        (
            "nowhere",
            [
                f"error: encoder `nowhere` {NAMED}: its factory my_signs.nowhere:encoder cannot be loaded: "
                "No module named 'my_signs.nowhere'"
            ],
        ),
        (
            "defaults",
            [
                f"--set encoder.name=defaults: the default of `encoder.{option} is {value}, and it needs "
                f"{need}; encoder `defaults` {NAMED} is at fault"
                for option, value, need in (
                    ("width`", "'64'", "a whole number"),
                    ("layers`", "0", "a number at least 1"),
                    ("names`", "('a', 1)", "a tuple of which each is a word"),
                )
            ]
            + ["error: 3 faults"],
        ),
    ],
)
def test_check_finds_them_before_a_run(signkit: Command, name: str, faults: list[str]) -> None:
    for verb in ("check", "run"):
        status, out, err = signkit(verb, "r.yaml", "--set", f"encoder.name={name}")
        assert (status, out, err.splitlines()) == (2, "", faults)
    assert signkit("check", "r.yaml") == (0, "r.yaml: ok\n", "")


def test_layouts_are_listed(signkit: Command) -> None:
    known = json.loads(signkit("list", "--json")[1])["layouts"]
    assert known["glove"] == "4 points: left_hand, right_hand"
    assert known["hand"] == "21 points: hand"


def test_the_package_of_a_layout_is_recorded_and_named_without_it(signkit: Command, tmp_path: Path) -> None:
    status, out, _ = signkit("run", "r.yaml")
    assert status == 0
    run = out.splitlines()[-1]
    components = json.loads((tmp_path / run / "env.json").read_text())["components"]
    assert components["layouts glove"] == "my-signs 1.0"
    comment = "# layouts: glove is of the package my-signs 1.0"
    for file in ("resolved.yaml", "export/recipe.yaml"):
        assert (tmp_path / run / file).read_text().splitlines().count(comment) == 1
    points = tmp_path / "site" / "my_signs-1.0.dist-info" / "entry_points.txt"
    points.write_text(POINTS.replace("glove = my_signs.parts:GLOVE", ""))
    forget()
    what = "the landmark layout `glove` is of the package my-signs 1.0, which is not installed"
    for args, file in (
        (("predict", run, "clip.npz"), "export/recipe.yaml"),
        (("decode", run), "export/recipe.yaml"),
        (("run", "r.yaml", "--resume", run), "resolved.yaml"),
    ):
        assert signkit(*args) == (2, "", f"error: {run}/{file}: {what}; pip install my-signs\n")


def test_predicting_needs_no_package_of_the_loss_and_the_corpus(signkit: Command, tmp_path: Path) -> None:
    run = signkit("run", "r.yaml")[1].splitlines()[-1]
    before = signkit("predict", run, "clip.npz")
    assert (before[0], before[2]) == (0, "")
    points = tmp_path / "site" / "my_signs-1.0.dist-info" / "entry_points.txt"
    points.write_text(
        "\n".join(line for line in POINTS.splitlines() if not line.startswith(("my_loss", "my_corpus")))
    )
    forget()
    assert signkit("predict", run, "clip.npz") == before
    assert signkit("predict", run, "clip.npz", "--beam", "2")[0] == 0
    status, _, err = signkit("decode", run)
    assert status == 2
    assert [line.partition(": ")[2] for line in err.splitlines()[:2]] == [
        f"`{key}` is `{name}`, of the package my-signs 1.0, which is not installed; pip install my-signs"
        for key, name in (("data.name", "my_corpus"), ("train.losses.0.name", "my_loss"))
    ]


def test_another_version_of_a_package_is_told(signkit: Command, tmp_path: Path) -> None:
    run = signkit("run", "r.yaml", "--set", "train.max_steps=2")[1].splitlines()[-1]
    write_package(tmp_path / "site", "1.1")
    forget()
    note = (
        "note: the run was made with my-signs 1.0, and 1.1 is installed: "
        "corpus `my_corpus`, encoder `my_encoder`, loss `my_loss`, layout `glove`"
    )
    for args in (("predict", run, "clip.npz"), ("decode", run)):
        status, _, err = signkit(*args)
        assert (status, err.splitlines()[0]) == (0, note)
