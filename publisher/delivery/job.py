"""A job: one issue, compiled, with all that its messages share; and the variants of open issues.

The function that renders a variant is an argument: this package does not import the one that assembles. They are
rendered for some seconds at a time, so that ready mails need not wait for the last. One that can't be rendered is
tried by every run, until its rows have been due for `give_up_after`: then they have failed.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from publisher.clock import Timer
from publisher.config import Settings
from publisher.database import Database
from publisher.delivery import causes
from publisher.delivery.ledger import variant_rows
from publisher.delivery.ledger.claims import Claim
from publisher.delivery.retry_policy import RetryPolicy, retry_policy_of
from publisher.delivery.transports.base import OutgoingMessage, Transport
from publisher.errors import GateError, IssueError, PublisherError
from publisher.issues import store as issues
from publisher.issues.approvals import header_changes, read_manifest
from publisher.issues.digests import IssueVariant, digest_of, freeze_variant, variant_digest
from publisher.issues.model import Issue, IssueReason, IssueState
from publisher.log import log
from publisher.mail import CompiledMail, IssueMail, compile_mail
from publisher.mail.dkim import DkimSigner
from publisher.mail.signed_addresses import BounceAddresses

_KEPT_VARIANTS = 100  # compiled variants that a job keeps, of some 100 KB each


@dataclass(frozen=True, slots=True)
class Job:
    """A compiled issue and its retry policy."""

    issue: Issue
    compiled: CompiledMail
    # Compiles a variant by its id, or returns what is kept of it. Safe among threads.
    compiled_variant: Callable[[int], CompiledMail]
    retry_policy: RetryPolicy
    bounce_addresses: BounceAddresses  # those in MAIL FROM, to which bounces are returned

    def compose(self, claim: Claim) -> OutgoingMessage:
        variant = claim.variant_id
        compiled = self.compiled if variant is None else self.compiled_variant(variant)
        return OutgoingMessage(
            issue_id=claim.issue_id,
            folder=self.issue.folder,
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
        with self.database.reading() as connection:
            digest = digest_of(connection, issue)
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
    edition = settings.edition(issue.newsletter, issue.language)
    return IssueMail.of(
        settings.publication,
        issue,
        digest,
        list_title=edition.title(issue.language) if edition else "",
        has_web=settings.web.enabled,
        mailbox=(box.address or "") if (box := settings.mailbox) else "",
    )


SLICE_SECONDS = 5.0  # seconds of rendering after which what is ready is sent

# Returns the columns of a rendered variant; None if all its articles were withdrawn. Raises
# PublisherError if no mail can be made that passes the gate.
RenderVariant = Callable[[Issue, IssueVariant], Mapping[str, Any] | None]
IssueNote = tuple[str, IssueReason]  # why variants of an issue can't be sent


@dataclass(slots=True)
class VariantRun:
    """The rendering of one run, which tries each variant once."""

    settings: Settings
    database: Database
    render: RenderVariant
    timer: Timer
    _tried: set[int] = field(default_factory=set)
    _failures: defaultdict[int, list[IssueNote]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def render_some(self, now: datetime) -> bool:
        """Render what waits, for some seconds. Return whether something is left to be tried."""
        with self.database.reading() as connection:
            found = issues.issues_in_state(connection, IssueState.SENDING)
            sending = {one.id: one for one in found}
            waiting = variant_rows.waiting_variants(connection, [*sending])
        left = [one for one in waiting if one.id not in self._tried]
        end = self.timer.time() + SLICE_SECONDS
        while left:
            variant = left.pop(0)
            self._tried.add(variant.id)
            self._try(sending[variant.issue_id], variant, now)
            if self.timer.time() >= end:
                break
        for issue in sending.values():
            self._note(issue)
        return bool(left)

    @property
    def notes(self) -> dict[int, IssueNote]:
        return {
            number: (f"{len(found)} of its variants can't be sent: {found[0][0]}", found[0][1])
            for number, found in self._failures.items()
        }

    def _try(self, issue: Issue, variant: IssueVariant, now: datetime) -> None:
        try:
            self._render(issue, variant, now)
        except Exception as error:
            # A fault of the program in one variant must not hold up all mails.
            is_fault = not isinstance(error, PublisherError)
            reason = words = f"a fault of the program: {error!r}" if is_fault else str(error)
            key, cause = IssueReason.NOT_MADE, causes.VARIANT_NOT_MADE
            if isinstance(error, GateError):
                reason, words = error.reason, error.first
                key, cause = IssueReason.GATE, causes.VARIANT_REJECTED
            log.error(
                "variant can't be rendered",
                issue=issue.name,
                variant=variant.id,
                reason=reason,
                exc_info=is_fault,
            )
            self._failures[issue.id].append((reason, key))
            self._give_up(issue, variant, (cause, words), now)

    def _give_up(
        self, issue: Issue, variant: IssueVariant, why: tuple[causes.Cause, str], now: datetime
    ) -> None:
        patience = retry_policy_of(self.settings, issue).give_up_after
        with self.database.writing() as connection:
            variant_rows.give_up_variant(connection, issue, variant, why, now, patience)

    def _render(self, issue: Issue, variant: IssueVariant, now: datetime) -> None:
        """Render a variant and make its rows due, in one transaction. What is stored stays."""
        is_removed = self.settings.edition(issue.newsletter, issue.language) is None
        parts = None if is_removed else self.render(issue, variant)
        with self.database.writing() as connection:
            if parts is None:
                cause = causes.EDITION_IS_REMOVED if is_removed else causes.ARTICLES_WITHDRAWN
                variant_rows.cancel_variant(connection, issue, variant, cause, now)
            elif freeze_variant(connection, variant, parts):
                variant_rows.release_variant(connection, variant)

    def _note(self, issue: Issue) -> None:
        note = self.notes.get(issue.id)
        if note and issue.reason != note[0]:
            with self.database.writing() as connection:
                issues.set_reason(connection, issue, *note)


def replace_withdrawn(settings: Settings, database: Database, now: datetime) -> bool:
    """Have waiting mails made again without articles withdrawn since; return whether there were any."""
    publication, moved = settings.publication, 0
    with database.reading() as connection:
        if not any(
            variant_rows.waiting_with_withdrawn(connection, publication, issue, now)
            for issue in issues.issues_in_state(connection, IssueState.SENDING)
        ):
            return False
    with database.writing() as connection:
        for issue in issues.issues_in_state(connection, IssueState.SENDING):
            if count := variant_rows.leave_out_withdrawn(connection, publication, issue, now):
                log.info("withdrawn articles left out", issue=issue.name, mails=count)
                moved += count
    return moved > 0


@dataclass(slots=True)
class WithdrawalCheck:
    """Replaces withdrawn articles at the start of a run, and while it lasts."""

    settings: Settings
    database: Database
    # The hidden articles of the last check (`count_hidden`).
    _hidden: tuple[int, datetime | None] | None = None

    def run(self, now: datetime) -> bool:
        """Do it in any case. Return whether mails wait for a variant now."""
        with self.database.reading() as connection:
            hidden = variant_rows.count_hidden(connection, now)
        is_moved = replace_withdrawn(self.settings, self.database, now)
        self._hidden = hidden
        return is_moved

    def run_if_changed(self, now: datetime) -> bool:
        with self.database.reading() as connection:
            is_changed = variant_rows.count_hidden(connection, now) != self._hidden
        return is_changed and self.run(now)
