"""The stream of a finished run."""

from collections.abc import Sequence
from pathlib import Path

from signkit.commands.predict.search import corpus_of
from signkit.commands.predict.zoomed import zooms
from signkit.errors import UserError
from signkit.models.export import TrainedModel
from signkit.models.onnx.read import OnnxModel
from signkit.train.streams import GivesStream, Stream, StreamOptions
from signkit.train.task import task_of


def opened_stream(run: Path, models: Sequence[TrainedModel], options: StreamOptions) -> Stream:
    """A recogniser on frames that come one after another.

    Args:
        run: the folder of the run.
        models: the run's, and the others of `decode.ensemble`.

    Raises:
        UserError: the model recognises no text over chunks, or needs whole clips.
    """
    trained = models[0]
    task = task_of(trained.recipe)
    if not isinstance(task, GivesStream):
        what = f"a model of the task {trained.recipe.task} reads whole clips and cannot be streamed"
        raise UserError(str(run), what, "`ctc` and `c2st` can be")
    if isinstance(trained.model, OnnxModel):
        raise UserError(str(run), "an exported graph reads whole clips", "stream the run itself")
    if options.stable_after is not None and options.stable_after < 0:
        raise UserError("stable_after", f"is {options.stable_after}", "a number of chunks, 0 or more")
    if zooms(run, trained):
        what = "its frames are cropped by the attention of another run, which reads whole clips"
        raise UserError("data.boxes", what)
    return task.stream(models, options, corpus=corpus_of(run, trained))
