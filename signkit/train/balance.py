"""`train.balance` for the samples of a run: which of them an epoch has, or how much each counts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from signkit.config.recipe import TrainConfig
from signkit.data.balance import Drawing, class_weights, classes_of
from signkit.types import Sample


@dataclass(frozen=True, slots=True)
class Balanced:
    """How a run balances its classes; nothing is set where it does not.

    Attributes:
        drawing: of the samples of an epoch.
        importance: the factor of each sample's weight by its id.
        note: a line for the user.
    """

    drawing: Drawing | None = None
    importance: Mapping[str, float] | None = None
    note: str = ""


def balanced(config: TrainConfig, samples: Sequence[Sample]) -> Balanced:
    """How the recipe has these training samples balanced."""
    if config.balance == "none":
        return Balanced()
    classes = classes_of([sample.reference for sample in samples])
    sizes = Counter(classes).values()
    about = f"{config.balance}: {len(sizes)} classes of {min(sizes)} to {max(sizes)} samples"
    if config.balance == "class_weights":
        weights = class_weights(classes)
        importance = {sample.id: weight for sample, weight in zip(samples, weights, strict=True)}
        return Balanced(
            None, importance, f"{about}, with weights from {min(weights):.3g} to {max(weights):.3g}"
        )
    drawing = Drawing(classes, config.balance, config.seed)
    return Balanced(drawing, None, f"{about}; {drawing.samples} samples an epoch, not {len(samples)}")
