"""Operations that show a mail before it is sent: as a subscriber gets it, and as a test."""

import base64
from typing import Annotated, Any

from pydantic import Field

from publisher.app.editing_state import Permission
from publisher.app.issues import preview as use_cases
from publisher.app.issues.lookup import language_of_issue
from publisher.app.issues.send_test_mails import send_tests
from publisher.config import Edition
from publisher.errors import RenderingError
from publisher.web.api.operations import ApiValue, OperationTable
from publisher.web.api.problems import ProblemError, refused_values
from publisher.web.api.requests import ApiRequest
from publisher.web.pages.responses import LARGEST_ID

OPERATIONS = OperationTable()

_MOST_ADDRESSES = 10

ViewerNumber = Annotated[
    int | None,
    Field(
        ge=1,
        le=LARGEST_ID,
        description="As whom it is seen; by default as somebody who has chosen nothing.",
    ),
]
TestAddresses = Annotated[
    list[Annotated[str, Field(min_length=3, max_length=320)]],
    Field(min_length=1, max_length=_MOST_ADDRESSES),
]


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


class SentTestMail(ApiValue):
    """A test mail; `problem` is why it was not sent."""

    address: str
    problem: str | None


class SentTestMails(ApiValue):
    """Test mails, one for each address."""

    mails: list[SentTestMail]


@OPERATIONS.add("GET /issues/<issue>/mail", Permission.VIEW, tagged=True)
def _read_mail(
    request: ApiRequest, issue: str, *, subscriber: ViewerNumber = None
) -> MailValue:
    """Read an issue's mail as a subscriber would get it."""
    language = language_of_issue(request.state.database, issue)
    return _mail_value(_preview(request, issue, language, subscriber))


@OPERATIONS.add(
    "GET /newsletters/<newsletter>/next/<language>/mail", Permission.VIEW, tagged=True
)
def _read_next_mail(
    request: ApiRequest, newsletter: str, language: str, *, subscriber: ViewerNumber = None
) -> MailValue:
    """Read the mail of an edition's next issue as a subscriber would get it."""
    edition = _edition(request, newsletter, language)
    return _mail_value(_preview(request, edition, language, subscriber))


def _mail_value(found: use_cases.MailPreview) -> MailValue:
    return MailValue.of(
        found,
        issue=found.issue.name,
        language=found.issue.language,
        preheader=found.source.preheader,
        message=base64.b64encode(found.message).decode(),
        not_sent=found.source.not_sent.sentence if found.source.not_sent else None,
    )


# Its answer has addresses. A second test mail harms nobody, and tests are limited.
@OPERATIONS.add("POST /issues/<issue>/test", Permission.SEND_TEST, repeatable=True)
def _send_test(
    request: ApiRequest, issue: str, *, to: TestAddresses, subscriber: ViewerNumber = None
) -> SentTestMails:
    """Send an issue as a test to some addresses."""
    language = language_of_issue(request.state.database, issue)
    return _send(request, _preview(request, issue, language, subscriber), to)


@OPERATIONS.add(
    "POST /newsletters/<newsletter>/next/<language>/test", Permission.SEND_TEST, repeatable=True
)
def _send_next_test(
    request: ApiRequest,
    newsletter: str,
    language: str,
    *,
    to: TestAddresses,
    subscriber: ViewerNumber = None,
) -> SentTestMails:
    """Send an edition's next issue as a test to some addresses."""
    edition = _edition(request, newsletter, language)
    return _send(request, _preview(request, edition, language, subscriber), to)


def _send(request: ApiRequest, preview: use_cases.MailPreview, to: list[str]) -> SentTestMails:
    with refused_values("/to"):
        sent = send_tests(request.state, request.opened.renderer, request.actor, [preview], to)
    return SentTestMails.of(mails=sent)


def _edition(request: ApiRequest, newsletter: str, language: str) -> Edition:
    found = request.state.settings.edition(newsletter, language)
    if found is None:
        raise ProblemError(404, f"{newsletter}: has no edition in {language}")
    return found


def _preview(
    request: ApiRequest, what: str | Edition, language: str, subscriber: int | None
) -> use_cases.MailPreview:
    viewer = use_cases.viewer_with_profile(language)
    if subscriber is not None:
        viewer = request.call(use_cases.find_viewer, subscriber)
    try:
        return use_cases.preview_mail(
            request.state, request.opened.renderer, request.actor, what, viewer
        )
    except RenderingError as error:
        # Of a template of the publication's own: no fault of the program.
        raise ProblemError(409, str(error)) from error
