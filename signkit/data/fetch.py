"""Downloads public corpora into the user's cache: checked, resumable, never half-written."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_dir
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from signkit.errors import OperationalError, UserError
from signkit.runtime.files import sha256

BOSTON104_COMMIT = "cf02ea3c5fe3a76b34161afc61f4e42be1e38ec4"
BOSTON104_URL = f"https://raw.githubusercontent.com/udacity/AIND-Recognizer/{BOSTON104_COMMIT}/data"
BOSTON104_FILES = {
    "hands_condensed.csv": "f9cb5184a04fdfe5f1ff5da80d6feefed5875106405c6d9470080aaafcf5ce9a",
    "speaker.csv": "c9994ee89a25789ae170c6045cdbfc106dbf2695643eded1586f34d66e4db216",
    "train_words.csv": "f60b142ffb4287a55bedc3ee5826eb99f292a3b69fc0d0e1bd85be5f27703727",
    "test_words.csv": "5a889b80f1cdb8b312cd9e5265fb4943b505647a6d187332ccb6383135df8a11",
}
ATTEMPTS = 3
BLOCK = 1 << 16
TIMEOUT = 30.0  # seconds without a byte


@dataclass(frozen=True, slots=True)
class Source:
    """A public corpus: its files' common address and the SHA-256 of each."""

    url: str
    files: dict[str, str]


SOURCES = {"boston104": Source(BOSTON104_URL, BOSTON104_FILES)}


def cache_folder(name: str) -> Path:
    """Where a corpus is kept when no other folder is chosen."""
    return Path(user_cache_dir("signkit", appauthor=False)) / name


def fetch(name: str, to: Path | None = None, as_json: bool = False, base_url: str | None = None) -> int:
    """Download a corpus, or only what is missing of it, and print where it is.

    Args:
        name: of the corpus.
        to: the folder; the user's cache if None.
        as_json: print one JSON object instead of progress and words.
        base_url: another address of the same files.

    Returns:
        The exit status, 0.

    Raises:
        UserError: no such corpus, or the folder holds a file of that name with other contents.
        OperationalError: no connection, a wrong checksum, or the folder cannot be written.
    """
    if name not in SOURCES:
        raise UserError(f"corpus {name!r}", "cannot be fetched", "known: " + ", ".join(SOURCES))
    source, folder = SOURCES[name], to or cache_folder(name)
    address = (base_url or source.url).rstrip("/")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        missing = [file for file, digest in source.files.items() if not _present(folder / file, digest)]
        console = Console(stderr=True)
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=console,
        )
        with nullcontext() if as_json or not missing else bar:
            for file in missing:
                task = bar.add_task(file, total=None)
                _download(f"{address}/{file}", folder / file, source.files[file], bar, task)
    except OSError as error:
        raise OperationalError(f"{folder}: cannot be written: {error.strerror or error}") from error
    if as_json:
        print(
            json.dumps(
                {"corpus": name, "folder": str(folder), "fetched": missing, "files": list(source.files)}
            )
        )
    elif missing:
        print(f"{name} is in {folder}")
    else:
        print(f"{name} is already complete in {folder}")
    return 0


def _present(file: Path, digest: str) -> bool:
    if not file.exists():
        return False
    if sha256(file) != digest:
        hint = "remove it, or choose another folder with --to"
        raise UserError(str(file), "is there already with other contents", hint)
    return True


def _download(url: str, target: Path, digest: str, bar: Progress, task: TaskID) -> None:
    """One file by way of ``<name>.part``, which a later call goes on with."""
    part = target.with_name(target.name + ".part")
    for attempt in range(1, ATTEMPTS + 1):
        if _receive(url, part, bar, task):
            break
        if attempt == ATTEMPTS:
            got = part.stat().st_size if part.exists() else 0
            raise OperationalError(
                f"{target.name}: {_host(url)} ended the connection after {got} bytes; run the same command "
                "again to go on from there"
            )
    found = sha256(part)
    if found != digest:
        part.unlink()
        raise OperationalError(
            f"{target.name}: what {_host(url)} sent has the SHA-256 {found}, not {digest}; it was thrown away"
        )
    part.replace(target)


def _receive(url: str, part: Path, bar: Progress, task: TaskID) -> bool:
    """Append to the part what it lacks; True when the server has sent all it announced."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    name = part.name.removesuffix(".part")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            if response.status != http.HTTPStatus.PARTIAL_CONTENT:
                have = 0
            announced = response.headers.get("Content-Length")
            total = have + int(announced) if announced else None
            bar.update(task, total=total, completed=have)
            with part.open("ab" if have else "wb") as file:
                while block := _read(response):
                    file.write(block)
                    have += len(block)
                    bar.update(task, completed=have)
            return total is None or have == total
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            # There is nothing after what we have: it is the whole file, or not this file at all.
            return True
        raise OperationalError(f"{name}: {_host(url)} answered {error.code} {error.reason}") from error
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        reason = getattr(error, "reason", None) or error
        raise OperationalError(
            f"{name}: cannot reach {_host(url)} ({getattr(reason, 'strerror', None) or reason}); if you are "
            "offline, run the same command with --to DIR on a machine that is not, copy DIR, and set "
            "data.root to it"
        ) from error


def _read(response: http.client.HTTPResponse) -> bytes:
    """The next bytes; none when the connection breaks, which the count of bytes will tell."""
    try:
        return response.read(BLOCK)
    except (http.client.HTTPException, ConnectionError, TimeoutError):
        return b""


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc
