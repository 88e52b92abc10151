"""The first page: what needs somebody, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING

from publisher.app.attention import AttentionItem, list_attention
from publisher.app.editing_state import Permission
from publisher.web.console.routes import Route

if TYPE_CHECKING:
    from datetime import datetime

    import flask

    from publisher.app.issues import UpcomingIssue
    from publisher.config import Edition
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


ROUTES = (Route(path="/", view=_today, access=Permission.VIEW, menu="today"),)
