"""The text that external models of a search are estimated from."""

from collections.abc import Callable, Sequence

from signkit.decode.external.build import TrainText
from signkit.text.vocabulary import Vocabulary
from signkit.types import Corpus


def train_text(corpus: Callable[[], Corpus], vocabulary: Vocabulary) -> TrainText:
    """The train references and the corpus's extra text, both in the vocabulary's unit.

    Args:
        corpus: returns the corpus, its references in that unit; called only when text is needed.
    """

    def references() -> Sequence[tuple[str, ...]]:
        return [sample.reference for sample in corpus().split("train")]

    def extra() -> Sequence[tuple[str, ...]]:
        if vocabulary.unit == "gloss":
            return corpus().extra_text
        return [vocabulary.split(" ".join(sentence)) for sentence in corpus().extra_text]

    return TrainText(references, extra)
