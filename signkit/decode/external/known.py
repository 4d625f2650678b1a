"""How much of a vocabulary a language model knows: one that knows next to nothing is the wrong one."""

from collections.abc import Sequence

from signkit.errors import UserError
from signkit.lm.grams import SPECIAL

LEAST = 0.1
"""Share of the vocabulary below which a model is refused."""
SHOWN = 3
"""Words named as examples, of each side."""


def check_share(
    where: str, what: str, known: Sequence[bool], *, ours: Sequence[str], theirs: Sequence[str]
) -> None:
    """Refuse a model that shares next to nothing with the recogniser.

    Args:
        what: the message, with a place for "3 of 1,080".
        known: which words are shared.
        ours: what the recogniser writes, for examples.
        theirs: what the model knows, for examples.

    Raises:
        UserError: fewer than a tenth are.
    """
    count = sum(known)
    if count >= LEAST * len(known) and count:
        return
    share = f"{100 * count / max(len(known), 1):.1f} %"
    hint = f"it has {_examples(theirs)}; the recogniser has {_examples(ours)}"
    raise UserError(where, f"{what.format(f'{count:,} of {len(known):,}')} ({share})", hint)


def _examples(words: Sequence[str]) -> str:
    plain = [word for word in words if word not in SPECIAL and word.strip()]
    return ", ".join([f"`{word}`" for word in plain[:SHOWN]] + ["…"] * (len(plain) > SHOWN)) or "none"
