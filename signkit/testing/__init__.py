"""The laws that encoders, corpora and tasks hold to, to be called in the tests of a package of your own.

    from signkit.testing import check_encoder

    def test_it_is_an_encoder():
        check_encoder(lambda: build(FlatConfig(), layout("holistic"), 3), layout="holistic", width=3)

The tests of signkit hold its own parts to the same laws. What breaks a law raises an `AssertionError` whose
message is a sentence. Nothing is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signkit.testing.corpora import check_corpus
    from signkit.testing.encoders import check_encoder
    from signkit.testing.tasks import check_task

__all__ = ["check_corpus", "check_encoder", "check_task"]

_HOMES = {"check_corpus": "corpora", "check_encoder": "encoders", "check_task": "tasks"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
