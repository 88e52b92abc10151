"""The web root as a WSGI application. Werkzeug answers conditional requests and ranges (RFC 9110, 13 and 14).

Files are replaced by rename while the server runs, so size and time are read from the open file.
"""

import hashlib
import io
import os
import re
import stat
from collections.abc import Callable, Collection, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, unquote, urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.datastructures import Accept
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import http_date
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import wrap_file

from publisher.config import Settings
from publisher.serving import headers
from publisher.urls import GONE_NAME, MISSING_NAME
from publisher.web_files import COMPRESSORS

_INDEX = "index.html"
IDENTITY = "identity"
# Codings and the ends of their files' names. The smallest first: of equal weights the first is used.
CODINGS = {"br": ".br", "gzip": ".gz", IDENTITY: ""}
# One range. Others are ignored, as RFC 9110, 14.2 allows: Werkzeug would refuse them.
_ONE_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*")
_BLOCK_BYTES = 64 * 1024
# Bytes of documents that are compressed at each request, if they have no copies: 20 kB take 1 ms, 2 MB 60 ms.
_PACKED_BYTES = range(1_000, 2_000_000)
# A film of 1 GB would take a second.
_MAX_HASHED_BYTES = 8_000_000
_MAX_CONTENT_TAGS = 20_000
_content_tags: dict[tuple[int, int, int, int], str] = {}


class StaticSite:
    """Serves a publication's `public/` below the path of its URL, with the settings of the moment."""

    def __init__(self, current_settings: Callable[[], Settings]) -> None:
        self._current_settings = current_settings

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        return _answer(Request(environ), self._current_settings())(environ, start_response)


def _answer(request: Request, settings: Settings) -> Response:
    prefix = f"{unquote(urlsplit(settings.publication.url).path)}/"
    is_below = request.path.startswith(prefix)
    path = request.path.removeprefix(prefix) if is_below else ""
    if request.method == "OPTIONS":
        is_public = is_below and headers.document_kind(path, settings).public
        asked = (*headers.cors_headers(), *headers.PREFLIGHT_HEADERS) if is_public else ()
        fields = (("Allow", headers.ALLOWED_METHODS), *asked, *headers.COMMON_HEADERS)
        return Response(status=HTTPStatus.NO_CONTENT, headers=fields)
    if request.method not in {"GET", "HEAD"}:
        return _plain(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", headers.ALLOWED_METHODS))
    if not is_below:
        return _outside(request, prefix)
    root = settings.folders.public
    document = locate_file(root, path)
    if document is None:
        return _missing(root, path)
    if document.endswith("/"):
        cache = headers.document_kind(path, settings).cache_control
        moved = HTTPStatus.MOVED_PERMANENTLY
        return _redirect(moved, f"{prefix}{document}", request, ("Cache-Control", cache))
    return _document(root / document, document, request, settings)


def _outside(request: Request, prefix: str) -> Response:
    if f"{request.path}/" == prefix:
        return _redirect(HTTPStatus.MOVED_PERMANENTLY, prefix, request)
    if request.path == "/":
        return _redirect(HTTPStatus.FOUND, prefix, request)
    return _plain(HTTPStatus.NOT_FOUND)


def _missing(root: Path, path: str) -> Response:
    gone = locate_file(root, f"{path.removesuffix('/')}/", GONE_NAME)
    words, status = _read(root / gone) if gone else None, HTTPStatus.GONE
    if words is None:
        words, status = _words_of_none(root, path), HTTPStatus.NOT_FOUND
    if words is None:
        return _plain(status)
    fields = (("Content-Type", headers.MEDIA_TYPES["html"]), *headers.COMMON_HEADERS)
    return Response(words, status, fields)


def _words_of_none(root: Path, path: str) -> bytes | None:
    for folder in (path.partition("/")[0], ""):
        found = locate_file(root, f"{folder}/" if folder else "", MISSING_NAME)
        if found:
            return _read(root / found)
    return None


def _document(file: Path, path: str, request: Request, settings: Settings) -> Response:
    coding, is_file, vary = _offer(file, path, request)
    if coding is None:
        return _plain(HTTPStatus.NOT_ACCEPTABLE, *vary)
    try:
        opened = _copy(file, coding if is_file else IDENTITY).open("rb")
    except OSError:  # it is gone meanwhile, or can't be read
        return _plain(HTTPStatus.NOT_FOUND)
    status = os.fstat(opened.fileno())
    tag = f"{_content_tag(opened, status)}{CODINGS[coding].replace('.', '-')}"
    fields = dict((*headers.headers_for(path, settings), *vary))
    if coding != IDENTITY:
        fields["Content-Encoding"] = coding
    if headers.is_styled(path) and headers.is_browser(request.headers.get("Accept", "")):
        # A tag of its own: else a browser could show a copy that it fetched as a feed.
        tag, fields["Content-Type"] = f"{tag}-page", headers.STYLED_TYPE
    if is_file:
        return _sent(opened, status.st_size, status, tag, fields, request)
    with opened:
        content = encode(opened.read(), coding)
    return _sent(io.BytesIO(content), len(content), status, tag, fields, request)


def _offer(
    file: Path, path: str, request: Request
) -> tuple[str | None, bool, tuple[tuple[str, str], ...]]:
    """Return the coding to send, None if the client takes none; whether there is a file in it; and Vary."""
    copies = available_codings(file)
    packed = _packed_codings(file, path)
    # A part is one of a file, which is as long the next time.
    offered = copies if "Range" in request.headers else {*copies, *packed}
    coding = choose_coding(request.accept_encodings, offered)
    return coding, coding in copies, _vary(path, {*copies, *packed})


def encode(content: bytes, coding: str) -> bytes:
    return content if coding == IDENTITY else COMPRESSORS[CODINGS[coding]](content)


def _content_tag(opened: IO[bytes], status: os.stat_result) -> str:
    """Return a hash of an open file's content; of a large file, its size and time."""
    if status.st_size > _MAX_HASHED_BYTES:
        return f"{status.st_mtime_ns:x}-{status.st_size:x}"
    state = (status.st_dev, status.st_ino, status.st_size, status.st_ctime_ns)
    if state not in _content_tags:
        if len(_content_tags) >= _MAX_CONTENT_TAGS:
            _content_tags.clear()
        _content_tags[state] = hashlib.sha256(opened.read()).hexdigest()[:20]
        opened.seek(0)
    return _content_tags[state]


def _packed_codings(file: Path, path: str) -> Collection[str]:
    status = _look(file)
    is_packed = status and status.st_size in _PACKED_BYTES
    is_packed = is_packed and headers.is_text(headers.media_type(path))
    return CODINGS.keys() - {IDENTITY} if is_packed else ()


def _sent(
    opened: IO[bytes],
    size: int,
    status: os.stat_result,
    tag: str,
    fields: Mapping[str, str],
    request: Request,
) -> Response:
    if size <= _BLOCK_BYTES:
        # A client may ask for many at once and read none of them: each would hold a file descriptor.
        with opened:
            body: Any = [opened.read(size)]
    else:
        # The WSGI server sends it, so that no thread waits until the client has read everything.
        body = wrap_file(request.environ, opened, _BLOCK_BYTES)
    response = Response(body, headers=dict(fields), direct_passthrough=True)
    response.content_length = size
    response.headers["Last-Modified"] = http_date(status.st_mtime_ns // 10**9)
    response.set_etag(tag)
    response = _conditional(response, request, size)
    is_part = response.status_code == HTTPStatus.PARTIAL_CONTENT
    if is_part and size > _BLOCK_BYTES and "wsgi.file_wrapper" in request.environ:
        # Werkzeug's range would be read into a temporary file at once. A server's own wrapper sends a file from
        # where it stands, as far as the answer is long (PEP 3333).
        opened.seek(response.content_range.start or 0)
        response.response = body
    return response


def _conditional(response: Response, request: Request, size: int) -> Response:
    environ = _with_one_range(request.environ, response, size)
    try:
        response.make_conditional(environ, accept_ranges=True, complete_length=size)
    except RequestedRangeNotSatisfiable:
        response.close()
        where = ("Content-Range", f"bytes */{size}")
        return _plain(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, where)
    if response.status_code == HTTPStatus.PRECONDITION_FAILED:
        response.close()
        return _plain(HTTPStatus.PRECONDITION_FAILED)
    return response


def _with_one_range(environ: WSGIEnvironment, response: Response, size: int) -> WSGIEnvironment:
    """Return a request with a range only if it is one of a GET of this very document, without another condition."""
    is_get = environ["REQUEST_METHOD"] == "GET"
    # A weak tag is none of these (RFC 9110 section 13.1.5).
    current = (None, response.headers["ETag"], response.headers["Last-Modified"])
    is_current = environ.get("HTTP_IF_RANGE") in current
    is_other = {"HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH"} & environ.keys()
    if is_get and is_current and not is_other and _is_part(environ.get("HTTP_RANGE"), size):
        return environ
    return {name: value for name, value in environ.items() if name != "HTTP_RANGE"}


def _is_part(wanted: object, size: int) -> bool:
    """Return whether a range can be answered or refused; the last bytes of a shorter document are all of it (RFC 9110, 14.1.2)."""
    match = _ONE_RANGE.fullmatch(str(wanted))
    if match is None:
        return False
    first, last = match.groups()
    if not first:
        return bool(last) and int(last) <= size
    return not last or int(first) <= int(last)


def _vary(path: str, available: Collection[str]) -> tuple[tuple[str, str], ...]:
    if headers.is_styled(path):
        return (("Vary", headers.STYLED_VARY),)
    return (("Vary", "Accept-Encoding"),) if len(available) > 1 else ()


def _plain(status: HTTPStatus, *fields: tuple[str, str]) -> Response:
    own = (("Content-Type", headers.PLAIN_TEXT), *fields, *headers.COMMON_HEADERS)
    return Response(f"{status.phrase}\n", status, own)


def _redirect(
    status: HTTPStatus, path: str, request: Request, *fields: tuple[str, str]
) -> Response:
    """Redirect to a path of this host; without the host, since a proxy may have another name."""
    query = request.query_string.decode("latin-1")
    where = quote(path) + (f"?{query}" if query else "")
    return _plain(status, ("Location", where), *fields)


def locate_file(root: Path, path: str, index: str = _INDEX) -> str | None:
    """Return the file for a URL's path below the root, None for none or a hidden one; for a folder without its slash, with it."""
    if headers.is_hidden(path) or not _is_canonical(path):
        return None
    if not path or path.endswith("/"):
        return f"{path}{index}" if _look(root / path / index) else None
    if _look(root / path):
        return path
    return f"{path}/" if _look(root / path / index) else None


def _is_canonical(path: str) -> bool:
    """Return whether a path is in its only spelling, so that it can't leave the root."""
    inner = path.removesuffix("/").split("/") if path else []
    return "\\" not in path and not {"", ".", ".."} & set(inner)


def available_codings(file: Path) -> list[str]:
    own = _look(file)
    if own is None:
        return []
    copies = {coding: _look(_copy(file, coding)) for coding in CODINGS}
    return [
        coding
        for coding, status in copies.items()
        if status and status.st_mtime_ns >= own.st_mtime_ns
    ]


def choose_coding(accepted: Accept, available: Collection[str]) -> str | None:
    """Return the coding to answer in, None if the client accepts no available one. Without the header it may know none."""

    def weight(coding: str) -> float:
        if accepted.find(coding) >= 0:
            return accepted.quality(coding)
        # Not named: identity stays allowed, after all codings that are named.
        return 0.0001 if coding == IDENTITY else 0

    best = max((coding for coding in CODINGS if coding in available), key=weight, default=None)
    return best if best and weight(best) > 0 else None


def _copy(file: Path, coding: str) -> Path:
    return file.with_name(file.name + CODINGS[coding])


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:  # it is gone meanwhile
        return None


def _look(path: Path) -> os.stat_result | None:
    try:
        status = path.stat()
    except (OSError, ValueError):  # no such file, or no valid file name
        return None
    return status if stat.S_ISREG(status.st_mode) else None
