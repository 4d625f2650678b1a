"""What `import signkit` offers besides losses and decoders: a finished run as a model, and a recipe run.

The functions are found in `signkit` itself: ``signkit.load``, ``signkit.run``. docs/python.md shows them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias, cast, overload

import numpy as np
import torch

from signkit.commands.export.hub import Shared, fetched
from signkit.commands.predict.batches import clip_batches
from signkit.commands.predict.inputs import Failures, Source, missing_of, opened, reads_stills
from signkit.commands.predict.named import Input
from signkit.commands.predict.options import PredictOptions
from signkit.commands.predict.search import corpus_of, load_model
from signkit.commands.predict.streamed import opened_stream
from signkit.commands.predict.tracking import tracked
from signkit.commands.predict.zoomed import zoomed, zooms
from signkit.commands.run import carry_out
from signkit.commands.stages import carry_out_stages
from signkit.commands.translate.sentences import Sentence
from signkit.commands.translate.verb import translated, usable
from signkit.config.recipe import Recipe
from signkit.config.recipe_file import load_pipeline, load_recipe
from signkit.data.corpora.table import fail_together
from signkit.data.loader import Batch
from signkit.data.video.array import ArrayClip
from signkit.errors import UserError
from signkit.eval.results import MainScores, in_brief, read_results
from signkit.models.export import TrainedModel
from signkit.models.spec import Spec
from signkit.runtime.progress import Watch
from signkit.runtime.resume import folder_to_resume
from signkit.runtime.run_folder import new_folder, state
from signkit.runtime.runs import RunRef, carried, find_run
from signkit.text.vocabulary import Vocabulary
from signkit.train.reopen import with_ensemble
from signkit.train.streams import Stream, StreamOptions
from signkit.train.task import GivesPosteriors, task_of
from signkit.types import (
    VIDEO,
    Features,
    Hypothesis,
    Landmarks,
    Posteriors,
    Prediction,
    Score,
    Signal,
    Text,
    Video,
)

PathInput: TypeAlias = str | PathLike[str]
ClipInput: TypeAlias = np.ndarray[Any, Any] | torch.Tensor | Landmarks | Features | Video | PathInput
"""One clip: an array, a signal, or the path of a file or a folder of frames."""


def load(
    run: RunRef,
    *,
    beam: int | None = None,
    decode: Mapping[str, Any] | PathInput | None = None,
    device: str | None = None,
) -> "LoadedModel":
    """Open a finished run, or the folder of an export, as a model that predicts.

    Args:
        run: the folder of the run, as `signkit run` prints it, any other name of it, such as ``latest``, or
            what `run`, `runs` or `grid` return.
        beam: width of the beam in place of the run's; 1 is greedy search, without language models.
        decode: keys of the recipe's section `decode` with other values, ``{"length_reward": 1.0}``, or a
            file of them, such as `signkit tune` writes.
        device: such as ``"cpu"`` or ``"cuda:1"``; the GPU if there is one.

    Raises:
        UserError: it is no finished run, or one of a language model; a key or a value of ``decode`` is
            wrong; there is no such device.
        OperationalError: the export is damaged.
    """
    folder = find_run(run)
    file = Path(decode) if isinstance(decode, str | PathLike) else None
    overrides = tuple(f"decode.{key}={_as_yaml(key, value)}" for key, value in _items(decode))
    trained = load_model(folder, PredictOptions(with_file=file, overrides=overrides, beam=beam))
    try:
        trained.to(device)
    except (RuntimeError, AssertionError) as error:  # torch's own, of a name or of what is not there
        raise UserError(
            "device", f"{device or 'cuda'!r} cannot be used: {str(error).splitlines()[0]}"
        ) from error
    return LoadedModel(folder, with_ensemble(trained))


def from_pretrained(
    pretrained_model_name_or_path: PathInput,
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: PathInput | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
    **options: Any,
) -> "LoadedModel":
    """Open a model that `LoadedModel.save_pretrained`, `push_to_hub` or `export` wrote.

    Args:
        pretrained_model_name_or_path: a folder, for which the network is not used, or ``USER/MODEL`` on the
            Hugging Face Hub, which is downloaded unless it is in the cache.
        revision: a branch, a tag or a commit of the Hub.
        token: for private models; that of `hf auth login` if not given.
        cache_dir: in place of huggingface_hub's own.
        local_files_only: take the Hub's model from the cache alone.
        force_download: download it, though the cache has it.
        options: of `load`.

    Raises:
        UserError: there is no such model or revision; and as `load`.
        OperationalError: the Hub cannot be reached; and as `load`.
    """
    name = str(pretrained_model_name_or_path)
    if Path(name).is_dir() or name in carried():
        return load(name, **options)
    folder = fetched(
        name,
        revision=revision,
        token=token,
        cache_dir=None if cache_dir is None else Path(cache_dir),
        local_files_only=local_files_only,
        force_download=force_download,
    )
    return load(folder, **options)


def stream(model: "LoadedModel | RunRef", *, fps: float = 25.0, stable_after: int | None = None) -> Stream:
    """Recognise frames as they come: `push` them, and have the text so far; `finish` has that of the clip.

    Args:
        model: what `load` returns, or what it takes.
        fps: frames a second, for the times of tokens.
        stable_after: how many chunks back the text so far may still be changed. None: to its beginning; the
            text at the end is then that of `LoadedModel.predict`.

    Raises:
        UserError: the model needs whole clips, with the option that is in the way; or as `load`.

    Example:
        stream = signkit.stream("runs/mine", stable_after=8)
        for frames in camera:  # [frames, points, 2]
            print(stream.push(frames).text)
        print(stream.finish().text)
    """
    loaded = model if isinstance(model, LoadedModel) else load(model)
    return opened_stream(loaded._run, loaded._models, StreamOptions(fps, stable_after))


class LoadedModel(Shared):
    """A trained model that predicts what is in clips; `load` makes it.

    A clip is one of these:

    - an array: landmarks [frames, points, 2 or 3], NaN where a point was not seen, of all the points of the
      layout that the model was trained on; features [frames, width]; or video, uint8
      [frames, height, width, 3], RGB;
    - a `signkit.types.Landmarks`, `Features` or `Video`;
    - a path: whatever `signkit predict` reads. For a model of landmarks the signers of videos are tracked.
    """

    def __init__(self, run: Path, models: tuple[TrainedModel, ...]) -> None:
        self._run, self._models = run, models
        self._task = task_of(models[0].recipe)

    def __repr__(self) -> str:
        return f"<signkit model of {self._run}: {self.recipe.name}, step {self._models[0].step}>"

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return self._run

    @property
    def recipe(self) -> Recipe:
        """The recipe of the run, with the decoding asked for."""
        return self._models[0].recipe

    @property
    def spec(self) -> Spec:
        """What the model reads and writes."""
        return self._models[0].spec

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens of the output ``text``, in the order of the columns of `posteriors`.

        Raises:
            UserError: the model writes no text.
        """
        if not isinstance(found := self.spec.outputs.get("text"), Vocabulary):
            there = ", ".join(self.spec.outputs)
            raise UserError("vocabulary", f"the model writes no text; its outputs are {there}", "see `spec`")
        return found

    @overload  # a text is one clip, though it is a sequence of texts too
    def predict(self, clips: ClipInput, *, fps: float = 25.0) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, clips: Sequence[ClipInput], *, fps: float = 25.0) -> list[Prediction]: ...
    def predict(
        self, clips: ClipInput | Sequence[ClipInput], *, fps: float = 25.0
    ) -> Prediction | list[Prediction]:
        """The prediction for a clip, or for each of several.

        Args:
            fps: frames a second of arrays of landmarks or video, for the times of tokens.

        Raises:
            UserError: a clip cannot be read, or is not what the model reads.
            OperationalError: the model gives no numbers.
        """

        if self.spec.source is not None:
            raise UserError("predict", "the model translates sentences", "see `translate`")

        def found(batches: Iterator[Batch]) -> Iterator[Prediction]:
            corpus = corpus_of(self._run, self._models[0])
            return self._task.predict(self._models, batches, corpus=corpus, on_progress=lambda done: None)

        return cast(Prediction | list[Prediction], self._each(clips, fps, found))

    @overload
    def translate(self, sentences: str) -> Hypothesis: ...  # type: ignore[overload-overlap]
    @overload
    def translate(self, sentences: Sequence[str]) -> list[Hypothesis]: ...
    def translate(self, sentences: str | Sequence[str]) -> Hypothesis | list[Hypothesis]:
        """The translation of a sentence of glosses, or of each of several; times count the source's words.

        Raises:
            UserError: the model reads recordings, or a sentence is empty or too long.
            OperationalError: the model gives no numbers.
        """
        if self.spec.source is None:
            what = "the model recognises recordings and translates nothing"
            raise UserError("translate", what, "see `predict`")
        given = [sentences] if isinstance(sentences, str) else list(sentences)
        named = [
            Sentence(str(n), Text(tuple(text.split())), f"sentences[{n}]") for n, text in enumerate(given)
        ]
        good, faults = usable(named, self._models[0])
        fail_together(faults, "translate")
        found = translated(self._run, self._models, good, Watch(self._run, main=False, log=False))
        texts = [found[each.id].text for each in good]
        return texts[0] if isinstance(sentences, str) else texts

    @overload
    def posteriors(self, clips: ClipInput, *, fps: float = 25.0) -> Posteriors: ...  # type: ignore[overload-overlap]
    @overload
    def posteriors(self, clips: Sequence[ClipInput], *, fps: float = 25.0) -> list[Posteriors]: ...
    def posteriors(
        self, clips: ClipInput | Sequence[ClipInput], *, fps: float = 25.0
    ) -> Posteriors | list[Posteriors]:
        """The probabilities of every symbol in every chunk of a clip, or of each of several.

        They are the softmax of the encoder's logits at the level that is decoded, `decode.level`. Of a
        model with a context they are the encoder's own: the context, which depends on the glosses before,
        takes no part, nor do language models and `decode.acoustic_scale`.

        Raises:
            UserError: the model has no such probabilities; and as `predict`.
            OperationalError: the model gives no numbers.
        """
        task = self._task
        if not isinstance(task, GivesPosteriors):
            raise UserError("posteriors", f"a model of the task {self.recipe.task} has none")
        found = self._each(clips, fps, lambda batches: task.posteriors(self._models, batches))
        return cast(Posteriors | list[Posteriors], found)

    def _each(self, clips: Any, fps: float, compute: Any) -> Any:
        """What is computed of each clip, in their order; of one alone that is no sequence."""
        alone = isinstance(clips, np.ndarray | torch.Tensor | Landmarks | Features | Video | str | PathLike)
        given: list[ClipInput] = [clips] if alone else list(clips)
        if not given:
            return []
        names = [_name(clip, "clip" if alone else f"clips[{n}]") for n, clip in enumerate(given)]
        failures, watch = Failures(stop=True), Watch(self._run, main=False, log=False)
        signal = self.spec.signal
        sources = self._sources(dict(zip(names, given, strict=True)), fps, failures)
        steps = zooms(self._run, self._models[0])
        with tracked(sources, signal.layout, signal.width, failures, watch) as ready:
            ready = zoomed(steps, ready, failures, watch)
            batches = clip_batches(self._task, self._models[0], ready, failures, {})
            found = {each.id: each for each in compute(batches)}
        return found[str(names[0])] if alone else [found[str(name)] for name in names]

    def _sources(self, clips: Mapping[Path, ClipInput], fps: float, failures: Failures) -> list[Source]:
        files = [Input(name, name.stem) for name, clip in clips.items() if isinstance(clip, str | PathLike)]
        missing, stills = missing_of(self.recipe.data), reads_stills(self.recipe.data)
        sources = opened(files, self.spec.signal.layout, False, failures, missing, stills=stills)
        for name, clip in clips.items():
            if not isinstance(clip, str | PathLike):
                signal = self._signal(clip, fps, str(name))
                sources.append(Source(name, str(name), signal.frames, lambda signal=signal: signal))  # type: ignore[misc]
        return sources

    def _signal(self, clip: Any, fps: float, where: str) -> Signal:
        """An array as the signal that the model reads."""
        if isinstance(clip, Landmarks | Features | Video):
            return clip
        if isinstance(clip, torch.Tensor):
            clip = clip.detach().cpu().numpy()
        if not isinstance(clip, np.ndarray):
            what = f"is a {type(clip).__name__}, which is no clip"
            raise UserError(where, what, "give an array of numpy, or a path")
        layout, width = self.spec.signal.layout, self.spec.signal.width
        if layout == VIDEO:
            if clip.dtype != np.uint8 or clip.ndim != 4 or clip.shape[3] != 3 or not clip.size:
                raise UserError(
                    where, f"the model reads video, uint8 [frames, height, width, 3], {_not(clip)}"
                )
            return Video(ArrayClip(clip, fps))
        wanted = f"landmarks of layout {layout!r}, [frames, points, {width}]" if layout else ""
        wanted = wanted or f"features, [frames, {width}]"
        if clip.dtype.kind not in "fiu" or clip.ndim != (3 if layout else 2):
            raise UserError(where, f"the model reads {wanted}, {_not(clip)}")
        array = np.asarray(clip, dtype=np.float32)
        return Landmarks(array, layout, fps) if layout else Features(array, fps)


@dataclass(frozen=True, slots=True)
class RunResult(MainScores):
    """How a run ended.

    Attributes:
        folder: of the run; `load` opens it.
        state: ``finished``, or ``interrupted``: by Ctrl-C, after the step it came in.
        scores: of every split that was decoded; empty of an interrupted run.
        stages: of a recipe of stages, each by its name; its scores are those of the last one.
    """

    folder: Path
    state: str
    scores: tuple[Score, ...] = ()
    stages: "Mapping[str, RunResult]" = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<run {', '.join(filter(None, (str(self.folder), self.state, in_brief(self.scores))))}>"


def run(recipe: PathInput, overrides: Sequence[str] = (), *, resume: PathInput = "never") -> RunResult:
    """Train, decode and score a recipe, as `signkit run` does.

    Args:
        recipe: a file, or the name of a built-in recipe.
        overrides: ``train.max_steps=100`` each.
        resume: ``auto`` goes on with the newest unfinished run of this recipe, a folder with that one,
            ``never`` starts a new one.

    Raises:
        UserError: all that is wrong in the recipe, or a fault of the corpus.
        OperationalError: such as a loss that is not a number.
        KeyboardInterrupt: Ctrl-C came before the run had begun.
    """
    if isinstance(overrides, str):
        raise UserError(
            "overrides", f"is one string, {overrides!r}, and not a list", "[…] around it makes one"
        )
    ref, resume = str(recipe), str(resume)
    pipeline = load_pipeline(ref, overrides)
    if pipeline is None:
        read = load_recipe(ref, overrides)
        done = carry_out(read, lambda: new_folder(read, ref), lambda: folder_to_resume(read, resume))
        if done.folder is None:
            raise KeyboardInterrupt
        return _result(done.folder)
    done_all = carry_out_stages(pipeline, ref, resume, lambda done, place: None)
    places = {stage.name: done_all.folder / stage.name for stage in pipeline.stages}
    stages = {name: _result(place) for name, place in places.items() if place.is_dir()}
    last = [*stages.values()][-1]
    return RunResult(done_all.folder, last.state, last.scores, stages)


def _result(folder: Path) -> RunResult:
    how = state(folder)
    return RunResult(folder, how, read_results(folder / "scores.json").scores if how == "finished" else ())


def _items(decode: Any) -> list[tuple[str, Any]]:
    return [*decode.items()] if isinstance(decode, Mapping) else []


def _as_yaml(key: str, value: Any) -> str:
    """A value as `--set` takes it; JSON is YAML."""

    def plain(other: Any) -> Any:
        if isinstance(other, np.generic):
            return other.item()
        if isinstance(other, PathLike):
            return str(other)
        raise UserError(
            f"decode.{key}", f"has a {type(other).__name__}", "numbers, texts, lists and dicts only"
        )

    return json.dumps(value, ensure_ascii=False, default=plain)


def _name(clip: Any, place: str) -> Path:
    return Path(clip) if isinstance(clip, str | PathLike) else Path(place)


def _not(clip: np.ndarray[Any, Any]) -> str:
    return f"not {clip.dtype} {list(clip.shape)}"
