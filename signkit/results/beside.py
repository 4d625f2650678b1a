"""What stands beside the model of a run: its language models and constraints, built once."""

from collections.abc import Sequence

from signkit.fusion.build import Beside, TrainText, build_beside
from signkit.prepare import Prepared
from signkit.recipe import DecodeConfig


def beside(decode: DecodeConfig, prepared: Prepared) -> Beside:
    """The parts of both sections.

    Raises:
        UserError: a part's input is at fault.
    """
    vocabulary, model = prepared.vocabulary, prepared.model
    return build_beside(decode, vocabulary=vocabulary, model=model, text=train_text(prepared))


def train_text(prepared: Prepared) -> TrainText:
    """The references of train and the corpus's extra text, in the vocabulary's unit."""

    def extra() -> Sequence[tuple[str, ...]]:
        if prepared.vocabulary.unit == "gloss":
            return prepared.corpus.extra_text
        return [prepared.vocabulary.split(" ".join(sentence)) for sentence in prepared.corpus.extra_text]

    return TrainText(lambda: [sample.reference for sample in prepared.corpus.split("train")], extra)
