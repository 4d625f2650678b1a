"""What the reader of scores should know beside them, as sentences."""

import numpy as np

from signkit.eval.metrics import Sentences
from signkit.eval.transcripts import SUBSTITUTION

EXAMPLES = 3


def case_notes(sentences: Sentences) -> tuple[str, ...]:
    """A note on tokens that differ only in the case of letters beyond A-Z, which sclite counts as errors.

    Nothing is aligned unless there are such tokens.
    """
    protocol = sentences.protocol
    if protocol.case != "ascii":
        return ()
    spaces = protocol.spaces and protocol.unit == "character"
    tokens = sentences.pairs(protocol.unit, spaces).tokens
    groups: dict[str, int] = {}
    group = np.array([groups.setdefault(token.casefold(), len(groups)) for token in tokens], dtype=np.int64)
    if len(groups) == len(tokens):
        return ()
    aligned = sentences.main[1]
    swapped = aligned.kinds == SUBSTITUTION
    left, right = aligned.references[swapped], aligned.hypotheses[swapped]
    alike = group[left] == group[right]
    count = int(alike.sum())
    if not count:
        return ()
    pairs = dict.fromkeys(zip(left[alike].tolist(), right[alike].tolist(), strict=True))
    shown = ", ".join(f"{tokens[one]} and {tokens[other]}" for one, other in list(pairs)[:EXAMPLES])
    substitutions = "1 substitution differs" if count == 1 else f"{count} substitutions differ"
    return (
        f"{substitutions} only in the case of letters beyond A-Z ({shown}), as sclite counts; "
        "`--set case=unicode` does not count them",
    )
