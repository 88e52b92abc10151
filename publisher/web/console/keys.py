"""Keys of the API: one's own, and for administrators all of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import flask

from publisher.app import console_keys
from publisher.app.console_keys import KeyRequest
from publisher.errors import AccountError, UsageError
from publisher.web.console.routes import Access, Route

if TYPE_CHECKING:
    from publisher.web.console.context import ConsoleRequest

_PATH = "/keys/"
# What may be chosen, in days.
_LIFETIMES = ("30", "90", "365")


def _show(request: ConsoleRequest) -> flask.Response:
    return _page(request)


def _page(request: ConsoleRequest, problem: str = "") -> flask.Response:
    """Return the page with what its form has; `problem` is why that was refused."""
    return request.page(
        "keys.html",
        422 if problem else 200,
        problem=problem,
        given={name: request.field(name) for name in ("label", "days")},
        chosen=[*flask.request.form.getlist("scope"), *flask.request.form.getlist("language")],
        keys=console_keys.list_keys(request.state, request.actor),
        scopes=console_keys.key_scopes(request.actor),
        publication_languages=request.settings.publication.languages,
        lifetimes=[(one, one) for one in _LIFETIMES],
    )


def _add(request: ConsoleRequest) -> flask.Response:
    days, form = request.field("days"), flask.request.form
    if days not in _LIFETIMES:
        raise UsageError(f"{days!r}: no such lifetime of a key")
    actor = request.actor
    try:
        wanted = KeyRequest(
            request.field("label"),
            console_keys.parse_scopes(form.getlist("scope")),
            tuple(form.getlist("language")) or None,
            timedelta(days=int(days)),
        )
        key = console_keys.create_key(request.state, actor, actor.name, wanted)
    except (UsageError, AccountError) as error:
        return _page(request, str(error))
    return request.page("new_key.html", key=key, label=wanted.label)


def _revoke(request: ConsoleRequest) -> flask.Response:
    number = request.number("number")
    if number is None:
        raise UsageError(f"{request.field('number')!r}: no such key")
    console_keys.revoke_key(request.state, request.actor, number)
    return request.see_other(_PATH, done="saved")


_POST = ("POST",)
ROUTES = (
    Route(path=_PATH, view=_show, access=Access.SIGNED_IN),
    Route(path=_PATH, view=_add, access=Access.SIGNED_IN, methods=_POST, needs_fresh=True),
    Route(
        path=f"{_PATH}revoke/",
        view=_revoke,
        access=Access.SIGNED_IN,
        methods=_POST,
        needs_fresh=True,
    ),
)
