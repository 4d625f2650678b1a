"""The JSON of `signkit score --json`; docs/scoring.md describes it."""

from dataclasses import asdict
from typing import Any

from signkit.eval.analyses import without_nan
from signkit.eval.labels import by_class, labels
from signkit.eval.scores import Scored
from signkit.eval.transcripts import Aligned, Pairs
from signkit.report.scoring.scoring import Scoring, missing_warning
from signkit.types import Score

SCHEMA = 1
"""Raised when a key is renamed, removed or means something else; new keys leave it as it is."""
KINDS = "CSDI"


def document(scoring: Scoring) -> dict[str, Any]:
    """Everything as dicts and lists; fractions, not percent; what is undefined is null."""
    (first, asked), *others = scoring.systems.items()
    found = {
        "schema": SCHEMA,
        "signature": asked.signature,
        "reference": scoring.reference,
        **_system(first, asked, scoring),
    }
    if others:
        found["systems"] = [_system(name, each, scoring) for name, each in others]
        found["comparisons"] = [without_nan(asdict(each)) for each in scoring.comparisons]
    return found


def _system(name: str, scored: Scored, scoring: Scoring) -> dict[str, Any]:
    analyses = scoring.analyses[name].to_json()
    if scoring.classes:
        analyses["classes"] = _classes(scored)
    return {
        "system": name,
        "missing": list(scored.sentences.cleaned.missing),
        "notes": [*filter(None, (missing_warning(scored, scoring.protocol),)), *scored.notes],
        "metrics": [_metric(each) for each in scored.scores],
        "sentences": sentences(*scored.sentences.main),
        "analyses": analyses,
    }


def sentences(pairs: Pairs, aligned: Aligned) -> list[dict[str, Any]]:
    """Every sentence with its counts and its alignment.

    A step is ``[kind, reference, hypothesis]``: C, S, D or I, and null where a side has no token.
    """
    tokens = [*pairs.tokens, None]  # -1 is the last
    kinds = [KINDS[kind] for kind in aligned.kinds.tolist()]
    references = [tokens[number] for number in aligned.references.tolist()]
    hypotheses = [tokens[number] for number in aligned.hypotheses.tolist()]
    steps = list(map(list, zip(kinds, references, hypotheses, strict=True)))
    edges = aligned.offsets.tolist()
    found = []
    for place, (name, counts) in enumerate(zip(pairs.ids, aligned.counts.tolist(), strict=True)):
        part = slice(edges[place], edges[place + 1])
        found.append(
            {
                "id": name,
                "correct": counts[0],
                "substitutions": counts[1],
                "deletions": counts[2],
                "insertions": counts[3],
                "reference": [token for token in references[part] if token is not None],
                "hypothesis": [token for token in hypotheses[part] if token is not None],
                "alignment": steps[part],
            }
        )
    return found


def _classes(scored: Scored) -> list[dict[str, Any]]:
    table = by_class(labels(scored.sentences.pairs("word")))
    keys = ("precision", "recall", "f1", "support", "predicted")
    columns = (getattr(table, key).tolist() for key in keys)
    rows = zip(table.names, *columns, strict=True)
    return [without_nan(dict(zip(("label", *keys), row, strict=True))) for row in rows]


def _metric(score: Score) -> dict[str, Any]:
    keys = ("name", "value", "low", "high", "split", "signature", "note")
    return {key: without_nan(getattr(score, key)) for key in keys}
