"""A job: one issue, compiled, with all that its messages share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from publisher.config import Settings
from publisher.database import Database
from publisher.delivery.ledger.claims import Claim
from publisher.delivery.retry_policy import RetryPolicy, retry_policy_of
from publisher.delivery.transports.base import OutgoingMessage, Transport
from publisher.errors import IssueError
from publisher.issues import digests
from publisher.issues.approvals import header_changes, read_manifest
from publisher.issues.digests import variant_digest
from publisher.issues.model import Issue
from publisher.mail import CompiledMail, IssueMail, compile_mail
from publisher.mail.dkim import DkimSigner
from publisher.mail.signed_addresses import BounceAddresses

# Compiled variants that a job keeps, of some 100 KB each.
_KEPT_VARIANTS = 100


@dataclass(frozen=True, slots=True)
class Job:
    """A compiled issue and its retry policy."""

    issue: Issue
    compiled: CompiledMail
    # Compiles a variant by its id, or returns what is kept of it. Safe among threads.
    compiled_variant: Callable[[int], CompiledMail]
    retry_policy: RetryPolicy
    # The addresses in MAIL FROM, to which bounces are returned.
    bounce_addresses: BounceAddresses

    def compose(self, claim: Claim) -> OutgoingMessage:
        """Return one recipient's message. Raises DeliveryError if none can be written."""
        variant = claim.variant_id
        compiled = self.compiled if variant is None else self.compiled_variant(variant)
        return OutgoingMessage(
            issue_id=claim.issue_id,
            newsletter=self.issue.newsletter,
            language=self.issue.language,
            day=self.issue.day,
            envelope_from=self.bounce_addresses.address_for(claim.recipient.id),
            recipient=claim.recipient.address,
            message=compiled.message(claim.recipient, claim.due_at),
        )


@dataclass(frozen=True, slots=True)
class JobBuilder:
    """Compiles issues into jobs."""

    settings: Settings
    database: Database
    transport: Transport
    secret: str
    signers: Sequence[DkimSigner]

    def build(self, issue: Issue) -> Job:
        """Return the job of an issue. Raises PublisherError if it can't be compiled."""
        with self.database.reading() as connection:
            digest = digests.digest_of(connection, issue)
        if digest.manifest and (
            changes := header_changes(
                self.settings, issue.language, read_manifest(digest.manifest)
            )
        ):
            raise IssueError(
                f"{', '.join(changes)} changed since it was approved; set it back, or cancel the issue"
            )
        return Job(
            issue=issue,
            compiled=self._compile(issue, digest),
            compiled_variant=lru_cache(_KEPT_VARIANTS)(partial(self._compile_variant, issue)),
            retry_policy=retry_policy_of(self.settings, issue),
            bounce_addresses=BounceAddresses(
                self.secret,
                self.transport.envelope_from(self.settings.publication.sender),
                self.transport.verp_separator,
            ),
        )

    def _compile_variant(self, issue: Issue, number: int) -> CompiledMail:
        with self.database.reading() as connection:
            digest = variant_digest(connection, number)
        return self._compile(issue, digest)

    def _compile(self, issue: Issue, digest: Any) -> CompiledMail:
        return compile_mail(issue_mail(self.settings, issue, digest), self.secret, self.signers)


def issue_mail(settings: Settings, issue: Issue, digest: Any) -> IssueMail:
    """Return what is compiled of an issue: of its digest, or of a row that has the texts of one."""
    return IssueMail.of(
        settings.publication,
        issue,
        digest,
        has_web=settings.web.enabled,
        mailbox=(box.address or "") if (box := settings.mailbox) else "",
    )
