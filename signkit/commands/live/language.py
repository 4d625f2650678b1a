"""A character language model for the page: an n-gram model as `language.json` in the folder of an export.

The page adds its log probabilities to those of the letters, searches the texts of CTC models with it, and
completes words (page/js/language.js). The file has the model's automaton (`signkit.lm.trie.Trie`):

    words, order        how many characters it has, and how long the longest n-grams are
    start               the state at the beginning of a text
    end, space          the characters that end a text, and a word; -1: it has none
    unknown             the character that stands for all others
    tokens              the character of each symbol of the recogniser
    keys, log, target   arrays of the edges: state times words plus character, log probability, next state
    backoff, shorter    arrays of the states

Arrays are objects with `dtype`, `shape` and `base64`, as in golden.json.
"""

import json
from pathlib import Path

import numpy as np

from signkit.decode.external.known import check_share
from signkit.errors import UserError
from signkit.lm import NGram, load
from signkit.models.export import TrainedModel
from signkit.models.onnx.cases import plain_array
from signkit.models.onnx.graphs import graph_of

MOST = 3_000_000
"""Bytes of the file, so that the page without WebAssembly stays below 15 MB."""
SPACE = " "


def language_of(file: Path, symbols: tuple[str, ...]) -> bytes:
    """A model of characters, in an ARPA file or its archive, for a recogniser of letters.

    The recogniser's letters are looked up as they are, or all in the other case if more of them are known so.

    Raises:
        UserError: the file is no model of characters, knows almost none of the letters, or is too large.
    """
    model = load(file)
    if model.unit != "character":
        hint = "`signkit lm train ngram --set data.unit=character` trains one of characters"
        raise UserError(str(file), f"is a model of {model.unit}s, and letters need one of characters", hint)
    cases = [[change(symbol) for symbol in symbols] for change in (str, str.lower, str.upper)]
    written = max(cases, key=lambda names: _known(model, names).sum())  # of equal ones the first
    known = _known(model, written).tolist()
    check_share(str(file), "knows {} of the model's letters", known, ours=symbols, theirs=model.words)
    content = json.dumps(_plain(model, written)).encode()
    if len(content) > MOST:
        what = f"would be {len(content) / 1e6:.1f} MB in the page, more than {MOST / 1e6:g}"
        raise UserError(str(file), what, "train it with a lower lm.order, or with lm.prune")
    return content


def spelled_by(trained: TrainedModel, run: Path) -> tuple[str, ...]:
    """The symbols of a model that spells, in the order of its output.

    Raises:
        UserError: it names signs or writes words or subwords, its texts are searched with a context or a
            decoder, or it cannot be exported.
    """
    graph = graph_of(trained, run)
    symbols = next(iter(graph.outputs.values()), ())
    spells = trained.spec.vocabulary.unit == "character" if graph.level else all(len(s) == 1 for s in symbols)
    if not symbols or not spells or graph.context is not None or graph.attention is not None:
        hint = "a classifier of letters does, and a `ctc` model with text: {unit: character}"
        raise UserError("--lm", f"the model of {run} does not spell with letters by itself", hint)
    return symbols


def _known(model: NGram, names: list[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray(model.encode(names) != model.unknown)


def _plain(model: NGram, names: list[str]) -> dict[str, object]:
    trie = model.trie
    arrays = {
        "keys": trie.keys.astype(np.int32),
        "log": trie.log,
        "target": trie.target,
        "backoff": trie.backoff,
        "shorter": trie.shorter,
    }
    return {
        "start": model.start,
        "unknown": model.unknown,
        "end": model.end,
        "space": model.index.get(SPACE, -1),
        "words": len(model.words),
        "order": model.order,
        "tokens": model.encode(names).tolist(),
        **{name: plain_array(array) for name, array in arrays.items()},
    }
