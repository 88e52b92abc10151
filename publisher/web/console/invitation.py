"""Invitations: the link of a new account leads here, and from here to a passkey or a password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask

from publisher.app import console_factors
from publisher.errors import SignInError
from publisher.web.console.access_forms import (
    browser_of,
    device_label,
    passkey_options,
    refused_options,
    refused_page,
    typed_password,
)
from publisher.web.console.cookies import console_token, set_console_cookie
from publisher.web.console.routes import Access, Route

if TYPE_CHECKING:
    from publisher.app.console_factors import NewFactor
    from publisher.web.console.context import ConsoleRequest

_INVITATION, _SETUP = "invitation.html", "setup.html"
_PATH, _SETUP_PATH = "/invite/", "/invite/setup/"


def _show(request: ConsoleRequest) -> flask.Response:
    return request.page(_INVITATION)


def _accept(request: ConsoleRequest) -> flask.Response:
    try:
        token = console_factors.accept_invitation(
            request.state, browser_of(request), request.field("invitation")
        )
    except SignInError as error:
        return refused_page(request, _INVITATION, error)
    return set_console_cookie(request.see_other(_SETUP_PATH), token)


def _show_setup(request: ConsoleRequest) -> flask.Response:
    try:
        setup = console_factors.read_setup(request.state, console_token())
    except SignInError as error:
        return refused_page(request, _INVITATION, error)
    return request.page(_SETUP, setup=setup)


def _picture(request: ConsoleRequest) -> flask.Response:
    """Return the QR code of what a session sets up. It is stored nowhere, as all answers."""
    try:
        picture = console_factors.read_totp_picture(request.state, console_token())
    except SignInError:
        flask.abort(404)
    return flask.Response(picture, mimetype="image/svg+xml")


def _ask(request: ConsoleRequest) -> flask.Response:
    try:
        options = console_factors.ask_for_own_passkey(request.state, console_token())
    except SignInError as error:
        return refused_options(error)
    return passkey_options(options)


def _store_passkey(request: ConsoleRequest) -> flask.Response:
    answer = flask.request.form.get("answer", "")
    try:
        made = console_factors.store_passkey(
            request.state, console_token(), answer, device_label(request), request.network
        )
    except SignInError as error:
        return _setup_again(request, error)
    return set_console_cookie(request.see_other("/"), made.token)


def _store_password(request: ConsoleRequest) -> flask.Response:
    try:
        made = console_factors.store_password(
            request.state,
            console_token(),
            typed_password(),
            request.field("code"),
            request.network,
        )
    except SignInError as error:
        return _setup_again(request, error)
    return codes_page(request, made)


def _setup_again(request: ConsoleRequest, error: SignInError) -> flask.Response:
    """Show the page again, or if the invitation is over, that of the invitation."""
    try:
        setup = console_factors.read_setup(request.state, console_token())
    except SignInError as over:
        return refused_page(request, _INVITATION, over)
    return refused_page(request, _SETUP, error, setup=setup)


def codes_page(request: ConsoleRequest, made: NewFactor) -> flask.Response:
    """Return the page that shows new recovery codes, this once."""
    response = request.page("recovery_codes.html", codes=made.recovery_codes)
    return set_console_cookie(response, made.token)


_POST, _PUBLIC = ("POST",), Access.PUBLIC
ROUTES = (
    Route(path=_PATH, view=_show, access=_PUBLIC),
    Route(path=_PATH, view=_accept, access=_PUBLIC, methods=_POST),
    Route(path=_SETUP_PATH, view=_show_setup, access=_PUBLIC),
    # Of somebody who is invited, or who is signed in and changes the password.
    Route(path="/one-time-passwords.svg", view=_picture, access=_PUBLIC),
    Route(path=f"{_SETUP_PATH}options/", view=_ask, access=_PUBLIC, methods=_POST),
    Route(path=f"{_SETUP_PATH}passkey/", view=_store_passkey, access=_PUBLIC, methods=_POST),
    Route(path=f"{_SETUP_PATH}password/", view=_store_password, access=_PUBLIC, methods=_POST),
)
