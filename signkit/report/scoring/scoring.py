"""What `signkit score` found out, for whatever shows it."""

from dataclasses import dataclass

from signkit.eval.analyses import Analyses
from signkit.eval.comparison import Comparison
from signkit.eval.protocols import Protocol
from signkit.eval.scores import Resampling, Scored


@dataclass(frozen=True, slots=True)
class Scoring:
    """Systems scored on one file of references.

    Attributes:
        reference: its name.
        description: of the protocol, a sentence.
        systems: by name; the first is the one that was asked for, the others are compared with it.
        analyses: of each system.
        classes: whether figures by class were asked for.
    """

    reference: str
    protocol: Protocol
    description: str
    systems: dict[str, Scored]
    analyses: dict[str, Analyses]
    comparisons: tuple[Comparison, ...]
    resampling: Resampling
    classes: bool = False


def missing_warning(scored: Scored, protocol: Protocol) -> str:
    """What sentences without a hypothesis count as; "" if there are none."""
    missing = scored.sentences.cleaned.missing
    as_what = protocol.empty or "deletions of all their words"
    return f"{len(missing)} without a hypothesis count as {as_what}" if missing else ""
