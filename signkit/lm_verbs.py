"""`signkit lm train` and `signkit lm score`: n-gram language models of glosses or characters."""

import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from signkit.assets import find
from signkit.errors import UserError
from signkit.eval.formats import read
from signkit.lm.binary import beside
from signkit.lm.grams import SPECIAL, Unit
from signkit.lm.kneser_ney import Estimated, estimate
from signkit.lm.ngram import NGram
from signkit.lm.perplexity import Perplexity, perplexity
from signkit.lm.recipe import LmRecipe
from signkit.lm.sentences import split
from signkit.lm.store import load, save
from signkit.strict_yaml import read_file

ENDINGS = (".arpa", ".arpa.gz")
LISTS = ("data.text", "data.exclude")
WITH_ALTERNATIVES = ("stm", "trn")
SHOWN = 5
"""Words named as examples."""
Sentences = list[list[str]]


@dataclass(frozen=True, slots=True)
class Text:
    """What is trained on, and how many sentences were left out: without words, excluded, there before."""

    sentences: Sentences
    empty: int
    excluded: int
    repeated: int

    @property
    def words(self) -> int:
        """How many the sentences have."""
        return sum(map(len, self.sentences))


def train_lm(ref: str, overrides: Sequence[str], out: Path, as_json: bool) -> int:
    """Train a model, write it as ARPA with an archive beside it, and print what it was made of."""
    begun = time.perf_counter()
    recipe = _recipe(ref, overrides)
    if not out.name.endswith(ENDINGS) or out.name in ENDINGS:
        raise UserError(
            "--out", f"`{out}` is no name of an ARPA file", "name it such as lm.arpa or lm.arpa.gz"
        )
    text = _text(recipe)
    options = recipe.lm
    done = estimate(
        text.sentences,
        options.order,
        unit=recipe.data.unit,
        prune=options.prune,
        fallback=options.discount_fallback or None,  # type: ignore[arg-type] # three, the recipe saw to it
    )
    model = save(out, done.grams)
    seconds = time.perf_counter() - begun
    if as_json:
        print(json.dumps(_trained(text, done, model, out, seconds), indent=2, ensure_ascii=False))
    else:
        _print_trained(text, done, model, out, seconds)
    return 0


def score_lm(
    text: Path, lm: Path, *, format: str, column: str, unit: Unit | None, words: bool, as_json: bool
) -> int:
    """Print the perplexity of a text, and with `words` the probability of each word."""
    model = load(lm, unit, keep=True)
    if model.unit_guessed and model.unit == "character":
        what = f"{lm} does not say what its words are: taken as characters, by their look"
        print(f"warning: {what} (--unit word takes them as words)", file=sys.stderr)
    sentences, empty = _sentences(text, format, column, model.unit)
    if model.unit == "character" and " " not in model.index:
        sentences = [[word for word in sentence if word != " "] for sentence in sentences]
    figures = perplexity(model, sentences)
    if figures.unknown == figures.words:
        own = [f"`{word}`" for word in model.words if word not in (*SPECIAL, " ")][:SHOWN]
        raise UserError(
            str(text), f"no {model.unit} of it is known to {lm}", f"that knows {', '.join(own[:SHOWN])}, …"
        )
    if as_json:
        found = asdict(figures) | {"unit": model.unit, "order": model.order, "empty": empty}
        if words:
            found["texts"] = [_words_json(*each) for each in _by_word(model, sentences)]
        print(json.dumps(found, indent=None if words else 2, ensure_ascii=False))
    else:
        if words:
            _print_words(model, sentences)
        _print_perplexity(figures, model, lm, text, empty)
    return 0


def _recipe(ref: str, overrides: Sequence[str]) -> LmRecipe:
    path = find("lm", ref)
    where = ref if path == Path(ref) else f"lm/{path.name}"
    return read_file(path, LmRecipe, [_listed(each) for each in overrides], where=where)


def _listed(override: str) -> str:
    """One file where the recipe has a list: ``data.text=train.txt``."""
    key, equals, value = override.partition("=")
    if key not in LISTS or not value.strip() or value.lstrip().startswith("["):
        return override
    return f"{key}{equals}[{json.dumps(value, ensure_ascii=False)}]"


def _text(recipe: LmRecipe) -> Text:
    """The sentences of a recipe's text.

    Raises:
        UserError: there are none, or they cannot be learnt from.
    """
    data = recipe.data
    found: Sentences = []
    empty = 0
    for path in data.text:
        sentences, without = _sentences(_shown(path), "", data.column, data.unit)
        found += sentences
        empty += without
    before = len(found)
    if data.exclude:
        others = (_sentences(_shown(path), "", data.column, data.unit)[0] for path in data.exclude)
        barred = {tuple(sentence) for sentences in others for sentence in sentences}
        found = [sentence for sentence in found if tuple(sentence) not in barred]
    excluded = before - len(found)
    if not found:
        raise UserError("data.exclude", "has every sentence of the text, so nothing is left to learn from")
    kept = [list(words) for words in dict.fromkeys(map(tuple, found))] if data.distinct else found
    return Text(kept, empty, excluded, len(found) - len(kept))


def _sentences(path: Path, format: str, column: str, unit: Unit) -> tuple[Sentences, int]:
    """The sentences of a file, and how many lines had no words.

    Raises:
        UserError: the file cannot be used, has no words, or has some that are no words.
    """
    found = read(path, format, column)
    split_ = [split(text, unit) for text in found.texts]
    marks = {*SPECIAL}
    alternatives = found.format in WITH_ALTERNATIVES
    for text, line in zip(found.texts, found.lines, strict=True):
        if "<" in text and (bad := marks.intersection(text.split())):
            raise UserError(
                f"{path}:{line}", f"`{min(bad)}` is a mark of the model's, not a word", "leave it out"
            )
        if alternatives and "{" in text:
            raise UserError(f"{path}:{line}", "has alternatives, `{ a / b }`", "a model needs one text")
    sentences = [words for words in split_ if words]
    if not sentences:
        raise UserError(str(path), "has no words", "write one sentence a line")
    return sentences, len(split_) - len(sentences)


def _shown(path: str) -> Path:
    """A path as the user would write it, from the current folder."""
    here = Path.cwd()
    return Path(path).relative_to(here) if Path(path).is_relative_to(here) else Path(path)


def _trained(text: Text, done: Estimated, model: NGram, out: Path, seconds: float) -> dict[str, Any]:
    return {
        "sentences": len(text.sentences),
        "words": text.words,
        "types": len(model.words) - len(SPECIAL),
        "empty": text.empty,
        "excluded": text.excluded,
        "repeated": text.repeated,
        "unit": model.unit,
        "order": model.order,
        "counted": done.counted,
        "ngrams": model.counts,
        "discounts": done.discounts,
        "fallback": done.fallback,
        "out": str(out),
        "binary": str(beside(out)),
        "seconds": round(seconds, 3),
    }


def _print_trained(text: Text, done: Estimated, model: NGram, out: Path, seconds: float) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    kind = "words" if model.unit == "word" else "characters"
    types = len(model.words) - len(SPECIAL)
    console.print(f"{len(text.sentences)} sentences, {text.words} {kind}, {types} different ones")
    left_out = {"without words": text.empty, "excluded": text.excluded, "there before": text.repeated}
    said = ", ".join(f"{count} {why}" for why, count in left_out.items() if count)
    if said:
        console.print(f"sentences left out: {said}")
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("order", "n-grams", "of", "D1", "D2", "D3+"):
        table.add_column(title, justify="right")
    for n, (kept, counted, discount) in enumerate(
        zip(model.counts, done.counted, done.discounts, strict=True), 1
    ):
        star = " *" if n in done.fallback else ""
        table.add_row(str(n) + star, str(kept), str(counted), *(f"{each:.3f}" for each in discount))
    console.print(table)
    if done.fallback:
        console.print("* too small or too regular a text to estimate the discounts: fixed ones")
    console.print(f"model:  {out}\nbinary: {beside(out)}\ntime:   {seconds:.1f} s")


def _by_word(model: NGram, sentences: Sentences) -> list[tuple[list[str], list[float], list[bool]]]:
    """Each sentence with its end: words, base-10 logarithms, and which words are unknown."""
    scored = zip(sentences, model.scores(sentences), strict=True)
    return [
        (
            [*words, "</s>"],
            (log / math.log(10)).tolist(),
            [*(model.encode(words) == model.unknown).tolist(), False],
        )
        for words, log in scored
    ]


def _words_json(words: list[str], log10: list[float], unknown: list[bool]) -> dict[str, Any]:
    rounded = [round(each, 7) for each in log10]
    return {"log10": round(sum(log10), 7), "words": words, "word_log10": rounded, "unknown": unknown}


def _print_words(model: NGram, sentences: Sentences) -> None:
    for words, log10, unknown in _by_word(model, sentences):
        for word, figure, missed in zip(words, log10, unknown, strict=True):
            print(f"{figure:.4f}\t{'?' if missed else ''}\t{'<space>' if word == ' ' else word}")
        print(f"{sum(log10):.4f}\n")


def _print_perplexity(figures: Perplexity, model: NGram, lm: Path, text: Path, empty: int) -> None:
    kind = "words" if model.unit == "word" else "characters"
    print(f"{text} by {lm}: {figures.sentences} sentences, {figures.words} {kind}, order {model.order}")
    if empty:
        print(f"left out: {empty} without words")
    share = 100 * figures.unknown / figures.words
    print(f"perplexity           {figures.perplexity:.2f}")
    print(f"  {f'known {kind} only':18} {figures.perplexity_known:.2f}")
    print(f"unknown              {figures.unknown} ({share:.2f} %)")
