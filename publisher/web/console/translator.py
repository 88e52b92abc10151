"""What a translator chooses: mails about what came in, and feeds. And these feeds themselves.

A feed reader can't sign in: its address has a token of the account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask

from publisher.app.calendar_file import renew_private_addresses
from publisher.app.editing_state import Permission
from publisher.app.translator_choices import (
    choose_translator_mails,
    read_translation_feed,
    read_translator_choices,
)
from publisher.web.console.routes import Access, LanguageFrom, Route

if TYPE_CHECKING:
    from publisher.web.console.context import ConsoleRequest

_PATH = "/translations/mine/"


def _show(request: ConsoleRequest) -> flask.Response:
    choices = read_translator_choices(request.state, request.actor)
    return request.page("translator.html", choices=choices)


def _choose(request: ConsoleRequest) -> flask.Response:
    wanted = request.field("wanted") == "yes"
    choose_translator_mails(request.state, request.actor, wanted=wanted)
    return request.see_other(_PATH, "saved")


def _renew(request: ConsoleRequest) -> flask.Response:
    renew_private_addresses(request.state, request.actor)
    return request.see_other(_PATH, "saved")


def _feed(request: ConsoleRequest, token: str, name: str) -> flask.Response:
    language, _, form = name.rpartition(".")
    feed = read_translation_feed(request.state, token, language, form)
    if feed is None:
        flask.abort(404)
    response = flask.Response(feed.content, mimetype=feed.media_type)
    if flask.request.if_none_match.contains(feed.etag):
        response = flask.Response(status=304)
    response.set_etag(feed.etag)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _own(path: str, view: object, *methods: str) -> Route:
    return Route(
        path=path,
        view=view,  # type: ignore[arg-type]
        access=Permission.TRANSLATE,
        language=LanguageFrom.ANY,
        methods=methods or ("GET",),
    )


ROUTES = (
    _own(_PATH, _show),
    _own(f"{_PATH}mails/", _choose, "POST"),
    _own(f"{_PATH}feeds/", _renew, "POST"),
    Route(path="/translations/feeds/<token>/<name>", view=_feed, access=Access.PUBLIC),
)
