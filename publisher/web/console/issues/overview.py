"""The page of an issue in all its languages, and editing it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import flask

from publisher.app.editing_state import Permission
from publisher.app.issues import overview as use_cases
from publisher.app.issues.approvals import (
    ApprovalView,
    PlanToSign,
    read_approvals,
    read_plan_to_sign,
)
from publisher.app.issues.corrections import can_be_corrected
from publisher.app.issues.edits import (
    EditRequest,
    RefusedEditsError,
    arrange_issues,
    render_again,
)
from publisher.app.issues.lookup import IssueInLanguage, find_issue_group
from publisher.app.issues.overview import edit_text
from publisher.app.issues.preview import MailPreview, Shown, preview_mails, viewer_with_profile
from publisher.errors import EditConflictError, IssueError
from publisher.issues.digests import RevisionDiff
from publisher.issues.editing import EditKind
from publisher.issues.model import SELECTED_STATES, Issue
from publisher.mail_limits import MAX_SUBJECT_COLUMNS
from publisher.rendering.digest import PREHEADER_COLUMNS
from publisher.web.api.operations import About
from publisher.web.console import MAX_DRAFT_BYTES
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.routes import RouteTable
from publisher.web.pages.responses import parse_id

_SOON = 3600  # seconds before its first mail from which on the page of an issue counts down
# For so long the pages of an issue show a plan. An approval is refused if the number has moved far since.
_KEPT_PLAN = timedelta(minutes=1)
# The fields of the form of words.
_WORDS = (EditKind.SUBJECT, EditKind.PREHEADER, EditKind.OPENING)
# States of issues whose page shows no mail: it is made just now, or there is none.
_WITHOUT_MAIL = ("assembling", "skipped", "cancelled")

ROUTES = RouteTable()


@dataclass(frozen=True, slots=True)
class _Tab:
    """An issue in a language, and how far its approval is; None if its edition is gone."""

    one: IssueInLanguage
    approvals: ApprovalView | None


@ROUTES.add("GET /issues/<issue>/", Permission.VIEW)
def issue_page(
    request: ConsoleRequest, issue: str, status: int = 200, **values: Any
) -> flask.Response:
    """Return the page of an issue; `problem` is why a change was refused, `entered` what it was.

    `rejected` is why no mail can be made with a change that was stored. `conflict` is an edit that was not
    made, since somebody else has changed the same. `wrong` has why words were refused, by their kind.
    `diff` is what changed since what an approver has read, or has approved.
    """
    head = _head(request, issue)
    found, approvals = head["issue"], head["approvals"]
    overview = request.call(use_cases.read_issue_overview, issue)
    given = {
        "overview": overview,
        "plan": _plan(request, approvals, ()),
        "preview": _preview(request, found),
        "is_correctable": can_be_corrected(request.state, found),
        "diff": _changed_since_approval(request, approvals),
        "found": None,
        "words": _words_now(overview),
        "edit_text": edit_text,
        "most": {"subject": MAX_SUBJECT_COLUMNS, "preheader": PREHEADER_COLUMNS},
        "titles": _titles(overview),
        "problem": "",
        "rejected": (found.reason or "") if found.state == "assembling" else "",
        "conflict": None,
        "entered": {},
        "wrong": {},
    }
    return request.page("issue.html", status, **head | given | values)


def _head(request: ConsoleRequest, issue: str) -> dict[str, Any]:
    """Return what stands above each page of an issue: its languages, and when it is sent."""
    group, found = find_issue_group(request.state, issue)
    tabs = [_Tab(one, _approvals(request, one.issue.name)) for one in group.issues]
    here = next(tab for tab in tabs if tab.one.issue.id == found.id)
    matrix = request.call(use_cases.read_story_matrix, [one.issue for one in group.issues])
    return {
        "group": group,
        "tabs": tabs,
        "matrix": matrix,
        "row_of": {row.story.story_id: row for row in matrix.rows},
        "in_all": "all" in flask.request.args or "everywhere" in flask.request.form,
        "issue": found,
        "edition": request.settings.edition(found.newsletter, found.language),
        "approvals": here.approvals,
        "is_made": not (found.state == "assembling" and found.reason is None),
        "leaves_in": _seconds_until_sent(request, found),
    }


@ROUTES.add("GET /issues/<issue>/languages/", Permission.VIEW)
def _languages_page(
    request: ConsoleRequest, issue: str, status: int = 200, problem: str = ""
) -> flask.Response:
    """Show which language has which story at which place, with changes of several languages at once."""
    head = _head(request, issue)
    to_approve = [
        tab.approvals for tab in head["tabs"] if tab.approvals and _may_approve(request, tab)
    ]
    plan = _plan(request, None, to_approve)
    editable = [
        tab.one.issue.language
        for tab in head["tabs"]
        if tab.one.issue.state in SELECTED_STATES
        and request.permits(Permission.EDIT_ISSUE, tab.one.issue.language)
    ]
    given = {"to_approve": to_approve, "plan": plan, "problem": problem, "editable": editable}
    return request.page("issue_languages.html", status, **head | given)


def _approvals(request: ConsoleRequest, issue: str) -> ApprovalView | None:
    try:
        return request.call(read_approvals, issue)
    except IssueError:
        return None


def _may_approve(request: ConsoleRequest, tab: _Tab) -> bool:
    issue, view = tab.one.issue, tab.approvals
    is_mine = request.permits(Permission.APPROVE, issue.language)
    is_open = issue.state == "awaiting_approval" and view is not None and view.manifest
    return bool(is_mine and is_open and view and not view.why_not)


def _preview(request: ConsoleRequest, issue: Issue) -> tuple[str, str]:
    """Return the key of the mail that most get, as `PreviewStore` has it, or else why there is none.

    Neither is there while it is made, or for one that is not sent.
    """
    if issue.state in _WITHOUT_MAIL:
        return "", ""
    opened = request.context.opened
    shown = Shown(issue.name, viewer_with_profile(issue.language))
    (found,) = preview_mails(request.state, opened.renderer, request.actor, [shown])
    if isinstance(found, MailPreview):
        return opened.previews.keep(found), ""
    return "", str(found)


def _changed_since_approval(
    request: ConsoleRequest, approvals: ApprovalView | None
) -> RevisionDiff | None:
    """Return what changed since an issue was approved that waits for approval again, by whoever looks at it if she did; None for others."""
    if approvals is None or not approvals.struck:
        return None
    own = [row.revision for row in approvals.struck if row.actor == request.actor.name]
    first = min(own or [row.revision for row in approvals.struck])
    try:
        return request.call(use_cases.compare_revisions, approvals.issue.name, first)
    except IssueError:
        return None


def _plan(
    request: ConsoleRequest, view: ApprovalView | None, to_approve: Sequence[ApprovalView]
) -> PlanToSign | None:
    """Return who gets an issue, for those who may approve it or its sisters."""
    if view is not None and request.permits(Permission.APPROVE, view.issue.language):
        return plan_to_show(request, view)
    return plan_to_show(request, to_approve[0]) if to_approve else None


def plan_to_show(request: ConsoleRequest, view: ApprovalView) -> PlanToSign | None:
    """Return the plan of an issue as it is. It counts all subscribers, so it is kept for a minute; a form counts again."""
    kept, now = request.context.plans, request.state.clock.now()
    key = (view.issue.id, view.manifest, tuple(one.id for one in view.rows))
    at, plan = kept.get(key, (None, None))
    if at is None or not at <= now < at + _KEPT_PLAN or flask.request.method == "POST":
        for old in [old for old, (then, _plan) in [*kept.items()] if then + _KEPT_PLAN <= now]:
            kept.pop(old, None)
        plan = read_plan_to_sign(request.state, view)
        kept[key] = now, plan
    return plan


def _seconds_until_sent(request: ConsoleRequest, issue: Issue) -> int | None:
    """Return how long an issue that is about to be sent can still be stopped; None for others."""
    if issue.state != "ready" or issue.send_at is None:
        return None
    left = math.ceil((issue.send_at - request.state.clock.now()).total_seconds())
    return left if 0 < left <= _SOON else None


def _words_now(overview: use_cases.IssueOverview) -> dict[str, str]:
    """Return the words that count now, by the kind of edit that changes them; an opening in Markdown."""
    made, edits = next(iter(overview.revisions), None), overview.combined
    found = [one for one in overview.edits if one.kind == EditKind.OPENING]
    openings = (edit_text(one) for one in reversed(found) if one.undone_at is None)
    return {
        "subject": edits.subject or (made.subject if made else ""),
        "preheader": edits.preheader or (made.preheader if made else ""),
        "opening": next(openings, ""),
        "quotation": edits.quotation[1] if edits.quotation else "",
    }


def _titles(overview: use_cases.IssueOverview) -> dict[int, str]:
    left_out = [one.story for one in overview.left_out]
    stories = (*overview.stories, *left_out, *overview.further)
    return {one.story_id: one.title for one in stories}


@ROUTES.add("POST /issues/<issue>/edits/", Permission.EDIT_ISSUE, max_body=MAX_DRAFT_BYTES)
def _edit(request: ConsoleRequest, issue: str) -> flask.Response:
    """Change an issue as a form says. What somebody else has changed since it was read is shown first, and can be written over."""
    kind, story = request.field("kind"), request.number("story")
    value = request.field("value", MAX_DRAFT_BYTES)
    if kind not in [*EditKind] or (story is None and request.field("story")):
        flask.abort(400)
    wanted = EditRequest(EditKind(kind), value, story, request.number("seen") or 0)
    return _changed(request, issue, [wanted])


@ROUTES.add("POST /issues/<issue>/words/", Permission.EDIT_ISSUE, max_body=MAX_DRAFT_BYTES)
def _write(request: ConsoleRequest, issue: str) -> flask.Response:
    """Store the words of a form that differ from what it had: an automatic subject that stays is no edit."""
    wanted = []
    for kind in _WORDS:
        value, before = (request.field(name, MAX_DRAFT_BYTES) for name in (kind, f"was.{kind}"))
        if value.split() != before.split():
            seen = request.number(f"seen.{kind}") or 0
            wanted.append(EditRequest(kind, value, seen=seen))
    return _changed(request, issue, wanted)


@ROUTES.add("POST /issues/<issue>/edits/undo/", Permission.EDIT_ISSUE)
def _undo(request: ConsoleRequest, issue: str) -> flask.Response:
    number = request.number("edit")
    if number is None:
        flask.abort(400)
    return _changed(request, issue, [number])


def _changed(
    request: ConsoleRequest, issue: str, wanted: Sequence[EditRequest | int]
) -> flask.Response:
    """Make all changes of a form, or none, and have the mail made, so that what is wrong with it stands at its field."""
    words = [one for one in wanted if not isinstance(one, int)]
    entered = {one.kind.value: one.value for one in words}
    try:
        made = request.call(arrange_issues, [(issue, one) for one in wanted])
    except IssueError as error:
        refused = (
            error.refused if isinstance(error, RefusedEditsError) else [(wanted[0], error)]
        )
        wrong = {one.kind.value: str(why) for one, why in refused if not isinstance(one, int)}
        conflicts = [one for one, why in refused if isinstance(why, EditConflictError)]
        given = {"conflict": conflicts[0]} if conflicts else {"problem": str(error)}
        return issue_page(request, issue, 409, entered=entered, wrong=wrong, **given)
    for one in made:
        if one.state == "assembling":
            done = render_again(request.state, one, request.context.opened.renderer)
            if done.problem:
                wrong = dict.fromkeys(entered, done.problem)
                return issue_page(request, issue, 422, entered=entered, wrong=wrong)
    return request.see_other(f"/issues/{issue}/", done="saved")


@ROUTES.add("POST /issues/<issue>/order/", Permission.EDIT_ISSUE, about=About.EACH)
def _arrange(request: ConsoleRequest, issue: str) -> flask.Response:
    """Move a story, leave it out or put it back, in some languages or all that the sender may edit, all or none.

    The field `act` has the verb, the story, and for a move the place in each language.
    """
    is_grid = request.field("from") == "languages"
    show = _languages_page if is_grid else issue_page
    place = f"/issues/{issue}/{'languages/' if is_grid else ''}"
    verb, number, *places = [*request.field("act").split(), "", ""]
    if not verb:
        return request.see_other(place)
    story = parse_id(number)
    if story is None:
        flask.abort(400)
    wanted = _in_languages(request, issue, verb, story, places)
    try:
        made = request.call(arrange_issues, wanted) if wanted else []
    except EditConflictError as error:
        given = {"problem": str(error)} if is_grid else {"conflict": wanted[0][1]}
        return show(request, issue, 409, **given)
    except IssueError as error:
        return show(request, issue, 409, problem=str(error))
    request.context.opened.assembly.begin(request.state, request.context.opened.renderer, made)
    query = "?all=yes" if request.field("everywhere") and not is_grid else ""
    return request.see_other(f"{place}{query}#story-{story}")


def _in_languages(
    request: ConsoleRequest, issue: str, verb: str, story: int, places: Sequence[str]
) -> list[tuple[str, EditRequest | int]]:
    """Return the change of each language that a form is about and that can have it, by the issue's name."""
    group, _found = find_issue_group(request.state, issue)
    open_ones = [one.issue for one in group.issues if one.issue.state in SELECTED_STATES]
    matrix = request.call(use_cases.read_story_matrix, open_ones)
    cells = next((row.cells for row in matrix.rows if row.story.story_id == story), {})
    targets, known = _by_language(places), _by_language(request.field("seen").split())
    named, everywhere = flask.request.form.getlist("language"), request.field("everywhere")
    why = request.field("why") or request.field(f"why.{story}")
    wanted: list[tuple[str, EditRequest | int]] = []
    for one in open_ones:
        tag = one.language
        if tag not in named and not (
            everywhere and request.permits(Permission.EDIT_ISSUE, tag)
        ):
            continue
        seen, cell = parse_id(known.get(tag, "")) or 0, cells.get(tag)
        # What is so already is not done twice, which would only strike approvals.
        change: EditRequest | int
        place = str(cell.place if cell else 0)
        if verb == "move" and targets.get(tag, place) != place:
            change = EditRequest(EditKind.MOVE, targets[tag], story, seen)
        elif verb == "leave-out" and cell and cell.place:
            change = EditRequest(EditKind.LEAVE_OUT, why, story, seen)
        elif verb == "put-back" and cell and cell.left_out:
            change = cell.left_out
        else:
            continue
        wanted.append((one.name, change))
    return wanted


def _by_language(parts: Sequence[str]) -> dict[str, str]:
    """Return what a form says of each language, as in "en:2 fr:1"."""
    return {tag: value for tag, _colon, value in (one.partition(":") for one in parts)}


@ROUTES.add("POST /issues/<issue>/stories/", Permission.EDIT_ISSUE)
def _search(request: ConsoleRequest, issue: str) -> flask.Response:
    """Show stories that an issue could have. By POST, so that no address has what was searched."""
    words = request.field("words").strip()
    found = request.call(use_cases.search_stories, issue, words)
    return issue_page(request, issue, found=found, entered={"words": words})


@ROUTES.add("GET /issues/<issue>/revisions/", Permission.VIEW)
def _revisions(request: ConsoleRequest, issue: str) -> flask.Response:
    old, new = (parse_id(flask.request.args.get(name, "")) for name in ("old", "new"))
    group, found = find_issue_group(request.state, issue)
    overview = request.call(use_cases.read_issue_overview, issue)
    diff = None
    if old is not None or new is not None or len(overview.revisions) > 1:
        diff = request.call(use_cases.compare_revisions, issue, old, new)
    return request.page(
        "revisions.html", group=group, issue=found, overview=overview, diff=diff
    )
