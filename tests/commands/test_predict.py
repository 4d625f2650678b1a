"""`signkit predict`: what it prints, and what it refuses."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from predicting import Predict
from tiny import LM, write_corpus, write_lm_recipe, write_npz, write_recipe, write_text

from signkit.config.recipe_file import load_recipe
from signkit.data.loader import eval_batches
from signkit.decode.lattice import recognise
from signkit.models.export import TrainedModel, read_export, write_export
from signkit.train.setup import prepare


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a model that has learned nothing, and the corpus beside it."""
    folder = tmp_path_factory.mktemp("predict")
    path = write_recipe(folder / "tiny.yaml", write_corpus(folder / "corpus"))
    recipe = load_recipe(str(path))
    prepared = prepare(recipe)
    run = folder / "run"
    write_export(run / "export", TrainedModel(recipe, prepared.spec, prepared.model))
    return run


@pytest.fixture
def predict(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Predict:
    return Predict(monkeypatch, capsys)


def clip(run: Path, name: str) -> Path:
    return run.parent / "corpus" / f"{name}.npz"


def test_a_line_an_input(predict: Predict, run: Path) -> None:
    """In the order given, also twice the same."""
    files = [clip(run, name) for name in ("test2", "test0", "test2")]
    status, out, error = predict(run, *files)
    assert (status, error) == (0, "")
    rows = [line.split("\t") for line in out.splitlines()]
    assert [row[0] for row in rows] == [str(file) for file in files]
    assert rows[0][1] == rows[2][1]


def test_json(predict: Predict, run: Path) -> None:
    """The hypotheses of the run's own decoder."""
    status, out, _ = predict(run, clip(run, "test0"), clip(run, "test1"), "--json")
    assert status == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert [list(line) for line in lines] == [["id", "tokens", "text", "score", "times", "confidences"]] * 2
    exported = read_export(run)
    prepared = prepare(load_recipe(str(run.parent / "tiny.yaml")))
    batches = eval_batches(prepared.datasets["test"], 3)
    found = recognise(exported.model, batches, exported.spec.vocabulary, exported.recipe.decode)
    for line, name in zip(lines, ("test0", "test1"), strict=True):
        best = found[name]
        assert line["id"] == str(clip(run, name))
        assert (line["text"], line["tokens"], line["times"]) == (best.text, [*best.tokens], [*best.times])
        assert line["score"] == pytest.approx(best.score, abs=1e-4)


def test_beam(predict: Predict, run: Path) -> None:
    """A wider beam finds what is at least as likely."""
    scores = []
    for beam in (1, 16):
        _, out, _ = predict(run, clip(run, "test0"), "--json", "--beam", beam)
        scores.append(json.loads(out)["score"])
    assert scores[1] >= scores[0] - 1e-6


def test_list(predict: Predict, run: Path, tmp_path: Path) -> None:
    """Names are relative to the list's folder; empty lines are passed over."""
    inputs = run.parent / "corpus" / "inputs.txt"
    inputs.write_text("test1.npz\n\n  test0.npz  \n", encoding="utf-8")
    status, out, _ = predict(run, clip(run, "test2"), "--list", inputs)
    assert status == 0
    assert [line.split("\t")[0] for line in out.splitlines()] == [
        str(clip(run, name)) for name in ("test2", "test1", "test0")
    ]


def test_no_inputs(predict: Predict, run: Path, tmp_path: Path) -> None:
    message = (
        "error: predict: no inputs; name videos or files of landmarks, or a list of them with --list FILE\n"
    )
    assert predict.refuses(run) == message
    empty = tmp_path / "empty.txt"
    empty.write_text("\n")
    assert predict.refuses(run, "--list", empty) == message


def test_a_list_that_cannot_be_read(predict: Predict, run: Path, tmp_path: Path) -> None:
    missing = tmp_path / "no.txt"
    assert predict.refuses(run, "--list", missing) == f"error: {missing}: there is no such file\n"
    latin = tmp_path / "latin.txt"
    latin.write_bytes("a.npz\nB\u00fccher.npz\n".encode("latin-1"))
    message = f"error: {latin}:2: byte 0xFC is not UTF-8; save the file as UTF-8\n"
    assert predict.refuses(run, "--list", latin) == message


def test_not_a_run(predict: Predict, run: Path, tmp_path: Path) -> None:
    message = f"error: {tmp_path}: is an empty folder, and not a run; `signkit runs` lists the runs\n"
    assert predict.refuses(tmp_path, clip(run, "test0")) == message
    (tmp_path / "resolved.yaml").write_text("")
    hint = "`signkit run RECIPE --resume auto` continues it"
    message = f"error: {tmp_path}: the run is not finished; {hint}\n"
    assert predict.refuses(tmp_path, clip(run, "test0")) == message


FRAMES = np.random.default_rng(0).normal(size=(20, 3, 2)) + 100


def bad(folder: Path, what: str) -> tuple[Path, str]:
    """A bad input, and what is said of it."""
    file, points = folder / "bad.npz", FRAMES.copy()
    if what == "missing":
        return file, "there is no such file"
    if what == "no npz":
        file.write_text("frames")
        return file, "not a readable npz file; it may be truncated or damaged (File is not a zip file)"
    if what == "truncated":
        write_npz(file, points)
        file.write_bytes(file.read_bytes()[:300])
        return file, "not a readable npz file; it may be truncated or damaged (File is not a zip file)"
    if what == "layout":
        write_npz(file, np.ones((20, 21, 2)) + np.arange(21)[:, None], layout="hand")
        return file, "has landmarks of layout 'hand', not landmarks of layout 'boston104'"
    if what == "points":
        write_npz(file, points[:, :2])
        return file, "layout 'boston104' has 3 points but the file has 2"
    if what == "coordinates":
        write_npz(file, np.concatenate([points, points[..., :1]], 2))
        return file, "has 3 coordinates a point, not 2"
    if what == "features":
        np.savez(file, features=np.ones((20, 6), dtype=np.float32))
        return file, "has features, not landmarks of layout 'boston104'"
    if what == "no frames":
        write_npz(file, points[:0])
        return file, "has no frames"
    if what == "infinite":
        points[3, 1, 0] = np.inf
        write_npz(file, points)
        return file, "point 'right-hand' is infinite in frame 3"
    hidden = points.copy()
    hidden[:, slice(None) if what == "all missing" else slice(0, 2)] = np.nan
    write_npz(file, hidden)
    return (
        file,
        "no point is seen in any frame" if what == "all missing" else "neither hand is seen in any frame",
    )


BAD = (
    "missing", "no npz", "truncated", "layout", "points", "coordinates", "features", "no frames", "infinite",
    "all missing", "no hands",
)  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_bad_input(predict: Predict, run: Path, tmp_path: Path, what: str) -> None:
    """One of two inputs: nothing is printed for the other either."""
    file, message = bad(tmp_path, what)
    assert predict.refuses(run, clip(run, "test0"), file) == f"error: {file}: {message}\n"


@pytest.mark.parametrize("what", BAD)
def test_bad_input_left_out(predict: Predict, run: Path, tmp_path: Path, what: str) -> None:
    """One of three inputs: the others have what they have without it."""
    file, message = bad(tmp_path, what)
    given = clip(run, "test0"), clip(run, "test1")
    status, out, error = predict(run, given[0], file, given[1], "--on-error", "skip", "--captions", tmp_path)
    assert status == 2
    assert error == f"error: {file}: {message}\nerror: 1 of 3 inputs left out\n"
    assert (0, out, "") == predict(run, *given)
    assert sorted(path.name for path in tmp_path.glob("*.vtt")) == ["test0.vtt", "test1.vtt"]


def test_all_bad_inputs_are_named(predict: Predict, run: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "a.npz", tmp_path / "b"
    faults = "".join(f"{file}: there is no such file\n" for file in (one, other))
    assert predict.refuses(run, one, clip(run, "test0"), other) == f"{faults}error: 2 faults\n"
    status, out, error = predict(run, one, other, "--on-error", "skip", "--json")
    lines = [f"error: {line}" for line in faults.splitlines()]
    assert (status, out, error.splitlines()) == (2, "", [*lines, "error: 2 of 2 inputs left out"])


def test_a_file_that_is_there(predict: Predict, run: Path, tmp_path: Path) -> None:
    """Nothing is printed or written; with --force it is replaced."""
    old = tmp_path / "test0.eaf"
    old.write_text("mine")
    words = (run, clip(run, "test0"), "--captions", tmp_path, "--elan", tmp_path)
    assert predict.refuses(*words) == f"error: {old}: exists already; --force replaces it\n"
    assert old.read_text() == "mine" and [*tmp_path.iterdir()] == [old]
    assert predict(*words, "--force")[0] == 0
    assert old.read_text().startswith("<?xml") and (tmp_path / "test0.vtt").is_file()


def test_landmarks_have_no_pictures(predict: Predict, run: Path, tmp_path: Path) -> None:
    file = clip(run, "test0")
    message = "has no pictures that glosses could be burnt into: the file does not name its video; "
    message += "leave out --burn, or give the video itself"
    assert predict.refuses(run, file, "--burn", tmp_path) == f"error: {file}: {message}\n"


def test_one_frame(predict: Predict, run: Path, tmp_path: Path) -> None:
    status, out, _ = predict(run, write_npz(tmp_path / "one.npz", FRAMES[:1]), "--json")
    assert status == 0
    assert np.isfinite(json.loads(out)["score"])


def test_a_language_model(predict: Predict, run: Path, tmp_path: Path) -> None:
    recipe = load_recipe(str(write_lm_recipe(tmp_path / "lm.yaml", write_text(tmp_path / "text"), LM)))
    prepared = prepare(recipe)
    write_export(tmp_path / "lm" / "export", TrainedModel(recipe, prepared.spec, prepared.model))
    message = "is a language model, which recognises nothing; see `signkit lm score`"
    assert predict.refuses(tmp_path / "lm", clip(run, "test0")) == f"error: {tmp_path / 'lm'}: {message}\n"


def test_the_beam_of_the_run_is_no_other(predict: Predict, run: Path, tmp_path: Path) -> None:
    """Its temperature stays; that of greedy search means nothing to a beam."""
    export = read_export(run)
    decode = replace(export.recipe.decode, beam=1, temperature=50.0)  # type: ignore[call-arg]
    write_export(tmp_path / "export", replace(export, recipe=replace(export.recipe, decode=decode)))
    given, same, wider = (
        predict(tmp_path, clip(run, "test1"), "--json", *words)[1]
        for words in ((), ("--beam", 1), ("--beam", 4))
    )
    assert given == same
    assert wider == predict(run, clip(run, "test1"), "--json", "--beam", 4)[1]
    assert (
        json.loads(given)["confidences"]
        != json.loads(predict(run, clip(run, "test1"), "--json", "--beam", 1)[1])["confidences"]
    )
