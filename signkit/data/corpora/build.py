"""A corpus from its options, whichever package its reader is of."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

from signkit.config.entry_points import top
from signkit.config.own_code import a, described, own_code
from signkit.config.registry import ComponentConfig, build
from signkit.errors import UserError
from signkit.types import Corpus, Features, Landmarks, Sample, Signal, Video


def build_corpus(config: ComponentConfig) -> Corpus:
    """Read a corpus. Signals are loaded later, when they are asked for.

    Raises:
        UserError: it has a fault, or its reader gives something else than a `Corpus`. The same is raised when
            a signal is loaded.
        ComponentError: the reader of another package raises an exception.
    """
    corpus = cast(Corpus, build(config, gives=Corpus))
    others = [each for each in corpus.samples if not isinstance(each, Sample)]
    if others:
        raise UserError(described(config), f"its samples have {a(others[0])}, which is not a Sample")
    if top(config.factory) == "signkit":
        return corpus
    samples = (replace(each, load=_Load(each.load, each.id, config)) for each in corpus.samples)
    return replace(corpus, samples=tuple(samples))


@dataclass(frozen=True, slots=True)
class _Load:
    """Loads a signal by the code of another package."""

    load: Callable[[], Signal]
    sample: str
    config: ComponentConfig

    def __call__(self) -> Signal:
        with own_code(self.config):
            signal = self.load()
        if not isinstance(signal, Landmarks | Features | Video):
            what = f"`load` of its sample {self.sample!r} gives {a(signal)}"
            raise UserError(described(self.config), f"{what}, not Landmarks, Features or a Video")
        return signal
