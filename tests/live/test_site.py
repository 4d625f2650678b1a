"""The page's files and their server: what is given, to whom, and what is refused."""

import http.client
import json
import re
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from live_page import ROOT, needs_page, write_colours
from tracing import unchecked_shapes

import signkit
from signkit.commands.live import site
from signkit.commands.live.server import HEADERS, serving
from signkit.commands.live.site import POLICY, Site, check_readable, site_of, write_site
from signkit.commands.live.verb import LiveOptions, exported, run_live
from signkit.errors import OperationalError, UserError

Ask = Callable[..., tuple[int, dict[str, str], bytes]]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """Ask a server of three files; beside one of them on the disk there is another."""
    (tmp_path / "there.js").write_text("1;", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    files: dict[str, Path | bytes] = {"index.html": b"<!doctype html>", "js/there.js": tmp_path / "there.js"}
    with serving(Site({**files, "a.wasm": b"\0asm", "b.tflite": b"x"}), 0) as url:

        def asked(path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
            address = urlsplit(url)
            line = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
            line.putrequest(method, path, skip_host="Host" in headers)
            for key, value in headers.items():
                line.putheader(key.replace("_", "-"), value)
            line.endheaders()
            answer = line.getresponse()
            found = answer.status, dict(answer.getheaders()), answer.read()
            line.close()
            return found

        yield asked


def test_files_have_their_types_and_the_policy(ask: Ask) -> None:
    for path, kind in (
        ("/", "text/html; charset=utf-8"),
        ("/index.html?now", "text/html; charset=utf-8"),
        ("/js/there.js", "text/javascript; charset=utf-8"),
        ("/a.wasm", "application/wasm"),
        ("/b.tflite", "application/octet-stream"),
    ):
        status, headers, body = ask(path)
        assert (status, headers["Content-Type"], headers["Content-Length"]) == (200, kind, str(len(body)))
        assert HEADERS.items() <= headers.items()
    assert ask("/js/there.js", "HEAD")[2] == b""


def test_the_policy_lets_nothing_out() -> None:
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self'"
    assert rules["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert not re.search(r"https?:|\*|unsafe-inline|'unsafe-eval'", POLICY)


@pytest.mark.parametrize(
    "path",
    ["/js", "/js/", "/secret.txt", "/js/../secret.txt", "/js/%2e%2e/secret.txt", "//etc/passwd", "/%00"],
)
def test_nothing_else_is_there(ask: Ask, path: str) -> None:
    assert ask(path)[::2] == (404, b"there is no such file\n")


def test_a_file_is_sent_again_only_if_it_has_changed(ask: Ask, tmp_path: Path) -> None:
    tag = ask("/js/there.js")[1]["ETag"]
    assert ask("/js/there.js", If_None_Match=tag)[::2] == (304, b"")
    (tmp_path / "there.js").write_text("2;", encoding="utf-8")
    assert ask("/js/there.js", If_None_Match=tag)[::2] == (200, b"2;")
    (tmp_path / "there.js").unlink()
    assert ask("/js/there.js")[0] == 404


def test_a_name_of_elsewhere_is_refused(ask: Ask) -> None:
    assert ask("/", Host="elsewhere.example:80")[0] == 403
    assert ask("/", Host="localhost:80")[0] == 200
    assert ask("/", "POST")[0] == 501


def test_a_page_that_is_left_while_it_loads(capfd: pytest.CaptureFixture[str]) -> None:
    with serving(Site({"large.data": bytes(20_000_000)}), 0) as url:
        address = urlsplit(url)
        for _ in range(3):
            with socket.create_connection((str(address.hostname), int(address.port or 0))) as line:
                line.sendall(b"GET /large.data HTTP/1.1\r\nHost: localhost:1\r\n\r\n")
                assert line.recv(1) == b"H"
                line.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )  # reset, not ended
        line = http.client.HTTPConnection(str(address.hostname), address.port)
        line.request("HEAD", "/large.data")
        assert line.getresponse().status == 200
        line.close()
    assert capfd.readouterr() == ("", "")


def test_a_port_that_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UserError) as error, serving(Site({}), port):
            pass
    assert str(error.value) == f"--port: {port} is taken; give another one, or 0 for one that is free"


def test_a_page_that_was_not_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(site, "VENDOR", "nowhere")
    what = "the page's libraries (onnxruntime-web, @mediapipe/hands) are not built; run `make web` in a "
    what += "checkout of signkit, which needs npm, and install that"
    with pytest.raises(UserError) as error:
        run_live("hand_letters", LiveOptions())
    assert str(error.value) == f"signkit live: {what}"
    with pytest.raises(UserError) as error:
        signkit.export("hand_letters", tmp_path / "page", to="web")
    assert str(error.value) == f"export --to web: {what}"
    assert list(tmp_path.iterdir()) == []


def test_models_that_the_page_cannot_read(tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    file.write_text('{"input": {"layout": "hands", "points": ["left_hand_wrist"]}}', encoding="utf-8")
    check_readable(tmp_path)
    file.write_text('{"input": {"layout": "x", "points": ["wrist", "nose"]}}', encoding="utf-8")
    with pytest.raises(UserError) as error:
        check_readable(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: the model reads points of the layout 'x', and the page tracks hands alone; --camera or "
        "--video of `signkit live` track the whole body"
    )
    for what in ("topology", "end"):
        file.write_text(json.dumps({what: 0}), encoding="utf-8")
        with pytest.raises(UserError) as error:
            check_readable(tmp_path)
        assert str(error.value) == (
            f"{tmp_path}: the model finds its texts by a search, which neither the page nor an export does; "
            "--camera or --video read with the run itself, if it is a C2ST that streams (docs/streaming.md)"
        )
    for content in ("", "[]", "{}", '{"input": 1}'):
        file.write_text(content, encoding="utf-8")
        with pytest.raises(OperationalError) as broken:
            check_readable(tmp_path)
        assert str(broken.value) == f"{file}: is not the description of an exported model"


def test_a_damaged_export(tmp_path: Path) -> None:
    folder = write_colours(tmp_path / "model")
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  model.onnx\n", encoding="utf-8")
    with pytest.raises(OperationalError) as error, exported(folder):
        pass
    assert str(error.value) == (
        f"{folder / 'model.onnx'}: damaged (its SHA-256 is not the one in SHA256SUMS)"
    )


def test_words_of_an_export_may_be_changed(tmp_path: Path) -> None:
    folder = write_colours(tmp_path / "model")
    (folder / "lexicon.txt").write_text("hello", encoding="utf-8")
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  lexicon.txt\n", encoding="utf-8")
    with exported(folder) as found:
        assert found == folder


def test_two_sources(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        run_live("hand_letters", LiveOptions(video=tmp_path / "a.mp4", camera=0))
    assert str(error.value) == "--camera: is given with --video; give one of them"


@needs_page
def test_serving_an_export_imports_nothing_heavy_and_looks_up_no_name(tmp_path: Path) -> None:
    folder = write_colours(tmp_path / "model")
    (folder / "SHA256SUMS").write_text("", encoding="utf-8")
    code = f"""
import socket, sys
def refuse(*given): raise AssertionError(given)
socket.getaddrinfo = socket.gethostbyaddr = socket.getfqdn = refuse
from signkit.commands.live.verb import live
with live({str(folder)!r}, port=0) as url:
    print(url.rpartition(":")[0], [name for name in ("torch", "numpy", "onnx", "av") if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ("http://127.0.0.1 []\n", "")


@needs_page
def test_a_page_for_any_host(tmp_path: Path) -> None:
    """Paths are relative, the policy is in the page, and less than 15 MB are no WebAssembly."""
    model = write_colours(tmp_path / "model")
    write_site(model, tmp_path / "page")
    page = tmp_path / "page"
    text = (page / "index.html").read_text(encoding="utf-8")
    assert f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">' in text
    scripts = [path.read_text(encoding="utf-8") for path in (page / "js").glob("*.js")]
    assert not re.search(r"""["'](?:/|https?:)""", "".join([text, *scripts]))
    sizes = json.loads((page / "files.json").read_text(encoding="utf-8"))
    assert sizes == {name: (page / name).stat().st_size for name in sizes}
    assert {"vendor/ort/ort.js", "vendor/hands/hands.js", "model/model.onnx"} <= sizes.keys()
    whole = sum(path.stat().st_size for path in page.rglob("*") if path.is_file() and path.suffix != ".wasm")
    assert whole < 15e6
    assert (page / "vendor/ort/LICENSE.txt").is_file() and (page / "vendor/hands/LICENSE.txt").is_file()


@needs_page
def test_a_page_by_the_verb_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with unchecked_shapes():
        page = tmp_path / "page"
        found = signkit.export("hand_letters", page, to="web", precision="float16")
        assert (found.folder, found.precision, found.outputs) == (page, "float16", ("gloss",))
        assert (page / "model" / "model.onnx").stat().st_size == found.size
        assert (page / "index.html").is_file()
        with pytest.raises(UserError) as error:
            signkit.export("hand_letters", page, to="web")
        assert str(error.value) == f"{page}: has an export already; --force replaces it"
        (page / "js" / "old.js").touch()
        signkit.export("hand_letters", page, to="web", force=True)
        assert not (page / "js" / "old.js").exists()


@needs_page
def test_what_a_browser_is_given_first_is_what_it_has_to_load(tmp_path: Path) -> None:
    model = write_colours(tmp_path / "model")
    (model / "lexicon.txt").write_text("hello\n", encoding="utf-8")
    found = site_of(model)
    sizes = json.loads(found.read("files.json"))
    assert sizes["model/lexicon.txt"] == 6
    assert not {name for name in sizes if name.endswith(("LICENSE.txt", ".json"))}


def test_no_registry_is_named_and_releases_are_exact() -> None:
    lock = (ROOT / "web" / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    described = json.loads((ROOT / "web" / "package.json").read_text(encoding="utf-8"))
    wanted = described["dependencies"] | described["devDependencies"]
    assert all(re.fullmatch(r"[0-9.]+", release) for release in wanted.values())
    packages = json.loads(lock)["packages"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    # Later releases, and its successor `tasks-vision`, send their maker what they measure.
    assert wanted["@mediapipe/hands"] == "0.4.1675469240"
    assert not any("tasks-vision" in name for name in packages)
