"""The web root as a WSGI application (RFC 9110).

WhiteNoise would not do: it gives all encodings of a file one entity tag, accepts `gzip;q=0`,
compares If-None-Match as one string, and reads sizes before it opens files that may be replaced
meanwhile.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import quote, unquote, urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from publisher.config import Settings
from publisher.serving.files import (
    BLOCK_SIZE,
    FileRange,
    Representation,
    available_codings,
    evaluate_preconditions,
    locate_file,
    open_representation,
    requested_range,
)
from publisher.serving.headers import (
    ALLOWED_METHODS,
    COMMON_HEADERS,
    IDENTITY_CODING,
    MEDIA_TYPES,
    PLAIN_TEXT,
    PREFLIGHT_HEADERS,
    STYLED_TYPE,
    STYLED_VARY,
    choose_coding,
    cors_headers,
    document_kind,
    headers_for,
    is_browser,
    is_styled,
)
from publisher.urls import GONE_NAME

HeaderFields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SiteRequest:
    """A request with a decoded path; names of header fields are in lower case."""

    method: str
    path: str
    query: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SiteResponse:
    """An answer; a FileRange as its body has to be closed."""

    status: HTTPStatus
    headers: HeaderFields
    body: Iterable[bytes] = ()


class StaticSite:
    """Serves a publication's `public/` below the path of its URL."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._root = settings.folders.public
        self._prefix = f"{unquote(urlsplit(settings.publication.url).path)}/"

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        request = _request(environ)
        response = self.answer(request)
        status = f"{response.status.value} {response.status.phrase}"
        start_response(status, list(response.headers))
        if request.method != "HEAD":
            return _sent(response.body, environ)
        if isinstance(response.body, FileRange):
            response.body.close()
        return ()

    def answer(self, request: SiteRequest) -> SiteResponse:
        """Return the answer; for HEAD it has the body of GET, which the caller does not send."""
        path = self._below(request.path)
        if request.method == "OPTIONS":
            return self._options(path)
        if request.method not in {"GET", "HEAD"}:
            return _plain(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", ALLOWED_METHODS))
        if path is None:
            return self._outside(request)
        found = locate_file(self._root, path)
        if found is None:
            return self._missing(path)
        if found.endswith("/"):
            cache = document_kind(path, self._settings).cache_control
            slash = (("Cache-Control", cache),)
            return _redirect(
                HTTPStatus.MOVED_PERMANENTLY, f"{self._prefix}{found}", request, slash
            )
        return self._document(found, request)

    def _missing(self, path: str) -> SiteResponse:
        """Return that there is no such page, or the words that are left of one that was withdrawn."""
        gone = locate_file(self._root, f"{path.removesuffix('/')}/", GONE_NAME)
        opened = open_representation(self._root / gone, IDENTITY_CODING) if gone else None
        if opened is None:
            return _plain(HTTPStatus.NOT_FOUND)
        own = (("Content-Type", MEDIA_TYPES["html"]), ("Content-Length", str(opened.size)))
        body = FileRange(opened.file, range(opened.size))
        return SiteResponse(HTTPStatus.GONE, (*own, *COMMON_HEADERS), body)

    def _below(self, path: str) -> str | None:
        """Return a path relative to the web root, None if it is not below the root."""
        return path.removeprefix(self._prefix) if path.startswith(self._prefix) else None

    def _outside(self, request: SiteRequest) -> SiteResponse:
        if f"{request.path}/" == self._prefix:
            return _redirect(HTTPStatus.MOVED_PERMANENTLY, self._prefix, request)
        if request.path == "/":
            return _redirect(HTTPStatus.FOUND, self._prefix, request)
        return _plain(HTTPStatus.NOT_FOUND)

    def _options(self, path: str | None) -> SiteResponse:
        public = path is not None and document_kind(path, self._settings).public
        asked = (*cors_headers(), *PREFLIGHT_HEADERS) if public else ()
        return SiteResponse(
            HTTPStatus.NO_CONTENT, (("Allow", ALLOWED_METHODS), *asked, *COMMON_HEADERS)
        )

    def _document(self, path: str, request: SiteRequest) -> SiteResponse:
        file = self._root / path
        available = available_codings(file)
        vary = _vary(path, available)
        coding = choose_coding(request.fields.get("accept-encoding"), available)
        if coding is None:
            return _plain(HTTPStatus.NOT_ACCEPTABLE, *vary)
        opened = open_representation(file, coding)
        if opened is None:
            return _plain(HTTPStatus.NOT_FOUND)
        encoding = () if coding == IDENTITY_CODING else (("Content-Encoding", coding),)
        said = (*headers_for(path, self._settings), *vary, *encoding)
        if is_styled(path) and is_browser(request.fields.get("accept", "")):
            opened, said = _as_page(opened, said)
        return _representation(opened, said, request)


def _sent(body: Iterable[bytes], environ: WSGIEnvironment) -> Iterable[bytes]:
    """Let the WSGI server send a large file itself if it can (PEP 3333).

    Otherwise one of its threads would wait until the client has read everything. A small file
    fits into memory and is closed at once.
    """
    wrapper = environ.get("wsgi.file_wrapper")
    if wrapper is None or not isinstance(body, FileRange) or body.size <= BLOCK_SIZE:
        return body
    wrapped: Iterable[bytes] = wrapper(body, BLOCK_SIZE)
    return wrapped


def _vary(path: str, available: Collection[str]) -> HeaderFields:
    if is_styled(path):
        return (("Vary", STYLED_VARY),)
    return (("Vary", "Accept-Encoding"),) if len(available) > 1 else ()


def _as_page(opened: Representation, said: HeaderFields) -> tuple[Representation, HeaderFields]:
    """Return a feed with the media type that browsers show, and an entity tag of its own."""
    kept = (field for field in said if field[0] != "Content-Type")
    page = replace(opened, validators=opened.validators.of_variant("page"))
    return page, (("Content-Type", STYLED_TYPE), *kept)


def _representation(
    opened: Representation, said: HeaderFields, request: SiteRequest
) -> SiteResponse:
    """Return a document, a range of it, or a status without a body."""
    validators = opened.validators
    own = (("ETag", validators.etag), ("Last-Modified", validators.last_modified))
    status = evaluate_preconditions(request.fields, validators)
    if status is not HTTPStatus.OK:
        opened.file.close()
        if status is not HTTPStatus.NOT_MODIFIED:
            return _plain(status)
        # Without fields of the content: a cache would update its copy with them (RFC 9110, 15.4.5).
        kept = [(name, value) for name, value in said if not name.startswith("Content-")]
        return SiteResponse(status, (*kept, *own))
    is_get = request.method == "GET"
    wanted = requested_range(request.fields, validators, opened.size) if is_get else None
    if wanted is not None and not wanted:
        opened.file.close()
        where = ("Content-Range", f"bytes */{opened.size}")
        return _plain(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, where)
    return _content(opened, (*said, *own, ("Accept-Ranges", "bytes")), wanted)


def _content(
    opened: Representation, headers: HeaderFields, wanted: range | None
) -> SiteResponse:
    status = HTTPStatus.OK
    if wanted is not None:
        status = HTTPStatus.PARTIAL_CONTENT
        where = f"bytes {wanted.start}-{wanted.stop - 1}/{opened.size}"
        headers = (*headers, ("Content-Range", where))
    sent = range(opened.size) if wanted is None else wanted
    headers = (*headers, ("Content-Length", str(len(sent))))
    return SiteResponse(status, headers, FileRange(opened.file, sent))


def _plain(status: HTTPStatus, *more: tuple[str, str]) -> SiteResponse:
    text = f"{status.phrase}\n".encode()
    own = (("Content-Type", PLAIN_TEXT), ("Content-Length", str(len(text))))
    return SiteResponse(status, (*own, *more, *COMMON_HEADERS), (text,))


def _redirect(
    status: HTTPStatus, path: str, request: SiteRequest, more: HeaderFields = ()
) -> SiteResponse:
    """Redirect to a path of this host; without the host, since a proxy may have another name."""
    query = f"?{request.query}" if request.query else ""
    return _plain(status, ("Location", quote(path) + query), *more)


def _request(environ: WSGIEnvironment) -> SiteRequest:
    fields = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    # WSGI passes bytes as latin-1. A path that is not UTF-8 matches no file.
    path = str(environ.get("PATH_INFO", "")).encode("latin-1").decode("utf-8", "replace")
    query = str(environ.get("QUERY_STRING", ""))
    return SiteRequest(str(environ["REQUEST_METHOD"]), path, query, fields)
