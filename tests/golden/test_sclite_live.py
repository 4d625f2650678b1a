"""Our counts against sclite itself, where it is installed: over 100,000 sentences made from a seed."""

import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sclite_program import Case, corrupted, counts, encoded, find, network_cases, plain_cases, run

from signkit.eval.alignment import align
from signkit.eval.alternatives import parse, sclite_case, sclite_words
from signkit.eval.batch_alignment import align_pairs
from signkit.eval.formats import read_pair
from signkit.eval.networks import align_networks
from signkit.eval.scores import Resampling, score
from signkit.report.scoring.sclite import pra_text
from signkit.report.scoring.sclite_summary import sys_text

pytestmark = pytest.mark.skipif(find() is None, reason="sclite (NIST's sctk) is not installed")


@pytest.mark.parametrize("flags", [(), ("-s",), ("-e", "utf-8")])
def test_a_hundred_thousand_sentences(tmp_path: Path, flags: tuple[str, ...]) -> None:
    number = 50_000 if not flags else 30_000
    cases = plain_cases(random.Random(f"sentences {flags}"), number)
    wanted = counts(tmp_path, cases, flags)
    assert len(wanted) == number
    found = align_pairs(encoded(cases, case_sensitive="-s" in flags)).counts
    assert np.array_equal(found, wanted), cases[int((found != wanted).any(axis=1).argmax())]
    for case, figures in zip(cases[::20], wanted[::20], strict=True):
        texts = (case.reference, case.hypothesis)
        words = [sclite_words(text if "-s" in flags else sclite_case(text)) for text in texts]
        one = align(*words)
        assert (one.correct, one.substitutions, one.deletions, one.insertions) == figures, case


def test_real_references(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    lines = [
        line.split(None, 5)
        for file in sorted(real_data("gloss_text").glob("*/*.stm"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    rng = random.Random("references")
    sentences = [[w for w in fields[5].split() if "{" not in w] for fields in lines if len(fields) > 5]
    sentences = [[word for word in words if not set(word) & set("()")] for words in sentences]
    sentences = [words for words in sentences if words]
    vocabulary = sorted({word for words in sentences for word in words})
    assert len(sentences) > 30_000
    cases = [Case(" ".join(words), " ".join(corrupted(rng, words, vocabulary))) for words in sentences]
    assert np.array_equal(align_pairs(encoded(cases)).counts, counts(tmp_path, cases))


@pytest.mark.parametrize("flags", [(), ("-D",), ("-F",), ("-D", "-F")])
def test_networks(tmp_path: Path, flags: tuple[str, ...]) -> None:
    cases = network_cases(random.Random(f"networks {flags}"), 1000)
    for case, figures in zip(cases, counts(tmp_path, cases, flags), strict=True):
        networks = (parse(case.reference, "reference"), parse(case.hypothesis, "hypothesis"))
        found = align_networks(*networks, optional="-D" in flags, fragments="-F" in flags)
        assert found.counts == figures, case


def test_words_of_the_chosen_path(tmp_path: Path) -> None:
    cases = network_cases(random.Random("paths"), 400)
    ids = [f"s-{i}" for i in range(len(cases))]
    text = run(tmp_path, cases, ids, ["-s", "-l", "100000", "-o", "pra", "stdout"])
    blocks = [block.split("\n") for block in text.split("id: (s-")[1:]]
    checked = 0
    for lines in blocks:
        case = cases[int(lines[0].rstrip(")"))]
        chosen = align_networks(parse(case.reference, "reference"), parse(case.hypothesis, "hypothesis"))
        for name, words in (("REF:", chosen.reference), ("HYP:", chosen.hypothesis)):
            shown = next((line[len(name) :].split() for line in lines if line.startswith(name)), [])
            kept = [word for word in words if set(word) != {"*"}]
            assert kept == [word for word in shown if set(word) != {"*"}], case
            checked += len(kept)
    assert checked > 500


@pytest.mark.parametrize("seed", range(8))
def test_reports(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    cases = plain_cases(rng, rng.choice((1, 5, 60)))
    ids = [f"{rng.choice(('a', 'bo', 'someone with a long name'))}-{i}" for i in range(len(cases))]
    case_sensitive = seed % 2 == 0
    flags = ["-s"] if case_sensitive else []
    signers = [name.split("-")[0] for name in ids]
    pairs = encoded(cases, ids, signers, case_sensitive=case_sensitive)
    aligned = align_pairs(pairs)
    title = "the system"
    for name, text in (
        ("sum", sys_text(title, pairs, aligned)),
        ("pra", pra_text(title, pairs, aligned, case_sensitive=case_sensitive)),
    ):
        assert text == run(tmp_path, cases, ids, [*flags, "-o", name, "stdout"]), name


def ctm_case(rng: random.Random) -> tuple[list[str], list[str]]:
    """Segments and words with times of some channels; some words are alternatives, names differ in case."""
    stm, ctm = [], []
    for track in range(rng.randint(1, 3)):
        names = f"rec{track} A"
        edges = sorted(rng.sample(range(1, 20), rng.randint(1, 5)))
        for begin, end in zip([0, *edges], edges, strict=False):
            words = " ".join(rng.choices("ABCD", k=rng.randint(0, 4)))
            stm.append(f"{names.upper()} s{begin % 2} {begin} {end} {words}")
        time = 0.0
        while time < 20:
            time += rng.choice((0.25, 0.5, 1.0))
            if rng.random() < 0.7:
                ctm.append(f"{names.lower()} {time} 0.25 {rng.choice('ABCDE')}")
                continue
            groups = [
                [f"{names.lower()} {time + 0.25 * place} 0.5 {rng.choice('ABCD')}" for place in range(length)]
                for length in (rng.randint(1, 3), *(rng.randint(1, 3) for _ in range(rng.randint(0, 2))))
            ]
            if rng.random() < 0.3:
                groups.append([])
            for place, group in enumerate(groups):
                ctm += [f"{names.lower()} * * {'<ALT>' if place else '<ALT_BEGIN>'}", *group]
            ctm.append(f"{names.lower()} * * <ALT_END>")
    return stm, ctm


@pytest.mark.parametrize("seed", range(40))
def test_alternatives_of_a_ctm(tmp_path: Path, seed: int) -> None:
    stm, ctm = ctm_case(random.Random(f"alternatives {seed}"))
    reference, hypothesis = tmp_path / "r.stm", tmp_path / "h.ctm"
    reference.write_text("\n".join(stm) + "\n")
    hypothesis.write_text("\n".join(ctm) + "\n")
    program = [str(find()), "-r", str(reference), "stm", "-h", str(hypothesis), "ctm"]
    done = subprocess.run([*program, "-o", "pra", "stdout", "-f", "0"], capture_output=True, check=True)
    wanted = re.findall(r"Scores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)", done.stdout.decode())
    references, (hypotheses,) = read_pair(reference, [hypothesis])
    found = score(references, hypotheses, resampling=Resampling(resamples=0))
    by_signer: dict[str, list[tuple[int, ...]]] = {}
    for signer, row in zip(references.signers, found.sentences.main[1].counts.tolist(), strict=True):
        by_signer.setdefault(signer, []).append(tuple(row))
    ours = [row for rows in by_signer.values() for row in rows]  # sclite lists the signers one after another
    assert ours == [tuple(map(int, row)) for row in wanted]
