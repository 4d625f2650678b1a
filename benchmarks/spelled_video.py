"""Spelled video: MiCT-RANet, C2ST and key points on the same clips, in one table.

    python benchmarks/spelled_video.py [--systems NAME …] [--seeds 1 2 3] [--set NAME.KEY=VALUE]…
        [--runs DIR] [--json FILE]
    python benchmarks/spelled_video.py --found [--clips 30]

The corpus is that of the recipe `composed_video`. Words, people and timing are the same for all: MiCT-RANet
and C2ST see the frames; `points` reads the drawn hand's points with the noise of a tracker (the same options,
data.video=0), `openpose` the x and y of these in folders of OpenPose's JSON (composed_openpose.py). --set is
of one system, such as ``c2st.train.max_steps=500``. Printed are the letter accuracies, mean and standard
deviation over the seeds, processor minutes (reading, training and scoring) and weights, next to a constant
answer, the commonest letters of train. With --json a run that is in FILE is not done again, and each is added
as it ends; one that was interrupted (Ctrl-C) goes on where it was.

--found tracks drawn clips with MediaPipe (`signkit landmarks --model hands`), at the size of the recipe and
larger, and prints in what share of frames a hand is found.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from composed import _accuracy
from PIL import Image

import signkit
from signkit.config.recipe_file import load_recipe
from signkit.data.corpora.build import build_corpus

RECIPE = "composed_video"
SIZES = (1, 3, 8)
"""Of frames that are tracked, in sizes of the recipe's."""
POINTS = ("encoder.local_temporal.stride=1",)  # letters are short
C2ST = (
    "encoder={name: cnn, channels: [16, 32, 64, 128], width: 128, dropout: 0.1, "
    "local_temporal: {kind: dilated, width: 128, stride: 1}, global_temporal: {layers: 1, width: 64}}",
    "context={name: lstm, width: 64, pretrain_steps: 300}",
    "video.resize=40", "video.crop=40", "augment={mirror: 0.2}",
    "train.losses=[{name: frame_ce, level: both, between: blank}, {name: cst, weight: 0.1, start: 0.5}, "
    "{name: kl, weight: 0.1, start: 0.5}]",
    "train.max_steps=2000", "train.batch_size=16", "train.lr=1e-3", "train.warmup_steps=100",
    "train.eval_every=500", "train.save_every=500", "train.workers=0",
)  # fmt: skip
OPENPOSE = (*POINTS, "encoder.coordinates=2", "landmarks.points=hands", "landmarks.hand=signing")
SYSTEMS = {
    "mict_ranet": ("MiCT-RANet, frames and their optical flow", RECIPE, ()),
    "c2st": ("C2ST, frames", "chicagofswild_c2st", C2ST),
    "points": ("CTC, the drawn hand's points with a tracker's noise", "composed_ctc", POINTS),
    "openpose": ("CTC, folders of OpenPose's JSON with x and y of these", "composed_ctc", OPENPOSE),
}
Row = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--systems", nargs="+", choices=[*SYSTEMS], default=[*SYSTEMS])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--set", action="append", default=[], metavar="NAME.KEY=VALUE")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--found", action="store_true")
    parser.add_argument("--clips", type=int, default=30)
    args = parser.parse_args()
    if args.found:
        _found(args.clips)
        return
    done = json.loads(args.json.read_text(encoding="utf-8")) if args.json and args.json.exists() else {}
    for seed in args.seeds:
        for name in args.systems:
            if (key := f"{name} {seed}") not in done:
                done[key] = _run(name, seed, args)
                print(key, done[key], flush=True)
                if args.json:
                    args.json.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
    _print(done, args)


def _run(name: str, seed: int, args: argparse.Namespace) -> Row:
    _, recipe, sets = SYSTEMS[name]
    own = [each.removeprefix(f"{name}.") for each in args.set if each.startswith(f"{name}.")]
    data = [] if name == "mict_ranet" else [f"data={_corpus(name, args.runs)}"]
    place = args.runs / f"{name}-{seed}"
    began = time.process_time()
    changes = [*data, *sets, *own, f"train.seed={seed}", f"run.dir={place}"]
    result = signkit.run(recipe, changes, resume="auto" if place.exists() else "never")
    minutes = (time.process_time() - began) / 60
    spent = place / "minutes.txt"  # of the sessions before
    minutes += float(spent.read_text(encoding="utf-8")) if spent.exists() else 0
    spent.write_text(f"{minutes}\n", encoding="utf-8")
    if result.state != "finished":
        sys.exit("interrupted; the same command goes on")
    model = signkit.load(result.folder)._models[0].model
    scores = {each.split: each.value for each in result.scores if each.name == "letter_accuracy"}
    return {"weights": sum(each.numel() for each in model.parameters()), "minutes": minutes, **scores}


def _corpus(name: str, runs: Path) -> str:
    """The section `data` of a system that does not have the recipe's, as YAML."""
    options = {"name": "composed", **asdict(load_recipe(RECIPE).data)}
    if name == "points":
        options["video"] = 0
    if name != "openpose":
        return json.dumps(options)
    folder = runs / "openpose"
    if not (folder / "manifest.csv").exists():
        script = Path(__file__).parent / "composed_openpose.py"
        subprocess.run([sys.executable, script, folder, "--set", f"data={json.dumps(options)}"], check=True)
    return json.dumps({"name": "manifest", "root": str(folder)})


def _found(clips: int) -> None:
    print("| frames of | hand found, share of frames | clips without any |\n|---|---|---|")
    recipe = load_recipe(RECIPE)
    for factor in SIZES:
        side = factor * recipe.data.video  # type: ignore[attr-defined]
        corpus = build_corpus(load_recipe(RECIPE, [f"data.video={side}"]).data)
        with tempfile.TemporaryDirectory() as folder:
            for sample in corpus.split("test")[:clips]:
                (frames := Path(folder, "clips", sample.id)).mkdir(parents=True)
                for place, pixels in enumerate(sample.load().clip.read(np.arange(sample.frames))):
                    Image.fromarray(pixels).save(frames / f"{place:04d}.png")
            command = ("landmarks", f"{folder}/clips", "--out", f"{folder}/out", "--model", "hands")
            subprocess.run(
                [sys.executable, "-m", "signkit", *command, "--workers", "1"],
                stdout=subprocess.PIPE,
                check=True,
            )
            seen = []
            for sample in corpus.split("test")[:clips]:
                with np.load(Path(folder, "out", f"{sample.id}.npz")) as file:
                    seen.append(np.isfinite(file["landmarks"]).all(-1).any(1))
        share = np.concatenate(seen).mean()
        print(f"| {side} x {side} | {share:.3f} | {sum(not each.any() for each in seen)} of {len(seen)} |")


def _print(done: dict[str, Row], args: argparse.Namespace) -> None:
    print("\n| system | seeds | dev | test | CPU-minutes a run | weights |\n|---|---|---|---|---|---|")
    constant = _constant()
    print(f"| a constant answer | | {constant['dev']:.3f} | {constant['test']:.3f} | | |")
    for name in args.systems:
        rows = [done[f"{name} {seed}"] for seed in args.seeds]
        dev, test = (_shown([row[split] for row in rows]) for split in ("dev", "test"))
        minutes = mean(row["minutes"] for row in rows)
        weights = f"{rows[0]['weights']:,}"
        print(f"| {SYSTEMS[name][0]} | {len(rows)} | {dev} | {test} | {minutes:.1f} | {weights} |")


def _constant() -> Row:
    """The commonest letters of train at the mean length of its words, for every clip."""
    corpus = build_corpus(load_recipe(RECIPE).data)
    words = [sample.text for sample in corpus.split("train")]
    commonest = Counter("".join(words)).most_common(round(mean(map(len, words))))
    answer = [letter for letter, _ in commonest]
    return {
        split: _accuracy([(each.text, answer) for each in corpus.split(split)]) for split in ("dev", "test")
    }


def _shown(values: list[float]) -> str:
    return f"{mean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")


if __name__ == "__main__":
    main()
