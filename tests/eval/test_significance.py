"""MAPSSWE by hand, against a plain state machine and against NIST's own program; Holm's correction."""

import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.eval.batch_alignment import align_pairs
from signkit.eval.significance import SIGNIFICANT, MatchedPairs, holm, mapsswe, segment_errors
from signkit.eval.transcripts import Aligned, Pairs, Ragged

KINDS = "CSDI"
REFERENCE = st.text("ab", max_size=9)
EDITS = st.lists(st.sampled_from(["", "", "", "d", "s", "i", "e"]), min_size=10, max_size=10)
CORPORA = st.lists(st.tuples(REFERENCE, EDITS, EDITS), min_size=1, max_size=5)


def aligned(*paths: str) -> Aligned:
    """Alignments written as their kinds: C correct, S substitution, D deletion, I insertion."""
    kinds = np.array([KINDS.index(kind) for path in paths for kind in path], dtype=np.int8)
    offsets = np.cumsum([0, *map(len, paths)])
    counts = np.array([[path.count(kind) for kind in KINDS] for path in paths], dtype=np.int64).reshape(-1, 4)
    tokens = np.zeros(len(kinds), dtype=np.int32)
    references, hypotheses = np.where(kinds == 3, -1, tokens), np.where(kinds == 2, -1, tokens)
    return Aligned(counts, offsets, kinds, references.astype(np.int32), hypotheses.astype(np.int32))


def segments(a: str, b: str) -> list[list[int]]:
    return segment_errors(aligned(a), aligned(b)).tolist()


def pairs_of(references: list[str], hypotheses: list[str]) -> Pairs:
    sides = []
    for texts in (references, hypotheses):
        values = np.array([ord(character) for text in texts for character in text], dtype=np.int32)
        sides.append(Ragged(values, np.cumsum([0, *map(len, texts)])))
    return Pairs(tuple(map(str, range(len(references)))), sides[0], sides[1], ())


def edited(reference: str, edits: list[str]) -> str:
    """Words deleted, substituted, followed or led by an insertion."""
    change = {"": "{0}", "d": "", "s": "q", "i": "{0}z", "e": "y{0}"}
    return "".join(change[edit].format(word) for word, edit in zip(reference, edits, strict=False))


def by_definition(a: str, b: str) -> list[list[int]]:
    """One sentence, a word at a time: errors are collected until two words in a row are right in both."""
    words = [re.findall("I*[CSD]|I+$", path) for path in (a, b)]
    if len(words[0]) != len(words[1]):  # one ends with insertions
        shorter = min(words, key=len)
        shorter.append("")
    found: list[list[int]] = []
    inside, right = False, 0
    for one, other in zip(*words, strict=True):
        errors = [sum(kind != "C" for kind in word) for word in (one, other)]
        right = 1 if "I" in one + other else right + 1
        if not (one.endswith("C") and other.endswith("C")):
            right = 0
        if any(errors) and not inside:
            found.append([0, 0])
            inside = True
        if inside:
            found[-1] = [x + y for x, y in zip(found[-1], errors, strict=True)]
            inside = right < 2
    return found


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("CCCC", "CCCC", []),
        ("SCCSC", "CCCCC", [[1, 0], [1, 0]]),  # two right words part the errors
        ("SCSCC", "CCCCC", [[2, 0]]),  # one does not
        ("SCCC", "CCDC", [[1, 1]]),  # the second right word is wrong in b
        ("SCCCC", "CCCCD", [[1, 0], [0, 1]]),
        ("SCICCS", "CCCCS", [[2, 0], [1, 1]]),  # an insertion between two right words begins the count anew
        ("SCICS", "CCCS", [[3, 1]]),
        ("CCI", "CC", [[1, 0]]),
        ("CC", "CCII", [[0, 2]]),
        ("SCCI", "CCC", [[1, 0], [1, 0]]),
        ("SCI", "CC", [[2, 0]]),
        ("ICC", "CC", [[1, 0]]),
        ("DD", "SS", [[2, 2]]),
        ("", "II", [[0, 2]]),
        ("", "", []),
    ],
)
def test_segments_by_hand(a: str, b: str, expected: list[list[int]]) -> None:
    assert segments(a, b) == expected


def test_segments_end_with_the_sentence() -> None:
    one, other = aligned("CS", "SC", "CC"), aligned("CC", "CC", "DC")
    assert segment_errors(one, other).tolist() == [[1, 0], [1, 0], [0, 1]]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(CORPORA)
def test_segments_are_those_of_a_word_at_a_time(corpus: list[tuple[str, list[str], list[str]]]) -> None:
    references = [reference for reference, _, _ in corpus]
    a, b = (
        align_pairs(pairs_of(references, [edited(row[0], row[side]) for row in corpus])) for side in (1, 2)
    )
    paths = [
        ["".join(KINDS[k] for k in x.kinds[x.offsets[i] : x.offsets[i + 1]]) for i in range(len(corpus))]
        for x in (a, b)
    ]
    expected = [segment for pair in zip(*paths, strict=True) for segment in by_definition(*pair)]
    found = segment_errors(a, b)
    assert found.tolist() == expected
    assert found.sum(axis=0).tolist() == [a.errors.sum(), b.errors.sum()]
    assert (found.sum(axis=1) > 0).all()


def test_the_statistic_by_hand() -> None:
    """Differences 2, -1, 1, 0, 1: mean 0.6, variance 5.2 / 4, standard error sqrt(1.3 / 5)."""
    a = aligned("SS", "C", "S", "S", "S")
    b = aligned("CC", "S", "C", "S", "C")
    found = mapsswe(a, b)
    z = 0.6 / math.sqrt(1.3 / 5)
    assert (found.segments, found.errors_a, found.errors_b, found.mean) == (5, 5, 2, 0.6)
    assert (found.standard_error, found.z) == pytest.approx((math.sqrt(0.26), z), abs=1e-15)
    assert found.p_value == pytest.approx(0.23931654, abs=1e-8)


def test_the_better_one_makes_fewer_errors() -> None:
    wrong, right = aligned(*["S", "SS"] * 10), aligned(*["C", "CC"] * 10)
    first, second = mapsswe(wrong, right), mapsswe(right, wrong)
    assert first.p_value == second.p_value < SIGNIFICANT
    assert first.mean == -second.mean == 1.5


def test_differences_that_do_not_vary_show_nothing() -> None:
    for a, b in (("S", "C"), ("S", "S"), ("C", "C")):
        found = mapsswe(aligned(a, a), aligned(b, b))
        assert (found.standard_error, found.z, found.p_value) == (0.0, 0.0, 1.0)
    nothing = MatchedPairs(0, 0, 0, 0.0, 0.0, 0.0, 1.0)
    assert mapsswe(aligned("C"), aligned("C")) == nothing
    assert mapsswe(aligned(), aligned()) == nothing
    assert mapsswe(aligned("S"), aligned("C")) == MatchedPairs(1, 1, 0, 1.0, 0.0, 0.0, 1.0)


def test_references_that_were_chosen_differently_are_walked_side_by_side() -> None:
    """Of alternatives the systems may be given some of other lengths: the rest is of the last segment."""
    assert segments("CCC", "CC") == []
    assert segments("SCCC", "CC") == [[1, 0]]
    assert segments("CC", "CCCS") == [[0, 1]]
    assert segments("CCCI", "CC") == [[1, 0]]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(CORPORA, st.randoms(use_true_random=False))
def test_swapped_systems_and_reordered_sentences(corpus, random) -> None:  # type: ignore[no-untyped-def]
    def tested(rows: list[tuple[str, list[str], list[str]]], first: int, second: int) -> MatchedPairs:
        references = [row[0] for row in rows]
        a, b = (
            align_pairs(pairs_of(references, [edited(row[0], row[side]) for row in rows]))
            for side in (first, second)
        )
        return mapsswe(a, b)

    found = tested(corpus, 1, 2)
    turned = tested(corpus, 2, 1)
    assert 0 <= found.p_value <= 1
    assert (turned.mean, turned.z, turned.p_value) == (-found.mean, -found.z, found.p_value)
    assert (turned.segments, turned.errors_a, turned.errors_b) == (
        found.segments,
        found.errors_b,
        found.errors_a,
    )
    other = tested(random.sample(corpus, len(corpus)), 1, 2)
    assert (other.segments, other.errors_a, other.errors_b) == (
        found.segments,
        found.errors_a,
        found.errors_b,
    )
    assert (other.mean, other.z) == pytest.approx((found.mean, found.z), abs=1e-12)


def test_as_many_sentences_in_both() -> None:
    with pytest.raises(ValueError, match="^1 sentences against 2: two systems of one reference$"):
        mapsswe(aligned("C"), aligned("C", "C"))


def simulated(seed: int) -> tuple[list[str], list[str], list[str]]:
    """References and two systems, b with more errors than a."""
    generator = np.random.default_rng(seed)
    references = ["".join(generator.choice(list("abcde"), generator.integers(1, 14))) for _ in range(60)]
    systems = []
    for share in (0.16, 0.24):
        edits = generator.choice(["", "d", "s", "i", "e"], (60, 14), p=[1 - share, *[share / 4] * 4])
        systems.append([edited(r, row.tolist()) for r, row in zip(references, edits, strict=True)])
    return references, systems[0], systems[1]


# What sc_stats (SCTK 2.4.10) says of `simulated(seed)`: segments, errors, mean, standard deviation, Z
GOLDEN = {
    1: ("92", "68", "79", "-0.120", "1.316", "-0.871", "No"),
    2: ("109", "79", "111", "-0.294", "1.125", "-2.725", "Yes"),
    3: ("111", "66", "115", "-0.441", "1.126", "-4.132", "Yes"),
    4: ("87", "57", "89", "-0.368", "1.142", "-3.003", "Yes"),
    5: ("82", "51", "86", "-0.427", "1.007", "-3.840", "Yes"),
    6: ("94", "64", "103", "-0.415", "1.204", "-3.341", "Yes"),
}


def written(found: MatchedPairs) -> tuple[str, ...]:
    deviation = found.standard_error * math.sqrt(found.segments)
    counts = (str(found.segments), str(found.errors_a), str(found.errors_b))
    return (
        *counts,
        f"{found.mean:.3f}",
        f"{deviation:.3f}",
        f"{found.z:.3f}",
        "Yes" if found.p_value < SIGNIFICANT else "No",
    )


def of_nist(
    references: list[str], a: list[str], b: list[str], folder: Path, programs: Path
) -> tuple[str, ...]:
    """sc_stats on the alignments of sclite."""
    for name, texts in (("ref", references), ("a", a), ("b", b)):
        lines = (f"{' '.join(text)} (s_{i})\n" for i, text in enumerate(texts))
        (folder / name).write_text("".join(lines), "utf-8")
    graphs = b""
    for name in "ab":
        options = ["-r", "ref", "trn", "-h", name, "trn", name, "-i", "spu_id", "-o", "sgml", "stdout"]
        graphs += subprocess.run(
            [programs / "sclite", *options], cwd=folder, capture_output=True, check=True
        ).stdout
    options = ["-p", "-t", "mapsswe", "-v", "-n", "-"]
    run = subprocess.run(
        [programs / "sc_stats", *options], cwd=folder, input=graphs, capture_output=True, check=True
    )
    text = run.stdout.decode("latin-1")
    totals = re.search(r"Totals\s+\d+\s+(\d+)\s+(\d+)", text)
    result = re.search(
        r"# segs: (\d+)\).*mean: (\S+)\) \(std dev: (\S+)\) \(Z Stat: (\S+)\) \(Stat Diff: (\w+)", text
    )
    assert totals is not None and result is not None, text
    return (result[1], totals[1], totals[2], *result.groups()[1:])


@pytest.mark.parametrize("seed", GOLDEN)
def test_the_numbers_of_nist(seed: int) -> None:
    references, a, b = simulated(seed)
    found = mapsswe(align_pairs(pairs_of(references, a)), align_pairs(pairs_of(references, b)))
    assert written(found) == GOLDEN[seed]


@pytest.mark.parametrize("seed", range(10, 20))
def test_the_program_of_nist_says_the_same(seed: int, tmp_path: Path) -> None:
    programs = Path(shutil.which("sc_stats", path="/usr/lib/sctk/bin:/usr/local/bin:/usr/bin") or "")
    if not programs.name:
        pytest.skip("NIST's sc_stats is not installed (Debian: sctk)")
    references, a, b = simulated(seed)
    found = mapsswe(align_pairs(pairs_of(references, a)), align_pairs(pairs_of(references, b)))
    assert written(found) == of_nist(references, a, b, tmp_path, programs.parent)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02), abs=1e-15)
    assert holm([0.6, 0.5]) == (1.0, 1.0)
    assert holm([0.2]) == (0.2,)
    assert holm([]) == ()


def test_holm_leaves_nan_alone() -> None:
    adjusted = holm([0.02, math.nan, 0.01])
    assert (adjusted[0], adjusted[2]) == (0.02, 0.02)
    assert math.isnan(adjusted[1])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_raises_keeps_the_order_and_stays_a_probability(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(raw <= new <= 1 for raw, new in zip(p_values, adjusted, strict=True))
    by_raw = [new for _, new in sorted(zip(p_values, adjusted, strict=True))]
    assert by_raw == sorted(by_raw)
    bound = min((raw * len(p_values) for raw in p_values), default=0)
    assert min(adjusted, default=0) == pytest.approx(min(bound, 1.0))
