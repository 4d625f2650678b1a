"""What comes of a training: hypotheses, scores, the export and the report; and the dev score on the way."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from signkit import checkpoint
from signkit.data.loader import eval_batches
from signkit.eval.metrics import main_rate
from signkit.eval.pairing import train_sentences
from signkit.eval.protocols import Protocol
from signkit.eval.scores import as_transcripts, error_rate, score
from signkit.export import write_export
from signkit.files import write_json
from signkit.prepare import Prepared
from signkit.recipe import Recipe
from signkit.recognise import NBest, recognise, write_hypotheses
from signkit.report import Result, write_report
from signkit.train import Ended
from signkit.types import Score
from signkit.watch import Watch

EMPTY_SHARE = 0.9
"""Share of empty dev hypotheses from which a model is said to have collapsed to blanks."""


class DevScore:
    """The greedy error rate on dev of the model's present weights; warns of a model that writes nothing."""

    def __init__(self, recipe: Recipe, prepared: Prepared, watch: Watch) -> None:
        self._recipe, self._prepared, self._watch = recipe, prepared, watch
        self._warned = False

    def __call__(self) -> float:
        prepared, examples = self._prepared, self._prepared.examples["dev"]
        decode = replace(self._recipe.decode, beam=1, nbest=1)
        batches = eval_batches(examples, decode.batch_size)
        found = recognise(prepared.model, batches, prepared.vocabulary, decode)
        empty = sum(not nbest[0].tokens for nbest in found.values()) / len(found)
        if empty > EMPTY_SHARE and not self._warned:
            self._watch.say(f"warning: {100 * empty:.0f} % of dev hypotheses are empty (blanks only)")
            self._warned = True
        references = {sample.id: sample.reference for sample in examples.samples}
        return error_rate(references, {i: nbest[0].tokens for i, nbest in found.items()})


def write_results(
    recipe: Recipe, protocol: Protocol, prepared: Prepared, folder: Path, ended: Ended, watch: Watch
) -> Result:
    """Decode and score the recipe's splits with the chosen weights, export and report."""
    best = ended.progress.best_step
    step = best if best and recipe.train.select == "best" else ended.progress.step
    weights = checkpoint.weights(folder / "checkpoints", step)
    checkpoint.load_weights(prepared.model, weights, checkpoint.folder_of(folder / "checkpoints", step))
    corpus = prepared.corpus
    write_export(folder / "export", recipe, prepared.vocabulary, corpus.layout, corpus.width, prepared.model)
    scores: list[Score] = []
    hypotheses: dict[str, dict[str, NBest]] = {}
    for split in recipe.decode.splits:
        if split in prepared.examples:
            hypotheses[split] = _decoded(recipe, prepared, split, watch)
            write_hypotheses(folder / "decode" / f"{split}.jsonl", list(hypotheses[split].values()))
            scores += _scored(recipe, protocol, prepared, split, hypotheses[split])
    write_json(folder / "scores.json", {"metrics": [plain(each) for each in scores]})
    result = Result(recipe.name, step, tuple(scores), hypotheses, _references(prepared, tuple(hypotheses)))
    return write_report(folder, result, prepared)


def _decoded(recipe: Recipe, prepared: Prepared, split: str, watch: Watch) -> dict[str, NBest]:
    examples = prepared.examples[split]
    with watch.bar(f"decode {split}", len(examples)) as bar:
        batches = eval_batches(examples, recipe.decode.batch_size, workers=recipe.train.workers)
        found = recognise(prepared.model, batches, prepared.vocabulary, recipe.decode, bar.at)
    return {sample.id: found[sample.id] for sample in examples.samples}


def _scored(
    recipe: Recipe, protocol: Protocol, prepared: Prepared, split: str, found: dict[str, NBest]
) -> list[Score]:
    """The protocol's scores, and the rate of greedy search beside a beam's."""
    join = prepared.vocabulary.join
    references = {i: join(tokens) for i, tokens in _references(prepared, (split,)).items()}
    texts = {sample.id: join(sample.reference) for sample in prepared.corpus.split("train")}
    train = train_sentences(as_transcripts(texts, "train"), protocol)
    scores = list(score(references, _best(found, join), protocol, split=split, train=train).scores)
    if recipe.decode.beam > 1:
        greedy = replace(recipe.decode, beam=1, nbest=1)
        batches = eval_batches(prepared.examples[split], greedy.batch_size)
        first = _best(recognise(prepared.model, batches, prepared.vocabulary, greedy), join)
        rate = score(references, first, protocol, metrics=(main_rate(protocol),), split=split).scores
        scores += [replace(each, name=f"{each.name}_greedy") for each in rate]
    return scores


def _references(prepared: Prepared, splits: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return {s.id: s.reference for split in splits for s in prepared.examples[split].samples}


def _best(found: dict[str, NBest], join: Callable[[Iterable[str]], str]) -> dict[str, str]:
    return {i: join(nbest[0].tokens) for i, nbest in found.items()}


def plain(each: Score) -> dict[str, Any]:
    """A score as JSON has it; what is not defined is null."""
    return {key: None if value != value else value for key, value in asdict(each).items()}
