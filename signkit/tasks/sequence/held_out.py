"""The scores of texts that runs gave for clips they were not trained on, which teach a confidence."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from signkit.errors import UserError
from signkit.eval.alignment import UNIT
from signkit.eval.batch_alignment import align_pairs
from signkit.eval.formats import read
from signkit.eval.results import hypotheses_file, lines_folder, references_file
from signkit.eval.transcripts import Pairs, Ragged


def held_out_scores(runs: Sequence[str]) -> dict[str, float]:
    """The scores of the texts that runs gave for their dev clips, by clip, from 0 to 1: (N - D) / N of the
    characters, at least 0; of a clip that several runs have, their mean.

    Raises:
        UserError: a run has no texts of dev.
    """
    found: dict[str, list[float]] = {}
    for run in runs:
        folder = lines_folder(Path(run))
        files = references_file(folder, "dev"), hypotheses_file(folder, "dev")
        if not all(file.is_file() for file in files):
            what = f"{run} has no texts of dev"
            raise UserError(
                "model.confidence_from", what, "name finished runs that decode dev, one of each fold"
            )
        references, hypotheses = (read(file, format="jsonl") for file in files)
        texts = [hypotheses.texts[hypotheses.index[name]] for name in references.ids]
        pairs = Pairs(references.ids, _characters(references.texts), _characters(texts), ())
        aligned = align_pairs(pairs, UNIT)
        scores = np.clip(1 - aligned.errors / np.maximum(aligned.words, 1), 0, 1)
        for name, score in zip(references.ids, scores.tolist(), strict=True):
            found.setdefault(name, []).append(score)
    return {name: sum(scores) / len(scores) for name, scores in found.items()}


def _characters(texts: Sequence[str]) -> Ragged:
    """Texts as the numbers of their characters."""
    values = np.frombuffer("".join(texts).encode("utf-32-le"), np.int32)
    return Ragged(values, np.cumsum([0, *map(len, texts)], dtype=np.int64))
