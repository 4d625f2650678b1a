"""Hypotheses against references, by the recipe's protocol."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from signkit.config.recipe import Recipe
from signkit.decode.lattice import Found, NBest
from signkit.eval.metrics import main_rate
from signkit.eval.pairing import train_sentences
from signkit.eval.protocols import Protocol, load
from signkit.eval.scores import as_transcripts, score
from signkit.train.setup import Prepared
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
    protocol: Protocol, prepared: Prepared, split: str, best: Mapping[str, NBest], found: Mapping[str, Found]
) -> list[Score]:
    """The protocol's scores, and the rate of greedy search, of the model alone, beside a beam's.

    Args:
        best: the hypotheses of the split by id.
        found: what they were read from, with the paths of greedy search beside a beam.
    """
    join, decode = prepared.vocabulary.join, prepared.vocabulary.decode
    references = {i: join(tokens) for i, tokens in references_of(prepared, (split,)).items()}
    texts = {sample.id: join(sample.reference) for sample in prepared.corpus.split("train")}
    train = train_sentences(as_transcripts(texts, "train"), protocol)
    said = {i: join(nbest[0].tokens) for i, nbest in best.items()}
    scores = list(score(references, said, protocol, split=split, train=train).scores)
    first = {i: join(decode(each.greedy.tokens)) for i, each in found.items() if each.greedy is not None}
    if first:
        rate = score(references, first, protocol, metrics=(main_rate(protocol),), split=split).scores
        scores += [replace(each, name=f"{each.name}_greedy") for each in rate]
    return scores


def references_of(prepared: Prepared, splits: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The references of some splits by id."""
    return {s.id: s.reference for split in splits for s in prepared.examples[split].samples}


def plain(each: Score) -> dict[str, Any]:
    """A score as JSON has it; what is not defined is null."""
    return {key: None if value != value else value for key, value in asdict(each).items()}
