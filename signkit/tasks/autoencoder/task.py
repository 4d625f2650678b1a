"""Autoencoders: trained to reconstruct pictures, then their latent vectors are classified."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from signkit.config.recipe import Recipe
from signkit.data.batch import Batch
from signkit.data.loader import Dataset, eval_batches
from signkit.eval.figures import Metric
from signkit.models.classifier import LabelLogits
from signkit.models.configs import AutoencoderForestConfig
from signkit.models.spec import Spec
from signkit.report.sections import Section
from signkit.runtime.files import write_json
from signkit.tasks.autoencoder import report
from signkit.tasks.autoencoder.fit import Fit, fit
from signkit.tasks.classification.task import AUXILIARY, Classification
from signkit.tasks.configs import AutoencoderConfig
from signkit.train.sharing import of_all, own_batches
from signkit.train.task import Evaluation, Outcome, Say, Term
from signkit.types import Corpus, Prediction, Sample, Score

ERROR = Metric("reconstruction_error", "reconstruction error", short="reconstruction")
"""The root of the mean square of the differences of colours, as a share of their range."""
TERM = "reconstruction"


class Autoencoder(Classification):
    """The `signkit.train.task.Task` of autoencoders: a classifier that is trained in another way."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.config = cast(AutoencoderForestConfig, recipe.model)

    @property
    def selection(self) -> Metric:
        return ERROR

    @property
    def metrics(self) -> Sequence[Metric]:
        return (*super().metrics, ERROR)

    def weights(self, model: nn.Module, batch: Batch) -> Mapping[str, Float[Tensor, " batch"]]:
        """1 for every sample: pictures need no label."""
        return {TERM: torch.ones(len(batch.ids))}

    def loss(
        self, model: nn.Module, forward: Callable[[Batch], Any], batch: Batch, share: float
    ) -> Mapping[str, Term]:
        output: LabelLogits = forward(batch)
        total = 0.0 * output.auxiliary
        for config, compute in self._terms():
            if config.start <= share < config.end:
                total = total + config.weight * compute(output)
        return {TERM: Term(total)}

    def evaluate(self, model: nn.Module, dataset: Dataset, spec: Spec, step: int, say: Say) -> Evaluation:
        """The reconstruction error."""
        device, mode = next(model.parameters()).device, model.training
        model.eval()
        try:
            with torch.no_grad():
                errors = {
                    name: error
                    for batch in own_batches(dataset, self.recipe)
                    for name, error in zip(batch.ids, model(batch.to(device)).auxiliary.tolist(), strict=True)
                }
        finally:
            model.train(mode)
        mean = torch.tensor([*of_all(errors, dataset).values()], dtype=torch.float64).mean()
        return Evaluation(float(mean.sqrt()))

    def fit(self, model: nn.Module, spec: Spec, corpus: Corpus, folder: Path, watch: Any) -> None:
        """Fit the classifier to the vectors of train; writes ``fit.json`` and ``reconstructions.png``."""
        label = self.config.label
        samples = [s for s in corpus.split("train") if s.labels.get(label) in spec.outputs[label].index]
        dataset = self.dataset(samples, spec)
        vectors, targets = self._vectors(model, dataset, watch)
        watch.say(f"fitting {self.config.classifier} to {len(vectors)} vectors of {vectors.shape[1]} numbers")
        signers = [sample.signer for sample in samples]
        found = fit(vectors, targets, signers, len(spec.outputs[label]), self.config, self.recipe.train.seed)
        model.heads[label].fill(found.arrays)  # type: ignore[index, union-attr]
        for line in report.fit_notes(found, self.config):
            watch.say(line)
        write_json(folder / report.FIT, _plain(found))
        held_out = corpus.split("dev") or corpus.split("train")
        shown = self.dataset(_some(held_out), spec)
        report.draw(folder / report.PICTURES, model, next(iter(eval_batches(shown, len(shown)))))

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
        scores = super().score(predictions, samples, split, spec=spec, corpus=corpus, say=say)
        squares = [float(each.evidence[AUXILIARY]) for each in predictions]
        note, how = f"{len(squares)} clips", "root mean square|colours:0-1"
        return [*scores, Score(ERROR.name, float(np.mean(squares)) ** 0.5, split, how, note)]

    def sections(self, outcome: Outcome, *, brief: bool) -> Sequence[Section]:
        shown = super().sections(outcome, brief=brief)
        return shown if brief else [*report.sections(outcome), *shown]

    def _vectors(self, model: Any, dataset: Dataset, watch: Any) -> tuple[Any, Any]:
        """The latent vector of each sample, float32, and the number of its class."""
        device = next(model.parameters()).device
        model.eval()
        found: dict[str, tuple[Any, int]] = {}
        with watch.bar("latent vectors", len(dataset)) as bar, torch.no_grad():
            for batch in own_batches(dataset, self.recipe, shared=False):
                latents = model.latents(batch.to(device)).cpu().numpy()
                targets = (batch.targets[:, 0] - 1).tolist()  # 0: missing
                found |= dict(zip(batch.ids, zip(latents, targets, strict=True), strict=True))
                bar.at(len(found))
        rows = [found[sample.id] for sample in dataset.samples]
        return np.stack([row for row, _ in rows]), np.array([target for _, target in rows])


def _some(samples: Sequence[Sample]) -> list[Sample]:
    """A few of them, evenly from the first to the last."""
    places = np.linspace(0, len(samples) - 1, min(report.SHOWN, len(samples))).round().astype(int)
    return [samples[place] for place in np.unique(places).tolist()]


def _plain(found: Fit) -> dict[str, Any]:
    """A fit as JSON has it."""
    return {
        "chosen": found.chosen,
        "converged": found.converged,
        "cross_validation": found.validation,
        "tried": [asdict(each) for each in found.tried],
    }


def build(config: AutoencoderConfig, recipe: Recipe) -> Autoencoder:
    """Create the task for a recipe."""
    return Autoencoder(recipe)
