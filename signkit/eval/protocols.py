"""How a benchmark is scored: a YAML file of `eval/`, read strictly."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Literal

from signkit.config.assets import find
from signkit.config.strict_yaml import read_file
from signkit.errors import UserError
from signkit.eval.alignment import SCLITE, Costs
from signkit.eval.rules import Rule

Metric = Literal[
    "wer",
    "cer",
    "letter_accuracy",
    "aslfr",
    "sentence_error",
    "edits",
    "seen",
    "bleu",
    "chrf",
    "rouge_l",
    "accuracy",
    "macro_f1",
    "per_class",
]
# What does not decide the value of a score: what it is called, and which others are asked for.
_NAMES = ("name", "metrics")


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How hypotheses are compared with references.

    Attributes:
        name: the file's, without its ending; for the signature of a score.
        unit: ``word``: tokens as the corpus has them; ``character``: the characters of all tokens.
        spaces: whether the blanks between words count as characters.
        case: ``sensitive``; ``ascii``: the case of A to Z is ignored, as by sclite; ``unicode``: of all
            letters.
        costs: of the alignment.
        metrics: ``wer``, ``cer``: error rates; ``letter_accuracy``, ``aslfr``: one less that rate;
            ``edits``: the rate's substitutions, deletions and insertions; ``sentence_error``: the share of
            sentences with an error; ``seen``: the share of sentences that occur in train, and the rates of
            those and of the others; ``bleu``, ``chrf``, ``rouge_l``; ``accuracy``, ``macro_f1``,
            ``per_class``: of one label a line.
        empty: the word that stands for an empty hypothesis; "" for none.
        tokenize: how sacrebleu takes text apart for BLEU; ``none``: at blanks.
        optional: whether words in parentheses may be left out (sclite's -D).
        fragments: whether a word with a hyphen at its beginning or end stands for any that goes on from
            there (sclite's -F).
        rules: the clean-up, in this order.
    """

    name: str
    unit: Literal["word", "character"] = "word"
    spaces: bool = False
    case: Literal["sensitive", "ascii", "unicode"] = "ascii"
    costs: Costs = SCLITE
    metrics: tuple[Metric, ...] = ("wer", "edits", "sentence_error", "seen")
    empty: str = ""
    tokenize: Literal["none", "13a", "intl", "zh", "char"] = "none"
    optional: bool = False
    fragments: bool = False
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        if self.spaces and self.unit == "word":
            raise UserError("spaces", "are characters, and the unit is `word`", "write `unit: character`")
        if self.empty.split() not in ([], [self.empty]):
            raise UserError("empty", "must be one word")
        if not self.metrics:
            raise UserError("metrics", "is empty, so there is nothing to score")
        self._once("metrics", self.metrics)
        self._once("rules", tuple(rule.name for rule in self.rules))

    @cached_property
    def digest(self) -> str:
        """First 8 hex digits of a SHA-256 over all that decides a score: equal for equal scoring only."""
        content = {key: value for key, value in asdict(self).items() if key not in _NAMES}
        content["rules"] = [{k: v for k, v in rule.items() if k != "name"} for rule in content["rules"]]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]

    def _once(self, key: str, words: tuple[str, ...]) -> None:
        twice = next((word for place, word in enumerate(words) if word in words[:place]), None)
        if twice is not None:
            raise UserError(key, f"`{twice}` is there twice")


def load(name: str, overrides: Sequence[str] = ()) -> Protocol:
    """The protocol of a name in `eval/`, or of a YAML file, with some values replaced (``case=sensitive``).

    Raises:
        UserError: no such protocol, or a fault in it, with file, line and column.
    """
    path = find("eval", name)
    return read_file(path, Protocol, overrides, given={"name": path.stem})
