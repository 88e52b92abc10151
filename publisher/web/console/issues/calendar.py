"""Issues of a month, what is to come among them; a search in subjects; one occurrence in all its languages; the file for other programs."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any
from urllib.parse import quote, urlencode

import flask

from publisher.app.editing_state import Permission
from publisher.app.issues import calendar as use_cases
from publisher.app.issues import listing, occurrences
from publisher.errors import IssueError, UsageError
from publisher.issues.model import IssueState
from publisher.web.api.operations import About
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.routes import Access, RouteTable
from publisher.web.pages.responses import parse_id

_PATH = "/issues/"
_CENTURIES = (20, 21)  # dates of other centuries are mistakes
_LISTED = 30  # issues on a page of what a search has found
_MOST_WORDS = 200  # characters that are searched: databases refuse patterns that are too long
# Skipped issues in a row that are shown each; more are folded into one line.
_FEW = 2
_STATES = (use_cases.PLANNED, *IssueState)
_NO_LANGUAGE = "no-language"  # what is wrong with a form; the words are in the template

ROUTES = RouteTable()


@ROUTES.add("GET /issues/", Permission.VIEW, menu="issues")
def _show(request: ConsoleRequest) -> flask.Response:
    """Show a month, or what a search has found. A search is no secret: it is in the address, with all choices."""
    known = {
        "newsletter": [one.name for one in request.settings.newsletters],
        "language": request.settings.publication.languages,
        "state": _STATES,
        "view": ("list",),
    }
    asked = {name: _chosen(name, values) for name, values in known.items()}
    asked["q"] = flask.request.args.get("q", "").replace("\0", "")[:_MOST_WORDS].strip()
    wanted = {name: asked[name] for name in listing.LINE_FILTERS}
    given: dict[str, Any] = {"asked": asked, "known": known}
    if asked["q"]:
        return _search(request, asked["q"], wanted, given)
    today = request.state.clock.now().astimezone(request.settings.zone()).date()
    day = _parse_day(flask.request.args.get("from", "")) or today
    month = listing.read_issue_month(request.state, day, wanted)
    actor = request.actor
    token = use_cases.calendar_token(request.state, actor) if actor.account_id else ""
    root = request.settings.console.url or flask.request.host_url.rstrip("/")
    return request.page(
        "issues.html",
        **given,
        month=month,
        runs=_folded([one for one in month.lines if one.day.month == month.first.month]),
        address=partial(_address, asked),
        may_announce=any(
            request.permits(Permission.EDIT_ISSUE, tag) for tag in known["language"]
        ),
        file_url=f"{root}/calendar/{token}.ics" if token else "",
    )


def _search(
    request: ConsoleRequest, words: str, wanted: dict[str, str], given: dict[str, Any]
) -> flask.Response:
    before = _place(flask.request.args.get("before", ""))
    lines, last = listing.search_issue_lines(request.state, words, wanted, _LISTED, before)
    further = f"{last[0]:%Y%m%dT%H%M%SZ}-{last[1]}" if last else ""
    return request.page(
        "issues.html",
        **given,
        runs=[[one] for one in lines],
        older=_address(given["asked"], before=further) if further else "",
        newest=_address(given["asked"]) if before else "",
    )


def _chosen(name: str, values: Sequence[str]) -> str:
    value = flask.request.args.get(name, "")
    return value if value in values else ""


def _address(asked: dict[str, str], month: date | None = None, **changed: str) -> str:
    first = {"from": f"{month:%Y-%m}"} if month else {}
    query = {name: value for name, value in (first | asked | changed).items() if value}
    return f"{_PATH}?{urlencode(query)}" if query else _PATH


def _place(text: str) -> tuple[datetime, int] | None:
    written, _, last = text.partition("-")
    number = parse_id(last)
    try:
        at = datetime.strptime(written, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return None if number is None else (at, number)


def _folded(lines: Sequence[listing.ListedIssue]) -> list[list[listing.ListedIssue]]:
    """Return lines, each alone, but for skipped ones in a row."""
    runs: list[list[listing.ListedIssue]] = []
    for is_skipped, group in groupby(lines, key=attrgetter("is_skipped")):
        same = list(group)
        runs += [same] if is_skipped and same[_FEW:] else [[one] for one in same]
    return runs


@ROUTES.add("GET /issues/day/<newsletter>/<day>/", Permission.VIEW)
def _page(
    request: ConsoleRequest, newsletter: str, day: str, problem: str = "", status: int = 200
) -> flask.Response:
    """Return the page of an occurrence; with the question whether to skip it, as the answer to that form."""
    of_day = _parse_day(day)
    entries = use_cases.read_occurrence(request.state, newsletter, of_day) if of_day else ()
    if not entries:
        flask.abort(404)
    languages = dict.fromkeys(one.issue.language for one in entries)
    is_form, asked = flask.request.method == "POST", flask.request.form.getlist("language")
    served = request.settings.publication.languages
    return request.page(
        "occurrence.html",
        status,
        newsletter=newsletter,
        of_day=of_day,
        entries=entries,
        movable=[tag for tag in languages if request.permits(Permission.MOVE_ISSUE, tag)],
        problem=problem,
        asked=[tag for tag in asked if tag in served] if is_form else [*languages],
        is_skipping=problem != _NO_LANGUAGE and flask.request.path.endswith("/skip/"),
        wanted=request.field("to"),
        reason=request.field("why"),
    )


def _verb(
    act: Callable[[ConsoleRequest, occurrences.OccurrenceKey], flask.Response | None],
) -> None:
    """Add a view that changes an occurrence in the languages of a form, and shows it."""
    name = act.__name__.strip("_")

    @ROUTES.add(
        f"POST /issues/day/<newsletter>/<day>/{name}/", Permission.MOVE_ISSUE, about=About.EACH
    )
    def view(request: ConsoleRequest, newsletter: str, day: str) -> flask.Response:
        of_day, languages = _parse_day(day), tuple(flask.request.form.getlist("language"))
        if of_day is None:
            flask.abort(404)
        if not languages or {*languages} - {*request.settings.publication.languages}:
            return _page(request, newsletter, day, _NO_LANGUAGE, 422)
        for language in languages:
            request.actor.require(Permission.MOVE_ISSUE, language)
        key = occurrences.OccurrenceKey(newsletter=newsletter, day=of_day, languages=languages)
        try:
            shown = act(request, key)
        except (UsageError, IssueError) as error:
            return _page(request, newsletter, day, str(error), 422)
        return shown or request.see_other(
            f"{_PATH}day/{quote(newsletter)}/{quote(day)}/", "saved"
        )


@_verb
def _move(request: ConsoleRequest, key: occurrences.OccurrenceKey) -> flask.Response | None:
    try:
        to = datetime.fromisoformat(request.field("to"))
    except ValueError:
        return _page(request, key.newsletter, str(key.day), "no-time", 422)
    request.call(occurrences.move_occurrence, key, to.replace(tzinfo=None))
    return None


@_verb
def _skip(request: ConsoleRequest, key: occurrences.OccurrenceKey) -> flask.Response | None:
    """Skip it, and issues that are made of it, once the languages are confirmed and there is a reason."""
    if request.field("sure") != "yes":
        return _page(request, key.newsletter, str(key.day))
    if not (reason := request.field("why").strip()):
        return _page(request, key.newsletter, str(key.day), "no-reason", 422)
    request.call(occurrences.skip_day, key, reason)
    return None


@_verb
def _restore(request: ConsoleRequest, key: occurrences.OccurrenceKey) -> None:
    request.call(occurrences.restore_occurrence, key)


def _parse_day(text: str) -> date | None:
    """Return a date of this age, or the first of a month; None for anything else."""
    try:
        found = date.fromisoformat(f"{text}-01" if len(text) == len("2026-01") else text)
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
