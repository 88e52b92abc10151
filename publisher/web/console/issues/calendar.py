"""The calendar: weeks by newsletters, one occurrence in all its languages, and the file for other programs."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby

import flask

from publisher.app.editing_state import Permission
from publisher.app.issues import calendar as use_cases
from publisher.app.issues import occurrences
from publisher.errors import IssueError, UsageError
from publisher.web.api.operations import About
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.routes import Access, RouteTable

_PATH = "/calendar/"
_WEEK = timedelta(weeks=1)
_WEEKS = 5
# Dates of other centuries are mistakes.
_CENTURIES = (20, 21)

# A day of a newsletter: its entries in all languages, those of one instant and time zone together.
_Day = tuple[date, list[list[use_cases.CalendarEntry]]]


ROUTES = RouteTable()


@ROUTES.add("GET /calendar/", Permission.VIEW, menu="calendar")
def _show(request: ConsoleRequest) -> flask.Response:
    today = request.state.clock.now().astimezone(request.settings.zone()).date()
    first = _parse_day(flask.request.args.get("from", "")) or today
    first -= timedelta(days=first.weekday())
    calendar = use_cases.read_calendar(
        request.state, first, first + _WEEKS * _WEEK - timedelta(days=1)
    )
    newsletters = list(dict.fromkeys(one.issue.newsletter for one in calendar.entries))
    actor = request.actor
    token = use_cases.calendar_token(request.state, actor) if actor.account_id else ""
    root = request.settings.console.url or flask.request.host_url.rstrip("/")
    return request.page(
        "calendar.html",
        calendar=calendar,
        newsletters=newsletters,
        weeks=[
            (
                monday,
                _week(calendar, newsletters, monday, request.settings.publication.languages),
            )
            for monday in (first + n * _WEEK for n in range(_WEEKS))
        ],
        earlier=f"{_PATH}?from={first - _WEEKS * _WEEK}",
        later=f"{_PATH}?from={first + _WEEKS * _WEEK}",
        file_url=f"{root}{_PATH}{token}.ics" if token else "",
    )


def _week(
    calendar: use_cases.Calendar,
    newsletters: Sequence[str],
    monday: date,
    languages: Sequence[str],
) -> list[list[_Day]]:
    order = {tag: number for number, tag in enumerate(languages)}
    of_week = sorted(
        (one for one in calendar.entries if monday <= one.at.date() < monday + _WEEK),
        key=lambda one: (
            *(one.issue.day, one.issue.due_at, one.timezone),
            order.get(one.issue.language, 99),
        ),
    )
    return [
        _by_day(one for one in of_week if one.issue.newsletter == name) for name in newsletters
    ]


def _by_day(entries: Iterable[use_cases.CalendarEntry]) -> list[_Day]:
    return [
        (
            day,
            [
                list(group)
                for _key, group in groupby(
                    of_day, key=lambda one: (one.issue.due_at, one.timezone)
                )
            ],
        )
        for day, of_day in groupby(entries, key=lambda one: one.issue.day)
    ]


@ROUTES.add("GET /calendar/<newsletter>/<day>/", Permission.VIEW)
def _page(
    request: ConsoleRequest, newsletter: str, day: str, problem: str = "", status: int = 200
) -> flask.Response:
    of_day = _parse_day(day)
    entries = use_cases.read_occurrence(request.state, newsletter, of_day) if of_day else ()
    if not entries:
        flask.abort(404)
    may_move = [
        one.issue.language
        for one in entries
        if request.permits(Permission.MOVE_ISSUE, one.issue.language)
    ]
    return request.page(
        "occurrence.html",
        status,
        newsletter=newsletter,
        of_day=of_day,
        entries=entries,
        movable=list(dict.fromkeys(may_move)),
        problem=problem,
        wanted=request.field("to"),
        reason=request.field("why"),
    )


def _verb(act: Callable[[ConsoleRequest, occurrences.OccurrenceKey], object]) -> None:
    """Add a view that changes an occurrence in the languages of a form, and shows it."""
    name = act.__name__.strip("_")

    @ROUTES.add(
        f"POST /calendar/<newsletter>/<day>/{name}/", Permission.MOVE_ISSUE, about=About.EACH
    )
    def view(request: ConsoleRequest, newsletter: str, day: str) -> flask.Response:
        of_day, languages = _parse_day(day), tuple(flask.request.form.getlist("language"))
        if of_day is None:
            flask.abort(404)
        if not languages:
            return _page(request, newsletter, day, "choose a language", 422)
        key = occurrences.OccurrenceKey(newsletter=newsletter, day=of_day, languages=languages)
        try:
            act(request, key)
        except (UsageError, IssueError) as error:
            return _page(request, newsletter, day, str(error), 422)
        return request.see_other(f"{_PATH}{newsletter}/{day}/", "saved")


@_verb
def _move(request: ConsoleRequest, key: occurrences.OccurrenceKey) -> None:
    try:
        to = datetime.fromisoformat(request.field("to"))
    except ValueError:
        raise UsageError("choose a date and a time") from None
    request.call(occurrences.move_occurrence, key, to.replace(tzinfo=None))


@_verb
def _skip(request: ConsoleRequest, key: occurrences.OccurrenceKey) -> None:
    request.call(occurrences.skip_occurrence, key, request.field("why"))


@_verb
def _restore(request: ConsoleRequest, key: occurrences.OccurrenceKey) -> None:
    request.call(occurrences.restore_occurrence, key)


def _parse_day(text: str) -> date | None:
    """Return a date of this age; None for anything else."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found.year // 100 in _CENTURIES else None


@ROUTES.add("GET /calendar/<token>.ics", Access.PUBLIC)
def _file(request: ConsoleRequest, token: str) -> flask.Response:
    content = use_cases.calendar_of_token(request.state, token)
    if content is None:
        flask.abort(404)
    response = flask.Response(content, mimetype="text/calendar")
    response.headers["Cache-Control"] = "private, max-age=300"
    return response


@ROUTES.add("POST /calendar/address/", Permission.VIEW, needs_fresh=True)
def _renew(request: ConsoleRequest) -> flask.Response:
    request.call(use_cases.renew_private_addresses)
    return request.see_other(_PATH, "saved")
