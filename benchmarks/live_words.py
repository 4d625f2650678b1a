"""What a language model of characters is worth in the page of `signkit live`, by the page's own scripts.

    python benchmarks/live_words.py LETTERS PHRASES.csv --dev s1 --test s2 s3 s4 s5 [--runs RUN…]

LETTERS has recordings of single letters (``index.csv`` and ``landmarks.npz``), PHRASES a column ``phrase``.
Printed is the share of letters that are read rightly, for each weight of the language model.

- `hand_letters`, letter by letter: recorders spell phrases of which the language model has none, each letter
  a recording of theirs drawn at random; the text so far is what was read, mistakes and all. Also letters that
  are drawn without any language. Nothing of these recorders is in the training of `hand_letters`.
- RUNs of `composed_ctc` on composed words: the test clips of each, by the page's search with a 5-gram of the
  characters of train's texts, which has no text of dev or test.
"""

import argparse
import csv
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from live_page import NODE, exported_letters

import signkit
from signkit.commands.live.language import language_of
from signkit.commands.live.site import PAGE
from signkit.data.corpora.build import build_corpus
from signkit.eval.alignment import HTK, align
from signkit.lm import estimate
from signkit.lm.store import save
from signkit.models.onnx.trace import run_graph, session

ALPHABET = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
ORDER = 5
DEV, TEST = 60, 100
"""Phrases."""
SCRIPT = f"""
import {{ Language }} from "{PAGE}/js/language.js";
import {{ Prior }} from "{PAGE}/js/prior.js";
let text = "";
for await (const part of process.stdin) text += part;
const {{ described, symbols, weight, phrases, clips }} = JSON.parse(text);
let written = "";
const prior = new Prior(new Language(described, symbols), () => written);
prior.weight = weight;
const spelled = phrases.map((letters) => {{
  written = "";
  for (const logits of letters) {{
    if (logits === null) written += " ";
    else {{
      const shares = prior.shares(logits, 1, {{ typed: false }});
      written += symbols[shares.indexOf(Math.max(...shares))];
    }}
  }}
  return written;
}});
written = "";
const read = clips.map((clip) =>
  prior.read(Float32Array.from(clip.flat()), symbols.length, 0, true).map((i) => symbols[i]).join(""));
process.stdout.write(JSON.stringify({{ spelled, read }}));
"""


def in_page(given: dict[str, Any]) -> dict[str, list[str]]:
    """What the page's scripts make of logits."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "words.mjs"
        script.write_text(SCRIPT, encoding="utf-8")
        content = json.dumps({"phrases": [], "clips": [], **given})
        done = subprocess.run(
            [str(NODE), str(script)], input=content, capture_output=True, text=True, check=True
        )
    return dict(json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("letters", type=Path)
    parser.add_argument("phrases", type=Path)
    parser.add_argument("--dev", nargs="+", default=["s1"])
    parser.add_argument("--test", nargs="*", default=["s2", "s3", "s4", "s5"])
    parser.add_argument("--weights", type=float, nargs="+", default=WEIGHTS)
    parser.add_argument("--runs", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    letter_by_letter(options)
    for run in options.runs:
        clips_of(run, options.weights)


def described(texts: list[str], symbols: tuple[str, ...]) -> dict[str, Any]:
    """A language model of texts, as the page has it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lm.arpa"
        save(file, estimate([list(text) for text in texts], ORDER, unit="character").grams)
        return dict(json.loads(language_of(file, symbols)))


def letter_by_letter(options: argparse.Namespace) -> None:
    with open(options.phrases, encoding="utf-8", newline="") as file:
        cleaned = {re.sub("[^a-z ]", "", row["phrase"].lower()).strip() for row in csv.DictReader(file)}
    phrases = sorted(each for each in cleaned if each)
    order = np.random.default_rng(1).permutation(len(phrases))
    dev, test, train = np.split(order, [DEV, DEV + TEST])
    model = described([phrases[i] for i in train], ALPHABET)
    size = len(json.dumps(model)) / 1e6
    print(f"language model: {ORDER}-gram of {len(train)} phrases, {size:.2f} MB in the page")
    logits = letter_logits(options.letters)
    rng = np.random.default_rng(2)
    for name, chosen, recorders in (("dev", dev, options.dev), ("test", test, options.test)):
        spelled = [phrases[i].upper() for i in chosen]
        drawn = ["".join(rng.choice(ALPHABET, len(each))) for each in spelled]
        for what, texts in (("phrases", spelled), ("letters without language", drawn)):
            for recorder in recorders:
                given = clips_for(texts, logits[recorder])
                row = []
                for weight in options.weights:
                    found = in_page(
                        {"described": model, "symbols": ALPHABET, "weight": weight, "phrases": given}
                    )
                    row.append(share_right(texts, given, found["spelled"]))
                print(f"{name}, {what}, {recorder}: " + ", ".join(f"{each:.3f}" for each in row), flush=True)


def letter_logits(folder: Path) -> dict[str, dict[str, list[list[float]]]]:
    """Of each recorder and letter, the log-probabilities of each recording, at the model's temperature."""
    with tempfile.TemporaryDirectory() as temporary:
        exported = exported_letters(Path(temporary) / "model")
        about = json.loads((exported / "model.json").read_text(encoding="utf-8"))
        graph = session((exported / "model.onnx").read_bytes())
    points = np.load(folder / "landmarks.npz")["xyz"].astype(np.float32)
    found: dict[str, dict[str, list[list[float]]]] = {}
    with open(folder / "index.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            start, count = int(row["offset"]), int(row["frames"])
            logits = run_graph(graph, points[None, start : start + count])["gloss"][0]
            of = found.setdefault(row["signer"], {}).setdefault(row["label"], [])
            of.append((logits / about["temperature"]).tolist())
    return found


def clips_for(texts: list[str], logits: dict[str, list[list[float]]]) -> list[list[list[float] | None]]:
    """A recording for each letter of the texts, None for a space; letters that are lacking are left out."""
    rng = np.random.default_rng(3)

    def of(letter: str) -> list[float] | None:
        return None if letter == " " else logits[letter][rng.integers(len(logits[letter]))]

    return [[of(each) for each in text if each == " " or each in logits] for text in texts]


def share_right(texts: list[str], given: list[list[list[float] | None]], found: list[str]) -> float:
    pairs = [
        (ours, theirs)
        for text, clips, read in zip(texts, given, found, strict=True)
        if len(text) == len(clips)
        for ours, theirs in zip(text, read, strict=True)
        if ours != " "
    ]
    return sum(ours == theirs for ours, theirs in pairs) / len(pairs)


def clips_of(run: Path, weights: list[float]) -> None:
    model = signkit.load(run)
    corpus = build_corpus(model.recipe.data)
    symbols = model.vocabulary.tokens
    texts = sorted({" ".join(sample.reference) for sample in corpus.split("train")})
    samples = corpus.split("test")
    logits = [np.log(model.posteriors(sample.load()).probabilities + 1e-30).tolist() for sample in samples]
    row = []
    for weight in weights:
        language = described(texts, symbols)
        found = in_page({"described": language, "symbols": symbols, "weight": weight, "clips": logits})
        spelled = [list(" ".join(sample.reference)) for sample in samples]
        errors = sum(align(*pair, HTK).errors for pair in zip(spelled, map(list, found["read"]), strict=True))
        row.append(1 - errors / sum(map(len, spelled)))
    print(f"{run.name}: " + ", ".join(f"{each:.3f}" for each in row), flush=True)


if __name__ == "__main__":
    main()
