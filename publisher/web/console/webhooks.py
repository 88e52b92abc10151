"""Webhooks: add, test, disable and remove them, and what receivers answered. For administrators.

Secrets are shown once. An address may be a secret of its receiver, so it stands on these pages only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import flask

from publisher.app import webhooks
from publisher.app.editing_state import Permission
from publisher.errors import UsageError, WebhookError
from publisher.web.console.routes import Route

if TYPE_CHECKING:
    from publisher.app.webhooks import Answer
    from publisher.web.console.context import ConsoleRequest

_PATH = "/webhooks/"
_ONE = f"{_PATH}<int:number>/"
# Deliveries that are shown of one, the latest.
_LATEST = 100


def _list(request: ConsoleRequest) -> flask.Response:
    return _page(request)


def _page(request: ConsoleRequest, status: int = 200, problem: str = "") -> flask.Response:
    return request.page(
        "webhooks.html",
        status,
        webhooks=webhooks.list_webhooks(request.state, request.actor),
        events=[*webhooks.EventType],
        problem=problem,
        url=request.field("url"),
        chosen=flask.request.form.getlist("event"),
    )


def _add(request: ConsoleRequest) -> flask.Response:
    events = flask.request.form.getlist("event")
    try:
        number, secret = webhooks.add_webhook(
            request.state, request.actor, request.field("url"), events
        )
    except (UsageError, WebhookError) as error:
        return _page(request, 422, str(error))
    return request.page("webhook_secret.html", webhook=number, secret=secret)


def _show(request: ConsoleRequest, number: int) -> flask.Response:
    return _one(request, number)


def _one(request: ConsoleRequest, number: int, answer: Answer | None = None) -> flask.Response:
    deliveries = webhooks.list_webhook_deliveries(
        request.state, request.actor, number, None, _LATEST
    )
    found = webhooks.list_webhooks(request.state, request.actor)
    one = next(one for one in found if one.webhook.id == number)
    return request.page("webhook.html", one=one, deliveries=deliveries, answer=answer)


def _test(request: ConsoleRequest, number: int) -> flask.Response:
    """Send an event that means nothing, and show the answer."""
    answer = webhooks.send_test_event(request.state, request.actor, number)
    return _one(request, number, answer)


def _rotate(request: ConsoleRequest, number: int) -> flask.Response:
    secret = webhooks.rotate_webhook(request.state, request.actor, number)
    return request.page("webhook_secret.html", webhook=number, secret=secret)


def _enable(request: ConsoleRequest, number: int) -> flask.Response:
    webhooks.enable_webhook(request.state, request.actor, number)
    return request.see_other(f"{_PATH}{number}/", done="saved")


def _disable(request: ConsoleRequest, number: int) -> flask.Response:
    webhooks.disable_webhook(request.state, request.actor, number)
    return request.see_other(f"{_PATH}{number}/", done="saved")


def _remove(request: ConsoleRequest, number: int) -> flask.Response:
    webhooks.remove_webhook(request.state, request.actor, number)
    return request.see_other(_PATH, done="removed")


def _post(path: str, view: Callable[..., flask.Response], *, needs_fresh: bool = True) -> Route:
    return Route(
        path=path,
        view=view,
        access=Permission.MANAGE_WEBHOOKS,
        methods=("POST",),
        needs_fresh=needs_fresh,
    )


ROUTES = (
    Route(path=_PATH, view=_list, access=Permission.MANAGE_WEBHOOKS, menu="webhooks"),
    Route(path=_ONE, view=_show, access=Permission.MANAGE_WEBHOOKS),
    _post(_PATH, _add),
    _post(f"{_ONE}test/", _test, needs_fresh=False),
    _post(f"{_ONE}rotate/", _rotate),
    _post(f"{_ONE}enable/", _enable),
    _post(f"{_ONE}disable/", _disable, needs_fresh=False),
    _post(f"{_ONE}remove/", _remove),
)
