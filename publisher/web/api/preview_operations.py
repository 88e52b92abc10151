"""Operations that show a mail before it is sent: as a subscriber gets it, and as a test."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from publisher.app.editing_state import Permission
from publisher.app.issue_preview import (
    MailPreview,
    Viewer,
    load_viewer,
    preview_mail,
    viewer_with_profile,
)
from publisher.app.issues import language_of_issue
from publisher.app.mail import send_tests
from publisher.errors import RenderingError
from publisher.web.api.models import ApiValue
from publisher.web.api.operations import About, Operation
from publisher.web.api.problems import ProblemError, refused_values

if TYPE_CHECKING:
    from publisher.web.api.context import ApiRequest

_LARGEST_ID = 2**53
_MOST_ADDRESSES = 10

ViewerNumber = Annotated[
    int | None,
    Field(
        default=None,
        ge=1,
        le=_LARGEST_ID,
        description="As whom it is seen; by default as somebody who has chosen nothing.",
    ),
]


class MailQuery(ApiValue):
    """As whom a mail is seen."""

    subscriber: ViewerNumber


class MailValue(ApiValue):
    """A mail as it would be sent now. Its links do nothing."""

    issue: str
    language: str
    subject: str
    preheader: str
    html: str
    text: str
    message: str = Field(description="The whole message (RFC 5322), in base64.")
    sizes: dict[str, int] = Field(description="Bytes of its parts.")
    findings: list[dict[str, Any]] = Field(description="What the checks found, errors first.")
    not_sent: str | None = Field(description="Why the subscriber would not get it.")


class NewTestMails(ApiValue):
    """To whom a test mail is sent, and as whom it is seen."""

    to: Annotated[
        list[Annotated[str, Field(min_length=3, max_length=320)]],
        Field(min_length=1, max_length=_MOST_ADDRESSES),
    ]
    subscriber: ViewerNumber


class SentTestMail(ApiValue):
    """A test mail; `problem` is why it was not sent."""

    address: str
    problem: str | None


class SentTestMails(ApiValue):
    """Test mails, one for each address."""

    mails: list[SentTestMail]


def _read(request: ApiRequest, issue: str) -> MailValue:
    found = _preview(request, issue, request.query.subscriber)
    return MailValue(
        issue=found.issue.name,
        language=found.issue.language,
        subject=found.subject,
        preheader=found.source.preheader,
        html=found.html,
        text=found.text,
        message=base64.b64encode(found.message).decode(),
        sizes=found.sizes,
        findings=list(found.findings),
        not_sent=found.not_sent.sentence if found.not_sent else None,
    )


def _test(request: ApiRequest, issue: str) -> SentTestMails:
    body: NewTestMails = request.body
    preview = _preview(request, issue, body.subscriber)
    with refused_values("/to"):
        sent = send_tests(request.state, request.renderer, request.actor, [preview], body.to)
    return SentTestMails(
        mails=[SentTestMail(address=one.address, problem=one.problem) for one in sent]
    )


def _preview(request: ApiRequest, issue: str, subscriber: int | None) -> MailPreview:
    viewer = _viewer(request, issue, subscriber)
    try:
        return preview_mail(request.state, request.renderer, request.actor, issue, viewer)
    except RenderingError as error:
        # Of a template of the publication's own: no fault of the program.
        raise ProblemError(409, str(error)) from error


def _viewer(request: ApiRequest, issue: str, subscriber: int | None) -> Viewer:
    if subscriber is None:
        return viewer_with_profile(language_of_issue(request.state.database, issue))
    return load_viewer(request.state, request.actor, subscriber)


OPERATIONS = (
    Operation(
        method="GET",
        path="/issues/<issue>/mail",
        id="readMail",
        summary="Read an issue's mail as a subscriber would get it",
        access=Permission.VIEW,
        about=About.ISSUE,
        query=MailQuery,
        answer=MailValue,
        tagged=True,
        run=_read,
    ),
    Operation(
        method="POST",
        path="/issues/<issue>/test",
        id="sendTest",
        summary="Send an issue as a test to some addresses",
        access=Permission.SEND_TEST,
        about=About.ISSUE,
        body=NewTestMails,
        answer=SentTestMails,
        # Its answer has addresses. A second test mail harms nobody, and tests are limited.
        repeatable=True,
        run=_test,
    ),
)
