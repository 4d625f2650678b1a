"""The examples in docstrings run, and print what they say."""

import doctest
from importlib import import_module

import pytest

EXAMPLES = {
    "signkit.data.collect.names": "read_pattern",
    "signkit.decode.beam": "beam_search",
    "signkit.decode.greedy": "greedy_search",
    "signkit.decode.single": "single_search",
    "signkit.eval.alignment": "align",
    "signkit.eval.comparison": "compare",
    "signkit.eval.retrieval": "nearest_texts",
    "signkit.eval.scores": "score",
    "signkit.lm.kneser_ney": "estimate",
    "signkit.lm.ngram": "NGram",
    "signkit.lm.perplexity": "perplexity",
    "signkit.models.losses.cst": "cst_loss",
    "signkit.models.losses.ctc": "ctc_loss",
    "signkit.models.losses.kl": "kl_loss",
    "signkit.models.losses.stc": "stc_loss",
    "signkit.text.vocabulary": "Vocabulary",
}


@pytest.mark.parametrize(("module", "name"), EXAMPLES.items())
def test_examples_print_what_they_say(module: str, name: str) -> None:
    imported = import_module(module)
    tests = {test.name: test for test in doctest.DocTestFinder().find(imported)}
    assert tests[f"{module}.{name}"].examples
    assert doctest.testmod(imported).failed == 0
