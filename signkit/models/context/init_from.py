"""Initialising a context from that of another run, of a language model or of a recogniser."""

from typing import Any

import torch
from torch import Tensor, nn

from signkit.errors import UserError
from signkit.models.context.adaptor import AdaptedContext
from signkit.text.vocabulary import PLURAL, Vocabulary, take_subwords

KEY = "context.init_from"


def begin_from(context: nn.Module, vocabulary: Vocabulary, other: Any, theirs: Vocabulary, run: str) -> str:
    """Copy another context's weights into `context`.

    Embeddings are matched by token; tokens that the other run lacks get the mean of its embeddings. The
    adaptor is copied if the vectors of both contexts are equally wide, and its LayerNorm is scaled by the
    gain; otherwise it stays as it is.

    Args:
        context: is changed in place.
        vocabulary: of this recipe.
        other: the other run's context.
        theirs: the other run's vocabulary.
        run: the other run's folder, for messages.

    Returns:
        A line for the user.

    Raises:
        UserError: the contexts are of different kinds or sizes, or no token is in both vocabularies.
    """
    if not isinstance(context, AdaptedContext) or not isinstance(other, AdaptedContext):
        raise UserError(KEY, f"{run} has no context that could be copied")
    reader, source = context.reader, other.reader
    if type(reader) is not type(source):
        names = type(source).__name__, type(reader).__name__
        raise UserError(
            KEY, f"{run} has a {names[0]} where this recipe has a {names[1]}", "use the same context"
        )
    units = PLURAL[vocabulary.unit]
    if vocabulary.unit != theirs.unit:
        raise UserError(KEY, f"{run} is of {PLURAL[theirs.unit]}, this recipe of {units}")
    if vocabulary.subwords != theirs.subwords:
        what = f"{run} has subwords of another sentencepiece model"
        raise UserError(KEY, what, take_subwords(theirs, run))
    own, given = (
        {n: t for n, t in m.state_dict().items() if not _is_embedding(m, t)} for m in (reader, source)
    )
    for name in own:
        if name not in given or own[name].shape != given[name].shape:
            shape = list(given[name].shape) if name in given else "not there"
            what = f"{name} is {shape} in {run} but {list(own[name].shape)} here"
            raise UserError(KEY, what, "use the same width and layers")
    tokens = vocabulary.tokens[2:]
    known = sum(token in theirs.index for token in tokens)
    if not known:
        what = f"none of the {len(tokens)} {units} is among the {len(theirs) - 2} of {run}"
        raise UserError(KEY, what)
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(given[name])
        _weights(reader).copy_(_embeddings(_weights(source), theirs, vocabulary))
        same = _copied_adaptor(context, other)
    adaptor = "" if same else f"; its adaptor is fresh, the vectors are {context.dim} wide, not {other.dim}"
    return f"context: began with {run}; {known:,} of {len(tokens):,} {units} known{adaptor}"


def _embeddings(table: Tensor, theirs: Vocabulary, vocabulary: Vocabulary) -> Tensor:
    """The other's embeddings in this vocabulary's order, with its start symbol and its unknown token."""
    mean = len(table)  # the index of an additional row: the mean of all tokens
    rows = [theirs.index.get(token, mean) for token in vocabulary.tokens]
    return torch.cat([table, table[2:].mean(0, keepdim=True)])[rows]


def _copied_adaptor(context: AdaptedContext, other: AdaptedContext) -> bool:
    own, given = context.adaptor.state_dict(), other.adaptor.state_dict()
    if {n: t.shape for n, t in own.items()} != {n: t.shape for n, t in given.items()}:
        return False
    for name, tensor in own.items():
        tensor.copy_(given[name])
    context.adaptor.norm.weight.mul_(context.adaptor.gain)
    context.adaptor.norm.bias.mul_(context.adaptor.gain)
    return True


def _weights(reader: Any) -> Tensor:
    weight: Tensor = reader.embedding.weight
    return weight


def _is_embedding(reader: Any, tensor: Tensor) -> bool:
    # By address: the embedding's name in the state differs between the readers.
    return tensor.data_ptr() == _weights(reader).data_ptr()
