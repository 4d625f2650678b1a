"""The terms of a recipe's loss as functions, whichever package they are of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor

from signkit.config.own_code import a, described, own_code
from signkit.config.registry import ComponentConfig, build, component_name
from signkit.errors import UserError
from signkit.models.losses.checks import NotANumber
from signkit.models.losses.configs import LossTerm


@dataclass(frozen=True, slots=True)
class LossFunction:
    """A term of the loss.

    Attributes:
        name: that it is registered under.
        options: its section of the recipe.
        compute: what its factory gives.
    """

    name: str
    options: LossTerm
    compute: Callable[..., Tensor]

    def __call__(self, samples: int, *given: Any) -> Tensor:
        """The value of each sample, [samples].

        Args:
            samples: of the batch.
            given: what the function is called with.

        Raises:
            UserError: it gives something else.
            ComponentError: the function of another package raises an exception.
            NotANumber: logits are not finite; it has the term's name.
        """
        try:
            with own_code(self.options, passing=(NotANumber,)):
                values = self.compute(*given)
        except NotANumber as error:
            error.term = self.name
            raise
        check_per_sample(values, samples, described(self.options), "it gives")
        return values


def loss_functions(losses: Sequence[ComponentConfig], **given: Any) -> tuple[LossFunction, ...]:
    """The terms of `train.losses`, built with what the task gives their factories.

    Raises:
        UserError, ComponentError: one of them cannot be built.
    """
    return tuple(
        LossFunction(
            component_name("losses", each),
            cast(LossTerm, each),
            build(each, **given, gives=cast(type, Callable)),
        )
        for each in losses
    )


def check_per_sample(values: Any, samples: int, where: str, gives: str) -> None:
    """Refuse a loss that is not one number a sample: a single one would count for each of them.

    Args:
        where: the component, for the message.
        gives: how the message begins: ``it gives``.

    Raises:
        UserError: it is something else.
    """
    fits = isinstance(values, Tensor) and values.is_floating_point() and tuple(values.shape) == (samples,)
    if not fits:
        found = f"{a(values)} of {values.dtype}" if isinstance(values, Tensor) else a(values)
        what = f"{gives} {found}, not one floating-point number a sample, [{samples}]"
        raise UserError(where, what, "a mean over the batch is taken afterwards")
