"""One's own account: language, passkeys, password, recovery codes, sessions.

Whoever changes how he or she signs in has shown a factor just now; the other sessions end.
"""

from collections.abc import Callable
from typing import Any

import flask

from publisher.app.accounts import factors
from publisher.app.accounts.administration import choose_language
from publisher.app.accounts.keys import end_own_session, list_own_sessions
from publisher.errors import SignInError
from publisher.web.console.accounts.sign_in import (
    browser_name,
    codes_page,
    device_label,
    passkey_options,
    refused_page,
    typed_password,
)
from publisher.web.console.context import ConsoleRequest, console_token
from publisher.web.console.routes import Access, Route

_PATH = "/account/"
_PASSWORD_PATH = f"{_PATH}password/"
_PAGE, _PASSWORD_PAGE = "account.html", "account_password.html"


def _show(request: ConsoleRequest) -> flask.Response:
    return request.page(_PAGE, **_values(request))


def _values(request: ConsoleRequest) -> dict[str, Any]:
    own, passkeys = factors.read_own_factors(request.state, request.actor)
    return {
        "factors": own,
        "passkeys": passkeys,
        "sessions": [
            (one, browser_name(one.user_agent))
            for one in list_own_sessions(request.state, request.actor)
        ],
    }


def _choose_language(request: ConsoleRequest) -> flask.Response:
    choose_language(request.state, request.actor, request.field("language"))
    return request.see_other(_PATH, done="saved")


def _end_session(request: ConsoleRequest) -> flask.Response:
    end_own_session(request.state, request.actor, request.field("session"))
    return request.see_other(_PATH, done="saved")


def _ask(request: ConsoleRequest) -> flask.Response:
    return passkey_options(factors.ask_for_own_passkey(request.state, console_token()))


def _add_passkey(request: ConsoleRequest) -> flask.Response:
    answer, label = flask.request.form.get("answer", ""), device_label(request)
    return _changed(
        request,
        lambda: factors.store_passkey(
            request.state, console_token(), answer, label, request.network
        ),
    )


def _remove_passkey(request: ConsoleRequest) -> flask.Response:
    number = request.number("number") or 0
    return _changed(
        request,
        lambda: factors.remove_own_passkey(
            request.state, console_token(), number, request.network
        ),
    )


def _change_password(request: ConsoleRequest) -> flask.Response:
    return _changed(
        request,
        lambda: factors.change_password(
            request.state, console_token(), typed_password(), request.network
        ),
    )


def _remove_password(request: ConsoleRequest) -> flask.Response:
    return _changed(
        request,
        lambda: factors.remove_own_password(request.state, console_token(), request.network),
    )


def _changed(request: ConsoleRequest, change: Callable[[], object]) -> flask.Response:
    """Make a change and lead back to the page, or show it again with the reason of a refusal."""
    try:
        change()
    except SignInError as error:
        return refused_page(request, _PAGE, error, **_values(request))
    return request.see_other(_PATH, done="saved")


def _renew_codes(request: ConsoleRequest) -> flask.Response:
    made = factors.renew_recovery_codes(request.state, console_token(), request.network)
    return codes_page(request, made)


def _begin_password(request: ConsoleRequest) -> flask.Response:
    factors.begin_password(request.state, console_token())
    return request.see_other(_PASSWORD_PATH)


def _show_password(request: ConsoleRequest) -> flask.Response:
    setup = factors.read_setup(request.state, console_token())
    # Opened by its address: there is no secret yet.
    return request.page(_PASSWORD_PAGE, setup=setup) if setup.totp else request.see_other(_PATH)


def _set_password(request: ConsoleRequest) -> flask.Response:
    token, code = console_token(), request.field("code")
    try:
        made = factors.store_password(
            request.state, token, typed_password(), code, request.network
        )
    except SignInError as error:
        setup = factors.read_setup(request.state, token)
        if not setup.totp:
            return refused_page(request, _PAGE, error, **_values(request))
        return refused_page(request, _PASSWORD_PAGE, error, setup=setup)
    return codes_page(request, made)


def _post(
    path: str, view: Callable[[ConsoleRequest], flask.Response], *, needs_fresh: bool = True
) -> Route:
    return Route(
        path=path,
        view=view,
        access=Access.SIGNED_IN,
        methods=("POST",),
        needs_fresh=needs_fresh,
    )


ROUTES = (
    Route(path=_PATH, view=_show, access=Access.SIGNED_IN),
    _post(f"{_PATH}language/", _choose_language, needs_fresh=False),
    _post(f"{_PATH}sessions/end/", _end_session, needs_fresh=False),
    _post(f"{_PATH}passkeys/options/", _ask),
    _post(f"{_PATH}passkeys/", _add_passkey),
    _post(f"{_PATH}passkeys/remove/", _remove_passkey),
    Route(path=_PASSWORD_PATH, view=_show_password, access=Access.SIGNED_IN, needs_fresh=True),
    _post(_PASSWORD_PATH, _set_password),
    _post(f"{_PASSWORD_PATH}begin/", _begin_password),
    _post(f"{_PASSWORD_PATH}change/", _change_password),
    _post(f"{_PASSWORD_PATH}remove/", _remove_password),
    _post(f"{_PATH}codes/", _renew_codes),
)
