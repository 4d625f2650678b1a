"""Vocabularies: indices, units, files, and what is refused."""

import json
from pathlib import Path

import pytest

from signkit.errors import OperationalError, UserError
from signkit.text import Vocabulary, read_sentences

GLOSSES = Vocabulary.from_references([("HOUSE", "MY"), ("MY", "BOOK")])
LETTERS = Vocabulary.from_references(["ab", " a"], unit="character")


def test_tokens_are_sorted_after_blank_and_unknown() -> None:
    assert GLOSSES.tokens == ("<blank>", "<unk>", "BOOK", "HOUSE", "MY")
    assert LETTERS.tokens == ("<blank>", "<unk>", " ", "a", "b")
    assert len(GLOSSES) == 5


def test_order_of_references_does_not_matter() -> None:
    assert Vocabulary.from_references([("MY", "BOOK"), ("HOUSE",)]) == GLOSSES


def test_encode_and_decode() -> None:
    assert GLOSSES.encode(("MY", "CAT", "BOOK")) == (4, 1, 2)
    assert GLOSSES.decode((4, 1, 2)) == ("MY", "<unk>", "BOOK")
    assert "MY" in GLOSSES and "CAT" not in GLOSSES


@pytest.mark.parametrize("index", [5, -1])
def test_index_beyond_the_vocabulary(index: int) -> None:
    with pytest.raises(IndexError, match="of a vocabulary of 5"):
        GLOSSES.decode((2, index))


def test_join_and_split_by_unit() -> None:
    assert GLOSSES.join(("MY", "BOOK")) == "MY BOOK"
    assert GLOSSES.split(" MY\tBOOK ") == ("MY", "BOOK")
    assert LETTERS.join(("a", " ", "b")) == "a b"
    assert LETTERS.split("a b") == ("a", " ", "b")


def test_equal_characters_are_one_however_they_are_composed() -> None:
    composed, decomposed = "BÜRO", "BU\u0308RO"
    vocabulary = Vocabulary.from_references([(composed,), (decomposed,)])
    assert vocabulary.tokens[2:] == (composed,)
    assert vocabulary.encode((decomposed,)) == (2,)
    assert decomposed in vocabulary
    assert vocabulary.split(decomposed) == (composed,)


def test_unknown_in_a_reference_is_the_unknown_token() -> None:
    assert Vocabulary.from_references([("<unk>", "A")]).tokens == ("<blank>", "<unk>", "A")


def test_saved_and_loaded(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.json"
    for vocabulary in (GLOSSES, LETTERS, Vocabulary.from_references([("سوال",)])):
        vocabulary.save(path)
        assert Vocabulary.load(path) == vocabulary
    assert [p.name for p in tmp_path.iterdir()] == ["vocabulary.json"]


def test_fingerprint_tells_vocabularies_apart() -> None:
    same = Vocabulary.from_references([("BOOK", "HOUSE", "MY")])
    letters = Vocabulary.from_references(["ab"])
    assert GLOSSES.fingerprint == same.fingerprint
    assert (
        len({GLOSSES.fingerprint, letters.fingerprint, Vocabulary(letters.tokens, "character").fingerprint})
        == 3
    )


def file(unit: object, *tokens: object) -> bytes:
    return json.dumps({"unit": unit, "tokens": tokens}).encode()


NOT_ONE = "is empty or has a space in it, so it is not one gloss"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "{}:1: byte 0xFF is not UTF-8; save the file as UTF-8"),
        (b'{\n"unit": }', "{}:2:9: is not JSON"),
        (b"[" * 100_000, "{}: is not JSON"),
        (b"[]", '{}: is not a vocabulary; it needs {{"unit": …, "tokens": […]}} and nothing else'),
        (b'{"unit": "gloss", "tokens": "ab"}', "{}: `tokens` is not a list of strings"),
        (file("gloss", "<blank>", "<unk>", 3), "{}: `tokens` is not a list of strings"),
        (file("word", "<blank>", "<unk>", "A"), "{}: unit 'word' is neither gloss nor character"),
        (
            file("gloss", "A", "<blank>"),
            "{}: the first tokens are ['A', '<blank>'], not ['<blank>', '<unk>']",
        ),
        (file("gloss"), "{}: the first tokens are [], not ['<blank>', '<unk>']"),
        (file("gloss", "<blank>", "<unk>"), "{}: has no tokens"),
        (file("gloss", "<blank>", "<unk>", "A", "A"), "{}: token 'A' is there twice"),
        (file("gloss", "<blank>", "<unk>", "<blank>"), "{}: token '<blank>' is there twice"),
        (file("gloss", "<blank>", "<unk>", "A B"), "{}: token 'A B' " + NOT_ONE),
        (file("gloss", "<blank>", "<unk>", ""), "{}: token '' " + NOT_ONE),
        (file("character", "<blank>", "<unk>", "ab"), "{}: token 'ab' is not one character"),
        (
            file("gloss", "<blank>", "<unk>", "U\u0308"),
            "{}: token 'U\u0308' is not in Unicode's composed form (NFC)",
        ),
    ],
)
def test_file_that_is_no_vocabulary(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        Vocabulary.load(path)
    assert str(caught.value) == message.format(path)


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        Vocabulary.load(tmp_path / "none.json")
    assert str(caught.value) == f"{tmp_path / 'none.json'}: there is no such file"


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "none").touch()
    path = tmp_path / "none" / "vocabulary.json"
    with pytest.raises(OperationalError) as caught:
        GLOSSES.save(path)
    assert str(caught.value) == f"{path}: cannot be written: File exists"


@pytest.mark.parametrize(
    ("references", "message"),
    [
        ([], "vocabulary: has no tokens"),
        ([()], "vocabulary: has no tokens"),
        ([("MY HOUSE",)], "vocabulary: token 'MY HOUSE' " + NOT_ONE),
        ([("<blank>",)], "vocabulary: token '<blank>' is there twice"),
    ],
)
def test_references_without_a_vocabulary(references: list[tuple[str, ...]], message: str) -> None:
    with pytest.raises(UserError) as caught:
        Vocabulary.from_references(references)
    assert str(caught.value) == message


def test_sentences_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(b"\xef\xbb\xbfMY BOOK\r\n\n  CAT \n")
    assert read_sentences(path, GLOSSES) == (("MY", "BOOK"), ("CAT",))
    path.write_text("ab\n")
    assert read_sentences(path, LETTERS) == (("a", "b"),)


def test_file_without_sentences(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text(" \n\n")
    with pytest.raises(UserError) as caught:
        read_sentences(path, GLOSSES)
    assert str(caught.value) == f"{path}: has no sentence; write one a line"
    path.write_bytes(b"A\nB\xe9\n")
    with pytest.raises(UserError) as caught:
        read_sentences(path, GLOSSES)
    assert str(caught.value) == f"{path}:2: byte 0xE9 is not UTF-8; save the file as UTF-8"
