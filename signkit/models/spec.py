"""The inputs and outputs of a model: with the recipe, all that is needed to build it again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from signkit.text.vocabulary import Vocabulary

SIGNAL, SOURCE, TEXT, GLOSS = "signal", "source", "text", "gloss"
"""The names of the usual input, of the vocabulary of written sources, of the usual output, and of the glosses
that are recognised next to a text."""
VOCABULARY = "vocabulary.json"


@dataclass(frozen=True, slots=True)
class SignalInput:
    """A signal: landmarks, feature vectors, video, or written sources.

    Attributes:
        layout: the landmark layout, "" for features, `signkit.types.VIDEO` for video, `WRITTEN` for text.
        width: coordinates of a point (2 or 3), size of a feature vector, the 3 colours of video, or the
            number of different tokens of sources.
    """

    layout: str
    width: int


@dataclass(frozen=True)
class Labels:
    """The classes of a classifier's output, in the order of their numbers.

    Attributes:
        symbols: the notation that has a symbol for each class, ``hamnosys``; "" if none.
    """

    names: tuple[str, ...]
    symbols: str = ""

    @cached_property
    def index(self) -> dict[str, int]:
        """The number of each class."""
        return {name: number for number, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)


Input = SignalInput | Vocabulary
Output = Vocabulary | Labels


@dataclass(frozen=True)
class Spec:
    """Inputs and outputs of a model by name, such as ``signal`` and ``text``."""

    inputs: Mapping[str, Input]
    outputs: Mapping[str, Output]

    @property
    def signal(self) -> SignalInput:
        """The input ``signal``; features of width 0 if there is none."""
        signal = self.inputs.get(SIGNAL)
        return signal if isinstance(signal, SignalInput) else SignalInput("", 0)

    @property
    def source(self) -> Vocabulary | None:
        """The vocabulary of written sources; None of a model of recordings."""
        source = self.inputs.get(SOURCE)
        return source if isinstance(source, Vocabulary) else None

    @property
    def glosses(self) -> Vocabulary | None:
        """The vocabulary of the output ``gloss``; None of a model without it."""
        glosses = self.outputs.get(GLOSS)
        return glosses if isinstance(glosses, Vocabulary) else None

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the output ``text``.

        Raises:
            KeyError: the model has no such output.
        """
        vocabulary = self.outputs[TEXT]
        assert isinstance(vocabulary, Vocabulary)
        return vocabulary

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the vocabularies into a folder; returns the rest as a JSON object, for `load`."""
        return {
            "inputs": {name: _saved(part, folder, name) for name, part in self.inputs.items()},
            "outputs": {name: _saved(part, folder, name) for name, part in self.outputs.items()},
        }

    @classmethod
    def load(cls, folder: Path, plain: Mapping[str, Any]) -> "Spec":
        """Read what `save` wrote. Exports of version 0.1, which name a layout and a width, are read too.

        Raises:
            KeyError, TypeError, ValueError: ``plain`` is not an object that `save` returned.
            UserError, OperationalError: a vocabulary is missing or damaged.
        """
        if "layout" in plain:
            signal = SignalInput(str(plain["layout"]), int(plain["width"]))
            return cls({SIGNAL: signal}, {TEXT: Vocabulary.load(folder / VOCABULARY)})
        inputs = {name: _loaded(part, folder) for name, part in dict(plain["inputs"]).items()}
        outputs = {name: _loaded(part, folder) for name, part in dict(plain["outputs"]).items()}
        return cls(inputs, outputs)  # type: ignore[arg-type]


def signal_to_text(layout: str, width: int, vocabulary: Vocabulary) -> Spec:
    """The usual specification: a signal as input, text as output."""
    return Spec({SIGNAL: SignalInput(layout, width)}, {TEXT: vocabulary})


def _saved(part: Input | Output, folder: Path, name: str) -> dict[str, Any]:
    if isinstance(part, Vocabulary):
        file = VOCABULARY if name == TEXT else f"{name}.{VOCABULARY}"
        part.save(folder / file)
        return {"vocabulary": file}
    if isinstance(part, Labels):
        return {"labels": list(part.names)} | ({"symbols": part.symbols} if part.symbols else {})
    return asdict(part)


def _loaded(plain: Mapping[str, Any], folder: Path) -> Input | Output:
    if "vocabulary" in plain:
        return Vocabulary.load(folder / str(plain["vocabulary"]))
    if "labels" in plain:
        return Labels(tuple(map(str, plain["labels"])), str(plain.get("symbols", "")))
    return SignalInput(str(plain["layout"]), int(plain["width"]))
