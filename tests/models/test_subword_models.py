"""Models over subwords: n-grams of pieces, contexts that begin with another's, scores of words."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import C2ST, LM, SPELT, write_lm_recipe, write_recipe, write_spelling, write_text

from signkit.config.recipe_file import load_recipe
from signkit.data.rare import seen_once
from signkit.decode.external.build import TrainText
from signkit.decode.external.configs import NgramConfig
from signkit.decode.external.ngram import build as build_ngram
from signkit.errors import UserError
from signkit.lm import estimate
from signkit.lm.ngram import NGram
from signkit.lm.store import save
from signkit.models.context.bert_checkpoint import gloss_embeddings
from signkit.models.export import TrainedModel, write_export
from signkit.models.sentence_scores import sentence_scores
from signkit.models.text_scores import text_scores
from signkit.text.subwords import learn
from signkit.text.vocabulary import SUBWORDS, Vocabulary
from signkit.train.setup import Prepared, prepare

SENTENCES = [("HOUSE", "READ"), ("READ", "BOOK"), ("READING", "HOUSE"), ("BOOK",)]
PIECES = Vocabulary.of_subwords(learn(SENTENCES * 3, 18))
TEXT = TrainText(lambda: SENTENCES, lambda: [("HOUSE", "BOOK")])


def walked(scorer: object, sentence: tuple[str, ...]) -> float:
    """The log score of a sentence, end included, a piece at a time."""
    states, total = np.array([scorer.start]), 0.0  # type: ignore[attr-defined]
    for token in PIECES.encode(sentence):
        total += float(scorer.rows(states)[0, token])  # type: ignore[attr-defined]
        states = scorer.advance(states, np.array([token]))  # type: ignore[attr-defined]
    return total + float(scorer.ends(states)[0])  # type: ignore[attr-defined]


def test_an_ngram_model_of_train_is_one_of_its_pieces() -> None:
    scorer = build_ngram(NgramConfig(order=2, extra_text=True), vocabulary=PIECES, model=None, text=TEXT)
    pieces = [PIECES.segment(sentence) for sentence in (*SENTENCES, *TEXT.extra())]
    expected = NGram.from_grams(estimate(pieces, 2, unit="word").grams)
    for sentence in (("READ", "HOUSE"), ("BOOKING",)):
        (log,) = expected.scores([[*PIECES.segment(sentence)]])
        assert walked(scorer, sentence) == pytest.approx(float(log.sum()), rel=1e-5)


def test_an_ngram_file_is_one_of_pieces(tmp_path: Path) -> None:
    """One of words knows next to none of them."""
    pieces = [PIECES.segment(sentence) for sentence in SENTENCES]
    for name, text in (("pieces", pieces), ("words", SENTENCES)):
        save(tmp_path / f"{name}.arpa", estimate(text, 2, unit="word").grams)
    config = NgramConfig(file=str(tmp_path / "pieces.arpa"))
    own = build_ngram(NgramConfig(order=2), vocabulary=PIECES, model=None, text=TEXT)
    read = build_ngram(config, vocabulary=PIECES, model=None, text=TEXT)
    assert walked(read, ("READ", "BOOK")) == pytest.approx(walked(own, ("READ", "BOOK")), rel=1e-5)
    with pytest.raises(UserError) as caught:
        config = NgramConfig(file=str(tmp_path / "words.arpa"))
        build_ngram(config, vocabulary=PIECES, model=None, text=TEXT)
    known = f"knows 0 of {len(PIECES) - 2} subwords of the recogniser (0.0 %)"
    assert str(caught.value).startswith(
        f"{tmp_path / 'words.arpa'}: {known}; it has `BOOK`, `HOUSE`, `READ`, "
    )


def language_model(folder: Path, **text: object) -> Prepared:
    """A fresh LSTM of the words that are spelt, exported."""
    lines = write_text(folder / "text")
    for split in ("train", "dev", "test"):
        (lines / f"{split}.txt").write_text("\n".join(SPELT) + "\nABBA CAB\n", encoding="utf-8")
    base = LM | {"text": {"unit": "subword", **text}}
    recipe = load_recipe(str(write_lm_recipe(folder / "lm.yaml", lines, base)))
    prepared = prepare(recipe)
    write_export(folder / "run" / "export", TrainedModel(recipe, prepared.spec, prepared.model))
    return prepared


def test_a_context_begins_with_one_of_the_same_pieces(tmp_path: Path) -> None:
    """And is told how to have them."""
    own = language_model(tmp_path, pieces=9)
    corpus = write_spelling(tmp_path / "corpus")
    run = tmp_path / "run"
    base = C2ST | {
        "text": {"unit": "subword", "pieces": 8},
        "context": {"name": "lstm", "width": 8, "init_from": str(run)},
    }
    recipe = str(write_recipe(tmp_path / "c2st.yaml", corpus, base))
    with pytest.raises(UserError) as caught:
        prepare(load_recipe(recipe))
    file = run / "export" / SUBWORDS
    assert str(caught.value) == (
        f"context.init_from: {run} has subwords of another sentencepiece model; "
        f"text.file: {file} takes its subwords"
    )
    ready = prepare(load_recipe(recipe, [f"text.file={file}"]))
    assert ready.vocabulary == own.vocabulary
    assert any(f"context: began with {run}; 9 of 9 subwords known" in note for note in ready.notes)
    weights = (each.model.context.reader.embedding.weight for each in (ready, own))
    assert torch.equal(*weights)


def test_a_word_has_the_probability_of_its_pieces(tmp_path: Path) -> None:
    prepared = language_model(tmp_path, pieces=9)
    model, vocabulary = prepared.model, prepared.vocabulary
    sentences = [("ABBA", "CABX"), ("DEAF",)]
    found = text_scores(model, vocabulary, sentences)
    encoded = [vocabulary.encode(sentence) for sentence in sentences]
    for log, pieces, sentence in zip(found.log, sentence_scores(model, encoded), sentences, strict=True):
        ends = np.cumsum([len(vocabulary.encode([word])) for word in sentence])
        parts = [part.sum() for part in np.split(pieces, ends)]  # the last one is the end alone
        assert log == pytest.approx(np.array(parts))
    assert [each.tolist() for each in found.unknown] == [[False, True, False], [False, False]]
    assert found.pieces == [*map(len, encoded)]
    total = sum(float(log.sum()) for log in found.log)
    assert found.perplexity.perplexity == pytest.approx(np.exp(-total / 5))
    assert found.piece_perplexity == pytest.approx(np.exp(-total / (sum(found.pieces) + 2)))
    assert (found.perplexity.words, found.perplexity.unknown) == (3, 1)


def test_unknown_ones_are_learnt_from_rare_characters(tmp_path: Path) -> None:
    """A piece of several letters that train has once is no unknown one: it is spelt where it is new."""
    folder = write_text(tmp_path / "text")
    lines = [*SPELT * 4, *(f"{a} {b}" for a in SPELT[1:] for b in SPELT[1:]), "QUEEN"]
    for split in ("train", "dev", "test"):
        (folder / f"{split}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    base = LM | {
        "text": {"unit": "subword", "pieces": 30},
        "model": {"name": "language_model", "unknown": 1.0},
    }
    prepared = prepare(load_recipe(str(write_lm_recipe(tmp_path / "lm.yaml", folder, base))))
    vocabulary, examples = prepared.vocabulary, prepared.datasets["train"]
    encoded = (vocabulary.encode(line.split()) for line in lines)
    once = {vocabulary.tokens[index] for index in seen_once(encoded)}
    changed = set()
    for place in range(len(lines)):
        pairs = zip(examples.example(place)[1], examples.example(place, 0)[1], strict=True)
        changed |= {vocabulary.tokens[before] for before, after in pairs if before != after}
    assert changed == {"Q", "U", "N"}
    assert once > changed  # A and B are common, but mostly within other pieces


def test_pieces_begin_as_a_berts_pieces() -> None:
    """By their letters: the sign for a blank is none."""
    asked: list[str] = []

    class Tokenizer:
        unk_token_id, cls_token_id = 1, 0

        def __call__(self, texts: list[str], add_special_tokens: bool) -> dict[str, list[list[int]]]:
            asked.extend(texts)
            return {"input_ids": [[2] if text.strip() == "READ" else [1] for text in texts]}

    rows = torch.randn(3, 4, generator=torch.Generator().manual_seed(1))
    table = gloss_embeddings(PIECES, Tokenizer(), rows)
    (read,) = [i for i, token in enumerate(PIECES.tokens) if token.lstrip("▁") == "READ"]
    assert torch.equal(table[read], rows[2])
    assert len(asked) == len(PIECES) - 2 and not any("▁" in text for text in asked)


def test_sentencepiece_is_imported_where_it_is_needed() -> None:
    code = (
        "import sys, signkit.text.vocabulary, signkit.train.setup; assert 'sentencepiece' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
