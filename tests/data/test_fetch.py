"""Fetching, against a server on this machine: whole, resumed, refused, offline."""

import errno
import hashlib
import http.server
import json
import os
import threading

import pytest

from signkit.data import fetch as module
from signkit.data.fetch import BOSTON104_URL, Source, fetch
from signkit.errors import OperationalError, UserError

CONTENTS = {"a.csv": b"video,frame\n" * 40_000, "b.csv": b"x,y\n1,2\n"}
HOST = "127.0.0.1"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the server's files; cuts off after `limit` bytes where there is one."""

    def do_GET(self):
        name = self.path.rsplit("/", 1)[1]
        content = self.server.contents.get(name)
        requested = self.headers.get("Range")
        self.server.requests.append((name, requested))
        if self.server.hangs_up:
            return
        if content is None:
            self.send_error(404)
            return
        start = int(requested.removeprefix("bytes=").rstrip("-")) if requested else 0
        if requested and start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if requested and self.server.resumes else 200)
        content = content[start if self.server.resumes else 0 :]
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: self.server.limit])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    shas = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}
    monkeypatch.setitem(module.SOURCES, "boston104", Source("http://unused.invalid", shas))
    with http.server.ThreadingHTTPServer((HOST, 0), Handler) as running:
        running.contents, running.requests = dict(CONTENTS), []
        running.limit, running.resumes, running.hangs_up = None, True, False
        running.url = f"http://{HOST}:{running.server_port}/data/"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def get(server, folder, **options):
    return fetch("boston104", folder, base_url=server.url, **options)


def whole(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()} == CONTENTS


def test_a_fetched_corpus_is_whole_and_fetched_once(server, tmp_path, capsys):
    folder = tmp_path / "new" / "folder"
    assert get(server, folder) == 0
    assert whole(folder)
    assert capsys.readouterr().out == f"boston104 is in {folder}\n"
    assert get(server, folder) == 0
    assert capsys.readouterr().out == f"boston104 is already complete in {folder}\n"
    assert server.requests == [("a.csv", None), ("b.csv", None)]


def test_as_json(server, tmp_path, capsys):
    assert get(server, tmp_path, as_json=True) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {
        "corpus": "boston104",
        "folder": str(tmp_path),
        "fetched": ["a.csv", "b.csv"],
        "files": ["a.csv", "b.csv"],
    }
    assert captured.err == ""


def test_only_what_is_missing_is_fetched(server, tmp_path):
    (tmp_path / "b.csv").write_bytes(CONTENTS["b.csv"])
    get(server, tmp_path)
    assert server.requests == [("a.csv", None)]


def test_a_broken_connection_is_taken_up_again(server, tmp_path):
    server.limit = 200_000
    get(server, tmp_path)
    assert whole(tmp_path)
    assert server.requests[:3] == [("a.csv", None), ("a.csv", "bytes=200000-"), ("a.csv", "bytes=400000-")]


def test_a_connection_that_keeps_breaking_leaves_a_part_to_go_on_with(server, tmp_path):
    server.limit = 100_000
    with pytest.raises(OperationalError) as error:
        get(server, tmp_path)
    assert str(error.value) == (
        f"a.csv: {HOST}:{server.server_port} ended the connection after 300000 bytes; "
        "run the same command again to go on from there"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv.part"]
    server.limit = None
    get(server, tmp_path)
    assert whole(tmp_path)
    assert server.requests[3] == ("a.csv", "bytes=300000-")


def test_a_server_that_cannot_resume_sends_all(server, tmp_path):
    server.resumes = False
    (tmp_path / "a.csv.part").write_bytes(CONTENTS["a.csv"][:1000])
    get(server, tmp_path)
    assert whole(tmp_path)


def test_a_part_that_is_whole_already(server, tmp_path):
    (tmp_path / "a.csv.part").write_bytes(CONTENTS["a.csv"])
    get(server, tmp_path)
    assert whole(tmp_path)


def test_corrupted_content_is_refused_and_thrown_away(server, tmp_path):
    server.contents["a.csv"] = b"something else"
    sent, wanted = (hashlib.sha256(c).hexdigest() for c in (b"something else", CONTENTS["a.csv"]))
    with pytest.raises(OperationalError) as error:
        get(server, tmp_path)
    assert str(error.value) == (
        f"a.csv: what {HOST}:{server.server_port} sent has the SHA-256 {sent}, not {wanted}; "
        "it was thrown away"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_file_with_other_contents_is_left_alone(server, tmp_path):
    (tmp_path / "b.csv").write_bytes(b"mine")
    with pytest.raises(UserError) as error:
        get(server, tmp_path)
    assert str(error.value) == (
        f"{tmp_path}/b.csv: is there already with other contents; "
        "remove it, or choose another folder with --to"
    )
    assert (tmp_path / "b.csv").read_bytes() == b"mine" and server.requests == []


def test_a_file_the_server_does_not_have(server, tmp_path):
    del server.contents["b.csv"]
    with pytest.raises(OperationalError) as error:
        get(server, tmp_path)
    assert str(error.value) == f"b.csv: {HOST}:{server.server_port} answered 404 Not Found"


def test_offline(server, tmp_path):
    with http.server.HTTPServer((HOST, 0), Handler) as closed:
        port = closed.server_port
    with pytest.raises(OperationalError) as error:
        fetch("boston104", tmp_path, base_url=f"http://{HOST}:{port}")
    assert str(error.value) == (
        f"a.csv: cannot reach {HOST}:{port} ({os.strerror(errno.ECONNREFUSED)}); if you are offline, run the "
        "same command with --to DIR on a machine that is not, copy DIR, and set data.root to it"
    )


def test_a_server_that_hangs_up(server, tmp_path):
    server.hangs_up = True
    with pytest.raises(OperationalError) as error:
        get(server, tmp_path)
    assert str(error.value).startswith(
        f"a.csv: cannot reach {HOST}:{server.server_port} (Remote end closed connection without response); "
    )


def test_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OperationalError) as error:
        get(server, tmp_path / "file" / "folder")
    assert str(error.value) == f"{tmp_path}/file/folder: cannot be written: Not a directory"


def test_an_unknown_corpus(tmp_path):
    with pytest.raises(UserError) as error:
        fetch("phoenix", tmp_path)
    assert str(error.value) == "corpus 'phoenix': cannot be fetched; known: boston104"


def test_the_checksums_are_those_of_the_real_files(real_data):
    folder = real_data("boston104_hands")
    assert fetch("boston104", folder) == 0  # complete, so nothing is asked of the network


def test_the_address_names_one_commit():
    assert BOSTON104_URL == (
        "https://raw.githubusercontent.com/udacity/AIND-Recognizer/"
        "cf02ea3c5fe3a76b34161afc61f4e42be1e38ec4/data"
    )
