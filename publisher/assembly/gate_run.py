"""Putting a digest before the gate: as a message to nobody, complete with fields and links.

What only a message shows (how it is encoded, what its header says) is proved before the first
reader gets one. Pure. Knows no row and no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.errors import MessageError
from typing import Any

from publisher.config import Publication
from publisher.errors import DeliveryError
from publisher.gate.findings import Finding, GateReport, MailPart, Rule, Severity
from publisher.gate.mail import CheckedMail, ExpectedStory
from publisher.issues.model import Issue
from publisher.mail import IssueMail, compose_message
from publisher.rendering import Digest, DigestNote
from subscribers import Recipient

# Nobody, at an address that is kept for examples (RFC 2606 section 3); a number as long as any,
# since the reader's links get longer with it.
SAMPLE_RECIPIENT = Recipient(
    id=2**31 - 1,
    address="reader@example.com",
    name="Sample Reader",
    language="en",
    timezone=None,
)
# Signs links that nobody gets.
SAMPLE_SECRET = "a sample's secret, which signs nothing"  # noqa: S105


@dataclass(frozen=True, slots=True)
class GateRun:
    """A sample of an issue's mail, and what the gate says of it."""

    mail: CheckedMail
    report: GateReport


def check_digest(publication: Publication, issue: Issue, digest: Digest) -> GateRun:
    """Compose a sample and let the gate look at it; what rendering noted comes as warnings.

    Raises DeliveryError where no message can be made of it.
    """
    # The checks bring tables of what mail programs can do, and a quiet cycle makes no issue.
    from publisher.gate.checks import check_mail

    try:
        mail = sample_mail(publication, issue, digest)
    except (ValueError, MessageError) as error:
        raise DeliveryError(f"no message can be written: {error}") from error
    noted = (*check_mail(mail).findings, *map(finding_of_note, digest.notes))
    return GateRun(mail, GateReport(findings=noted))


def sample_mail(publication: Publication, issue: Issue, digest: Digest) -> CheckedMail:
    """Compose the message that a reader would get, for one whom there is not."""
    letter = IssueMail(
        publication=publication,
        issue=issue,
        subject=digest.subject,
        html=digest.html,
        text=digest.text,
        date=issue.assembled_at or issue.due_at,
    )
    return CheckedMail(
        content=compose_message(letter, SAMPLE_RECIPIENT, SAMPLE_SECRET).content,
        language=issue.language,
        hosts=frozenset({publication.host}),
        preheader=digest.preheader,
        address=publication.address(issue.language),
        stories=expected_stories(digest),
        quoted=digest.quoted,
    )


def expected_stories(digest: Digest) -> tuple[ExpectedStory, ...]:
    """Give what a digest tells, as the gate wants to hear it."""
    return tuple(
        ExpectedStory(language=told.language, url=told.url, passages=told.passages)
        for told in digest.stories
    )


def finding_text(finding: Finding) -> str:
    """Write a finding in one line: its code, where, and what is wrong."""
    line = f" line {finding.line}" if finding.line else ""
    place = f"{finding.rule.part.value}{line}, {finding.where}"
    return f"{finding.code} in {place}: {finding.problem}"


def finding_data(finding: Finding) -> dict[str, Any]:
    """Write a finding for programs, and for rows."""
    rule = finding.rule
    return {
        "code": rule.code,
        "severity": rule.severity.value,
        "part": rule.part.value,
        "where": finding.where,
        "line": finding.line,
        "places": finding.places,
        "problem": finding.problem,
        "clients": list(finding.clients),
        "fix": rule.fix,
    }


def finding_of_note(note: DigestNote) -> Finding:
    """Give what rendering noted in the gate's words: never more than a warning."""
    rule = Rule(
        code=note.code,
        severity=Severity.WARNING,
        part=MailPart.MESSAGE,
        fix="see whether the mail still says enough without it",
        why="What a mail has no room or no means for is on the web, where it links to.",
    )
    return rule.finding(note.text, where="digest")
