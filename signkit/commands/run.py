"""`signkit run`: a recipe from its corpus to its report."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast

from signkit.config.recipe import Recipe
from signkit.config.recipe_file import load_recipe
from signkit.data.loader import Step, train_steps
from signkit.errors import OperationalError, SignkitError
from signkit.eval.protocols import Protocol
from signkit.models.export import without_beginnings, write_card, write_subwords
from signkit.models.protocol import Language
from signkit.report import Result, print_result
from signkit.runtime import checkpoint
from signkit.runtime.progress import TrainingWatch, Watch
from signkit.runtime.run_folder import (
    check_same_data,
    folder_to_resume,
    locked,
    new_folder,
    write_environment,
    write_status,
)
from signkit.runtime.signals import Interrupted, Stop, stop_on_signals
from signkit.tasks.language.results import (
    DevPerplexity,
    LmResult,
    print_lm_result,
    rate_name,
    write_lm_results,
)
from signkit.tasks.recognition.pretraining import pretrain_context
from signkit.tasks.recognition.results import DevScore, check_decoding, plain, scoring_protocol, write_results
from signkit.train.loop import Ended, accelerator, train
from signkit.train.setup import Prepared, prepare


def run_recipe(ref: str, overrides: Sequence[str], *, resume: str, as_json: bool) -> int:
    """Train, decode, score and report; returns the exit status.

    Raises:
        SignkitError: as one message; the run's folder, if it was made, says `failed`.
    """
    recipe = load_recipe(ref, overrides)
    protocol = scoring_protocol(recipe)
    engine = accelerator(recipe.train)
    with stop_on_signals() as stop:
        try:
            folder, prepared = _begin(recipe, ref, resume, engine)
        except Interrupted:
            if engine.is_main_process:
                print("interrupted before the run began", file=sys.stderr)
            return stop.exit_code
        with _held(folder, engine):
            interrupted, result = _recorded(recipe, protocol, prepared, folder, engine, stop)
        if engine.is_main_process:
            again = resume if resume not in ("auto", "never") else "auto"
            changes = [word for override in overrides for word in ("--set", override)]
            command = shlex.join(["signkit", "run", ref, *changes, "--resume", again])
            _print_end(folder, result, command, as_json)
        status = stop.exit_code if interrupted else 0
        _leave(engine, status)
    return status


def _begin(recipe: Recipe, ref: str, resume: str, engine: Accelerator) -> tuple[Path, Prepared]:
    """The run's folder, found or made by the main process, and all that is needed before the first step."""
    folder = folder_to_resume(recipe, resume)
    if folder is not None and checkpoint.steps(folder / "checkpoints"):
        prepared = prepare(without_beginnings(recipe, folder))
    else:
        prepared = prepare(recipe)
    check_decoding(recipe, prepared)
    if folder is not None:
        check_same_data(folder, prepared.corpus.fingerprint)
    elif engine.is_main_process:
        folder = new_folder(recipe, ref)
    return Path(_shared(str(folder or ""), engine)), prepared


def _recorded(
    recipe: Recipe, protocol: Protocol, prepared: Prepared, folder: Path, engine: Accelerator, stop: Stop
) -> tuple[bool, Result | LmResult | None]:
    """Carry the run out with its state on record. Whether it was interrupted, and in the main process what
    came of it."""
    watch = Watch(folder, main=engine.is_main_process)
    try:
        result, interrupted = _carried_out(recipe, protocol, prepared, folder, engine, stop, watch), False
    except Interrupted:
        result, interrupted = None, True
    except OSError as error:
        failure = OperationalError(f"{error.filename or folder}: {error.strerror or error}")
        _record_failure(folder, watch, failure)
        raise failure from error
    except Exception as error:
        _record_failure(folder, watch, error)
        raise
    finally:
        watch.close()
    if watch.main:
        with stop.finishing():
            step = max(checkpoint.steps(folder / "checkpoints"), default=0)
            write_status(folder, "interrupted" if interrupted else "finished", step=step)
    return interrupted, result


def _carried_out(
    recipe: Recipe,
    protocol: Protocol,
    prepared: Prepared,
    folder: Path,
    engine: Accelerator,
    stop: Stop,
    watch: Watch,
) -> Result | LmResult | None:
    """Train in all processes, then decode and score in the main one.

    Raises:
        Interrupted: a signal asked to stop.
    """
    if watch.main:
        write_status(folder, "running")
        write_environment(folder, prepared.corpus.fingerprint, str(engine.device), engine.num_processes)
    ended = _train(recipe, prepared, folder, engine, watch, stop)
    if ended.how == "interrupted" or stop():
        raise Interrupted
    if not watch.main:
        return None
    if isinstance(prepared.model, Language):
        return write_lm_results(recipe, prepared, folder, ended, watch)
    return write_results(recipe, protocol, prepared, folder, ended, watch)


def _record_failure(folder: Path, watch: Watch, error: Exception) -> None:
    """Write a failure down; that this fails too must not hide it."""
    if watch.main:
        with suppress(SignkitError):
            watch.note(f"failed: {error}")
        with suppress(SignkitError):
            write_status(folder, "failed", error=str(error))


def _print_end(folder: Path, result: Result | LmResult | None, again: str, as_json: bool) -> None:
    """What the run has to say at its end; the last line is its folder, or all of it as JSON."""
    if result is None:
        print(f"interrupted; `{again}` goes on", file=sys.stderr, flush=True)
    if as_json:
        scores = result.scores if result else ()
        state = "finished" if result else "interrupted"
        line = json.dumps({"run": str(folder), "state": state, "metrics": [plain(s) for s in scores]})
        print(line, flush=True)
        return
    if isinstance(result, LmResult):
        print_lm_result(result)
    elif result is not None:
        print_result(result)
    print(folder, flush=True)


def _train(
    recipe: Recipe, prepared: Prepared, folder: Path, engine: Accelerator, watch: Watch, stop: Stop
) -> Ended:
    """The context's pre-training, then the main one, from the newest checkpoint on."""
    config, model, checkpoints = recipe.train, prepared.model, folder / "checkpoints"
    for note in prepared.notes:
        watch.say(note)
    done = checkpoint.steps(checkpoints)
    if not done:
        model.to(engine.device)
        pretrain_context(recipe, prepared, watch)
        if engine.is_main_process:
            write_card(folder, recipe, model)
            write_subwords(folder, prepared.vocabulary)
    sizes = ", ".join(f"{len(examples)} {name}" for name, examples in prepared.examples.items())
    weights = sum(p.numel() for p in model.parameters())
    watch.say(
        f"{recipe.name}: {sizes}; {len(prepared.vocabulary)} symbols; {weights:,} weights; {engine.device}"
    )

    def steps(start: int) -> Iterator[Step]:
        return train_steps(
            prepared.examples["train"],
            config.batch_size,
            config.seed,
            start_step=start,
            rank=engine.process_index,
            world=engine.num_processes,
            accumulate=config.accumulate,
            workers=config.workers,
        )

    begun = done[-1] if done else 0
    with watch.bar("train", config.max_steps, begun) as bar:
        name, dev_score = _dev_score(recipe, prepared, watch)
        watcher = TrainingWatch(watch, bar, begun=begun, total=config.max_steps, score=name)
        try:
            with stop.finishing():
                return train(model, config, steps, dev_score, checkpoints, watcher, engine, stop)
        finally:
            watcher.close()


def _dev_score(recipe: Recipe, prepared: Prepared, watch: Watch) -> tuple[str, Callable[[int], float] | None]:
    """What the model is judged by: its name, and what computes it where there is a dev."""
    score: Callable[[int], float]
    if isinstance(prepared.model, Language):
        name, score = rate_name(prepared.model), DevPerplexity(prepared)
    else:
        name = "CER" if recipe.text.unit == "character" else "WER"
        score = DevScore(recipe, prepared, watch)
    return name, score if "dev" in prepared.examples else None


def _shared(text: str, engine: Accelerator) -> str:
    """The main process's text in every process, as a tensor of its bytes."""
    if engine.num_processes == 1:
        return text
    content = torch.zeros(4096, dtype=torch.uint8, device=engine.device)
    raw = text.encode()
    content[: len(raw)] = torch.frombuffer(bytearray(raw or b"\0"), dtype=torch.uint8)[: len(raw)]
    got: torch.Tensor = broadcast(content)
    return bytes(got.cpu().tolist()).rstrip(b"\0").decode()


@contextmanager
def _held(folder: Path, engine: Accelerator) -> Iterator[None]:
    """The main process holds the run's folder for all."""
    if not engine.is_main_process:
        yield
        return
    with locked(folder):
        yield


def _leave(engine: Accelerator, status: int) -> None:
    """End as one of several processes: on a loaded machine their libraries may abort at a usual exit."""
    engine.end_training()
    if engine.num_processes > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
