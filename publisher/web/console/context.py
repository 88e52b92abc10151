"""What views of the console get: the request, who sent it, the state, and ways to answer."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import flask

from publisher.app.console_session import SignedIn, read_signed_in
from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.languages import match
from publisher.rendering.console import CONSOLE_LANGUAGES, said_as_text
from publisher.rendering.views import publication_view
from publisher.web.console.assets import asset_path, console_style_path
from publisher.web.console.cookies import console_token
from publisher.web.console.repeated_forms import RepeatedForms
from publisher.web.links import parse_id, see_other
from publisher.web.responses import client_network
from publisher.web.security import SAFE_METHODS

if TYPE_CHECKING:
    from publisher.app.console_state import ConsoleState
    from publisher.clock import Clock
    from publisher.config import Settings

# Characters of a field; what may be longer has a limit of its own.
_MAX_FIELD = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleContext:
    """What all requests share. `hosts` are names besides those of the settings for this server."""

    current_settings: Callable[[], Settings]
    opened: ConsoleState
    clock: Clock
    hosts: frozenset[str] = frozenset()
    repeated_forms: RepeatedForms = field(default_factory=RepeatedForms)

    def state(self, settings: Settings, *, may_write: bool) -> EditingState:
        """Return what verbs of editors work with."""
        database = self.opened.writing if may_write else self.opened.reading
        secret = self.opened.secret
        return EditingState(
            settings=settings, database=database, secret=secret, clock=self.clock
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleRequest:
    """A request. `state` refuses changes for GET and HEAD. `language` is that of the page.

    `menu` has a key, a path and whether the page is there, for what its sender may use.
    """

    context: ConsoleContext
    state: EditingState
    language: str
    network: str
    signed_in: SignedIn | None = None
    menu: tuple[tuple[str, str, bool], ...] = ()

    @property
    def settings(self) -> Settings:
        """The settings of the moment, the same throughout a request."""
        return self.state.settings

    @property
    def actor(self) -> Actor:
        """Who is signed in. Views of public routes have nobody, and must not ask."""
        if self.signed_in is None:
            raise LookupError("nobody is signed in")
        return self.signed_in.actor

    def permits(self, permission: str, language: str | None = None) -> bool:
        """Return whether somebody is signed in who has a permission."""
        signed_in = self.signed_in
        return signed_in is not None and signed_in.actor.permits(
            Permission(permission), language
        )

    def page(self, template: str, status: int = 200, **values: Any) -> flask.Response:
        """Return a page from a template below `console/`."""
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

    def field(self, name: str, most: int = _MAX_FIELD) -> str:
        """Return a field of the form, stripped; an empty text if it is absent."""
        return flask.request.form.get(name, "")[:most].strip()

    def number(self, name: str) -> int | None:
        """Return a number of the form; None for anything else."""
        return parse_id(self.field(name))

    def _given(self) -> dict[str, Any]:
        publication = self.settings.publication
        shown = publication.serves(self.language) or publication.default_language
        return {
            "publication": publication_view(publication, shown),
            "me": self.signed_in,
            "may": self.permits,
            "menu": self.menu,
            "titles_of_newsletters": {
                one.name: one.title(shown) for one in self.settings.newsletters
            },
            "style_url": console_style_path(self.context.opened.pages, publication),
            "asset": asset_path,
            "done": flask.request.args.get("done", ""),
            "zone": publication.timezone,
            "console_url": self.settings.console.url,
            "now": self.state.clock.now(),
            "today": self.state.clock.now().astimezone(self.settings.zone()).date(),
            "languages": CONSOLE_LANGUAGES,
            "path": flask.request.path,
            "once_key": secrets.token_urlsafe(16),
        }


def make_request(context: ConsoleContext) -> ConsoleRequest:
    """Return the request that is being answered, with who sent it."""
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
