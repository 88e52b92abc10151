"""What every page gets and how it answers: settings, renderer, limits; pages that are kept; links, redirects, style.

A page that is the same for many subscribers is rendered once, with marks in the places of each one's own
values, and kept. Each answer has the values in these places, escaped for HTML. The style sheet is
`/-/subscriber.<hash>.css`.
"""

import hashlib
import ipaddress
import re
import secrets
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

import flask
from markupsafe import escape

from publisher.clock import Clock
from publisher.config import Settings
from publisher.database import Database
from publisher.rendering import LanguageLink, PublicationView, Renderer
from publisher.rendering.views import publication_view
from publisher.request_limits import LimitKeys
from publisher.urls import SubscriberPage, subscriber_page_path
from publisher.web.security import security_headers

# Pages of subscribers' choices and languages, some 15 KB each.
_PAGES_KEPT = 200
# Nobody can guess it, so no text holds a mark by chance. Escaping and encoding leave it as it is.
_NONCE = secrets.token_hex(8)
_MARK = re.compile(f"{_NONCE}([a-z]+){_NONCE}")


class KeptPages:
    """Pages by what they show. Those of former settings are dropped. Safe among threads."""

    def __init__(self) -> None:
        self._kept: tuple[Settings | None, dict[Hashable, list[str]]] = None, {}

    def fill(
        self,
        settings: Settings,
        key: Hashable,
        own: Mapping[str, str],
        render: Callable[[Mapping[str, str]], str],
    ) -> str:
        """Return a page with somebody's `own` values, whose names are lower-case letters.

        `key` names all else that the page depends on, besides the settings. `render` makes the page
        with other values, and may not decide anything by them.
        """
        known, pages = self._kept
        if known is not settings:
            pages = {}
            self._kept = settings, pages
        parts = pages.get(key)
        if parts is None:
            parts = _MARK.split(render({name: f"{_NONCE}{name}{_NONCE}" for name in own}))
            if len(pages) >= _PAGES_KEPT:
                pages.clear()
            pages[key] = parts
        # Every second part is the name of a mark.
        return "".join(
            escape(own[part]) if place % 2 else part for place, part in enumerate(parts)
        )


_T = TypeVar("_T")


class JobRunner(Protocol):
    """Runs a job in a transaction that writes (`publisher.database.writer.Writer`)."""

    def run(self, job: Callable[[Any], _T]) -> _T:
        """Return the job's result after the commit; raise WriterUnavailableError if it is busy."""


@dataclass(frozen=True, slots=True)
class WebContext:
    """What pages work with.

    `database` is opened for reading only. `current_settings` returns those of the moment: read
    `settings` once for each request. `limits` makes keys for `publisher.request_limits`.
    """

    current_settings: Callable[[], Settings]
    database: Database
    writer: JobRunner
    renderer: Renderer
    secret: str = field(repr=False)
    clock: Clock
    limits: LimitKeys = field(repr=False)
    # Host names besides the publication's under which this server may be reached.
    hosts: frozenset[str] = frozenset()
    pages: KeptPages = field(default_factory=KeptPages)

    @property
    def settings(self) -> Settings:
        """The settings of the moment."""
        return self.current_settings()


# A year in seconds: another sheet has another address.
_CACHE = "public, max-age=31536000, immutable"


def register(app: flask.Flask, context: WebContext) -> None:
    """Add the route."""

    @app.get("/-/subscriber.<digest>.css")
    def subscriber_style(digest: str) -> flask.Response:
        text, current = _style(context, context.settings)
        if digest != current:
            flask.abort(404)
        response = flask.Response(text, mimetype="text/css")
        response.headers["Cache-Control"] = _CACHE
        return response


def style_path(context: WebContext, settings: Settings) -> str:
    """Return the sheet's path below the publication's URL."""
    return f"-/subscriber.{_style(context, settings)[1]}.css"


def _style(context: WebContext, settings: Settings) -> tuple[str, str]:
    publication = settings.publication
    return _sheet(context.renderer, publication_view(publication, publication.default_language))


@lru_cache(maxsize=4)
def _sheet(renderer: Renderer, view: PublicationView) -> tuple[str, str]:
    """Return the sheet and its hash. Edited templates count after a restart."""
    text = renderer.subscriber_page("web/subscriber/style.css", view)
    return text, hashlib.sha256(text.encode()).hexdigest()[:12]


# Characters of a field; no page has a longer one.
_MAX_FIELD = 2000


def render_page(
    context: WebContext,
    language: str,
    template: str,
    status: int = 200,
    *,
    script: bool = False,
    **values: Any,
) -> flask.Response:
    """Return a page from a template below `web/subscriber`. `script` allows scripts of this server."""
    html = render_html(context, language, template, **values)
    return html_response(html, language, status, script=script)


def render_html(context: WebContext, language: str, template: str, **values: Any) -> str:
    """Return the text of a page. It gets `publication`, `style_url`, `home_url`, `sisters` and `values`."""
    settings = context.settings
    view = publication_view(settings.publication, language)
    given = {
        "style_url": f"{flask.request.script_root}/{style_path(context, settings)}",
        "home_url": f"{view.url}/{language}/",
        "sisters": page_in_others(context, language, flask.request.args.get("t", "")),
    }
    return context.renderer.subscriber_page(template, view, **given | values)


def html_response(
    html: str, language: str, status: int = 200, *, script: bool = False
) -> flask.Response:
    """Return the answer with a page."""
    response = flask.Response(html, status, mimetype="text/html")
    response.headers["Content-Language"] = language
    response.headers.extend(security_headers(script=script))
    return response


def page_in_others(context: WebContext, language: str, token: str) -> list[LanguageLink]:
    """Return the links to the page that is asked for, with a token, in the other languages."""
    request = flask.request
    first, _, rest = request.path.lstrip("/").partition("/")
    if first != language:
        return []
    query = f"?{urlencode({'t': token})}" if token else ""
    return [
        LanguageLink(language=other, url=f"{request.script_root}/{other}/{rest}{query}")
        for other in context.settings.publication.languages
        if other != language
    ]


def form(request: flask.Request, *names: str) -> dict[str, str]:
    """Return fields of a form, stripped; those that are absent are empty.

    Where a field can be there several times, use `request.form.getlist`.
    """
    return {name: request.form.get(name, "")[:_MAX_FIELD].strip() for name in names}


def client_network(request: flask.Request) -> str:
    """Return the client's network: /24 of an IPv4 address, /48 of an IPv6 one, or an empty text.

    The address comes from a proxy only if the settings trust it.
    """
    try:
        address = ipaddress.ip_address((request.remote_addr or "").partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    length = 24 if address.version == 4 else 48  # noqa: PLR2004  # versions of IP
    return str(ipaddress.ip_network((address, length), strict=False))


# SEE OTHER: the browser gets the page anew, and reloading it sends nothing again.
_SEE_OTHER = 303
# The largest number of a row that every database can store: some fail for a larger one.
LARGEST_ID = 2**31 - 1


def own_page_url(language: str, kind: SubscriberPage, /, **query: str) -> str:
    """Return the address of a page on this server; empty values are left out."""
    fields = urlencode({name: value for name, value in query.items() if value})
    path = f"{flask.request.script_root}/{subscriber_page_path(language, kind)}"
    return f"{path}?{fields}" if fields else path


def see_other(url: str) -> flask.Response:
    """Lead a browser to a page after its form was stored."""
    response = flask.Response(status=_SEE_OTHER)
    response.headers["Location"] = url
    # Werkzeug would write the host that the client named.
    response.autocorrect_location_header = False
    return response


def parse_id(text: str) -> int | None:
    """Return a number of a row as addresses and forms have it; None for anything else, and for a larger one."""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID))
    return int(text) if is_number and int(text) <= LARGEST_ID else None
