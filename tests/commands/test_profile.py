"""`signkit profile`: its figures against what can be counted by hand, what it needs, what it refuses."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from signkit.cli.app import main
from signkit.commands.profile.measure import cost
from signkit.commands.profile.stages import Stage
from signkit.config.assets import asset

CPU = torch.device("cpu")
SMALL = ("--frames", "8", "--batch", "2", "--vocabulary", "40")
VIDEO = (
    "video.resize=32", "video.crop=32", "encoder.backbone=test_convnext",
    "encoder.local_temporal.width=16", "encoder.global_temporal.width=8",
)  # fmt: skip
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def profile(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The verb in this process: status, output, errors."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["signkit", "profile", *words])
        with pytest.raises(SystemExit) as leaving:
            main()
        out, err = capsys.readouterr()
        return int(leaving.value.code or 0), out, err

    return run


def sets(*changes: str) -> list[str]:
    return [word for change in changes for word in ("--set", change)]


def test_a_product_of_matrices_costs_what_it_costs() -> None:
    linear = nn.Linear(1000, 2000, bias=False)
    inputs = torch.randn(50, 1000)

    def run() -> tuple[Tensor, ...]:
        return (linear(inputs),)

    found = cost(Stage("product", run, tuple(linear.parameters())), CPU, nullcontext)
    assert (found.name, found.parameters, found.trained) == ("product", 2_000_000, 2_000_000)
    assert found.multiply_adds == 50 * 1000 * 2000
    output, gradient = 50 * 2000 * 4, 2_000_000 * 4
    assert output + gradient <= found.peak_bytes <= 1.2 * (2 * output + gradient)
    assert found.seconds > 0
    assert linear.weight.grad is None
    linear.requires_grad_(False)
    found = cost(Stage("frozen", run, tuple(linear.parameters())), CPU, nullcontext)
    assert (found.parameters, found.trained) == (2_000_000, 0)
    assert found.peak_bytes < 1.2 * output


def test_attention_is_counted() -> None:
    query = torch.randn(2, 4, 10, 8)
    attention = Stage("", lambda: (nn.functional.scaled_dot_product_attention(query, query, query),), ())
    assert cost(attention, CPU, nullcontext).multiply_adds == 2 * 4 * (10 * 10 * 8 + 10 * 10 * 8)


@pytest.mark.parametrize("lengths", [[10, 7], [10, 10]], ids=["ragged", "even"])
def test_recurrence_is_counted(lengths: list[int]) -> None:
    """Torch has an operator of its own for clips of one length."""
    lstm = nn.LSTM(32, 16, batch_first=True, bidirectional=True)
    packed = nn.utils.rnn.pack_padded_sequence(
        torch.randn(2, 10, 32), torch.tensor(lengths), batch_first=True
    )
    recurrence = Stage("", lambda: (lstm(packed)[0].data,), tuple(lstm.parameters()))
    assert cost(recurrence, CPU, nullcontext).multiply_adds == sum(lengths) * 2 * 4 * 16 * (32 + 16)


def test_the_recipe_of_the_paper_stage_by_stage(profile: Run) -> None:
    """Without the corpus, and without ImageNet's weights; numbers are those of the modules."""
    status, out, err = profile("c2st_phoenix", *SMALL, "--json", *sets(*VIDEO))
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert list(found) == [
        "recipe", "batch", "frames", "vocabulary", "device", "precision", "threads", "stages",
    ]  # fmt: skip
    assert [found[key] for key in ("recipe", "batch", "frames", "vocabulary")] == ["c2st_phoenix", 2, 8, 40]
    stages = {row["name"]: row for row in found["stages"]}
    assert list(stages) == [
        "backbone (timm)", "local temporal", "global temporal", "context", "loss", "forward and backward",
    ]  # fmt: skip
    assert stages["backbone (timm)"]["parameters"] == 207_128
    layers = 2 * 2 * 4 * 8 * (16 + 8)  # both directions of both
    assert stages["global temporal"]["multiply_adds"] == 2 * 2 * layers
    output = 40 * (16 + 1)
    parts = [row["parameters"] for name, row in stages.items() if name != "forward and backward"]
    assert stages["forward and backward"]["parameters"] == sum(parts) + output
    counted = [row["multiply_adds"] for name, row in stages.items() if name != "forward and backward"]
    labels_and_levels = 2 * (1 + 1 + 2 * 2)  # rows of the context, and chunks of both levels, of two clips
    assert stages["forward and backward"]["multiply_adds"] == sum(counted) + labels_and_levels * 16 * 40
    for row in stages.values():
        assert row["frames_per_second"] == pytest.approx(16 / row["seconds"])
        assert row["trained"] == row["parameters"]


def test_what_is_frozen_is_told(profile: Run) -> None:
    _, out, _ = profile("ctc_phoenix", *SMALL, "--json", *sets(*VIDEO, "encoder.freeze=all"))
    stages = {row["name"]: row for row in json.loads(out)["stages"]}
    assert "context" not in stages
    assert (stages["backbone (timm)"]["parameters"], stages["backbone (timm)"]["trained"]) == (207_128, 0)
    whole = stages["forward and backward"]
    assert whole["trained"] == whole["parameters"] - 207_128


def test_a_table(profile: Run, tmp_path: Path) -> None:
    name = "recipe_whose_name_is_far_wider_than_the_table_of_what_its_step_costs_stage_by_stage"
    (tmp_path / f"{name}.yaml").write_text(asset("recipes", "ctc_phoenix").read_text(encoding="utf-8"))
    status, out, err = profile(str(tmp_path / f"{name}.yaml"), *SMALL, *sets(*VIDEO))
    assert (status, err) == (0, "")
    lines = [line.rstrip() for line in out.splitlines() if line.strip()]
    assert lines[0].startswith(f"{name}: 2 clips of 8 frames, 40 symbols; CPU, ")
    assert lines[0].endswith(", float32")
    assert lines[1].split() == ["stage", "parameters", "trained", "GMAC", "ms", "frames/s", "MB"]
    assert [line.strip().partition("  ")[0] for line in lines[3:-1]] == [
        "backbone (timm)", "local temporal", "global temporal", "loss", "forward and backward",
    ]  # fmt: skip
    assert lines[3].split()[2:4] == ["207,128", "207,128"]
    assert lines[-1].startswith("GMAC: multiply-adds of the forward pass")


def test_landmarks_by_their_layout(profile: Run) -> None:
    """The corpus need not be there where the layout is said."""
    changes = sets("encoder.channels=[4]", "encoder.fusion_width=8", "encoder.local_temporal.width=8")
    changes += sets("encoder.global_temporal.width=4")
    status, out, _ = profile("c2st_phoenix_landmarks", *SMALL, "--layout", "holistic", "--json", *changes)
    assert status == 0
    assert json.loads(out)["stages"][0]["name"] == "backbone (gcn)"
    status, out, err = profile("c2st_phoenix_landmarks", *SMALL, *changes)
    assert (status, out) == (2, "")
    assert err.startswith("error: data: `gcn` has to know what it reads, and the corpus cannot be read: ")
    assert err.endswith("; or say it: --layout NAME (and --width 2 or 3)\n")


def test_the_corpus_tells_its_vocabulary(profile: Run) -> None:
    changes = sets(
        "data.train=8", "data.dev=1", "data.test=1", "data.extra_sentences=0", "encoder.channels=[4]"
    )
    _, out, _ = profile("quickstart", "--frames", "8", "--batch", "1", "--json", *changes)
    assert 10 < json.loads(out)["vocabulary"] < 43


def test_a_language_model_sees_nothing(profile: Run) -> None:
    status, out, _ = profile(
        "lm/gloss_lstm.yaml", *SMALL, "--json", *sets("context.width=8", "data.train=[a.txt]")
    )
    assert status == 0
    assert [row["name"] for row in json.loads(out)["stages"]] == ["context", "loss", "forward and backward"]


def test_a_fault_of_the_recipe(profile: Run, tmp_path: Path) -> None:
    status, out, err = profile("c2st_phoenix", "--set", "encoder.backbone=resnt18")
    assert (status, out) == (2, "")
    assert err == (
        "error: encoder.backbone: timm has no model `resnt18`; did you mean "
        "`resnet18`, `resnet18d` or `skresnet18`?\n"
    )


def test_classifiers(profile: Run) -> None:
    """Of pictures, of one hand, and an autoencoder: their classes are counted, and no corpus is read."""
    small = ("video.resize=32", "video.crop=32", "encoder.channels=[4, 4]", "encoder.width=8")
    status, out, err = profile("digits_cnn", *SMALL, "--json", *sets(*small))
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert (found["recipe"], found["batch"], found["vocabulary"]) == ("digits_cnn", 2, 40)
    assert [row["name"] for row in found["stages"]] == [
        "backbone (cnn)", "local temporal", "loss", "forward and backward",
    ]  # fmt: skip
    head = (8 + 1) * 40
    assert found["stages"][-1]["parameters"] == found["stages"][0]["parameters"] + head
    small = ("encoder.width=8", "encoder.layers=1")
    status, out, _ = profile("hand_letters", *SMALL, "--layout", "hand", "--json", *sets(*small))
    first, *_, last = json.loads(out)["stages"]
    assert (status, first["name"], last["parameters"]) == (0, "backbone (hand)", first["parameters"] + head)
    small = (
        "video.resize=64",
        "video.crop=64",
        "encoder.channels=[4]",
        "model.channels=[4, 4]",
        "model.size=16",
    )
    status, out, _ = profile(
        "letters_autoencoder_forest", "--frames", "1", "--batch", "2", "--json", *sets(*small)
    )
    found = json.loads(out)
    assert (status, found["vocabulary"]) == (0, 26)
    decoder = (512 + 1) * 4 * 4 * 4 + (4 * 16 + 1) * 4 + (4 * 3 * 16 + 3)
    assert found["stages"][-1]["parameters"] == found["stages"][0]["parameters"] + decoder


def test_the_corpus_tells_the_classes_of_each_head(profile: Run) -> None:
    """Of the parts of a sign's form: 12 hand shapes, 3 orientations, 8 places, 8 movements, and so on."""
    small = sets("data.train=300", "data.dev=1", "data.test=1", "encoder.width=8", "encoder.layers=1")
    _, out, _ = profile("hearai_hamnosys", "--frames", "2", "--batch", "2", "--json", *small)
    assert json.loads(out)["vocabulary"] == 12 + 3 + 8 + 8 + 3 + 5
    _, out, _ = profile("hearai_hamnosys", *SMALL, "--layout", "holistic", "--json", *small)
    assert json.loads(out)["vocabulary"] == 6 * 40


def test_an_unknown_layout_of_a_classifier(profile: Run) -> None:
    status, out, err = profile("signs_gcn", *SMALL)
    assert (status, out) == (2, "")
    assert err.startswith("error: data: `gcn` has to know what it reads, and the corpus cannot be read: ")
