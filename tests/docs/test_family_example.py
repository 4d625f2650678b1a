"""The family of docs/families.md in a package of its own: true to the laws, trained, decoded, used."""

import json
import re
from pathlib import Path

import pytest
from example_package import lay_out, run
from reference import ROOT

pytestmark = pytest.mark.slow

TEXT = (ROOT / "docs" / "families.md").read_text(encoding="utf-8")
USE = """
import sys
import numpy as np
import signkit

run = sys.argv[1]
model = signkit.load(run)
clip = np.random.default_rng(0).normal(size=(50, 543, 3))
print(model, *model.spec.outputs["count"].names[:3])
prediction = model.predict(clip)
assert prediction.outputs["count"].name in model.spec.outputs["count"].names
for call in (lambda: model.posteriors(clip), lambda: model.vocabulary, lambda: signkit.load(run, beam=4)):
    try:
        call()
    except signkit.UserError as error:
        print(error)
np.savez("clip.npz", landmarks=clip.astype(np.float32), layout=np.array("holistic"))
assert model.predict("clip.npz").outputs == prediction.outputs
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out("families.md", tmp_path_factory.mktemp("family"))


@pytest.fixture(scope="module")
def trained(package: Path) -> dict[str, object]:
    """What the run says at its end."""
    return json.loads(
        run(package, "-W", "ignore", "-m", "signkit", "run", "counting.yaml", "--json", quiet=False)
    )


def test_its_lines_are_counted_and_its_names_listed(package: Path) -> None:
    lines = sum(len(p.read_text(encoding="utf-8").splitlines()) for p in (package / "counting").glob("*.py"))
    assert re.findall(r"<!-- lines: begin -->(\d+)<!-- lines: end -->", TEXT) == [str(lines)]
    known = json.loads(run(package, "-m", "signkit", "list", "--json"))
    assert known["tasks"]["counting"] == "How many signs a clip has."
    assert {"counter", "ordinal", "count"} <= {*known["models"], *known["losses"], *known["decoders"]}
    assert run(package, "-m", "signkit", "check", "counting.yaml") == "counting.yaml: ok\n"


def test_it_holds_to_the_laws(package: Path) -> None:
    found = run(package, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_counting.py")
    assert "1 passed" in found


def test_it_learns_and_is_reported(package: Path, trained: dict[str, object]) -> None:
    """Better than the most usual count; its metric is presented as it says."""
    folder = package / str(trained["run"])
    scores = {(row["split"], row["name"]): row for row in trained["metrics"]}  # type: ignore[attr-defined]
    assert {*scores} == {(s, n) for s in ("dev", "test") for n in ("count_error", "accuracy")}
    test = scores["test", "count_error"]
    assert test["low"] <= test["value"] <= test["high"] < 1
    assert test["note"] == "20 clips"
    lines = [json.loads(line) for line in (folder / "decode" / "test.jsonl").read_text().splitlines()]
    assert [*lines[0]] == ["id", "tokens", "text", "score", "label", "confidence"] and len(lines) == 20
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "mean absolute error of the count ↓" in page
    assert (
        "The weights were selected by the mean absolute error of the count of dev (lower is better)." in page
    )
    assert "Counts of test" in page


def test_it_is_decoded_again(package: Path, trained: dict[str, object]) -> None:
    """The same from the export; the table has a plain number."""
    out = run(package, "-m", "signkit", "decode", str(trained["run"]), "--split", "test", quiet=False)
    scores = json.loads((package / out.splitlines()[-1] / "scores.json").read_text(encoding="utf-8"))
    whole = [row for row in trained["metrics"] if row["split"] == "test"]  # type: ignore[attr-defined]
    assert scores["metrics"] == whole
    (row,) = [line for line in out.splitlines() if "mean absolute error of the count" in line and "↓" in line]
    assert f"{whole[0]['value']:.2f} (" in row and "%" not in row


def test_it_predicts(package: Path, trained: dict[str, object]) -> None:
    printed = run(package, "-c", USE, str(trained["run"])).splitlines()
    assert printed[0].startswith(f"<signkit model of {trained['run']}: counting, step ")
    assert printed[0].endswith("> 0 1 2")
    assert printed[1:] == [
        "posteriors: a model of the task counting has none",
        "vocabulary: the model writes no text; its outputs are count; see `spec`",
        "--beam: the decoder of this run has no beam; leave it out",
    ]
    line = json.loads(run(package, "-m", "signkit", "predict", str(trained["run"]), "clip.npz", "--json"))
    assert line.keys() == {"id", "tokens", "text", "score", "label", "confidence"}
    refused = run(package, "-m", "signkit", "tune", str(trained["run"]), status=2, quiet=False)
    assert refused == ""
