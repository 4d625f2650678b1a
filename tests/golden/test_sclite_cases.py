"""Our counts and texts against answers of sclite 2.4.10 that were kept (make_sclite_cases.py)."""

import json
from pathlib import Path

import numpy as np
import pytest
from sclite_program import Case, encoded

from signkit.eval.alignment import align
from signkit.eval.alternatives import has_alternatives, parse, sclite_case, sclite_words
from signkit.eval.batch_alignment import align_pairs
from signkit.eval.networks import align_networks
from signkit.report.scoring.sclite import pra_text
from signkit.report.scoring.sclite_summary import sys_text

FOLDER = Path(__file__).parent / "sclite"


def rows(name: str) -> list[dict]:
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def cases(name: str) -> list[Case]:
    return [Case(row["reference"], row["hypothesis"]) for row in rows(name)]


def counts(name: str) -> list[list[int]]:
    return [row["counts"] for row in rows(name)]


def test_alignments() -> None:
    pairs = [
        [sclite_words(sclite_case(text)) for text in (c.reference, c.hypothesis)] for c in cases("plain")
    ]
    found = [align(reference, hypothesis) for reference, hypothesis in pairs]
    assert len(found) == 400
    assert [[f.correct, f.substitutions, f.deletions, f.insertions] for f in found] == counts("plain")


def test_alignments_of_many() -> None:
    assert align_pairs(encoded(cases("plain"))).counts.tolist() == counts("plain")


@pytest.mark.parametrize("flags", [[], ["-D"], ["-F"], ["-D", "-F"]])
def test_networks(flags: list[str]) -> None:
    chosen = [row for row in rows("networks") if row["flags"] == flags]
    assert len(chosen) == 150
    for row in chosen:
        networks = (parse(row[side], side) for side in ("reference", "hypothesis"))
        found = align_networks(*networks, optional="-D" in flags, fragments="-F" in flags)
        assert list(found.counts) == row["counts"], (row["reference"], row["hypothesis"])


@pytest.mark.parametrize("row", rows("rules"), ids=lambda row: row["reference"])
def test_rules(row: dict) -> None:
    texts = [sclite_case(row[side]) for side in ("reference", "hypothesis")]
    assert list(align_networks(*(parse(text, "") for text in texts)).counts) == row["counts"]
    if not any(has_alternatives(text) for text in texts):
        assert align_pairs(encoded([Case(*texts)])).counts.tolist() == [row["counts"]]


@pytest.mark.parametrize("place", range(3))
def test_reports(place: int) -> None:
    row = rows("reports")[place]
    case_sensitive = row["case_sensitive"]
    ids = row["ids"] if case_sensitive else [name.lower() for name in row["ids"]]
    signers = [name.split("-")[0] for name in ids]
    pairs = encoded([Case(*texts) for texts in row["pairs"]], ids, signers, case_sensitive=case_sensitive)
    aligned = align_pairs(pairs)
    assert sys_text("the system", pairs, aligned) == row["sum"]
    assert pra_text("the system", pairs, aligned, case_sensitive=case_sensitive) == row["pra"]
    assert np.all(aligned.counts.sum(axis=0) > 0)
