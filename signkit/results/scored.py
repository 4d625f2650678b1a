"""Hypotheses against references, by the recipe's protocol."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from signkit.data.loader import eval_batches
from signkit.eval.metrics import main_rate
from signkit.eval.pairing import train_sentences
from signkit.eval.protocols import Protocol, load
from signkit.eval.scores import as_transcripts, score
from signkit.prepare import Prepared
from signkit.recipe import Recipe
from signkit.recognise import NBest, greedy, recognise
from signkit.types import Score


def scoring_protocol(recipe: Recipe) -> Protocol:
    """The recipe's protocol; for a model of characters one of words counts characters.

    Raises:
        UserError: there is no such protocol, or a fault in it.
    """
    protocol = load(recipe.eval.protocol)
    if recipe.text.unit != "character" or protocol.unit != "word":
        return protocol
    metrics = tuple("cer" if metric == "wer" else metric for metric in protocol.metrics)
    return replace(protocol, unit="character", spaces=True, metrics=metrics)


def split_scores(
    recipe: Recipe, protocol: Protocol, prepared: Prepared, split: str, found: Mapping[str, NBest]
) -> list[Score]:
    """The protocol's scores, and the rate of greedy search, of the model alone, beside a beam's."""
    join = prepared.vocabulary.join
    references = {i: join(tokens) for i, tokens in references_of(prepared, (split,)).items()}
    texts = {sample.id: join(sample.reference) for sample in prepared.corpus.split("train")}
    train = train_sentences(as_transcripts(texts, "train"), protocol)
    scores = list(score(references, _best(found, join), protocol, split=split, train=train).scores)
    if recipe.decode.beam > 1:
        decode = greedy(recipe.decode)
        batches = eval_batches(prepared.examples[split], decode.batch_size)
        first = _best(recognise(prepared.model, batches, prepared.vocabulary, decode), join)
        rate = score(references, first, protocol, metrics=(main_rate(protocol),), split=split).scores
        scores += [replace(each, name=f"{each.name}_greedy") for each in rate]
    return scores


def references_of(prepared: Prepared, splits: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The references of some splits by id."""
    return {s.id: s.reference for split in splits for s in prepared.examples[split].samples}


def plain(each: Score) -> dict[str, Any]:
    """A score as JSON has it; what is not defined is null."""
    return {key: None if value != value else value for key, value in asdict(each).items()}


def _best(found: Mapping[str, NBest], join: Callable[[Iterable[str]], str]) -> dict[str, str]:
    return {i: join(nbest[0].tokens) for i, nbest in found.items()}
