"""What views of the console get: the request, who sent it, the state, files with their hashes, and ways to answer.

A form that is sent twice, by a double click or when its answer is loaded again, is carried out once. Its page
gives it a key, `once`. What was answered is kept in memory for some minutes, so that whoever clicked twice
still sees the secret that is shown once; later the form is refused. After a restart nothing of it is known.

The cookie of a session has another name than that of subscribers' sessions: on a loopback host the two
servers share cookies, since browsers do not keep ports apart.
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, lru_cache, partial
from importlib.resources import files
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import urlencode

import flask

from publisher.app.accounts.administration import read_account_names
from publisher.app.accounts.sign_in import SignedIn, read_signed_in
from publisher.app.editing_state import Actor, Permission
from publisher.app.issues.approvals import PlanToSign
from publisher.clock import Clock
from publisher.config import Publication, Settings
from publisher.errors import RepeatedFormError
from publisher.languages import match
from publisher.rendering.colours_and_fonts import palette
from publisher.rendering.console import CONSOLE_LANGUAGES, ConsolePages, said_as_text
from publisher.rendering.views import publication_view
from publisher.web.api.requests import ApiContext, SentRequest
from publisher.web.console.routes import Access, RouteTable
from publisher.web.pages.responses import (
    content_digest,
    form_field,
    kept_file,
    parse_id,
    see_other,
)
from publisher.web.security import COOKIE, SAFE_METHODS, client_network

_R = TypeVar("_R")
# Groups of the menu, and in each: keys of pages, their paths, and whether the page is there.
Menu = tuple[tuple[str, tuple[tuple[str, str, bool], ...]], ...]

# Pages of signing in. Both take `next`, the path to go to afterwards.
SIGN_IN_PATH = "/sign-in/"
PROVE_PATH = "/sign-in/again/"
IMPORT_PATH = "/subscribers/import/"  # lists of subscribers are posted to it

# One slash, then none and no backslash: browsers read //evil and /\evil as another host.
_OWN_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")


ROUTES = RouteTable()


def own_path(text: str) -> str:
    """Return a path of this server, as `next` may name it; `/` for anything else."""
    return text if _OWN_PATH.fullmatch(text) and "%0" not in text.lower() else "/"


def path_with_next(path: str, following: str, *, again: bool = False) -> str:
    """Return the address of a page that leads on; `again` says that a button has to be pressed once more."""
    fields = {"next": own_path(following)} | ({"again": "yes"} if again else {})
    return f"{path}?{urlencode(fields, safe='/')}"


# No plain-http page and no other host can set such a name.
CONSOLE_COOKIE = "__Host-console-session"


def console_token() -> str:
    return flask.request.cookies.get(CONSOLE_COOKIE, "")


def set_console_cookie(response: flask.Response, token: str) -> flask.Response:
    """Let the browser send a session's token until it is closed; the server ends sessions earlier."""
    response.set_cookie(CONSOLE_COOKIE, token, **COOKIE)
    return response


def delete_console_cookie(response: flask.Response) -> flask.Response:
    response.delete_cookie(CONSOLE_COOKIE, **COOKIE)
    return response


# The field of a form that has its key.
FIELD = "once"
KEPT_ANSWER = timedelta(minutes=10)
# Forms that are remembered, the latest. One without its answer has some 200 bytes.
_MOST = 10_000
_OK = range(400)


@dataclass(slots=True)
class _Sent:
    """A form: when it was carried out, and its answer. Of several that are sent at once, one has the lock."""

    lock: Lock = field(default_factory=Lock)
    at: datetime | None = None
    answer: flask.Response | None = None


class RepeatedForms:
    """The latest forms with a key. Safe among threads."""

    def __init__(self) -> None:
        self._sent: OrderedDict[object, _Sent] = OrderedDict()
        self._lock = Lock()

    def answer(
        self, form: object, clock: Clock, carry_out: Callable[[], flask.Response]
    ) -> flask.Response:
        """Carry out a form, or return what it was answered; raise RepeatedFormError if that is forgotten. What was refused may come again."""
        sent = self._find(form, clock.now())
        with sent.lock:
            if sent.at is None:
                response = carry_out()
                if response.status_code in _OK:
                    sent.at, sent.answer = clock.now(), _copy(response)
                return response
            if sent.answer is None:
                raise RepeatedFormError
            return _copy(sent.answer)

    def _find(self, form: object, now: datetime) -> _Sent:
        with self._lock:
            for one in self._sent.values():
                if one.at is not None and one.at + KEPT_ANSWER <= now:
                    one.answer = None
            found = self._sent.setdefault(form, _Sent())
            while len(self._sent) > _MOST:
                self._sent.popitem(last=False)
        return found


def _copy(response: flask.Response) -> flask.Response:
    # Header fields of every answer are added to what is returned.
    return flask.Response(
        response.get_data(), response.status_code, [*response.headers], direct_passthrough=False
    )


_STYLE = "console.css"
_MEDIA_TYPES = {
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
    "txt": "text/plain",
}


def asset_path(name: str) -> str:
    return _path(name, _static_file(name))


@ROUTES.add("GET /-/<digest>/<name>", Access.PUBLIC)
def _show(request: ConsoleRequest, digest: str, name: str) -> flask.Response:
    pages, publication = request.context.opened.pages, request.settings.publication
    if name == _STYLE:
        content = _style(pages, publication)
    elif name in _static_names():
        content = _static_file(name)
    else:
        flask.abort(404)
    return kept_file(content, digest, _MEDIA_TYPES[name.rpartition(".")[2]], by="private")


def _path(name: str, content: bytes) -> str:
    return f"/-/{content_digest(content)}/{name}"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleContext(ApiContext):
    """What all requests share: the forms that were sent, and plans of issues with the time of their count."""

    repeated_forms: RepeatedForms = field(default_factory=RepeatedForms)
    plans: dict[object, tuple[datetime, PlanToSign | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleRequest(SentRequest):
    """A request. `state` refuses changes for GET and HEAD."""

    context: ConsoleContext
    language: str
    network: str
    signed_in: SignedIn | None = None
    menu: Menu = ()

    @property
    def settings(self) -> Settings:
        return self.state.settings

    @property
    def actor(self) -> Actor:
        """Who is signed in. Views of public routes have nobody, and must not ask."""
        if self.signed_in is None:
            raise LookupError("nobody is signed in")
        return self.signed_in.actor

    def call_for_session(self, use_case: Callable[..., _R], *args: object) -> _R:
        """Do something for the session of the browser: a use case that takes its token first, its network last."""
        return use_case(self.state, console_token(), *args, self.network)

    def permits(self, permission: str, language: str | None = None) -> bool:
        signed_in = self.signed_in
        return signed_in is not None and signed_in.actor.permits(
            Permission(permission), language
        )

    def page(self, template: str, status: int = 200, **values: Any) -> flask.Response:
        html = self.context.opened.pages.render(template, self.language, self._given() | values)
        response = flask.Response(html, status, mimetype="text/html")
        response.headers["Content-Language"] = self.language
        return response

    def said(self, sentence: str) -> str:
        """Return a sentence of the engine in the language of the page, as plain text."""
        return said_as_text(self.language, sentence)

    def see_other(self, path: str, done: str = "") -> flask.Response:
        """Lead to a page after a form was stored. `done` is a key of `console/words.html`."""
        return see_other(f"{path}?{urlencode({'done': done})}" if done else path)

    field = staticmethod(form_field)

    def number(self, name: str) -> int | None:
        return parse_id(self.field(name))

    def _given(self) -> dict[str, Any]:
        publication = self.settings.publication
        shown = publication.serves(self.language) or publication.default_language
        return {
            "publication": publication_view(publication, shown),
            "me": self.signed_in,
            "may": self.permits,
            "menu": self.menu,
            # Of accounts by their addresses, as pages name who did something (`person`).
            "names": cache(partial(read_account_names, self.state)),
            "titles_of_newsletters": {
                one.name: one.title(shown) for one in self.settings.newsletters
            },
            "style_url": _path(_STYLE, _style(self.context.opened.pages, publication)),
            "asset": asset_path,
            "done": flask.request.args.get("done", ""),
            "zone": publication.timezone,
            "console_url": self.settings.console.url,
            "openid": self.settings.console.openid,
            "now": self.state.clock.now(),
            "today": self.state.clock.now().astimezone(self.settings.zone()).date(),
            "languages": CONSOLE_LANGUAGES,
            "path": flask.request.path,
            "once_key": secrets.token_urlsafe(16),
        }


def make_request(context: ConsoleContext) -> ConsoleRequest:
    settings, network = context.current_settings(), client_network(flask.request)
    token = console_token()
    writing = context.state(settings, may_write=True)
    signed_in = read_signed_in(writing, token, network) if token else None
    is_safe = flask.request.method in SAFE_METHODS
    return ConsoleRequest(
        context=context,
        state=context.state(settings, may_write=not is_safe),
        language=_page_language(signed_in, settings),
        network=network,
        signed_in=signed_in,
    )


def _page_language(signed_in: SignedIn | None, settings: Settings) -> str:
    """Return the language of the account, or what a browser of nobody wants."""
    if signed_in is not None:
        wanted = [signed_in.language]
    else:
        asked = flask.request.args.get("lang", "")
        accepted = flask.request.accept_languages.values()
        wanted = [asked, *accepted, settings.publication.default_language]
    found = (match(tag, CONSOLE_LANGUAGES) for tag in wanted if tag)
    return next((tag for tag in found if tag), CONSOLE_LANGUAGES[0])
