"""`signkit lm train` of n-gram models, `signkit lm score` of these and of runs (torch only for a run)."""

import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from signkit.config.assets import find, names
from signkit.config.recipe_file import OF_RUNS, sections
from signkit.config.strict_yaml import read_file
from signkit.data.sentences import Sentences, Text, gather, read_sentences
from signkit.errors import UserError
from signkit.lm.binary import archive_of
from signkit.lm.grams import SPECIAL, Floats, Unit
from signkit.lm.kneser_ney import Estimated, estimate
from signkit.lm.ngram import NGram
from signkit.lm.perplexity import Perplexity, figures
from signkit.lm.recipe import LmRecipe
from signkit.lm.store import load, save
from signkit.runtime.runs import find_run
from signkit.text.vocabulary import BLANK

if TYPE_CHECKING:
    from signkit.decode.external.trained import TrainedLanguageModel

ENDINGS = (".arpa", ".arpa.gz")
LISTS = tuple(f"data.{key}" for key in ("text", "exclude", "train", "dev", "test"))
SIZES = {"width", "layers", "heads", "feed_forward"}
"""Keys of a BERT's card."""
SHOWN = 5
"""Words named as examples."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A text by a model: of each sentence the words, with its end where the model predicts it, their natural
    logarithms and which are unknown; of subwords also their number and their own perplexity."""

    sentences: list[list[str]]
    log: list[Floats]
    unknown: list[list[bool]]
    pieces: int = 0
    piece_perplexity: float | None = None


def is_of_run(ref: str) -> bool:
    """Whether a recipe is one of a run, not one of an n-gram model.

    Raises:
        UserError: there is no such recipe, or it is a card.
    """
    there = sections(find("lm", ref))
    if there >= SIZES:
        hint = (
            "`context: {name: bert, card: …}` takes it; recipes are gloss_transformer and gloss_bert_masked"
        )
        raise UserError(ref, "is a card, the sizes of a BERT, and no recipe", hint)
    return not there.isdisjoint(OF_RUNS)


def run_arguments(ref: str, overrides: Sequence[str]) -> tuple[str, list[str]]:
    """A run's recipe and overrides as `signkit run` takes them: ``lm/gloss_lstm.yaml``, lists as lists."""
    name = f"lm/{ref}.yaml" if ref in names("lm") else ref
    return name, [_listed(each) for each in overrides]


def train_lm(ref: str, overrides: Sequence[str], out: Path, as_json: bool) -> int:
    """Train a model, write it as ARPA with an archive next to it, and print what it was made of."""
    begun = time.perf_counter()
    recipe = _recipe(ref, overrides)
    if not out.name.endswith(ENDINGS) or out.name in ENDINGS:
        raise UserError(
            "--out", f"`{out}` is no name of an ARPA file", "name it such as lm.arpa or lm.arpa.gz"
        )
    data = recipe.data
    text = gather(data.text, column=data.column, unit=data.unit, exclude=data.exclude, distinct=data.distinct)
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
    lm = find_run(lm)
    model = load_run_of(lm, unit) if lm.is_dir() else load(lm, unit, keep=True)
    if isinstance(model, NGram) and model.unit_guessed and model.unit == "character":
        what = f"{lm} does not say what its words are: taken as characters, by their look"
        print(f"warning: {what} (--unit word takes them as words)", file=sys.stderr)
    for note in model.notes if isinstance(model, NGram) else ():
        print(f"note: {note}", file=sys.stderr)
    sentences, empty = read_sentences(text, format, column, model.unit)
    if model.unit == "character" and " " not in model.words:
        sentences = [[word for word in sentence if word != " "] for sentence in sentences]
    scored, found = _scored(model, sentences)
    if found.unknown == found.words:
        own = [f"`{word}`" for word in model.words if word not in (*SPECIAL, " ", BLANK)][:SHOWN]
        raise UserError(
            str(text), f"no {model.unit} of it is known to {lm}", f"that knows {', '.join(own)}, …"
        )
    if as_json:
        print(_scored_json(model, scored, words, found, empty))
    else:
        if words:
            _print_words(scored)
        _print_perplexity(model, scored, found, lm, text, empty)
    return 0


def load_run_of(run: Path, unit: Unit | None) -> "TrainedLanguageModel":
    """The language model of a run's folder; torch is imported here.

    Raises:
        UserError: it is of another unit than asked for.
    """
    from signkit.decode.external.trained import load_run

    model = load_run(str(run))
    if unit and unit != model.unit:
        raise UserError(
            "--unit", f"{run} is a model of {model.unit}s", "leave it out, the run says it itself"
        )
    return model


def _scored(model: "NGram | TrainedLanguageModel", sentences: Sentences) -> tuple[Scored, Perplexity]:
    """The figures of each word, and of all."""
    if isinstance(model, NGram):
        log = model.scores(sentences)
        unknown = [[*(model.encode(words) == model.unknown).tolist(), False] for words in sentences]
        missed = np.array([*chain.from_iterable(unknown)])
        found = figures(np.concatenate(log), missed, words=sum(map(len, sentences)), sentences=len(sentences))
        return Scored([[*words, "</s>"] for words in sentences], log, unknown), found
    scores = model.scores(sentences)
    shown = [[*words, *["</s>"] * scores.ends] for words in sentences]
    missing, pieces = [each.tolist() for each in scores.unknown], sum(scores.pieces or ())
    return Scored(shown, scores.log, missing, pieces, scores.piece_perplexity), scores.perplexity


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
        "binary": str(archive_of(out)),
        "seconds": round(seconds, 3),
    }


def _print_trained(text: Text, done: Estimated, model: NGram, out: Path, seconds: float) -> None:
    from signkit.report.sections import Lines, Row, Table
    from signkit.report.terminal import print_sections

    kind = "words" if model.unit == "word" else "characters"
    types = len(model.words) - len(SPECIAL)
    head = [f"{len(text.sentences)} sentences, {text.words} {kind}, {types} different ones"]
    left_out = {"without words": text.empty, "excluded": text.excluded, "there before": text.repeated}
    if reasons := ", ".join(f"{count} {why}" for why, count in left_out.items() if count):
        head.append(f"sentences left out: {reasons}")
    rows: list[Row] = []
    for n, (retained, counted, discount) in enumerate(
        zip(model.counts, done.counted, done.discounts, strict=True), 1
    ):
        star = " *" if n in done.fallback else ""
        rows.append((f"{n}{star}", str(retained), str(counted), *(f"{each:.3f}" for each in discount)))
    tail = (
        ["* too small or too regular a text to estimate the discounts: fixed ones"] if done.fallback else []
    )
    tail.append(f"model:  {out}\nbinary: {archive_of(out)}\ntime:   {seconds:.1f} s")
    table = Table(("order", "n-grams", "of", "D1", "D2", "D3+"), rows, words=0)
    print_sections([Lines(tuple(head)), table, Lines(tuple(tail))])


def _scored_json(
    model: "NGram | TrainedLanguageModel", scored: Scored, words: bool, found: Perplexity, empty: int
) -> str:
    kind = {"order": model.order} if isinstance(model, NGram) else {"pseudo": not model.predicts_end}
    content = asdict(found) | {"unit": model.unit, **kind, "empty": empty}
    content = {key: None if value != value else value for key, value in content.items()}
    if scored.pieces:
        content |= {"pieces": scored.pieces, "perplexity_piece": scored.piece_perplexity}
    if not words:
        return json.dumps(content, indent=2, ensure_ascii=False)
    rows = zip(scored.sentences, _log10(scored), scored.unknown, strict=True)
    return json.dumps(content | {"texts": [_words_json(*row) for row in rows]}, ensure_ascii=False)


def _words_json(words: list[str], log10: list[float], unknown: list[bool]) -> dict[str, Any]:
    rounded = [round(each, 7) for each in log10]
    return {"log10": round(sum(log10), 7), "words": words, "word_log10": rounded, "unknown": unknown}


def _log10(scored: Scored) -> list[list[float]]:
    return [(log / math.log(10)).tolist() for log in scored.log]


def _print_words(scored: Scored) -> None:
    for words, log10, unknown in zip(scored.sentences, _log10(scored), scored.unknown, strict=True):
        for word, figure, missed in zip(words, log10, unknown, strict=True):
            print(f"{figure:.4f}\t{'?' if missed else ''}\t{'<space>' if word == ' ' else word}")
        print(f"{sum(log10):.4f}\n")


def _print_perplexity(
    model: "NGram | TrainedLanguageModel", scored: Scored, found: Perplexity, lm: Path, text: Path, empty: int
) -> None:
    kind = "words" if model.unit == "word" else "characters"
    what, name = f"order {model.order}" if isinstance(model, NGram) else model.kind, "perplexity"
    if not isinstance(model, NGram) and not model.predicts_end:
        name = "pseudo-perplexity"
    pieces = f" of {scored.pieces} subwords" if scored.pieces else ""
    print(f"{text} by {lm}: {found.sentences} sentences, {found.words} {kind}{pieces}, {what}")
    if name != "perplexity":
        evidence = "each word is predicted from all others of its sentence"
        if scored.pieces:
            evidence = "each subword is predicted from all others, of its own word too"
        print(f"{evidence}: not to be compared with a perplexity")
    elif scored.pieces:
        print("a word has the probability of its subwords: models of words can be compared")
    if empty:
        print(f"left out: {empty} without words")
    share = 100 * found.unknown / found.words
    print(f"{name:20} {found.perplexity:.2f}")
    print(f"  {f'known {kind} only':18} {found.perplexity_known:.2f}")
    if scored.piece_perplexity is not None:
        print(f"{'  a subword':20} {scored.piece_perplexity:.2f}")
    print(f"unknown              {found.unknown} ({share:.2f} %)")
