"""A check that a language model fits a vocabulary: a model that shares almost no words is the wrong one."""

from collections.abc import Sequence

from signkit.errors import UserError
from signkit.lm.grams import SPECIAL

MIN_SHARE = 0.1
"""A model that knows a smaller share of the vocabulary is refused."""
MAX_EXAMPLES = 3
"""Words that a message names as examples, from each side."""


def check_share(
    where: str, what: str, known: Sequence[bool], *, ours: Sequence[str], theirs: Sequence[str]
) -> None:
    """Refuse a language model that shares almost no words with the recogniser.

    Args:
        where: the file or folder that the message names.
        what: the message, with a placeholder ``{}`` for "3 of 1,080".
        known: which words are shared.
        ours: the recogniser's words, for the examples of the message.
        theirs: the language model's words, for the same.

    Raises:
        UserError: less than `MIN_SHARE` of the words are shared.
    """
    count = sum(known)
    if count >= MIN_SHARE * len(known) and count:
        return
    share = f"{100 * count / max(len(known), 1):.1f} %"
    hint = f"it has {_examples(theirs)}; the recogniser has {_examples(ours)}"
    raise UserError(where, f"{what.format(f'{count:,} of {len(known):,}')} ({share})", hint)


def _examples(words: Sequence[str]) -> str:
    plain = [word for word in words if word not in SPECIAL and word.strip()]
    return (
        ", ".join([f"`{word}`" for word in plain[:MAX_EXAMPLES]] + ["…"] * (len(plain) > MAX_EXAMPLES))
        or "none"
    )
