"""What every page gets and how it answers: a request; tables of routes; links, redirects, style.

The style sheet is `/-/subscriber.<hash>.css`.
"""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import urlencode

import flask

from publisher.app.operation.page_servers import WebState
from publisher.clock import Clock
from publisher.config import Settings
from publisher.rendering import LanguageLink, PublicationView, Renderer
from publisher.rendering.views import publication_view, view_with_privacy
from publisher.urls import SubscriberPage, page_icon_path, public_url, subscriber_page_path
from publisher.web.security import SAFE_METHODS, client_network, security_headers
from subscribers.consent_records import ConsentChannel, ConsentOrigin

_P = ParamSpec("_P")
_T = TypeVar("_T")


class ReadOnlyRequestError(RuntimeError):
    """A page tried to write for GET, HEAD or OPTIONS: mail scanners follow every link."""


@dataclass(frozen=True, slots=True)
class WebContext:
    """What pages work with. `current_settings` returns those of the moment."""

    current_settings: Callable[[], Settings]
    opened: "WebState"
    clock: Clock
    # Host names besides the publication's under which this server may be reached.
    hosts: frozenset[str] = frozenset()

    @property
    def settings(self) -> Settings:
        return self.current_settings()

    @property
    def secret(self) -> str:
        """The key that links are signed with."""
        return self.opened.secret

    def request(self, language: str) -> "PageRequest":
        """Return the request that is being answered; its page is in this language, if the publication has it."""
        settings = self.settings
        publication = settings.publication
        if language not in publication.languages:
            language = publication.default_language
        return PageRequest(self, language, settings, self.clock.now())


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for a page in a language, with the settings and the instant of its beginning."""

    context: WebContext
    language: str
    settings: Settings
    now: datetime

    @property
    def secret(self) -> str:
        """The key that links are signed with."""
        return self.context.secret

    @property
    def token(self) -> str:
        return flask.request.args.get("t", "")

    @property
    def done(self) -> str:
        """What was just done, as the address of the page says it."""
        return flask.request.args.get("done", "")

    def reading(self) -> AbstractContextManager[Any]:
        return self.context.opened.database.reading()

    def write(
        self, job: Callable[Concatenate[Any, _P], _T], *args: _P.args, **named: _P.kwargs
    ) -> _T:
        """Call a job with a transaction that writes; return its result after the commit. Raise ReadOnlyRequestError for a GET."""
        if flask.request.method in SAFE_METHODS:
            raise ReadOnlyRequestError(f"{flask.request.method} must not write")
        return self.context.opened.writer.run(
            lambda connection: job(connection, *args, **named)
        )

    def render(self, template: str, **values: Any) -> str:
        """Return the text of a page. It gets `publication`, `style_url`, `home_url`, `icon_url`, `sisters` and `values`."""
        view = view_with_privacy(self.settings, self.language)
        given = {
            "style_url": f"{flask.request.script_root}/-/subscriber.{content_digest(_style(self))}.css",
            "home_url": f"{view.url}/{self.language}/",
            "icon_url": f"{flask.request.script_root}/{page_icon_path(self.settings.publication)}",
            "sisters": self._in_others(),
        }
        return self.context.opened.renderer.subscriber_page(template, view, **given | values)

    def respond(self, html: str, status: int = 200, *, script: bool = False) -> flask.Response:
        response = flask.Response(html, status, mimetype="text/html")
        response.headers["Content-Language"] = self.language
        response.headers.extend(security_headers(script=script))
        return response

    def page(self, template: str, status: int = 200, **values: Any) -> flask.Response:
        return self.respond(self.render(f"web/subscriber/{template}", **values), status)

    def url(self, kind: SubscriberPage, /, **query: str) -> str:
        fields = urlencode({name: value for name, value in query.items() if value})
        path = f"{flask.request.script_root}/{subscriber_page_path(self.language, kind)}"
        return f"{path}?{fields}" if fields else path

    def consent_origin(self, page: SubscriberPage, source: ConsentChannel) -> ConsentOrigin:
        """Return where somebody agrees who presses a button of a page."""
        # Not the host that the client named.
        path = subscriber_page_path(self.language, page)
        return ConsentOrigin(
            source=source,
            page=public_url(self.settings.publication, path),
            network=client_network(flask.request),
        )

    def _in_others(self) -> list[LanguageLink]:
        request, token = flask.request, self.token
        first, _, rest = request.path.lstrip("/").partition("/")
        if first != self.language:
            return []
        query = f"?{urlencode({'t': token})}" if token else ""
        return [
            LanguageLink(language=other, url=f"{request.script_root}/{other}/{rest}{query}")
            for other in self.settings.publication.languages
            if other != self.language
        ]


_View = TypeVar("_View", bound=Callable[..., flask.Response])


class PageTable(list[tuple[str, Callable[..., flask.Response]]]):
    """The views of a module. Each takes a `PageRequest`, and the parts of its path but for the language."""

    def add(self, route: str) -> Callable[[_View], _View]:
        """Return what adds the route of a view, with a text like `GET /<language:language>/data/`."""

        def register(view: _View) -> _View:
            self.append((route, view))
            return view

        return register

    def register(self, app: flask.Flask, context: WebContext) -> None:
        for route, view in self:
            method, path = route.split(" ")
            app.add_url_rule(
                path, route.replace(".", " "), _answering(context, view), methods=[method]
            )


def _answering(
    context: WebContext, view: Callable[..., flask.Response]
) -> Callable[..., flask.Response]:
    # With the marks of the view (`origin_check`, `max_body`).
    @wraps(view)
    def answer(language: str = "", **parts: str) -> flask.Response:
        return view(context.request(language), **parts)

    return answer


PAGES = PageTable()


@PAGES.add("GET /-/subscriber.<digest>.css")
def _subscriber_style(request: PageRequest, digest: str) -> flask.Response:
    return kept_file(_style(request), digest, "text/css")


def kept_file(
    content: bytes, digest: str, media_type: str, *, by: str = "public"
) -> flask.Response:
    """Return a file whose address has its hash, so that everybody may keep it, or only browsers (`private`)."""
    if digest != content_digest(content):
        flask.abort(404)
    response = flask.Response(content, mimetype=media_type)
    # A year in seconds: another file has another address.
    response.headers["Cache-Control"] = f"{by}, max-age=31536000, immutable"
    return response


def _style(request: PageRequest) -> bytes:
    publication = request.settings.publication
    view = publication_view(publication, publication.default_language)
    return _sheet(request.context.opened.renderer, view)


@lru_cache(maxsize=4)
def _sheet(renderer: Renderer, view: PublicationView) -> bytes:
    """Return the sheet. Edited templates count after a restart."""
    return renderer.subscriber_page("web/subscriber/style.css", view).encode()


@lru_cache(maxsize=64)
def content_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


_MAX_FIELD = 2000  # characters of a field; no page has a longer one


def form_field(name: str, most: int = _MAX_FIELD) -> str:
    return flask.request.form.get(name, "")[:most].strip()


def form(*names: str) -> dict[str, str]:
    """Return fields of the form, stripped, "" if absent. For repeated fields use `request.form.getlist`."""
    return {name: form_field(name) for name in names}


# SEE OTHER: the browser gets the page anew, and reloading it sends nothing again.
_SEE_OTHER = 303
# The largest number of a row that every database can store: some fail for a larger one.
LARGEST_ID = 2**31 - 1


def see_other(url: str) -> flask.Response:
    return redirect_to(url, _SEE_OTHER)


def redirect_to(url: str, status: int) -> flask.Response:
    response = flask.Response(status=status)
    response.headers["Location"] = url
    # Werkzeug would write the host that the client named.
    response.autocorrect_location_header = False
    return response


def parse_id(text: str) -> int | None:
    """Return a number of a row as addresses and forms have it; None for anything else, and for a larger one."""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID))
    return int(text) if is_number and int(text) <= LARGEST_ID else None
