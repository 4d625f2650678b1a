"""Signs taught in the page of `signkit live`: from clips before the camera to signs that the page reads.

    python benchmarks/live_signs.py --data ../shared/data/colour_sign_videos --work runs/live_signs

The first five clips of each sign are recorded as takes in the page, in Chromium, downloaded and trained with
`signs_teach`: five times with a take of each sign held out, then with all of them. The page of that model is
shown the other clips of each sign, which nothing saw before. What is there already is not done again.

In place of a camera there is a canvas on which the clips are played; the page takes frames as it has time.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from colour_signs import takes as takes_of
from live_page import PageBrowser, in_a_while, write_signs

from signkit.commands.live.server import serving
from signkit.commands.live.site import Site, site_of
from signkit.data.corpora.configs import TakesConfig
from signkit.data.corpora.takes import read
from signkit.data.landmarks import layout, normalise
from signkit.types import Landmarks, Sample

TAUGHT = 5
CAMERA = """
(() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
  const context = canvas.getContext("2d");
  let clip = null;
  const draw = (n) => {
    context.fillStyle = n % 2 ? "#787d82" : "#797e83"; // a picture that stays the same would be no new frame
    context.fillRect(0, 0, 640, 480);
    if (clip) context.drawImage(clip, 0, 0, 640, 480);
  };
  let n = 0;
  setInterval(() => draw(n++), 33);
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(30);
  navigator.mediaDevices.enumerateDevices = async () => [];
  window.playClip = async (name) => {
    const video = Object.assign(document.createElement("video"), { src: name, muted: true });
    await video.play();
    clip = video;
    await new Promise((resolve) => { video.onended = resolve; });
    clip = null;
  };
  return 0;
})()
"""
PLAY = "playClip('clips/{}.mp4').then(() => true)"


def signkit(*words: object) -> str:
    command = [sys.executable, "-m", "signkit", *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {done.returncode}")
    return done.stdout.strip().splitlines()[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    takes = list(takes_of(options.data / "index.csv").values())
    shown = {name: options.data / "videos" / f"{name}.mp4" for take in takes for name, _ in take}
    file = work / "signs.jsonl"
    if not file.is_file():
        record(work, takes[:TAUGHT], shown)
    folds(work, file)
    model = work / "model"
    if not model.is_dir():
        begin = time.monotonic()
        run = trained(work, file, 0)
        print(f"all takes: trained in {time.monotonic() - begin:.0f} s")
        signkit("export", run, model)
    show(work, model, takes[TAUGHT:], shown)


def camera_page(work: Path, model: Path, clips: dict[str, Path]) -> tuple[PageBrowser, Site]:
    profile = work / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    site = site_of(model)
    files = {**site.files, **{f"clips/{name}.mp4": path for name, path in clips.items()}}
    return PageBrowser(profile, None), Site(files)


def record(work: Path, takes: list[list[tuple[str, str]]], clips: dict[str, Path]) -> None:
    """Record the takes of each sign in the page, and download them."""
    blank = work / "blank"
    shutil.rmtree(blank, ignore_errors=True)
    browser, site = camera_page(work, write_signs(blank), clips)
    of_sign: dict[str, list[str]] = {}
    for take in takes:
        for name, sign in take:
            of_sign.setdefault(sign, []).append(name)
    begin = time.monotonic()
    try:
        with serving(site, 0) as url:
            browser("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(work))
            browser.visit(url)
            browser.value(CAMERA)
            for sign, names in of_sign.items():
                browser.value(
                    "document.getElementById('sign').focus(); document.getElementById('sign').select()"
                )
                browser("Input.insertText", text=sign)
                browser.press("Enter")
                for name in names:
                    browser.until("document.getElementById('teaching').dataset.state === 'recording'", 60)
                    browser.value(PLAY.format(name))
                    browser.until("document.getElementById('teaching').dataset.state !== 'recording'", 60)
                print(f"{sign}: {browser.text('teach-status')} {browser.text('rate')}", flush=True)
            browser.click("download")
            in_a_while((work / "signs.jsonl").is_file)
            wrong = browser.complaints() + browser.strangers()
            print(f"recorded in {time.monotonic() - begin:.0f} s, {len(wrong)} complaints of the page")
    finally:
        browser.close()


def trained(work: Path, file: Path, test_take: int) -> Path:
    folder = work / f"runs{test_take}"
    finished = sorted(folder.glob("*/*/scores.json"))
    if finished:
        return finished[-1].parent
    values = (f"data.file={file}", f"data.test_take={test_take}", f"run.dir={folder}")
    return Path(signkit("run", "signs_teach", *(word for value in values for word in ("--set", value))))


def folds(work: Path, file: Path) -> None:
    """A take of each sign held out in turn."""
    right, nearest, count = 0, 0, 0
    for take in range(1, TAUGHT + 1):
        run = trained(work, file, take)
        scores = json.loads((run / "scores.json").read_text(encoding="utf-8"))["metrics"]
        (accuracy,) = (row["value"] for row in scores if (row["name"], row["split"]) == ("accuracy", "test"))
        corpus = read(TakesConfig(file=str(file), test_take=take))
        tests = corpus.split("test")
        right += round(accuracy * len(tests) / (100 if accuracy > 1 else 1))
        nearest += sum(nearest_sign(each, corpus.split("train")) == each.reference for each in tests)
        count += len(tests)
    always = count / len({each.reference for each in tests})
    print(f"held-out takes: {right} of {count} right; nearest take {nearest}; one sign always {always:.0f}")


def nearest_sign(sample: Sample, others: tuple[Sample, ...] | list[Sample]) -> tuple[str, ...]:
    """The sign of the take that is nearest point by point, at twelve moments, where both were seen."""
    ours = moments(sample)
    apart = [np.nanmean(np.abs(ours - moments(other))) for other in others]
    return others[int(np.nanargmin(apart))].reference


def moments(sample: Sample) -> np.ndarray[Any, Any]:
    signal = sample.load()
    assert isinstance(signal, Landmarks)
    points = normalise(signal.points, layout("hands"), "clip", "clip")[..., :2]
    return np.nan_to_num(points[np.linspace(0, len(points) - 1, 12).round().astype(int)])


def show(work: Path, model: Path, takes: list[list[tuple[str, str]]], clips: dict[str, Path]) -> None:
    """Show the page the other clips; a clip counts if its sign, and nothing else, is typed."""
    browser, site = camera_page(work, model, clips)
    right, first, count = 0, 0, 0
    try:
        with serving(site, 0) as url:
            browser.visit(url)
            browser.value(CAMERA)
            browser.click("start")
            browser.state("noHand")
            for name, sign in (each for take in takes for each in take):
                browser.click("clear")
                browser.value(PLAY.format(name))
                browser.state("noHand")
                time.sleep(1.5)  # until the sign has ended
                best = browser.value("document.querySelector('#bars li').textContent")
                typed = browser.typed()
                right, first, count = right + (typed == sign), first + best.startswith(sign), count + 1
                print(f"{name}: typed {typed!r}; {best}", flush=True)
            print(f"new clips in the page: {right} of {count} typed rightly, {first} the likeliest")
    finally:
        browser.close()


if __name__ == "__main__":
    main()
