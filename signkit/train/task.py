"""What a family of models is: the protocol by which everything else knows it.

The loop, `run`, `decode`, `predict`, `tune`, `profile`, the export and the report speak to a `Task`; all that
is special to a family lies in its folder below `signkit/tasks`. A package of your own registers one:

    [project.entry-points."signkit.tasks"]
    counting = "my_package.configs:CountingConfig"

The options are a frozen dataclass with a ``factory``, called as ``build(config, recipe)``. The options of a
model name their task in a class variable: ``task: ClassVar[str] = "counting"``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
"""Takes a line for the user."""


def silent(message: str) -> None:
    """Says nothing."""


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a training loss, not yet divided by anything.

    Attributes:
        total: of each sample; 0 where its weight is 0.
        figures: what the log shows of it, of each sample, without a gradient.
    """

    total: Float[Tensor, " batch"]
    figures: Mapping[str, Float[Tensor, " batch"]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The score of a split while training.

    Attributes:
        counts: whether it may be the best one: False as long as a part of the model is not trained yet.
    """

    value: float
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Calibration:
    """Predictions with calibrated confidences.

    Attributes:
        predictions: of each split, as they were given.
        temperature: of the confidences.
        fitted: whether it is the one that fits dev best.
        scores: what the confidences of each split are worth.
        evidence: what the task's sections show of it.
    """

    predictions: dict[str, list[Prediction]]
    temperature: float
    fitted: bool
    scores: dict[str, list[Score]]
    evidence: Any = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a model makes of some splits, to be shown.

    Attributes:
        selected: the name of the metric of dev that the weights were selected by; "" without a dev.
        metrics: of the task, see `Task.metrics`.
        predictions: of each split, in the order of its samples.
        samples: of each split, their targets in the task's units.
        calibration: None of a task that calibrates nothing.
        run: the folder of the training, for its curves.
        folder: where pictures are written.
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


@runtime_checkable
class Task(Protocol):
    """A family of models, for one recipe.

    What it is given and gives: a corpus becomes a `Spec` and datasets, a spec a model, a batch a loss when
    training and predictions when not, predictions scores and sections of a report.
    """

    @property
    def selection(self) -> Metric:
        """What dev is judged by while training; it may be a loss.

        Raises:
            UserError: the recipe's protocol is at fault.
        """
        ...

    @property
    def metrics(self) -> Sequence[Metric]:
        """How its scores are presented, those that `signkit.eval.figures` does not know by name."""
        ...

    def spec(self, corpus: Corpus, say: Say) -> Spec:
        """What a model of this corpus reads and writes; vocabularies are those of train.

        Raises:
            UserError: the corpus has nothing to learn from.
        """
        ...

    def targets(self, samples: Sequence[Sample], spec: Spec) -> tuple[Sample, ...]:
        """The samples with their targets in the units of the spec, such as characters."""
        ...

    def model(self, spec: Spec) -> nn.Module:
        """A model with fresh weights; no corpus is read.

        Raises:
            UserError: the parts of the recipe do not fit together.
        """
        ...

    def dataset(
        self, samples: Sequence[Sample], spec: Spec, *, model: nn.Module | None = None, say: Say = silent
    ) -> Dataset:
        """The samples (of `targets`) by index. They need no targets where nothing is trained or scored.

        Args:
            model: that is trained on them: what it cannot learn is left out, and clips are augmented.

        Raises:
            UserError: a sample cannot be learnt, and the recipe does not allow that it is left out.
        """
        ...

    def check(self, models: Sequence[TrainedModel], corpus: Callable[[], Corpus]) -> None:
        """Refuse what `predict` could not do with these models: before a training, and before its first
        sample. What it reads may be kept for `predict`.

        Raises:
            UserError: such as a language model of the search that is not there.
        """
        ...

    def weights(self, model: nn.Module, batch: Batch) -> Mapping[str, Float[Tensor, " batch"]]:
        """The weight of each sample in each term of the loss: 0 for one that is left out.

        It is known by targets and lengths alone, before any of a step's batches is computed, so that the
        parts of a step and the processes of a run add up to the very same mean.
        """
        ...

    def loss(
        self, model: nn.Module, forward: Callable[[Batch], Any], batch: Batch, share: float
    ) -> Mapping[str, Term]:
        """The terms of the loss of a batch.

        Args:
            forward: the model as it is called, once: it may stand behind a wrapper of several processes.
            share: how much of the run is done, from 0 to 1.
        """
        ...

    def evaluate(self, model: nn.Module, dataset: Dataset, spec: Spec, step: int, say: Say) -> Evaluation:
        """The `selection` of the model's present weights on a split.

        Args:
            step: of the training, counted from 1.
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
        """What one model, or an ensemble of several, makes of some samples, by the first one's recipe.

        Args:
            corpus: the run's, its targets in the task's units, for what has to be learnt from train; it is
                read only if it is called.
            on_progress: called with the number of samples done so far.
            scored: whether the predictions will be scored, so that what is only for that is computed too.

        Raises:
            UserError: models that do not go together.
            OperationalError: a model gives no numbers.
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
        """Every figure that the recipe's protocol names, with its interval, and those of the task itself."""
        ...

    def sections(self, outcome: Outcome, *, brief: bool) -> Sequence[Section]:
        """What a report shows below the table of all scores; pictures are written to the outcome's folder.

        Args:
            brief: for a terminal: no pictures, few examples.
        """
        ...


@runtime_checkable
class Beginning(Protocol):
    """A task with work to do once, before the first step."""

    def begin(self, model: nn.Module, spec: Spec, corpus: Corpus, watch: Any) -> None:
        """Change the model in place; `watch` is a `signkit.runtime.progress.Watch`."""
        ...


@runtime_checkable
class Calibrating(Protocol):
    """A task whose confidences are calibrated on dev."""

    def calibrate(
        self,
        predictions: Mapping[str, list[Prediction]],
        samples: Mapping[str, Sequence[Sample]],
        spec: Spec,
    ) -> Calibration:
        """Fit the temperature on dev where the recipe names none, and judge every split."""
        ...


@runtime_checkable
class Packing(Protocol):
    """A task that needs more than the model to predict, such as language models of the search."""

    def pack(
        self, model: TrainedModel, corpus: Callable[[], Corpus], temperature: float, folder: Path
    ) -> DecodeConfig:
        """Copy what is needed into a folder; gives the section `decode` that names it there."""
        ...


@runtime_checkable
class Searched(Protocol):
    """A split whose encoder outputs are at hand, to be searched again and again."""

    spec: Spec
    references: dict[str, tuple[str, ...]]

    def search(self, decode: Any, nbest: int | None = 1) -> dict[str, list[Any]]:
        """The best candidates of every sample by id, all of the beam if `nbest` is None."""
        ...


@runtime_checkable
class Searchable(Protocol):
    """A task whose decoding has settings worth tuning.

    Attributes:
        protocol: by which what is found is scored.
    """

    @property
    def protocol(self) -> ScoringProtocol: ...

    def searched(
        self,
        models: Sequence[TrainedModel],
        dataset: Dataset,
        tuned: Sequence[str],
        *,
        corpus: Callable[[], Corpus],
        on_progress: Callable[[int], None],
    ) -> Searched:
        """Run the encoder over a split, once.

        Args:
            tuned: the keys of `decode` whose values will change.
        """
        ...


@runtime_checkable
class GivesPosteriors(Protocol):
    """A task whose models have a distribution for every chunk of a clip."""

    def posteriors(self, models: Sequence[TrainedModel], batches: Iterable[Batch]) -> Iterator[Posteriors]:
        """The distributions of some samples, by the first model's recipe.

        Raises:
            UserError: models that do not go together.
            OperationalError: a model gives no numbers.
        """
        ...


@dataclass(frozen=True, slots=True)
class Shapes:
    """What a recipe does not say of its data.

    Attributes:
        frames: of each clip.
        batch: clips that are computed together; 0: as many as the recipe's.
        vocabulary: symbols, the blank included; 0: the corpus's where it is read, else a usual number.
        layout: of landmarks; "": the corpus's.
        width: coordinates a point, or numbers a feature vector; 0: the corpus's.
    """

    frames: int
    batch: int = 0
    vocabulary: int = 0
    layout: str = ""
    width: int = 0


@runtime_checkable
class Profilable(Protocol):
    """A task whose models can be measured without a corpus."""

    def example(self, shapes: Shapes) -> tuple[Spec, Batch]:
        """A synthetic batch whose clips have all the frames, and what a model of it reads and writes.

        Raises:
            UserError: the corpus has to be read, and cannot be.
        """
        ...


def task_of(recipe: Recipe) -> Task:
    """The task of a recipe's model.

    Raises:
        UserError: no package has registered it.
    """
    return cast(Task, task_by_name(recipe))
