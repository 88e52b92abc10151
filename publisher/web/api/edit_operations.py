"""Operations about what is in an issue: read it with its edits, edit, undo an edit; who will get it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from publisher.app.audience_plan import plan_audience, plan_hash
from publisher.app.editing_state import Permission
from publisher.app.issue_edits import EditKind, EditRequest, edit_issue, undo_edit
from publisher.app.issue_overview import read_issue_overview
from publisher.web.api.models import ApiValue, Instant, Name
from publisher.web.api.operations import About, Operation
from publisher.web.api.problems import ProblemError
from publisher.web.links import LARGEST_ID, parse_id

if TYPE_CHECKING:
    from publisher.app.issue_overview import IssueStory
    from publisher.web.api.context import ApiRequest

_LONGEST_VALUE = 20_000


class StoryLineValue(ApiValue):
    """A story of an issue, as the article that shows it."""

    story_id: int
    story: str
    language: str
    title: str


class LeftOutValue(StoryLineValue):
    """A story that somebody left out."""

    by: str
    at: Instant
    reason: str


class EditValue(ApiValue):
    """An edit. Those that were undone stay."""

    edit: int
    kind: EditKind
    story_id: int | None
    value: str
    by: str
    at: Instant
    undone_at: Instant | None


class IssueContents(ApiValue):
    """An issue with its stories in order, and what editors changed in it."""

    name: str
    state: str
    version: int = Field(description="Grows with each change; the ETag begins with it.")
    revision: int = Field(description="Of its mail, as the console and `issues diff` count.")
    stories: list[StoryLineValue]
    further: list[StoryLineValue] = Field(description="Stories that had no room.")
    left_out: list[LeftOutValue]
    edits: list[EditValue]
    problem: str | None = Field(
        default=None, description="Why it could not be assembled with the last edit."
    )


class NewEditValue(ApiValue):
    """What is to be changed: the value is a place, a reason, words or a number, as text."""

    kind: EditKind
    value: Annotated[str, Field(max_length=_LONGEST_VALUE)] = ""
    story_id: int | None = Field(default=None, ge=1, le=LARGEST_ID)


class PlanQuery(ApiValue):
    """Which issues are planned: of a day, by default the next ones; of one language, or of all."""

    day: date | None = None
    language: Name | None = None


class PlanValue(ApiValue):
    """Who gets which issue, and everybody else with the reason."""

    plan: dict[str, Any] = Field(description="As `publisher issues plan --json` prints it.")
    hash: str = Field(description="SHA-256 of all its counts and times.")


def _read(request: ApiRequest, issue: str) -> IssueContents:
    return _contents(request, issue)


def _edit(request: ApiRequest, issue: str) -> IssueContents:
    body: NewEditValue = request.body
    wanted = EditRequest(body.kind, body.value, body.story_id)
    done = edit_issue(request.state, request.actor, issue, wanted)
    return _contents(request, issue, done.problem)


def _undo(request: ApiRequest, issue: str, edit: str) -> IssueContents:
    number = parse_id(edit)
    if number is None:
        raise ProblemError(404, "an edit has a number")
    done = undo_edit(request.state, request.actor, issue, number)
    return _contents(request, issue, done.problem)


def _contents(request: ApiRequest, name: str, problem: str | None = None) -> IssueContents:
    found = read_issue_overview(request.state, request.actor, name)
    return IssueContents(
        name=found.issue.name,
        state=found.issue.state,
        version=found.issue.epoch,
        revision=found.issue.revision,
        stories=[StoryLineValue(**_line(one)) for one in found.stories],
        further=[StoryLineValue(**_line(one)) for one in found.further],
        left_out=[
            LeftOutValue(**_line(one.story), by=one.actor, at=one.at, reason=one.reason)
            for one in found.left_out
        ],
        edits=[
            EditValue(
                edit=one.id,
                kind=one.kind,
                story_id=one.story_id,
                value=one.value,
                by=one.actor,
                at=one.at,
                undone_at=one.undone_at,
            )
            for one in found.edits
        ],
        problem=problem,
    )


def _line(one: IssueStory) -> dict[str, Any]:
    return {
        "story_id": one.story_id,
        "story": one.key,
        "language": one.language,
        "title": one.title,
    }


def _plan(request: ApiRequest, newsletter: str) -> PlanValue:
    query: PlanQuery = request.query
    wanted = request.languages(Permission.VIEW, query.language)
    known = request.state.settings.publication.languages
    # Of all of them: those that the newsletter has.
    languages = wanted if query.language or len(wanted) < len(known) else ()
    plan = plan_audience(request.state, newsletter, query.day, languages)
    return PlanValue(plan=plan.as_dict(), hash=plan_hash(plan, request.state.secret))


OPERATIONS = (
    Operation(
        method="GET",
        path="/issues/<issue>/contents",
        id="readContents",
        summary="Read an issue's stories and edits",
        access=Permission.VIEW,
        about=About.ISSUE,
        answer=IssueContents,
        tagged=True,
        run=_read,
    ),
    Operation(
        method="POST",
        path="/issues/<issue>/edits",
        id="editIssue",
        summary="Change an issue, and have it assembled again",
        access=Permission.EDIT_ISSUE,
        about=About.ISSUE,
        body=NewEditValue,
        answer=IssueContents,
        tagged=True,
        guarded=True,
        run=_edit,
    ),
    Operation(
        method="DELETE",
        path="/issues/<issue>/edits/<edit>",
        id="undoEdit",
        summary="Take back an edit, whoever made it",
        access=Permission.EDIT_ISSUE,
        about=About.ISSUE,
        answer=IssueContents,
        tagged=True,
        guarded=True,
        run=_undo,
    ),
    Operation(
        method="GET",
        path="/newsletters/<newsletter>/plan",
        id="readPlan",
        summary="Read who will get the issues of a day, and everybody else with the reason",
        access=Permission.VIEW,
        about=About.EACH,
        query=PlanQuery,
        answer=PlanValue,
        run=_plan,
    ),
)
