"""Models in folders for the Hugging Face Hub, and on it. Only `push_to_hub` and `fetched` make requests."""

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from signkit.errors import OperationalError, UserError, first_line
from signkit.models.export import TrainedModel
from signkit.models.onnx.card import HEAD, run_card
from signkit.models.onnx.names import README
from signkit.models.onnx.read import is_onnx
from signkit.runtime.files import SUMS, whole_folder
from signkit.runtime.paths import is_path
from signkit.version import __version__


def save(folder: Path, trained: TrainedModel, run: Path) -> None:
    """Copy a model into a folder, with a model card: the export of a run, or all of an ONNX export.

    A card that is there already, with the header of the Hub, is copied.

    Raises:
        UserError: the folder is there, and not empty.
        OperationalError: it cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(str(folder), "is there already", "give a new folder")
    card = run / README
    with whole_folder(folder) as aside:
        if is_onnx(run):
            shutil.copytree(run, aside, ignore=shutil.ignore_patterns(SUMS), dirs_exist_ok=True)
            return
        shutil.copytree(run / "export", aside / "export")
        known = card.read_text(encoding="utf-8") if card.is_file() else ""
        text = known if known.startswith(HEAD) else run_card(trained, run)
        (aside / README).write_text(text, encoding="utf-8")


class Shared:
    """The part of a loaded model that shares it, as models of huggingface_hub are shared.

    Attributes:
        _models: the model, then those of its ensemble.
        _run: its folder.
    """

    _models: tuple[TrainedModel, ...]
    _run: Path

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """Copy the model into a new folder, with a model card, as `from_pretrained` and the Hugging Face Hub
        take it. Options of decoding that were given to `load` are not copied.

        Raises:
            UserError: the folder is there, and not empty.
            OperationalError: it cannot be written.
        """
        save(Path(save_directory), self._models[0], self._run)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool | None = None,
        token: str | None = None,
        branch: str | None = None,
        commit_message: str = "Add a model of signkit",
        create_pr: bool | None = None,
    ) -> str:
        """Upload what `save_pretrained` writes to the Hugging Face Hub; returns the commit's address.

        Args:
            repo_id: ``USER/MODEL``; it is created if it is not there.
            private: whether a new one is.
            token: that of `hf auth login` if not given.
            branch: ``main`` if not given.
            create_pr: propose the commit as a pull request.

        Raises:
            UserError: the name is none, or you may not write there.
            OperationalError: the Hub cannot be reached.
        """
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError

        with TemporaryDirectory() as place:
            folder = Path(place) / "model"
            self.save_pretrained(folder)
            try:
                hub = HfApi(token=token, library_name="signkit", library_version=__version__)
                repo = hub.create_repo(repo_id, private=private, exist_ok=True).repo_id
                done = hub.upload_folder(
                    repo_id=repo,
                    folder_path=folder,
                    revision=branch,
                    commit_message=commit_message,
                    create_pr=create_pr,
                )
            except HFValidationError as error:
                raise _no_name(repo_id) from error
            except Exception as error:  # of huggingface_hub, and of what it sends requests by
                status = getattr(getattr(error, "response", None), "status_code", 0)
                if isinstance(error, HfHubHTTPError) and status in (401, 403):
                    hint = "log in with `hf auth login`, or give a token that may write there"
                    raise UserError(repo_id, "the Hub does not let you write there", hint) from error
                raise OperationalError(
                    f"{repo_id}: cannot be sent to the Hub: {first_line(error)}"
                ) from error
        return str(done.commit_url)


def fetched(
    repo_id: str,
    *,
    revision: str | None,
    token: str | bool | None,
    cache_dir: Path | None,
    local_files_only: bool,
    force_download: bool,
) -> Path:
    """The folder of a model of the Hub, in the cache of huggingface_hub.

    Raises:
        UserError: there is no such model or revision.
        OperationalError: the Hub cannot be reached, and the cache does not have it.
    """
    if is_path(repo_id):
        raise UserError(repo_id, "there is no such folder", "a model is a folder, or USER/MODEL on the Hub")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        folder = snapshot_download(
            repo_id,
            revision=revision,
            cache_dir=cache_dir,
            token=token,
            local_files_only=local_files_only,
            force_download=force_download,
            library_name="signkit",
            library_version=__version__,
        )
    except HFValidationError as error:
        raise _no_name(repo_id) from error
    except RepositoryNotFoundError as error:
        hint = "if it is private, give a token that may read it"
        raise UserError(repo_id, "is no folder, and the Hub has no such model", hint) from error
    except RevisionNotFoundError as error:
        raise UserError(repo_id, f"has no revision {revision!r} on the Hub") from error
    except Exception as error:  # of huggingface_hub, and of what it sends requests by
        message = f"{repo_id}: is no folder, and cannot be fetched from the Hub: {first_line(error)}"
        raise OperationalError(message) from error
    return Path(folder)


def _no_name(repo_id: str) -> UserError:
    return UserError(repo_id, "is no folder, and no name on the Hub", "names are USER/MODEL")
