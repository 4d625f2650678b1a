"""Language modelling: sentences are scored token by token."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from signkit.config.recipe import Recipe
from signkit.data.batch import TextBatch
from signkit.data.loader import Dataset
from signkit.data.rare import RareAsUnknown, seen_once
from signkit.data.text_examples import TextExamples
from signkit.errors import UserError
from signkit.eval.figures import Metric, metric
from signkit.models.assemble import assemble
from signkit.models.export import TrainedModel
from signkit.models.losses.functions import LossFunction, loss_functions
from signkit.models.sentence_scores import sentence_scores
from signkit.models.spec import TEXT, Spec
from signkit.models.text_scores import TextScores, text_scores, word_scores
from signkit.report.sections import Section
from signkit.tasks.configs import LanguageConfig
from signkit.tasks.language import report
from signkit.text import subwords
from signkit.text.targets import fewer_pieces, in_unit, vocabulary_of
from signkit.text.vocabulary import Vocabulary, synthetic_vocabulary
from signkit.train.task import Evaluation, Outcome, Say, Shapes, Term, silent
from signkit.types import Corpus, Prediction, Sample, Score

FOR_RECOGNISERS = ("fusion", "rescore", "ensemble")


class Language:
    """The `signkit.train.task.Task` of causal and masked language models."""

    predicts_together = True

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._built: tuple[LossFunction, ...] | None = None

    @property
    def selection(self) -> Metric:
        return metric(report.rate_of(self.recipe))

    @property
    def metrics(self) -> Sequence[Metric]:
        return ()

    def spec(self, corpus: Corpus, say: Say) -> Spec:
        vocabulary = vocabulary_of(self.recipe.text, corpus)
        if note := fewer_pieces(vocabulary, self.recipe.text):
            say(note)
        return Spec({}, {TEXT: vocabulary})

    def targets(self, samples: Sequence[Sample], spec: Spec) -> tuple[Sample, ...]:
        return in_unit(samples, spec.vocabulary)

    def model(self, spec: Spec) -> nn.Module:
        return assemble(self.recipe, spec)

    def dataset(
        self, samples: Sequence[Sample], spec: Spec, *, model: nn.Module | None = None, say: Say = silent
    ) -> Dataset:
        encode, seed = spec.vocabulary.encode, self.recipe.train.seed
        reread = self._reread(samples, spec.vocabulary, say) if model is not None else None
        return TextExamples(samples, encode=encode, seed=seed, reread=reread)

    def check(self, models: Sequence[TrainedModel], corpus: Callable[[], Corpus]) -> None:
        if self.recipe.train.balance != "none":
            raise UserError(
                "train.balance", "is for clips of signs, and sentences have no classes", "leave it out"
            )
        if given := [key for key in FOR_RECOGNISERS if getattr(self.recipe.decode, key, ())]:
            what = "is for recognisers, and a language model recognises nothing"
            raise UserError(f"decode.{given[0]}", what, "leave it out")

    def weights(self, model: nn.Module, batch: TextBatch) -> Mapping[str, Float[Tensor, " batch"]]:
        """1 for every sentence."""
        return {"loss": torch.ones(len(batch.ids))}

    def loss(
        self, model: nn.Module, forward: Callable[[TextBatch], Any], batch: TextBatch, share: float
    ) -> Mapping[str, Term]:
        """The weighted sum of the recipe's terms, each a sum over the tokens of a sentence."""
        output = forward(batch)
        total, figures = torch.zeros(len(batch.ids), device=batch.tokens.device), dict[str, Tensor]()
        for term in self._terms():
            if term.options.start <= share < term.options.end:
                values = term(len(batch.ids), output, batch)
                total = total + term.options.weight * values
                figures[term.name] = values.detach()
        return {"loss": Term(total, figures)}

    def evaluate(self, model: Any, dataset: Dataset, spec: Spec, step: int, say: Say) -> Evaluation:
        """The perplexity; unknown tokens have the probability of the unknown token."""
        references = [sample.reference for sample in dataset.samples]
        return Evaluation(text_scores(model, spec.vocabulary, references).perplexity.perplexity)

    def predict(
        self,
        models: Sequence[TrainedModel],
        batches: Iterable[TextBatch],
        *,
        corpus: Callable[[], Corpus],
        on_progress: Callable[[int], None],
        scored: bool = False,
    ) -> Iterator[Prediction]:
        ids: list[str] = []
        sentences: list[list[int]] = []
        for batch in batches:
            ids += batch.ids
            rows = zip(batch.tokens.tolist(), batch.lengths.tolist(), strict=True)
            sentences += [tokens[:length] for tokens, length in rows]
        log = sentence_scores(models[0].model, sentences)
        on_progress(len(ids))
        for name, tokens, each in zip(ids, sentences, log, strict=True):
            yield Prediction(name, evidence=(tokens, each))

    def score(
        self,
        predictions: Sequence[Prediction],
        samples: Sequence[Sample],
        split: str,
        *,
        spec: Spec,
        corpus: Corpus,
        say: Say,
    ) -> list[Score]:
        return report.scores(self._scores(predictions, samples, spec.vocabulary), self.recipe, split)

    def sections(self, outcome: Outcome, *, brief: bool) -> Sequence[Section]:
        return report.sections(outcome, brief=brief)

    def example(self, shapes: Shapes) -> tuple[Spec, TextBatch]:
        """A synthetic batch; `shapes.frames` is the number of tokens of each sentence."""
        vocabulary, generator = synthetic_vocabulary(shapes.vocabulary), torch.Generator().manual_seed(0)
        size = shapes.batch or -(-self.recipe.train.batch_size // self.recipe.train.accumulate)
        tokens = torch.randint(2, len(vocabulary), (size, shapes.frames), generator=generator)
        ids = tuple(map(str, range(size)))
        return Spec({}, {TEXT: vocabulary}), TextBatch(ids, tokens, torch.full((size,), shapes.frames))

    def _scores(
        self, predictions: Sequence[Prediction], samples: Sequence[Sample], vocabulary: Vocabulary
    ) -> TextScores:
        tokens, log = zip(*(each.evidence for each in predictions), strict=True)
        words = [sample.reference for sample in samples]
        return word_scores(vocabulary, words, tokens, log, ends=report.predicts_end(self.recipe))

    def _terms(self) -> tuple[LossFunction, ...]:
        """The terms of the loss, built once."""
        if self._built is None:
            self._built = loss_functions(self.recipe.train.losses)
        return self._built

    def _reread(self, samples: Sequence[Sample], vocabulary: Vocabulary, say: Say) -> RareAsUnknown | None:
        """The rule by which rare tokens are read as unknown in training; None if there is none."""
        share = getattr(self.recipe.model, "unknown", 0.0)
        if not share:
            return None
        references = [sample.reference for sample in samples]
        rare, kind = seen_once(map(vocabulary.encode, references)), str(vocabulary.unit)
        if vocabulary.unit == "subword":
            # Only characters can be unknown: any other new word is spelt with the known pieces.
            letters = seen_once(tuple("".join(words)) for words in references)
            pieces = (piece for letter in letters for piece in (letter, subwords.SPACE + letter))
            rare, kind = frozenset(vocabulary.index[p] for p in pieces if p in vocabulary.index), "character"
        if not rare:
            say(f"no {kind} occurs exactly once in train, so the probability of unknown ones is not learnt")
            return None
        return RareAsUnknown(rare, share)


def build(config: LanguageConfig, recipe: Recipe) -> Language:
    """Create the task for a recipe."""
    return Language(recipe)
