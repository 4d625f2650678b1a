"""The analyses of a scored system, its tokens compared as its protocol compares them."""

from signkit.eval.analyses import Analyses, analyse
from signkit.eval.scores import Scored, Train
from signkit.eval.tokens import folding
from signkit.text.vocabulary import composed


def breakdown(scored: Scored, train: Train | None = None) -> Analyses:
    """All analyses of a system: of labels, words or characters (`Sentences.error_unit`).

    Args:
        train: sentences of train as words, cleaned by the protocol; None skips what needs them.
    """
    protocol = scored.sentences.protocol
    fold = folding(protocol.case)
    units = train
    if train is not None and scored.sentences.error_unit == "label":
        units = frozenset((" ".join(words),) for words in train)
    elif train is not None and protocol.unit == "character":
        between = " " if protocol.spaces else ""
        units = frozenset(tuple(composed(between.join(words))) for words in train)
    return analyse(*scored.sentences.errors, scored.measures, units, fold=lambda token: fold(composed(token)))
