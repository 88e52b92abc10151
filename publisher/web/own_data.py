"""The page of all that is stored of a subscriber, and its erasure. It needs a session.

A mailed link opens the session by a button, since mail scanners follow links.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask

from publisher.app.own_access import (
    close_session,
    open_session_by_link,
    read_access_link,
    session_subscriber,
)
from publisher.app.personal_tables import personal_json, read_personal_rows
from publisher.app.subscribers import erase_person
from publisher.web.links import own_page_url, see_other
from publisher.web.responses import render_page
from publisher.web.security import OriginCheck, origin_check
from publisher.web.sessions import (
    delete_session_cookie,
    read_session,
    session_cookie,
    set_session_cookie,
)

if TYPE_CHECKING:
    from publisher.web.context import WebContext

_UNPROCESSABLE, _FORBIDDEN, _GONE = 422, 403, 410
_FINISHED = frozenset({"erased", "closed"})


def register(app: flask.Flask, context: WebContext) -> None:
    """Add the routes."""

    @app.get("/<language:language>/data/")
    def data_page(language: str) -> flask.Response:
        return _show(context, language)

    @app.post("/<language:language>/data/")
    @origin_check(OriginCheck.COOKIE)
    def change_data(language: str) -> flask.Response:
        token = flask.request.args.get("t", "")
        if token:
            return _open(context, language, token)
        return _change(context, language)

    @app.get("/<language:language>/data/subscriber.json")
    def data_file(language: str) -> flask.Response:
        rows = _read_rows(context)
        if rows is None:
            return see_other(own_page_url(language, "data"))
        response = flask.Response(personal_json(rows), mimetype="application/json")
        response.headers["Content-Disposition"] = 'attachment; filename="subscriber.json"'
        return response


def _show(context: WebContext, language: str, *, is_unsure: bool = False) -> flask.Response:
    token, done = flask.request.args.get("t", ""), flask.request.args.get("done", "")
    if done in _FINISHED:
        return _page(context, language, done)
    if token:
        with context.database.reading() as connection:
            now = context.clock.now()
            person = read_access_link(connection, context.secret, token, now)
        return _page(context, language, "open" if person else "ended", 200 if person else _GONE)
    rows = _read_rows(context)
    if rows is None:
        return _page(context, language, "ended", _FORBIDDEN)
    status = _UNPROCESSABLE if is_unsure else 200
    return _page(context, language, "data", status, rows=rows, is_unsure=is_unsure)


def _open(context: WebContext, language: str, token: str) -> flask.Response:
    now, former = context.clock.now(), session_cookie(context.settings)

    def job(connection: Any) -> str | None:
        # Whoever planted a cookie must not share the session.
        close_session(connection, former)
        return open_session_by_link(connection, context.secret, token, now)

    cookie = context.writer.run(job)
    if cookie is None:
        return _page(context, language, "ended", _GONE)
    response = see_other(own_page_url(language, "data"))
    return set_session_cookie(response, context.settings, cookie)


def _change(context: WebContext, language: str) -> flask.Response:
    form, settings, now = flask.request.form, context.settings, context.clock.now()
    cookie, action = session_cookie(settings), form.get("action", "")
    if action == "erase" and "sure" not in form:
        return _show(context, language, is_unsure=True)
    if action not in {"erase", "close"}:
        flask.abort(400)

    def job(connection: Any) -> str:
        person = session_subscriber(connection, cookie, now)
        if person is None or action == "close":
            close_session(connection, cookie)
            return "closed"
        erase_person(connection, settings, person, now)
        return "erased"

    response = see_other(own_page_url(language, "data", done=context.writer.run(job)))
    return delete_session_cookie(response, settings)


def _read_rows(context: WebContext) -> dict[str, Any] | None:
    with context.database.reading() as connection:
        person = read_session(context, connection)
        return None if person is None else read_personal_rows(connection, person.id)


def _page(
    context: WebContext,
    language: str,
    step: str,
    status: int = 200,
    *,
    rows: dict[str, Any] | None = None,
    is_unsure: bool = False,
) -> flask.Response:
    titles = {
        name: one.title(language)
        for one in context.settings.newsletters
        for name in (one.name, *one.formerly)
    }
    return render_page(
        context,
        language,
        "web/subscriber/data.html",
        status,
        step=step,
        rows=rows,
        titles=titles,
        is_unsure=is_unsure,
        address_url=own_page_url(language, "address"),
        download_url=f"{own_page_url(language, 'data')}subscriber.json",
        links_url=f"{own_page_url(language, 'preferences')}link/",
    )
