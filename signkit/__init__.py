"""signkit: sign language to text. Encoders, context, transduction losses, decoding, scoring.

    import signkit

    model = signkit.load("runs/quickstart/TIME-HASH")        # of a finished run
    model.predict("clip.npz").text
    signkit.stream(model).push(frames).text                  # as they come: docs/streaming.md
    signkit.score(["MY NAME ANN"], ["MY NAME BEN"])["wer"]   # sclite's counts
    signkit.losses.cst_loss(...)                             # plain functions of tensors
    signkit.decode.beam_search(logits, lengths)
    signkit.run("quickstart", ["train.max_steps=100"])       # what `signkit run` does

Nothing is imported before it is used: ``import signkit`` needs neither torch nor numpy.
"""

from typing import TYPE_CHECKING

from signkit.runtime.lazy import lazy
from signkit.runtime.threads import wait_passively
from signkit.version import __version__ as __version__

if TYPE_CHECKING:
    from signkit import decode, losses, testing
    from signkit.api import LoadedModel, RunResult, from_pretrained, load, run, stream
    from signkit.commands.compare.verb import compare
    from signkit.commands.data.zoom import zoom_boxes
    from signkit.commands.evaluate.verb import evaluate
    from signkit.commands.export.verb import export
    from signkit.commands.grid.verb import grid
    from signkit.commands.live.verb import live
    from signkit.commands.run_list import runs
    from signkit.commands.tune.verb import tune
    from signkit.data.collect.build import build_manifest
    from signkit.errors import OperationalError, SignkitError, UserError
    from signkit.eval.scores import score

__all__ = [
    "LoadedModel", "OperationalError", "RunResult", "SignkitError", "UserError", "build_manifest", "compare",
    "decode", "evaluate", "export", "from_pretrained", "grid", "live", "load", "losses", "run", "runs",
    "score", "stream", "testing", "tune", "zoom_boxes",
]  # fmt: skip

wait_passively()  # before torch and numpy are loaded

__getattr__, __dir__ = lazy(
    __name__,
    {
        "LoadedModel": "signkit.api",
        "OperationalError": "signkit.errors",
        "RunResult": "signkit.api",
        "SignkitError": "signkit.errors",
        "UserError": "signkit.errors",
        "build_manifest": "signkit.data.collect.build",
        "compare": "signkit.commands.compare.verb",
        "decode": "signkit.decode",
        "evaluate": "signkit.commands.evaluate.verb",
        "export": "signkit.commands.export.verb",
        "from_pretrained": "signkit.api",
        "grid": "signkit.commands.grid.verb",
        "load": "signkit.api",
        "losses": "signkit.losses",
        "run": "signkit.api",
        "runs": "signkit.commands.run_list",
        "score": "signkit.eval.scores",
        "stream": "signkit.api",
        "testing": "signkit.testing",
        "tune": "signkit.commands.tune.verb",
        "zoom_boxes": "signkit.commands.data.zoom",
    },
)
