"""What stands beside the model of a run: its language models and constraints, built once."""

from collections.abc import Sequence

from signkit.config.recipe import DecodeConfig
from signkit.decode.external.build import Beside, TrainText, build_beside
from signkit.text.vocabulary import Vocabulary
from signkit.train.setup import Prepared
from signkit.types import Corpus


def beside(decode: DecodeConfig, prepared: Prepared) -> Beside:
    """The parts of both sections.

    Raises:
        UserError: a part's input is at fault.
    """
    vocabulary, model = prepared.vocabulary, prepared.model
    text = train_text(prepared.corpus, vocabulary)
    return build_beside(decode, vocabulary=vocabulary, model=model, text=text)


def train_text(corpus: Corpus, vocabulary: Vocabulary) -> TrainText:
    """The references of train, which are in the vocabulary's unit, and the further text in that unit."""

    def extra() -> Sequence[tuple[str, ...]]:
        if vocabulary.unit == "gloss":
            return corpus.extra_text
        return [vocabulary.split(" ".join(sentence)) for sentence in corpus.extra_text]

    return TrainText(lambda: [sample.reference for sample in corpus.split("train")], extra)
