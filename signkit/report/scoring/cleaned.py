"""What a protocol's clean-up rules did to each line: `signkit score --show-cleaning`."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from signkit.eval.cleaning import tracer
from signkit.eval.pairing import with_final_period
from signkit.eval.protocols import Protocol
from signkit.eval.rules import Side
from signkit.eval.transcripts import Transcripts

FINAL_PERIOD = "final-period"
"""What the protocol's `final_period` is called among the rules."""


@dataclass(frozen=True, slots=True)
class Change:
    """One rule that changed one line."""

    id: str
    side: Side
    line: int
    rule: str
    before: str
    after: str


def show_cleaning(
    protocol: Protocol, references: Transcripts, hypotheses: Transcripts, as_json: bool
) -> None:
    """Print every change of every line, in the order of the rules, and how often each rule changed a line."""
    sides: tuple[tuple[Side, Transcripts], ...] = (("reference", references), ("hypothesis", hypotheses))
    found = [change for side, transcripts in sides for change in changes(protocol, side, transcripts)]
    if as_json:
        print(
            json.dumps({"protocol": protocol.name, "changes": [asdict(c) for c in found]}, ensure_ascii=False)
        )
        return
    source = {side: transcripts.source for side, transcripts in sides}
    for change in found:
        print(f"{source[change.side]}:{change.line}: {change.id}  [{change.rule}]")
        print(f"  - {change.before}\n  + {change.after}")
    sys.stdout.flush()
    times = Counter((change.rule, change.side) for change in found)
    for note in (*references.notes, *hypotheses.notes):
        print(f"note: {note}", file=sys.stderr)
    print(f"protocol {protocol.name}: {len(protocol.rules)} rules, {len(found)} changes", file=sys.stderr)
    for rule in (*(rule.name for rule in protocol.rules), FINAL_PERIOD):
        for side, _ in sides:
            if times[rule, side]:
                print(f"  {rule}: {times[rule, side]} in {source[side]}", file=sys.stderr)


def changes(protocol: Protocol, side: Side, transcripts: Transcripts) -> Iterator[Change]:
    """The changes of a file's lines; rules see a word at a time where each has a line of its own."""
    trace = tracer(protocol, side)
    for name, text, line in zip(transcripts.ids, transcripts.texts, transcripts.lines, strict=True):
        words = text.split()
        cleaned = []
        for seen in words if transcripts.a_word_a_line else [" ".join(words)]:
            result, steps = trace(seen)
            cleaned.append(result)
            for rule, before, after in steps:
                yield Change(name, side, line, rule, before, after)
        whole = " ".join(filter(None, cleaned))
        if (ended := with_final_period(whole, protocol.final_period)) != whole:
            yield Change(name, side, line, FINAL_PERIOD, whole, ended)
