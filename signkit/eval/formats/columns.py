"""Which column, or key, holds the text of a side where a file has that of both."""

import re
from collections.abc import Sequence
from typing import Literal

from signkit.config.suggest import listed
from signkit.errors import UserError

Role = Literal["reference", "hypothesis"]
OPTIONS = {"reference": "--reference-column", "hypothesis": "--hyp-column"}
PREDICTED = frozenset({
    "pred", "preds", "predicted", "prediction", "predictions", "hyp", "hyps", "hypo", "hypothesis",
    "hypotheses", "recognised", "recognized", "decoded", "generated",
})  # fmt: skip
TRUE = frozenset({
    "reference", "references", "ref", "refs", "target", "targets", "truth", "gt", "gold", "groundtruth",
})  # fmt: skip
NEUTRAL = frozenset({
    "text", "texts", "gloss", "glosses", "word", "words", "token", "tokens", "sentence", "sentences",
    "label", "labels", "transcript", "transcripts", "transcription", "translation", "phrase",
    "annotation", "sequence", "class", "sign", "y", "true", "ground",
})  # fmt: skip
"""Words in the names of columns that hold texts, apart from those that say whose text it is."""


def kind_of(name: str) -> Role | None:
    """Whether a column is a prediction or expressly a reference, by the words of its name; None for neither.

    >>> kind_of("predictedSentence"), kind_of("gt_gloss"), kind_of("gloss"), kind_of("pred_score")
    ('hypothesis', 'reference', None, None)
    """
    parts = _parts(name)
    if parts <= PREDICTED | NEUTRAL and parts & PREDICTED:
        return "hypothesis"
    true = parts & TRUE or {"ground", "truth"} <= parts or {"y", "true"} <= parts
    return "reference" if true and parts <= TRUE | NEUTRAL else None


def choose(where: str, names: Sequence[str], known: Sequence[str], role: Role) -> tuple[str, str]:
    """The column of the text of a side.

    Args:
        where: of the header or record, for messages.
        names: of all columns, as in the file.
        known: usual names of columns of texts, lowercase, the first one first.
        role: the side that the file is.

    Returns:
        The name of the column as in the file, "" if there is none; and a note if it was one of both sides.

    Raises:
        UserError: several columns may be meant.
    """
    usual = {name.lower(): name for name in reversed(names)}
    plain = [usual[each] for each in known if each in usual and kind_of(each) is None]
    predicted, true = (
        list({n.lower(): n for n in names if kind_of(n) == kind}.values())
        for kind in ("hypothesis", "reference")
    )
    if role == "hypothesis":
        found = predicted or plain[:1]
    elif true or not predicted:
        found = true or plain[:1]
    else:
        several = len(plain) > 1
        named = [each for each in plain if several and any(each.lower() in _parts(n) for n in predicted)]
        without_tokens = [each for each in plain if each.lower() != "tokens"] or plain
        found = (named if len(named) == 1 else without_tokens) or predicted
    if len(found) > 1:
        what = f"there are several columns of text: {listed(found)}"
        raise UserError(where, what, f"`{OPTIONS[role]}` names that of the {role}")
    if not found:
        return "", ""
    others = [each for each in (*predicted, *true, *plain) if each != found[0]]
    if not predicted or not (true or plain):
        return found[0], ""
    return found[0], (
        f"{where}: the column `{found[0]}` was read as the {role}, and not {listed(others)}; "
        f"`{OPTIONS[role]}` names another"
    )


def _parts(name: str) -> set[str]:
    return {*re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())}
