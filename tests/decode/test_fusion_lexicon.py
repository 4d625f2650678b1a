"""The lexicon: nothing outside the list, or at its price; lists that cannot be used."""

from pathlib import Path

import numpy as np
import pytest
import torch
from fusion_laws import check_laws, message, no_text, total
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.decode import beam_search, constant_context_logits
from signkit.decode.external.configs import LexiconConfig
from signkit.decode.external.lexicon import build
from signkit.decode.scorer import Fused
from signkit.errors import UserError
from signkit.text.vocabulary import Vocabulary

GLOSSES = Vocabulary.from_references([("A", "B", "C", "D")])
LETTERS = Vocabulary.from_references([tuple("abc ")], "character")
WORDS = ["a", "ab", "abc", "cab", "b"]
SENTENCES = ["A B", "A", "C C A", "B"]


@pytest.fixture
def listed(tmp_path: Path):
    def make(vocabulary, content, of="words", back_off=0.0):
        path = tmp_path / "list.txt"
        path.write_bytes(content if isinstance(content, bytes) else ("\n".join(content) + "\n").encode())
        config = LexiconConfig(file=str(path), of=of, back_off=back_off)
        return build(config, vocabulary=vocabulary, model=None, text=no_text())

    return make


def price_of_words(text: str, words: list[str], back_off: float) -> float:
    """By the rule: the characters of words outside the list, and blanks that part no two words."""
    outside = sum(len(word) for word in text.split() if word not in words)
    blanks = text.count(" ") - max(len(text.split()) - 1, 0)
    count = outside + blanks
    return -back_off * count if back_off else (-np.inf if count else 0.0)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text("abc ", max_size=9), st.sampled_from([0.0, 1.5]))
def test_words_of_characters_by_the_rule(tmp_path_factory, text, back_off):
    path = tmp_path_factory.getbasetemp() / "words.txt"
    path.write_text("\n".join(WORDS))
    config = LexiconConfig(file=str(path), back_off=back_off)
    scorer = build(config, vocabulary=LETTERS, model=None, text=no_text())
    assert total(scorer, LETTERS.encode(text)) == price_of_words(text, WORDS, back_off)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from("ABCD"), max_size=5), st.sampled_from([0.0, 0.25]), st.booleans())
def test_sentences_by_the_rule(tmp_path_factory, glosses, back_off, spelt):
    path = tmp_path_factory.getbasetemp() / "sentences.txt"
    path.write_text("\n".join(SENTENCES))
    config = LexiconConfig(file=str(path), of="sentences", back_off=back_off)
    text = " ".join(glosses)
    vocabulary = Vocabulary.from_references([tuple("ABCD ")], "character") if spelt else GLOSSES
    scorer = build(config, vocabulary=vocabulary, model=None, text=no_text())
    tokens = vocabulary.encode(vocabulary.split(text))
    price = -back_off * len(tokens) if back_off else -np.inf
    assert total(scorer, tokens) == (0.0 if text in SENTENCES else price)


def test_words_of_glosses_are_a_mask(listed):
    rows = listed(GLOSSES, ["A", "C", "A"]).rows(np.zeros(2, dtype=np.int64))
    out = -np.inf
    assert rows[:, 1:].tolist() == [[out, 0.0, out, 0.0, out]] * 2
    assert listed(GLOSSES, ["A", "C"], back_off=2.0).rows(np.zeros(1, dtype=np.int64))[0, 1:].tolist() == [
        -2.0,
        0.0,
        -2.0,
        0.0,
        -2.0,
    ]


@pytest.mark.parametrize("back_off", [0.0, 1.0])
@pytest.mark.parametrize("of", ["words", "sentences"])
def test_laws(listed, of, back_off):
    texts = ["", "a", "ab", "abca", "a b", "cab ab", "c ", " ", "bb  b"]
    scorer = listed(LETTERS, WORDS, of, back_off)
    check_laws(scorer, len(LETTERS), [LETTERS.encode(text) for text in texts])
    scorer = listed(GLOSSES, ["A", "B"] if of == "words" else SENTENCES, of, back_off)
    check_laws(scorer, len(GLOSSES), [GLOSSES.encode(text.split()) for text in ("", "A", "A B A", "D")])


def test_one_row_in_full(listed):
    scorer = listed(LETTERS, WORDS)
    after_a = scorer.advance(np.array([scorer.start]), np.array(LETTERS.encode("a")))
    row = dict(zip(LETTERS.tokens[1:], scorer.rows(after_a)[0, 1:].tolist(), strict=True))
    assert row == {"<unk>": -np.inf, " ": 0.0, "a": -np.inf, "b": 0.0, "c": -np.inf}
    assert scorer.ends(after_a).tolist() == [0.0]


def test_a_list_as_others_write_it(listed):
    """Byte order mark, CRLF, empty lines, doubled words, another form of Unicode."""
    vocabulary = Vocabulary.from_references([("GRÜN", "A")])
    content = "\ufeffGRU\u0308N\r\n\r\n  A \r\nA\r\n".encode()
    rows = listed(vocabulary, content).rows(np.zeros(1, dtype=np.int64))
    assert np.isfinite(rows[0]).tolist()[1:] == [False, True, True]


def logits(batch: int, chunks: int, vocab: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(7).normal(size=(batch, chunks, vocab)) * 3)


@pytest.mark.parametrize("topology", ["ctc", "monotonic", "rnnt"])
@pytest.mark.parametrize("of", ["words", "sentences"])
def test_a_search_never_writes_anything_else(listed, topology, of):
    entries = WORDS if of == "words" else ["ab c", "cab", "b b"]
    scorer = listed(LETTERS, entries, of)
    acoustic, lengths = logits(8, 9, len(LETTERS)), torch.tensor([9, 8, 7, 6, 5, 4, 3, 9])
    rows = constant_context_logits(torch.zeros(len(LETTERS), dtype=torch.float64))
    found = beam_search(
        acoustic, lengths, rows, topology=topology, beam=32, nbest=8, fusion=[Fused(scorer, 1.0)]
    )
    texts = ["".join(LETTERS.decode(c.tokens)) for candidates in found for c in candidates]
    assert len(texts) > 20 and all(np.isfinite(c.score) for candidates in found for c in candidates)
    if of == "words":
        assert all(set(text.split(" ")) <= {*WORDS} for text in texts if text)
    else:
        assert {*texts} == {*entries}
    free = beam_search(acoustic, lengths, rows, topology=topology, beam=32)
    assert not all(set("".join(LETTERS.decode(c[0].tokens)).split(" ")) <= {*WORDS} for c in free)


def test_words_that_cannot_be_written(listed, tmp_path):
    path = tmp_path / "list.txt"
    assert message(lambda: listed(GLOSSES, ["A", "X", "", "B", "Y", "X"]), UserError) == (
        f"{path}:2: 2 of 4 words are outside the recogniser's vocabulary: `X` (line 2), `Y` (line 5); "
        "take them out of the list"
    )
    assert message(lambda: listed(LETTERS, ["ab", "zaza", "<blank>"]), UserError) == (
        f"{path}:2: 2 of 3 words are outside the recogniser's vocabulary: "
        "`zaza` (line 2: `z`), `<blank>` (line 3: `<` `l` `n` `k` `>`); take them out of the list"
    )
    assert message(lambda: listed(GLOSSES, ["<blank>", "<unk>", "A"]), UserError) == (
        f"{path}:1: 2 of 3 words are outside the recogniser's vocabulary: "
        "`<blank>` (line 1), `<unk>` (line 2); take them out of the list"
    )
    many = [f"X{n}" for n in range(12)]
    named = ", ".join(f"`X{n}` (line {n + 1})" for n in range(10))
    assert message(lambda: listed(GLOSSES, many), UserError) == (
        f"{path}:1: 12 of 12 words are outside the recogniser's vocabulary: {named} and 2 more; "
        "take them out of the list"
    )
    assert message(lambda: listed(GLOSSES, ["A B", "A X B"], "sentences"), UserError) == (
        f"{path}:2: 1 of 2 sentences are outside the recogniser's vocabulary: `A X B` (line 2: `X`); "
        "take them out of the list"
    )


def test_other_lists_that_cannot_be_used(listed, tmp_path):
    path = tmp_path / "list.txt"
    assert message(lambda: listed(GLOSSES, ["A", "A B"]), UserError) == (
        f"{path}:2: `A B` is 2 words; write one a line, or set `of: sentences`"
    )
    assert message(lambda: listed(GLOSSES, ["A B", "A", "A B C"]), UserError) == (
        f"{path}:1: `A B` is 2 words; write one a line, or set `of: sentences`\n"
        f"{path}:3: `A B C` is 3 words; write one a line, or set `of: sentences`"
    )
    assert message(lambda: listed(GLOSSES, b"\xef\xbb\xbf\r\n"), UserError) == (
        f"{path}: has no words; write one a line"
    )
    assert message(lambda: listed(GLOSSES, b"A\n\xff\n"), UserError) == (
        f"{path}:2: byte 0xFF is not UTF-8; save the file as UTF-8"
    )
