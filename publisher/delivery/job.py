"""One issue on its way out: what all its messages share, and what it says of its deliveries.

Knows no row and no transport.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.delivery.ledger.claims import Claim
from publisher.delivery.retry_policy import RetryPolicy
from publisher.delivery.transports.base import OutgoingMessage
from publisher.issues.model import Issue

if TYPE_CHECKING:
    from publisher.mail import CompiledMail


@dataclass(frozen=True, slots=True)
class Job:
    """An issue, compiled."""

    issue: Issue
    compiled: CompiledMail
    terms: RetryPolicy
    # The envelope's sender, where bounces go.
    sender: str

    @property
    def folder(self) -> str:
        """Where an outbox keeps its messages."""
        issue = self.issue
        return f"{issue.newsletter}/{issue.language}/{issue.day}"

    def outgoing(self, claim: Claim) -> OutgoingMessage:
        """Write one reader's message; raises DeliveryError if she can't be written to."""
        return OutgoingMessage(
            issue_id=claim.issue_id,
            folder=self.folder,
            sender=self.sender,
            recipient=claim.reader.address,
            message=self.compiled.message(claim.reader, claim.due_at),
        )
