"""Who gets an issue, how far it is, what became of every mail; the mail as it was sent, and its corrections.

The part with the counts is rendered once for all who look, in each language. A browser that was let in gets it
for `_PERMITTED` without another look at its session and account: those cost more than the counts. Every other
page of the console looks at each request.

Each page is about an issue in all its languages. What mail servers say is text of strangers.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import flask
from werkzeug.http import parse_cookie

from publisher.app.editing_state import Permission
from publisher.app.issues import corrections, sending
from publisher.app.issues.audience_plan import plan_audience, plan_hash
from publisher.app.issues.deliveries import decide_doubts, report_issues
from publisher.app.issues.lookup import IssueGroup, find_issue_group
from publisher.app.issues.preview import MailPreview, Shown, preview_mails, viewer_with_profile
from publisher.app.issues.preview_pages import LOOKS, WIDTHS
from publisher.config import Settings
from publisher.errors import IssueError, PublisherError, UsageError
from publisher.web.api.operations import About
from publisher.web.console.context import CONSOLE_COOKIE, ConsoleContext, ConsoleRequest
from publisher.web.console.routes import RouteTable
from publisher.web.security import SAFE_METHODS
from subscribers.preferences import Profile

# For everybody who looks at this process's pages.
watch = sending.SendingWatch()
# By issue and language of the page: the counts and settings that it shows, and its HTML.
_shown: dict[tuple[str, str], tuple[tuple[sending.SendingStatus, ...], Settings, bytes]] = {}
_MAX_SHOWN = 100
_PROGRESS_PATH = re.compile(r"/issues/([^/]+)/sending/progress/")
# How much later than elsewhere a session that was ended by another process counts as ended.
_PERMITTED = timedelta(seconds=20)
# Browsers that are remembered.
_MAX_PERMITTED = 1000


ROUTES = RouteTable()


def progress_values(looks: tuple[sending.SendingStatus, ...], issue: str) -> dict[str, Any]:
    return {
        "looks": looks,
        "look": next(one for one in looks if one.issue.name == issue),
        "is_changing": any(one.is_changing for one in looks),
    }


@ROUTES.add("GET /issues/<issue>/sending/progress/", Permission.VIEW)
def sending_progress(request: ConsoleRequest, issue: str) -> flask.Response:
    looks = watch.look_at_group(request.state, issue)
    shown = _shown_html(looks, request.settings, issue, request.language)
    if shown is None:
        page = request.page("sending_progress.html", **progress_values(looks, issue))
        if len(_shown) >= _MAX_SHOWN:
            _shown.clear()
        shown = page.get_data()
        _shown[issue, request.language] = looks, request.settings, shown
    response = flask.Response(shown, mimetype="text/html")
    response.headers["Content-Language"] = request.language
    return response


def _shown_html(
    looks: tuple[sending.SendingStatus, ...], settings: Settings, issue: str, language: str
) -> bytes | None:
    """Return the HTML with certain counts, if it was rendered before."""
    shown = _shown.get((issue, language))
    # The counts of a moment are the same objects, so that comparing them takes no time.
    is_same = shown is not None and shown[0] == looks and shown[1] is settings
    return shown[2] if shown is not None and is_same else None


class _Permitted(NamedTuple):
    """A browser that was let in: until when, and the header fields of its answer."""

    until: datetime
    language: str
    fields: list[tuple[str, str]]


class RepeatedProgress:
    """Passes requests to the pages, but answers a repeated one for counts by itself."""

    def __init__(self, pages: WSGIApplication, context: ConsoleContext) -> None:
        self._pages = pages
        self._context = context
        self._permitted: dict[tuple[str, ...], _Permitted] = {}
        # How often it was emptied: who was let in before that is asked again.
        self._emptied = 0

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        asked = _PROGRESS_PATH.fullmatch(str(environ.get("PATH_INFO", "")))
        if asked is None or environ["REQUEST_METHOD"] != "GET" or environ.get("QUERY_STRING"):
            return self._pass_on(environ, start_response)
        browser = _browser(environ)
        repeated = self._repeat(browser, asked[1])
        if repeated is None:
            return self._pages(environ, self._remembering(browser, start_response))
        html, fields = repeated
        start_response("200 OK", fields)
        return [html]

    def _pass_on(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        try:
            return self._pages(environ, start_response)
        finally:
            # Somebody has signed out, or lost a role.
            if environ["REQUEST_METHOD"] not in SAFE_METHODS:
                self._emptied += 1
                self._permitted.clear()

    def _repeat(
        self, browser: tuple[str, ...], issue: str
    ) -> tuple[bytes, list[tuple[str, str]]] | None:
        """Return HTML and header fields for a browser that was let in, unless they have to be made."""
        permitted = self._permitted.get(browser)
        now = self._context.clock.now()
        if permitted is None or not permitted.until - _PERMITTED <= now < permitted.until:
            return None
        settings = self._context.current_settings()
        try:
            looks = watch.look_at_group(self._context.state(settings, may_write=False), issue)
        except PublisherError:  # the pages have words for it
            return None
        html = _shown_html(looks, settings, issue, permitted.language)
        if html is None:
            return None
        return html, [*permitted.fields, ("Content-Length", str(len(html)))]

    def _remembering(
        self, browser: tuple[str, ...], start_response: StartResponse
    ) -> Callable[..., Any]:
        emptied = self._emptied

        def start(status: str, fields: list[tuple[str, str]], *rest: Any) -> Any:
            if status.startswith("200 ") and emptied == self._emptied:
                self._remember(browser, fields)
            return start_response(status, fields, *rest)

        return start

    def _remember(self, browser: tuple[str, ...], fields: list[tuple[str, str]]) -> None:
        language = next((value for name, value in fields if name == "Content-Language"), "")
        kept = [one for one in fields if one[0] != "Content-Length"]
        if len(self._permitted) >= _MAX_PERMITTED:
            self._permitted.clear()
        until = self._context.clock.now() + _PERMITTED
        self._permitted[browser] = _Permitted(until, language, kept)


def _browser(environ: WSGIEnvironment) -> tuple[str, ...]:
    """Return what an answer depends on: host, path and session."""
    cookies = parse_cookie(str(environ.get("HTTP_COOKIE", "")))
    host, path = str(environ.get("HTTP_HOST", "")), str(environ["PATH_INFO"])
    return host, path, cookies.get(CONSOLE_COOKIE, "")


# Mail providers that are shown by name.
_PROVIDERS = 20
_PLANNED_STATES = ("scheduled", "assembling", "awaiting_approval", "ready")


@ROUTES.add("GET /issues/<issue>/plan/", Permission.VIEW)
def _plan(request: ConsoleRequest, issue: str) -> flask.Response:
    group, found = find_issue_group(request.state, issue)
    # A correction goes to whoever got the error, and what is being sent has a report.
    if found.serial or not any(one.issue.state in _PLANNED_STATES for one in group.issues):
        return request.see_other(f"/issues/{issue}/report/")
    plan = plan_audience(request.state, found.newsletter, found.day)
    providers = sum((one.providers for one in plan.editions), Counter[str]())
    return request.page(
        "plan.html",
        **_given(request, group, found),
        plan=plan,
        hash=plan_hash(plan, request.state.secret),
        providers=providers.most_common(_PROVIDERS),
        others=len(providers) - _PROVIDERS,
        in_others=sum(count for _name, count in providers.most_common()[_PROVIDERS:]),
    )


@ROUTES.add("GET /issues/<issue>/sending/", Permission.VIEW)
def _sending(
    request: ConsoleRequest, issue: str, status: int = 200, **values: Any
) -> flask.Response:
    group, found = find_issue_group(request.state, issue)
    looks = watch.look_at_group(request.state, issue)
    given = _given(request, group, found) | {"reason": "", "is_unproved": False}
    return request.page(
        "sending.html", status, **given | values, **progress_values(looks, issue)
    )


@ROUTES.add("GET /issues/<issue>/report/", Permission.VIEW)
def _report(request: ConsoleRequest, issue: str) -> flask.Response:
    group, found = find_issue_group(request.state, issue)
    report = report_issues(request.state, [one.issue.name for one in group.issues])
    found_at = report.providers
    largest = sorted(found_at, key=lambda name: (-found_at[name].total(), name))
    shown, others = largest[:_PROVIDERS], largest[_PROVIDERS:]
    return request.page(
        "report.html",
        **_given(request, group, found),
        report=report,
        states=_used([one.counts for one in report.issues]),
        providers=[(name, found_at[name]) for name in shown],
        others=len(others),
        in_others=sum((found_at[name] for name in others), Counter[str]()),
    )


def _used(lines: Sequence[Mapping[str, int]]) -> list[str]:
    states = [*dict.fromkeys(state for line in lines for state in line)]
    return [state for state in states if any(line[state] for line in lines)]


def _given(request: ConsoleRequest, group: IssueGroup, issue: Any) -> dict[str, Any]:
    edition = request.settings.edition(issue.newsletter, issue.language)
    return {"group": group, "issue": issue, "edition": edition}


@ROUTES.add("POST /issues/<issue>/pause/", Permission.PAUSE_SENDING)
def _pause(request: ConsoleRequest, issue: str) -> flask.Response:
    request.call(sending.pause_sending, issue, request.field("reason") or None)
    return _done(request, issue, "paused")


@ROUTES.add("POST /issues/<issue>/resume/", Permission.CONTROL_SENDING)
def _resume(request: ConsoleRequest, issue: str) -> flask.Response:
    request.call(sending.resume_sending, issue)
    return _done(request, issue, "resumed")


def _pause_before_proof(request: ConsoleRequest, issue: str) -> flask.Response:
    """Pause an issue that is to be cancelled while a factor is asked for, and show the form with its reason."""
    _group, found = find_issue_group(request.state, issue)
    reason = request.field("reason")
    can_pause = request.permits(Permission.PAUSE_SENDING, found.language)
    if found.state == "sending" and can_pause:
        request.call(sending.pause_sending, issue, reason or None)
        watch.forget(request.state, issue)
    return _sending(request, issue, 403, reason=reason, is_unproved=True)


@ROUTES.add(
    "POST /issues/<issue>/cancel/",
    Permission.CONTROL_SENDING,
    needs_fresh=True,
    unproved=_pause_before_proof,
)
def _cancel(request: ConsoleRequest, issue: str) -> flask.Response:
    request.call(sending.cancel_sending, issue, request.field("reason") or None)
    return _done(request, issue, "cancelled")


def _done(request: ConsoleRequest, issue: str, done: str) -> flask.Response:
    watch.forget(request.state, issue)
    return request.see_other(f"/issues/{issue}/sending/", done=done)


def _decide(request: ConsoleRequest, issue: str, *, resend: bool) -> flask.Response:
    request.call(decide_doubts, issue, resend=resend)
    watch.forget(request.state, issue)
    return request.see_other(f"/issues/{issue}/report/", done="doubts-decided")


for _word, _resend in (("resend", True), ("mark-sent", False)):
    ROUTES.add(
        f"POST /issues/<issue>/doubts/{_word}/", Permission.DECIDE_DOUBTS, about=About.NOTHING
    )(partial(_decide, resend=_resend))


# In these states mails of an issue may have left.
_SENT_STATES = ("sending", "paused", "sent", "partial", "failed", "cancelled")


@ROUTES.add("GET /issues/<issue>/sent/", Permission.VIEW)
def _show_sent_mail(request: ConsoleRequest, issue: str) -> flask.Response:
    """Show the frozen digest; lead to previews as long as nothing of it can have left."""
    group, found = find_issue_group(request.state, issue)
    if found.state not in _SENT_STATES:
        return request.see_other(f"/issues/{issue}/preview/")
    opened = request.context.opened
    seen = Shown(issue, viewer_with_profile(found.language, Profile()))
    (mail,) = preview_mails(request.state, opened.renderer, request.actor, [seen])
    is_shown = isinstance(mail, MailPreview) and mail.source.is_frozen
    return request.page(
        "sent.html",
        **_given(request, group, found),
        mail=mail if is_shown else None,
        problem="" if isinstance(mail, MailPreview) else str(mail),
        key=opened.previews.keep(mail) if isinstance(mail, MailPreview) else "",
        corrections=corrections.list_corrections(request.state, issue),
        looks=LOOKS[:2],
        widths=WIDTHS,
    )


_MOST_TEXT = 6000


@ROUTES.add("GET /issues/<issue>/correct/", Permission.CORRECT)
def _page(
    request: ConsoleRequest, issue: str, problem: str = "", status: int = 200
) -> flask.Response:
    _group, found = find_issue_group(request.state, issue)
    (plan,) = corrections.plan_correction(
        request.state, found.newsletter, found.day, [found.language]
    )
    return request.page(
        "correct.html",
        status,
        plan=plan,
        issue=plan.issue,
        problem=problem,
        subject=request.field("subject"),
        text=request.field("text", _MOST_TEXT),
    )


def _unproved(request: ConsoleRequest, issue: str) -> flask.Response:
    """Show the form again with its words: the page asks for a factor, in a window of its own."""
    return _page(request, issue, status=403)


@ROUTES.add(
    "POST /issues/<issue>/correct/", Permission.CORRECT, needs_fresh=True, unproved=_unproved
)
def _correct(request: ConsoleRequest, issue: str) -> flask.Response:
    _group, found = find_issue_group(request.state, issue)
    wanted = corrections.CorrectionRequest(
        newsletter=found.newsletter,
        day=found.day,
        languages=(found.language,),
        subject=request.field("subject"),
        text=request.field("text", _MOST_TEXT),
        web_only=request.field("how") != "mail",
    )
    try:
        request.call(corrections.correct_issue, wanted)
    except (UsageError, IssueError) as error:
        return _page(request, issue, str(error), 422)
    return request.see_other(f"/issues/{issue}/correct/", "corrected")
