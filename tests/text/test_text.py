"""Vocabularies: indices, units, files, and what is refused."""

import json
from pathlib import Path

import pytest

from signkit.errors import OperationalError, UserError
from signkit.text.subwords import Subwords, learn
from signkit.text.targets import in_unit
from signkit.text.vocabulary import SUBWORDS, Vocabulary, read_sentences, take_subwords
from signkit.types import Sample, Segment

GLOSSES = Vocabulary.from_references([("HOUSE", "MY"), ("MY", "BOOK")])
LETTERS = Vocabulary.from_references(["ab", " a"], unit="character")
PIECES = Vocabulary.of_subwords(learn([["HOUSE", "READ"], ["READ", "BOOK"], ["READING", "HOUSE"]] * 3, 16))


def test_tokens_are_sorted_after_blank_and_unknown() -> None:
    assert GLOSSES.tokens == ("<blank>", "<unk>", "BOOK", "HOUSE", "MY")
    assert LETTERS.tokens == ("<blank>", "<unk>", " ", "a", "b")
    assert len(GLOSSES) == 5


def test_segments_of_letters_stay_for_characters_and_those_of_glosses_do_not() -> None:
    letters, gloss = (Segment("A", 0, 2), Segment("B", 3, 4)), (Segment("AB", 0, 4),)
    for segments, vocabulary, kept in (
        (letters, LETTERS, letters),
        (gloss, LETTERS, ()),
        (letters, PIECES, ()),
        (gloss, GLOSSES, gloss),
    ):
        sample = Sample("a", "train", ("AB",), 4, lambda: None, segments=segments)  # type: ignore[arg-type,return-value]
        assert in_unit([sample], vocabulary)[0].segments == kept


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
        (b"\xff\xfe", "{}: is UTF-16, not UTF-8; save the file as UTF-8"),
        (b'{\n"unit": }', "{}:2:9: is not JSON"),
        (b"[" * 100_000, "{}: is not JSON"),
        (b"[]", '{}: is not a vocabulary; it needs {{"unit": …, "tokens": […]}} and nothing else'),
        (b'{"unit": "gloss", "tokens": "ab"}', "{}: `tokens` is not a list of strings"),
        (
            file("subword", "<blank>", "<unk>", "A"),
            '{}: is not a vocabulary; it needs {{"unit": …, "tokens": […], "sha256": …}} and nothing else',
        ),
        (file("gloss", "<blank>", "<unk>", 3), "{}: `tokens` is not a list of strings"),
        (file("word", "<blank>", "<unk>", "A"), "{}: unit 'word' is none of gloss, character, subword"),
        (
            file("gloss", "A", "<blank>"),
            "{}: the first tokens are ['A', '<blank>'], not ['<blank>', '<unk>']",
        ),
        (file("gloss"), "{}: the first tokens are [], not ['<blank>', '<unk>']"),
        (file("gloss", "<blank>", "<unk>"), "{}: has no tokens"),
        (file("gloss", "<blank>", "<unk>", "A", "A"), "{}: token 'A' occurs twice"),
        (file("gloss", "<blank>", "<unk>", "<blank>"), "{}: token '<blank>' occurs twice"),
        (file("gloss", "<blank>", "<unk>", "A B"), "{}: token 'A B' " + NOT_ONE),
        (file("gloss", "<blank>", "<unk>", ""), "{}: token '' " + NOT_ONE),
        (
            b'{"unit": "gloss", "tokens": ["<blank>", "<unk>", "A\\ud800"]}',
            "{}: token 'A\\ud800' has half a character, a lone surrogate",
        ),
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
        ([("<blank>",)], "vocabulary: token '<blank>' occurs twice"),
    ],
)
def test_references_without_a_vocabulary(references: list[tuple[str, ...]], message: str) -> None:
    with pytest.raises(UserError) as caught:
        Vocabulary.from_references(references)
    assert str(caught.value) == message


def test_words_outside_pieces_inside() -> None:
    """Subwords are read and written as words; only their numbers are those of pieces."""
    words = ("HOUSE", "REBOOK")
    indices = PIECES.encode(words)
    assert len(indices) > 2
    assert PIECES.segment(words) == tuple(PIECES.tokens[index] for index in indices)
    assert PIECES.decode(indices) == PIECES.split(" HOUSE\tREBOOK ") == words
    assert PIECES.join(words) == "HOUSE REBOOK"
    (first, second) = PIECES.spans(indices)
    assert (first[0], first[1], second[1]) == (0, second[0], len(indices))
    assert PIECES.decode(indices[: first[1]]) == ("HOUSE",)
    assert PIECES.decode(()) == PIECES.spans(()) == ()


def test_each_index_is_a_token_of_other_units() -> None:
    assert GLOSSES.spans((4, 2)) == LETTERS.spans((2, 3)) == ((0, 1), (1, 2))
    assert GLOSSES.segment(("MY", "CAT")) == ("MY", "CAT")
    with pytest.raises(IndexError, match="of a vocabulary of 5"):
        GLOSSES.spans((5,))


def test_unknown_characters_of_pieces_are_unknown() -> None:
    """All of those side by side are one token; it is written as that of other units is."""
    indices = PIECES.encode(("XYREAD",))
    assert indices.count(1) == 1
    assert PIECES.decode(indices) == ("<unk>READ",)


def test_pieces_of_a_decomposed_word() -> None:
    vocabulary = Vocabulary.of_subwords(learn([["BÜRO"]] * 3, 10))
    assert vocabulary.encode(("BU\u0308RO",)) == vocabulary.encode(("BÜRO",))
    assert 1 not in vocabulary.encode(("BU\u0308RO",))


def test_pieces_are_saved_with_their_model(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.json"
    PIECES.save(path)
    assert Vocabulary.load(path) == PIECES
    assert {p.name for p in tmp_path.iterdir()} == {"vocabulary.json", SUBWORDS}
    assert PIECES.subwords is not None
    assert (tmp_path / SUBWORDS).read_bytes() == PIECES.subwords.model


def test_a_model_that_is_not_the_vocabularys(tmp_path: Path) -> None:
    """Missing, truncated, another one, or its tokens are others."""
    path, model = tmp_path / "vocabulary.json", tmp_path / SUBWORDS
    other = learn([["HOUSE", "READ"], ["READ", "BOOK"], ["READING", "HOUSE"]] * 3, 14)
    PIECES.save(path)
    faults = []
    for change in (
        lambda: model.write_bytes(other.model),
        lambda: model.write_bytes(other.model[:-5]),
        model.unlink,
        lambda: Vocabulary.of_subwords(other).save(path),
        lambda: path.write_text(path.read_text(encoding="utf-8").replace('"H"', '"Q"')),
    ):
        change()
        try:
            Vocabulary.load(path)
        except UserError as error:
            faults.append(str(error))
    assert faults == [
        f"{model}: is another sentencepiece model than that of vocabulary.json",
        f"{model}: is no sentencepiece model, or not a whole one",
        f"{model}: there is no such file",
        f"{path}: its tokens are not the pieces of its sentencepiece model",
    ]


def test_pieces_need_their_model() -> None:
    with pytest.raises(UserError) as caught:
        Vocabulary(PIECES.tokens, "subword")
    assert str(caught.value) == "vocabulary: has subwords without a sentencepiece model"
    with pytest.raises(UserError) as caught:
        Vocabulary(PIECES.tokens, "gloss", PIECES.subwords)
    assert str(caught.value) == "vocabulary: has glosses with a sentencepiece model"


def test_vocabularies_of_other_models_are_others() -> None:
    """Though their tokens are the same."""
    assert PIECES.subwords is not None
    # an unknown field at the end changes the bytes and nothing else
    same = Vocabulary.of_subwords(Subwords(PIECES.subwords.model + b"\xfa\x3f\x01x"))
    assert same.tokens == PIECES.tokens
    assert same != PIECES and same.fingerprint != PIECES.fingerprint


def test_how_a_recipe_takes_the_pieces_of_a_run() -> None:
    assert take_subwords(PIECES, "runs/one") == (
        f"text.file: {Path('runs/one/export/subwords.model')} takes its subwords"
    )
    assert take_subwords(GLOSSES, "runs/one") == ""


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
