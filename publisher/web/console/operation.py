"""The first page with what needs somebody and what comes next; and webhooks, for administrators.

A webhook's secret is shown once. Its address may be a secret of its receiver, so it stands on these pages only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import flask

from publisher.app.editing_state import Permission
from publisher.app.operation import webhooks
from publisher.app.operation.attention import AttentionItem, list_attention
from publisher.app.operation.webhooks import Answer
from publisher.config import Edition
from publisher.errors import UsageError, WebhookError
from publisher.issues.planner import UpcomingIssue
from publisher.web.console.routes import Route

if TYPE_CHECKING:
    from publisher.web.console.context import ConsoleRequest


# How many issues that come next are shown.
_UPCOMING = 6
# Where an item is dealt with, by its kind. `{name}` is that of an issue, `{language}` its language.
_ISSUE = "/issues/{name}/"
_PAGES = {
    **dict.fromkeys(("approval", "late", "unscheduled", "warnings"), _ISSUE),
    **dict.fromkeys(("lost", "unreadable"), "/sources/"),
    "changed": f"{_ISSUE}#changed",
    "quarantine": "/sources/#quarantine",
    "problems": "/sources/#problems",
    "waits": "/translations/?language={language}",
    "promises": "/translations/?language={language}&state=missing",
    "stale": "/translations/?language={language}&state=stale",
    "paused": "/issues/{name}/sending/",
    "in-doubt": "/issues/{name}/report/",
    "undelivered": "/issues/{name}/report/",
}


def _today(request: ConsoleRequest) -> flask.Response:
    snapshot, items = list_attention(request.state, request.actor)
    upcoming = [one for language in snapshot.languages for one in language.upcoming]
    return request.page(
        "today.html",
        items=join_items(items),
        upcoming=_together(upcoming)[:_UPCOMING],
    )


@dataclass(frozen=True, slots=True)
class ComingIssue:
    """A newsletter's issue of one time that comes next, in its languages.

    `page` is that of the issue if it is made already, else the preview of the next one.
    """

    at: datetime
    edition: Edition
    page: str
    languages: list[UpcomingIssue]


def _together(upcoming: Iterable[UpcomingIssue]) -> list[ComingIssue]:
    """Return the next issues by time, those of a newsletter at one time as one, with languages."""
    found: dict[tuple[datetime, str, int], ComingIssue] = {}
    for one in upcoming:
        edition, issue = one.edition, one.issue
        at = one.local if issue is None else (issue.send_at or one.local)
        key = at.astimezone(UTC), edition.newsletter, issue.serial if issue else 0
        page = f"/issues/{issue.name}/" if issue else f"/next/{edition.newsletter}/"
        found.setdefault(key, ComingIssue(at, edition, page, [])).languages.append(one)
    return [found[key] for key in sorted(found)]


@dataclass(frozen=True, slots=True)
class JoinedItem:
    """The same in several languages: the sum, and the page of each language."""

    item: AttentionItem
    page: str
    pages: tuple[tuple[str, str], ...]


def join_items(items: Iterable[AttentionItem]) -> list[JoinedItem]:
    """Return one line for what is the same in several languages of an issue."""
    found: dict[tuple[object, ...], list[AttentionItem]] = {}
    for one in items:
        key = (one.kind, one.urgent, one.text, one.group or one)
        found.setdefault(key, []).append(one)
    return [_joined(many) for many in found.values()]


def _joined(many: Sequence[AttentionItem]) -> JoinedItem:
    first, is_one = many[0], len(many) == 1
    pages = tuple((one.language, _page_of_item(one)) for one in many if one.language)
    whole = replace(
        first,
        name=first.name if is_one or not first.name else first.group,
        count=sum(one.count for one in many),
        of=sum(one.of for one in many),
    )
    return JoinedItem(whole, _page_of_item(first), pages)


def _page_of_item(item: AttentionItem) -> str:
    return _PAGES.get(item.kind, "").format(name=item.name, language=item.language)


_TODAY_ROUTES = (Route(path="/", view=_today, access=Permission.VIEW, menu="today"),)

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


_WEBHOOKS_ROUTES = (
    Route(path=_PATH, view=_list, access=Permission.MANAGE_WEBHOOKS, menu="webhooks"),
    Route(path=_ONE, view=_show, access=Permission.MANAGE_WEBHOOKS),
    _post(_PATH, _add),
    _post(f"{_ONE}test/", _test, needs_fresh=False),
    _post(f"{_ONE}rotate/", _rotate),
    _post(f"{_ONE}enable/", _enable),
    _post(f"{_ONE}disable/", _disable, needs_fresh=False),
    _post(f"{_ONE}remove/", _remove),
)


ROUTES = (*_TODAY_ROUTES, *_WEBHOOKS_ROUTES)
