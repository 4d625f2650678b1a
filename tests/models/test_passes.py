"""Passes of frames through a backbone: their sizes, what of them is retained, and a compiled one."""

import os
import shutil
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from signkit.config.recipe_file import load_recipe
from signkit.errors import OperationalError, UserErrors
from signkit.models.encoders import image_backbone
from signkit.models.encoders.configs import ImageBackboneConfig
from signkit.models.encoders.image_backbone import ImageBackboneFrames
from signkit.models.encoders.passes import Plan, divided, planned

GB = 10**9


def frames_of(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(count)
    return torch.randint(0, 256, (count, 16, 16, 3), generator=generator).byte()


def made(*more: nn.Module, **options: Any) -> ImageBackboneFrames:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Conv2d(3, 4, 8, 8), *more, nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return ImageBackboneFrames(backbone, mean=(0.5,) * 3, deviation=(0.2,) * 3, **options)


def outcome(frames: ImageBackboneFrames, count: int) -> list[Tensor]:
    """Vectors and gradients."""
    frames.zero_grad()
    vectors = frames.vectors(frames_of(count))
    (vectors * torch.linspace(-1, 1, vectors.numel()).view_as(vectors)).sum().backward()
    return [
        vectors.detach(),
        *(weight.grad.clone() for weight in frames.parameters() if weight.grad is not None),
    ]


@pytest.mark.parametrize(
    ("free", "a_frame", "needed", "expected"),
    [
        # Swin-T at 224 pixels in bf16: about 80 MB a frame, 28 million weights
        (22 * GB, 80_000_000, 336_000_000, Plan(16, 130)),
        (78 * GB, 80_000_000, 336_000_000, Plan(64, 454)),
        (4 * GB, 80_000_000, 336_000_000, Plan(4, 19)),
        (GB // 2, 80_000_000, 336_000_000, Plan(4, 0)),
        (22 * GB, 1_000_000, 0, Plan(128, 12944)),
        (22 * GB, 0, 0, Plan(32, 0)),
    ],
)
def test_what_fits(free: int, a_frame: int, needed: int, expected: Plan) -> None:
    assert planned(free, a_frame, needed) == expected


@pytest.mark.parametrize(
    ("count", "unit", "expected"),
    [
        (9, 0, [(3, 3), (3, 3), (3, 3)]),
        (9, 1, [(4, 4), (4, 4), (1, 1)]),
        (9, 2, [(4, 4), (4, 4), (2, 1)]),
        (9, 4, [(4, 4), (4, 4), (4, 1)]),
        (8, 4, [(4, 4), (4, 4)]),
    ],
)
def test_sizes_of_passes(count: int, unit: int, expected: list[tuple[int, int]]) -> None:
    frames = frames_of(count)
    passes = list(divided(frames, 4, unit=unit))
    assert [(len(some), real) for some, real in passes] == expected
    assert torch.cat([some[:real] for some, real in passes]).equal(frames)


def test_filled_passes_change_nothing() -> None:
    """Neither vectors nor gradients; and a BatchNorm that is trained sees no frame twice."""
    seen: list[int] = []
    for more, sizes in ([], [4, 4, 4]), ([nn.BatchNorm2d(4)], [3, 3, 3]):
        expected = outcome(made(*more, frames_per_pass=4).train(), 9)
        frames = made(*more, frames_per_pass=4).train()
        frames._compiled = (frames.backbone,)  # which it is, but for the compiler
        frames.backbone.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
        seen.clear()
        found = outcome(frames, 9)
        assert [size for size in seen if size > 1][:3] == sizes
        torch.testing.assert_close(found, expected)


def test_memory_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU: how many frames are computed again, and how many go through at a time. A CPU has the
    defaults, and the statistics of a BatchNorm do not depend on a machine."""
    auto: dict[str, Any] = {"frames_per_pass": "auto", "recompute": "auto"}
    plain = made(**auto).train()
    expected = outcome(plain, 9)
    assert [*plain._plans.values()] == [Plan(32, 0)]

    monkeypatch.setattr(image_backbone, "free_memory", lambda device: 90_000)
    planned_one = made(**auto).train()
    found = outcome(planned_one, 9)
    (plan,) = planned_one._plans.values()
    assert plan.per_pass == 4 and 0 < plan.kept < 9
    torch.testing.assert_close(found, expected)
    own = made(frames_per_pass=5, recompute="auto").train()
    outcome(own, 9)
    assert [*own._plans.values()] == [Plan(5, plan.kept)]
    trained = made(nn.BatchNorm2d(4), **auto).eval()
    trained.vectors(frames_of(9))
    outcome(trained.train(), 9)
    assert [each.per_pass for each in trained._plans.values()] == [4, 32]


def test_each_device_has_a_plan() -> None:
    """Before the first step a model computes a few clips on a CPU, whose memory is not the GPU's."""
    frames = made(frames_per_pass="auto", recompute="auto")
    frames.vectors(frames_of(2))
    frames.to("meta")._plan(frames_of(2).to("meta"))
    assert {device.type for _, _, device, _ in frames._plans} == {"cpu", "meta"}


def test_colours_lie_next_to_each_other() -> None:
    """As convolutions of a GPU want them; timm's own pictures are equal to them (test_swin.py)."""
    pictures = made().pictures(frames_of(3))
    assert pictures.is_contiguous(memory_format=torch.channels_last)
    assert not pictures.is_contiguous()


@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_a_compiled_backbone(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    """The same vectors and gradients to rounding; its weights have the names that they had."""
    if backend == "inductor" and not (os.environ.get("SIGNKIT_TEST_COMPILER") and shutil.which("g++")):
        pytest.skip("takes a quarter of a minute and g++: set SIGNKIT_TEST_COMPILER=1")
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    plain, compiled = made(frames_per_pass=4), made(frames_per_pass=4, compiled=True)
    assert [*compiled.state_dict()] == [*plain.state_dict()]
    torch.testing.assert_close(outcome(compiled.train(), 7), outcome(plain.train(), 7))
    assert compiled.eval().vectors(frames_of(2)).shape == (2, 4)


def test_what_cannot_be_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    def backend(*_: object) -> Any:
        raise FileNotFoundError("no compiler")

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    with pytest.raises(OperationalError) as caught:
        made(compiled=True).vectors(frames_of(2))
    assert str(caught.value).startswith("encoder.compile: ")
    assert "no compiler" in str(caught.value)
    assert str(caught.value).endswith("; `compile: false` does without")


def test_a_word_in_place_of_a_value() -> None:
    changes = ["encoder.frames_per_pass=auto", "encoder.checkpoint=auto"]
    config = load_recipe("c2st_phoenix", changes, check_paths=False).encoder
    assert isinstance(config, ImageBackboneConfig)
    assert (config.frames_per_pass, config.checkpoint) == ("auto", "auto")
    config = load_recipe("c2st_phoenix", ["encoder.checkpoint=false"], check_paths=False).encoder
    assert (config.frames_per_pass, config.checkpoint) == (32, False)  # type: ignore[union-attr]
    with pytest.raises(UserErrors) as caught:
        load_recipe("c2st_phoenix", ["encoder.checkpoint=most"], check_paths=False)
    assert str(caught.value).endswith("`encoder.checkpoint` needs true or false, not `most`; or `auto`")
