"""Operations about issues: list, read, pause, resume, cancel; edits, and who will get one."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from publisher.app.editing_state import Permission
from publisher.app.issues import overview
from publisher.app.issues.audience_plan import plan_audience, plan_hash
from publisher.app.issues.edits import EditRequest, arrange_issues, edit_issue, render_again
from publisher.app.issues.lookup import find_issue_group
from publisher.app.issues.sending import cancel_sending, pause_sending, resume_sending
from publisher.errors import UsageError
from publisher.issues.editing import EditKind
from publisher.issues.model import IssueState
from publisher.issues.store import IssueFilter
from publisher.web.api import operations
from publisher.web.api.requests import ApiRequest
from publisher.web.pages.responses import LARGEST_ID

OPERATIONS = operations.OperationTable()


class IssueSummary(operations.ApiValue):
    """An issue: one newsletter in one language on one day."""

    name: str = Field(description="Like weekly-en-2026-01-09.")
    newsletter: str
    language: str
    day: date
    due_at: operations.Instant
    state: IssueState
    reason: str | None = Field(description="Why it is in its state, in English.")
    articles: int
    warnings: int


Version = Annotated[
    int,
    Field(
        validation_alias="epoch", description="Grows with each change; the ETag begins with it."
    ),
]


class IssueDetails(IssueSummary):
    """An issue with its subject and its deliveries."""

    version: Version
    revision: int = Field(description="Of its mail, as the console counts.")
    send_at: operations.Instant | None = Field(
        description="When it is sent; None if it is held."
    )
    subject: str | None = Field(description="None until it is assembled.")
    preheader: str | None
    digest_hash: str | None = Field(description="SHA-256 of what is sent.")
    deliveries: dict[str, int] = Field(description="By state; they add up to what was planned.")


class IssueList(operations.ApiValue):
    """Issues, the latest first."""

    issues: list[IssueSummary]
    next_cursor: str | None


class IssueQuery(operations.PageInLanguage):
    """Which issues are listed."""

    newsletter: operations.Name | None = None
    state: IssueState | None = None


@OPERATIONS.add("GET /issues", Permission.VIEW, about=operations.About.EACH)
def _list_issues(request: ApiRequest, query: IssueQuery) -> IssueList:
    """List issues, the latest first."""
    wanted = IssueFilter(
        languages=request.languages(Permission.VIEW, query.language),
        newsletter=query.newsletter,
        state=query.state,
        before=operations.read_cursor(query.cursor),
    )
    found, has_more = overview.list_issue_page(request.state, wanted, query.limit)
    last = found[-1].issue if has_more else None
    cursor = operations.write_cursor(last.due_at, last.id) if last else None
    issues = [IssueSummary.of(status, status.issue) for status in found]
    return IssueList(issues=issues, next_cursor=cursor)


def read_details(request: ApiRequest, issue: str) -> IssueDetails:
    found = overview.read_issue(request.state, issue)
    return IssueDetails.of(found, found.status, found.status.issue)


@OPERATIONS.add("GET /issues/<issue>", Permission.VIEW, tagged=True)
def _read_issue(request: ApiRequest, issue: str) -> IssueDetails:
    """Read an issue."""
    return read_details(request, issue)


@OPERATIONS.add("POST /issues/<issue>/pause", Permission.PAUSE_SENDING)
def _pause_issue(
    request: ApiRequest, issue: str, *, reason: operations.Text | None = None
) -> IssueDetails:
    """Stop sending an issue; mails that are being sent are completed."""
    request.call(pause_sending, issue, reason)
    return read_details(request, issue)


@OPERATIONS.add("POST /issues/<issue>/resume", Permission.CONTROL_SENDING)
def _resume_issue(request: ApiRequest, issue: str) -> IssueDetails:
    """Continue a paused issue where it stopped."""
    request.call(resume_sending, issue)
    return read_details(request, issue)


@OPERATIONS.add("POST /issues/<issue>/cancel", Permission.CONTROL_SENDING)
def _cancel_issue(
    request: ApiRequest, issue: str, *, reason: operations.Text | None = None
) -> IssueDetails:
    """End an issue for good; who has not got it yet will not get it."""
    request.call(cancel_sending, issue, reason)
    return read_details(request, issue)


_LONGEST_VALUE = 20_000


class StoryLineValue(operations.ApiValue):
    """A story of an issue, as the article that shows it."""

    story_id: int
    story: str = Field(validation_alias="story_key")
    language: str
    title: str


class LeftOutValue(StoryLineValue):
    """A story that somebody left out."""

    by: str = Field(validation_alias="actor")
    at: operations.Instant
    reason: str


class EditValue(operations.ApiValue):
    """An edit. Those that were undone stay."""

    edit: int = Field(validation_alias="id")
    kind: EditKind
    story_id: int | None
    value: str
    by: str = Field(validation_alias="actor")
    at: operations.Instant
    undone_at: operations.Instant | None


class IssueContents(operations.ApiValue):
    """An issue with its stories in order, and what editors changed in it."""

    name: str
    state: str
    version: Version
    revision: int = Field(description="Of its mail, as the console counts.")
    stories: list[StoryLineValue]
    further: list[StoryLineValue] = Field(description="Stories that had no room.")
    left_out: list[LeftOutValue]
    edits: list[EditValue]
    problem: str | None = Field(
        default=None, description="Why it could not be assembled with the last edit."
    )


class NewEditValue(operations.ApiValue):
    """What is to be changed: the value is a place, a reason, words or a number, as text."""

    kind: EditKind
    value: Annotated[str, Field(max_length=_LONGEST_VALUE)] = ""
    story_id: int | None = Field(default=None, ge=1, le=LARGEST_ID)
    story: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        default=None, description="The story's key, instead of its number."
    )
    languages: list[operations.Name] = Field(
        default=[], description="Others in which the issue is changed so, too: all, or none."
    )


class PlanValue(operations.ApiValue):
    """Who gets which issue, and everybody else with the reason."""

    plan: dict[str, Any] = Field(description="Counts and times, by edition and reason.")
    hash: str = Field(description="SHA-256 of all its counts and times.")


@OPERATIONS.add("GET /issues/<issue>/contents", Permission.VIEW, tagged=True)
def _read_contents(request: ApiRequest, issue: str) -> IssueContents:
    """Read an issue's stories and edits."""
    return _contents(request, issue)


@OPERATIONS.add("POST /issues/<issue>/edits", Permission.EDIT_ISSUE, tagged=True, guarded=True)
def _edit_issue(request: ApiRequest, issue: str, body: NewEditValue) -> IssueContents:
    """Change an issue, and have it assembled again."""
    number = overview.find_story_id(request.state, body.story) if body.story else body.story_id
    wanted = EditRequest(body.kind, body.value, number)
    group, found = find_issue_group(request.state, issue)
    others = {tag: group.in_language(tag) for tag in body.languages if tag != found.language}
    # The one that the client has read comes last: each change asks whether it is still as it was read.
    names = [*(one.issue.name for one in others.values() if one), issue]
    if None in others.values():
        raise UsageError(f"{issue}: is not in all of these languages: {', '.join(others)}")
    made = request.call(arrange_issues, [(name, wanted) for name in names])
    done = [render_again(request.state, one) for one in made if one.state == "assembling"]
    problems = [f"{one.issue.name}: {one.problem}" for one in done if one.problem]
    return _contents(request, issue, "; ".join(problems) or None)


@OPERATIONS.add(
    "DELETE /issues/<issue>/edits/<edit>", Permission.EDIT_ISSUE, tagged=True, guarded=True
)
def _undo_edit(request: ApiRequest, issue: str, edit: int) -> IssueContents:
    """Take back an edit, whoever made it."""
    return _contents(request, issue, request.call(edit_issue, issue, edit).problem)


def _contents(request: ApiRequest, name: str, problem: str | None = None) -> IssueContents:
    found = request.call(overview.read_issue_overview, name)
    left_out = [
        LeftOutValue.of(row.story, row.edit, reason=row.edit.value) for row in found.left_out
    ]
    return IssueContents.of(found, found.issue, left_out=left_out, problem=problem)


@OPERATIONS.add(
    "GET /newsletters/<newsletter>/plan", Permission.VIEW, about=operations.About.EACH
)
def _read_plan(
    request: ApiRequest,
    newsletter: str,
    *,
    day: Annotated[date | None, Field(description="By default the next one.")] = None,
    language: operations.Name | None = None,
    suffix: Annotated[operations.Text, Field(description="Like announcement-2.")] = "",
) -> PlanValue:
    """Read who will get the issues of a day, and everybody else with the reason."""
    wanted = request.languages(Permission.VIEW, language)
    published = request.state.settings.publication.languages
    # Of all of them: those that the newsletter has.
    languages = wanted if language or len(wanted) < len(published) else ()
    plan = plan_audience(request.state, newsletter, day, languages, suffix)
    return PlanValue(plan=plan.as_dict(), hash=plan_hash(plan, request.state.secret))


Revision = Annotated[int | None, Field(ge=0, le=LARGEST_ID)]


class RevisionWords(operations.ApiValue):
    """A revision of an issue's mail."""

    revision: int
    subject: str
    preheader: str


class RevisionComparison(operations.ApiValue):
    """What changed between two revisions of an issue's mail."""

    old: RevisionWords
    new: RevisionWords
    added: list[int] = Field(description="Articles, by number.")
    removed: list[int]
    is_moved: bool = Field(description="Whether the order has changed.")
    text: list[str] = Field(description="Of the text part, as unified lines.")
    parts: list[str] = Field(description="What else has changed, in words.")


@OPERATIONS.add("GET /issues/<issue>/revisions", Permission.VIEW)
def _compare_revisions(
    request: ApiRequest, issue: str, *, old: Revision = None, new: Revision = None
) -> RevisionComparison:
    """Read what changed between two revisions of an issue."""
    return RevisionComparison.of(request.call(overview.compare_revisions, issue, old, new))
