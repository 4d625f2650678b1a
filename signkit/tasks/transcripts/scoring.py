"""Scoring of hypotheses against references, by the recipe's protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from signkit.config.recipe import Recipe
from signkit.decode.lattice import TOP
from signkit.eval.bootstrap import interval
from signkit.eval.labels import any_right
from signkit.eval.measure import Measure
from signkit.eval.metrics import main_rate, metric_of
from signkit.eval.pairing import train_sentences
from signkit.eval.protocols import Protocol, load, of_characters
from signkit.eval.scores import Resampling, as_transcripts, score
from signkit.models.spec import TEXT
from signkit.tasks.transcripts.calibration import beams
from signkit.text.vocabulary import Vocabulary
from signkit.types import Corpus, Hypothesis, Prediction, Sample, Score


def scoring_protocol(recipe: Recipe) -> Protocol:
    """The recipe's protocol. For a model of characters a protocol of words is changed to count characters.

    Raises:
        UserError: there is no such protocol, or it has a fault.
    """
    protocol = load(recipe.eval.protocol)
    return of_characters(protocol) if recipe.text.unit == "character" else protocol


def text_scores(
    predictions: Sequence[Prediction],
    samples: Sequence[Sample],
    split: str,
    *,
    protocol: Protocol,
    vocabulary: Vocabulary,
    corpus: Corpus,
) -> list[Score]:
    """The protocol's scores of the output ``text``."""
    join = vocabulary.join
    references = {sample.id: join(sample.reference) for sample in samples}
    texts = {sample.id: join(sample.reference) for sample in corpus.split("train")}
    train = train_sentences(as_transcripts(texts, "train"), protocol) if texts else None
    best = {each.id: join(text_of(each).tokens) for each in predictions}
    return list(score(references, best, protocol, split=split, train=train).scores)


def split_scores(
    predictions: Sequence[Prediction],
    samples: Sequence[Sample],
    split: str,
    *,
    protocol: Protocol,
    vocabulary: Vocabulary,
    corpus: Corpus,
    single: bool = False,
) -> list[Score]:
    """The protocol's scores and, for predictions of beam search, the error rate of greedy search, too.

    Args:
        single: whether every hypothesis is one token: then with the accuracy and the top-5 accuracy.
    """
    scores = text_scores(predictions, samples, split, protocol=protocol, vocabulary=vocabulary, corpus=corpus)
    join = vocabulary.join
    references = {sample.id: join(sample.reference) for sample in samples}
    best = {each.id: join(text_of(each).tokens) for each in predictions}
    if single:
        of_clips = score(references, best, protocol, metrics=("accuracy",), split=split).scores
        scores += [each for each in of_clips if each.name not in {other.name for other in scores}]
        scores.append(_top_accuracy(predictions, references, split, protocol, vocabulary))
    greedy = {
        name: join(vocabulary.decode(each.greedy.tokens))
        for name, each in beams(predictions).items()
        if each.greedy is not None
    }
    if greedy:
        rate = score(references, greedy, protocol, metrics=(main_rate(protocol),), split=split).scores
        scores += [replace(each, name=f"{each.name}_greedy") for each in rate]
    return scores


def _top_accuracy(
    predictions: Sequence[Prediction],
    references: Mapping[str, str],
    split: str,
    protocol: Protocol,
    vocabulary: Vocabulary,
) -> Score:
    """The share of clips whose gloss is among the first `TOP` candidates, compared as the protocol does."""

    def of_rank(rank: int) -> Measure:
        texts = {
            name: "".join(
                vocabulary.join(vocabulary.decode(c.tokens)) for c in beam.candidates[rank : rank + 1]
            )
            for name, beam in beams(predictions).items()
        }
        drawn = Resampling(resamples=0)
        return score(references, texts, protocol, metrics=("accuracy",), resampling=drawn).measures[0]

    measure = any_right([of_rank(rank) for rank in range(TOP)], f"top{TOP}_accuracy")
    return Score(
        measure.name, measure.total(), split, f"protocol:{protocol.name}|{measure.signature}", measure.note,
        *interval(measure),
    )  # fmt: skip


def selection_value(
    predictions: Sequence[Prediction],
    samples: Sequence[Sample],
    name: str,
    *,
    protocol: Protocol,
    vocabulary: Vocabulary,
) -> float:
    """The value of a single metric, without an interval.

    Args:
        name: from `signkit.eval.metrics.main_figure`.
    """
    join = vocabulary.join
    references = {sample.id: join(sample.reference) for sample in samples}
    best = {each.id: join(text_of(each).tokens) for each in predictions}
    wanted, drawn = metric_of(name), Resampling(resamples=0)
    return score(references, best, protocol, metrics=(wanted,), resampling=drawn)[name].value


def text_of(prediction: Prediction) -> Hypothesis:
    """The output ``text`` of a prediction."""
    hypothesis = prediction.outputs[TEXT]
    assert isinstance(hypothesis, Hypothesis)
    return hypothesis
