"""What the external models of a search learn from: the references of train."""

from collections.abc import Callable, Sequence

from signkit.decode.external.build import TrainText
from signkit.text.vocabulary import Vocabulary
from signkit.types import Corpus


def train_text(corpus: Callable[[], Corpus], vocabulary: Vocabulary) -> TrainText:
    """The references of train, which are in the vocabulary's unit, and the further text in that unit; the
    corpus is read when something of it is asked for."""

    def references() -> Sequence[tuple[str, ...]]:
        return [sample.reference for sample in corpus().split("train")]

    def extra() -> Sequence[tuple[str, ...]]:
        if vocabulary.unit == "gloss":
            return corpus().extra_text
        return [vocabulary.split(" ".join(sentence)) for sentence in corpus().extra_text]

    return TrainText(references, extra)
