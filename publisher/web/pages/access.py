"""A subscriber's own access: mailed links, sessions, the change of her address, her data and its erasure.

A mailed link opens a session by a button, since mail scanners follow links. The page that mails links needs
no old mail, and has one answer for all.
"""

import hashlib
from typing import Any
from urllib.parse import urlsplit

import flask

from publisher.app.subscribers import access
from publisher.app.subscribers.personal_tables import personal_json, read_personal_rows
from publisher.app.subscribers.records import erase_person
from publisher.config import Settings
from publisher.web.pages.responses import WebContext, form, own_page_url, render_page, see_other
from publisher.web.security import OriginCheck, origin_check
from subscribers.address_change import AddressChange, AddressChangeState
from subscribers.addresses import normalise_address
from subscribers.errors import BadAddressError
from subscribers.model import Subscriber
from subscribers.pending_requests import SESSION_LIFETIME


def session_cookie(settings: Settings) -> str:
    """Return the cookie that the browser sent, or an empty text."""
    return flask.request.cookies.get(_name(settings), "")


def read_session(context: WebContext, connection: Any) -> Subscriber | None:
    """Return whose session the request belongs to, or None."""
    cookie = session_cookie(context.settings)
    return (
        access.session_subscriber(connection, cookie, context.clock.now()) if cookie else None
    )


def set_session_cookie(
    response: flask.Response, settings: Settings, value: str
) -> flask.Response:
    """Let the browser send a new session's cookie, in place of any that it had."""
    _set(response, settings, value, int(SESSION_LIFETIME.total_seconds()))
    return response


def delete_session_cookie(response: flask.Response, settings: Settings) -> flask.Response:
    """Let the browser forget the cookie."""
    _set(response, settings, "", 0)
    return response


def _set(response: flask.Response, settings: Settings, value: str, max_age: int) -> None:
    response.set_cookie(
        _name(settings),
        value,
        max_age=max_age,
        path="/",
        secure=True,
        httponly=True,
        samesite="Lax",
    )


def _name(settings: Settings) -> str:
    """Return a name that no plain-http page and no other host can set.

    Such a cookie belongs to the whole host. So two publications below paths of one host have
    different names.
    """
    path = urlsplit(settings.publication.url).path.strip("/")
    suffix = f"-{hashlib.sha256(path.encode()).hexdigest()[:8]}" if path else ""
    return f"__Host-session{suffix}"


_UNPROCESSABLE, _FORBIDDEN, _GONE = 422, 403, 410


def _register_own_links(app: flask.Flask, context: WebContext) -> None:
    """Add the route."""

    @app.get("/<language:language>/preferences/link/")
    def own_links_page(language: str) -> flask.Response:
        return show_link_form(context, language)

    @app.post("/<language:language>/preferences/link/")
    def send_links(language: str) -> flask.Response:
        (address,) = form(flask.request, "email").values()
        settings, now = context.settings, context.clock.now()
        client = flask.request.remote_addr or ""
        try:
            context.writer.run(
                lambda connection: access.send_own_links(
                    connection, settings, context.limits, address, now, client=client
                )
            )
        except BadAddressError:
            return show_link_form(context, language, wrong_address=address)
        return see_other(f"{flask.request.script_root}{flask.request.path}?done=sent")


def show_link_form(
    context: WebContext,
    language: str,
    *,
    has_ended: bool = False,
    wrong_address: str | None = None,
) -> flask.Response:
    """Return the form. `has_ended` says first that a link was opened that is not valid any more."""
    status = 200 if wrong_address is None else _UNPROCESSABLE
    return render_page(
        context,
        language,
        "web/subscriber/own_links.html",
        _GONE if has_ended else status,
        form_url=f"{flask.request.script_root}/{language}/preferences/link/",
        has_ended=has_ended,
        is_sent=flask.request.args.get("done") == "sent",
        address=wrong_address or "",
        is_wrong=wrong_address is not None,
    )


# What the page shows for the state of a change, by the kind of the link.
_STEPS = {
    ("address", AddressChangeState.REQUESTED): "confirm",
    ("address", AddressChangeState.CONFIRMED): "confirmed",
    ("undo-address", AddressChangeState.CONFIRMED): "undo",
    ("undo-address", AddressChangeState.UNDONE): "undone",
}


def _register_own_address(app: flask.Flask, context: WebContext) -> None:
    """Add the route."""

    @app.get("/<language:language>/address/")
    def address_page(language: str) -> flask.Response:
        token = flask.request.args.get("t", "")
        if not token:
            return _show_form(context, language)
        with context.database.reading() as connection:
            kind, change = _read(connection, context, token)
        return _show_change(context, language, kind, change)

    @app.post("/<language:language>/address/")
    @origin_check(OriginCheck.COOKIE)
    def change_address(language: str) -> flask.Response:
        token = flask.request.args.get("t", "")
        return _decide(context, language, token) if token else _ask(context, language)


def _ask(context: WebContext, language: str) -> flask.Response:
    (address,) = form(flask.request, "email").values()
    settings, now = context.settings, context.clock.now()
    cookie = session_cookie(settings)

    def job(connection: Any) -> str:
        person = access.session_subscriber(connection, cookie, now)
        if person is None:
            return ""
        if normalise_address(address).identity == person.email:
            return "same"
        is_sent = access.request_new_address(
            connection, settings, context.secret, person, address, now
        )
        return "sent" if is_sent else "limited"

    try:
        done = context.writer.run(job)
    except BadAddressError:
        return _show_form(context, language, entered=address, is_wrong=True)
    return see_other(own_page_url(language, "address", done=done))


def _decide(context: WebContext, language: str, token: str) -> flask.Response:
    settings, now = context.settings, context.clock.now()

    def job(connection: Any) -> bool:
        kind, change = _read(connection, context, token)
        if change is None:
            return False
        decide = access.confirm_new_address if kind == "address" else access.undo_new_address
        step = _STEPS.get((kind, change.state), "")
        # A form that is sent twice does no harm.
        return step in {"confirmed", "undone"} or decide(connection, settings, change, now)

    if not context.writer.run(job):
        return _address_page(context, language, "ended", _GONE)
    return see_other(own_page_url(language, "address", t=token))


def _read(connection: Any, context: WebContext, token: str) -> tuple[str, AddressChange | None]:
    now = context.clock.now()
    found = access.read_address_link(connection, context.secret, "address", token, now)
    if found is not None:
        return "address", found
    return "undo-address", access.read_address_link(
        connection, context.secret, "undo-address", token, now
    )


def _show_change(
    context: WebContext, language: str, kind: str, change: AddressChange | None
) -> flask.Response:
    step = _STEPS.get((kind, change.state)) if change else None
    if change is None or step is None:
        return _address_page(context, language, "ended", _GONE)
    return _address_page(
        context, language, step, new=change.new_address, old=change.old_address
    )


def _show_form(
    context: WebContext, language: str, *, entered: str = "", is_wrong: bool = False
) -> flask.Response:
    with context.database.reading() as connection:
        person = read_session(context, connection)
    if person is None:
        return _address_page(context, language, "ended", _FORBIDDEN)
    status = _UNPROCESSABLE if is_wrong else 200
    values = {"current": person.address, "entered": entered, "is_wrong": is_wrong}
    return _address_page(context, language, "ask", status, **values)


def _address_page(
    context: WebContext, language: str, step: str, status: int = 200, **values: Any
) -> flask.Response:
    return render_page(
        context,
        language,
        "web/subscriber/address.html",
        status,
        step=step,
        done=flask.request.args.get("done", ""),
        data_url=own_page_url(language, "data"),
        links_url=f"{own_page_url(language, 'preferences')}link/",
        **({"is_wrong": False} | values),
    )


_FINISHED = frozenset({"erased", "closed"})


def _register_own_data(app: flask.Flask, context: WebContext) -> None:
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
        return _data_page(context, language, done)
    if token:
        with context.database.reading() as connection:
            now = context.clock.now()
            person = access.read_access_link(connection, context.secret, token, now)
        return _data_page(
            context, language, "open" if person else "ended", 200 if person else _GONE
        )
    rows = _read_rows(context)
    if rows is None:
        return _data_page(context, language, "ended", _FORBIDDEN)
    status = _UNPROCESSABLE if is_unsure else 200
    return _data_page(context, language, "data", status, rows=rows, is_unsure=is_unsure)


def _open(context: WebContext, language: str, token: str) -> flask.Response:
    now, former = context.clock.now(), session_cookie(context.settings)

    def job(connection: Any) -> str | None:
        # Whoever planted a cookie must not share the session.
        access.close_session(connection, former)
        return access.open_session_by_link(connection, context.secret, token, now)

    cookie = context.writer.run(job)
    if cookie is None:
        return _data_page(context, language, "ended", _GONE)
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
        person = access.session_subscriber(connection, cookie, now)
        if person is None or action == "close":
            access.close_session(connection, cookie)
            return "closed"
        erase_person(connection, settings, person, now)
        return "erased"

    response = see_other(own_page_url(language, "data", done=context.writer.run(job)))
    return delete_session_cookie(response, settings)


def _read_rows(context: WebContext) -> dict[str, Any] | None:
    with context.database.reading() as connection:
        person = read_session(context, connection)
        return None if person is None else read_personal_rows(connection, person.id)


def _data_page(
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


def register(app: flask.Flask, context: WebContext) -> None:
    """Add what this module has."""
    _register_own_links(app, context)
    _register_own_address(app, context)
    _register_own_data(app, context)
