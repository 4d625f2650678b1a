"""Backbones by name, their weights from files of every sort, and what is refused, word for word."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from signkit.errors import OperationalError, UserError
from signkit.models.encoders.backbone import freeze, make_backbone, width_of
from signkit.models.encoders.backbone_names import check_backbone, nearest_names, timm_name
from signkit.models.torchvision_mend import import_timm

NAME = "test_convnext"
timm = import_timm()


def refused(*arguments: Any) -> str:
    with pytest.raises(UserError) as caught:
        make_backbone(*arguments)
    return str(caught.value)


def fresh(name: str = NAME, seed: int = 1, **options: Any) -> nn.Module:
    torch.manual_seed(seed)
    model: nn.Module = import_timm().create_model(name, **options)
    return model


def same(a: nn.Module, state: dict[str, Tensor]) -> bool:
    """Whether a backbone has these weights."""
    return all(torch.equal(tensor, state[name]) for name, tensor in a.state_dict().items())


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("test_vit", 64),
        ("test_efficientnet", 256),
        ("test_mambaout", 256),
        ("mobilenetv3_small_050", 1024),
        ("ese_vovnet19b_slim_dw", 512),  # it names all the options that it does not know at once
    ],
)
def test_the_width_is_that_of_what_it_gives(name: str, width: int) -> None:
    backbone = make_backbone(name, "none").eval()
    assert width_of(backbone) == width
    with torch.no_grad():
        assert backbone(torch.zeros(1, 3, 64, 64)).shape == (1, width)


def test_names() -> None:
    assert refused("swin_tiny_patch4_windw7_224", "none") == (
        "encoder.backbone: timm has no model `swin_tiny_patch4_windw7_224`; did you mean "
        "`swin_tiny_patch4_window7_224`, `swin_base_patch4_window7_224` or `swin_small_patch4_window7_224`?"
    )
    assert refused("$$", "none") == (
        "encoder.backbone: timm has no model `$$`; `timm.list_models()` names them all"
    )
    assert refused("test_vit.nope", "none") == (
        "encoder.backbone: timm has no weights `nope` of `test_vit`; it has `r160_in1k`"
    )


@pytest.mark.parametrize(
    ("name", "current"),
    [
        ("test_vit", "test_vit"),
        ("hf-hub:timm/test_vit.r160_in1k", "test_vit.r160_in1k"),
        ("hf_hub:timm/test_vit", "test_vit"),
        ("timm/test_vit", "test_vit"),
        ("tv_densenet121", "densenet121.tv_in1k"),
        ("tv_densenet121.ra_in1k", "densenet121.ra_in1k"),
        ("vit_base_patch16_224_in21k", "vit_base_patch16_224.augreg_in21k"),
        ("tf_efficientnet_b0_ns", "tf_efficientnet_b0.ns_jft_in1k"),
    ],
)
def test_older_names_and_those_of_the_hub(name: str, current: str) -> None:
    note = f"`{name}` is timm's `{current}`" if current != name else ""
    assert check_backbone(name, "none") == note
    assert timm_name(timm, name) == current


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hf-hub:someone/resnet18", "`hf-hub:someone/resnet18` is no model of timm's own; "
         "take the name of its architecture, and its file as encoder.weights"),
        ("", "is empty; the name of a timm model, such as `resnet18`"),
        ("timm/", "is empty; the name of a timm model, such as `resnet18`"),
        ("Test-VIT", "timm has no model `Test-VIT`; did you mean `test_vit`, `test_vit4` or `test_vit3`?"),
        ("tv_densenet121.nope", "timm has no weights `nope` of `densenet121`; it has `ra_in1k`, `tv_in1k`"),
    ],
)  # fmt: skip
def test_names_that_timm_does_not_have(name: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        check_backbone(name, "none")
    assert str(caught.value) == f"encoder.backbone: {message}"


def test_a_model_that_was_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm.models, "get_deprecated_models", lambda: {"resnet18_old": None})
    with pytest.raises(UserError) as caught:
        check_backbone("resnet18_old", "none")
    assert str(caught.value).startswith(
        "encoder.backbone: `resnet18_old` has been removed from timm; did you"
    )


def test_the_nearest_names() -> None:
    known = ["vit_small_dinov2", "vit_base_dinov2", "resnet18", "swin_tiny"]
    assert nearest_names("ResNet-18", known) == ["resnet18"]
    assert nearest_names("swin-tiny.x", known) == ["swin_tiny"]
    assert nearest_names("dinov2", known) == ["vit_base_dinov2", "vit_small_dinov2"]
    assert nearest_names("$$", known) == []


def test_weights_that_timm_does_not_have() -> None:
    with pytest.raises(UserError) as caught:
        check_backbone("coatnet_0_224", "imagenet")
    message = "encoder.weights: timm has no weights of `coatnet_0_224`; take `none`, or a file of weights"
    assert str(caught.value) == message
    assert refused("coatnet_0_224", "imagenet") == message
    assert check_backbone("coatnet_0_224", "none") == ""


def test_a_file_of_weights_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        check_backbone("resnet18", str(tmp_path / "w.safetensors"))
    assert str(caught.value) == (
        f"encoder.weights: there is no file {tmp_path / 'w.safetensors'}; "
        "encoder.weights is `imagenet`, `none` or a file"
    )


@pytest.mark.parametrize("lacking", ["timm", "torch"])
def test_without_timm_the_name_is_not_looked_up(monkeypatch: pytest.MonkeyPatch, lacking: str) -> None:
    def missing() -> None:
        raise ModuleNotFoundError(f"No module named {lacking!r}", name=lacking)

    monkeypatch.setattr("signkit.models.torchvision_mend.import_timm", missing)
    assert check_backbone("resnet18", "none") == (
        "`resnet18` was not looked up: timm is not installed; pip install 'signkit[video]'"
    )


def test_stochastic_depth() -> None:
    rates = [m.drop_prob for m in make_backbone("test_vit", "none", 0.3).modules() if hasattr(m, "drop_prob")]
    assert rates[-1] == pytest.approx(0.3)
    assert not any(
        hasattr(m, "drop_prob") for m in make_backbone("swin_tiny_patch4_window7_224", "none").modules()
    )
    assert refused("vgg11", "none", 0.1) == (
        "encoder.drop_path: `vgg11` has no stochastic depth; leave it out"
    )
    assert refused("hrnet_w18_small", "none", 0.1) == (
        "encoder.drop_path: `hrnet_w18_small` has no stochastic depth; leave it out"
    )


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod."])
@pytest.mark.parametrize("key", ["", "model", "state_dict"])
@pytest.mark.parametrize("head", [False, True], ids=["headless", "whole"])
def test_weights_of_a_torch_file(prefix: str, key: str, head: bool, tmp_path: Path) -> None:
    state = fresh(num_classes=1000 if head else 0).state_dict()
    held = {f"{prefix}{name}": tensor for name, tensor in state.items()}
    torch.save({key: held, "epoch": 3} if key else held, tmp_path / "w.pth")
    assert same(make_backbone(NAME, str(tmp_path / "w.pth")), state)


@pytest.mark.parametrize(
    "name",
    [NAME, "test_vit", "test_resnet", "swin_tiny_patch4_window7_224", "efficientvit_m0", "levit_128s"],
)
def test_weights_of_a_safetensors_file(name: str, tmp_path: Path) -> None:
    """Those of the two last have a BatchNorm beside each classifier, which the backbone lacks."""
    model = fresh(name)
    save_file(model.state_dict(), tmp_path / "w.safetensors")
    assert same(make_backbone(name, str(tmp_path / "w.safetensors")), model.state_dict())


def test_the_authors_file_of_a_swin(tmp_path: Path) -> None:
    """It has the merging of patches at the end of a stage, where timm has it at the start of the next."""
    state = fresh("swin_tiny_patch4_window7_224").state_dict()
    authors = {
        name.replace("head.fc", "head").replace("layers.1.downsample", "layers.0.downsample")
        .replace("layers.2.downsample", "layers.1.downsample")
        .replace("layers.3.downsample", "layers.2.downsample"): tensor
        for name, tensor in state.items()
    }  # fmt: skip
    authors["layers.0.blocks.1.attn_mask"] = torch.zeros(64, 49, 49)
    assert authors.keys() - state.keys()
    torch.save({"model": authors}, tmp_path / "swin.pth")
    assert same(make_backbone("swin_tiny_patch4_window7_224", str(tmp_path / "swin.pth")), state)


def test_weights_that_are_not_the_backbones(tmp_path: Path) -> None:
    where = str(tmp_path / "w.safetensors")
    state = fresh().state_dict()

    def message(changed: dict[str, Tensor]) -> str:
        save_file(changed, where)
        return refused(NAME, where).removeprefix(f"{where}: the weights are not those of `{NAME}`: ")

    lacking = dict(state)
    del lacking["stem.0.bias"]
    assert message(lacking) == "without stem.0.bias"
    assert message({**state, "more.weight": torch.zeros(1)}) == "with more.weight"
    assert message({**state, "stem.0.bias": torch.zeros(7)}) == "stem.0.bias is [7], not [24]"
    assert message(fresh("test_vit").state_dict()).startswith("without head.norm.bias, head.norm.weight, ")
    assert " more; with blocks.0.attn.proj.bias, " in message(fresh("test_vit").state_dict())


class Unsafe:
    """What would be called if it were unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("opened"),))


def test_files_that_are_no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hint = "save the tensors alone, best as .safetensors"
    assert refused(NAME, "gone.pth") == (
        "encoder.weights: there is no file gone.pth; encoder.weights is `imagenet`, `none` or a file"
    )
    torch.save({"a": Unsafe()}, "unsafe.pth")
    assert refused(NAME, "unsafe.pth") == (
        "unsafe.pth: cannot be read as weights: it holds more than tensors, and what is more than tensors is "
        f"not read; {hint}"
    )
    assert not Path("opened").exists()
    for name, content in {"empty": b"", "text": b"no weights", "zip": zipped(), "cut": cut()}.items():
        for ending in (".pth", ".safetensors"):
            Path(name + ending).write_bytes(content)
            said = refused(NAME, name + ending)
            assert said.startswith(f"{name}{ending}: cannot be read as weights: ")
            assert said.endswith(f"; {hint}")
    for held in ([1, 2], {"a": 1}, {}, torch.zeros(3)):
        torch.save(held, "other.pth")
        assert refused(NAME, "other.pth") == "other.pth: holds no weights: needed are tensors by name"


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "nothing")
    return buffer.getvalue()


def cut() -> bytes:
    buffer = io.BytesIO()
    torch.save({"weight": torch.zeros(1000)}, buffer)
    return buffer.getvalue()[:2000]


def test_imagenet_weights_that_cannot_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(OperationalError) as caught:
        make_backbone("swin_tiny_patch4_window7_224", "imagenet")
    assert str(caught.value) == (
        "timm/swin_tiny_patch4_window7_224.ms_in1k: the weights of `swin_tiny_patch4_window7_224` are not in "
        "the Hub's cache, and the Hub cannot be reached; download its model.safetensors elsewhere and set "
        "encoder.weights to the file, or to none"
    )
    assert refused("efficientnet_b6", "imagenet") == (
        "encoder.weights: timm has no weights of `efficientnet_b6`; take `none`, or a file of weights"
    )


def test_imagenet_weights_from_the_hubs_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetched before, they are there without a network."""
    from huggingface_hub import constants

    snapshot = tmp_path / "models--timm--test_resnet.r160_in1k" / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("a" * 40)
    state = fresh("test_resnet").state_dict()
    save_file(state, snapshot / "model.safetensors")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert same(make_backbone("test_resnet", "imagenet"), state)


STAGES = {
    "swin_tiny_patch4_window7_224": 4,
    "test_vit": 6,
    NAME: 4,
    "test_resnet": 4,
    "cait_xxs24_224": 24,
}


def test_more_stages_than_there_are() -> None:
    for name, stages in STAGES.items():
        backbone = make_backbone(name, "none")
        with pytest.raises(UserError) as caught:
            freeze(backbone, str(stages + 1))
        assert str(caught.value) == (
            f"encoder.freeze: is {stages + 1}, and the backbone has {stages} stages; `all` freezes the whole"
        )
        assert all(parameter.requires_grad for parameter in backbone.parameters())
        freeze(backbone, str(stages))
        free = {n.partition(".")[0] for n, p in backbone.named_parameters() if p.requires_grad}
        assert free <= {"norm", "head", "fc"}


def test_stages_that_timm_tells_by_a_function() -> None:
    backbone = make_backbone("cait_xxs24_224", "none")
    freeze(backbone, "1")
    frozen = {name for name, p in backbone.named_parameters() if not p.requires_grad}
    first = ("cls_token", "pos_embed", "patch_embed.", "blocks.0.")
    assert frozen == {name for name, _ in backbone.named_parameters() if name.startswith(first)}


@pytest.mark.parametrize("name", ["pit_ti_224", "caformer_s18"])
def test_stages_that_timm_does_not_tell(name: str) -> None:
    with torch.device("meta"):
        backbone = make_backbone(name, "none")
    with pytest.raises(UserError) as caught:
        freeze(backbone, "2")
    assert str(caught.value) == (
        f"encoder.freeze: is 2, and timm does not tell the stages of `{name}`; take `none` or `all`"
    )
    freeze(backbone, "all")
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
