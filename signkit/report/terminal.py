"""The end of a run on the terminal."""

import math

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from signkit.report.result import Result, examples, marked, shown_splits

SENTENCES = 4
COLOURS = {"correct": "", "substitution": "bold magenta", "deletion": "bold red", "insertion": "bold blue"}
TITLES = {
    "wer": "WER",
    "wer_greedy": "greedy",
    "wer_seen": "seen in train",
    "wer_unseen": "unseen",
    "cer": "CER",
    "cer_greedy": "greedy",
    "cer_seen": "seen in train",
    "cer_unseen": "unseen",
    "sentence_error": "sentences wrong",
    "seen_share": "share seen",
}


def print_result(result: Result) -> None:
    """A table of the figures, a few sentences beside their references, and where the picture lies."""
    # Ids and glosses as they are: no markup in brackets, no names of emoji.
    console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    console.print(_table(result))
    if calibration := _calibration(result):
        console.print(calibration)
    for split in shown_splits(result)[:1]:
        console.print(f"Sentences of {split}:")
        for name in examples(result, split, SENTENCES):
            _print_sentence(console, result, split, name)
    if result.picture is not None:
        console.print(f"picture: {result.picture}")
        console.print(f"report:  {result.picture.with_name('report.html')}")


def percent(value: float) -> str:
    """A fraction as the reader has it."""
    return "-" if math.isnan(value) else f"{100 * value:.1f} %"


def _table(result: Result) -> Table:
    table = Table(
        title=f"{result.recipe}, weights of step {result.step}", box=box.SIMPLE_HEAD, title_justify="left"
    )
    names = [name for name in TITLES if any(s.name == name for s in result.scores)]
    table.add_column("split")
    for name in names:
        table.add_column(TITLES[name], justify="right")
    for split in shown_splits(result):
        values = [result.value(split, name) for name in names]
        table.add_row(split, *(percent(v.value) if v else "" for v in values))
    return table


def _calibration(result: Result) -> str:
    """A line: how far confidences are from the truth on average, before and after the temperature."""
    parts = []
    for split in shown_splits(result):
        raw, used = (result.value(split, f"calibration_error{end}") for end in ("_raw", ""))
        if raw and used:
            parts.append(f"{split} {percent(raw.value)}, calibrated {percent(used.value)}")
    return f"Confidences are off by (ECE): {'; '.join(parts)}" if parts else ""


def _print_sentence(console: Console, result: Result, split: str, name: str) -> None:
    left, right = Text("  reference   "), Text("  recognised  ")
    for kind, reference, hypothesis in marked(
        result.references[name], result.hypotheses[split][name][0].tokens
    ):
        width = max(len(reference), len(hypothesis), 1)
        left.append((reference or "·").ljust(width + 1), COLOURS[kind])
        right.append((hypothesis or "·").ljust(width + 1), COLOURS[kind])
    console.print(f"  {name}", style="dim")
    console.print(left)
    console.print(right)
