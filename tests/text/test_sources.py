"""Sources as tokens, and pieces that are drawn."""

from collections import Counter

import numpy as np
import pytest

from signkit.config.recipe import SourceConfig, TextConfig
from signkit.errors import UserError
from signkit.text import byte_pairs
from signkit.text.piece_model import for_text
from signkit.text.sources import as_read, encode_source, source_vocabulary, text_and_source
from signkit.text.subwords import SHARPNESS, learn
from signkit.text.vocabulary import Vocabulary

TEXTS = [("regen", "regnet", "im", "norden"), ("der", "wind", "im", "norden"), ("regen", "und", "wind")] * 4
GLOSSES = [("REGEN", "NORD"), ("WIND", "NORD"), ("REGEN", "WIND")] * 4


def test_units() -> None:
    of_glosses = source_vocabulary(SourceConfig(), GLOSSES)
    assert of_glosses.tokens == ("<blank>", "<unk>", "NORD", "REGEN", "WIND")
    read = encode_source(("WIND", "NEBEL"), of_glosses, SourceConfig())
    assert (read.tokens, read.words.tolist()) == ((4, 1), [0, 1])
    characters = source_vocabulary(SourceConfig(unit="character"), GLOSSES)
    read = encode_source(("WIND", "NORD"), characters, SourceConfig(unit="character"))
    assert characters.decode(read.tokens) == tuple("WIND NORD")


def test_shared_subwords_are_learnt_of_both() -> None:
    source = SourceConfig(unit="shared", lowercase=True)
    shared = text_and_source(TextConfig(unit="subword", pieces=40), source, TEXTS, GLOSSES)
    assert shared is not None and shared.unit == "subword"
    assert shared.encode(as_read(("REGEN",), source)) == shared.encode(("regen",))
    assert encode_source(("REGEN",), shared, source).tokens == shared.encode(("regen",))
    apart = text_and_source(TextConfig(unit="subword", pieces=40), SourceConfig(), TEXTS, GLOSSES)
    assert apart is None


def test_capitals_are_pieces_of_their_own_without_lower_case() -> None:
    source = SourceConfig(unit="shared")
    shared = text_and_source(TextConfig(unit="subword", pieces=60), source, TEXTS, GLOSSES)
    assert shared is not None
    assert not set(shared.encode(("REGEN",))) & set(shared.encode(("regen",))) - {shared.index["▁"]}


def test_drawn_pieces_spell_the_word() -> None:
    vocabulary = Vocabulary.of_subwords(learn([list(text) for text in TEXTS], 25))
    rng = np.random.default_rng(1)
    drawn = Counter(vocabulary.drawn(("regnet", "norden"), 1.0, rng) for _ in range(400))
    assert len(drawn) > 3
    assert {vocabulary.decode(each) for each in drawn} == {("regnet", "norden")}
    assert vocabulary.drawn(("regnet",), 0.0, rng) == vocabulary.encode(("regnet",))


def test_drawn_by_their_probability() -> None:
    subwords = learn([list(text) for text in TEXTS], 25)
    cuts, upto = subwords._alternatives("regnet")
    assert cuts[0] == subwords.split("regnet")
    known = subwords._processor
    logs = [sum(known.get_score(known.piece_to_id(piece)) for piece in cut) for cut in cuts[:2]]
    shares = np.diff(upto, prepend=0.0)
    assert shares[1] / shares[0] == pytest.approx(np.exp(SHARPNESS * (logs[1] - logs[0])))
    assert upto[-1] == pytest.approx(1.0)


def test_a_share_of_the_words_is_drawn() -> None:
    vocabulary = Vocabulary.of_subwords(learn([list(text) for text in TEXTS], 25))
    words, rng = ("regnet",) * 2000, np.random.default_rng(2)
    usual = vocabulary.encode(("regnet",))
    pieces = vocabulary.drawn(words, 0.3, rng)
    share = vocabulary.subwords._choices["regnet"][1][0]  # type: ignore[union-attr] # the usual cut is drawn too
    found = "".join(map(chr, pieces)).count("".join(map(chr, usual))) / 2000
    assert found == pytest.approx(1 - 0.3 * (1 - share), abs=0.04)


def test_only_subwords_are_drawn() -> None:
    with pytest.raises(UserError, match=r"^source\.sampling: there are pieces of subwords only"):
        SourceConfig(sampling=0.1)
    with pytest.raises(UserError, match=r"^text\.sampling: there are pieces of subwords only"):
        TextConfig(sampling=0.1)


BYTE_PAIRS = learn([list(text) for text in TEXTS], 25, algorithm="bpe")


def test_byte_pairs_without_dropout_are_the_usual_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where pieces are unused that others are merged from."""
    monkeypatch.setattr(byte_pairs, "LEFT_OUT", 0.0)
    words = sorted({word for text in TEXTS for word in text})
    few = for_text(BYTE_PAIRS, TEXTS, prune=True)
    assert learn([list(text) for text in TEXTS], 25) != BYTE_PAIRS and len(few.pieces) < len(
        BYTE_PAIRS.pieces
    )
    for model in (BYTE_PAIRS, few):
        for word in (*words, "regnorden", "nordgen"):
            assert model.drawn(word, np.random.default_rng(1)) == model.split(word)


def test_byte_pairs_are_drawn_with_dropout() -> None:
    """As often without a merge as it is left out, and the same again with the same random numbers."""
    model = learn([["AB"]] * 4, 4, algorithm="bpe")
    assert len(model.pieces) == 4
    rng, again = np.random.default_rng(1), np.random.default_rng(1)
    drawn = [model.drawn("AB", rng) for _ in range(4000)]
    assert drawn == [model.drawn("AB", again) for _ in range(4000)]
    assert {"".join(cut) for cut in drawn} == {"▁AB"}
    assert sum(len(cut) == 3 for cut in drawn) / 4000 == pytest.approx(0.1, abs=0.03)
    assert model.drawn("AXB", rng) == model.split("AXB")


def test_subwords_are_learnt_as_the_recipe_says() -> None:
    text = TextConfig(unit="subword", pieces=25, algorithm="bpe")
    sources = [("REGEN", "NORD")]
    shared = text_and_source(text, SourceConfig(unit="shared"), TEXTS, sources)
    expected = learn([*map(list, TEXTS), *map(list, sources)], 25, algorithm="bpe")
    assert shared is not None and shared.subwords == expected
    own = source_vocabulary(SourceConfig(unit="subword", pieces=25), TEXTS, "bpe")
    assert own.subwords == BYTE_PAIRS
    with pytest.raises(UserError) as caught:
        TextConfig(algorithm="bpe")
    assert str(caught.value) == "text.algorithm: has no effect: no subwords are learnt; leave it out"
