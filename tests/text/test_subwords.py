"""Subwords: text comes back from its pieces, the same pieces every time, and what is no model is refused."""

import io
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.errors import UserError
from signkit.text import subwords
from signkit.text.subwords import Subwords, Word, learn, read

WORDS = [
    *(["HOUSE", "READ", "WHO"], ["READ", "BOOK"], ["WHO", "HOUSE", "BOOK", "READING"]),
    *(["MOTHER", "BROTHER"], ["FATHER", "OTHER", "HOUSE"]),
]
LEARNT = learn(WORDS * 3, 26)


def trained(*lines: str, **options: Any) -> bytes:
    """A model as users train one."""
    import sentencepiece

    model = io.BytesIO()
    options = {"vocab_size": 25, "hard_vocab_limit": False, "minloglevel": 2} | options
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=model, **options)
    return model.getvalue()


LINES = ["HOUSE READ WHO", "READ BOOK", "WHO HOUSE BOOK READING", "MOTHER FATHER"] * 3
KEEPING = {"normalization_rule_name": "identity"}
BYTES = Subwords(trained(*LINES, byte_fallback=True, vocab_size=300, **KEEPING), "bytes")


def test_the_pieces_that_were_asked_for() -> None:
    """All characters, and what is common; neither marks nor the unknown piece."""
    assert len(LEARNT.pieces) == len(set(LEARNT.pieces)) == 26
    assert {*"HOUSEREADWHOBOOKINGMTF▁"} <= {*LEARNT.pieces}
    assert any(len(piece.lstrip("▁")) > 1 for piece in LEARNT.pieces)
    assert not {"<unk>", "<s>", "</s>", "<pad>"} & {*LEARNT.pieces}


def test_a_common_word_is_cut_less_than_a_new_one() -> None:
    assert "".join(LEARNT.split("BOOK")) == "▁BOOK"
    assert len(LEARNT.split("BOOK")) < len(LEARNT.split("KOOB"))
    assert LEARNT.split("ÄÖHOUSE")[:2] == ("▁", "ÄÖ")  # unknown ones are one piece


@pytest.mark.parametrize("model", [LEARNT, BYTES], ids=["learnt", "bytes"])
@settings(max_examples=300, deadline=None)
@given(text=st.text(st.characters(exclude_characters="▁", exclude_categories=["Cs"])))
def test_any_text_comes_back_from_its_pieces(model: Subwords, text: str) -> None:
    """Whatever its characters: known or not, in any script."""
    import unicodedata

    words = unicodedata.normalize("NFC", text).split()
    pieces = [piece for word in words for piece in model.split(word)]
    assert [word.text for word in model.words(pieces)] == words


@settings(max_examples=300, deadline=None)
@given(places=st.lists(st.integers(0, 25), max_size=12))
def test_any_pieces_spell_words(places: list[int]) -> None:
    """What a recogniser writes need not be as a text is cut. Words follow each other, share no piece, and say
    all that is in the pieces."""
    pieces = [LEARNT.pieces[place] for place in places]
    words = LEARNT.words(pieces)
    assert [word.text for word in words] == "".join(pieces).replace("▁", " ").split()
    for word in words:
        assert "".join(pieces[word.first : word.end]).replace("▁", " ").strip() == word.text
    assert all(one.end <= other.first for one, other in zip(words, words[1:], strict=False))


def test_where_words_begin_and_end() -> None:
    """A word has the blank before it, wherever that stands; the first may have none."""
    words = LEARNT.words(["H", "O", "▁", "▁", "E", "▁BOOK", "S", "▁"])
    assert words == (Word("HO", 0, 2), Word("E", 3, 5), Word("BOOKS", 5, 7))
    assert LEARNT.words(["▁", "▁"]) == LEARNT.words([]) == ()
    assert LEARNT.words(["▁A▁B", "C"]) == (Word("A", 0, 1), Word("BC", 0, 2))  # of a model of phrases


def test_bytes_are_characters() -> None:
    """Of byte fallback: those side by side are read together; what is no UTF-8 is not invented."""
    pieces = BYTES.split("Ä→")
    assert pieces == ("▁", "<0xC3>", "<0x84>", "<0xE2>", "<0x86>", "<0x92>")
    assert BYTES.words([*pieces, "▁READ"]) == (Word("Ä→", 0, 6), Word("READ", 6, 7))
    assert BYTES.words(["▁", "<0xC3>", "R", "<0x84>"]) == (Word("\ufffdR\ufffd", 0, 4),)
    assert [word.text for word in BYTES.words(["A", "<0x20>", "<0x41>"])] == ["A", "A"]
    assert [word.text for word in LEARNT.words(["▁", "<0xC3>"])] == ["<0xC3>"]  # no bytes in this one


def test_the_same_for_the_same_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """In any order; another text has others, and of a long one the same part is taken each time."""
    assert learn(WORDS[::-1] * 3, 26) == LEARNT
    assert learn(WORDS * 3, 25).digest != LEARNT.digest
    monkeypatch.setattr(subwords, "MOST", 8)
    part = learn(WORDS * 3, 22)
    assert part == learn(WORDS[::-1] * 3, 22) != LEARNT


def test_characters_that_sentencepiece_keeps_for_itself() -> None:
    """The sentence is learnt from all the same, the character is unknown."""
    found = learn([["A\0B", "C\u2585", "DE"]] * 2, 10)
    assert {*"ABCDE"} <= {*"".join(found.pieces)}
    assert [word.text for word in found.words(found.split("A\0B") + found.split("C\u2585"))] == [
        "A\0B",
        "C\u2585",
    ]


def test_a_long_sentence_is_learnt_from() -> None:
    assert "Q" in "".join(learn([["AB"] * 3000 + ["Q"], ["AB"]], 5).pieces)


def test_it_travels_to_other_processes() -> None:
    LEARNT.split("BOOK")
    there = pickle.loads(pickle.dumps(LEARNT))
    assert there == LEARNT
    assert there.split("BOOKS") == LEARNT.split("BOOKS")


def test_fewer_pieces_than_asked_for() -> None:
    found = learn([["AB", "BA"]], 1000)
    assert len(found.pieces) < 20


@pytest.mark.parametrize(
    ("words", "pieces", "message"),
    [
        ([], 20, "text.unit: train has no words to learn subwords from"),
        ([[]], 20, "text.unit: train has no words to learn subwords from"),
        (
            [["ABC"]],
            3,
            "text.pieces: is 3, but train has 4 characters, each of them a piece; "
            "at least 4, better some times as many",
        ),
    ],
)
def test_nothing_to_learn(words: list[list[str]], pieces: int, message: str) -> None:
    with pytest.raises(UserError) as caught:
        learn(words, pieces)
    assert str(caught.value) == message


def test_the_least_number_is_enough() -> None:
    assert sorted(learn([["ABC", "CBA"]], 4).pieces) == ["A", "B", "C", "▁"]


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read(path)
    return str(caught.value)


def test_a_file_and_back(tmp_path: Path) -> None:
    path = tmp_path / "some.model"
    path.write_bytes(LEARNT.model)
    assert read(path) == LEARNT
    assert read(path).where == str(path)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    """Wherever it is cut, also between two pieces, where what is left is a message too."""
    path = tmp_path / "some.model"
    for size in range(len(LEARNT.model)):
        path.write_bytes(LEARNT.model[:size])
        assert refusal(path).startswith(f"{path}: is no sentencepiece model")


@pytest.mark.parametrize(
    "content", [b"", b"HOUSE READ\n", b"\x80" * 40, b"\x12\x00\x1a\x00", b"\xff" * 9, b"\x0a\xff\xff\xff\x7f"]
)
def test_a_file_that_is_no_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some.model"
    path.write_bytes(content)
    assert refusal(path).startswith(f"{path}: is no sentencepiece model")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.model") == f"{tmp_path / 'none.model'}: there is no such file"
    assert refusal(tmp_path) == f"{tmp_path}: is a folder, not a file"


@pytest.mark.parametrize(
    ("options", "word", "message"),
    [
        (
            {"normalization_rule_name": "nmt_nfkc_cf"},
            "HOUSE",
            "some.model: `HOUSE` comes back from its pieces as `house`; "
            "normalization_rule_name=identity trains a model that keeps text",
        ),
        (
            {"add_dummy_prefix": False},
            "HOUSE",
            "some.model: `HOUSE` does not begin with a blank, ▁, in its pieces; "
            "train the model with add_dummy_prefix, which is the default",
        ),
        (
            {"treat_whitespace_as_suffix": True},
            "HOUSE",
            "some.model: `HOUSE` does not begin with a blank, ▁, in its pieces; "
            "train the model with add_dummy_prefix, which is the default",
        ),
        ({}, "A▁B", "some.model: `A▁B` holds `▁`, which is a blank to sentencepiece"),
    ],
)
def test_a_model_that_does_not_keep_words(options: dict[str, Any], word: str, message: str) -> None:
    model = Subwords(trained(*LINES, **options), "some.model")
    with pytest.raises(UserError) as caught:
        model.split(word)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "options",
    [
        {"model_type": "bpe"},
        {"model_type": "char"},
        {"split_by_whitespace": False},
        {"user_defined_symbols": ["<lh>"], "pad_id": 3, "unk_id": 2, "bos_id": 0, "eos_id": 1},
        {"control_symbols": ["<mask>"]},
    ],
)
def test_models_of_others(options: dict[str, Any]) -> None:
    """Of other kinds and with other marks, which are no pieces to be written."""
    model = Subwords(trained(*LINES, **options))
    words = ["HOUSE", "<s>", "<lh>", "ÄREAD", "</s>", "<mask>"]
    pieces = [piece for word in words for piece in model.split(word)]
    assert [word.text for word in model.words(pieces)] == words
    assert not {"<unk>", "<s>", "</s>", "<pad>", "<mask>"} & {*model.pieces}
    assert ("<lh>" in model.pieces) == ("user_defined_symbols" in options)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(UserError) as caught:
        learn(WORDS, 30)
    assert str(caught.value) == "text.unit: needs the package sentencepiece; pip install 'signkit[lm]'"
    with pytest.raises(UserError) as caught:
        Subwords(LEARNT.model).split("BOOK")
    assert str(caught.value) == "text.unit: needs the package sentencepiece; pip install 'signkit[lm]'"
