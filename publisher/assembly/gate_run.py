"""Render a digest that passes the gate: check a sample message, and drop articles that fail. Pure.

The gate checks a complete message with header fields and links, so that faults which only a
message shows are found before the first recipient gets one. One article that can't be mailed must
not hold back all others: it is left out of the mail, stays on the web, and the editor gets a
warning. If every article fails, the cause is the template, and the whole issue waits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from email.errors import MessageError
from typing import TYPE_CHECKING

from publisher.config import Publication
from publisher.errors import DeliveryError, PublisherError
from publisher.gate.findings import Finding, GateReport, MailPart, Rule, Severity
from publisher.i18n.messages import message
from publisher.issues.model import Issue
from publisher.mail import IssueMail, compose_message
from publisher.rendering import ArticleView, Digest, IssueContent, Renderer
from publisher.rendering.model import DigestNote
from subscribers.model import Recipient

if TYPE_CHECKING:
    from publisher.gate.mail import CheckedMail

# An invented recipient; example.com is reserved (RFC 2606 section 3). The id has ten digits, since
# a recipient's links grow with it.
SAMPLE_RECIPIENT = Recipient(
    id=2**31 - 1,
    address="subscriber@example.com",
    name="Sample Subscriber",
    language="en",
    timezone=None,
)
_PROGRAM_WORDS = DigestNote(
    code="program-words",
    text=message(
        "the program's own words in it are English, since it has none in this language"
    ),
    fix="add them: docs/how-to/add-a-language-to-the-program.md",
)
# Signs the links of a mail that is checked and not sent.
SAMPLE_SECRET = "a sample's secret, which signs nothing"  # noqa: S105


@dataclass(frozen=True, slots=True)
class GateRun:
    """A sample of an issue's mail, and what the gate found in it."""

    mail: CheckedMail
    report: GateReport


def check_digest(
    publication: Publication, issue: Issue, digest: Digest, list_title: str = ""
) -> GateRun:
    """Compose a sample and check it; the digest's notes become warnings. Raise DeliveryError if it can't be composed."""
    # Imported late: the checks load tables of mail clients, and most cycles make no issue.
    from publisher.gate.checks import check_mail

    try:
        mail = sample_mail(publication, issue, digest, list_title)
    except (ValueError, MessageError) as error:
        raise DeliveryError(f"no message can be written: {error}") from error
    noted = (*check_mail(mail).findings, *map(finding_of_note, digest.notes))
    return GateRun(mail, GateReport(findings=noted))


def sample_mail(
    publication: Publication, issue: Issue, digest: Digest, list_title: str = ""
) -> CheckedMail:
    from publisher.gate.mail import CheckedMail

    mail = IssueMail.of(publication, issue, digest, list_title=list_title)
    return CheckedMail(
        content=compose_message(mail, SAMPLE_RECIPIENT, SAMPLE_SECRET).content,
        language=issue.language,
        hosts=frozenset({publication.host}),
        preheader=digest.preheader,
        address=publication.address(issue.language),
        stories=digest.stories,
        quoted=digest.quoted,
    )


def finding_text(finding: Finding) -> str:
    """Return a finding in one line: its code, its place, and what is wrong."""
    line = f" line {finding.line}" if finding.line else ""
    place = f"{finding.rule.part.value}{line}, {finding.where}"
    return message(
        "%(code)s in %(place)s: %(problem)s",
        code=finding.code,
        place=place,
        problem=finding.problem,
    )


def finding_of_note(note: DigestNote) -> Finding:
    """Return a note of the rendering as a finding of the gate, always a warning."""
    rule = Rule(
        code=note.code,
        severity=Severity.WARNING,
        part=MailPart.MESSAGE,
        fix=note.fix,
        why="A mail links to the web page for whatever it has no room or no means for.",
    )
    return Finding(rule=rule, problem=note.text, where="digest")


_Attempt = tuple[Digest, GateRun] | PublisherError


def render_passing_digest(
    publication: Publication, renderer: Renderer, issue: Issue, content: IssueContent
) -> tuple[Digest, GateRun]:
    """Return an issue's digest and what the gate found in it.

    The gate's errors are in the report only if no choice of articles passes. Raise RenderingError
    or DeliveryError if no mail can be made at all.
    """

    def attempt(items: tuple[ArticleView, ...]) -> _Attempt:
        try:
            digest = renderer.digest(replace(content, items=items))
            if not renderer.has_catalogue(issue.language):
                digest = replace(digest, notes=(*digest.notes, _PROGRAM_WORDS))
            return digest, check_digest(publication, issue, digest, content.title)
        except PublisherError as error:
            return error

    whole = attempt(content.items)
    if _failure(whole) is None or len(content.items) == 1:
        return _result(whole)
    alone = {item: attempt((item,)) for item in content.items}
    passing = tuple(item for item in content.items if _failure(alone[item]) is None)
    if not passing or len(passing) == len(content.items):
        return _result(whole)
    rest = alone[passing[0]] if len(passing) == 1 else attempt(passing)
    if isinstance(rest, PublisherError) or _failure(rest) is not None:
        return _result(whole)
    digest, run = rest
    left_out = [_left_out(item, alone[item]) for item in content.items if item not in passing]
    findings = (*run.report.findings, *map(finding_of_note, left_out))
    return digest, replace(run, report=GateReport(findings=findings))


def _result(attempt: _Attempt) -> tuple[Digest, GateRun]:
    if isinstance(attempt, PublisherError):
        raise attempt
    return attempt


def _left_out(item: ArticleView, attempt: _Attempt) -> DigestNote:
    text = message(
        "“%(title)s”, %(url)s: %(why)s",
        title=item.article.title,
        url=item.url,
        why=_failure(attempt),
    )
    return DigestNote(code="article-left-out", text=text)


def _failure(attempt: _Attempt) -> str | None:
    if isinstance(attempt, PublisherError):
        return str(attempt)
    _digest, run = attempt
    return finding_text(run.report.errors[0]) if run.report.errors else None
