"""Accounts, for administrators: add, roles, disable, enable, end sessions, recover."""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask

from publisher.app import console_accounts
from publisher.app.console_accounts import AccountRecord, Invitation, NewAccount
from publisher.app.editing_state import Permission
from publisher.errors import AccountError
from publisher.web.console.routes import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from publisher.web.console.context import ConsoleRequest

_PATH = "/accounts/"


def _show(request: ConsoleRequest) -> flask.Response:
    return _page(request)


def _page(request: ConsoleRequest, problem: str = "") -> flask.Response:
    """Return the page with what its form has; `problem` is why that was refused."""
    return request.page(
        "accounts.html",
        422 if problem else 200,
        problem=problem,
        given={name: request.field(name) for name in ("email", "name", "language")},
        grants=_roles(),
        records=console_accounts.read_accounts(request.state, request.actor),
        choices=console_accounts.role_choices(request.settings.publication),
    )


def _add(request: ConsoleRequest) -> flask.Response:
    language = request.field("language") or "en"
    try:
        grants = console_accounts.parse_roles(request.settings.publication, _roles())
        new = NewAccount(request.field("email"), request.field("name"), language, grants)
        made = console_accounts.create_account(request.state, request.actor, new)
    except AccountError as error:
        return _page(request, str(error))
    return _invited(request, made)


def _invited(request: ConsoleRequest, made: Invitation) -> flask.Response:
    """Return the page that shows an invitation's link, this once."""
    link = made.link(request.settings.console.url)
    return request.page("invited.html", invitation=made, link=link)


def _show_one(request: ConsoleRequest, number: int) -> flask.Response:
    return _page_of_one(request, number)


def _page_of_one(request: ConsoleRequest, number: int, problem: str = "") -> flask.Response:
    record = _record(request, number)
    return request.page(
        "account_of.html",
        422 if problem else 200,
        record=record,
        choices=console_accounts.role_choices(request.settings.publication),
        grants=_roles() if problem else _written_grants(record),
        problem=problem,
    )


def _set_roles(request: ConsoleRequest, number: int) -> flask.Response:
    email = _record(request, number).account.email
    try:
        grants = console_accounts.parse_roles(request.settings.publication, _roles())
        console_accounts.change_roles(request.state, request.actor, email, grants)
    except AccountError as error:
        return _page_of_one(request, number, str(error))
    return request.see_other(f"{_PATH}{number}/", done="saved")


def _recover(request: ConsoleRequest, number: int) -> flask.Response:
    email = _record(request, number).account.email
    made = console_accounts.recover_account(request.state, request.actor, email)
    return _invited(request, made)


def _by(verb: Callable[..., None]) -> Callable[..., flask.Response]:
    """Return the view of a verb that takes an address and returns nothing."""

    def act(request: ConsoleRequest, number: int) -> flask.Response:
        verb(request.state, request.actor, _record(request, number).account.email)
        return request.see_other(f"{_PATH}{number}/", done="saved")

    return act


def _record(request: ConsoleRequest, number: int) -> AccountRecord:
    """Return an account by its number; abort with 404 if there is none. Addresses are in no URL."""
    records = console_accounts.read_accounts(request.state, request.actor)
    found = next((one for one in records if one.account.id == number), None)
    if found is None:
        flask.abort(404)
    return found


def _roles() -> list[str]:
    return flask.request.form.getlist("role")


def _written_grants(record: AccountRecord) -> list[str]:
    return [console_accounts.written_grant(one) for one in record.account.grants]


def _route(path: str, view: Callable[..., flask.Response], method: str = "POST") -> Route:
    return Route(
        path=path,
        view=view,
        access=Permission.MANAGE_ACCOUNTS,
        methods=(method,),
        menu="accounts" if path == _PATH and method == "GET" else "",
        needs_fresh=True,
    )


_ONE = f"{_PATH}<int:number>/"
ROUTES = (
    _route(_PATH, _show, "GET"),
    _route(_PATH, _add),
    _route(_ONE, _show_one, "GET"),
    _route(f"{_ONE}roles/", _set_roles),
    _route(f"{_ONE}disable/", _by(console_accounts.close_account)),
    _route(f"{_ONE}enable/", _by(console_accounts.reopen_account)),
    _route(f"{_ONE}end-sessions/", _by(console_accounts.end_account_sessions)),
    _route(f"{_ONE}recover/", _recover),
)
