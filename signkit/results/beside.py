"""What stands beside the model in a search: language models and constraints, built once a run."""

from collections.abc import Sequence
from dataclasses import dataclass

from signkit.decode.scorer import Fused
from signkit.fusion.build import TrainText, build_fusion, build_rescorers
from signkit.prepare import Prepared
from signkit.recipe import DecodeConfig
from signkit.recognise import Weighted, check_beam


@dataclass(frozen=True, slots=True)
class Beside:
    """The scorers of `decode.fusion` and `decode.rescore` with their weights, those of weight 0 left out."""

    fusion: tuple[Fused, ...] = ()
    rescorers: tuple[Weighted, ...] = ()


def build_beside(decode: DecodeConfig, prepared: Prepared) -> Beside:
    """Build the parts of both sections.

    Raises:
        UserError: a part's input is at fault, or greedy search has no place for them.
    """
    text = train_text(prepared)
    vocabulary, model = prepared.vocabulary, prepared.model
    fusion = build_fusion(decode.fusion, vocabulary=vocabulary, model=model, text=text)
    rescorers = build_rescorers(decode.rescore, vocabulary=vocabulary, model=model, text=text)
    check_beam(decode.beam, [*fusion, *rescorers])
    return Beside(fusion, rescorers)


def train_text(prepared: Prepared) -> TrainText:
    """The references of train and the corpus's extra text, in the vocabulary's unit."""

    def extra() -> Sequence[tuple[str, ...]]:
        if prepared.vocabulary.unit == "gloss":
            return prepared.corpus.extra_text
        return [prepared.vocabulary.split(" ".join(sentence)) for sentence in prepared.corpus.extra_text]

    return TrainText(lambda: [sample.reference for sample in prepared.corpus.split("train")], extra)
