"""signkit: sign language to text. Encoders, context, transduction losses, decoding, scoring.

    import signkit

    model = signkit.load("runs/quickstart/TIME-HASH")        # of a finished run
    model.predict("clip.npz").text
    signkit.score(["MY NAME ANN"], ["MY NAME BEN"])["wer"]   # sclite's counts
    signkit.losses.cst_loss(...)                             # plain functions of tensors
    signkit.decode.beam_search(logits, lengths)
    signkit.run("quickstart", ["train.max_steps=100"])       # what `signkit run` does

Nothing is imported before it is used: ``import signkit`` needs neither torch nor numpy.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from signkit.version import __version__ as __version__

if TYPE_CHECKING:
    from signkit import decode, losses, testing
    from signkit.api import LoadedModel, RunResult, load, run
    from signkit.errors import OperationalError, SignkitError, UserError
    from signkit.eval.scores import score

__all__ = [
    "LoadedModel", "OperationalError", "RunResult", "SignkitError", "UserError", "decode", "load", "losses",
    "run", "score", "testing",
]  # fmt: skip

_HOMES = {
    "LoadedModel": "api", "RunResult": "api", "load": "api", "run": "api",
    "OperationalError": "errors", "SignkitError": "errors", "UserError": "errors",
    "score": "eval.scores",
}  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = import_module(f"{__name__}.{_HOMES.get(name, name)}")
    return getattr(home, name) if name in _HOMES else home


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
