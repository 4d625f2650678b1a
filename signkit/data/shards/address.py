"""Bytes of a file at an address: http and https by Python itself, s3, gs and others by fsspec."""

import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable

from signkit.errors import OperationalError, UserError, first_line

ATTEMPTS = 3
PAUSE = 1.0  # seconds after the first attempt that failed; twice as long after the next
TIMEOUT = 30.0  # seconds without a byte
OF_THE_SERVER = 500
"""From here on, an HTTP status is no fault of the request: it is tried again."""
GIVE = "give the address of a folder that `signkit data prepare` has finished"


def read_all(url: str) -> bytes:
    """A whole file.

    Raises:
        UserError: there is no such file, or a package is missing that reads such addresses.
        OperationalError: the server cannot be reached, or refuses.
    """
    return _tried(url, lambda: _get(url, None) if _is_http(url) else _of_fsspec(url, None, None))


def read_part(url: str, begin: int, size: int) -> bytes:
    """Some bytes of a file; fewer where it ends before.

    Raises:
        UserError: as by `read_all`; or the server sends whole files only.
        OperationalError: as by `read_all`.
    """
    end = begin + size
    return _tried(url, lambda: _get(url, (begin, end)) if _is_http(url) else _of_fsspec(url, begin, end))


def _is_http(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _tried(url: str, read: Callable[[], bytes]) -> bytes:
    """What is read, at the third attempt if need be."""
    for attempt in range(ATTEMPTS):
        try:
            return read()
        except (OSError, http.client.HTTPException) as error:
            if attempt + 1 == ATTEMPTS:
                reason = getattr(error, "reason", None) or error
                what = getattr(reason, "strerror", None) or first_line(OSError(reason))
                raise OperationalError(f"{url}: cannot be read: {what}") from error
            time.sleep(PAUSE * 2**attempt)
    raise AssertionError


def _get(url: str, part: tuple[int, int] | None) -> bytes:
    quoted = urllib.parse.quote(url, safe=":/?=&%@[]+~")
    request = urllib.request.Request(quoted)
    if part is not None:
        request.add_header("Range", f"bytes={part[0]}-{part[1] - 1}")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            length = int(response.headers.get("Content-Length") or -1)
            if (
                part is not None
                and response.status != http.HTTPStatus.PARTIAL_CONTENT
                and part != (0, length)
            ):
                what = "the server sends whole files only, and no parts of them (HTTP Range)"
                raise UserError(url, what, "take another server, or copy the folder")
            content: bytes = response.read()
            return content
    except urllib.error.HTTPError as error:
        error.close()
        if error.code >= OF_THE_SERVER:
            raise
        if error.code == http.HTTPStatus.NOT_FOUND:
            raise _missing(url) from error
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return b""  # it ends before
        raise OperationalError(f"{url}: the server answers {error.code} {error.reason}") from error


def _of_fsspec(url: str, begin: int | None, end: int | None) -> bytes:
    try:
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]

        files, path = url_to_fs(url)
    except ImportError as error:
        cause = error if error.name else error.__cause__
        package = getattr(cause, "name", None) or "fsspec"
        raise UserError(url, f"needs the package {package}", f"pip install {package}") from error
    except ValueError as error:
        raise UserError(url, f"is not an address that fsspec knows ({first_line(error)})") from error
    try:
        content: bytes = files.cat_file(path, start=begin, end=end)
        return content
    except FileNotFoundError as error:
        raise _missing(url) from error
    except PermissionError as error:
        raise OperationalError(f"{url}: may not be read: {first_line(error)}") from error
    except OSError:
        raise
    except Exception as error:  # of the package that reads such addresses
        raise OperationalError(
            f"{url}: cannot be read: {type(error).__name__}: {first_line(error)}"
        ) from error


def _missing(url: str) -> UserError:
    return UserError(url, "there is no such file", GIVE)
