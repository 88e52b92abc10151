"""Makes jobs of issues: their digests compiled, and what their editions say of deliveries.

Knows no row of the ledger and no transport.
"""

from __future__ import annotations

from collections.abc import Sequence

from publisher.config import Settings
from publisher.database import Database
from publisher.delivery.job import Job
from publisher.delivery.retry_policy import RetryPolicy
from publisher.issues import store as issues
from publisher.issues.model import Issue
from publisher.mail.dkim import DkimSigner


def retry_policy_of(settings: Settings, issue: Issue) -> RetryPolicy:
    """Give what an issue's edition says of its deliveries; the usual, if there is none any more."""
    edition = settings.edition(issue.newsletter, issue.language)
    return RetryPolicy(edition.in_doubt, edition.give_up_after) if edition else RetryPolicy()


class JobBuilder:
    """Makes jobs of issues: their digests compiled, and their terms."""

    def __init__(
        self, settings: Settings, database: Database, secret: str, signers: Sequence[DkimSigner]
    ) -> None:
        self._settings = settings
        self._database = database
        self._secret = secret
        self._signers = signers

    def job(self, issue: Issue) -> Job:
        """Compile an issue; raises PublisherError if that can't be done."""
        # Composing brings templates with it: half a second that a quiet turn need not take.
        from publisher.mail import IssueMail, compile_mail

        with self._database.reading() as connection:
            digest = issues.digest_of(connection, issue)
        letter = IssueMail(
            publication=self._settings.publication,
            issue=issue,
            subject=digest.subject,
            html=digest.html,
            text=digest.text,
            date=issue.assembled_at or issue.due_at,
        )
        bounces = self._settings.delivery.smtp.bounces or self._settings.publication.sender
        compiled = compile_mail(letter, self._secret, self._signers)
        terms = retry_policy_of(self._settings, issue)
        return Job(issue=issue, compiled=compiled, terms=terms, sender=bounces.address)
