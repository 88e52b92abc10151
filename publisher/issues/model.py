"""An issue, its states, and the transitions between them. Pure.

    scheduled -> assembling -> [awaiting approval ->] ready -> sending -> sent | partial | failed
    anything before sending -> skipped         no articles, or too late
    sending <-> paused                         by an operator, or by the circuit breaker
    partial | failed -> sending | sent         an operator decided about deliveries in doubt
    sent -> sending                            an operator has bounced mail tried again
    sent -> partial | failed                   such a try is in doubt after a restore
    anything before sent -> cancelled

`publisher.issues.store` moves rows along these transitions.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from publisher.errors import IssueError, TransitionError
from publisher.i18n.messages import Sentence, message


class IssueState(StrEnum):
    """The state of an issue."""

    SCHEDULED = "scheduled"
    ASSEMBLING = "assembling"
    AWAITING_APPROVAL = "awaiting_approval"
    READY = "ready"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


ISSUE_TRANSITIONS: dict[IssueState, frozenset[IssueState]] = {
    IssueState(state): frozenset(map(IssueState, targets.split()))
    for state, targets in {
        "scheduled": "assembling skipped cancelled",
        "assembling": "awaiting_approval ready skipped cancelled",
        # The editor asks for a correction: the issue is assembled again.
        "awaiting_approval": "assembling ready skipped cancelled",
        # Awaiting approval: one does not count any more.
        "ready": "assembling awaiting_approval sending skipped cancelled",
        "sending": "paused sent partial failed cancelled",
        "paused": "sending cancelled",
        # An operator has bounced mail tried again; after a restore, such a try may be in doubt.
        "sent": "sending partial failed",
        # An operator has decided about deliveries in doubt.
        "partial": "sending sent",
        "failed": "sending sent partial",
        "skipped": "",
        "cancelled": "",
    }.items()
}


# An issue's state as a word of a sentence.
STATE_WORDS: dict[IssueState, Sentence] = {
    IssueState.SCHEDULED: message("scheduled"),
    IssueState.ASSEMBLING: message("assembling"),
    IssueState.AWAITING_APPROVAL: message("awaiting approval"),
    IssueState.READY: message("ready"),
    IssueState.SENDING: message("sending"),
    IssueState.PAUSED: message("paused"),
    IssueState.SENT: message("sent"),
    IssueState.PARTIAL: message("partial"),
    IssueState.FAILED: message("failed"),
    IssueState.SKIPPED: message("skipped"),
    IssueState.CANCELLED: message("cancelled"),
}


class IssueKind(StrEnum):
    """Why there is an issue: it was due, another one had an error, or an editor has something to say."""

    REGULAR = "regular"
    CORRECTION = "correction"
    ANNOUNCEMENT = "announcement"


class IssueReason(StrEnum):
    """Why an issue is in its state: keys that never change. Details are in its text."""

    # Skipped.
    SKIP_DATE = "skip-date"
    SKIPPED_BY_EDITOR = "skipped-by-editor"
    LATE = "late"
    MERGED = "merged"
    TOO_MANY_MISSED = "too-many-missed"
    MAY_HAVE_BEEN_SENT = "may-have-been-sent"
    BEFORE_DATABASE = "before-database"
    NO_ARTICLES = "no-articles"
    TOO_FEW_ARTICLES = "too-few-articles"
    ALL_WITHDRAWN = "all-withdrawn"
    # Scheduled, and not made yet.
    WAITS_FOR_TRANSLATIONS = "waits-for-translations"
    WAITS_FOR_STORIES = "waits-for-stories"
    WAITS_FOR_TIME = "waits-for-time"
    EDITION_REMOVED = "edition-removed"  # skipped or cancelled
    NOT_IN_SCHEDULE = "not-in-schedule"  # held before it is sent
    # Not assembled: the digest did not pass the gate, or could not be made.
    GATE = "gate"
    NOT_MADE = "not-made"
    # Waiting for approvals, skipped without them, or approved and changed since.
    NOT_APPROVED = "not-approved"
    # By a person.
    PAUSED = "paused"
    CANCELLED = "cancelled"
    # Paused, because no other try would help, or waiting for the next try or for a rate limit.
    REFUSED = "refused"
    # The same, until user and password are right: it is resumed by itself.
    LOGIN_REFUSED = "login-refused"
    UNREACHABLE = "unreachable"
    RATE_LIMIT = "rate-limit"
    BLOCKED = "blocked"  # Paused, because too many of its messages were refused because of us


WAIT_REASONS = frozenset(reason for reason in IssueReason if reason.startswith("waits-"))

EDITION_REMOVED = message("no longer in publication.toml")  # text of the reason EDITION_REMOVED
# Text of the reason NOT_IN_SCHEDULE.
UNSCHEDULED = message(
    "held: its day is in the schedule no more; schedule it, send it now, or skip it"
)

# In these states an issue has, or will have, a web page that others may link to.
STATES_WITH_PAGE = frozenset(IssueState) - {
    IssueState.SCHEDULED,
    IssueState.SKIPPED,
    IssueState.CANCELLED,
}

# The articles are selected, and the ledger is not opened yet.
SELECTED_STATES = frozenset(
    {IssueState.ASSEMBLING, IssueState.AWAITING_APPROVAL, IssueState.READY}
)


def check_transition(source: IssueState, target: IssueState) -> None:
    """Raise TransitionError unless an issue may go from `source` to `target`."""
    if target not in ISSUE_TRANSITIONS[source]:
        raise TransitionError(source, target)


def issue_name(newsletter: str, language: str, day: date, suffix: str = "") -> str:
    """Return the name of an issue: `weekly-en-2026-01-09`, with a suffix `weekly-en-2026-01-09-announcement-2`."""
    return f"{newsletter}-{language}-{day}{f'-{suffix}' if suffix else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One edition at one occurrence: `day` is the local date, `due_at` the instant (UTC).

    One that is not stored has no `id` (0): it is planned, or would be.
    Its articles became available after `available_since`, and until `assembled_at`. It may be sent from
    `send_at` on; None if an editor holds it, or if its day is gone from the schedule (`is_unscheduled`). `reminders` of it were mailed. `revision` grows when its content may have changed. A
    correction or an announcement has a `serial` of at least 1 among the issues of its day.
    """

    id: int = 0
    newsletter: str
    language: str
    day: date
    due_at: datetime
    state: IssueState = IssueState.SCHEDULED
    reason: str | None = None
    reason_key: str | None = None
    epoch: int = 0
    published_until: datetime | None = None
    more: int = 0
    assembled_at: datetime | None = None
    available_since: datetime | None = None
    for_profiles_only: bool = False
    send_at: datetime | None = None
    is_unscheduled: bool = False
    reminders: int = 0
    revision: int = 0
    kind: str = IssueKind.REGULAR
    serial: int = 0
    corrects_id: int | None = None
    # Of an announcement: conditions that limit who gets it, one a line.
    audience: str | None = None
    is_listed: bool = False  # of an announcement: in lists of issues and in feeds

    def saying(self, template: str, **values: object) -> IssueError:
        """Return an error with a sentence, which may have its `issue` and `state`; see `PublisherError.saying`."""
        state = STATE_WORDS[self.state]
        return IssueError.saying(template, issue=self.name, state=state, **values)

    def shows_until(self, now: datetime) -> datetime:
        """Return when the last of its articles may be available: a clock that goes back hides none."""
        return max(now, self.assembled_at or now)

    @property
    def schedule_note(self) -> str:
        """Why it is held, if that is because of the schedule; otherwise empty."""
        return UNSCHEDULED if self.is_unscheduled and self.send_at is None else ""

    @property
    def folder(self) -> str:
        """The folder of its messages below an outbox."""
        return f"{self.newsletter}/{self.language}/{self.day}"

    @property
    def name(self) -> str:
        """The name for people, files and logs."""
        return issue_name(self.newsletter, self.language, self.day, self.suffix)

    @property
    def suffix(self) -> str:
        """What its name has after the date: nothing for a regular issue, else its kind and number."""
        number = f"-{self.serial}" if self.serial > 1 else ""
        return f"{self.kind}{number}" if self.serial else ""
