"""The first page with what needs somebody and what comes next; and webhooks, whose addresses stand on these pages only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import flask

from publisher.app.editing_state import Permission
from publisher.app.operation import today, webhooks
from publisher.app.operation.attention import AttentionItem
from publisher.config import Edition
from publisher.errors import UsageError, WebhookError
from publisher.issues.model import IssueKind
from publisher.issues.planner import EditionIssue
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.routes import RouteTable
from publisher.webhooks.client import Answer
from publisher.webhooks.events import EventType

_UPCOMING = 6  # how many issues that come next are shown
# Where an item is dealt with, by its kind. `{name}` is that of an issue, `{language}` its language.
_ISSUE = "/issues/{name}/"
_PAGES = {
    **dict.fromkeys(
        ("approval", "changes", "late", "unscheduled", "warnings", "skipped"), _ISSUE
    ),
    **dict.fromkeys(("lost", "unreadable"), "/sources/"),
    "changed": f"{_ISSUE}#changed",
    "quarantine": "/sources/#quarantine",
    "problems": "/sources/#problems",
    "waits": "/translations/?language={language}",
    "claimed": "/translations/?language={language}",
    "missing": "/translations/?language={language}&state=missing",
    "promises": "/translations/?language={language}&state=missing",
    "stale": "/translations/?language={language}&state=stale",
    "paused": "/issues/{name}/sending/",
    "in-doubt": "/issues/{name}/report/",
    "undelivered": "/issues/{name}/report/",
}

ROUTES = RouteTable()


@ROUTES.add("GET /", Permission.VIEW, menu="today")
def _today(request: ConsoleRequest) -> flask.Response:
    found = request.call(today.read_today)
    upcoming = [issue for language in found.snapshot.languages for issue in language.upcoming]
    return request.page(
        "today.html",
        found=found,
        upcoming=_together(upcoming, found)[:_UPCOMING],
        page_of=_page_of_item,
    )


@ROUTES.add("POST /aside/", Permission.VIEW)
def _put_aside(request: ConsoleRequest) -> flask.Response:
    again = request.field("again") == "yes"
    request.call(today.put_aside, request.field("fingerprint"), again=again)
    return request.see_other("/#machine")


@dataclass(frozen=True, slots=True)
class ComingIssue:
    """A newsletter's issue of one time that comes next, in its languages; `page` is its own, or the preview of the next one."""

    at: datetime
    edition: Edition
    page: str
    languages: list[EditionIssue]
    subscribers: int


def _together(upcoming: Iterable[EditionIssue], found: today.Today) -> list[ComingIssue]:
    groups: dict[tuple[datetime, str, int], list[EditionIssue]] = {}
    for one in upcoming:
        at = one.issue.send_at or one.local
        key = at.astimezone(UTC), one.edition.newsletter, one.issue.serial
        groups.setdefault(key, []).append(one)
    return [_coming(groups[key], found) for key in sorted(groups)]


def _coming(many: list[EditionIssue], found: today.Today) -> ComingIssue:
    many.sort(key=lambda one: one.edition.language not in found.own)
    edition, issue = many[0].edition, many[0].issue
    page = f"/issues/{issue.name}/" if issue.id else f"/next/{edition.newsletter}/"
    keys = [(one.edition.newsletter, one.edition.language) for one in many]
    # Others go to those who got an issue, or to an audience of their own.
    is_regular = issue.kind == IssueKind.REGULAR
    subscribers = sum(found.subscribers.get(key, 0) for key in keys) if is_regular else 0
    return ComingIssue(issue.send_at or many[0].local, edition, page, many, subscribers)


def _page_of_item(item: AttentionItem) -> str:
    return _PAGES.get(item.kind, "").format(name=item.name, language=item.language)


_PATH = "/webhooks/"
_LATEST = 100  # deliveries that are shown of one, the latest


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
    return _one(request, number, request.call(webhooks.send_test_event, number))


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
