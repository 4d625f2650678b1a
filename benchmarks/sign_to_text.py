"""From signing to sentences: without glosses, with them, and in two stages, on the same avatar.

    python benchmarks/sign_to_text.py [--systems NAME …] [--seeds 1 2 3] [--runs DIR] [--json FILE]

The corpus is harder than that of the recipes, which all of them solve: see `HARDER`. Printed are BLEU-4 and
chrF of test, and the error rate of its glosses, mean and standard deviation over the seeds, next to the
commonest sentence of train. Of the cascade the same two models are decoded in several ways: from the best
sequence of glosses, from five of them, with the weight of these that `signkit tune` finds on dev, and from
the true glosses. With --json a run that is in FILE is not done again, and each is added as it ends; one that
was interrupted (Ctrl-C) goes on where it was.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import signkit
from signkit.config.recipe_file import load_recipe
from signkit.data.corpora.build import build_corpus
from signkit.eval.protocols import load
from signkit.eval.scores import score

HARDER = ("train=800", "signs=200", "homonyms=0.3", "noise=0.05", "gaps=0.2")
"""Changes of the recipes' data: more signs, of which a third look like another one, from fewer clips, tracked
with more errors."""
SYSTEMS = ("sign2text_pose", "sign2text_joint", "sign2text_cascade")
ROWS = {
    "sign2text_pose": "sentences alone",
    "sign2text_joint": "glosses and sentences, one encoder",
    "cascade, best": "two stages, from the best glosses",
    "cascade, five": "two stages, from five sequences of glosses",
    "cascade, five, tuned": "the same, their weight tuned on dev",
    "cascade, true glosses": "the translator, from the true glosses",
}
METRICS = ("bleu4", "chrf", "wer_glosses")
Row = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=SYSTEMS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    done = json.loads(args.json.read_text(encoding="utf-8")) if args.json and args.json.exists() else {}
    for seed in args.seeds:
        for system in args.systems:
            if (key := f"{system} {seed}") not in done:
                done[key] = _run(system, seed, args.runs)
                print(key, done[key], flush=True)
                if args.json:
                    args.json.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
    _print(done)


def _run(system: str, seed: int, runs: Path) -> dict[str, Row]:
    place = runs / f"{system}-{seed}"
    staged = system == "sign2text_cascade"
    first = "stages.0." if staged else ""
    seeds = [f"stages.{n}.train.seed={seed}" for n in (0, 1)] if staged else [f"train.seed={seed}"]
    changes = [*(f"{first}data.{each}" for each in HARDER), *seeds, f"run.dir={place}"]
    began = time.process_time()
    result = signkit.run(system, changes, resume="auto" if place.exists() else "never")
    if result.state != "finished":
        sys.exit("interrupted; the same command goes on")
    minutes = {"minutes": (time.process_time() - began) / 60}
    if not staged:
        return {system: _scores(Path(result.folder)) | minutes}
    return _cascade(Path(result.folder)) | {"cascade": minutes}


def _cascade(folder: Path) -> dict[str, Row]:
    """The ways to decode the two models of a cascade."""
    recogniser, translator = folder / "recogniser", folder / "translator"
    tuned = signkit.tune(translator, space=["decode.source_weight=0:2"], trials=20)
    wer = {"wer_glosses": _scores(recogniser)["wer"]}
    return {
        "cascade, best": _again(translator, overrides=["decode.readings=1"]) | wer,
        "cascade, five": _scores(translator) | wer,
        "cascade, five, tuned": _again(translator, decode=tuned.file) | wer,
        "cascade, true glosses": _of_true(translator, recogniser),
    }


def _scores(folder: Path) -> Row:
    rows = json.loads((folder / "scores.json").read_text(encoding="utf-8"))["metrics"]
    return {row["name"]: row["value"] for row in rows if row["split"] == "test"}


def _again(run: Path, **changes: Any) -> Row:
    (found,) = signkit.evaluate(run, split="test", **changes)
    return {each.name: each.value for each in found.scores}


def _of_true(translator: Path, recogniser: Path) -> Row:
    samples = build_corpus(load_recipe(recogniser / "resolved.yaml").data).split("test")
    texts = signkit.load(translator, decode={"readings": 1}).translate(
        [" ".join(each.glosses or each.reference) for each in samples]
    )
    return _scored([each.text for each in samples], [each.text for each in texts])


def _scored(references: list[str], texts: list[str]) -> Row:
    return {each.name: each.value for each in score(references, texts, load("text")).scores}


def _constant(seed_of: str) -> Row:
    """The commonest sentence of train, for every clip."""
    corpus = build_corpus(load_recipe(seed_of, [f"data.{each}" for each in HARDER]).data)
    ((commonest, _),) = Counter(each.text for each in corpus.split("train")).most_common(1)
    references = [each.text for each in corpus.split("test")]
    return _scored(references, [commonest] * len(references))


def _print(done: dict[str, dict[str, Row]]) -> None:
    print(f"\n| | seeds | {' | '.join(METRICS)} |\n|---|---|{'---|' * len(METRICS)}")
    print(_line("the commonest sentence", [_constant("sign2text_pose")]))
    for name, shown in ROWS.items():
        if rows := [ways[name] for ways in done.values() if name in ways]:
            print(_line(shown, rows))


def _line(name: str, rows: list[Row]) -> str:
    cells = [_shown([row[each] for row in rows if each in row]) for each in METRICS]
    return f"| {name} | {len(rows)} | {' | '.join(cells)} |"


def _shown(values: list[float]) -> str:
    if not values:
        return ""
    spread = f" ± {100 * stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * mean(values):.1f}{spread}"


if __name__ == "__main__":
    main()
