"""The search space: parameters of the section `decode` with their ranges."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, get_origin

from signkit.config.strict_yaml import Range, field_types
from signkit.config.suggest import suggestion
from signkit.decode.configs import SECTIONS, SearchConfig, check_beam, value_of, with_weight
from signkit.decode.external.configs import LexiconConfig
from signkit.errors import UserError, UserErrors

ADDED, SUBTRACTED = (0.0, 1.5), (-1.0, 0.0)
"""Ranges of the weight of an external model that is added, and of one that is subtracted."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One dimension of the space.

    Attributes:
        key: such as ``decode.fusion.0.weight``.
        low, high: the range.
        neutral: the value without effect, or the recipe's if there is none.
        whole: whether values are whole numbers.
    """

    key: str
    low: float
    high: float
    neutral: float
    whole: bool = False

    def at(self, share: float) -> float:
        """The value at a share of the range, rounded to about a hundredth of it."""
        value = self.low + share * (self.high - self.low)
        digits = 0 if self.whole else 2 - math.floor(math.log10(self.high - self.low))
        return min(max(round(value, digits), self.low), self.high)

    def share(self, value: float) -> float:
        """The position of a value in the range, from 0 to 1."""
        return (value - self.low) / (self.high - self.low)

    def holds(self, value: float) -> bool:
        """Whether a value is in the range."""
        return self.low <= value <= self.high


def read_space(
    words: Sequence[str], decode: SearchConfig, idle: Collection[str] = ()
) -> tuple[Parameter, ...]:
    """The parameters given as ``KEY=LOW:HIGH``, or the usual ones if none is given.

    Args:
        words: the parameters.
        decode: the recipe's section.
        idle: keys without an effect on the model, which are not among the usual ones.

    Raises:
        UserError: there is nothing to tune, because the recipe uses greedy search.
        UserErrors: keys that cannot be tuned, and faulty ranges.
    """
    check_beam("decode.beam", decode.beam, [*decode.fusion, *decode.rescore])
    if decode.beam == 1 and {*decode.tuned} <= {*idle}:
        what = "is 1, greedy search, which changes with none of the parameters"
        raise UserError("decode.beam", what, "--set decode.beam=8")
    if not words:
        usual = [f"decode.{key}={low}:{high}" for key, (low, high) in _usual(decode, idle).items()]
        return read_space(usual, decode, idle)
    parameters: dict[str, Parameter] = {}
    faults: list[UserError] = []
    for word in words:
        try:
            parameter = _parameter(word, decode)
            if parameter.key in parameters:
                raise UserError(f"--space {word}", f"{parameter.key} is given twice")
            parameters[parameter.key] = parameter
        except UserError as error:
            faults.append(error)
    if faults:
        raise UserErrors(faults)
    return tuple(parameters.values())


def with_values(decode: SearchConfig, space: Sequence[Parameter], values: Sequence[float]) -> SearchConfig:
    """The section with the values of a point at the parameters' keys."""
    for parameter, value in zip(space, values, strict=True):
        first, *rest = parameter.key.removeprefix("decode.").split(".")
        if rest:
            decode = with_weight(decode, first, int(rest[0]), value)
        else:
            changed: dict[str, Any] = {first: int(value) if parameter.whole else value}
            decode = replace(decode, **changed)
    return decode


def _usual(decode: SearchConfig, idle: Collection[str]) -> dict[str, tuple[float, float]]:
    """The usual space: the weights of language models (not of lexicons), and the decoder's own keys."""
    weights = {
        f"{section}.{place}.weight": SUBTRACTED if part.weight < 0 else ADDED
        for section in SECTIONS
        for place, part in enumerate(getattr(decode, section))
        if not isinstance(part, LexiconConfig)
    }
    own = {key: (of.low, of.high) for key, of in decode.tuned.items() if key not in idle}
    return weights | own


def _parameter(word: str, decode: SearchConfig) -> Parameter:
    where = f"--space {word}"
    key, equals, ends = word.partition("=")
    first, colon, second = ends.partition(":")
    if not equals or not colon:
        raise UserError(where, "not of the form KEY=LOW:HIGH", "such as decode.length_reward=0:2")
    known = _tunable(decode)
    if key not in known:
        whole_key = f"decode.{key.removeprefix('decode.')}"
        raise UserError(where, f"{key} cannot be tuned", suggestion(whole_key, known))
    limits, whole = known[key]
    low, high = (_number(text, whole, where) for text in (first, second))
    if low >= high:
        what = f"{first} is not below {second}"
        raise UserError(where, what, "turn them round" if low > high else f"--set {key}={first} fixes it")
    for value, text in ((low, first), (high, second)):
        if value < limits.low or (limits.high is not None and value > limits.high):
            raise UserError(where, f"{key} must be {limits}, not {text}")
    name = key.removeprefix("decode.")
    if name in decode.tuned:
        neutral = decode.tuned[name].neutral
    else:
        neutral = 0.0 if name.endswith(".weight") else value_of(decode, key)
    return Parameter(key, low, high, neutral, whole)


def _tunable(decode: SearchConfig) -> dict[str, tuple[Range, bool]]:
    """Every key that can be tuned, with its limits, and whether it is a whole number."""
    kind: Any = type(decode)
    hints = field_types(kind)
    keys = (*decode.tuned, *decode.on_request)
    known = {f"decode.{name}": (_limits(hints[name]), _is_whole(hints[name])) for name in keys}
    if decode.fusion or decode.rescore:
        known["decode.beam"] = (Range(2, 4096), True)  # greedy search has no place for them
    for section in SECTIONS:
        for place, part in enumerate(getattr(decode, section)):
            cls: Any = type(part)
            known[f"decode.{section}.{place}.weight"] = (_limits(field_types(cls)["weight"]), False)
    return known


def _limits(hint: Any) -> Range:
    notes = hint.__metadata__ if get_origin(hint) is Annotated else ()
    return next((note for note in notes if isinstance(note, Range)), Range(-math.inf))


def _is_whole(hint: Any) -> bool:
    return (hint.__origin__ if get_origin(hint) is Annotated else hint) is int


def _number(text: str, whole: bool, where: str) -> float:
    try:
        value = float(int(text) if whole else text)
    except ValueError:
        raise UserError(where, f"{text!r} is no {'whole ' if whole else ''}number") from None
    if not math.isfinite(value):
        raise UserError(where, f"{text!r} is no finite number")
    return value
