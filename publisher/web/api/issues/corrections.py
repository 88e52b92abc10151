"""Operations for mails of an editor's words: a correction (an erratum) of an issue that was sent, an announcement."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from publisher.app.editing_state import Permission
from publisher.app.issues import announcements
from publisher.app.issues.corrections import CorrectionRequest, correct_issue
from publisher.web.api.operations import About, ApiValue, Moment, Name, OperationTable, Text
from publisher.web.api.requests import ApiRequest

OPERATIONS = OperationTable()

_LONGEST_TEXT = 20_000


class NewCorrectionValue(ApiValue):
    """A correction of an issue that was sent. The text is Markdown."""

    newsletter: Name
    day: date
    subject: Name
    text: Annotated[str, Field(min_length=1, max_length=_LONGEST_TEXT)]
    web_only: bool = Field(
        default=False, description="On its page and in feeds, without a mail."
    )


class CorrectionValue(ApiValue):
    """The issue with the error, and the one that mails the correction, if any."""

    issue: str
    mailed: str | None


@OPERATIONS.add("POST /corrections/<language>", Permission.CORRECT)
def _correct_issue(
    request: ApiRequest, language: str, body: NewCorrectionValue
) -> CorrectionValue:
    """Correct an issue that was sent."""
    wanted = CorrectionRequest(languages=(language,), **dict(body))
    (done,) = request.call(correct_issue, wanted)
    mailed = done.mailed.name if done.mailed else None
    return CorrectionValue(issue=done.first.name, mailed=mailed)


class NewAnnouncementValue(ApiValue):
    """A text to all who get a newsletter, outside its schedule."""

    newsletter: Name
    words: dict[str, announcements.AnnouncementWords] = Field(description="By language.")
    when: announcements.AnnouncementTime = announcements.AnnouncementTime.HELD
    at: Moment | None = Field(default=None, description="If `when` is `at`.")
    only: tuple[Text, ...] = Field(
        default=(),
        max_length=20,
        description='Conditions that limit who gets it, like "city is Berlin".',
    )
    listed: bool | None = Field(
        default=None,
        description="In lists of issues and in feeds; if null, as the newsletter's are, unless it has conditions.",
    )
    dry_run: bool = Field(default=False, description="Only count who would get it.")


class AnnouncementValue(ApiValue):
    """The issues of an announcement, none for a dry run, and who gets it."""

    issues: list[str]
    plan: dict[str, Any]


@OPERATIONS.add("POST /announcements", Permission.EDIT_ISSUE, about=About.EACH)
def _announce(request: ApiRequest, body: NewAnnouncementValue) -> AnnouncementValue:
    """Announce something outside the schedule."""
    wanted = announcements.AnnouncementRequest(
        **{name: one for name, one in body if name != "dry_run"}
    )
    plan = request.call(announcements.plan_announcement, wanted).as_dict()
    made = [] if body.dry_run else request.call(announcements.announce, wanted)
    return AnnouncementValue(issues=[one.issue.name for one in made], plan=plan)
