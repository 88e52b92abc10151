"""Signing in, proving a factor again, signing out; and invitations, which lead to a passkey or a password.

Without a script there are password and code; a passkey needs one, since browsers give it to scripts only.
"""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import flask

from publisher.accounts.sessions import Browser
from publisher.app.accounts import factors, openid, sign_in
from publisher.app.accounts.factors import NewFactor
from publisher.app.accounts.keys import sign_out
from publisher.errors import SignInError
from publisher.web.console import context
from publisher.web.console.routes import Access, RouteTable

_TOO_MANY, _REFUSED = 429, 422
# Marks in User-Agent: the first that is found counts, since browsers name others as well.
_BROWSERS = {
    "Edg": "Edge",
    "Firefox": "Firefox",
    "OPR": "Opera",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
_UNKNOWN = 40  # characters that are shown of an unknown one


ROUTES = RouteTable()


def browser_name(user_agent: str) -> str:
    """Return what people call a browser and its system, such as `Firefox, Linux`; a part if unknown."""
    named = (_found(_BROWSERS, user_agent), _found(_SYSTEMS, user_agent))
    return ", ".join(filter(None, named)) or user_agent[:_UNKNOWN]


def _found(names: Mapping[str, str], user_agent: str) -> str:
    return next((name for mark, name in names.items() if mark in user_agent), "")


def browser_of(request: context.ConsoleRequest) -> Browser:
    return Browser(flask.request.user_agent.string, request.network)


def typed_password() -> str:
    """Return the password of a form as it was typed: blanks at the ends count."""
    return flask.request.form.get("password", "")


def shown_passkey() -> dict[str, Any]:
    """Return what a browser answered to the question for a passkey; raise SignInError."""
    try:
        answer = json.loads(flask.request.form.get("answer", ""))
    except ValueError as error:
        raise SignInError("wrong") from error
    if not isinstance(answer, dict):
        raise SignInError("wrong")
    return answer


def store_shown_passkey(request: context.ConsoleRequest) -> NewFactor:
    """Store the passkey that a browser has made, by what its owner calls the device."""
    answer = flask.request.form.get("answer", "")
    label = request.field("label") or browser_name(flask.request.user_agent.string)
    return request.call_for_session(factors.store_passkey, answer, label)


def passkey_options(options: str) -> flask.Response:
    return flask.Response(options, mimetype="application/json")


def refused_options(error: SignInError) -> flask.Response:
    """Return the answer to a script whose browser is asked for nothing."""
    body = json.dumps({"reason": error.key})
    return _with_wait(flask.Response(body, _status(error), mimetype="application/json"), error)


def refused_page(
    request: context.ConsoleRequest, template: str, error: SignInError, **values: Any
) -> flask.Response:
    """Return a page again, which says by `reason` why a step was refused."""
    response = request.page(
        template, _status(error), reason=error.key, seconds=error.seconds, **values
    )
    return _with_wait(response, error)


def _status(error: SignInError) -> int:
    return _TOO_MANY if error.key == "wait" else _REFUSED


def _with_wait(response: flask.Response, error: SignInError) -> flask.Response:
    if error.seconds:
        response.headers["Retry-After"] = str(error.seconds)
    return response


_CODE_PATH = f"{context.SIGN_IN_PATH}code/"
SIGN_OUT_PATH = "/sign-out/"
_SIGN_IN, _CODE, _AGAIN = "sign_in.html", "sign_in_code.html", "sign_in_again.html"
# Nothing of an editor's work stays in a browser that others use.
_CLEARED = '"cookies", "storage"'


def _following() -> str:
    return context.own_path(flask.request.values.get("next", "/"))


def _again() -> bool:
    return bool(flask.request.values.get("again", ""))


@ROUTES.add("GET /sign-in/", Access.PUBLIC)
def _show(request: context.ConsoleRequest) -> flask.Response:
    return request.page(_SIGN_IN, next=_following())


@ROUTES.add("POST /sign-in/", Access.PUBLIC)
def _begin(request: context.ConsoleRequest) -> flask.Response:
    email, following = request.field("email"), _following()
    try:
        token = sign_in.begin_by_password(
            request.state, browser_of(request), email, typed_password()
        )
    except SignInError as error:
        return refused_page(request, _SIGN_IN, error, next=following, email=email)
    response = request.see_other(context.path_with_next(_CODE_PATH, following))
    return context.set_console_cookie(response, token)


@ROUTES.add("POST /sign-in/options/", Access.PUBLIC)
def _ask(request: context.ConsoleRequest) -> flask.Response:
    try:
        asked = sign_in.ask_for_sign_in(request.state, browser_of(request))
    except SignInError as error:
        return refused_options(error)
    return context.set_console_cookie(passkey_options(asked.options), asked.token)


@ROUTES.add("GET /sign-in/code/", Access.PUBLIC)
def _show_code(request: context.ConsoleRequest) -> flask.Response:
    return request.page(_CODE, next=_following())


@ROUTES.add("POST /sign-in/code/", Access.PUBLIC)
def _use_code(request: context.ConsoleRequest) -> flask.Response:
    following = _following()
    try:
        token = request.call_for_session(sign_in.use_code, request.field("code"))
    except SignInError as error:
        page = _SIGN_IN if error.key == "over" else _CODE
        return refused_page(request, page, error, next=following)
    return context.set_console_cookie(request.see_other(following), token)


@ROUTES.add("GET /sign-in/again/", Access.SIGNED_IN)
def _show_again(request: context.ConsoleRequest) -> flask.Response:
    return request.page(_AGAIN, next=_following(), again=_again())


@ROUTES.add("POST /sign-in/again/options/", Access.SIGNED_IN)
def _ask_again(request: context.ConsoleRequest) -> flask.Response:
    try:
        asked = sign_in.ask_for_proof(request.state, context.console_token())
    except SignInError as error:
        return refused_options(error)
    return passkey_options(asked.options)


def _use_passkey(request: context.ConsoleRequest, page: str) -> flask.Response:
    following = _following()
    try:
        token = request.call_for_session(sign_in.use_passkey, shown_passkey())
    except SignInError as error:
        return refused_page(request, page, error, next=following, again=_again())
    return context.set_console_cookie(_onward(request, following), token)


ROUTES.add("POST /sign-in/passkey/", Access.PUBLIC)(partial(_use_passkey, page=_SIGN_IN))
ROUTES.add("POST /sign-in/again/passkey/", Access.SIGNED_IN)(partial(_use_passkey, page=_AGAIN))


def _onward(request: context.ConsoleRequest, following: str) -> flask.Response:
    """Lead on; if somebody came by a button, the page says that it has to be pressed again."""
    return request.see_other(following, "proved" if _again() else "")


@ROUTES.add("POST /sign-in/again/", Access.SIGNED_IN)
def _prove_password(request: context.ConsoleRequest) -> flask.Response:
    following, given = _following(), (typed_password(), request.field("code"))
    try:
        token = request.call_for_session(sign_in.prove_by_password, *given)
    except SignInError as error:
        return refused_page(request, _AGAIN, error, next=following, again=_again())
    return context.set_console_cookie(_onward(request, following), token)


def _ask_provider(request: context.ConsoleRequest, page: str) -> flask.Response:
    """Lead to the provider by a page. A redirect would need its origins in `form-action`, and those that it leads on to."""
    if request.settings.console.openid is None:
        flask.abort(404)
    fields = {"next": _following(), "again": "yes" if _again() else ""}
    proving = context.console_token() if page == _AGAIN else ""
    try:
        asked = openid.ask_provider(request.state, browser_of(request), fields, proving)
    except SignInError as error:
        return refused_page(request, page, error, **fields)
    response = request.page("sign_in_provider.html", url=asked.options)
    return context.set_console_cookie(response, asked.token)


ROUTES.add("POST /sign-in/provider/", Access.PUBLIC)(partial(_ask_provider, page=_SIGN_IN))
_PROOF = ROUTES.add("POST /sign-in/again/provider/", Access.SIGNED_IN)
_PROOF(partial(_ask_provider, page=_AGAIN))


@ROUTES.add(f"GET {openid.RETURN_PATH}", Access.PUBLIC)
def _come_back(request: context.ConsoleRequest) -> flask.Response:
    """Use what the provider has answered. It changes something, though it is a GET: once, by its `state`."""
    state = request.context.state(request.settings, may_write=True)
    token, answer = context.console_token(), flask.request.args.to_dict()
    fields: Mapping[str, str] = {"next": "/", "again": ""}
    try:
        question = openid.take_question(state, token, answer.get("state", ""))
        fields = question.fields
        token, needs_code = openid.use_answer(state, token, question, answer, request.network)
    except SignInError as error:
        page = _AGAIN if request.signed_in else _SIGN_IN
        return refused_page(request, page, error, **fields)
    place, done = fields["next"], "proved" if fields["again"] else ""
    if needs_code:
        place, done = context.path_with_next(_CODE_PATH, place), ""
    return context.set_console_cookie(request.see_other(place, done), token)


@ROUTES.add("POST /sign-out/", Access.PUBLIC)
def _end(request: context.ConsoleRequest) -> flask.Response:
    request.call_for_session(sign_out)
    response = context.delete_console_cookie(
        request.see_other(context.SIGN_IN_PATH, done="signed-out")
    )
    response.headers["Clear-Site-Data"] = _CLEARED
    return response


_INVITATION, _SETUP = "invitation.html", "setup.html"
_PATH, _SETUP_PATH = "/invite/", "/invite/setup/"


@ROUTES.add("GET /invite/", Access.PUBLIC)
def _show_invitation(request: context.ConsoleRequest) -> flask.Response:
    return request.page(_INVITATION)


@ROUTES.add("POST /invite/", Access.PUBLIC)
def _accept(request: context.ConsoleRequest) -> flask.Response:
    try:
        token = factors.accept_invitation(
            request.state, browser_of(request), request.field("invitation")
        )
    except SignInError as error:
        return refused_page(request, _INVITATION, error)
    return context.set_console_cookie(request.see_other(_SETUP_PATH), token)


@ROUTES.add("GET /invite/setup/", Access.PUBLIC)
def _show_setup(request: context.ConsoleRequest) -> flask.Response:
    try:
        setup = factors.read_setup(request.state, context.console_token())
    except SignInError as error:
        return refused_page(request, _INVITATION, error)
    return request.page(_SETUP, setup=setup)


@ROUTES.add("GET /one-time-passwords.svg", Access.PUBLIC)
def _picture(request: context.ConsoleRequest) -> flask.Response:
    """Return the QR code of what a session sets up. It is stored nowhere, as all answers."""
    try:
        picture = factors.read_totp_picture(request.state, context.console_token())
    except SignInError:
        flask.abort(404)
    return flask.Response(picture, mimetype="image/svg+xml")


@ROUTES.add("POST /invite/setup/options/", Access.PUBLIC)
def _ask_invited(request: context.ConsoleRequest) -> flask.Response:
    try:
        options = factors.ask_for_own_passkey(request.state, context.console_token())
    except SignInError as error:
        return refused_options(error)
    return passkey_options(options)


@ROUTES.add("POST /invite/setup/passkey/", Access.PUBLIC)
def _store_passkey(request: context.ConsoleRequest) -> flask.Response:
    try:
        made = store_shown_passkey(request)
    except SignInError as error:
        return _setup_again(request, error)
    return context.set_console_cookie(request.see_other("/"), made.token)


@ROUTES.add("POST /invite/setup/password/", Access.PUBLIC)
def _store_password(request: context.ConsoleRequest) -> flask.Response:
    given = typed_password(), request.field("code")
    try:
        made = request.call_for_session(factors.store_password, *given)
    except SignInError as error:
        return _setup_again(request, error)
    return codes_page(request, made)


def _setup_again(request: context.ConsoleRequest, error: SignInError) -> flask.Response:
    """Show the page again, or if the invitation is over, that of the invitation."""
    try:
        setup = factors.read_setup(request.state, context.console_token())
    except SignInError as over:
        return refused_page(request, _INVITATION, over)
    return refused_page(request, _SETUP, error, setup=setup)


def codes_page(request: context.ConsoleRequest, made: NewFactor) -> flask.Response:
    response = request.page("recovery_codes.html", codes=made.recovery_codes)
    return context.set_console_cookie(response, made.token)
