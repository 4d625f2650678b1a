"""The recipe of an n-gram model: which model is trained on which text; read strictly from YAML."""

from dataclasses import dataclass
from typing import Annotated, Literal

from signkit.config.strict_yaml import Path_, Range
from signkit.errors import UserError
from signkit.lm.grams import LARGEST_ORDER, Unit
from signkit.lm.kneser_ney import FALLBACK


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """The text."""

    text: tuple[Annotated[str, Path_()], ...] = ()
    """Files of sentences: lines, or any format that `signkit score` reads."""
    column: str = ""
    """The column of the text, for files with columns."""
    unit: Unit = "word"
    """What is predicted: words (glosses), or characters with the blanks between words."""
    exclude: tuple[Annotated[str, Path_()], ...] = ()
    """Files whose sentences are left out of the text, such as those of dev and test."""
    distinct: bool = False
    """Use every distinct sentence once. Where each sentence was recorded by several signers, the number of
    its occurrences has no meaning."""

    def __post_init__(self) -> None:
        if not self.text:
            raise UserError("text", "names no file", "for example `--set data.text=train.txt`")


@dataclass(frozen=True, kw_only=True)
class LmConfig:
    """The model."""

    kind: Literal["ngram"] = "ngram"
    order: Annotated[int, Range(1, LARGEST_ORDER)] = 3
    """The number of words of the longest n-grams."""
    prune: tuple[Annotated[int, Range(0)], ...] = ()
    """For each order from 1 on, the number of occurrences up to which n-grams are left out; the last number
    also holds for all higher orders. [0, 0, 1] leaves out trigrams that occur once."""
    discount_fallback: tuple[Annotated[float, Range(0, 3)], ...] = FALLBACK
    """Discounts D1, D2 and D3+ of an order whose discounts cannot be estimated because the text is too small
    or too regular; [] makes that an error."""

    def __post_init__(self) -> None:
        prune, fallback = self.prune, self.discount_fallback
        if len(prune) > self.order:
            raise UserError("prune", f"has {len(prune)} numbers, but the order is {self.order}")
        if list(prune) != sorted(prune):
            raise UserError(
                "prune", "its numbers must not fall", "else what an n-gram begins with is left out"
            )
        if prune[:1] > (0,):
            raise UserError("prune", "begins with 0", "words themselves are not left out")
        if fallback and not (len(fallback) == 3 and all(0 < d <= k for k, d in enumerate(fallback, 1))):
            raise UserError("discount_fallback", "needs three numbers above 0, at most 1, 2 and 3")


@dataclass(frozen=True, kw_only=True)
class LmRecipe:
    """The recipe of an n-gram model."""

    data: DataConfig
    lm: LmConfig = LmConfig()
