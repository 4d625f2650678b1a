"""What the context may read before the main training: nothing of dev or test, however it is written."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny import C2ST, CTC, RANDOM, write_corpus, write_recipe

from signkit.config.recipe import Recipe
from signkit.config.recipe_file import load_recipe
from signkit.errors import UserError
from signkit.runtime.progress import Watch
from signkit.tasks.recognition.pretraining import further_text, pretrain_context
from signkit.train.setup import Prepared, prepare

COMPOSED, DECOMPOSED = "\u00dcBER", "U\u0308BER"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Its first dev sentence is a composed and a decomposed gloss."""
    corpus = write_corpus(tmp_path / "corpus", dev=1)
    manifest = corpus / "manifest.csv"
    start, _, rest = manifest.read_text(encoding="utf-8").partition("dev0,dev0.npz,")
    text = f"{start}dev0,dev0.npz,WHO {DECOMPOSED},{rest.partition(',')[2]}"
    manifest.write_text(text.replace(",train\n", f" {COMPOSED},train\n", 1), encoding="utf-8")
    return corpus


def prepared(tmp_path: Path, corpus: Path, base: dict[str, Any], *changes: str) -> tuple[Recipe, Prepared]:
    recipe = load_recipe(str(write_recipe(tmp_path / "tiny.yaml", corpus, base)), changes)
    return recipe, prepare(recipe)


def test_sentences_of_dev_are_left_out(tmp_path: Path, corpus: Path) -> None:
    """In a file and in the corpus's own text, composed or not, with any spaces."""
    text = tmp_path / "more.txt"
    text.write_text(f"WHO {COMPOSED}\nWHO  {DECOMPOSED}\nWHO\nREAD {DECOMPOSED} X\n", encoding="utf-8")
    _, ready = prepared(tmp_path, corpus, C2ST)
    extra = (("WHO", DECOMPOSED), ("WHO", COMPOSED), ("JOHN", DECOMPOSED))
    ready = replace(ready, corpus=replace(ready.corpus, extra_text=extra))
    kept, left_out = further_text(str(text), ready.vocabulary, ready.corpus)
    assert kept == [("JOHN", COMPOSED), ("WHO",), ("READ", COMPOSED, "X")]
    assert left_out == 4


def test_characters(tmp_path: Path, corpus: Path) -> None:
    """Text is split as references are."""
    _, ready = prepared(tmp_path, corpus, C2ST, "text.unit=character", "train.too_long=skip")
    extra = (("WHO", DECOMPOSED), ("ME",))
    ready = replace(ready, corpus=replace(ready.corpus, extra_text=extra))
    assert further_text("", ready.vocabulary, ready.corpus) == ([("M", "E")], 1)


def told(tmp_path: Path, recipe: Recipe, ready: Prepared) -> list[str]:
    watch = Watch(tmp_path, main=True)
    try:
        pretrain_context(recipe, ready.model, ready.spec, ready.corpus, watch)
    finally:
        watch.close()
    return [line[20:] for line in (tmp_path / "log.txt").read_text(encoding="utf-8").splitlines()]


def test_it_is_told(tmp_path: Path, corpus: Path) -> None:
    text = tmp_path / "more.txt"
    text.write_text(f"WHO {COMPOSED}\nWHO\n", encoding="utf-8")
    recipe, ready = prepared(tmp_path, corpus, RANDOM, f"context.extra_text={text}")
    before = {name: weight.clone() for name, weight in ready.model.state_dict().items()}
    (line,) = told(tmp_path, recipe, ready)
    assert line.startswith("context: perplexity ")
    assert line.endswith(" a gloss, 13 sentences, 1 of dev or test left out")
    changed = {name for name, weight in ready.model.state_dict().items() if not weight.equal(before[name])}
    assert changed
    assert all(name.startswith("context.") for name in changed)


@pytest.mark.parametrize("base", [C2ST, CTC], ids=["no steps", "no context"])
def test_nothing_to_do(tmp_path: Path, corpus: Path, base: dict[str, Any]) -> None:
    assert told(tmp_path, *prepared(tmp_path, corpus, base)) == []


def test_a_file_that_is_not_utf8(tmp_path: Path, corpus: Path) -> None:
    text = tmp_path / "latin.txt"
    text.write_bytes(b"WHO\n\xdcBER\n")
    _, ready = prepared(tmp_path, corpus, C2ST)
    with pytest.raises(UserError) as caught:
        further_text(str(text), ready.vocabulary, ready.corpus)
    assert str(caught.value) == f"{text}:2: byte 0xDC is not UTF-8; save the file as UTF-8"
