"""A device that is only pretended: what a GPU refuses, what a program waits for, what is copied there.

    python tests/pretended.py [RECIPE …] [--json] [--lines N] [--most N]

Tensors claim to lie on ``pretend:0`` (torch's private backend, which a Python program may register), and
their numbers are computed on the CPU. What a GPU refuses is refused: an operation on tensors of two devices,
and `numpy()`. Whatever makes the processor wait for a device is counted by the line of signkit that asked for
it: `item`, `nonzero`, masks as indices, lengths that are needed on the host, copies back; and so are copies
to it.

For each recipe, made small, an update and a prediction are made on the CPU and on the pretended
device; the figures, the updated weights and the predictions have to be equal.

The backend belongs to the whole process, so the tests run this file as a program.
"""

import argparse
import json
import os
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import rnn
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

NAME = "pretend"
ROOT = Path(__file__).resolve().parents[1]
aten = torch.ops.aten


class _Backend:
    """What torch asks the module of a backend for."""

    is_available = is_initialized = staticmethod(lambda: True)
    _is_in_bad_fork = staticmethod(lambda: False)
    device_count = staticmethod(lambda: 1)
    current_device = staticmethod(lambda: 0)
    manual_seed_all = staticmethod(lambda seed: None)
    get_rng_state = staticmethod(lambda device=None: torch.zeros(16, dtype=torch.uint8))
    set_rng_state = staticmethod(lambda state, device=None: None)
    get_amp_supported_dtype = staticmethod(lambda: [torch.bfloat16])

    class device(nullcontext):  # type: ignore[type-arg]
        pass


class Counted:
    """Waits and copies by the line of signkit that caused them."""

    def __init__(self) -> None:
        self.waits, self.copies = Counter[str](), Counter[str]()

    def wait(self, what: str) -> None:
        self.waits[f"{what:8} {_line()}"] += 1

    def copy(self) -> None:
        self.copies[_line()] += 1


def _line() -> str:
    folder = f"{ROOT}/signkit/"
    for frame in reversed(traceback.extract_stack(limit=90)):
        if frame.filename.startswith(folder) and not frame.filename.endswith("data/on_host.py"):
            return f"{frame.filename.removeprefix(folder)}:{frame.lineno}"
    return "elsewhere"


COUNTED = Counted()
KEPT: list[Any] = []
"""All pretended tensors of a block. Autograd adds up gradients in place where nobody else has the tensor, and
does not see that two of these may have the same numbers."""


class Pretended(Tensor):
    """A tensor that claims to lie on the device; ``held`` has its numbers."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "Pretended":
        made: Any = Tensor._make_wrapper_subclass(
            cls, held.size(), strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype,
            layout=held.layout, device=torch.device(NAME, 0), requires_grad=held.requires_grad,
        )  # fmt: skip
        return made  # type: ignore[no-any-return]

    def __init__(self, held: Tensor) -> None:
        self.held = held
        KEPT.append(self)

    def tolist(self) -> Any:
        COUNTED.wait("tolist")
        return self.held.tolist()

    def numpy(self, *_: Any, **__: Any) -> Any:
        raise TypeError(f"can't convert {NAME}:0 device type tensor to numpy")

    __array__ = numpy
    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(func, args, kwargs or {})


INDEXED = (aten.index.Tensor, aten.index_put_.default, aten.index_put.default, aten._index_put_impl_.default)
TWO_DEVICES = {
    aten.copy_.default, aten._to_copy.default, aten._pack_padded_sequence.default,
    aten._pack_padded_sequence_backward.default, aten._ctc_loss.Tensor, aten._ctc_loss_backward.Tensor,
    *INDEXED,
}  # fmt: skip
WAITS = {
    aten._local_scalar_dense.default: "item",
    aten.nonzero.default: "nonzero",
    aten.equal.default: "equal",
    aten.masked_select.default: "mask",
    aten._unique2.default: "unique",
    aten.repeat_interleave.Tensor: "repeat",
}


def _computed(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """One operation: refused, or counted and computed on the CPU."""
    flat, _ = tree_flatten((args, kwargs))
    ours = [each for each in flat if isinstance(each, Pretended)]
    plain = [each for each in flat if isinstance(each, Tensor) and not isinstance(each, Pretended)]
    device = torch.device(kwargs["device"]) if kwargs.get("device") is not None else None
    here = device is not None and device.type == NAME
    if not ours and not here:
        return func(*args, **kwargs)
    if ours and func not in TWO_DEVICES and any(each.ndim for each in plain):
        raise RuntimeError(f"Expected all tensors to be on the same device: {func} of {NAME}:0 and cpu")
    back = _count(func, args, device, ours, plain)
    if here:
        kwargs = {key: value for key, value in kwargs.items() if key != "pin_memory"}
        kwargs["device"] = torch.device("cpu")
    found = func(*tree_map(_held, args), **tree_map(_held, kwargs))
    if back:
        return found
    if func is aten._pack_padded_sequence.default:
        return Pretended(found[0]), found[1]
    schema = func._schema
    if any(each.alias_info is not None and each.alias_info.is_write for each in schema.returns):
        return _written(schema, args, kwargs)
    return tree_map(lambda each: Pretended(each) if isinstance(each, Tensor) else each, found)


def _count(func: Any, args: Any, device: torch.device | None, ours: list[Any], plain: list[Tensor]) -> bool:
    """Count the waits and copies of an operation; returns whether its result is on the CPU."""
    if func is aten._to_copy.default and ours and device is not None and device.type == "cpu":
        COUNTED.wait("to cpu")
        return True
    if func is aten._to_copy.default and not ours:
        COUNTED.copy()
    elif func is aten.copy_.default and plain:
        if isinstance(args[0], Pretended):
            COUNTED.copy()
        else:
            COUNTED.wait("to cpu")
            return True
    elif func in WAITS:
        COUNTED.wait(WAITS[func])
        return func in (aten._local_scalar_dense.default, aten.equal.default)
    elif func in INDEXED:
        for index in args[1]:
            if index is not None and index.dtype in (torch.bool, torch.uint8):
                COUNTED.wait("mask")
            elif index is not None and not isinstance(index, Pretended):
                COUNTED.copy()
    elif func is aten._ctc_loss.Tensor:  # which wants the lengths on the host
        for each in args[2:4]:
            if isinstance(each, Pretended):
                COUNTED.wait("lengths")
    return False


def _written(schema: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """The tensors that an operation in place, or with `out`, was given to write to."""
    names = [each.name for each in schema.arguments]
    written = [
        each.name for each in schema.arguments if each.alias_info is not None and each.alias_info.is_write
    ]
    given = [kwargs[name] if name in kwargs else args[names.index(name)] for name in written]
    given = given[: len(schema.returns)]
    return given[0] if len(given) == 1 else tuple(given)


def _held(value: Any) -> Any:
    return value.held if isinstance(value, Pretended) else value


class OnDevice(TorchDispatchMode):
    """Within the block, tensors can be made on the pretended device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return 0 if func is aten._fused_sdp_choice.default else _computed(func, args, kwargs or {})


class _Recurrent(torch.autograd.Function):
    """Recurrent networks and cells as one operation, as cuDNN has them; a private backend has none."""

    @staticmethod
    def forward(ctx: Any, compute: Callable[..., Any], spec: Any, rest: list[Any], *tensors: Tensor) -> Any:
        held = [_held(each).detach().requires_grad_(each.is_floating_point()) for each in tensors]
        given = iter(held)
        flat = [next(given) if isinstance(each, Tensor) else each for each in rest]
        with torch.enable_grad():
            found = compute(*tree_unflatten(flat, spec))
            found = (found,) if isinstance(found, Tensor) else found
        ctx.held, ctx.found = held, found
        return tuple(Pretended(each.detach()) for each in found)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:  # type: ignore[override]
        given = [
            torch.zeros_like(out) if grad is None else _held(grad)
            for grad, out in zip(grads, ctx.found, strict=True)
        ]
        wanted = [each for each in ctx.held if each.requires_grad]
        found = iter(torch.autograd.grad(ctx.found, wanted, given, allow_unused=True))
        each = [next(found) if tensor.requires_grad else None for tensor in ctx.held]
        return (None, None, None, *(None if grad is None else Pretended(grad) for grad in each))


def _recurrent(compute: Callable[..., Any]) -> Callable[..., Any]:
    def either(*args: Any) -> Any:
        flat, spec = tree_flatten(list(args))
        if not any(isinstance(each, Pretended) for each in flat):
            return compute(*args)
        tensors = [each for each in flat if isinstance(each, Tensor)]
        found = _Recurrent.apply(compute, spec, flat, *tensors)  # type: ignore[no-untyped-call]
        return found if len(found) > 1 else found[0]

    return either


def register() -> list[Any]:
    """Make torch know the device; what is returned has to be kept."""
    backend_registration._setup_privateuseone_for_python_backend(NAME, _Backend())  # type: ignore[attr-defined]
    torch.inference_mode = lambda *_: torch.no_grad()  # type: ignore[misc, assignment] # a wrapper has no version
    for name in ("lstm", "gru", "lstm_cell", "gru_cell"):
        setattr(rnn._VF, name, _recurrent(getattr(rnn._VF, name)))
    library = torch.library.Library("aten", "IMPL")
    # What torch makes behind the dispatcher's back: the tensor of a list of indices.
    library.impl(
        "empty_strided",
        lambda size, stride, *, dtype=None, layout=None, device=None, pin_memory=None: Pretended(
            torch.empty_strided(size, stride, dtype=dtype or torch.float32)
        ),
        "PrivateUse1",
    )
    library.impl("_copy_from", _copied, "PrivateUse1")
    return [library]


def _copied(source: Tensor, target: Tensor, non_blocking: bool = False) -> Tensor:
    if isinstance(target, Pretended):
        COUNTED.copy()
    else:
        COUNTED.wait("to cpu")
    _held(target).copy_(_held(source))
    return target


# What is compared


class Engine:
    """What `signkit.train.loop.update` asks of accelerate."""

    num_processes, process_index, is_main_process = 1, 0, True

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def no_sync(self, model: nn.Module) -> Any:
        return nullcontext()

    def backward(self, loss: Tensor) -> None:
        loss.backward()

    def clip_grad_norm_(self, parameters: Any, norm: float) -> Tensor:
        return torch.nn.utils.clip_grad_norm_(parameters, norm)

    def reduce(self, tensor: Tensor, how: str) -> Tensor:
        return tensor


# Not Adam, whose first step is a sign, also of what is nearly nothing.
PLAIN = ("train.ema=0", "train.optimizer=sgd", "train.lr=0.01")


def check(name: str, folder: Path, share: float = 0.99) -> dict[str, Any]:
    """An update and a prediction of a recipe made small, on both devices; no prediction where a part of the
    model is fitted after the training.

    Returns:
        The waits and the copies of either.

    Raises:
        AssertionError: they differ.
    """
    # Imported once torch has been told of the device, since some of it decorates functions.
    from small_recipes import SMALL, small_recipe

    from signkit.data.loader import train_steps
    from signkit.train.loop import make_optimizer, set_learning_rate, update
    from signkit.train.setup import prepare
    from signkit.train.task import Fitting

    folder.mkdir()
    recipe = small_recipe(name, folder, *SMALL, *PLAIN)
    found, counts = {}, {}
    for device in (torch.device("cpu"), torch.device(NAME, 0)):
        ready = prepare(recipe)
        step = next(train_steps(ready.datasets["train"], 4, 1, accumulate=1))
        step = replace(step, step=int(share * recipe.train.max_steps))
        with OnDevice() if device.type == NAME else nullcontext():
            # In evaluation mode: no dropout, the same numbers on both.
            model = _moved(ready.model, device).eval()
            optimizer = make_optimizer(model, recipe.train)
            set_learning_rate(optimizer, recipe.train, 1)
            with counted() as of_update:
                figures, _ = update(model, model, optimizer, step, recipe.train, ready.task, Engine(device))  # type: ignore[arg-type]
            with counted() as of_prediction:
                predicted = [] if isinstance(ready.task, Fitting) else _predicted(ready, model, step.parts)
        named = (*model.named_parameters(), *model.named_buffers())
        weights = {key: _held(each.detach()) for key, each in named}
        found[device.type], counts = (
            (figures, weights, predicted),
            {"update": of_update, "predict": of_prediction},
        )
    _compare(found["cpu"], found[NAME])
    return {
        what: {kind: dict(getattr(each, kind).most_common()) for kind in ("waits", "copies")}
        for what, each in counts.items()
    }


def _moved(model: nn.Module, device: torch.device) -> nn.Module:
    """The model on a device. Tied weights stay tied, as on a GPU: torch makes new ones of wrapped tensors."""
    names = dict[int, list[str]]()
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    model.to(device)
    for first, *others in names.values():
        for name in others:
            parent, _, own = name.rpartition(".")
            setattr(model.get_submodule(parent), own, model.get_parameter(first))
    return model


def _predicted(ready: Any, model: nn.Module, batches: Sequence[Any]) -> list[Any]:
    from signkit.models.export import TrainedModel

    trained = TrainedModel(ready.recipe, ready.spec, model)
    corpus = partial(getattr, ready, "corpus")
    return list(ready.task.predict([trained], batches, corpus=corpus, on_progress=lambda done: None))


@contextmanager
def counted() -> Iterator[Counted]:
    """Counts of the block."""
    global COUNTED
    COUNTED = Counted()
    yield COUNTED
    KEPT.clear()


def _compare(expected: Any, found: Any) -> None:
    for key, value in expected[0].items():
        assert abs(found[0][key] - value) <= 1e-4 * max(1.0, abs(value)), (key, found[0][key], value)
    for key, value in expected[1].items():
        torch.testing.assert_close(
            found[1][key], value, rtol=1e-4, atol=1e-5, msg=lambda text, key=key: f"{key}: {text}"
        )
    assert [_said(each) for each in found[2]] == [_said(each) for each in expected[2]]


def _said(prediction: Any) -> dict[str, Any]:
    """What a prediction says, without its scores."""
    return {
        name: each.tokens if hasattr(each, "tokens") else each.name
        for name, each in prediction.outputs.items()
    }


def main(names: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", help="recipes; all with a single stage, and the language models")
    parser.add_argument("--lines", type=int, default=0)
    parser.add_argument("--most", type=int, help="fail if an update waits more often than this")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(names)
    warnings.filterwarnings("ignore")
    kept = register()
    with TemporaryDirectory() as folder:
        from small_recipes import LANGUAGE_MODELS, SINGLE

        cases = args.cases or [*SINGLE, *(f"lm/{name}.yaml" for name in LANGUAGE_MODELS)]
        found = {name: check(name, Path(folder) / str(number)) for number, name in enumerate(cases)}
    if args.json:
        print(json.dumps(found))
        return
    for name, counts in found.items():
        for what, each in counts.items():
            waits, copies = (sum(each[kind].values()) for kind in ("waits", "copies"))
            print(f"{name}, {what}: {waits} waits, {copies} copies")
            for kind in ("waits", "copies"):
                for line, count in [*each[kind].items()][: args.lines]:
                    print(f"  {kind:7} {count:4} {line}")
    waits = {name: sum(each["update"]["waits"].values()) for name, each in found.items()}
    if args.most is not None and max(waits.values()) > args.most:
        sys.exit(f"an update waits more than {args.most} times: {waits}")
    del kept


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # autograd's thread of such a device has no orderly end
