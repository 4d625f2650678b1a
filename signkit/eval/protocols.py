"""Scoring protocols: how a benchmark is scored, as a YAML file of `eval/`, read strictly."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from os import PathLike
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
    "space_accuracy",
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
Tokenizer = Literal["none", "13a", "intl", "zh", "char"]
FinalPeriod = Literal["kept", "added", "removed"]
# Fields that do not influence the value of a score, and so not the digest.
_NAMES = ("name", "metrics", "variants")
# Those that are left out of it at these values, so that the digest of what has none of them stays the same.
_DEFAULTS = {"smoothing": "exp", "final_period": "kept"}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """Another convention by which the same texts are scored as well.

    Attributes:
        name: one word, which ends the names of its figures: ``no_period`` gives ``bleu4_no_period``.
        metrics: those of the protocol's metrics that are computed for it.
        final_period: in place of the protocol's.
        tokenize: in place of the protocol's.
        segmented: whether it needs references with blanks between words; without them it is left out.
    """

    name: str
    metrics: tuple[Metric, ...]
    final_period: FinalPeriod | None = None
    tokenize: Tokenizer | None = None
    segmented: bool = False

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise UserError("name", "must be one word of letters, digits and underscores")


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How hypotheses are compared with references.

    Attributes:
        name: name of the file without its ending, for the signature of scores.
        unit: ``word``: the tokens of the corpus; ``character``: the characters of all tokens.
        spaces: whether the blanks between words count as characters.
        case: ``sensitive``; ``ascii``: ignore the case of A to Z, as sclite does; ``unicode``: ignore the
            case of all letters.
        costs: costs of the alignment.
        metrics: the metrics to compute:

            - ``wer``, ``cer``: error rates.
            - ``letter_accuracy``, ``aslfr``: one minus an error rate.
            - ``space_accuracy``: the share of spaces that are right.
            - ``edits``: substitutions, deletions and insertions of the error rate.
            - ``sentence_error``: the share of sentences with an error.
            - ``seen``: the share of sentences that occur in train, and the error rates of these and of all
              others.
            - ``bleu``, ``chrf``, ``rouge_l``.
            - ``accuracy``, ``macro_f1``, ``per_class``: for one label a sentence.
        empty: the word that replaces an empty hypothesis; "" for none.
        tokenize: sacrebleu's tokeniser for BLEU; ``none`` splits at blanks. With ``char`` ROUGE-L is of
            characters too.
        smoothing: sacrebleu's smoothing of BLEU where no n-gram of some order matches: ``exp``, its default,
            or ``none``, with which BLEU is then 0.
        final_period: what happens to the period at the end of a text after the rules: ``added`` as a word
            where a text has none, ``removed``, or ``kept`` as it is. A text without words stays so.
        optional: whether words in parentheses may be left out (sclite's -D).
        fragments: whether a word with a hyphen at its beginning or end matches any word that continues it
            there (sclite's -F).
        rules: the clean-up rules, in the order of their application.
        variants: other conventions by which the texts are scored as well.
    """

    name: str
    unit: Literal["word", "character"] = "word"
    spaces: bool = False
    case: Literal["sensitive", "ascii", "unicode"] = "ascii"
    costs: Costs = SCLITE
    metrics: tuple[Metric, ...] = ("wer", "edits", "sentence_error", "seen")
    empty: str = ""
    tokenize: Tokenizer = "none"
    smoothing: Literal["exp", "none"] = "exp"
    final_period: FinalPeriod = "kept"
    optional: bool = False
    fragments: bool = False
    rules: tuple[Rule, ...] = ()
    variants: tuple[Variant, ...] = ()

    def __post_init__(self) -> None:
        if self.spaces and self.unit == "word":
            raise UserError("spaces", "are characters, and the unit is `word`", "write `unit: character`")
        if self.empty.split() not in ([], [self.empty]):
            raise UserError("empty", "must be one word")
        if not self.metrics:
            raise UserError("metrics", "is empty, so there is nothing to score")
        self._once("metrics", self.metrics)
        self._once("rules", tuple(rule.name for rule in self.rules))
        self._once("variants", tuple(variant.name for variant in self.variants))

    @cached_property
    def digest(self) -> str:
        """First 8 hex digits of a SHA-256 over everything that influences a score."""
        content = {key: value for key, value in asdict(self).items() if key not in _NAMES}
        content = {key: value for key, value in content.items() if _DEFAULTS.get(key) != value}
        content["rules"] = [{k: v for k, v in rule.items() if k != "name"} for rule in content["rules"]]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]

    def by_variant(self, variant: Variant) -> "Protocol":
        """The protocol of a variant, whose name is ``phoenix2014t_text/no_period``."""
        return replace(
            self,
            name=f"{self.name}/{variant.name}",
            metrics=variant.metrics,
            final_period=variant.final_period or self.final_period,
            tokenize=variant.tokenize or self.tokenize,
            variants=(),
        )

    def _once(self, key: str, words: tuple[str, ...]) -> None:
        twice = next((word for place, word in enumerate(words) if word in words[:place]), None)
        if twice is not None:
            raise UserError(key, f"`{twice}` occurs twice")


def of_characters(protocol: Protocol) -> Protocol:
    """The protocol for a model that writes characters: one that counts words is changed to count characters,
    the blanks between words among them."""
    if protocol.unit != "word":
        return protocol
    metrics: tuple[Metric, ...] = tuple("cer" if metric == "wer" else metric for metric in protocol.metrics)
    return replace(protocol, unit="character", spaces=True, metrics=metrics)


def load(name: str | PathLike[str], overrides: Sequence[str] = ()) -> Protocol:
    """Load a protocol by its name in `eval/`, or from a YAML file.

    Args:
        name: the name, or the path of a file.
        overrides: values to replace, such as ``case=sensitive``.

    Raises:
        UserError: there is no such protocol, or it has a fault; file, line and column are named.
    """
    path = find("eval", str(name))
    return read_file(path, Protocol, overrides, given={"name": path.stem})
