"""A streaming recogniser against the same one on whole clips: the error over how far it looks ahead.

    python benchmarks/streaming.py [RECIPE] [--seeds 1 2 3] [--ahead 0 4 8 16 full] [--set KEY=VALUE]...
        [--split dev] [--clips 20] [--json FILE]

RECIPE is C2ST or CTC on the graph network with a TCN and an LSTM, `c2st_homonyms` without one. It is trained
for each number of frames that a chunk may look ahead, and, as `full`, as it is. Printed are, over the seeds:
the word error rate; the frames that follow a frame, at most, until its chunk is answered; the median of the
frames between the end of a sign and its gloss in the text so far, in so many --clips and as far as a text is
right in the end; and the word error rate if texts are revised at most so many chunks back (`stable_after`).
Below them the error of the commonest sentence of train. With --json a run that is in FILE is not done again,
and each is added as it ends.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import signkit
from signkit.config.recipe_file import load_recipe
from signkit.data.corpora.build import build_corpus

AHEAD = {"0": (0, 0, 0), "4": (2, 2, 0), "8": (2, 2, 1), "16": (4, 4, 2)}
"""Frames of the graph network and of the TCN, and chunks (of 4 frames) of the LSTM."""
REVISED = (0, 2, 4, 8)
"""`stable_after`, in chunks."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", nargs="?", default="c2st_homonyms")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--ahead", nargs="+", default=[*AHEAD, "full"], choices=[*AHEAD, "full"])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--split", default="dev", choices=["dev", "test"], help="the one that is streamed")
    parser.add_argument("--clips", type=int, default=20, help="read frame by frame")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    found = json.loads(args.json.read_text(encoding="utf-8")) if args.json and args.json.exists() else {}
    samples = {split: _samples(args.recipe, args.set, split) for split in ("train", args.split)}
    for seed in args.seeds:
        for ahead in args.ahead:
            one = found.setdefault(f"{ahead} {seed}", {})
            if not one:
                one |= trained(args.recipe, ahead, seed, args.set)
            if ahead != "full" and args.split not in one:
                one[args.split] = streamed(Path(one["folder"]), samples[args.split], args.clips)
            print(ahead, seed, one, flush=True)
            if args.json:
                args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for ahead in args.ahead:
        runs = [found[f"{ahead} {seed}"] for seed in args.seeds]
        parts = [f"{split} {_shown([run['wer'][split] for run in runs])}" for split in ("dev", "test")]
        if ahead != "full":
            more = [run[args.split] for run in runs]
            parts.append(f"delay {more[0]['delay']}, shown after {_shown([each['shown'] for each in more])}")
            parts += [f"revised {n} {_shown([each[f'{n}'] for each in more])}" for n in REVISED]
        print(f"| {ahead} | {' | '.join(parts)} |")
    ((commonest, _),) = Counter(" ".join(each.reference) for each in samples["train"]).most_common(1)
    references = [" ".join(each.reference) for each in samples[args.split]]
    print(
        f"{args.split}: the commonest sentence of train {_wer(references, [commonest] * len(references)):.1f}"
    )


def trained(recipe: str, ahead: str, seed: int, more: list[str]) -> dict[str, Any]:
    """A run: its error rates in percent by split."""
    began = time.process_time()
    result = signkit.run(recipe, [*overrides(ahead), f"train.seed={seed}", *more])
    wer = {each.split: 100 * each.value for each in result.scores if each.name == "wer"}
    seconds = round(time.process_time() - began)
    return {"folder": str(result.folder), "wer": wer, "cpu_seconds": seconds}


def overrides(ahead: str) -> list[str]:
    """What is set for so many frames of look-ahead."""
    if ahead == "full":
        return []
    frames, local, chunks = AHEAD[ahead]
    return [
        "landmarks.origin=past",
        "landmarks.scale=past",
        f"encoder.lookahead={frames}",
        "encoder.local_temporal.pooling=max",
        f"encoder.local_temporal.lookahead={local}",
        "encoder.global_temporal.bidirectional=false",
        "encoder.global_temporal.width=128",
        f"encoder.global_temporal.lookahead={chunks}",
    ]


def streamed(folder: Path, samples: Sequence[Any], clips: int) -> dict[str, float]:
    """The delay, when glosses are shown, and the error rate by how many chunks back a text is revised."""
    model = signkit.load(folder)
    references = [" ".join(each.reference) for each in samples]
    found: dict[str, float] = {"delay": signkit.stream(model).delay}
    found["shown"] = median([frames for sample in samples[:clips] for frames in _shown_after(model, sample)])
    for revised in REVISED:
        stream, texts = signkit.stream(model, stable_after=revised), []
        for sample in samples:
            stream.push(sample.load().points)
            texts.append(stream.finish().text)
        found[str(revised)] = _wer(references, texts)
    return found


def _shown_after(model: signkit.LoadedModel, sample: Any) -> list[int]:
    """Frames from the end of each sign to its gloss, which stays then; as far as the text is right in the
    end."""
    stream, points = signkit.stream(model), sample.load().points
    so_far = [stream.push(points[n : n + 1]).tokens for n in range(len(points))]
    so_far.append(stream.finish().tokens)
    after = []
    for number, segment in enumerate(sample.segments):
        right = sample.reference[: number + 1]
        if so_far[-1][: number + 1] != right:
            break
        wrong = [frame for frame, tokens in enumerate(so_far) if tokens[: number + 1] != right]
        after.append(max(wrong, default=-1) + 1 - (segment.end - 1))
    return after


def _samples(recipe: str, more: list[str], split: str) -> list[Any]:
    corpus = build_corpus(load_recipe(recipe, more).data)
    return [sample for sample in corpus.samples if sample.split == split]


def _wer(references: list[str], texts: list[str]) -> float:
    return 100 * float(signkit.score(references, texts, metrics=["wer"])["wer"].value)


def _shown(values: list[float]) -> str:
    spread = f" ± {stdev(values):.1f}" if len(values) > 1 else ""
    return f"{mean(values):.1f}{spread}"


if __name__ == "__main__":
    main()
