"""The scores of looking up, in place of translating, the training source that is nearest to each source."""

from collections.abc import Sequence
from dataclasses import replace

from signkit.eval.protocols import Protocol
from signkit.eval.retrieval import nearest_texts
from signkit.eval.scores import score
from signkit.text.vocabulary import Vocabulary
from signkit.types import Corpus, Sample, Score

OF_TEXTS = ("bleu4", "chrf", "rouge_l")
"""Metrics of texts that the floor is scored by, with the names that protocols add to them."""


def floor_scores(
    samples: Sequence[Sample], split: str, *, protocol: Protocol, vocabulary: Vocabulary, corpus: Corpus
) -> list[Score]:
    """The protocol's scores of texts for `signkit.eval.retrieval.nearest_texts`, their names ending in
    ``_floor``; none without a train split.

    Args:
        samples: of the split, with their glosses.
        corpus: with train.
    """
    train, join = corpus.split("train"), vocabulary.join
    if not train or split == "train":
        return []
    found = nearest_texts(
        [" ".join(each.glosses) for each in train],
        [join(each.reference) for each in train],
        [" ".join(each.glosses) for each in samples],
    )
    texts = {each.id: text for each, text in zip(samples, found, strict=True)}
    references = {each.id: join(each.reference) for each in samples}
    scores = score(references, texts, protocol, split=split).scores
    return [replace(each, name=f"{each.name}_floor") for each in scores if _is_of_texts(each.name)]


def _is_of_texts(name: str) -> bool:
    return name.startswith(OF_TEXTS) and not name.endswith(("seen", "unseen"))
