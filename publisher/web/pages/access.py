"""A subscriber's own access: mailed links, which open a session by a button; her address, her data and its erasure."""

import hashlib
from typing import Any
from urllib.parse import urlsplit

import flask

from publisher.app.subscribers import access
from publisher.app.subscribers.personal_tables import personal_json, read_personal_rows
from publisher.app.subscribers.records import erase_person
from publisher.config import Settings
from publisher.web.pages.responses import PageRequest, PageTable, form, see_other
from publisher.web.security import COOKIE, OriginCheck, origin_check
from subscribers.address_change import AddressChange, AddressChangeState
from subscribers.addresses import normalise_address
from subscribers.errors import BadAddressError
from subscribers.model import Subscriber
from subscribers.pending_requests import SESSION_LIFETIME

PAGES = PageTable()


def session_cookie(settings: Settings) -> str:
    return flask.request.cookies.get(_name(settings), "")


def _session_subscriber(request: PageRequest, connection: Any) -> Subscriber | None:
    return access.session_subscriber(connection, session_cookie(request.settings), request.now)


def set_session_cookie(
    response: flask.Response, settings: Settings, value: str
) -> flask.Response:
    """Let the browser send a new session's cookie, in place of any that it had; without a value, none."""
    seconds = int(SESSION_LIFETIME.total_seconds()) if value else 0
    response.set_cookie(_name(settings), value, seconds, **COOKIE)
    return response


def _name(settings: Settings) -> str:
    """Return a name that only https and this host can set; for each publication below a path of the host its own."""
    path = urlsplit(settings.publication.url).path.strip("/")
    suffix = f"-{hashlib.sha256(path.encode()).hexdigest()[:8]}" if path else ""
    return f"__Host-session{suffix}"


_UNPROCESSABLE, _FORBIDDEN, _GONE = 422, 403, 410


@PAGES.add("GET /<language:language>/preferences/link/")
def show_link_form(
    request: PageRequest, *, has_ended: bool = False, wrong_address: str | None = None
) -> flask.Response:
    """Return the form. `has_ended` says first that a link was opened that is not valid any more."""
    status = 200 if wrong_address is None else _UNPROCESSABLE
    return request.page(
        "own_links.html",
        _GONE if has_ended else status,
        form_url=f"{request.url('preferences')}link/",
        has_ended=has_ended,
        is_sent=request.done == "sent",
        address=wrong_address or "",
        is_wrong=wrong_address is not None,
    )


@PAGES.add("POST /<language:language>/preferences/link/")
def _send_links(request: PageRequest) -> flask.Response:
    (address,) = form("email").values()
    settings, limits = request.settings, request.context.opened.limits
    client = flask.request.remote_addr or ""
    try:
        request.write(
            access.send_own_links, settings, limits, address, request.now, client=client
        )
    except BadAddressError:
        return show_link_form(request, wrong_address=address)
    return see_other(f"{flask.request.script_root}{flask.request.path}?done=sent")


# What the page shows for the state of a change, by the kind of the link.
_STEPS = {
    ("address", AddressChangeState.REQUESTED): "confirm",
    ("address", AddressChangeState.CONFIRMED): "confirmed",
    ("undo-address", AddressChangeState.CONFIRMED): "undo",
    ("undo-address", AddressChangeState.UNDONE): "undone",
}


@PAGES.add("GET /<language:language>/address/")
def _show_address(request: PageRequest) -> flask.Response:
    if not request.token:
        return _show_form(request)
    with request.reading() as connection:
        kind, change = _read(connection, request, request.token)
    step = _STEPS.get((kind, change.state)) if change else None
    if change is None or step is None:
        return _address_page(request, "ended", _GONE)
    return _address_page(request, step, new=change.new_address, old=change.old_address)


@PAGES.add("POST /<language:language>/address/")
@origin_check(OriginCheck.COOKIE)
def _change_address(request: PageRequest) -> flask.Response:
    return _decide(request, request.token) if request.token else _ask(request)


def _ask(request: PageRequest) -> flask.Response:
    (address,) = form("email").values()
    settings, secret, now = request.settings, request.secret, request.now

    def job(connection: Any, cookie: str) -> str:
        person = access.session_subscriber(connection, cookie, now)
        if person is None:
            return ""
        if normalise_address(address).identity == person.email:
            return "same"
        send = access.request_new_address
        is_sent = send(connection, settings, secret, person, address, now)
        return "sent" if is_sent else "limited"

    try:
        done = request.write(job, session_cookie(settings))
    except BadAddressError:
        return _show_form(request, entered=address, is_wrong=True)
    return see_other(request.url("address", done=done))


def _decide(request: PageRequest, token: str) -> flask.Response:
    def job(connection: Any) -> bool:
        kind, change = _read(connection, request, token)
        if change is None:
            return False
        decide = access.confirm_new_address if kind == "address" else access.undo_new_address
        # A form that is sent twice does no harm.
        is_done = _STEPS.get((kind, change.state)) in {"confirmed", "undone"}
        return is_done or decide(connection, request.settings, change, request.now)

    if not request.write(job):
        return _address_page(request, "ended", _GONE)
    return see_other(request.url("address", t=token))


def _read(
    connection: Any, request: PageRequest, token: str
) -> tuple[str, AddressChange | None]:
    secret, now = request.secret, request.now
    found = access.read_address_link(connection, secret, "address", token, now)
    if found is not None:
        return "address", found
    found = access.read_address_link(connection, secret, "undo-address", token, now)
    return "undo-address", found


def _show_form(
    request: PageRequest, *, entered: str = "", is_wrong: bool = False
) -> flask.Response:
    with request.reading() as connection:
        person = _session_subscriber(request, connection)
    if person is None:
        return _address_page(request, "ended", _FORBIDDEN)
    values = {"current": person.address, "entered": entered, "is_wrong": is_wrong}
    return _address_page(request, "ask", _UNPROCESSABLE if is_wrong else 200, **values)


def _address_page(
    request: PageRequest, step: str, status: int = 200, **values: Any
) -> flask.Response:
    return request.page(
        "address.html",
        status,
        step=step,
        done=request.done,
        data_url=request.url("data"),
        links_url=f"{request.url('preferences')}link/",
        **({"is_wrong": False} | values),
    )


_FINISHED = frozenset({"erased", "closed"})


@PAGES.add("GET /<language:language>/data/")
def _show(request: PageRequest, *, is_unsure: bool = False) -> flask.Response:
    if request.done in _FINISHED:
        return _data_page(request, request.done)
    if request.token:
        with request.reading() as connection:
            person = access.read_access_link(
                connection, request.secret, request.token, request.now
            )
        if person is None:
            return _data_page(request, "ended", _GONE)
        return _data_page(request, "open")
    rows = _read_rows(request)
    if rows is None:
        return _data_page(request, "ended", _FORBIDDEN)
    status = _UNPROCESSABLE if is_unsure else 200
    return _data_page(request, "data", status, rows=rows, is_unsure=is_unsure)


@PAGES.add("POST /<language:language>/data/")
@origin_check(OriginCheck.COOKIE)
def _change_data(request: PageRequest) -> flask.Response:
    return _open(request, request.token) if request.token else _change(request)


@PAGES.add("GET /<language:language>/data/subscriber.json")
def _data_file(request: PageRequest) -> flask.Response:
    rows = _read_rows(request)
    if rows is None:
        return see_other(request.url("data"))
    response = flask.Response(personal_json(rows), mimetype="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="subscriber.json"'
    return response


def _open(request: PageRequest, token: str) -> flask.Response:
    secret, former = request.secret, session_cookie(request.settings)

    def job(connection: Any) -> str | None:
        # Whoever planted a cookie must not share the session.
        access.close_session(connection, former)
        return access.open_session_by_link(connection, secret, token, request.now)

    cookie = request.write(job)
    if cookie is None:
        return _data_page(request, "ended", _GONE)
    return set_session_cookie(see_other(request.url("data")), request.settings, cookie)


def _change(request: PageRequest) -> flask.Response:
    fields, settings = flask.request.form, request.settings
    cookie, action = session_cookie(settings), fields.get("action", "")
    if action == "erase" and "sure" not in fields:
        return _show(request, is_unsure=True)
    if action not in {"erase", "close"}:
        flask.abort(400)

    def job(connection: Any) -> str:
        person = access.session_subscriber(connection, cookie, request.now)
        if person is None or action == "close":
            access.close_session(connection, cookie)
            return "closed"
        erase_person(connection, settings, person, request.now)
        return "erased"

    return set_session_cookie(
        see_other(request.url("data", done=request.write(job))), settings, ""
    )


def _read_rows(request: PageRequest) -> dict[str, Any] | None:
    with request.reading() as connection:
        person = _session_subscriber(request, connection)
        return None if person is None else read_personal_rows(connection, person.id)


def _data_page(
    request: PageRequest,
    step: str,
    status: int = 200,
    *,
    rows: dict[str, Any] | None = None,
    is_unsure: bool = False,
) -> flask.Response:
    titles = {
        name: newsletter.title(request.language)
        for newsletter in request.settings.newsletters
        for name in (newsletter.name, *newsletter.formerly)
    }
    return request.page(
        "data.html",
        status,
        step=step,
        rows=rows,
        titles=titles,
        is_unsure=is_unsure,
        address_url=request.url("address"),
        download_url=f"{request.url('data')}subscriber.json",
        links_url=f"{request.url('preferences')}link/",
    )
