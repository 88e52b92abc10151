"""Accounts, keys of the API and the audit log, for administrators; and one's own keys."""

import json
from collections.abc import Callable
from datetime import timedelta

import flask

from publisher.accounts.api_keys import KeyRequest
from publisher.accounts.audit import AuditEntry
from publisher.accounts.store import NewAccount
from publisher.app.accounts import administration, keys
from publisher.app.accounts.administration import (
    AccountRecord,
    Invitation,
    read_audit_log,
    verify_audit_log,
)
from publisher.app.editing_state import Permission
from publisher.errors import AccountError, UsageError
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.routes import Access, Route
from publisher.web.pages.responses import parse_id

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
        records=administration.read_accounts(request.state, request.actor),
        choices=administration.role_choices(request.settings.publication),
    )


def _add(request: ConsoleRequest) -> flask.Response:
    language = request.field("language") or "en"
    try:
        grants = administration.parse_roles(request.settings.publication, _roles())
        new = NewAccount(request.field("email"), request.field("name"), language, grants)
        made = administration.create_account(request.state, request.actor, new)
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
        choices=administration.role_choices(request.settings.publication),
        grants=_roles() if problem else _written_grants(record),
        problem=problem,
    )


def _set_roles(request: ConsoleRequest, number: int) -> flask.Response:
    email = _record(request, number).account.email
    try:
        grants = administration.parse_roles(request.settings.publication, _roles())
        administration.change_roles(request.state, request.actor, email, grants)
    except AccountError as error:
        return _page_of_one(request, number, str(error))
    return request.see_other(f"{_PATH}{number}/", done="saved")


def _recover(request: ConsoleRequest, number: int) -> flask.Response:
    email = _record(request, number).account.email
    made = administration.recover_account(request.state, request.actor, email)
    return _invited(request, made)


def _by(verb: Callable[..., None]) -> Callable[..., flask.Response]:
    """Return the view of a verb that takes an address and returns nothing."""

    def act(request: ConsoleRequest, number: int) -> flask.Response:
        verb(request.state, request.actor, _record(request, number).account.email)
        return request.see_other(f"{_PATH}{number}/", done="saved")

    return act


def _record(request: ConsoleRequest, number: int) -> AccountRecord:
    """Return an account by its number; abort with 404 if there is none. Addresses are in no URL."""
    records = administration.read_accounts(request.state, request.actor)
    found = next((one for one in records if one.account.id == number), None)
    if found is None:
        flask.abort(404)
    return found


def _roles() -> list[str]:
    return flask.request.form.getlist("role")


def _written_grants(record: AccountRecord) -> list[str]:
    return [administration.written_grant(one) for one in record.account.grants]


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
_ACCOUNTS_ROUTES = (
    _route(_PATH, _show, "GET"),
    _route(_PATH, _add),
    _route(_ONE, _show_one, "GET"),
    _route(f"{_ONE}roles/", _set_roles),
    _route(f"{_ONE}disable/", _by(administration.close_account)),
    _route(f"{_ONE}enable/", _by(administration.reopen_account)),
    _route(f"{_ONE}end-sessions/", _by(administration.end_account_sessions)),
    _route(f"{_ONE}recover/", _recover),
)

_KEYS_PATH = "/keys/"
# What may be chosen, in days.
_LIFETIMES = ("30", "90", "365")


def _show_keys(request: ConsoleRequest) -> flask.Response:
    return _keys_page(request)


def _keys_page(request: ConsoleRequest, problem: str = "") -> flask.Response:
    """Return the page with what its form has; `problem` is why that was refused."""
    return request.page(
        "keys.html",
        422 if problem else 200,
        problem=problem,
        given={name: request.field(name) for name in ("label", "days")},
        chosen=[*flask.request.form.getlist("scope"), *flask.request.form.getlist("language")],
        keys=keys.list_keys(request.state, request.actor),
        scopes=keys.key_scopes(request.actor),
        publication_languages=request.settings.publication.languages,
        lifetimes=[(one, one) for one in _LIFETIMES],
    )


def _add_key(request: ConsoleRequest) -> flask.Response:
    days, form = request.field("days"), flask.request.form
    if days not in _LIFETIMES:
        raise UsageError(f"{days!r}: no such lifetime of a key")
    actor = request.actor
    try:
        wanted = KeyRequest(
            request.field("label"),
            keys.parse_scopes(form.getlist("scope")),
            tuple(form.getlist("language")) or None,
            timedelta(days=int(days)),
        )
        key = keys.create_key(request.state, actor, actor.name, wanted)
    except (UsageError, AccountError) as error:
        return _keys_page(request, str(error))
    return request.page("new_key.html", key=key, label=wanted.label)


def _revoke(request: ConsoleRequest) -> flask.Response:
    number = request.number("number")
    if number is None:
        raise UsageError(f"{request.field('number')!r}: no such key")
    keys.revoke_key(request.state, request.actor, number)
    return request.see_other(_KEYS_PATH, done="saved")


_POST = ("POST",)
_KEYS_ROUTES = (
    Route(path=_KEYS_PATH, view=_show_keys, access=Access.SIGNED_IN),
    Route(
        path=_KEYS_PATH, view=_add_key, access=Access.SIGNED_IN, methods=_POST, needs_fresh=True
    ),
    Route(
        path=f"{_KEYS_PATH}revoke/",
        view=_revoke,
        access=Access.SIGNED_IN,
        methods=_POST,
        needs_fresh=True,
    ),
)

_AUDIT_PATH = "/audit/"
_PAGE_SIZE = 50


def _show_audit(request: ConsoleRequest) -> flask.Response:
    before = parse_id(flask.request.args.get("before", ""))
    found = read_audit_log(request.state, request.actor, before=before, limit=_PAGE_SIZE + 1)
    shown = found[:_PAGE_SIZE]
    is_more = len(found) > _PAGE_SIZE
    return request.page(
        "audit.html",
        entries=[(number, one, _details(one)) for number, one in shown],
        older=f"{_AUDIT_PATH}?before={shown[-1][0]}" if is_more else "",
        newest=_AUDIT_PATH if before is not None else "",
    )


def _details(entry: AuditEntry) -> str:
    return json.dumps(dict(entry.details), ensure_ascii=False, sort_keys=True)


def _check(request: ConsoleRequest) -> flask.Response:
    return request.page(
        "audit_check.html", check=verify_audit_log(request.state, request.actor)
    )


_AUDIT_ROUTES = (
    Route(path=_AUDIT_PATH, view=_show_audit, access=Permission.SEE_AUDIT_LOG, menu="audit"),
    Route(path=f"{_AUDIT_PATH}check/", view=_check, access=Permission.SEE_AUDIT_LOG),
)


ROUTES = (*_ACCOUNTS_ROUTES, *_KEYS_ROUTES, *_AUDIT_ROUTES)
