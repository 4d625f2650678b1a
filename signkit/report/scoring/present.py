"""What was found out, as the records that the page shows."""

from signkit.report.scoring.page_content import Comparison, Figure, Page, System
from signkit.report.scoring.scoring import POINTS, TITLES, Scoring

HEADLINE = ("wer", "cer", "letter_accuracy", "aslfr", "bleu4", "accuracy", "macro_f1", "sentence_error")
"""Metrics shown large, the first three of those there are."""
TESTS = {"bootstrap": "paired bootstrap", "mapsswe": "MAPSSWE"}


def page(scoring: Scoring) -> Page:
    """The page of a scoring."""
    better = {m.name: m.higher_is_better for each in scoring.systems.values() for m in each.measures}
    figures = tuple(
        Figure(
            name=score.name,
            title=TITLES.get(score.name, score.name),
            value=score.value,
            low=score.low,
            high=score.high,
            system=name,
            split=score.split,
            higher_is_better=better.get(score.name, False),
            percent=score.name not in POINTS,
            note=score.note,
        )
        for name, scored in scoring.systems.items()
        for score in scored.scores
    )
    return Page(
        title=f"{' and '.join(scoring.systems)} against {scoring.reference}",
        protocol=scoring.protocol.name,
        description=scoring.description,
        signatures=tuple(f"{name}: {each.signature}" for name, each in scoring.systems.items()),
        figures=figures,
        systems=tuple(
            System(name, *each.sentences.main, scoring.analyses[name])
            for name, each in scoring.systems.items()
        ),
        comparisons=tuple(
            Comparison(
                name=each.metric,
                first=each.first,
                second=each.second,
                difference=each.difference,
                low=each.low,
                high=each.high,
                p_value=each.p_corrected,
                test=TESTS[each.test],
                better=each.better,
                note=each.note,
            )
            for each in scoring.comparisons
        ),
        headline=tuple(name for name in HEADLINE if any(figure.name == name for figure in figures))[:3],
        unit=scoring.protocol.unit,
        confidence=scoring.resampling.confidence,
    )
