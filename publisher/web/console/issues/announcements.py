"""Announce something outside the schedule: write it in some languages, see whom it reaches, store it."""

from datetime import UTC, datetime

import flask

from publisher.app.editing_state import Permission
from publisher.app.issues import announcements
from publisher.app.issues.announcements import AnnouncementTime, AnnouncementWords
from publisher.app.issues.audience_plan import AudiencePlan
from publisher.errors import IssueError, UsageError
from publisher.web.api.operations import About
from publisher.web.console import MAX_DRAFT_BYTES
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.routes import RouteTable

ROUTES = RouteTable()

_PATH = "/issues/announce/"
_MOST_LIMITS = 3


@ROUTES.add(f"GET {_PATH}", Permission.EDIT_ISSUE, about=About.EACH)
def _page(
    request: ConsoleRequest,
    problem: str = "",
    status: int = 200,
    plan: AudiencePlan | None = None,
) -> flask.Response:
    """Show the form of a newsletter, by default of the first, with what was typed."""
    names = [one.name for one in request.settings.newsletters]
    asked = request.field("newsletter") or flask.request.args.get("newsletter", "")
    name = asked if asked in names else next(iter(names), "")
    languages = [
        one.language
        for one in request.settings.editions_of(name)
        if request.permits(Permission.EDIT_ISSUE, one.language)
    ]
    return request.page(
        "announce.html",
        status,
        name=name,
        names=names,
        editions=sorted(languages, key=lambda tag: tag != request.language),
        typed={tag: _words(request, tag) for tag in languages},
        when=request.field("when") or AnnouncementTime.HELD.value,
        at=request.field("at"),
        listed=request.field("listed"),
        fields=request.settings.subscribers.field,
        limits=_limits(request),
        problem=problem,
        plan=plan,
    )


def _words(request: ConsoleRequest, tag: str) -> AnnouncementWords:
    return AnnouncementWords(
        subject=request.field(f"subject-{tag}"),
        text=request.field(f"text-{tag}", MAX_DRAFT_BYTES),
        preheader=request.field(f"preheader-{tag}"),
    )


@ROUTES.add(f"POST {_PATH}", Permission.EDIT_ISSUE, about=About.EACH, max_body=MAX_DRAFT_BYTES)
def _announce(request: ConsoleRequest) -> flask.Response:
    """Count whom an announcement reaches, or store it and show its issue."""
    try:
        wanted = _request(request)
        if request.field("do") == "count":
            plan = request.call(announcements.plan_announcement, wanted)
            return _page(request, plan=plan)
        made = request.call(announcements.announce, wanted, request.context.opened.renderer)
    except (UsageError, IssueError) as error:
        return _page(request, str(error), 422)
    return request.see_other(f"/issues/{made[0].issue.name}/", "announced")


def _request(request: ConsoleRequest) -> announcements.AnnouncementRequest:
    name, when = request.field("newsletter"), request.field("when")
    if when not in [*AnnouncementTime]:
        flask.abort(400)
    words = {
        one.language: _words(request, one.language)
        for one in request.settings.editions_of(name)
    }
    return announcements.AnnouncementRequest(
        newsletter=name,
        words={tag: one for tag, one in words.items() if one != AnnouncementWords("", "")},
        when=AnnouncementTime(when),
        at=_instant(request) if when == AnnouncementTime.AT else None,
        listed={"yes": True, "no": False}.get(request.field("listed")),
        only=tuple(" ".join(one).strip() for one in _limits(request) if one[0]),
    )


def _limits(request: ConsoleRequest) -> list[tuple[str, ...]]:
    """Return what is named, the test and the value of each condition of the form."""
    rows = range(1, _MOST_LIMITS + 1)
    return [
        tuple(request.field(f"{one}-{row}") for one in ("limit", "test", "value"))
        for row in rows
    ]


def _instant(request: ConsoleRequest) -> datetime:
    typed = request.field("at")
    try:
        local = datetime.fromisoformat(typed)
        return local.replace(tzinfo=request.settings.zone()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError.saying(
            "%(issue)s: %(value)s is no date and time",
            issue=request.field("newsletter"),
            value=repr(typed),
        ) from None
