"""The first page with what needs somebody and what comes next; and webhooks, whose addresses stand on these pages only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import flask

from publisher.app.editing_state import Permission
from publisher.app.operation import webhooks
from publisher.app.operation.attention import AttentionItem, list_attention
from publisher.config import Edition
from publisher.errors import UsageError, WebhookError
from publisher.issues.planner import EditionIssue
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.routes import RouteTable
from publisher.webhooks.client import Answer
from publisher.webhooks.events import EventType

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


ROUTES = RouteTable()


@ROUTES.add("GET /", Permission.VIEW, menu="today")
def _today(request: ConsoleRequest) -> flask.Response:
    snapshot, items = request.call(list_attention)
    upcoming = [issue for language in snapshot.languages for issue in language.upcoming]
    return request.page(
        "today.html", items=join_items(items), upcoming=_together(upcoming)[:_UPCOMING]
    )


@dataclass(frozen=True, slots=True)
class ComingIssue:
    """A newsletter's issue of one time that comes next, in its languages; `page` is its own, or the preview of the next one."""

    at: datetime
    edition: Edition
    page: str
    languages: list[EditionIssue]


def _together(upcoming: Iterable[EditionIssue]) -> list[ComingIssue]:
    found: dict[tuple[datetime, str, int], ComingIssue] = {}
    for one in upcoming:
        edition, issue = one.edition, one.issue
        at = issue.send_at or one.local
        key = at.astimezone(UTC), edition.newsletter, issue.serial
        page = f"/issues/{issue.name}/" if issue.id else f"/next/{edition.newsletter}/"
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
    for item in items:
        key = (item.kind, item.urgent, item.text, item.group or item)
        found.setdefault(key, []).append(item)
    return [_joined(many) for many in found.values()]


def _joined(many: Sequence[AttentionItem]) -> JoinedItem:
    first, is_one = many[0], len(many) == 1
    pages = tuple((item.language, _page_of_item(item)) for item in many if item.language)
    whole = replace(
        first,
        name=first.name if is_one or not first.name else first.group,
        count=sum(item.count for item in many),
        of=sum(item.of for item in many),
    )
    return JoinedItem(whole, _page_of_item(first), pages)


def _page_of_item(item: AttentionItem) -> str:
    return _PAGES.get(item.kind, "").format(name=item.name, language=item.language)


_PATH = "/webhooks/"
# Deliveries that are shown of one, the latest.
_LATEST = 100


@ROUTES.add("GET /webhooks/", Permission.MANAGE_WEBHOOKS, menu="webhooks")
def _page(request: ConsoleRequest, status: int = 200, problem: str = "") -> flask.Response:
    return request.page(
        "webhooks.html",
        status,
        webhooks=request.call(webhooks.list_webhooks),
        events=[*EventType],
        problem=problem,
        url=request.field("url"),
        chosen=flask.request.form.getlist("event"),
    )


@ROUTES.add("POST /webhooks/", Permission.MANAGE_WEBHOOKS, needs_fresh=True)
def _add(request: ConsoleRequest) -> flask.Response:
    events = flask.request.form.getlist("event")
    try:
        number, secret = request.call(webhooks.add_webhook, request.field("url"), events)
    except (UsageError, WebhookError) as error:
        return _page(request, 422, str(error))
    return request.page("webhook_secret.html", webhook=number, secret=secret)


@ROUTES.add("GET /webhooks/<int:number>/", Permission.MANAGE_WEBHOOKS)
def _one(request: ConsoleRequest, number: int, answer: Answer | None = None) -> flask.Response:
    deliveries = request.call(webhooks.list_webhook_deliveries, number, None, _LATEST)
    found = request.call(webhooks.list_webhooks)
    one = next(one for one in found if one.webhook.id == number)
    return request.page("webhook.html", one=one, deliveries=deliveries, answer=answer)


@ROUTES.add("POST /webhooks/<int:number>/test/", Permission.MANAGE_WEBHOOKS)
def _test(request: ConsoleRequest, number: int) -> flask.Response:
    answer = request.call(webhooks.send_test_event, number)
    return _one(request, number, answer)


@ROUTES.add("POST /webhooks/<int:number>/rotate/", Permission.MANAGE_WEBHOOKS, needs_fresh=True)
def _rotate(request: ConsoleRequest, number: int) -> flask.Response:
    secret = request.call(webhooks.rotate_webhook, number)
    return request.page("webhook_secret.html", webhook=number, secret=secret)


@ROUTES.add("POST /webhooks/<int:number>/enable/", Permission.MANAGE_WEBHOOKS, needs_fresh=True)
def _enable(request: ConsoleRequest, number: int) -> flask.Response:
    request.call(webhooks.enable_webhook, number)
    return request.see_other(f"{_PATH}{number}/", done="saved")


@ROUTES.add("POST /webhooks/<int:number>/disable/", Permission.MANAGE_WEBHOOKS)
def _disable(request: ConsoleRequest, number: int) -> flask.Response:
    request.call(webhooks.disable_webhook, number)
    return request.see_other(f"{_PATH}{number}/", done="saved")


@ROUTES.add("POST /webhooks/<int:number>/remove/", Permission.MANAGE_WEBHOOKS, needs_fresh=True)
def _remove(request: ConsoleRequest, number: int) -> flask.Response:
    request.call(webhooks.remove_webhook, number)
    return request.see_other(_PATH, done="removed")
