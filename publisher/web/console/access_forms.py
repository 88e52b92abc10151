"""What pages of signing in share: the browser, an answer of a passkey, and a step that is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import flask

from publisher.app.own_sessions import Browser
from publisher.errors import SignInError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from publisher.web.console.context import ConsoleRequest

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
# Characters that are shown of an unknown one.
_UNKNOWN = 40


def browser_name(user_agent: str) -> str:
    """Return what people call a browser and its system, such as `Firefox, Linux`; a part if unknown."""
    named = (_found(_BROWSERS, user_agent), _found(_SYSTEMS, user_agent))
    return ", ".join(filter(None, named)) or user_agent[:_UNKNOWN]


def _found(names: Mapping[str, str], user_agent: str) -> str:
    return next((name for mark, name in names.items() if mark in user_agent), "")


def device_label(request: ConsoleRequest) -> str:
    """Return what its owner calls a device; without that, its browser and system."""
    return request.field("label") or browser_name(flask.request.user_agent.string)


def browser_of(request: ConsoleRequest) -> Browser:
    """Return the browser of a request, as lists of sessions show it."""
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


def passkey_options(options: str) -> flask.Response:
    """Return what a browser is asked for to the script of a page."""
    return flask.Response(options, mimetype="application/json")


def refused_options(error: SignInError) -> flask.Response:
    """Return the answer to a script whose browser is asked for nothing."""
    body = json.dumps({"reason": error.key})
    return _with_wait(flask.Response(body, _status(error), mimetype="application/json"), error)


def refused_page(
    request: ConsoleRequest, template: str, error: SignInError, **values: Any
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
