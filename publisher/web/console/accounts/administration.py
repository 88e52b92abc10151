"""Accounts, keys of the API and the audit log, for administrators; and one's own keys."""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import flask

from publisher.accounts.api_keys import KeyRequest
from publisher.accounts.store import NewAccount
from publisher.app.accounts import administration, keys
from publisher.app.accounts import administration as use_cases
from publisher.app.editing_state import Permission
from publisher.errors import AccountError, UsageError
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.routes import Access, RouteTable
from publisher.web.pages.responses import parse_id

_PATH = "/accounts/"


ROUTES = RouteTable()


@ROUTES.add("GET /accounts/", Permission.MANAGE_ACCOUNTS, menu="accounts", needs_fresh=True)
def _page(request: ConsoleRequest, problem: str = "") -> flask.Response:
    return request.page(
        "accounts.html",
        422 if problem else 200,
        problem=problem,
        given={name: request.field(name) for name in ("email", "name", "language")},
        grants=_roles(),
        records=request.call(administration.read_accounts),
        choices=administration.role_choices(request.settings.publication),
    )


@ROUTES.add("POST /accounts/", Permission.MANAGE_ACCOUNTS, needs_fresh=True)
def _add(request: ConsoleRequest) -> flask.Response:
    language = request.field("language") or "en"
    try:
        grants = administration.parse_roles(request.settings.publication, _roles())
        new = NewAccount(request.field("email"), request.field("name"), language, grants)
        made = request.call(administration.create_account, new)
    except AccountError as error:
        return _page(request, str(error))
    return _invited(request, made)


def _invited(request: ConsoleRequest, made: use_cases.Invitation) -> flask.Response:
    """Return the page that shows an invitation's link, this once."""
    link = made.link(request.settings.console.url)
    return request.page("invited.html", invitation=made, link=link)


@ROUTES.add("GET /accounts/<int:number>/", Permission.MANAGE_ACCOUNTS, needs_fresh=True)
def _page_of_one(request: ConsoleRequest, number: int, problem: str = "") -> flask.Response:
    record = _record(request, number)
    return request.page(
        "account_of.html",
        422 if problem else 200,
        record=record,
        choices=administration.role_choices(request.settings.publication),
        grants=_roles()
        if problem
        else [administration.written_grant(grant) for grant in record.account.grants],
        problem=problem,
    )


@ROUTES.add("POST /accounts/<int:number>/roles/", Permission.MANAGE_ACCOUNTS, needs_fresh=True)
def _set_roles(request: ConsoleRequest, number: int) -> flask.Response:
    email = _record(request, number).account.email
    try:
        grants = administration.parse_roles(request.settings.publication, _roles())
        request.call(administration.change_roles, email, grants)
    except AccountError as error:
        return _page_of_one(request, number, str(error))
    return request.see_other(f"{_PATH}{number}/", done="saved")


@ROUTES.add(
    "POST /accounts/<int:number>/recover/", Permission.MANAGE_ACCOUNTS, needs_fresh=True
)
def _recover(request: ConsoleRequest, number: int) -> flask.Response:
    email = _record(request, number).account.email
    made = request.call(administration.recover_account, email)
    return _invited(request, made)


for _name, _verb in (
    ("disable", administration.close_account),
    ("enable", administration.reopen_account),
    ("end-sessions", administration.end_account_sessions),
):

    @ROUTES.add(
        f"POST /accounts/<int:number>/{_name}/", Permission.MANAGE_ACCOUNTS, needs_fresh=True
    )
    def _act(
        request: ConsoleRequest, number: int, verb: Callable[..., None] = _verb
    ) -> flask.Response:
        request.call(verb, _record(request, number).account.email)
        return request.see_other(f"{_PATH}{number}/", done="saved")


def _record(request: ConsoleRequest, number: int) -> use_cases.AccountRecord:
    """Return an account by its number; abort with 404 if there is none. Addresses are in no URL."""
    records = request.call(administration.read_accounts)
    found = next((record for record in records if record.account.id == number), None)
    if found is None:
        flask.abort(404)
    return found


def _roles() -> list[str]:
    return flask.request.form.getlist("role")


_KEYS_PATH = "/keys/"
_LIFETIMES = ("30", "90", "365")  # what may be chosen, in days


@ROUTES.add("GET /keys/", Access.SIGNED_IN, menu="keys")
def _keys_page(request: ConsoleRequest, problem: str = "") -> flask.Response:
    return request.page(
        "keys.html",
        422 if problem else 200,
        problem=problem,
        given={name: request.field(name) for name in ("label", "days")},
        chosen=[*flask.request.form.getlist("scope"), *flask.request.form.getlist("language")],
        keys=request.call(keys.list_keys),
        scopes=keys.key_scopes(request.actor),
        publication_languages=request.settings.publication.languages,
        lifetimes=[(days, days) for days in _LIFETIMES],
    )


@ROUTES.add("POST /keys/", Access.SIGNED_IN, needs_fresh=True)
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


@ROUTES.add("POST /keys/revoke/", Access.SIGNED_IN, needs_fresh=True)
def _revoke(request: ConsoleRequest) -> flask.Response:
    number = request.number("number")
    if number is None:
        raise UsageError(f"{request.field('number')!r}: no such key")
    request.call(keys.revoke_key, number)
    return request.see_other(_KEYS_PATH, done="saved")


_AUDIT_PATH = "/audit/"
_PAGE_SIZE = 50


@ROUTES.add("GET /audit/", Permission.SEE_AUDIT_LOG, menu="audit")
def _show_audit(request: ConsoleRequest) -> flask.Response:
    before = parse_id(flask.request.args.get("before", ""))
    found = request.call(use_cases.read_audit_log, before=before, limit=_PAGE_SIZE + 1)
    shown = found[:_PAGE_SIZE]
    write = partial(json.dumps, ensure_ascii=False, sort_keys=True)
    is_more = len(found) > _PAGE_SIZE
    return request.page(
        "audit.html",
        entries=[(number, one, write(dict(one.details))) for number, one in shown],
        older=f"{_AUDIT_PATH}?before={shown[-1][0]}" if is_more else "",
        newest=_AUDIT_PATH if before is not None else "",
    )


@ROUTES.add("GET /audit/check/", Permission.SEE_AUDIT_LOG)
def _check(request: ConsoleRequest) -> flask.Response:
    return request.page("audit_check.html", check=request.call(use_cases.verify_audit_log))
