"""Whether the models of an ensemble fit together."""

import torch

from signkit.models.export import TrainedModel


def differing(one: TrainedModel, other: TrainedModel, *, chunks: bool = True) -> str:
    """The reason why two models cannot be averaged; "" if they can.

    Args:
        chunks: whether their chunks are averaged one by one.
    """
    ours, theirs = one.spec.vocabulary, other.spec.vocabulary
    if ours != theirs:
        if ours.unit != theirs.unit:
            return f"its unit is the {theirs.unit}, this one's the {ours.unit}"
        known, others = set(ours.tokens), set(theirs.tokens)
        sizes = f"{len(others) - 2} tokens against {len(known) - 2}, {len(known & others) - 2} in both"
        if known == others:
            return "its subwords are of another sentencepiece model"
        return f"another vocabulary ({sizes})"
    if one.spec.source != other.spec.source:
        return "its sources are cut into other tokens"
    topologies = [getattr(each.model, "topology", "") for each in (one, other)]
    if topologies[0] != topologies[1]:
        return f"its topology is {topologies[1]}, this one's {topologies[0]}"
    if one.spec.signal != other.spec.signal:
        reads = [f"{s.layout or 'features'} {s.width} wide" for s in (other.spec.signal, one.spec.signal)]
        return f"it reads {reads[0]}, this one {reads[1]}"
    if one.recipe.landmarks != other.recipe.landmarks:
        return "its `landmarks` are chosen or normalised otherwise"
    if not chunks:
        return ""
    frames = torch.arange(1, 513)
    counted = [each.model.encoder.output_lengths(frames) for each in (one, other)]
    if not counted[0].equal(counted[1]):
        at = int((counted[0] != counted[1]).nonzero()[0])
        counts = f"{int(counted[1][at])} and {int(counted[0][at])}"
        return f"its encoder returns another number of chunks ({counts} for {at + 1} frames)"
    return ""
