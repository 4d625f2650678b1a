"""Glosses of RWTH-PHOENIX-Weather 2014 T to German sentences: seeds, an ensemble, a real cascade, and levers.

    python benchmarks/gloss2text.py ROOT [--seeds 1 2 3] [--ways plain noise …] [--set K=V]
        [--runs DIR] [--json FILE]
    python benchmarks/gloss2text.py ROOT --examples RUN

ROOT has `{train,dev,test}.gloss`, `.de`, and `.recognised.gloss`, what a recogniser made of the same clips,
line by line. The recipe is `gloss2text_phoenix2014t` with the sources cleaned (`clean: phoenix2014t`).
Printed for each row are BLEU-4 of dev and test, with and without the final period, from true glosses and from
the recogniser's: each seed, their mean, and the ensemble of all seeds. A way is the recipe (`plain`), the
same with the recogniser's errors on dev as noise in the sources (`noise`, after which recognised dev is not
held out), or without one of its levers, on dev alone. --set changes all runs. A run that is in DIR is not
trained again, nor is a row of FILE scored again; a training that was interrupted (Ctrl-C) goes on where it
was.

--examples prints the best and the worst sentences of test of a run, by BLEU-4 of a sentence.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any, Literal

from sacrebleu.metrics.bleu import BLEU

import signkit

RECIPE = "gloss2text_phoenix2014t"
METRICS = ("bleu4", "bleu4_no_period", "chrf", "rouge_l")
SHOWN = 10
WAYS: dict[str, tuple[str, ...]] = {
    "plain": (),
    "noise": ("source.errors=0.15",),
    "no sampling": ("text.sampling=0", "source.sampling=0"),
    "no hiding": ("source.hide=0", "model.noise=0"),
    "no smoothing": ("train.losses=[{name: next_token}]",),
    "no averaging": ("train.ema=0",),
    "not tied": ("model.tied=false", "model.tied_source=false"),
    "not tied to sources": ("model.tied_source=false",),
}
"""What each changes in the recipe."""
WITH_TEST = ("plain", "noise")
KINDS = ("true dev", "true test", "recognised dev", "recognised test")
Row = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--ways", nargs="+", choices=tuple(WAYS), default=["plain"])
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--examples", type=Path)
    args = parser.parse_args()
    if args.examples:
        _print_examples(args.root, args.examples)
        return
    done = json.loads(args.json.read_text(encoding="utf-8")) if args.json and args.json.exists() else {}
    for way in args.ways:
        folders = [_trained(args, way, seed) for seed in args.seeds]
        rows = {f"{way} {seed}": [each] for seed, each in zip(args.seeds, folders, strict=True)}
        if len(folders) > 1:
            rows[f"{way} ensemble of {args.seeds}"] = folders
        for name, runs in rows.items():
            if name not in done:
                done[name] = _scores(args.root, runs, () if way in WITH_TEST else "dev")
                print(name, done[name], flush=True)
                if args.json:
                    args.json.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
    _print(done, args.seeds)


def _trained(args: argparse.Namespace, way: str, seed: int) -> Path:
    """The folder of a finished run."""
    place = args.runs / f"{way.replace(' ', '_')}-{seed}"
    for scores in place.glob("*/*/scores.json"):  # which are written at the end
        return scores.parent
    changes = [
        f"data={_data(args.root)}",
        f"train.seed={seed}",
        f"run.dir={place}",
        *WAYS[way],
        *args.changes,
    ]
    if way not in WITH_TEST:
        changes.append("decode.splits=[dev]")
    if way == "noise":
        learnt = [str(args.root / f"dev{each}.gloss") for each in ("", ".recognised")]
        changes.append(f"source.recognised={json.dumps(learnt)}")
    result = signkit.run(RECIPE, changes, resume="auto" if place.exists() else "never")
    if result.state != "finished":
        sys.exit("interrupted; the same command goes on")
    return Path(result.folder)


def _data(root: Path) -> str:
    given = {"source": "{split}.gloss", "text": "{split}.de", "clean": "phoenix2014t"}
    return json.dumps({"name": "parallel", "root": str(root.resolve()), **given})


def _scores(root: Path, runs: Sequence[Path], split: Literal["dev"] | tuple[()]) -> dict[str, Row]:
    """By kinds of sources and splits; dev and test if no split is given."""
    first, *others = runs
    together = [f"decode.ensemble={json.dumps(list(map(str, others)))}"] if others else []
    found = {}
    for kind, source in (("true", "{split}.gloss"), ("recognised", "{split}.recognised.gloss")):
        changes = [*together, f'data.source="{source}"']
        scored = signkit.evaluate(first, split=split, overrides=changes)[0].scores
        for name in dict.fromkeys(each.split for each in scored):
            found[f"{kind} {name}"] = {each.name: each.value for each in scored if each.split == name}
    return found


def _print(done: dict[str, dict[str, Row]], seeds: Sequence[int]) -> None:
    print(f"\n| BLEU-4, without the final period | {' | '.join(KINDS)} |\n|---|{'---|' * len(KINDS)}")
    rows: dict[str, dict[str, Row]] = dict(done)
    for way in WAYS:
        each = [done[name] for seed in seeds if (name := f"{way} {seed}") in done]
        if len(each) > 1:
            rows[f"{way}, mean"] = {
                kind: {key: mean(row[kind][key] for row in each) for key in METRICS} for kind in each[0]
            }
    for name, row in rows.items():
        cells = [_cell(row[kind]) if kind in row else "" for kind in KINDS]
        print(f"| {name} | {' | '.join(cells)} |")


def _cell(row: Row) -> str:
    return ", ".join(f"{100 * row[key]:.2f}" for key in METRICS[:2])


def _print_examples(root: Path, run: Path) -> None:
    sources, references = (
        (root / f"test{end}").read_text(encoding="utf-8").splitlines() for end in (".gloss", ".de")
    )
    lines = (run / "decode" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [str(json.loads(line)["text"]) for line in lines]
    bleu: Any = BLEU(tokenize="none", effective_order=True)
    scored = sorted(
        (bleu.sentence_score(text, [reference]).score, source, reference, text)
        for source, reference, text in zip(sources, references, texts, strict=True)
    )
    for title, chosen in (("best", scored[::-1][:SHOWN]), ("worst", scored[:SHOWN])):
        print(f"\n{title}")
        for value, *rest in chosen:
            print("\n".join([f"\n{value:.1f}", *rest]))


if __name__ == "__main__":
    main()
