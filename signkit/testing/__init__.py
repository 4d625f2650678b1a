"""The laws that encoders, corpora and tasks hold to, to be called in the tests of a package of your own.

    from signkit.testing import check_encoder

    def test_it_is_an_encoder():
        check_encoder(lambda: build(FlatConfig(), layout("holistic"), 3), layout="holistic", width=3)

The tests of signkit hold its own parts to the same laws. What breaks a law raises an `AssertionError` whose
message is a sentence. Nothing is imported before it is used.
"""

from typing import TYPE_CHECKING

from signkit.runtime.lazy import lazy

if TYPE_CHECKING:
    from signkit.testing.corpora import check_corpus
    from signkit.testing.encoders import check_encoder
    from signkit.testing.tasks import check_task

__all__ = ["check_corpus", "check_encoder", "check_task"]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "check_corpus": "signkit.testing.corpora",
        "check_encoder": "signkit.testing.encoders",
        "check_task": "signkit.testing.tasks",
    },
)
