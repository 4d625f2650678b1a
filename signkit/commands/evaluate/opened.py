"""A finished run opened on other data than those it was trained on."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from signkit.commands.predict.search import corpus_of
from signkit.config.recipe_file import AFTERWARDS, reread, with_decode_overrides
from signkit.config.registry import ComponentConfig
from signkit.data.corpora import manifest
from signkit.data.corpora.build import build_corpus
from signkit.data.corpora.configs import ManifestConfig
from signkit.data.tracking import TRACK, TRACKED
from signkit.errors import UserError
from signkit.eval.protocols import load
from signkit.eval.tokens import folding
from signkit.models.export import for_reload, read_export
from signkit.models.spec import GLOSS, Labels, Output, Spec
from signkit.text.vocabulary import UNKNOWN_AT, composed
from signkit.train.reopen import Reopened, with_ensemble
from signkit.train.setup import Prepared
from signkit.train.task import task_of
from signkit.train.weights import other_weights
from signkit.types import VIDEO, WRITTEN, Corpus, Sample

WHOLE = "the run read frames that were cropped to boxes, and these are read whole: `--set data.boxes=FILE`"
UNCALIBRATED = 1.0
"""The temperature of a run without one; none is fitted to data that are only scored."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """What the references of a split have that the model cannot write.

    Attributes:
        times: how often each occurs, the most frequent first.
        all: tokens of the references.
    """

    times: dict[str, int]
    all: int

    @property
    def count(self) -> int:
        """How many of the tokens these are."""
        return sum(self.times.values())


def open_elsewhere(
    run: Path, data: ComponentConfig | None, file: Path | None, overrides: Sequence[str]
) -> tuple[Reopened, Callable[[], Corpus]]:
    """Read a finished run and other data.

    Args:
        run: the folder of the run, or one that has its export.
        data: the section `data` in place of the run's, or None.
        file: a decode recipe, such as one that `signkit tune` wrote.
        overrides: ``data.a=b``, ``decode.a=b`` or ``eval.a=b`` each.

    Returns:
        The run, its datasets those of the other data, with every split that these have; and a function that
        reads the run's own corpus, for external models that are estimated from train.

    Raises:
        UserError: it is no finished run, the data cannot be read or are not what the model reads, or an
            override cannot be used.
        OperationalError: its export is damaged.
    """
    trained = read_export(run)
    of_data = [each for each in overrides if each.startswith("data.")]
    others = [each for each in overrides if each not in of_data]
    where = str(run / "export" / "recipe.yaml")
    recipe = with_decode_overrides(trained.recipe, file, others, where, settable=("data", *AFTERWARDS))
    step = trained.step
    if recipe.decode.average != trained.recipe.decode.average:
        step = other_weights(run, recipe, trained)
    decode = replace(recipe.decode, temperature=recipe.decode.temperature or UNCALIBRATED)
    recipe = replace(recipe, decode=decode, data=data or recipe.data)
    if of_data:
        recipe = reread(recipe, where, of_data)
    task = task_of(for_reload(recipe, run / "export"))
    _ = task.selection  # raises for a faulty protocol before the corpus is read
    corpus = _corpus(recipe.data)
    _check_signal(str(getattr(recipe.data, "root", "")) or corpus.name, corpus, trained.spec)
    # Train is left out: what is "seen in train" would be that of these data, not that of the training.
    samples = tuple(task.targets(corpus.samples, trained.spec))
    notes = corpus.notes
    if getattr(trained.recipe.data, "boxes", "") and not getattr(recipe.data, "boxes", ""):
        notes = (*notes, WHOLE)
    corpus = replace(corpus, samples=samples, extra_text=(), notes=notes)
    trained = replace(trained, recipe=recipe, step=step)
    trained.to()
    models = with_ensemble(trained)
    datasets = {
        split: task.dataset(chosen, trained.spec)
        for split in ("train", "dev", "test")
        if (chosen := corpus.split(split))
    }
    without_train = replace(corpus, samples=tuple(each for each in samples if each.split != "train"))
    prepared = Prepared(recipe, task, without_train, trained.spec, datasets, trained.model)
    return Reopened(run, prepared, models), corpus_of(run, trained)


def unknown(samples: Sequence[Sample], spec: Spec, protocol: str) -> Unknown:
    """What the references have that the model cannot write, in any output.

    Args:
        protocol: tokens that it counts as equal, such as those of another case, are no unknown ones.
    """
    times: Counter[str] = Counter()
    number = 0
    fold = folding(load(protocol).case)
    for name, output in spec.outputs.items():
        tokens = [token for sample in samples for token in _tokens(sample, name, output)]
        names = output.names if isinstance(output, Labels) else output.tokens
        known = {fold(composed(token)) for token in names}
        lacking = [token for token in tokens if _lacks(output, token) and fold(composed(token)) not in known]
        times.update(lacking)
        number += len(tokens)
    return Unknown(dict(times.most_common()), number)


def _tokens(sample: Sample, name: str, output: Output) -> Sequence[str]:
    if isinstance(output, Labels):
        return [sample.labels[name]] if name in sample.labels else []
    return sample.glosses if name == GLOSS else sample.reference


def _lacks(output: Output, token: str) -> bool:
    if isinstance(output, Labels):
        return token not in output.index
    return UNKNOWN_AT in output.encode((token,))


def _corpus(data: ComponentConfig) -> Corpus:
    """Read a corpus, a manifest without rows of train too."""
    if isinstance(data, ManifestConfig):
        return manifest.read(data, to_train=False)
    corpus = build_corpus(data)
    return corpus


def _check_signal(name: str, corpus: Corpus, spec: Spec) -> None:
    """Refuse data that the model cannot read.

    Raises:
        UserError: they have another layout or another width.
    """
    wanted = spec.signal
    # The width of sources is the size of their vocabulary, which is the model's.
    widths = corpus.layout == WRITTEN or corpus.width == wanted.width
    if spec.inputs and (corpus.layout != wanted.layout or not widths):
        theirs, ours = _signal(corpus.layout, corpus.width), _signal(wanted.layout, wanted.width)
        hint = TRACK if corpus.layout == VIDEO and wanted.layout in TRACKED else ""
        raise UserError(name, f"has {theirs}, and the run reads {ours}", hint)


def _signal(layout: str, width: int) -> str:
    if layout in (VIDEO, WRITTEN):
        return "video" if layout == VIDEO else "written sources"
    return (
        f"landmarks of layout {layout!r} with {width} coordinates" if layout else f"features of width {width}"
    )
