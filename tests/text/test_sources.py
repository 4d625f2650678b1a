"""Sources as tokens, and pieces that are drawn."""

from collections import Counter

import numpy as np
import pytest

from signkit.config.recipe import SourceConfig, TextConfig
from signkit.errors import UserError
from signkit.text.sources import as_read, encode_source, source_vocabulary, text_and_source
from signkit.text.subwords import SHARPNESS, Subwords, learn
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


def test_a_model_without_other_cuts() -> None:
    """Byte pairs have one cut of a word."""
    import io

    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([" ".join(text) for text in TEXTS]),
        model_writer=model,
        model_type="bpe",
        vocab_size=30,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    subwords = Subwords(model.getvalue(), "pairs.model")
    with pytest.raises(UserError) as caught:
        subwords.drawn("regnet", np.random.default_rng(1))
    assert str(caught.value) == (
        "pairs.model: gives a word one cut only, so that none can be drawn; a unigram model has several"
    )
