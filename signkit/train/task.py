"""The protocol of tasks. A task is a family of models with its loss, its decoding and its scores.

The training loop, `run`, `decode`, `predict`, `tune`, `profile`, the export and the report use nothing but a
`Task`; everything that is specific to a family is in its folder below `signkit/tasks`. Your own package
registers a task by an entry point:

    [project.entry-points."signkit.tasks"]
    counting = "my_package.configs:CountingConfig"

The options are a frozen dataclass with a ``factory``, called as ``build(config, recipe)``. The options of a
model name their task in a class variable: ``task: ClassVar[str] = "counting"``.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

from signkit.config.recipe import DecodeConfig, Recipe
from signkit.data.loader import Batch, Dataset
from signkit.eval.figures import Metric
from signkit.eval.protocols import Protocol as ScoringProtocol
from signkit.models.assemble import task_by_name
from signkit.models.export import TrainedModel
from signkit.models.spec import Spec
from signkit.report.sections import Section
from signkit.types import Corpus, Posteriors, Prediction, Sample, Score

Say = Callable[[str], None]
"""Shows a line to the user."""


DEV_IN_TRAIN = "dev is in train too (data.dev_in_train): its figures say nothing about other clips"
"""A note on scores of dev."""


def silent(message: str) -> None:
    """A `Say` that shows nothing."""


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a training loss, per sample. The loop sums it and divides by the total weight.

    Attributes:
        total: the loss of each sample; 0 if its weight is 0.
        figures: values of each sample for the log, by name, without a gradient.
    """

    total: Float[Tensor, " batch"]
    figures: Mapping[str, Float[Tensor, " batch"]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The score of a split during training.

    Attributes:
        value: the value of the task's `selection`.
        counts: whether it may be selected as the best; False as long as a part of the model is not trained
            yet.
    """

    value: float
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Calibration:
    """Predictions with calibrated confidences.

    Attributes:
        predictions: of each split, in the order they were passed in.
        temperature: of the confidences.
        fitted: whether the temperature was fitted on dev.
        scores: calibration errors of each split.
        evidence: data for the task's own report sections.
    """

    predictions: dict[str, list[Prediction]]
    temperature: float
    fitted: bool
    scores: dict[str, list[Score]]
    evidence: Any = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The predictions and scores of a model, to be reported.

    Attributes:
        recipe: the run's recipe, or that with other settings of decoding.
        spec: inputs and outputs of the model.
        step: the training step of the weights.
        selected: the name of the dev metric that selected the weights; "" without a dev split.
        scores: of every split.
        metrics: of the task, see `Task.metrics`.
        predictions: of each split, in the order of its samples.
        samples: of each split, their targets in the task's units.
        calibration: None for a task without calibration.
        run: the folder of the training, for its curves.
        folder: the folder that pictures are written to.
        corpus: its train references, for analyses of what train had; None if they are not known.
        remarks: further notes on the scores.
    """

    recipe: Recipe
    spec: Spec
    step: int
    selected: str
    scores: tuple[Score, ...]
    predictions: dict[str, list[Prediction]]
    samples: dict[str, tuple[Sample, ...]]
    calibration: Calibration | None
    run: Path
    folder: Path
    metrics: tuple[Metric, ...] = ()
    corpus: Corpus | None = None
    remarks: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the scores has to know: that there are none, or that dev was trained on."""
        splits = self.recipe.decode.splits
        if not self.predictions:
            return (f"{f'no {_either(splits)}' if splits else 'decode.splits is empty'}: nothing was scored",)
        in_train = self.recipe.dev_in_train and "dev" in self.predictions
        return (*self.remarks, *([DEV_IN_TRAIN] if in_train else []))


def _either(splits: Sequence[str]) -> str:
    return " or ".join(splits)


@runtime_checkable
class Task(Protocol):
    """A family of models, for one recipe.

    A task derives a `Spec` and datasets from a corpus and builds a model from the spec. It computes the loss
    of a batch in training and predictions afterwards, and from predictions the scores and the sections of a
    report.
    """

    @property
    def selection(self) -> Metric:
        """The metric on dev that selects the best weights; it may be a loss.

        Raises:
            UserError: the recipe's protocol has a fault.
        """
        ...

    @property
    def metrics(self) -> Sequence[Metric]:
        """How its scores are presented, those that `signkit.eval.figures` does not know by name."""
        ...

    def spec(self, corpus: Corpus, say: Say) -> Spec:
        """Inputs and outputs of a model for this corpus; vocabularies are built from the train split.

        Raises:
            UserError: the corpus has nothing to build a vocabulary from.
        """
        ...

    def targets(self, samples: Sequence[Sample], spec: Spec) -> tuple[Sample, ...]:
        """The samples with their targets in the units of the spec, such as characters."""
        ...

    def model(self, spec: Spec) -> nn.Module:
        """Build a model with fresh weights, without reading a corpus.

        Raises:
            UserError: the parts of the recipe do not fit together.
        """
        ...

    def dataset(
        self, samples: Sequence[Sample], spec: Spec, *, model: nn.Module | None = None, say: Say = silent
    ) -> Dataset:
        """A dataset of samples (from `targets`). Targets may be empty if nothing is trained or scored.

        Args:
            model: the model to be trained on the dataset, or None. With a model, clips are augmented and
                samples that it cannot learn are left out.

        Raises:
            UserError: a sample cannot be learnt, and the recipe does not allow leaving it out.
        """
        ...

    def check(self, models: Sequence[TrainedModel], corpus: Callable[[], Corpus]) -> None:
        """Check that `predict` can work with these models. It is called before a training and before
        predicting; the task may cache what it reads for `predict`.

        Raises:
            UserError: it cannot, for example because a language model of the search does not exist.
        """
        ...

    def weights(self, model: nn.Module, batch: Batch) -> Mapping[str, Float[Tensor, " batch"]]:
        """The weight of each sample in each term of the loss; 0 for a sample that is left out. The loop
        multiplies it, and the sample's loss, with that of `train.balance: class_weights`.

        Weights depend on targets and lengths only. The loop needs those of all parts of a step before it
        computes the first part, so that the parts and the processes of a run add up to exactly the same mean.
        """
        ...

    def loss(
        self, model: nn.Module, forward: Callable[[Batch], Any], batch: Batch, share: float
    ) -> Mapping[str, Term]:
        """The terms of the loss of a batch.

        Args:
            forward: calls the model; it has to be called exactly once. It may be a wrapper for training with
                several processes, which only synchronises gradients of calls through it.
            share: the share of the training that is done, from 0 to 1.
        """
        ...

    def evaluate(self, model: nn.Module, dataset: Dataset, spec: Spec, step: int, say: Say) -> Evaluation:
        """The value of `selection` for the model's current weights on a split.

        Args:
            step: the number of updates so far.
        """
        ...

    def predict(
        self,
        models: Sequence[TrainedModel],
        batches: Iterable[Batch],
        *,
        corpus: Callable[[], Corpus],
        on_progress: Callable[[int], None],
        scored: bool = False,
    ) -> Iterator[Prediction]:
        """Predictions of one model, or of an ensemble of several, with the first one's recipe.

        Args:
            corpus: returns the run's corpus, its targets in the task's units, for external models that are
                estimated from train. It is read only when it is called.
            on_progress: called with the number of samples done so far.
            scored: whether the predictions will be scored, so that data for scores only are computed, too.

        Raises:
            UserError: the models cannot be joined.
            OperationalError: the output of a model is not finite.
        """
        ...

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
        """All metrics of the recipe's protocol, with their intervals, and those of the task itself."""
        ...

    def sections(self, outcome: Outcome, *, brief: bool) -> Sequence[Section]:
        """The sections of a report below the table of scores; pictures are written to the outcome's folder.

        Args:
            brief: for a terminal, without pictures and with few examples.
        """
        ...


@runtime_checkable
class Beginning(Protocol):
    """A task with work to do once, before the first step, such as pre-training."""

    def begin(self, model: nn.Module, spec: Spec, corpus: Corpus, watch: Any) -> None:
        """Change the model in place; `watch` is a `signkit.runtime.progress.Watch`."""
        ...


@runtime_checkable
class Remarking(Protocol):
    """A task that looks at the figures of each step of a training and may have something to say."""

    def remark(self, step: int, figures: Mapping[str, float]) -> str:
        """A line for the user, or "" """
        ...


@runtime_checkable
class Fitting(Protocol):
    """A task with a part of the model that is fitted to its outputs once the training is over."""

    def fit(self, model: nn.Module, spec: Spec, corpus: Corpus, folder: Path, watch: Any) -> None:
        """Change the model, which has the chosen weights, in place.

        Args:
            folder: of the run; what the report is to show can be written there.
            watch: a `signkit.runtime.progress.Watch`.
        """
        ...


@runtime_checkable
class PredictsTogether(Protocol):
    """A task whose `predict` computes all samples of a split together, so that one process has to do it."""

    predicts_together: bool


@runtime_checkable
class Calibrating(Protocol):
    """A task whose confidences are calibrated on dev."""

    def calibrate(
        self,
        predictions: Mapping[str, list[Prediction]],
        samples: Mapping[str, Sequence[Sample]],
        spec: Spec,
    ) -> Calibration:
        """Fit the temperature on dev, unless the recipe has one, and compute calibration errors of every
        split."""
        ...


@runtime_checkable
class Packing(Protocol):
    """A task that needs more than the model to predict, such as language models of the search."""

    def pack(
        self, model: TrainedModel, corpus: Callable[[], Corpus], temperature: float, folder: Path
    ) -> DecodeConfig:
        """Copy what is needed into a folder; returns the section `decode` that refers to the copies."""
        ...


@runtime_checkable
class Searched(Protocol):
    """A split whose encoder outputs are cached, to be searched many times."""

    spec: Spec
    references: dict[str, tuple[str, ...]]

    def search(self, decode: Any, nbest: int | None = 1) -> dict[str, list[Any]]:
        """The `nbest` candidates of every sample by id, or the whole beam if `nbest` is None."""
        ...


@runtime_checkable
class Searchable(Protocol):
    """A task whose decoding has settings worth tuning.

    Attributes:
        protocol: that hypotheses are scored by.
    """

    @property
    def protocol(self) -> ScoringProtocol: ...

    def idle(self, nets: Sequence[nn.Module]) -> Collection[str]:
        """The keys of `decode` that would be tuned, but have no effect on any of these models."""
        ...

    def searched(
        self,
        models: Sequence[TrainedModel],
        dataset: Dataset,
        tuned: Sequence[str],
        *,
        corpus: Callable[[], Corpus],
        on_progress: Callable[[int], None],
    ) -> Searched:
        """Run the encoder over a split, once, and cache its outputs.

        Args:
            tuned: the keys of `decode` whose values will change.
        """
        ...


@runtime_checkable
class GivesPosteriors(Protocol):
    """A task whose models have a distribution for every chunk of a clip."""

    def posteriors(self, models: Sequence[TrainedModel], batches: Iterable[Batch]) -> Iterator[Posteriors]:
        """The distributions of some samples, with the first model's recipe.

        Raises:
            UserError: the models cannot be joined.
            OperationalError: the output of a model is not finite.
        """
        ...


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes of data that a recipe does not determine.

    Attributes:
        frames: of each clip.
        batch: clips in a batch; 0: the recipe's.
        vocabulary: symbols including the blank; 0: the corpus's if it is read, else a default.
        layout: of landmarks; "": the corpus's.
        width: coordinates of a point, or size of a feature vector; 0: the corpus's.
    """

    frames: int
    batch: int = 0
    vocabulary: int = 0
    layout: str = ""
    width: int = 0


@runtime_checkable
class Profilable(Protocol):
    """A task whose models can be profiled with synthetic data."""

    def example(self, shapes: Shapes) -> tuple[Spec, Batch]:
        """The specification of a model, and a synthetic batch for it without padding.

        Raises:
            UserError: the corpus has to be read for its shapes, and cannot be.
        """
        ...


def task_of(recipe: Recipe) -> Task:
    """The task of a recipe's model.

    Raises:
        UserError: no package has registered it.
    """
    return cast(Task, task_by_name(recipe, Task))
