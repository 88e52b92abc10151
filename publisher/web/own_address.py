"""The page that changes a subscriber's address: asked for in a session, confirmed and undone by links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask

from publisher.app.own_access import session_subscriber
from publisher.app.own_address import (
    confirm_new_address,
    read_address_link,
    request_new_address,
    undo_new_address,
)
from publisher.web.links import own_page_url, see_other
from publisher.web.responses import form, render_page
from publisher.web.security import OriginCheck, origin_check
from publisher.web.sessions import read_session, session_cookie
from subscribers import (
    AddressChange,
    AddressChangeState,
    BadAddressError,
    normalise_address,
)

if TYPE_CHECKING:
    from publisher.web.context import WebContext

_UNPROCESSABLE, _FORBIDDEN, _GONE = 422, 403, 410
# What the page shows for the state of a change, by the kind of the link.
_STEPS = {
    ("address", AddressChangeState.REQUESTED): "confirm",
    ("address", AddressChangeState.CONFIRMED): "confirmed",
    ("undo-address", AddressChangeState.CONFIRMED): "undo",
    ("undo-address", AddressChangeState.UNDONE): "undone",
}


def register(app: flask.Flask, context: WebContext) -> None:
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
        person = session_subscriber(connection, cookie, now)
        if person is None:
            return ""
        if normalise_address(address).identity == person.email:
            return "same"
        is_sent = request_new_address(
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
        decide = confirm_new_address if kind == "address" else undo_new_address
        step = _STEPS.get((kind, change.state), "")
        # A form that is sent twice does no harm.
        return step in {"confirmed", "undone"} or decide(connection, settings, change, now)

    if not context.writer.run(job):
        return _page(context, language, "ended", _GONE)
    return see_other(own_page_url(language, "address", t=token))


def _read(connection: Any, context: WebContext, token: str) -> tuple[str, AddressChange | None]:
    now = context.clock.now()
    found = read_address_link(connection, context.secret, "address", token, now)
    if found is not None:
        return "address", found
    return "undo-address", read_address_link(
        connection, context.secret, "undo-address", token, now
    )


def _show_change(
    context: WebContext, language: str, kind: str, change: AddressChange | None
) -> flask.Response:
    step = _STEPS.get((kind, change.state)) if change else None
    if change is None or step is None:
        return _page(context, language, "ended", _GONE)
    return _page(context, language, step, new=change.new_address, old=change.old_address)


def _show_form(
    context: WebContext, language: str, *, entered: str = "", is_wrong: bool = False
) -> flask.Response:
    with context.database.reading() as connection:
        person = read_session(context, connection)
    if person is None:
        return _page(context, language, "ended", _FORBIDDEN)
    status = _UNPROCESSABLE if is_wrong else 200
    values = {"current": person.address, "entered": entered, "is_wrong": is_wrong}
    return _page(context, language, "ask", status, **values)


def _page(
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
