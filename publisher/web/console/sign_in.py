"""Signing in, proving a factor again, and signing out.

Without a script there are password and code; a passkey needs one, since browsers give it to scripts only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask

from publisher.app import console_access
from publisher.app.own_sessions import sign_out
from publisher.errors import SignInError
from publisher.web.console.access_forms import (
    browser_of,
    passkey_options,
    refused_options,
    refused_page,
    shown_passkey,
    typed_password,
)
from publisher.web.console.cookies import (
    console_token,
    delete_console_cookie,
    set_console_cookie,
)
from publisher.web.console.paths import PROVE_PATH, SIGN_IN_PATH, own_path, path_with_next
from publisher.web.console.routes import Access, Route

if TYPE_CHECKING:
    from publisher.web.console.context import ConsoleRequest

_CODE_PATH = f"{SIGN_IN_PATH}code/"
SIGN_OUT_PATH = "/sign-out/"
_SIGN_IN, _CODE, _AGAIN = "sign_in.html", "sign_in_code.html", "sign_in_again.html"
# Nothing of an editor's work stays in a browser that others use.
_CLEARED = '"cookies", "storage"'


def _following() -> str:
    return own_path(flask.request.values.get("next", "/"))


def _again() -> bool:
    return bool(flask.request.values.get("again", ""))


def _show(request: ConsoleRequest) -> flask.Response:
    return request.page(_SIGN_IN, next=_following())


def _begin(request: ConsoleRequest) -> flask.Response:
    email, following = request.field("email"), _following()
    try:
        token = console_access.begin_by_password(
            request.state, browser_of(request), email, typed_password()
        )
    except SignInError as error:
        return refused_page(request, _SIGN_IN, error, next=following, email=email)
    response = request.see_other(path_with_next(_CODE_PATH, following))
    return set_console_cookie(response, token)


def _ask(request: ConsoleRequest) -> flask.Response:
    try:
        asked = console_access.ask_for_sign_in(request.state, browser_of(request))
    except SignInError as error:
        return refused_options(error)
    return set_console_cookie(passkey_options(asked.options), asked.token)


def _use_passkey(request: ConsoleRequest) -> flask.Response:
    return _passkey_or(request, _SIGN_IN)


def _show_code(request: ConsoleRequest) -> flask.Response:
    return request.page(_CODE, next=_following())


def _use_code(request: ConsoleRequest) -> flask.Response:
    following = _following()
    try:
        token = console_access.use_code(
            request.state, console_token(), request.field("code"), request.network
        )
    except SignInError as error:
        page = _SIGN_IN if error.key == "over" else _CODE
        return refused_page(request, page, error, next=following)
    return set_console_cookie(request.see_other(following), token)


def _show_again(request: ConsoleRequest) -> flask.Response:
    return request.page(_AGAIN, next=_following(), again=_again())


def _ask_again(request: ConsoleRequest) -> flask.Response:
    try:
        asked = console_access.ask_for_proof(request.state, console_token())
    except SignInError as error:
        return refused_options(error)
    return passkey_options(asked.options)


def _use_passkey_again(request: ConsoleRequest) -> flask.Response:
    return _passkey_or(request, _AGAIN)


def _passkey_or(request: ConsoleRequest, page: str) -> flask.Response:
    following = _following()
    try:
        token = console_access.use_passkey(
            request.state, console_token(), shown_passkey(), request.network
        )
    except SignInError as error:
        return refused_page(request, page, error, next=following, again=_again())
    return set_console_cookie(_onward(request, following), token)


def _onward(request: ConsoleRequest, following: str) -> flask.Response:
    """Lead on; if somebody came by a button, the page says that it has to be pressed again."""
    return request.see_other(following, "proved" if _again() else "")


def _prove_password(request: ConsoleRequest) -> flask.Response:
    following, code = _following(), request.field("code")
    try:
        token = console_access.prove_by_password(
            request.state, console_token(), typed_password(), code, request.network
        )
    except SignInError as error:
        return refused_page(request, _AGAIN, error, next=following, again=_again())
    return set_console_cookie(_onward(request, following), token)


def _end(request: ConsoleRequest) -> flask.Response:
    sign_out(request.state, console_token(), request.network)
    response = delete_console_cookie(request.see_other(SIGN_IN_PATH, done="signed-out"))
    response.headers["Clear-Site-Data"] = _CLEARED
    return response


_POST = ("POST",)
_PUBLIC, _SIGNED_IN = Access.PUBLIC, Access.SIGNED_IN
ROUTES = (
    Route(path=SIGN_IN_PATH, view=_show, access=_PUBLIC),
    Route(path=SIGN_IN_PATH, view=_begin, access=_PUBLIC, methods=_POST),
    Route(path=f"{SIGN_IN_PATH}options/", view=_ask, access=_PUBLIC, methods=_POST),
    Route(path=f"{SIGN_IN_PATH}passkey/", view=_use_passkey, access=_PUBLIC, methods=_POST),
    Route(path=_CODE_PATH, view=_show_code, access=_PUBLIC),
    Route(path=_CODE_PATH, view=_use_code, access=_PUBLIC, methods=_POST),
    Route(path=PROVE_PATH, view=_show_again, access=_SIGNED_IN),
    Route(path=PROVE_PATH, view=_prove_password, access=_SIGNED_IN, methods=_POST),
    Route(path=f"{PROVE_PATH}options/", view=_ask_again, access=_SIGNED_IN, methods=_POST),
    Route(
        path=f"{PROVE_PATH}passkey/",
        view=_use_passkey_again,
        access=_SIGNED_IN,
        methods=_POST,
    ),
    # Whoever is not signed in any more may sign out as well.
    Route(path=SIGN_OUT_PATH, view=_end, access=_PUBLIC, methods=_POST),
)
