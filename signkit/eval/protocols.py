"""How a benchmark is scored: a YAML file of `eval/`, read strictly."""

from dataclasses import dataclass
from typing import Literal

from signkit.assets import find
from signkit.eval.alignment import SCLITE, Costs
from signkit.strict_yaml import read_file

Metric = Literal["rate", "edits", "sentence", "seen"]


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How hypotheses are compared with references.

    Attributes:
        name: the file's, without its ending; for the signature of a score.
        unit: ``word``: tokens as the corpus has them (`wer`); ``character``: the characters of all
            tokens laid end to end (`cer`).
        costs: of the alignment.
        metrics: ``rate``: the error rate; ``edits``: its substitutions, deletions and insertions;
            ``sentence``: the share of sentences with an error; ``seen``: the share of sentences that
            occur in train, and the error rate of those and of the others.
    """

    name: str
    unit: Literal["word", "character"] = "word"
    costs: Costs = SCLITE
    metrics: tuple[Metric, ...] = ("rate", "edits", "sentence", "seen")


def load(name: str) -> Protocol:
    """The protocol of a name in `eval/`, or of a YAML file.

    Raises:
        UserError: no such protocol, or a fault in it, with file, line and column.
    """
    path = find("eval", name)
    return read_file(path, Protocol, given={"name": path.stem})
