"""Classification: a class of the whole clip, or several, by a head each."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from signkit.config.recipe import Recipe
from signkit.config.registry import build as build_component
from signkit.data.batch import Batch
from signkit.data.examples import Examples
from signkit.data.loader import Dataset
from signkit.decode.configs import LabelsConfig
from signkit.errors import OperationalError, UserError
from signkit.eval.figures import Metric
from signkit.models.assemble import assemble
from signkit.models.classifier import LabelLogits
from signkit.models.configs import ClassifierConfig
from signkit.models.export import TrainedModel
from signkit.models.losses.configs import CrossEntropyConfig, LossTerm
from signkit.models.losses.labels import MISSING
from signkit.models.spec import SIGNAL, SignalInput, Spec
from signkit.report.sections import Section
from signkit.tasks.classification import report, scoring
from signkit.tasks.classification.example import example
from signkit.tasks.classification.heads import doubts, encoder_of, labelled, labels_of, learnable
from signkit.tasks.classification.mixing import Mixed, mix
from signkit.tasks.classification.probabilities import calibrate, prediction
from signkit.tasks.configs import ClassificationConfig
from signkit.train.sharing import of_all, own_batches
from signkit.train.task import Calibration, Evaluation, Outcome, Say, Shapes, Term, silent
from signkit.types import VIDEO, Corpus, Prediction, Sample, Score

AUXILIARY = "auxiliary"
"""The term of the encoder's own loss."""


class Classification:
    """The `signkit.train.task.Task` of models that return `LabelLogits`."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.heads = cast(ClassifierConfig, recipe.model).heads
        self._built: list[tuple[LossTerm, Any]] | None = None

    @property
    def decode(self) -> LabelsConfig:
        """The recipe's options of prediction."""
        return cast(LabelsConfig, self.recipe.decode)

    @property
    def selection(self) -> Metric:
        return self.metrics[0]

    @property
    def metrics(self) -> Sequence[Metric]:
        return scoring.metrics([head.name for head in self.heads])

    def spec(self, corpus: Corpus, say: Say) -> Spec:
        outputs = {head.name: labels_of(head, corpus) for head in self.heads}
        for doubt in doubts(corpus, outputs):
            say(doubt)
        return Spec({SIGNAL: SignalInput(corpus.layout, corpus.width)}, outputs)

    def targets(self, samples: Sequence[Sample], spec: Spec) -> tuple[Sample, ...]:
        return tuple(map(labelled, samples))

    def model(self, spec: Spec) -> nn.Module:
        return assemble(self.recipe, spec, classes={name: len(of) for name, of in spec.outputs.items()})

    def dataset(
        self, samples: Sequence[Sample], spec: Spec, *, model: nn.Module | None = None, say: Say = silent
    ) -> Dataset:
        """Clips with the numbers of their classes; for training without those that have no label."""
        for number, loss in enumerate(self.recipe.train.losses):
            for key in ("mixup", "cutmix"):
                if getattr(loss, key, 0) and spec.signal.layout != VIDEO:
                    what = "mixes pictures, and the corpus has none"
                    raise UserError(f"train.losses.{number}.{key}", what, "leave it out")
        if model is not None:
            samples, unlabelled = learnable(samples, spec)
            if not samples:
                raise UserError("data", "no sample of train has a label")
            if unlabelled:
                say(f"left out of train, without any label: {unlabelled} samples")
        recipe, signal = self.recipe, spec.signal
        return Examples(
            samples,
            layout=signal.layout,
            width=signal.width,
            encode=lambda tokens: (),
            label=encoder_of(spec),
            landmarks=recipe.landmarks,
            video=recipe.video,
            sampling=recipe.sampling,
            augment=recipe.augment if model is not None else None,
            seed=recipe.train.seed,
        )

    def check(self, models: Sequence[TrainedModel], corpus: Callable[[], Corpus]) -> None:
        for other in models[1:]:
            if other.spec.outputs != models[0].spec.outputs:
                raise UserError("decode.ensemble", f"{other.recipe.name!r} has other heads or classes")

    def weights(self, model: nn.Module, batch: Batch) -> Mapping[str, Float[Tensor, " batch"]]:
        """Of each head 1 for a sample with its label; the encoder's own loss counts with any label."""
        known = batch.targets != MISSING
        weights = {head.name: known[:, place].float() for place, head in enumerate(self.heads)}
        return weights | {AUXILIARY: known.any(1).float()}

    def loss(
        self, model: nn.Module, forward: Callable[[Batch], Any], batch: Batch, share: float
    ) -> Mapping[str, Term]:
        """A term for each head: the weighted sum of the recipe's losses at this point of the training."""
        mixed = mix(batch, self._mixing(share)) if model.training else Mixed(batch)
        output: LabelLogits = forward(mixed.batch)
        weights, terms = self.weights(model, batch), dict[str, Term]()
        for place, head in enumerate(self.heads):
            logits = output.heads[head.name]
            # Every parameter has to take part in every step, also of a head that no sample has a label for.
            total = 0.0 * logits.sum(1)
            for config, compute in self._terms():
                if config.start <= share < config.end:
                    total = total + config.weight * mixed.loss(compute, logits, place)
            figures = {head.name: total.detach()} if len(self.heads) > 1 else {}
            terms[head.name] = Term(head.weight * total, figures)
        terms[AUXILIARY] = Term(torch.where(weights[AUXILIARY] > 0, output.auxiliary, 0.0))
        return terms

    def evaluate(self, model: nn.Module, dataset: Dataset, spec: Spec, step: int, say: Say) -> Evaluation:
        """The accuracy, the mean of the heads."""
        trained = TrainedModel(self.recipe, spec, model)
        batches = own_batches(dataset, self.recipe)
        found = of_all({each.id: each for each in self._predictions([trained], batches)}, dataset)
        predictions = [found[sample.id] for sample in dataset.samples]
        return Evaluation(scoring.mean_accuracy(predictions, dataset.samples, spec))

    def predict(
        self,
        models: Sequence[TrainedModel],
        batches: Iterable[Batch],
        *,
        corpus: Callable[[], Corpus],
        on_progress: Callable[[int], None],
        scored: bool = False,
    ) -> Iterator[Prediction]:
        for done, each in enumerate(self._predictions(models, batches), 1):
            on_progress(done)
            yield each

    def calibrate(
        self,
        predictions: Mapping[str, list[Prediction]],
        samples: Mapping[str, Sequence[Sample]],
        spec: Spec,
    ) -> Calibration:
        """Fit the temperature of all heads on dev, unless the recipe has one."""
        return calibrate(predictions, samples, spec, self.decode)

    def pack(
        self, model: TrainedModel, corpus: Callable[[], Corpus], temperature: float, folder: Path
    ) -> LabelsConfig:
        """The options of prediction with the temperature that was fitted, and without other runs."""
        return replace(self.decode, temperature=temperature or self.decode.temperature, ensemble=())

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
        return scoring.scores(predictions, samples, split, spec)

    def sections(self, outcome: Outcome, *, brief: bool) -> Sequence[Section]:
        return report.brief_sections(outcome) if brief else report.sections(outcome)

    def example(self, shapes: Shapes) -> tuple[Spec, Batch]:
        """A synthetic batch for the recipe's encoder and heads."""
        return example(self.recipe, self.heads, shapes)

    def _predictions(self, models: Sequence[TrainedModel], batches: Iterable[Batch]) -> Iterator[Prediction]:
        """Of an ensemble the mean of its probabilities."""
        spec, decode = models[0].spec, self.decode
        device = next(models[0].model.parameters()).device
        modes = [each.model.training for each in models]
        nets = [each.model.to(device).eval() for each in models]
        try:
            for batch in batches:
                with torch.no_grad():
                    outputs = [net(batch.to(device)) for net in nets]
                log = {name: _mean([each.heads[name] for each in outputs]) for name in spec.outputs}
                auxiliary = torch.stack([each.auxiliary for each in outputs]).mean(0).double().cpu().numpy()
                for row, name in enumerate(batch.ids):
                    of_sample = {head: values[row].numpy() for head, values in log.items()}
                    if not all(torch.isfinite(values[row]).any() for values in log.values()):
                        raise OperationalError(f"the output of the model is not a number for {name}")
                    of_sample[AUXILIARY] = auxiliary[row]
                    yield prediction(name, of_sample, spec, decode.top, decode.temperature or 1.0)
        finally:
            for net, mode in zip(nets, modes, strict=True):
                net.train(mode)

    def _mixing(self, share: float) -> CrossEntropyConfig | None:
        """The options of the first loss that mixes samples at this point of the training."""
        for config, _ in self._terms():
            if config.start <= share < config.end and isinstance(config, CrossEntropyConfig):
                return config if config.mixup or config.cutmix else None
        return None

    def _terms(self) -> list[tuple[LossTerm, Any]]:
        """The options and the functions of the loss's terms, built once."""
        if self._built is None:
            self._built = [(cast(LossTerm, each), build_component(each)) for each in self.recipe.train.losses]
        return self._built


def _mean(logits: Sequence[Float[Tensor, "batch classes"]]) -> Float[Tensor, "batch classes"]:
    """The logarithm of the mean of the models' probabilities, in float64 on the CPU."""
    log = torch.stack([each.double().cpu().log_softmax(1) for each in logits])
    return log.logsumexp(0) - torch.tensor(float(len(logits)), dtype=torch.float64).log()


def build(config: ClassificationConfig, recipe: Recipe) -> Classification:
    """Create the task for a recipe."""
    return Classification(recipe)
