"""Weights for MiCT-RANet: of a ResNet for its 2-D layers, or the public ones for all."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from signkit.errors import UserError
from signkit.models.encoders.backbone import differing, fetched_weights, read_weights
from signkit.models.encoders.backbone_names import timm_of, weights_file

COUNT = "num_batches_tracked"
"""Of BatchNorms; older files lack it, and it has no effect."""
PUBLIC = {
    r"cnn\.(conv1|bn1)\.": r"stem.\1.",
    r"cnn\.conv2\.": "stem.conv3d.conv.",
    r"cnn\.bn2\.": "stem.conv3d.bn.",
    r"cnn\.layer(\d)\.bottlenecks\.": r"stages.\1.blocks.",
    r"cnn\.layer(\d)\.(conv|bn)\.": r"stages.\1.conv3d.\2.",
}
"""From the names of the public MiCT-RANet to those of `MictResnet`, whose stages are counted from 0."""
ATTENTION = {"Wh": "query", "Wk": "key", "Wv": "value", "v": "score"}
"""Matrices of the public attention, each the transpose of a linear layer's weight."""


def load_resnet(cnn: nn.Module, backbone: str, weights: str) -> None:
    """Load a ResNet's weights into the 2-D layers; the 3-D convolutions stay as they are.

    Args:
        weights: ``none``, ``imagenet`` or a file.

    Raises:
        UserError: timm is not installed, there is no such file, or the weights do not fit.
        OperationalError: the weights are not in the cache and cannot be downloaded.
    """
    if weights == "none":
        return
    if weights == "imagenet":
        timm, where = timm_of("encoder.weights `imagenet`"), f"{backbone}.tv_in1k"
        state = fetched_weights(timm, where)
    else:
        state, where = read_weights(weights_file(weights)), weights
    named = {
        re.sub(r"^layer(\d)\.", lambda m: f"stages.{int(m[1]) - 1}.blocks.", name): tensor
        for name, tensor in state.items()
        if not name.startswith("fc.")
    }
    own = {name for name in cnn.state_dict() if ".conv3d." not in name}
    load(
        {re.sub(r"^(conv1|bn1)\.", r"stem.\1.", n): t for n, t in named.items()}, cnn, own, where, "a ResNet"
    )


def from_public(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of the encoder by its own names, from those of the public MiCT-RANet."""
    named = dict[str, Tensor]()
    for name, tensor in state.items():
        for pattern, ours in PUBLIC.items():
            if match := re.match(pattern, name):
                begin = re.sub(r"stages\.(\d)", lambda m: f"stages.{int(m[1]) - 1}", match.expand(ours))
                named[f"cnn.{begin}{name[match.end() :]}"] = tensor
                break
        else:
            module, _, part = name.partition(".")
            if module == "attn_cell" and part in ATTENTION:
                named[f"attention.{ATTENTION[part]}.weight"] = tensor.T
            elif part.startswith("lstm_cell."):
                named[f"attention.cell.{part.removeprefix('lstm_cell.')}"] = tensor
            else:
                named[name] = tensor
    return named


def load(state: Mapping[str, Tensor], module: nn.Module, wanted: set[str], where: str, what: str) -> None:
    """Load some of a module's weights, all of those wanted.

    Raises:
        UserError: weights are missing, too many or of another shape.
    """
    own: dict[str, Any] = module.state_dict()
    shapes = {name: own[name].shape for name in wanted if not name.endswith(COUNT)}
    given = {name: tensor.shape for name, tensor in state.items() if not name.endswith(COUNT)}
    if difference := differing(shapes, given):
        raise UserError(where, f"the weights are not those of {what} of this size: {difference}")
    module.load_state_dict({name: state[name] for name in shapes}, strict=False)
