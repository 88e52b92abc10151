"""Files of the console: its style sheet, and what lies in `static/`, each below its hash."""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

import flask

from publisher.rendering.palette import palette
from publisher.web.console.routes import Access, Route

if TYPE_CHECKING:
    from publisher.config import Publication
    from publisher.rendering.console import ConsolePages
    from publisher.web.console.context import ConsoleRequest

_STYLE = "console.css"
_MEDIA_TYPES = {
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
    "txt": "text/plain",
}
# A year in seconds: another file has another address.
_CACHE = "private, max-age=31536000, immutable"


def asset_path(name: str) -> str:
    """Return the path of a file in `static/`."""
    return _path(name, _static_file(name))


def console_style_path(pages: ConsolePages, publication: Publication) -> str:
    """Return the path of the style sheet, which has the publication's colours and languages."""
    return _path(_STYLE, _style(pages, publication))


def _show(request: ConsoleRequest, digest: str, name: str) -> flask.Response:
    pages, publication = request.context.opened.pages, request.settings.publication
    if name == _STYLE:
        content = _style(pages, publication)
    elif name in _static_names():
        content = _static_file(name)
    else:
        flask.abort(404)
    if digest != _digest(content):
        flask.abort(404)
    response = flask.Response(content, mimetype=_MEDIA_TYPES[name.rpartition(".")[2]])
    response.headers["Cache-Control"] = _CACHE
    return response


ROUTES = (Route(path="/-/<digest>/<name>", view=_show, access=Access.PUBLIC),)


def _path(name: str, content: bytes) -> str:
    return f"/-/{_digest(content)}/{name}"


@lru_cache(maxsize=64)
def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


@cache
def _static_names() -> frozenset[str]:
    folder = files(__package__).joinpath("static")
    return frozenset(one.name for one in folder.iterdir()) if folder.is_dir() else frozenset()


@cache
def _static_file(name: str) -> bytes:
    return files(__package__).joinpath("static", name).read_bytes()


def _style(pages: ConsolePages, publication: Publication) -> bytes:
    return _sheet(pages, publication.design.accent, publication.languages)


@lru_cache(maxsize=4)
def _sheet(pages: ConsolePages, accent: str, languages: tuple[str, ...]) -> bytes:
    colours = palette(accent, "#ffffff")
    values = {"palette": colours, "languages": languages}
    return pages.render("style.css", "en", values).encode()
