"""An invented scoring: `python tests/score_demo.py PAGE.html` writes its page."""

import sys
from pathlib import Path

import numpy as np

from signkit.eval.alignment import align
from signkit.eval.analyses import analyse
from signkit.eval.comparison import Comparison
from signkit.eval.measure import Measure, ratio
from signkit.eval.transcripts import Aligned, Pairs, Ragged
from signkit.report.scoring.page import Page, System, write_page
from signkit.types import Score

WORDS = (
    "HEUTE", "MORGEN", "WOLKE", "SONNE", "REGEN", "SCHNEE", "WIND", "NORD", "SUED", "OST", "WEST", "BERG",
    "FLUSS", "KUESTE", "GRAD", "NACHT", "TAG", "WARM", "KALT", "STARK", "SCHWACH", "KOMMEN", "BLEIBEN",
    "WECHSELHAFT", "FREUNDLICH", "GEWITTER", "NEBEL", "FROST", "MAI", "JUNI", "ZEHN", "ZWANZIG", "DREISSIG",
)  # fmt: skip
TWINS = {
    "REGEN": "SCHNEE",
    "SCHNEE": "REGEN",
    "NORD": "SUED",
    "WARM": "KALT",
    "ZEHN": "ZWANZIG",
    "MAI": "JUNI",
}


def encoded(
    references: list[list[str]],
    hypotheses: list[list[str]],
    ids: list[str] | None = None,
    signers: tuple[str, ...] = (),
) -> Pairs:
    """Pairs of sentences, tokens numbered in the order in which they come."""
    number: dict[str, int] = {}

    def ragged(sentences: list[list[str]]) -> Ragged:
        values = [number.setdefault(word, len(number)) for sentence in sentences for word in sentence]
        offsets = np.cumsum([0, *map(len, sentences)])
        return Ragged(np.array(values, dtype=np.int32), offsets.astype(np.int64))

    left, right = ragged(references), ragged(hypotheses)
    names = tuple(ids) if ids is not None else tuple(f"s{i}" for i in range(len(references)))
    return Pairs(names, left, right, tuple(number), signers)


def aligned_one_by_one(pairs: Pairs) -> Aligned:
    """Every pair by the plain `align`."""
    counts, offsets, steps = [], [0], []
    for reference, hypothesis in zip(pairs.references, pairs.hypotheses, strict=True):  # by __getitem__
        found = align(reference.tolist(), hypothesis.tolist())
        counts.append((found.correct, found.substitutions, found.deletions, found.insertions))
        for r, h in found.pairs:
            left, right = -1 if r is None else reference[r], -1 if h is None else hypothesis[h]
            steps.append((2 if h is None else 3 if r is None else int(left != right), left, right))
        offsets.append(len(steps))
    table = np.array(steps, dtype=np.int64).reshape(-1, 3)
    return Aligned(
        np.array(counts, dtype=np.int64).reshape(-1, 4),
        np.array(offsets, dtype=np.int64),
        table[:, 0].astype(np.int8),
        table[:, 1].astype(np.int32),
        table[:, 2].astype(np.int32),
    )


def word_error_rate(aligned: Aligned) -> Measure:
    """The word error rate as a measure."""
    return Measure.of("wer", np.stack([aligned.errors, aligned.words], axis=1), ratio, "unit:word")


def recognised(reference: list[str], noise: float, rng: np.random.Generator) -> list[str]:
    """A sentence with invented errors."""
    found: list[str] = []
    for word in reference:
        draw = rng.random()
        if draw < 0.45 * noise:
            found.append(TWINS.get(word, WORDS[rng.integers(len(WORDS))]))
        elif draw > 0.6 * noise:  # otherwise deleted
            found.append(word)
        if rng.random() < 0.15 * noise:
            found.append(WORDS[min(int(rng.exponential(4)), len(WORDS) - 1)])
    return found


def demonstration(systems: int = 2, sentences: int = 300, seed: int = 1) -> Page:
    """A page of invented systems on invented sentences; the last ones are Arabic and Chinese."""
    rng = np.random.default_rng(seed)
    lengths = np.minimum(rng.poisson(7, sentences) + 1, 24)
    drawn = np.minimum(rng.exponential(9, int(lengths.sum())).astype(int), len(WORDS) - 1)
    references = [[WORDS[i] for i in part] for part in np.split(drawn, np.cumsum(lengths)[:-1])]
    extra = [
        ["غدا", "مطر", "في", "الشمال"],
        ["明天", "北方", "下雨", "然后", "晴天"],
        ["اليوم", "SMS", "رياح"],
    ]
    heard = [
        ["غدا", "ثلج", "الشمال"],
        ["明天", "北方", "下雪", "晴天", "暖和"],
        ["اليوم", "SMS", "رياح"],
    ]
    ids = [f"{i:02d}June_2030_tagesschau-{i + 40}" for i in range(sentences)] + ["ar/01", "zh/01", "ar/02"]
    signers = tuple(f"Signer{int(i):02d}" for i in rng.integers(1, 10, sentences + 3))
    train = [tuple(reference) for reference in references[::3]]
    found = []
    for place in range(systems):
        hypotheses = [recognised(r, 0.35 + 0.12 * place, rng) for r in references] + heard
        pairs = encoded(references + extra, hypotheses, ids, signers)
        aligned = aligned_one_by_one(pairs)
        measures = (word_error_rate(aligned),)
        name = ("baseline", "with context", "third")[place] if systems > 1 else ""
        scores = demonstration_scores(aligned)
        found.append(System(name, scores, pairs, aligned, analyse(pairs, aligned, measures, train)))
    return Page(
        title="invented-weather.trn",
        protocol="phoenix2014",
        description="Words, cleaned as the evaluation script of PHOENIX-2014 does it, at sclite's costs.",
        signatures=("wer|protocol:phoenix2014|unit:word|costs:s4i3d3|unicode:nfc|sentences:303|version:0",),
        systems=tuple(found),
        comparisons=demonstration_comparisons(found),
    )


def demonstration_scores(aligned: Aligned) -> tuple[Score, ...]:
    """Rates with rough intervals."""
    words, sentences = int(aligned.words.sum()), len(aligned.counts)
    sums = aligned.counts.sum(axis=0).tolist()

    def score(name: str, count: int, of: int, kind: str) -> Score:
        value = count / of
        half = 2.6 * (value * (1 - min(value, 0.99)) / of) ** 0.5
        note = f"{count} {kind}, {of} {'words' if of == words else 'sentences'}"
        return Score(name, value, "dev", note=note, low=max(value - half, 0.0), high=value + half)

    wrong = int((aligned.errors > 0).sum())
    return (
        score("wer", sum(sums[1:]), words, "errors"),
        score("wer_substitutions", sums[1], words, "substitutions"),
        score("wer_deletions", sums[2], words, "deletions"),
        score("wer_insertions", sums[3], words, "insertions"),
        score("sentence_error", wrong, sentences, "wrong"),
    )


def demonstration_comparisons(systems: list[System]) -> tuple[Comparison, ...]:
    """The first system against every other."""
    rate = [float(word_error_rate(s.aligned).total()) for s in systems]
    return tuple(
        Comparison(
            metric="wer", first=systems[0].name, second=other.name, difference=rate[0] - rate[i],
            low=rate[0] - rate[i] - 0.017, high=rate[0] - rate[i] + 0.016, p_value=p, p_corrected=p,
            test=test, better=systems[0].name if p < 0.05 else "",
        )
        for i, other in enumerate(systems[1:], start=1)
        for test, p in (("bootstrap", 0.0004), ("mapsswe", 0.0612))
    )  # fmt: skip


if __name__ == "__main__":
    write_page(Path(sys.argv[1]), demonstration(*map(int, sys.argv[2:])))
