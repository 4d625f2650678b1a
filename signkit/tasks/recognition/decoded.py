"""Splits searched, calibrated, written and scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from signkit.config.recipe import Recipe
from signkit.data.loader import eval_batches
from signkit.decode.external.build import Beside
from signkit.decode.lattice import Found, NBest, find, hypotheses, write_hypotheses
from signkit.eval.protocols import Protocol
from signkit.runtime.files import write_json
from signkit.runtime.progress import Watch
from signkit.tasks.recognition.calibration import Calibration, calibrate
from signkit.tasks.recognition.scored import plain, split_scores
from signkit.train.setup import Prepared
from signkit.types import Score

BARRED = "all that is in the beam is forbidden by decode.fusion or decode.rescore"


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was recognised in each split by id, the best first, and how good it is."""

    hypotheses: dict[str, dict[str, NBest]]
    scores: tuple[Score, ...]
    calibration: Calibration


def decode_splits(
    recipe: Recipe,
    protocol: Protocol,
    prepared: Prepared,
    beside: Beside,
    splits: Sequence[str],
    folder: Path,
    watch: Watch,
) -> Decoded:
    """Search splits and score them; write ``<split>.jsonl`` of each into a folder.

    Where the confidences have no temperature yet and the corpus has a dev split, dev is searched too.
    """
    decode = recipe.decode
    for_fit = ("dev",) if not decode.temperature and "dev" in prepared.examples else ()
    found = {
        split: _searched(recipe, prepared, beside, split, watch, with_greedy=split in splits)
        for split in dict.fromkeys((*for_fit, *splits))
    }
    calibration = calibrate(found, prepared, decode)
    best: dict[str, dict[str, NBest]] = {}
    scores: list[Score] = []
    for split in splits:
        best[split] = hypotheses(found[split], prepared.vocabulary, decode, calibration.temperature)
        write_hypotheses(folder / f"{split}.jsonl", list(best[split].values()))
        scores += split_scores(protocol, prepared, split, best[split], found[split])
        scores += calibration.scores(split)
    return Decoded(best, tuple(scores), calibration)


def write_scores(path: Path, decoded: Decoded) -> None:
    """Write ``scores.json``."""
    calibration = decoded.calibration
    sure = {"temperature": calibration.temperature, "fitted_on": "dev" if calibration.fitted else None}
    write_json(path, {"metrics": [plain(each) for each in decoded.scores], "confidences": sure})


def _searched(
    recipe: Recipe, prepared: Prepared, beside: Beside, split: str, watch: Watch, *, with_greedy: bool
) -> dict[str, Found]:
    """The beam of each sample, and beside a beam, if asked, the path of greedy search."""
    examples = prepared.examples[split]
    with watch.bar(f"decode {split}", len(examples)) as bar:
        batches = eval_batches(examples, recipe.decode.batch_size, workers=recipe.train.workers)
        found = find(
            prepared.model,
            batches,
            recipe.decode,
            bar.at,
            fusion=beside.fusion,
            rescorers=beside.rescorers,
            with_greedy=with_greedy and recipe.decode.beam > 1,
        )
    lost = sum(each.candidates[0].score == -inf for each in found.values())
    if lost:
        watch.say(f"warning: nothing is possible for {lost} of {len(found)} samples of {split}: {BARRED}")
    return {sample.id: found[sample.id] for sample in examples.samples}
