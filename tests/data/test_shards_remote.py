"""Prepared corpora at an address: fetched once, checked, and the same corpus as in a folder."""

import http.server
import json
import re
import shutil
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import same_samples, video_corpus
from test_shards import prepare

from signkit.commands.data.check import Options, check_corpus
from signkit.data.shards import address
from signkit.data.shards.configs import ShardsConfig
from signkit.data.shards.corpus import read
from signkit.data.shards.verify import verify
from signkit.errors import OperationalError, UserError
from signkit.types import Corpus, Video

AGAIN = "copy it there again"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves a folder, and parts of its files; notes what was asked for."""

    server: "Server"

    def do_GET(self) -> None:
        name = self.path.removeprefix("/packed/")
        part = self.headers.get("Range")
        self.server.requests.append(name)
        path = self.server.folder / name
        if self.server.failures:
            self.server.failures -= 1
            self.send_error(503)
            return
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        if part and self.server.parts:
            first, last = (int(n) for n in re.findall("[0-9]+", part))
            if first >= len(content):
                self.send_error(416)
                return
            content = content[first : last + 1]
        self.send_response(206 if part and self.server.parts else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    """The server, on the loopback."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.requests = folder, list[str]()
        self.parts, self.failures = True, 0
        self.url = f"http://127.0.0.1:{self.server_port}/packed"


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return video_corpus()


@pytest.fixture(scope="module", params=["shards", "mp4"])
def packed(corpus: Corpus, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed") / "out"
    return prepare(corpus, folder, shard_size="30KB", format=request.param)


@pytest.fixture
def server(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Of a copy, which may be damaged."""
    monkeypatch.setattr(address, "PAUSE", 0)
    with Server(Path(shutil.copytree(packed, tmp_path / "copy"))) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def read_at(root: object, cache: Path) -> Corpus:
    return read(ShardsConfig(root=str(root), cache=str(cache)))


def frames(corpus: Corpus) -> list[np.ndarray]:
    signals = [sample.load() for sample in corpus.samples]
    return [s.clip.read(np.arange(s.clip.frames)) for s in signals if isinstance(s, Video)]


def test_it_is_the_same_corpus_and_fetched_once(server: Server, packed: Path, tmp_path: Path) -> None:
    here, there = read_at(packed, tmp_path), read_at(server.url + "/", tmp_path / "cache")
    assert same_samples(there, here)
    assert (there.fingerprint, there.extra_text) == (here.fingerprint, here.extra_text)
    index = ["SHA256SUMS", "corpus.json", "extra_text.jsonl", "index.jsonl"]
    assert sorted(server.requests) == index  # no clip, before one is asked for
    wanted = frames(here)
    assert all(map(np.array_equal, frames(there), wanted))
    assert len(server.requests) == len(index) + len(here.samples)
    server.requests.clear()
    again = read_at(server.url, tmp_path / "cache")
    assert all(map(np.array_equal, frames(again), wanted))
    assert server.requests == ["SHA256SUMS"]
    assert verify(server.url, cache=tmp_path / "cache") == []
    assert server.requests == ["SHA256SUMS"] * 2
    assert not [*(tmp_path / "cache").rglob("*.part")]


def test_another_corpus_at_the_same_address(server: Server, tmp_path: Path) -> None:
    """Its index has another checksum: what is in the cache of the old one is not taken."""
    old = read_at(server.url, tmp_path)
    shutil.rmtree(server.folder)
    prepare(video_corpus(train=2, frames=9), server.folder)
    new = read_at(server.url, tmp_path)
    assert (new.fingerprint != old.fingerprint, len(new.samples)) == (True, 7)
    assert [len(each) for each in frames(new)] == [sample.frames for sample in new.samples]


def last(corpus: Corpus, server: Server) -> tuple[Any, Path, str]:
    """The clip whose bytes are the last ones of the first file of train, that file, and its address."""
    lines = [json.loads(line) for line in (server.folder / "index.jsonl").read_text().split("\n")[:-1]]
    name = min(line["file"] for line in lines if line["split"] == "train")
    entry = [line for line in lines if line["file"] == name][-1]
    sample = next(sample for sample in corpus.samples if sample.id == entry["id"])
    return (sample, entry), server.folder / name, f"{server.url}/{name}"


def test_a_file_that_is_truncated_or_damaged_or_not_there(server: Server, tmp_path: Path) -> None:
    """Named with its address, and never in the cache."""
    found = read_at(server.url, tmp_path / "cache")
    (sample, entry), file, url = last(found, server)
    content, end = file.read_bytes(), entry["offset"] + entry["bytes"]
    file.write_bytes(content[: end - 100])
    what = f"is truncated: it ends at byte {end - 100}, before byte {end} of clip {sample.id!r}"
    assert fault(sample) == f"{url}: {what}; {AGAIN}"
    file.write_bytes(content[: end - 100] + b"x" * 100 + content[end:])
    what = f"is damaged in clip {sample.id!r}: its SHA-256 is not the one in index.jsonl"
    assert fault(sample) == f"{url}: {what}; {AGAIN}"
    assert [str(each) for each in verify(server.url, cache=tmp_path / "cache")] == [f"{url}: {what}; {AGAIN}"]
    file.unlink()
    finished = "give the address of a folder that `signkit data prepare` has finished"
    assert fault(sample) == f"{url}: there is no such file; {finished}"
    file.write_bytes(content)
    sample.load()


def fault(sample: Any) -> str:
    with pytest.raises(UserError) as error:
        sample.load()
    return str(error.value)


def test_an_index_that_is_damaged_or_not_there(server: Server, tmp_path: Path) -> None:
    index = server.folder / "index.jsonl"
    index.write_text(index.read_text()[:-9])
    with pytest.raises(UserError) as error:
        read_at(server.url, tmp_path)
    what = "is damaged: its SHA-256 is not the one in SHA256SUMS"
    assert str(error.value) == f"{server.url}/index.jsonl: {what}; {AGAIN}"
    finished = "give the address of a folder that `signkit data prepare` has finished"
    with pytest.raises(UserError) as error:
        read_at(f"{server.url}/nowhere", tmp_path)
    assert str(error.value) == f"{server.url}/nowhere/SHA256SUMS: there is no such file; {finished}"


def test_a_server_that_fails_for_a_moment_and_one_that_is_not_there(server: Server, tmp_path: Path) -> None:
    server.failures = 2
    assert len(read_at(server.url, tmp_path).samples) == 11
    server.failures = 3
    with pytest.raises(OperationalError) as error:
        read_at(server.url, tmp_path)
    assert str(error.value) == f"{server.url}/SHA256SUMS: cannot be read: Service Unavailable"
    with pytest.raises(OperationalError) as error:
        read_at("http://127.0.0.1:9/packed", tmp_path)
    assert str(error.value) == "http://127.0.0.1:9/packed/SHA256SUMS: cannot be read: Connection refused"


def test_a_server_without_parts(server: Server, tmp_path: Path) -> None:
    """Of whole files, an mp4 file is a clip; a shard is not."""
    server.parts = False
    found = read_at(server.url, tmp_path)
    (sample, _), file, url = last(found, server)
    if file.suffix == ".mp4":
        sample.load()
    else:
        what = "the server sends whole files only, and no parts of them (HTTP Range)"
        assert fault(sample) == f"{url}: {what}; take another server, or copy the folder"


def test_addresses_of_fsspec(packed: Path, tmp_path: Path) -> None:
    """One of fsspec's own, which is a folder; and those that need a package."""
    there = read_at(f"file://{packed}", tmp_path)
    assert all(map(np.array_equal, frames(there), frames(read_at(packed, tmp_path))))
    with pytest.raises(UserError) as error:
        read_at("signs://bucket/packed", tmp_path)
    what = "is not an address that fsspec knows (Protocol not known: signs)"
    assert str(error.value) == f"signs://bucket/packed/SHA256SUMS: {what}"
    for scheme, package in (("s3", "s3fs"), ("gs", "gcsfs")):
        if find_spec(package) is None:
            with pytest.raises(UserError) as error:
                read_at(f"{scheme}://bucket/packed", tmp_path)
            url = f"{scheme}://bucket/packed/SHA256SUMS"
            assert str(error.value) == f"{url}: needs the package {package}; pip install {package}"


@pytest.mark.skipif(
    find_spec("moto") is None or find_spec("s3fs") is None, reason="moto[server] or s3fs is not installed"
)
@pytest.mark.parametrize("packed", ["shards"], indirect=True)
def test_an_s3_server(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    import s3fs

    files = s3fs.S3FileSystem()
    files.mkdir("bucket")
    files.put(str(packed), "bucket/packed", recursive=True)
    there = read_at("s3://bucket/packed", tmp_path)
    assert all(map(np.array_equal, frames(there), frames(read_at(packed, tmp_path))))
    with pytest.raises(UserError):
        read_at("s3://bucket/nowhere", tmp_path)
    server.stop()


@pytest.mark.parametrize("packed", ["shards"], indirect=True)
def test_a_verb(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = Options(root=server.url, overrides=(f"data.cache={tmp_path}",), as_json=True)
    assert check_corpus("shards", options) == 0
    assert json.loads(capsys.readouterr().out)["clips"] == 11
