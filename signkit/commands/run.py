"""`signkit run`: a recipe from its corpus to its report."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast

from signkit.config.recipe import DecodeConfig, Recipe
from signkit.config.recipe_file import check_layouts, load_recipe, package_notes
from signkit.data.loader import Step, train_steps
from signkit.errors import OperationalError, SignkitError
from signkit.eval.results import plain
from signkit.models.export import TrainedModel, for_reload, write_card, write_export, write_subwords
from signkit.models.precision import Precision, compute_in, is_emulated, precision_on
from signkit.models.spec import TEXT
from signkit.runtime import checkpoint
from signkit.runtime.exhausted import worker_killed
from signkit.runtime.progress import TrainingWatch, Watch
from signkit.runtime.resume import folder_to_resume
from signkit.runtime.run_folder import (
    Clock,
    check_same_data,
    content,
    locked,
    new_folder,
    record_layout,
    write_environment,
    write_status,
)
from signkit.runtime.signals import Interrupted, Stop, stop_on_signals
from signkit.train.balance import balanced
from signkit.train.loop import Ended, accelerator, agreed, train
from signkit.train.outcome import (
    can_share,
    decode_splits,
    predicted_splits,
    print_outcome,
    write_report,
    write_scores,
)
from signkit.train.reopen import with_ensemble
from signkit.train.setup import Prepared, prepare
from signkit.train.step_profile import StepProfile
from signkit.train.task import Beginning, Evaluation, Fitting, Outcome, Packing, Remarking, task_of
from signkit.train.weights import check_average, load_chosen

STORE = (
    "processes that torchrun starts again may wait for those before them; "
    "set TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 where torchrun is called"
)
SYMBOLS = {TEXT: "symbols"}
"""The word for the classes of an output, by the output's name."""


def run_recipe(ref: str, overrides: Sequence[str], *, resume: str, as_json: bool) -> int:
    """Train, decode, score and report; returns the exit status.

    Raises:
        SignkitError: the run failed; its folder, if there is one, has the status `failed`.
    """
    recipe = load_recipe(ref, overrides)
    done = carry_out(recipe, lambda: new_folder(recipe, ref), lambda: folder_to_resume(recipe, resume))
    if done.engine.is_main_process:
        _print_end(done, resume_command(ref, overrides, resume), as_json)
    leave(done.engine, done.status)
    return done.status


@dataclass(frozen=True, slots=True)
class Done:
    """How a run ended.

    Attributes:
        prepared: None if the run was interrupted before it began.
        folder: of the run; None if it was not created.
        outcome: None if the run was interrupted, and in all processes but the main one.
        status: the exit status.
        engine: of the run's processes.
    """

    prepared: Prepared | None
    folder: Path | None
    outcome: Outcome | None
    status: int
    engine: Accelerator


def carry_out(
    recipe: Recipe,
    make: Callable[[], Path],
    find: Callable[[], Path | None],
    *,
    check: Callable[[Prepared], None] = lambda prepared: None,
) -> Done:
    """Train, decode and score one recipe in its folder.

    Args:
        make: creates the folder of a new run; called in the main process only.
        find: returns the folder of the run to resume, or None.
        check: called before the first step; raises an error for what may not be run.

    Raises:
        SignkitError: the run failed; its folder, if there is one, has the status `failed`.
    """
    _ = task_of(recipe).selection  # raises for a faulty protocol before the corpus is read
    engine = accelerator(recipe.train)
    if (
        engine.is_main_process
        and os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0") != "0"
        and _store_is_kept()
    ):
        print(f"note: {STORE}", file=sys.stderr)
    with stop_on_signals() as stop:
        try:
            folder, prepared = _begin(recipe, make, find, engine, check)
        except Interrupted:
            if engine.is_main_process:
                print("interrupted before the run began", file=sys.stderr)
            return Done(None, None, None, stop.exit_code, engine)
        with held(folder, engine):
            interrupted, outcome = _recorded(prepared, folder, engine, stop)
    return Done(prepared, folder, outcome, stop.exit_code if interrupted else 0, engine)


def _store_is_kept() -> bool:
    """Whether torchrun keeps its store over a restart, with the addresses of processes that have ended."""
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


def resume_command(ref: str, overrides: Sequence[str], resume: str) -> str:
    """The command that continues an interrupted run."""
    again = resume if resume not in ("auto", "never") else "auto"
    changes = [word for override in overrides for word in ("--set", override)]
    return shlex.join(["signkit", "run", ref, *changes, "--resume", again])


def _begin(
    recipe: Recipe,
    make: Callable[[], Path],
    find: Callable[[], Path | None],
    engine: Accelerator,
    check: Callable[[Prepared], None],
) -> tuple[Path, Prepared]:
    """The run's folder, found or created by the main process, and everything needed before the first step."""
    folder = find()
    check_average(recipe)
    if folder is not None:
        check_layouts(folder / "resolved.yaml")
    # With a checkpoint all weights will be loaded, so files that only initialise them may be gone by now.
    if folder is not None and checkpoint.steps(folder / "checkpoints"):
        prepared = replace(prepare(for_reload(recipe, folder)), recipe=recipe)
    else:
        prepared = prepare(recipe)
    prepared.model.to(engine.device)  # by which `decode.precision` is checked
    # With a task of its own: what the check reads need not stay in memory during training, and what it
    # computes from the fresh weights must not be used afterwards.
    task_of(recipe).check(_models(prepared), lambda: prepared.corpus)
    check(prepared)
    if folder is not None:
        check_same_data(folder, prepared.corpus.fingerprint)
        notes = (f"note: {note}" for note in package_notes(folder / "resolved.yaml"))
        prepared = replace(prepared, notes=(*notes, *prepared.notes))
    elif engine.is_main_process:
        folder = make()
    folder = Path(shared(str(folder or ""), engine))
    _check_seen_by_all(folder, engine)
    return folder, prepared


def _check_seen_by_all(folder: Path, engine: Accelerator) -> None:
    """Check that all processes see the run's folder, from whose checkpoints each resumes.

    Raises:
        OperationalError: a process, of another machine, does not.
    """
    here = max(checkpoint.steps(folder / "checkpoints"), default=0) if folder.is_dir() else -1
    missed = torch.tensor(float(str(here) != shared(str(here), engine)), device=engine.device)
    if engine.num_processes > 1 and float(engine.reduce(missed, "sum")):
        raise OperationalError(
            f"{folder}: not all processes see this folder and its newest checkpoint; "
            "run.dir has to be on a file system that the nodes share"
        )


def _models(prepared: Prepared, step: int = 0, precision: str = "") -> tuple[TrainedModel, ...]:
    """The model of this run, followed by those of its ensemble."""
    return with_ensemble(TrainedModel(prepared.recipe, prepared.spec, prepared.model, step, precision))


def _recorded(
    prepared: Prepared, folder: Path, engine: Accelerator, stop: Stop
) -> tuple[bool, Outcome | None]:
    """Run, recording the status in the folder; returns whether it was interrupted, and in the main process
    the outcome."""
    clock = Clock(folder)
    watch = Watch(folder, main=engine.is_main_process)
    try:
        outcome, interrupted = _carried_out(prepared, folder, engine, stop, watch, clock), False
    except Interrupted:
        outcome, interrupted = None, True
    except Exception as error:
        failure = _plain(error, folder, engine)
        _record_failure(folder, watch, failure, clock)
        if failure is error:
            raise
        raise failure from error
    finally:
        watch.close()
    if watch.main:
        with stop.finishing():
            step = max(checkpoint.steps(folder / "checkpoints"), default=0)
            how = "interrupted" if interrupted else "finished"
            write_status(folder, how, step=step, seconds=clock())
    return interrupted, outcome


def _carried_out(
    prepared: Prepared, folder: Path, engine: Accelerator, stop: Stop, watch: Watch, clock: Clock
) -> Outcome | None:
    """Train and decode in all processes, then score in the main one.

    Raises:
        Interrupted: a signal asked to stop.
    """
    before = str(content(folder / "env.json").get("precision", ""))
    precision = precision_on(engine.device, prepared.recipe.train.precision, before)
    if watch.main:
        if is_emulated(precision, engine.device):
            watch.say("train.precision: this CPU has no bf16; float32 takes a tenth of the time")
        fingerprint, device = prepared.corpus.fingerprint, str(engine.device)
        layout = prepared.spec.signal.layout
        record_layout(folder, layout)
        # The environment first: its time is that from which a session counts whose state is `running`.
        write_environment(
            folder, prepared.recipe, fingerprint, device, engine.num_processes, layout, precision
        )
        write_status(folder, "running", seconds=clock.before)
    ended = _train(prepared, folder, engine, watch, stop, precision)
    # Agreed: the others would wait for the part of one that leaves.
    if ended.how == "interrupted" or agreed(stop(), engine):
        raise Interrupted
    if not watch.main and not can_share(prepared.task):
        return None
    return _results(prepared, folder, ended, watch, precision)


def _results(prepared: Prepared, folder: Path, ended: Ended, watch: Watch, precision: str) -> Outcome | None:
    """Decode and score the recipe's splits with the chosen weights, export and report; processes other than
    the main one take part in decoding."""
    recipe, task, corpus = prepared.recipe, prepared.task, prepared.corpus
    step = load_chosen(recipe, prepared.model, folder / "checkpoints", ended.progress, watch)
    if isinstance(task, Fitting):
        task.fit(prepared.model, prepared.spec, corpus, folder, watch)
    models = _models(prepared, step, precision)
    splits = [split for split in recipe.decode.splits if split in prepared.datasets]
    if not watch.main:
        task.check(models, lambda: corpus)
        predicted_splits(task, models, prepared.datasets, splits, lambda: corpus, watch)
        return None
    outcome = decode_splits(
        task,
        models,
        prepared.datasets,
        corpus,
        splits,
        run=folder,
        folder=folder,
        lines=folder / "decode",
        watch=watch,
    )
    write_export(folder / "export", models[0], _pack(prepared, models[0], outcome))
    write_scores(folder / "scores.json", outcome)
    write_report(task, outcome)
    return outcome


def _pack(
    prepared: Prepared, trained: TrainedModel, outcome: Outcome
) -> Callable[[Path], DecodeConfig] | None:
    """The function that copies external models into the export; None if the task has none."""
    task = prepared.task
    if not isinstance(task, Packing):
        return None
    temperature = outcome.calibration.temperature if outcome.calibration else 0.0
    return lambda folder: task.pack(trained, lambda: prepared.corpus, temperature, folder)


def _plain(error: Exception, folder: Path, engine: Accelerator) -> Exception:
    """The error as a message, where it is of the disk, of memory, or of the connection to another process."""
    if isinstance(error, OSError):
        return OperationalError(f"{error.filename or folder}: {error.strerror or error}")
    if killed := worker_killed(error):
        return killed
    of_connection = isinstance(error, torch.distributed.DistError) or "gloo" in str(error)
    if isinstance(error, RuntimeError) and of_connection and engine.num_processes > 1:
        return OperationalError("the connection to another process is lost; it has failed or was killed")
    return error


def _record_failure(folder: Path, watch: Watch, error: Exception, clock: Clock) -> None:
    """Record a failure in the log and the status. Errors in doing so must not hide the failure itself."""
    if watch.main:
        with suppress(SignkitError):
            watch.note(f"failed: {error}")
        with suppress(SignkitError):
            write_status(folder, "failed", error=str(error), seconds=clock())


def _print_end(done: Done, again: str, as_json: bool) -> None:
    """Print the outcome; the last line is the run's folder. With ``as_json`` there is a single JSON
    object."""
    if done.folder is None or done.prepared is None:
        return
    if done.outcome is None:
        print(f"interrupted; `{again}` continues it", file=sys.stderr, flush=True)
    if as_json:
        outcome = done.outcome
        line = {
            "run": str(done.folder),
            "state": "finished" if outcome else "interrupted",
            "metrics": [plain(each) for each in outcome.scores] if outcome else [],
            "notes": outcome.notes if outcome else (),
        }
        print(json.dumps(line), flush=True)
        return
    if done.outcome is not None:
        print_outcome(done.prepared.task, done.outcome, done.folder)
    print(done.folder, flush=True)


def _train(
    prepared: Prepared,
    folder: Path,
    engine: Accelerator,
    watch: Watch,
    stop: Stop,
    precision: Precision,
) -> Ended:
    """Do what the task does before training, then train, from the newest checkpoint on."""
    recipe, task, model, spec = prepared.recipe, prepared.task, prepared.model, prepared.spec
    config, checkpoints = recipe.train, folder / "checkpoints"
    for note in prepared.notes:
        watch.say(note)
    done = checkpoint.steps(checkpoints)
    if not done:
        compute_in(model, "float32", rounded=config.tf32)  # the check may have set another
        if isinstance(task, Beginning):
            task.begin(model, spec, prepared.corpus, watch)
        if engine.is_main_process:
            write_card(folder, recipe, model)
            write_subwords(folder, spec)
    compute_in(model, precision, rounded=config.tf32)
    sizes = ", ".join(f"{len(dataset)} {name}" for name, dataset in prepared.datasets.items())
    outputs = "; ".join(f"{len(output)} {SYMBOLS.get(name, name)}" for name, output in spec.outputs.items())
    weights = sum(p.numel() for p in model.parameters())
    watch.say(f"{recipe.name}: {sizes}; {outputs}; {weights:,} weights; {engine.device}, {precision}")
    balance = balanced(config, prepared.datasets["train"].samples)
    if balance.note:
        watch.say(balance.note)

    def steps(start: int) -> Iterator[Step]:
        return train_steps(
            prepared.datasets["train"],
            config.batch_size,
            config.seed,
            start_step=start,
            rank=engine.process_index,
            world=engine.num_processes,
            accumulate=config.accumulate,
            workers=config.workers,
            drawing=balance.drawing,
        )

    def evaluate(step: int) -> Evaluation:
        return task.evaluate(model, prepared.datasets["dev"], spec, step, watch.say)

    begun = done[-1] if done else 0
    with watch.bar("train", config.max_steps, begun) as bar:
        profile = StepProfile(folder, recipe.run.profile) if recipe.run.profile and watch.main else None

        def remark(step: int, figures: Mapping[str, float]) -> str:
            said = [task.remark(step, figures)] if isinstance(task, Remarking) else []
            said += profile.stepped() if profile is not None else []
            return "\n".join(filter(None, said))

        watcher = TrainingWatch(
            watch, bar, begun=begun, total=config.max_steps, metric=task.selection, remark=remark
        )
        judged = "dev" in prepared.datasets and not recipe.dev_in_train
        dev = evaluate if judged else None
        try:
            with stop.finishing():
                ended = train(
                    task, model, config, steps, dev, checkpoints, watcher, engine, stop, balance.importance
                )
            for line in profile.close() if profile is not None else ():
                watch.say(line)
            return ended
        finally:
            if profile is not None:
                profile.close()
            watcher.close()


def shared(text: str, engine: Accelerator) -> str:
    """The main process's text, in every process. It is sent as a tensor of its bytes, at most 4096."""
    if engine.num_processes == 1:
        return text
    content = torch.zeros(4096, dtype=torch.uint8, device=engine.device)
    raw = text.encode()
    content[: len(raw)] = torch.frombuffer(bytearray(raw or b"\0"), dtype=torch.uint8)[: len(raw)]
    received: torch.Tensor = broadcast(content)
    return bytes(received.cpu().tolist()).rstrip(b"\0").decode()


@contextmanager
def held(folder: Path, engine: Accelerator) -> Iterator[None]:
    """Lock the run's folder in the main process."""
    if not engine.is_main_process:
        yield
        return
    with locked(folder):
        yield


def leave(engine: Accelerator, status: int) -> None:
    """Exit, if there are several processes, without the usual clean-up.

    On a loaded machine the communication libraries may abort in it, after everything has been done.
    """
    engine.end_training()
    if engine.num_processes > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
