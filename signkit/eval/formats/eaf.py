"""EAF, the annotations of ELAN, as a transcript: one of its tiers."""

from signkit.eval.formats.annotations import Annotation, chosen_tier
from signkit.text.eaf import ROOT, parse_eaf

__all__ = ["ROOT", "read_eaf"]

CONFIDENCE = "confidence"
"""Linguistic type of the tier of confidences that `signkit predict` writes: no transcript."""


def read_eaf(source: str, data: bytes, tier: str = "") -> list[Annotation]:
    """The annotations of a tier, in order of time.

    Args:
        source: name of the file, for messages.
        data: its bytes.
        tier: name of the tier; may be empty if only one has annotations.

    Raises:
        UserError: it is not whole, refers to what is not there, or the tier is not there.
    """
    tiers = {each.name: each for each in parse_eaf(source, data).tiers}
    shown = [
        name
        for name, each in tiers.items()
        if name and each.annotations and (each.kind != CONFIDENCE or name == tier)
    ]
    chosen = chosen_tier(source, shown, tier)
    if not chosen:
        return []
    annotations = [
        Annotation(each.start / 1000, each.end / 1000, each.text, number)
        for number, each in enumerate(tiers[chosen].annotations, 1)
    ]
    return sorted(annotations, key=lambda each: each.begin)
