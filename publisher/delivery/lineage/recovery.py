"""After an old database came back: what is surely sent, surely not, and in doubt; and what follows.

Where the journals have every page since the copy, what they do not name was surely not sent. Else whatever was due
since may have been, and is not sent again unless a person names its issue.
"""

import secrets
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection, delete

from publisher.config import Settings
from publisher.delivery.ledger import doubts, lifecycle
from publisher.delivery.lineage import evidence as stored
from publisher.delivery.lineage import witness
from publisher.delivery.rates.limiter import add_sent
from publisher.delivery.rates.limits import daily_allowance, day_of
from publisher.delivery.states import OPEN_STATES, DeliveryState
from publisher.delivery.tables import send_lease
from publisher.errors import IssueError
from publisher.i18n.messages import message
from publisher.issues import recovered_issues, store
from publisher.issues.model import SELECTED_STATES, Issue, IssueReason, IssueState
from publisher.issues.schedule import LATE_REASONS

_OPENED = (IssueState.SENDING, IssueState.PAUSED, IssueState.PARTIAL, IssueState.FAILED)
_OPENED_OR_DONE = (*_OPENED, IssueState.SENT, IssueState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Choices:
    """Names of issues whose mail is sent although it may have been, held, never sent, or was sent to all."""

    send: frozenset[str] = frozenset()
    hold: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()
    sent: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        return self.send | self.hold | self.skip | self.sent


@dataclass(frozen=True, slots=True)
class RecoveredIssue:
    """An issue with its numbers of deliveries; `state` is None if this database can't make it, `not_sent` before it is opened."""

    name: str
    state: IssueState | None
    sent: int = 0
    not_sent: int | None = 0
    in_doubt: int = 0
    reason: str | None = None
    reason_key: str | None = None

    @property
    def may_have_been_sent(self) -> bool:
        """Whether it is skipped since nobody knows whether it was sent."""
        return self.reason_key == IssueReason.MAY_HAVE_BEEN_SENT

    @property
    def is_merely_late(self) -> bool:
        """Whether nothing is known of it but that its time has passed."""
        return self.reason_key in LATE_REASONS and not (
            self.sent or self.not_sent or self.in_doubt
        )


@dataclass(slots=True)
class _Recovery:
    connection: Connection
    settings: Settings
    evidence: stored.RecoveryEvidence
    choices: Choices
    now: datetime
    _met: set[str] = field(default_factory=set)
    # Those that are not late, whatever the hour: a restore has interrupted them.
    _begun: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._begun = self.evidence.begun()

    def run(self) -> list[RecoveredIssue]:
        stored.store_words(self.connection, self.evidence.content)
        recovered_issues.store_recovered_stories(self.connection, self._stories())
        self.connection.execute(delete(send_lease))
        decided = [self._decide_opened(issue) for issue in self._opened()]
        unopened = store.issues_in_state(
            self.connection, IssueState.SCHEDULED, *SELECTED_STATES
        )
        decided += [self._decide_unopened(issue) for issue in unopened]
        decided += self._decide_missed()
        unknown = self.evidence.content.words.keys() - self._met
        decided += [self._report(name, None) for name in sorted(unknown)]
        if lost := self.choices.names - self._met:
            raise IssueError(f"{', '.join(sorted(lost))}: no issue that is to be decided about")
        return [one for one in decided if one is not None]

    def _stories(self) -> dict[str, Collection[str]]:
        names = self.evidence.content.words.keys() & self.evidence.stories
        return {name: self.evidence.stories[name] for name in names}

    def _opened(self) -> Iterator[Issue]:
        words = self.evidence.content.words
        # Of an issue that was cancelled while it was sent: no lease is left to be revoked.
        held = stored.issues_with_held_rows(self.connection)
        for issue in store.issues_in_state(self.connection, *_OPENED_OR_DONE):
            if issue.state in _OPENED or issue.name in words or issue.id in held:
                yield issue

    def _decide_opened(self, issue: Issue) -> RecoveredIssue | None:
        self._met.add(issue.name)
        stored.apply_recovered(self.connection, issue, self.now)
        also_waiting = not (self.evidence.is_complete or issue.state is IssueState.CANCELLED)
        stored.settle_unknown(self.connection, issue, self.now, also_waiting=also_waiting)
        lifecycle.reconcile_issues(self.connection, [issue.id], self.now)
        found = store.issues_by_ids(self.connection, [issue.id])[0]
        if issue.name in self.choices.names:
            found = self._choose_opened(found)
        count = lifecycle.count_rows(self.connection, [issue.id])[issue.id]
        if found.state not in (IssueState.SENDING, IssueState.PAUSED) and not (
            count[DeliveryState.IN_DOUBT] or issue.name in self.evidence.content.words
        ):
            return None
        return _in_numbers(found, count)

    def _choose_opened(self, issue: Issue) -> Issue:
        if issue.name in self.choices.send:
            doubts.resend_doubts(self.connection, issue, None, self.now)
        elif issue.name in self.choices.sent:
            doubts.mark_doubts_sent(self.connection, issue, None, self.now)
        elif issue.name in self.choices.skip:
            lifecycle.cancel_issue(self.connection, issue, _BY_NAME, self.now)
        elif issue.state is IssueState.SENDING or issue.reason_key == IssueReason.LOGIN_REFUSED:
            lifecycle.pause_issue(self.connection, issue, _BY_NAME, self.now)
        return store.issues_by_ids(self.connection, [issue.id])[0]

    def _decide_unopened(self, issue: Issue) -> RecoveredIssue | None:
        self._met.add(issue.name)
        if issue.name in self.choices.names:
            return self._report(issue.name, self._choose_unopened(issue))
        if issue.name in self._begun:
            return self._report(issue.name, self._go_on(issue))
        if self.evidence.is_complete or not self._may_be_sent(issue):
            return self._report(issue.name, issue) if self._words(issue.name) else None
        key = IssueReason.MAY_HAVE_BEEN_SENT
        skipped = store.give_up_issue(self.connection, issue, self._reason, key, self.now)
        return self._report(issue.name, skipped)

    def _may_be_sent(self, issue: Issue) -> bool:
        if recovered_issues.page_of(self.settings.folders.public, issue).exists():
            return True
        return min(issue.due_at, issue.send_at or issue.due_at) <= self.now

    def _choose_unopened(self, issue: Issue) -> Issue:
        if issue.name in self.choices.skip:
            self._require_unsent(issue.name)
            key = IssueReason.SKIPPED_BY_EDITOR
            return store.give_up_issue(self.connection, issue, _BY_NAME, key, self.now)
        if issue.name in self.choices.hold:
            return store.touch_issue(self.connection, issue, send_at=None)
        if issue.name in self.choices.sent:
            return self._count_as_sent(issue)
        stored.forget_doubts(self.connection, issue.name)
        # Now, so that it is not too late; in its hour, if that is to come.
        return store.touch_issue(self.connection, issue, send_at=max(issue.due_at, self.now))

    def _require_unsent(self, name: str) -> None:
        """Refuse to skip what somebody has: its stories would go into the next issue, for everybody."""
        words = Counter(map(stored.meaning_of, self._words(name).elements()))
        if got := words[DeliveryState.SENT] + words[DeliveryState.IN_DOUBT]:
            raise IssueError(
                f"--skip: {name}: {got} have got it, or may have, and its stories would come to them again. Say --sent, "
                "and nobody gets it again; or leave it out, and those get it who surely did not"
            )

    def _count_as_sent(self, issue: Issue) -> Issue:
        """Have an issue made anew of what it had, and count as sent to all subscribers: nobody gets it again."""
        stored.take_for_sent(self.connection, issue.name)
        if issue.state is IssueState.SCHEDULED and issue.name not in self._stories():
            stories = recovered_issues.linked_slugs(
                recovered_issues.read_page(self.settings.folders.public, issue)
            )
            # If its page is lost: it had no story that is dated later.
            stories = stories or recovered_issues.keys_dated_until(self.connection, issue)
            recovered_issues.store_recovered_stories(self.connection, {issue.name: stories})
        return self._go_on(issue)

    def _decide_missed(self) -> Iterator[RecoveredIssue]:
        complete = self.evidence.is_complete
        wanted = self.choices.send | self.choices.hold | self.choices.sent
        # Who says that one was sent does not want it skipped as late.
        reason, begun = None if complete else self._reason, self._begun | self.choices.sent
        for one in recovered_issues.plan_missed(
            self.connection, self.settings, self.now, reason, wanted, begun
        ):
            self._met.add(one.name)
            issue = one
            if one.state in (IssueState.SCHEDULED, *SELECTED_STATES):
                if one.name in self.choices.names:
                    issue = self._choose_unopened(one)
                elif one.name in self._begun:
                    issue = self._go_on(one)
            yield self._report(issue.name, issue)

    def _go_on(self, issue: Issue) -> Issue:
        """Have an issue sent that was being sent: it is late by the restore only."""
        return store.touch_issue(self.connection, issue, send_at=max(issue.due_at, self.now))

    @property
    def _reason(self) -> str:
        copied = self.evidence.found.copied_at
        since = f", made at {copied:%Y-%m-%d %H:%M} UTC," if copied else ""
        return (
            f"it may have been sent: the database was restored from a copy{since} and is older"
        )

    def _words(self, name: str) -> Counter[str]:
        return Counter(one.state for one in self.evidence.content.words.get(name, {}).values())

    def _report(self, name: str, issue: Issue | None) -> RecoveredIssue:
        words = Counter[str]()
        for state, count in self._words(name).items():
            words[stored.meaning_of(state)] += count
        if issue is None:
            return RecoveredIssue(name, None, *_three(words))
        found = _in_numbers(issue, words)
        # Of a skipped one, everybody is known who gets it: nobody.
        return found if issue.state is IssueState.SKIPPED else replace(found, not_sent=None)


_BY_NAME = message("decided when the database was recovered")


def decide(
    connection: Connection,
    settings: Settings,
    evidence: stored.RecoveryEvidence,
    choices: Choices,
    now: datetime,
    server: str,
) -> tuple[list[RecoveredIssue], witness.JournalPage]:
    """Decide about all issues, end the quarantine; return them and the page to be recorded. Raise IssueError for a bad choice."""
    decided = _Recovery(connection, settings, evidence, choices, now).run()
    _spend_warm_up(connection, settings, now)
    found, last = evidence.found, evidence.last_page
    incarnation = found.incarnation
    if evidence.witness and evidence.witness.incarnation != incarnation:
        incarnation = evidence.witness.incarnation
    elif incarnation == witness.UNKNOWN:
        incarnation = secrets.token_hex(8)
    page = witness.page_after_recovery(last, now)
    witness.set_lineage(
        connection,
        incarnation=incarnation,
        page=page,
        server=server,
        copied_at=None,
        quarantined_at=None,
        quarantine_reason=None,
    )
    # What no journal has stays a gap, for one who puts back the same copy again.
    since = last + 1 if evidence.is_complete else page
    return decided, witness.JournalPage(incarnation, page, since)


def _spend_warm_up(connection: Connection, settings: Settings, now: datetime) -> None:
    """Count all that a warm-up allows today as sent: nobody knows how much of it was."""
    plan, day = settings.delivery.warmup, day_of(now.timestamp())
    if plan and (allowed := daily_allowance(plan, day)):
        add_sent(connection, settings.delivery.transport, day, allowed)


def _in_numbers(issue: Issue, count: Mapping[str, int]) -> RecoveredIssue:
    why = (issue.reason, issue.reason_key)
    return RecoveredIssue(issue.name, issue.state, *_three(count), *why)


def _three(count: Mapping[str, int]) -> tuple[int, int, int]:
    sent = count.get(DeliveryState.SENT, 0)
    in_doubt = count.get(DeliveryState.IN_DOUBT, 0)
    waiting = sum(count.get(state, 0) for state in (*OPEN_STATES, DeliveryState.CANCELLED))
    return sent, waiting, in_doubt
