"""Image backbones of timm: created by name, with weights from its hub or a file, frozen in part or whole."""

import math
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from signkit.errors import OperationalError, UserError
from signkit.models.encoders.backbone_names import timm_name, timm_of, weights_file, weights_of
from signkit.models.torchvision_mend import import_timm

State = Mapping[str, Tensor]

ANY_SIZE = {"strict_img_size": False, "dynamic_img_size": True}
"""Options with which a Swin and a plain vision transformer accept other image sizes than their own."""
NAMED = 3
"""Most weights that a message names."""


def make_backbone(name: str, weights: str, drop_path: float = 0.0) -> Any:
    """A timm model without its classifier: from images to one pooled vector each.

    Args:
        name: the model's name in timm.
        weights: ``imagenet``, ``none`` (random) or a file.
        drop_path: probability of stochastic depth.

    Raises:
        UserError: timm is not installed or has no such model, or the weights do not fit it.
        OperationalError: the weights are not in the cache and cannot be downloaded.
    """
    timm = timm_of("encoder `timm`")
    name = timm_name(timm, name)
    backbone = _created(timm, name, drop_path)
    if weights == "imagenet":
        where = backbone.pretrained_cfg.get("hf_hub_id") or name
        fit_weights(backbone, fetched_weights(timm, name), where)
    elif weights != "none":
        fit_weights(backbone, read_weights(weights_file(weights)), weights)
    return backbone


def width_of(backbone: Any) -> int:
    """Width of a backbone's output."""
    return int(getattr(backbone, "head_hidden_size", None) or backbone.num_features)


def _created(timm: Any, name: str, drop_path: float) -> Any:
    """The backbone with random weights; options that the model does not accept are left out."""
    options: dict[str, Any] = {**ANY_SIZE, "drop_path_rate": drop_path}
    while True:
        try:
            return timm.create_model(name, pretrained=False, num_classes=0, **options)
        except TypeError as error:
            unknown = _unknown(options, str(error))
            if not unknown:
                raise
            if drop_path and "drop_path_rate" in unknown:
                what = f"`{name}` has no stochastic depth"
                raise UserError("encoder.drop_path", what, "leave it out") from error
            options = {key: value for key, value in options.items() if key not in unknown}


def _unknown(options: Mapping[str, Any], complaint: str) -> list[str]:
    """The options that an error calls unexpected: Python names one, some timm models list them all."""
    return [key for key in options if re.search(rf"unexpected keyword argument.*'{key}'", complaint)]


def fetched_weights(timm: Any, name: str) -> State:
    """The weights that timm lists for a model, from the Hub or its cache; no pickle is loaded."""
    hub, file = weights_of(timm, name)
    try:
        weights: State = timm.models.load_state_dict_from_hf(
            hub, **({"filename": file} if file else {}), weights_only=True
        )
    except Exception as error:  # its client raises its HTTP library's errors too
        raise OperationalError(
            f"{hub}: the weights of `{name}` are not in the Hub's cache, and the Hub cannot be reached; "
            "download its model.safetensors elsewhere and set encoder.weights to the file, or to none"
        ) from error
    return weights


def read_weights(path: Path) -> State:
    """The tensors of a file by name: .safetensors, or a file of torch.save, of which only tensors are read.

    Raises:
        UserError: there is no such file, or it holds no weights.
    """
    where = str(path)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            held: Any = load_file(path)
        else:
            held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of two libraries, zip files and the unpickler that reads tensors alone
        first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        if "weights_only" in str(error).lower() or "weights only" in str(error).lower():
            first = "it holds more than tensors, and what is more than tensors is not read"
        hint = "save the tensors alone, best as .safetensors"
        raise UserError(where, f"cannot be read as weights: {first}", hint) from error
    return _innermost(held, where)


def _innermost(held: Any, where: str) -> State:
    """The weights of a checkpoint, which may nest them under a key and prefix their names."""
    for key in ("state_dict_ema", "model_ema", "state_dict", "model"):
        if isinstance(held, Mapping) and isinstance(held.get(key), Mapping):
            held = held[key]
            break
    if not isinstance(held, Mapping) or not held or not all(isinstance(v, Tensor) for v in held.values()):
        raise UserError(where, "holds no weights: needed are tensors by name")
    return {re.sub(r"^(module\.|_orig_mod\.)+", "", str(name)): tensor for name, tensor in held.items()}


def fit_weights(backbone: Any, state: State, where: str) -> None:
    """Load weights into a backbone, as they are or as timm converts those of the model's authors.

    Weights of a classifier are left out.

    Raises:
        UserError: weights are missing, too many or of another shape.
    """
    own = {name: tensor.shape for name, tensor in backbone.state_dict().items()}
    fitting = _without_head(state, backbone)
    if {name: tensor.shape for name, tensor in fitting.items()} != own:
        adapt = getattr(sys.modules[type(backbone).__module__], "checkpoint_filter_fn", None)
        if adapt is not None:
            try:
                fitting = _without_head(adapt(dict(state), backbone), backbone)
            except Exception:  # not a file that it knows: the difference is named below
                fitting = _without_head(state, backbone)
    if difference := differing(own, {name: tensor.shape for name, tensor in fitting.items()}):
        architecture = backbone.pretrained_cfg.get("architecture", "the backbone")
        raise UserError(where, f"the weights are not those of `{architecture}`: {difference}")
    backbone.load_state_dict(fitting)


def _without_head(state: State, backbone: Any) -> State:
    """The weights without the classifier's, and without what timm removes together with a classifier."""
    heads = backbone.pretrained_cfg.get("classifier") or ()
    own = backbone.state_dict()
    dropped = []
    for head in [heads] if isinstance(heads, str) else heads:
        around = head.rpartition(".")[0]  # some models have a norm in the same module, which goes too
        gone = around and not any(name.startswith(f"{around}.") for name in own)
        dropped.append(f"{around if gone else head}.")
    return {name: tensor for name, tensor in state.items() if not name.startswith(tuple(dropped))}


def differing(own: Mapping[str, torch.Size], given: Mapping[str, torch.Size]) -> str:
    """How two sets of names and shapes differ; "" if they do not."""
    parts = []
    for what, names in (("without", own.keys() - given.keys()), ("with", given.keys() - own.keys())):
        if names:
            shown = sorted(names)[:NAMED]
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            parts.append(f"{what} {', '.join(shown)}{more}")
    other = [name for name in own if name in given and own[name] != given[name]]
    if other:
        first = other[0]
        parts.append(f"{first} is {list(given[first])}, not {list(own[first])}")
    return "; ".join(parts)


def freeze(backbone: Any, share: str) -> None:
    """Freeze parameters: ``none``, ``all``, or a number: the stem and so many stages.

    Stages are those of timm: a Swin or a ResNet has four, of a plain vision transformer each block is one.

    Raises:
        UserError: there are fewer stages, or timm does not say which they are.
    """
    if share == "none":
        return
    if share == "all":
        backbone.requires_grad_(False)
        return
    try:
        matcher = backbone.group_matcher(coarse=True)
    except (AttributeError, AssertionError) as error:  # not every model has one, or one of whole stages
        architecture = backbone.pretrained_cfg.get("architecture", "the backbone")
        what = f"is {share}, and timm does not tell the stages of `{architecture}`"
        raise UserError("encoder.freeze", what, "take `none` or `all`") from error
    groups = import_timm().models.group_parameters(backbone, matcher)  # 0: the stem; then stage by stage
    stages = sum(_is_named(names[0], matcher) for group, names in groups.items() if group)
    if int(share) > stages:
        what = f"is {share}, and the backbone has {stages} stages"
        raise UserError("encoder.freeze", what, "`all` freezes the whole")
    parameters = dict(backbone.named_parameters())
    for group in range(int(share) + 1):
        for name in groups[group]:
            parameters[name].requires_grad_(False)


def _is_named(parameter: str, matcher: Mapping[str, Any] | Callable[[str], float]) -> bool:
    """Whether a parameter belongs to the stem or a stage, and not to what follows, such as a last norm."""
    if callable(matcher):
        return matcher(parameter) != math.inf
    specs = [
        spec if isinstance(spec, str) else [part[0] for part in spec] for spec in matcher.values() if spec
    ]
    patterns = [p for spec in specs for p in ([spec] if isinstance(spec, str) else spec)]
    return any(re.match(pattern, parameter) for pattern in patterns)
