"""A server of one page for this machine alone: fixed files, a strict policy, no listing, nothing else."""

import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

from signkit.commands.live.site import POLICY, Site
from signkit.errors import OperationalError, UserError

HOST = "127.0.0.1"
TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "wasm": "application/wasm",
}
HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # asked for again each time, and sent again only if it has changed
}


class _Server(ThreadingHTTPServer):
    """One that looks up no name: the one of the standard library asks for that of its own address."""

    daemon_threads = True

    def server_bind(self) -> None:
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a page that was left while it loaded
            super().handle_error(request, client_address)


@contextmanager
def serving(site: Site, port: int) -> Iterator[str]:
    """Serve a page on 127.0.0.1 in a thread for as long as the block runs; yields its address.

    Args:
        port: 0 takes one that is free.

    Raises:
        UserError: the port is taken, or needs rights that the user lacks.
        OperationalError: nothing can be served at all.
    """
    try:
        server = _Server((HOST, port), _handler(site))
    except PermissionError:
        raise UserError("--port", f"{port} needs special rights", "take one from 1024 on") from None
    except OSError as error:
        if port == 0:
            raise OperationalError(f"no port can be opened: {error.strerror}") from error
        raise UserError("--port", f"{port} is taken", "give another one, or 0 for one that is free") from None
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _content(site: Site, name: str) -> bytes | None:
    """What is in a file; None if there is none, or none any more."""
    try:
        return site.read(name) if name in site.files else None
    except OSError:
        return None


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers GET and HEAD of the site's files."""

        protocol_version = "HTTP/1.1"
        server_version, sys_version = "signkit", ""

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def _answer(self, *, with_body: bool) -> None:
            name = unquote(urlsplit(self.path).path).removeprefix("/") or "index.html"
            # A page of elsewhere whose name leads to this machine sends its own name.
            host = (self.headers.get("Host") or "").rpartition(":")[0]
            if host not in (HOST, "localhost"):
                self._send(HTTPStatus.FORBIDDEN, "txt", b"ask for 127.0.0.1 or localhost\n", with_body)
            elif (content := _content(site, name)) is None:
                self._send(HTTPStatus.NOT_FOUND, "txt", b"there is no such file\n", with_body)
            else:
                tag = f'"{zlib.crc32(content):x}-{len(content):x}"'
                if self.headers.get("If-None-Match") == tag:
                    self._send(HTTPStatus.NOT_MODIFIED, "", b"", False, tag)
                else:
                    self._send(HTTPStatus.OK, name.rpartition(".")[2], content, with_body, tag)

        def _send(
            self, status: HTTPStatus, ending: str, content: bytes, with_body: bool, tag: str = ""
        ) -> None:
            self.send_response(status)
            for key, value in HEADERS.items():
                self.send_header(key, value)
            if tag:
                self.send_header("ETag", tag)
            if status != HTTPStatus.NOT_MODIFIED:
                self.send_header("Content-Type", TYPES.get(ending, "application/octet-stream"))
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if with_body:
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
