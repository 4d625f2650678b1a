"""Clean-up rules of protocols; each changes a line of words joined by single blanks."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from signkit.config.strict_yaml import Range
from signkit.config.suggest import listed
from signkit.errors import UserError
from signkit.eval.patterns import compiled

Side = Literal["reference", "hypothesis"]
Kind = Literal["delete", "replace", "drop", "regex", "merge_repeats", "keep", "squeeze"]

# Keys that a rule of each kind must have, and may have, besides name, kind, to and times.
_KEYS: dict[Kind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "delete": (("text",), ()),
    "replace": (("text", "by"), ()),
    "drop": (("text",), ()),
    "regex": (("pattern",), ("by", "letters", "with_word")),
    "merge_repeats": ((), ("pattern", "letters")),
    "keep": (("text",), ()),
    "squeeze": ((), ()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. A rule is not applied to its own result, except as often as `times` says.

    Attributes:
        name: name in traces; unique in its protocol.
        kind: what the rule does:

            - ``delete``: remove the text wherever it occurs.
            - ``replace``: replace the text with `by`.
            - ``drop``: remove words that contain the text.
            - ``regex``: replace each match of the pattern with the template `by` (``\\1`` for a group).
            - ``merge_repeats``: of two equal neighbouring words remove the second; with a pattern, only words
              of that form (next to a hyphen, letter or digit it is part of another word).
            - ``keep``: remove all characters but those of the text and blanks.
            - ``squeeze``: turn runs of blanks into single ones.
        text: the text of the rule.
        pattern: the regular expression of the rule.
        by: the replacement.
        to: the side that is cleaned.
        times: how often the rule is applied.
        letters: whether ``\\w`` and ``\\b`` know the letters of Unicode, or those of ASCII only.
        with_word: a pattern; lines in which no word matches it are left alone, which is faster.
    """

    name: str
    kind: Kind
    text: str = ""
    pattern: str = ""
    by: str = ""
    to: Literal["both", "reference", "hypothesis"] = "both"
    times: Annotated[int, Range(1, 20)] = 1
    letters: Literal["unicode", "ascii"] = "unicode"
    with_word: str = ""

    def __post_init__(self) -> None:
        if self.name.split() != [self.name]:
            raise UserError("name", "must be one word")
        self._check_keys()
        if self.kind in ("delete", "replace", "drop") and not self.text.strip():
            raise UserError("text", "is blank")
        if self.kind == "drop" and " " in self.text:
            raise UserError("text", "has a blank, so no word can hold it")
        if self.with_word:
            self.word_matcher()
        if self.pattern:
            self._check_pattern()

    def matcher(self) -> re.Pattern[str]:
        """The compiled pattern; for ``merge_repeats`` one that matches a word and its repetition.

        Raises:
            UserError: a fault in the pattern; `where` is the key.
        """
        ascii_only = self.letters == "ascii"
        pattern = compiled(self.pattern, "pattern", ascii_only=ascii_only)
        if self.kind == "regex":
            return pattern
        return re.compile(rf"(?<![\w-])({self.pattern}) \1(?![\w-])", re.ASCII if ascii_only else 0)

    def word_matcher(self) -> re.Pattern[str]:
        """The compiled pattern of `with_word`.

        Raises:
            UserError: a fault in the pattern.
        """
        return compiled(self.with_word, "with_word", ascii_only=self.letters == "ascii")

    def _check_keys(self) -> None:
        needed, optional = _KEYS[self.kind]
        for key in needed:
            if not getattr(self, key):
                raise UserError("", f"a rule of kind `{self.kind}` needs `{key}`")
        for key in ("text", "pattern", "by", "with_word"):
            if getattr(self, key) and key not in (*needed, *optional):
                known = listed((*needed, *optional)) if needed or optional else "no key of its own"
                raise UserError(key, f"means nothing to a rule of kind `{self.kind}`", f"it takes {known}")
        if self.letters == "ascii" and "letters" not in optional:
            raise UserError("letters", f"means nothing to a rule of kind `{self.kind}`")

    def _check_pattern(self) -> None:
        pattern = self.matcher()
        if self.kind == "regex":
            try:
                pattern.sub(self.by, "")
            except (re.error, IndexError) as error:
                raise UserError("by", f"does not fit the pattern: {error}") from error
        elif not re.fullmatch(r"(\[[^\[\]\\^ ]*\]|\\w)[+*]?", self.pattern):
            raise UserError("pattern", "must be one class, perhaps repeated", "for example [A-Z]+")
