"""Glosses that are recognised next to a text: joint recognition and translation.

As in Camgoz et al. 2020 ("Sign language transformers"): one encoder, a CTC head that writes glosses and a
decoder that writes the sentence, trained together.
"""

from collections.abc import Sequence
from dataclasses import replace

from signkit.decode.lattice import BeamResult
from signkit.errors import UserError
from signkit.eval.protocols import load
from signkit.eval.scores import score
from signkit.models.configs import AttentionConfig
from signkit.models.spec import GLOSS, Spec
from signkit.text.vocabulary import Vocabulary
from signkit.types import Corpus, Hypothesis, Prediction, Sample, Score


def with_glosses(spec: Spec, config: AttentionConfig, corpus: Corpus) -> Spec:
    """The specification with the output ``gloss``, if the CTC head writes glosses.

    Raises:
        UserError: the corpus has none next to its texts.
    """
    if config.ctc != "gloss":
        return spec
    train = corpus.split("train")
    if lacking := sum(not each.glosses for each in train):
        what = f"{lacking} of {len(train)} clips of train have no glosses next to their text"
        raise UserError("model.ctc", what, "such as data.reference: text of a corpus that has both")
    glosses = Vocabulary.from_references([each.glosses for each in train])
    return replace(spec, outputs={**spec.outputs, GLOSS: glosses})


def with_recognised(prediction: Prediction, spec: Spec) -> Prediction:
    """The prediction with the glosses of the CTC head, if it has one for them."""
    beam = prediction.evidence
    if spec.glosses is None or not isinstance(beam, BeamResult) or beam.glosses is None:
        return prediction
    tokens = spec.glosses.decode(beam.glosses.tokens)
    times = tuple(beam.seconds[chunk] for chunk in beam.glosses.chunks)
    found = Hypothesis(
        prediction.id, tokens, spec.glosses.join(tokens), beam.glosses.score, times, beam.glosses.confidences
    )
    return replace(prediction, outputs={**prediction.outputs, GLOSS: found})


def gloss_scores(predictions: Sequence[Prediction], samples: Sequence[Sample], split: str) -> list[Score]:
    """The word error rate of the glosses, named ``wer_glosses``; none of a model without them."""
    found = {each.id: each.outputs[GLOSS].text for each in predictions if GLOSS in each.outputs}
    if not found:
        return []
    references = {each.id: " ".join(each.glosses) for each in samples}
    scores = score(references, found, load("plain"), metrics=("wer",), split=split).scores
    return [replace(each, name=f"{each.name}_glosses") for each in scores]
