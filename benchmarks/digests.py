"""Digests of what small systems learn, recognise and score, to show that a change changes no number.

    python benchmarks/digests.py --out before.json [--boston104 DIR] [--only NAME ...]
    python benchmarks/digests.py --compare before.json after.json

Each system is trained and used through the command line alone, in a temporary folder, with one thread and in
float32, by the signkit of the Python that runs this script. All take about four minutes of one core.

The JSON maps each system to its entries: SHA-256 digests of the exported weights, of the hypotheses of each
split and of other outputs, and scores as plain values. Paths, times and versions have no part in it. Only
files made on one machine in one environment can be compared: another processor adds in another order.

``--compare`` leaves with status 1 if an entry changed or is missing. Entries that the second file alone has
are listed as new, and tensors that have other names but the same contents as renamed; neither is a failure.
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from safetensors.numpy import load_file

import signkit

Entries = dict[str, Any]  # of one system: digests and scores by name
ENVIRONMENT = dict(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", PYTHONHASHSEED="0", CUDA_VISIBLE_DEVICES="")
SHORT = "train.max_steps=60 train.eval_every=30 train.save_every=30 train.warmup_steps=10"
SETTINGS = {
    "quickstart": "",
    "c2st_homonyms": "train.max_steps=100",
    "c2st_boston104": "train.max_steps=200",
    "c2st_phoenix": """
        encoder.backbone=test_convnext encoder.weights=none encoder.local_temporal.width=64
        encoder.global_temporal.width=32 context.pretrain_steps=50 video.resize=48 video.crop=40
        augment.colour=0.1 train.lr=1e-3 train.batch_size=4 train.workers=0
        train.max_steps=40 train.eval_every=20 train.save_every=20""",
    "gloss_lstm": SHORT,
    "gloss_bert_masked": SHORT,
}
# Sentences of the language models, in glosses that quickstart has too: TOPIC SUBJECT VERB [ADVERB [CLOSER]].
GLOSSES = ("HOME WORK", "BOY MAN TWINS PARENTS", "READ WRITE PLAY BUILD BRING", "QUIETLY SLOWLY", "HE THEY")
METRICS = "wer cer edits sentence_error letter_accuracy aslfr bleu chrf rouge_l"
HYPOTHESIS = ("tokens", "text", "score", "times", "confidences", "nbest")
NAMED, UNNAMED = "weights and their names", "weights"
STATES = ("equal", "changed", "missing", "renamed", "new")


class Systems:
    """Each public method is a system and returns its entries. Runs that several need are trained once.

    Args:
        folder: an empty folder for runs and corpora.
        boston104: the folder of RWTH-BOSTON-104's four CSV files; None leaves that system out.
    """

    def __init__(self, folder: Path, boston104: Path | None) -> None:
        self._folder, self._boston104 = folder, boston104
        self._runs: dict[str, Path] = {}

    def quickstart(self) -> Entries:
        return _recogniser(self._run("quickstart"))

    def c2st_homonyms(self) -> Entries:
        return _recogniser(self._run("c2st_homonyms"))

    def boston104(self) -> Entries:
        if self._boston104 is None:
            return {"left out": "no --boston104 DIR was given"}
        return _recogniser(self._run("c2st_boston104"))

    def video(self) -> Entries:
        """C2ST on synthetic frames with every augmentation of video, and three clips of test predicted."""
        run = self._run("c2st_phoenix")
        clips = sorted({file.parent for file in self._folder.rglob("fullFrame*/test/**/*.png")})
        return _recogniser(run) | self._predicted(run, clips[:3])

    def gloss_lstm(self) -> Entries:
        return _scores(self._run("gloss_lstm")) | self._perplexity(self._run("gloss_lstm"))

    def gloss_bert_masked(self) -> Entries:
        return _scores(self._run("gloss_bert_masked")) | self._perplexity(self._run("gloss_bert_masked"))

    def ngram(self) -> Entries:
        model = self._folder / "ngram.arpa"
        self._signkit("lm", "train", "ngram", "--out", model, sets=[f"data.text={self._text(1, 300)}"])
        return self._perplexity(model)

    def decode(self) -> Entries:
        """Quickstart with n-gram models of its train references, in the search and for the n-best list."""
        fusion = "[{name: ngram, order: 3, weight: 0.3}, {name: internal, weight: -0.1}]"
        return self._decoded(fusion, "[{name: ngram, order: 2, weight: 0.2}]")

    def decode_neural(self) -> Entries:
        """Quickstart with a causal language model in the search and a masked one for the n-best list."""
        fusion = f"[{{name: neural, run: {self._run('gloss_lstm')}, weight: 0.2}}]"
        return self._decoded(
            fusion, f"[{{name: masked, run: {self._run('gloss_bert_masked')}, weight: 0.2}}]"
        )

    def tune(self) -> Entries:
        out, sets = self._folder / "tuned.yaml", ["decode.beam=4", "decode.fusion=[{name: ngram, order: 2}]"]
        words = ("tune", self._run("quickstart"), "--trials", 8, "--out", out, "--json")
        found = json.loads(self._signkit(*words, sets=sets))
        settings = yaml.safe_load(out.read_text(encoding="utf-8"))["decode"]
        entries = {f"decode.{key}": value for key, value in settings.items()}
        return entries | {
            "trials": _digest(found["trials"]),
            "value": found["value"],
            "plain": found["plain"],
        }

    def predict(self) -> Entries:
        """Quickstart's model on three clips in which every point goes for a random walk."""
        clips = [self._folder / f"walk{n}.npz" for n in range(3)]
        for n, clip in enumerate(clips):
            steps = np.random.Generator(np.random.PCG64(n)).uniform(-0.02, 0.02, (60 + 20 * n, 543, 3))
            np.savez(clip, landmarks=(0.5 + steps.cumsum(axis=0)).astype(np.float32), layout="holistic")
        return self._predicted(self._run("quickstart"), clips)

    def score(self) -> Entries:
        """Two invented systems on 200 sentences, in all metrics of sentences."""
        reference, one, two = self._text(3, 200), self._text(3, 200, 0.1), self._text(3, 200, 0.2)
        metrics = [word for name in METRICS.split() for word in ("--metric", name)]
        found = json.loads(self._signkit("score", reference, one, "--compare", two, *metrics, "--json"))
        sentences = _chosen(found["sentences"], ("id", "reference", "hypothesis", "alignment"))
        tests = _chosen(found["comparisons"], ("metric", "test", "difference", "low", "high", "p_value"))
        return _values(found) | {"sentences": _digest(sentences), "comparisons": _digest(tests)}

    def _signkit(self, *words: object, sets: Iterable[str] = ()) -> str:
        """What a command prints. Where it fails, the script ends with its message."""
        command = [sys.executable, "-m", "signkit", *map(str, words)]
        command += [word for value in sets for word in ("--set", value)]
        environment = {**os.environ, **ENVIRONMENT}
        done = subprocess.run(command, cwd=self._folder, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\nleft with status {done.returncode}\n{done.stderr}")
        return done.stdout

    def _run(self, recipe: str) -> Path:
        """The folder of the recipe's run, the last line that the command prints."""
        if recipe not in self._runs:
            sets = [*SETTINGS[recipe].split(), f"run.dir={self._folder / 'runs'}", "train.precision=float32"]
            verb = ("lm", "train") if recipe.startswith("gloss") else ("run",)
            printed = self._signkit(*verb, recipe, sets=[*sets, *self._data(recipe)])
            self._runs[recipe] = Path(printed.splitlines()[-1])
        return self._runs[recipe]

    def _data(self, recipe: str) -> list[str]:
        if recipe.startswith("gloss"):
            return [f"data.train={self._text(1, 300)}", f"data.dev={self._text(2, 40)}"]
        if recipe == "c2st_phoenix":
            size = ("--train", 40, "--dev", 6, "--test", 6, "--size", 64)
            self._signkit("data", "synth", self._folder / "video", "--layout", "phoenix2014", *size)
            return [f"data.root={self._folder / 'video'}"]
        return [f"data.root={self._boston104}"] if recipe == "c2st_boston104" else []

    def _text(self, seed: int, sentences: int, wrong: float = 0.0) -> Path:
        """A file of `id|glosses`; a share of the glosses is left out, doubled or unknown."""
        draw, spoil = random.Random(seed), random.Random(seed)
        lines = []
        for n in range(sentences):
            words = [draw.choice(names.split()) for names in GLOSSES[: draw.choice((3, 4, 5))]]
            said = [spoil.choice(("", f"{w} {w}", "RAIN")) if spoil.random() < wrong else w for w in words]
            lines.append(f"{n:03}|{' '.join(filter(None, said))}\n")
        file = self._folder / f"{seed}-{sentences}-{wrong}.txt"
        file.write_text("".join(lines), encoding="utf-8")
        return file

    def _perplexity(self, model: Path) -> Entries:
        """The perplexity of sentences of which no model has seen all glosses."""
        figures = json.loads(self._signkit("lm", "score", self._text(4, 60, 0.1), "--lm", model, "--json"))
        names = ("perplexity", "perplexity_known", "log10", "words", "unknown")
        return {f"unseen text {name}": figures.get(name) for name in names}

    def _decoded(self, fusion: str, rescore: str) -> Entries:
        sets = [f"decode.fusion={fusion}", f"decode.rescore={rescore}", "decode.nbest=3"]
        results = Path(self._signkit("decode", self._run("quickstart"), sets=sets).splitlines()[-1])
        return _hypotheses(results) | _scores(results)

    def _predicted(self, run: Path, clips: list[Path]) -> Entries:
        lines = self._signkit("predict", run, *clips, "--json").splitlines()
        return {"predicted": _digest(_chosen(map(json.loads, lines), HYPOTHESIS))}


def _recogniser(run: Path) -> Entries:
    return _weights(run / "export" / "model.safetensors") | _hypotheses(run / "decode") | _scores(run)


def _weights(file: Path) -> Entries:
    """Two digests of the tensors: with their names, and of their contents alone in an order of its own."""
    tensors = sorted(load_file(file).items())
    contents = [(name, str(t.dtype), t.shape, hashlib.sha256(t.tobytes()).hexdigest()) for name, t in tensors]
    return {NAMED: _digest(contents), UNNAMED: _digest(sorted(content[1:] for content in contents))}


def _hypotheses(folder: Path) -> Entries:
    """Of each split a digest of the tokens, and one of scores, times and confidences too."""
    entries = {}
    for file in sorted(folder.glob("*.jsonl")):
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        entries[f"{file.stem} tokens"] = _digest(_chosen(lines, ("id", "tokens")))
        entries[f"{file.stem} hypotheses"] = _digest(_chosen(lines, ("id", *HYPOTHESIS)))
    return entries


def _scores(folder: Path) -> Entries:
    return _values(json.loads((folder / "scores.json").read_text(encoding="utf-8")))


def _values(found: dict[str, Any]) -> Entries:
    """Each metric's value, and the ends of its interval where it has one."""
    entries = {}
    for metric in found["metrics"]:
        name = f"{metric['split']} {metric['name']}"
        entries[name] = metric["value"]
        entries |= {f"{name} {end}": metric[end] for end in ("low", "high") if metric.get(end) is not None}
    return entries


def _chosen(rows: Iterable[dict[str, Any]], keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rows with these keys alone: a new key of a file is no change."""
    return [{key: row.get(key) for key in keys} for row in rows]


def _digest(value: object) -> str:
    """SHA-256 of the value as JSON, in which floats keep all their bits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _compare(before: dict[str, Entries], after: dict[str, Entries]) -> int:
    """Print how many entries of each system are equal, and name the others; 1 for a change or a loss."""
    print(f"{'system':20}" + "".join(f"{state:>9}" for state in STATES))
    failed, lines = 0, []
    for system in dict.fromkeys([*before, *after]):
        old, now = before.get(system, {}), after.get(system, {})
        states = {name: _state(name, old, now) for name in dict.fromkeys([*old, *now])}
        counts = Counter(states.values())
        print(f"{system:20}" + "".join(f"{counts[state]:9}" for state in STATES))
        lines += [f"{state}: {system}, {name}" for name, state in states.items() if state != "equal"]
        failed += counts["changed"] + counts["missing"]
    print("\n".join(lines) or "all equal")
    return int(failed > 0)


def _state(name: str, old: Entries, now: Entries) -> str:
    if name not in now or name not in old:
        return "new" if name in now else "missing"
    if now[name] == old[name]:
        return "equal"
    return "renamed" if name == NAMED and now.get(UNNAMED) == old.get(UNNAMED) else "changed"


def main() -> int:
    systems = [name for name in vars(Systems) if not name.startswith("_")]
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--out", type=Path, metavar="FILE", help="the JSON to write")
    parser.add_argument(
        "--only", nargs="+", choices=systems, default=systems, metavar="NAME", help=" ".join(systems)
    )
    parser.add_argument("--boston104", type=Path, metavar="DIR", help="the four CSV files of the corpus")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("BEFORE", "AFTER"))
    args = parser.parse_args()
    if args.compare:
        before, after = (json.loads(file.read_text(encoding="utf-8")) for file in args.compare)
        return _compare(before, after)
    if not args.out:
        parser.error("say --out FILE, or --compare BEFORE AFTER")
    print(f"signkit of {signkit.__path__[0]}")
    found: dict[str, Entries] = {}
    with tempfile.TemporaryDirectory() as folder:
        measured = Systems(Path(folder), args.boston104 and args.boston104.resolve())
        for name in args.only:
            begin = time.monotonic()
            found[name] = getattr(measured, name)()
            print(f"{name:20}{time.monotonic() - begin:6.1f} s {len(found[name]):4} entries", flush=True)
    args.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
