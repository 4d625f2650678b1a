"""Recognition by segments: laws, the forest, scores, a run that learns, and what is refused."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from segmented import write_segmented

import signkit
from signkit.config.recipe import Recipe
from signkit.config.recipe_file import load_recipe
from signkit.errors import UserError
from signkit.models.export import TrainedModel
from signkit.models.segment_classify import Pieces, frame_vectors
from signkit.models.spec import Spec
from signkit.tasks.segmentation.forest import classes_of_frames, fitted_forest
from signkit.tasks.segmentation.scoring import Evidence, segment_scores
from signkit.testing import check_task
from signkit.train.setup import prepare
from signkit.train.task import task_of
from signkit.types import VIDEO, Corpus, Landmarks, Prediction, Sample, Segment

pytest.importorskip("sklearn")

SMALL = (
    "train.batch_size=4",
    "train.warmup_steps=0",
    "train.precision=float32",
    "encoder.local_temporal.width=8",
    "model.trees=10",
    "data.folds=4",
    "data.dev_in_train=false",
    "decode.min_frames=3",
)


def recipe(root: Path, *changes: str) -> Recipe:
    return load_recipe("segment_classify", [*SMALL, f"data.root={root}", *changes])


@pytest.mark.slow
def test_the_recipe_holds_to_the_laws_of_a_task(tmp_path: Path) -> None:
    root = write_segmented(tmp_path / "corpus")
    outcome = check_task(recipe(root))
    names = [each.name for each in outcome.scores]
    assert names[0] == "wer"
    assert names[-4:] == ["segment_f1", "frame_accuracy", "accuracy_found", "accuracy_true"]


def test_the_forest_has_the_probabilities_of_scikit_learn(tmp_path: Path) -> None:
    """To the bit, of frames that it was not fitted to."""
    prepared = prepare(recipe(write_segmented(tmp_path / "corpus"), "model.window=2"))
    task, data = prepared.task, prepared.datasets
    estimator, arrays, frames = fitted_forest(
        task.dataset(data["train"].samples, prepared.spec),
        prepared.recipe.model,
        8,
        seed=1,  # type: ignore[arg-type]
    )
    assert frames == sum(sample.frames for sample in data["train"].samples)
    prepared.model.forest.fill(arrays)
    batch = data["test"].collate([data["test"].example(0), data["test"].example(1)])
    found = prepared.model.frame_classes(batch)
    for ours, vectors in zip(found, frame_vectors(batch, 2), strict=True):
        theirs = np.zeros((len(vectors), 3))
        theirs[:, estimator.classes_] = estimator.predict_proba(vectors.numpy())
        log = np.log(theirs, where=theirs > 0, out=np.full_like(theirs, -np.inf))
        np.testing.assert_array_equal(ours.numpy(), np.exp(log))


@pytest.mark.parametrize(("onset", "expected"), [(0, "001111110"), (2, "002212210"), (9, "002222220")])
def test_the_first_frames_of_a_sign_are_a_class_of_their_own(onset: int, expected: str) -> None:
    """Of a sign of three frames and one of two; the padding is left out."""
    found = Pieces(*torch.tensor([[0, 0, 2, 5], [0, 1, 5, 8], [1, 0, 0, 1]]).T)
    labels, short = classes_of_frames(found, torch.tensor([9, 1]), onset)
    assert "".join(map(str, labels.tolist())) == expected
    assert short.tolist() == [2 if onset else 1]


@pytest.mark.slow
def test_a_run_finds_segments_and_predicts_without_scikit_learn(tmp_path: Path) -> None:
    root = write_segmented(tmp_path / "corpus", train=40, test=8)
    more = (
        "train.max_steps=80",
        "train.lr=1e-2",
        "train.eval_every=40",
        "model.trees=30",
        f"run.dir={tmp_path}",
    )
    done = signkit.run("segment_classify", [*SMALL, f"data.root={root}", *more])
    scores = {each.name: each.value for each in done.scores if each.split == "test"}
    assert scores["segment_f1"] > 0.85 and scores["frame_accuracy"] > 0.9
    assert scores["accuracy_true"] > 0.9 and scores["wer"] < 0.3
    sample = next(each for each in prepare(recipe(root)).corpus.split("test"))
    signal = sample.load()
    assert isinstance(signal, Landmarks)
    clip = tmp_path / "clip.npz"
    np.savez(clip, landmarks=signal.points, layout=np.array("boston104"), fps=np.array(30.0))
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "from signkit.cli.app import main\n"
        f"sys.argv = ['signkit', 'predict', {str(done.folder)!r}, {str(clip)!r}, '--json']\n"
        "sys.exit(main())"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = json.loads(shown.stdout)
    line = (done.folder / "decode" / "test.jsonl").read_text(encoding="utf-8").splitlines()[0]
    ours = json.loads(line)
    assert found["tokens"] == ours["tokens"] and found["ends"] == pytest.approx(ours["ends"])
    assert len(found["times"]) == len(found["ends"]) == len(found["confidences"]) == len(found["tokens"])
    for first, end in zip(found["times"], found["ends"], strict=True):
        assert first * 30 == pytest.approx(round(first * 30)) and (end - first) * 30 >= 2.99
    wide = tiny.signkit("decode", done.folder, "--set", "decode.min_frames=1000", "--out", tmp_path / "out")
    assert wide.status == 0, wide.err
    rows = [json.loads(each) for each in (tmp_path / "out" / "test.jsonl").read_text().splitlines()]
    assert {row["text"] for row in rows} == {""}


def clip(*signs: tuple[str, int, int], frames: int = 20) -> Sample:
    segments = tuple(Segment(*each) for each in signs)
    glosses = tuple(each.gloss for each in segments)
    return Sample("x", "test", glosses, frames, lambda: None, segments=segments)  # type: ignore[arg-type, return-value]


def scored(*pairs: tuple[Evidence, Sample]) -> dict[str, tuple[float, str]]:
    predictions = [Prediction(str(n), evidence=each) for n, (each, _) in enumerate(pairs)]
    found = segment_scores(predictions, [sample for _, sample in pairs], "test")
    return {each.name: (each.value, each.note) for each in found}


def evidence(*spans: tuple[str, int, int], of_true: dict[int, str] | None = None) -> Evidence:
    places = np.array([each[1:] for each in spans], dtype=np.int64).reshape(-1, 2)
    return Evidence(places, tuple(each[0] for each in spans), of_true or {})


def test_the_scores_of_segments() -> None:
    """A and B are found, B with another gloss; C is not, and what is found in its place is too long."""
    true = clip(("A", 0, 4), ("B", 4, 8), ("C", 10, 12))
    found = evidence(("A", 0, 5), ("A", 5, 8), ("C", 9, 20), of_true={0: "A", 1: "B", 2: "B"})
    assert scored((found, true)) == {
        "segment_f1": (2 / 3, "2 of 3 found and 3 true segments are matched"),
        "frame_accuracy": (0.55, "11 of 20 frames"),
        "accuracy_found": (1 / 3, "1 of 3 signs"),
        "accuracy_true": (2 / 3, "2 of 3 signs"),
    }


def test_clips_without_segments_are_not_scored_by_them() -> None:
    known, unknown = clip(("A", 0, 20)), clip()
    found = evidence(("A", 0, 20), of_true={0: "A"})
    assert scored((found, known), (evidence(("B", 1, 2)), unknown))["segment_f1"][0] == 1
    assert scored((found, unknown)) == {}
    assert "accuracy_true" not in scored((evidence(), known))


def refused(root: Path, *changes: str) -> str:
    with pytest.raises(UserError) as caught:
        prepare(recipe(root, *changes))
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("text.unit=character", "text.unit: is `character`, and a segment has a gloss; text.unit: gloss"),
        ("sampling.frames=8", "sampling: segments are found among all frames of a clip; leave it out"),
        (
            "train.losses=[{name: cross_entropy, mixup: 0.2}]",
            "train.losses.0.mixup: mixes pictures, not segments; leave it out",
        ),
    ],
)
def test_recipes_that_cannot_be(change: str, message: str, tmp_path: Path) -> None:
    assert refused(write_segmented(tmp_path / "corpus", train=4, test=1), change) == message


def test_a_corpus_without_segments_is_refused(tmp_path: Path) -> None:
    root = tiny.write_corpus(tmp_path / "corpus")
    with pytest.raises(UserError) as caught:
        prepare(load_recipe("segment_classify", [f"data={{name: manifest, root: {root}}}"]))
    assert str(caught.value) == (
        "data: no sample of train has segments: frames at which its glosses begin and end; "
        "a manifest has a column `segments`; model.name: ctc needs none"
    )


def test_scikit_learn_is_asked_for_before_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    said = refused(write_segmented(tmp_path / "corpus", train=4, test=1))
    assert said == "model.name: needs the package scikit_learn; pip install 'signkit[classic]'"


def test_a_manifest_with_the_times_of_glosses_is_learnt_from(tmp_path: Path) -> None:
    rows = ["id,path,gloss,split,segments"]
    for number, times in enumerate(("0.04-0.2 0.2-0.4", "")):
        tiny.write_npz(tmp_path / f"{number}.npz", np.random.default_rng(number).normal(size=(20, 3, 2)))
        rows.append(f"{number},{number}.npz,A B,train,{times}")
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    prepared = prepare(load_recipe("segment_classify", [f"data={{name: manifest, root: {tmp_path}}}"]))
    assert prepared.notes == ("left out of train, without segments: 1 samples",)
    labels = prepared.datasets["train"].example(0).frame_labels
    assert labels.tolist() == [-100] + [0] * 4 + [1] * 5 + [-100] * 10


def test_clips_without_segments_are_left_out_of_train(tmp_path: Path) -> None:
    prepared = prepare(recipe(write_segmented(tmp_path / "corpus")))
    samples = prepared.corpus.split("train")
    bare = [replace(samples[0], segments=()), *samples[1:]]
    said: list[str] = []
    dataset = prepared.task.dataset(bare, prepared.spec, model=prepared.model, say=said.append)
    assert (len(dataset), said) == (len(samples) - 1, ["left out of train, without segments: 1 samples"])
    assert len(prepared.task.dataset(bare, prepared.spec)) == len(samples)


def test_video_and_ensembles_are_refused(tmp_path: Path) -> None:
    task = task_of(recipe(write_segmented(tmp_path / "corpus", train=4, test=1)))
    with pytest.raises(UserError) as caught:
        task.spec(Corpus("clips", (), VIDEO, 3), print)
    assert str(caught.value) == (
        "data: segments are found in landmarks or features, and the corpus has video; "
        "track it with `signkit landmarks`"
    )
    trained = TrainedModel(task.recipe, Spec({}, {}), None)  # type: ignore[attr-defined]
    with pytest.raises(UserError) as caught:
        task.check((trained, trained), lambda: Corpus("clips", (), "hand", 3))
    assert str(caught.value) == "decode.ensemble: forests of several runs are not joined; leave it out"


def test_a_gloss_that_train_lacks_has_no_weight(tmp_path: Path) -> None:
    prepared = prepare(recipe(write_segmented(tmp_path / "corpus")))
    samples = prepared.corpus.split("train")[:2]
    first = samples[0].segments
    strange = replace(samples[0], segments=(replace(first[0], gloss="OTHER"), *first[1:]))
    dataset = prepared.task.dataset([strange, samples[1]], prepared.spec)
    batch = dataset.collate([dataset.example(0), dataset.example(1)])
    weights = prepared.task.weights(prepared.model, batch)["loss"].tolist()
    assert weights == [len(first) - 1, len(samples[1].segments)]
