"""One's own account: language, mails, passkeys, password, recovery codes, sessions."""

from collections.abc import Callable
from typing import Any

import flask

from publisher.accounts.mails import MailTime, StaffMailKind
from publisher.app.accounts import factors
from publisher.app.accounts.administration import choose_language
from publisher.app.accounts.keys import end_own_session, list_own_sessions
from publisher.app.staff_mails import choose_mails, read_mail_choices
from publisher.errors import SignInError
from publisher.web.console.accounts import sign_in
from publisher.web.console.context import ConsoleRequest, console_token
from publisher.web.console.routes import Access, RouteTable

_PATH = "/account/"
_PASSWORD_PATH = f"{_PATH}password/"
_PAGE, _PASSWORD_PAGE = "account.html", "account_password.html"


ROUTES = RouteTable()


@ROUTES.add("GET /account/", Access.SIGNED_IN)
def _show(request: ConsoleRequest) -> flask.Response:
    return request.page(_PAGE, **_values(request))


def _values(request: ConsoleRequest) -> dict[str, Any]:
    own, passkeys = request.call(factors.read_own_factors)
    choices = request.call(read_mail_choices)
    return {
        "mail_times": {kind.value: at.value for kind, at in choices.times.items()},
        "mails": choices.mails,
        "factors": own,
        "passkeys": passkeys,
        "sessions": [
            (one, sign_in.browser_name(one.user_agent))
            for one in request.call(list_own_sessions)
        ],
    }


@ROUTES.add("POST /account/language/", Access.SIGNED_IN)
def _choose_language(request: ConsoleRequest) -> flask.Response:
    request.call(choose_language, request.field("language"))
    return request.see_other(_PATH, done="saved")


@ROUTES.add("POST /account/mails/", Access.SIGNED_IN)
def _choose_mails(request: ConsoleRequest) -> flask.Response:
    given = {kind: request.field(kind) for kind in StaffMailKind}
    chosen = {kind: MailTime(at) for kind, at in given.items() if at in set(MailTime)}
    request.call(choose_mails, chosen)
    return request.see_other(_PATH, done="saved")


@ROUTES.add("POST /account/sessions/end/", Access.SIGNED_IN)
def _end_session(request: ConsoleRequest) -> flask.Response:
    request.call(end_own_session, request.field("session"))
    return request.see_other(_PATH, done="saved")


@ROUTES.add("POST /account/passkeys/options/", Access.SIGNED_IN, needs_fresh=True)
def _ask(request: ConsoleRequest) -> flask.Response:
    return sign_in.passkey_options(factors.ask_for_own_passkey(request.state, console_token()))


def _changes(change: Callable[[ConsoleRequest], object]) -> Callable[..., flask.Response]:
    """Return a view that makes a change and leads back to the page, or shows it with the reason of a refusal."""

    def view(request: ConsoleRequest) -> flask.Response:
        try:
            change(request)
        except SignInError as error:
            return sign_in.refused_page(request, _PAGE, error, **_values(request))
        return request.see_other(_PATH, done="saved")

    return view


@ROUTES.add("POST /account/passkeys/", Access.SIGNED_IN, needs_fresh=True)
@_changes
def _add_passkey(request: ConsoleRequest) -> None:
    sign_in.store_shown_passkey(request)


@ROUTES.add("POST /account/passkeys/remove/", Access.SIGNED_IN, needs_fresh=True)
@_changes
def _remove_passkey(request: ConsoleRequest) -> None:
    request.call_for_session(factors.remove_own_passkey, request.number("number") or 0)


@ROUTES.add("POST /account/password/change/", Access.SIGNED_IN, needs_fresh=True)
@_changes
def _change_password(request: ConsoleRequest) -> None:
    request.call_for_session(factors.change_password, sign_in.typed_password())


@ROUTES.add("POST /account/password/remove/", Access.SIGNED_IN, needs_fresh=True)
@_changes
def _remove_password(request: ConsoleRequest) -> None:
    request.call_for_session(factors.remove_own_factor, "password")


@ROUTES.add("POST /account/openid/remove/", Access.SIGNED_IN, needs_fresh=True)
@_changes
def _remove_openid(request: ConsoleRequest) -> None:
    request.call_for_session(factors.remove_own_factor, "openid")


@ROUTES.add("POST /account/codes/", Access.SIGNED_IN, needs_fresh=True)
def _renew_codes(request: ConsoleRequest) -> flask.Response:
    return sign_in.codes_page(request, request.call_for_session(factors.renew_recovery_codes))


@ROUTES.add("POST /account/password/begin/", Access.SIGNED_IN, needs_fresh=True)
def _begin_password(request: ConsoleRequest) -> flask.Response:
    factors.begin_password(request.state, console_token())
    return request.see_other(_PASSWORD_PATH)


@ROUTES.add("GET /account/password/", Access.SIGNED_IN, needs_fresh=True)
def _show_password(request: ConsoleRequest) -> flask.Response:
    setup = factors.read_setup(request.state, console_token())
    # Opened by its address: there is no secret yet.
    return request.page(_PASSWORD_PAGE, setup=setup) if setup.totp else request.see_other(_PATH)


@ROUTES.add("POST /account/password/", Access.SIGNED_IN, needs_fresh=True)
def _set_password(request: ConsoleRequest) -> flask.Response:
    given = sign_in.typed_password(), request.field("code")
    try:
        made = request.call_for_session(factors.store_password, *given)
    except SignInError as error:
        setup = factors.read_setup(request.state, console_token())
        if not setup.totp:
            return sign_in.refused_page(request, _PAGE, error, **_values(request))
        return sign_in.refused_page(request, _PASSWORD_PAGE, error, setup=setup)
    return sign_in.codes_page(request, made)
