"""The aligned sentences of the page: reference above hypothesis, a letter under every error."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from signkit.eval.transcripts import Aligned
from signkit.report.scoring.page_content import System
from signkit.report.scoring.page_parts import counted, number, plain_token, token, whole

SHOWN = 2000
LETTERS = "CSDI"
NOTHING = "***"

ORDERS = {
    "n": "as in the reference",
    "e": "most errors first",
    "r": "highest error rate first",
    "d": "systems furthest apart first",
}


def sentences(systems: Sequence[System], unit: str = "word", most: int = SHOWN) -> str:
    """The section of aligned sentences: all of them, or the `most` with the most errors over all systems."""
    errors = np.stack([system.aligned.errors for system in systems])
    order = worst(errors.sum(axis=0), most)
    left_out = errors.shape[1] - len(order)
    words = [[plain_token(word) for word in system.pairs.tokens] for system in systems]
    items = "".join(_sentence(systems, words, errors[:, place], int(place), unit) for place in order)
    note = ""
    if left_out:
        are = "is" if left_out == 1 else "are"
        note = (
            f"<p>The {counted(len(order), 'sentence')} with the most errors are here; "
            f"{counted(left_out, 'sentence')} with no more errors than these {are} left out.</p>"
        )
    controls = _controls(len(order), len(systems), unit)
    return f"{note}{controls}{_legend()}<div id=sentences class={unit}>{items}</div>"


def worst(errors: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.intp]:
    """Places of the sentences to show: all in their order, or the `most` with most errors, worst first."""
    if len(errors) <= most:
        return np.arange(len(errors))
    return np.argsort(-errors, kind="stable")[:most]


def _controls(shown: int, systems: int, unit: str) -> str:
    orders = [key for key in ORDERS if key != "d" or systems > 1]
    options = "".join(f'<option value="{key}">{ORDERS[key]}</option>' for key in orders)
    return (
        '<div class="controls" role="search">'
        f'<label>Find <input id="filter" type="search" placeholder="{unit}s, an id, or A→B" '
        'autocomplete="off" spellcheck="false"></label>'
        f'<label>Order <select id="order" autocomplete="off">{options}</select></label>'
        '<label><input id="wrong" type="checkbox" autocomplete="off"> only with errors</label>'
        f'<output id="shown" aria-live="polite">{shown} of {shown} shown</output></div>'
    )


def _legend() -> str:
    kinds = (("S", "substituted"), ("D", "deleted"), ("I", "inserted"))
    marks = "".join(f'<span><i class="{letter}">{letter}</i> {word}</span>' for letter, word in kinds)
    return f'<p class="legend"><span>above: reference</span><span>below: recognised</span>{marks}</p>'


def _sentence(
    systems: Sequence[System],
    words: Sequence[Sequence[str]],
    errors: npt.NDArray[np.int64],
    place: int,
    unit: str,
) -> str:
    pairs, aligned = systems[0].pairs, systems[0].aligned
    length = int(aligned.counts[place, :3].sum())
    signer = f" <small>{token(pairs.signers[place])}</small>" if pairs.signers else ""
    lines = "".join(
        _line(system.name if len(systems) > 1 else "", system.aligned, word, place, unit)
        for system, word in zip(systems, words, strict=True)
    )
    total = int(errors.sum())
    rate = total / length if length else float(total > 0)
    apart = int(errors.max() - errors.min())
    return (
        f"<article data-n={place} data-e={total} data-r={rate:.4f} data-d={apart}><p class=who>"
        f"<b>{token(pairs.ids[place])}</b>{signer}</p>{lines}</article>"
    )


def _line(system: str, aligned: Aligned, words: Sequence[str], place: int, unit: str) -> str:
    """One system's alignment of a sentence, a column of its own for every step."""
    begin, end = int(aligned.offsets[place]), int(aligned.offsets[place + 1])
    steps = zip(
        aligned.kinds[begin:end].tolist(),
        aligned.references[begin:end].tolist(),
        aligned.hypotheses[begin:end].tolist(),
        strict=True,
    )
    columns = "".join(_step(kind, reference, hypothesis, words) for kind, reference, hypothesis in steps)
    name = f"<span class=name>{token(system)}</span>" if system else ""
    tally = f"<p class=tally>{name}{_tally(aligned, place, unit)}</p>"
    return f"<div class=line>{tally}<div class=steps dir=auto>{columns}</div></div>"


def _step(kind: int, reference: int, hypothesis: int, words: Sequence[str]) -> str:
    above = NOTHING if reference < 0 else words[reference]
    below = NOTHING if hypothesis < 0 else words[hypothesis]
    if not kind:
        return f"<span><b>{above}</b><b>{below}</b></span>"
    letter = LETTERS[kind]
    return f"<span class={letter}><b>{above}</b><b>{below}</b><i>{letter}</i></span>"


def _tally(aligned: Aligned, place: int, unit: str) -> str:
    correct, *edits = aligned.counts[place].tolist()
    words = correct + edits[0] + edits[1]
    if not sum(edits):
        return f"<span>correct, {counted(words, unit)}</span>"
    kinds = " ".join(f"{letter}&#8239;{whole(n)}" for letter, n in zip("SDI", edits, strict=True) if n)
    share = f"{number(sum(edits) / words)} of " if words else ""
    return f"<span>{kinds} · {share}{counted(words, unit)}</span>"
