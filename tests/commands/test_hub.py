"""Models in folders and on the Hugging Face Hub, by its conventions; the network is never used."""

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from predicting import exported
from tiny import CTC, write_corpus

import signkit
from signkit import OperationalError, UserError

hub = pytest.importorskip("huggingface_hub")
ENCODER = {"name": "conv_transformer", "width": 8, "stages": 1, "kernel": 3, "heads": 2}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever would ask the Hub fails; its cache is empty."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub")
    return exported(folder, write_corpus(folder / "corpus"), {**CTC, "encoder": ENCODER})


def clip(run: Path) -> Path:
    return run.parent / "corpus" / "test0.npz"


def test_a_folder_and_back(run: Path, tmp_path: Path) -> None:
    signkit.load(run).save_pretrained(tmp_path / "saved")
    assert {each.name for each in (tmp_path / "saved").iterdir()} == {"README.md", "SHA256SUMS", "export"}
    model = signkit.from_pretrained(tmp_path / "saved", beam=1)
    assert model.predict(clip(run)) == signkit.load(run, beam=1).predict(clip(run))
    card = (tmp_path / "saved" / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlibrary_name: signkit\ntags: [sign-language, recognition]\nlicense: #")
    assert "pip install 'signkit[train]'" in card and 'model.predict("clip.npz").text' in card
    with pytest.raises(UserError) as caught:
        model.save_pretrained(tmp_path / "saved")
    assert str(caught.value) == f"{tmp_path / 'saved'}: is there already; give a new folder"


def test_a_card_that_was_changed_is_kept(run: Path, tmp_path: Path) -> None:
    signkit.load(run).save_pretrained(tmp_path / "one")
    (tmp_path / "one" / "README.md").write_text("---\nlicense: apache-2.0\n---\nMine.\n", encoding="utf-8")
    signkit.from_pretrained(tmp_path / "one").save_pretrained(tmp_path / "two")
    assert (tmp_path / "two" / "README.md").read_text(encoding="utf-8").endswith("Mine.\n")


def test_a_graph(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    from jaxtyping import config

    config.update("jaxtyping_disable", True)
    signkit.export(run, tmp_path / "graph")
    config.update("jaxtyping_disable", False)
    (tmp_path / "graph" / "LICENSE").write_text("mine", encoding="utf-8")
    signkit.load(tmp_path / "graph").save_pretrained(tmp_path / "copy")
    names = [{each.name for each in (tmp_path / name).iterdir()} for name in ("graph", "copy")]
    assert names[0] == names[1] and "LICENSE" in names[0]
    found = signkit.from_pretrained(tmp_path / "copy").posteriors(clip(run)).probabilities
    assert np.allclose(found, signkit.load(run).posteriors(clip(run)).probabilities, atol=1e-4)


def test_the_model_that_comes_along(tmp_path: Path) -> None:
    assert signkit.from_pretrained("hand_letters").recipe.name == "hand_letters"


def cached(cache: Path, folder: Path, name: str) -> str:
    """A model in a cache as huggingface_hub has it; the commit."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    repo = cache / f"models--{name.replace('/', '--')}"
    shutil.copytree(folder, repo / "snapshots" / commit)
    (repo / "snapshots" / commit / ".gitattributes").touch()
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit, encoding="utf-8")
    return commit


def test_a_name_in_the_cache(run: Path, tmp_path: Path) -> None:
    signkit.load(run).save_pretrained(tmp_path / "saved")
    commit = cached(tmp_path / "mine", tmp_path / "saved", "ann/signs")
    options: dict[str, Any] = {"cache_dir": tmp_path / "mine", "local_files_only": True}
    model = signkit.from_pretrained("ann/signs", **options)
    assert model.folder.name == commit
    assert model.predict(clip(run)) == signkit.load(run).predict(clip(run))
    assert signkit.from_pretrained("ann/signs", revision=commit, **options).folder == model.folder
    with pytest.raises(
        OperationalError, match="^ann/other: is no folder, and cannot be fetched from the Hub: "
    ):
        signkit.from_pretrained("ann/other", **options)


@pytest.mark.parametrize("name", ["./runs", "/nowhere/model", "~/model", "a/b/c"])
def test_paths_are_no_names(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a folder that is not there the Hub is not asked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UserError) as caught:
        signkit.from_pretrained(name)
    what = "there is no such folder; a model is a folder, or USER/MODEL on the Hub"
    assert str(caught.value) == f"{name}: {what}"


def test_what_is_no_name() -> None:
    with pytest.raises(UserError) as caught:
        signkit.from_pretrained("no such")
    assert str(caught.value) == "no such: is no folder, and no name on the Hub; names are USER/MODEL"


def failure(kind: str, status: int) -> Exception:
    """An error of the Hub, whatever library its answer is an object of."""
    from huggingface_hub import errors

    of = getattr(errors, kind)
    made: Exception = of.__new__(of)
    Exception.__init__(made, "said\nat length")
    made.response = SimpleNamespace(status_code=status)  # type: ignore[attr-defined]
    return made


NO_SUCH = "is no folder, and the Hub has no such model; if it is private, give a token that may read it"
HINT = "log in with `hf auth login`, or give a token that may write there"
NOT_YOURS = f"the Hub does not let you write there; {HINT}"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (failure("RepositoryNotFoundError", 404), NO_SUCH),
        (failure("RevisionNotFoundError", 404), "has no revision 'v9' on the Hub"),
        (failure("HfHubHTTPError", 500), "is no folder, and cannot be fetched from the Hub: said"),
        (ConnectionError(), "is no folder, and cannot be fetched from the Hub: ConnectionError"),
    ],
)
def test_what_the_hub_says(error: Exception, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def snapshot_download(repo_id: str, **options: Any) -> str:
        assert (repo_id, options["revision"], options["token"]) == ("ann/signs", "v9", "secret")
        raise error

    monkeypatch.setattr(hub, "snapshot_download", snapshot_download)
    with pytest.raises((UserError, OperationalError)) as caught:
        signkit.from_pretrained("ann/signs", revision="v9", token="secret")
    assert str(caught.value) == f"ann/signs: {message}"
    assert isinstance(caught.value, UserError) == ("NotFound" in type(error).__name__)


class Api:
    """A Hub that keeps what it is sent in a folder."""

    kept: Path
    error: Exception | None = None

    def __init__(self, *, token: str | None, library_name: str, library_version: str) -> None:
        assert (token, library_name, library_version) == ("secret", "signkit", signkit.__version__)

    def create_repo(self, repo_id: str, *, private: bool | None, exist_ok: bool) -> Any:
        assert (private, exist_ok) == (True, True)
        if self.error is not None:
            raise self.error
        return SimpleNamespace(repo_id=repo_id)

    def upload_folder(self, *, repo_id: str, folder_path: Path, **options: Any) -> Any:
        shutil.copytree(folder_path, self.kept / repo_id)
        (self.kept / "options.json").write_text(json.dumps(options), encoding="utf-8")
        return SimpleNamespace(commit_url="https://hub.invalid/ann/signs/commit/1")


def test_what_is_sent(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is what `save_pretrained` writes; nothing is left on this machine."""
    monkeypatch.setattr(hub, "HfApi", Api)
    monkeypatch.setattr(Api, "kept", tmp_path / "kept", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    model = signkit.load(run)
    (tmp_path / "kept").mkdir()
    url = model.push_to_hub("ann/signs", private=True, token="secret", branch="next", commit_message="New")
    assert url == "https://hub.invalid/ann/signs/commit/1"
    options = json.loads((tmp_path / "kept" / "options.json").read_text(encoding="utf-8"))
    assert options == {"revision": "next", "commit_message": "New", "create_pr": None}
    assert os.listdir(tmp_path) == ["kept"]
    again = signkit.from_pretrained(tmp_path / "kept" / "ann" / "signs")
    assert again.predict(clip(run)) == model.predict(clip(run))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (failure("HfHubHTTPError", 403), NOT_YOURS),
        (failure("HfHubHTTPError", 500), "cannot be sent to the Hub: said"),
        (ConnectionError("no route"), "cannot be sent to the Hub: no route"),
        (hub.errors.HFValidationError(), "is no folder, and no name on the Hub; names are USER/MODEL"),
    ],
)
def test_what_cannot_be_sent(
    error: Exception, message: str, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "HfApi", Api)
    monkeypatch.setattr(Api, "error", error)
    with pytest.raises((UserError, OperationalError)) as caught:
        signkit.load(run).push_to_hub("ann/signs", private=True, token="secret")
    assert str(caught.value) == f"ann/signs: {message}"
