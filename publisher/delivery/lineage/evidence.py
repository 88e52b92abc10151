"""What is known outside the database about what came after it: from witnesses, journals and stories.

`journal/<day>.issues` has a line for each issue, written before anything of it is handed out. It names stories by
their keys, which a database that was restored gives them as well.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, case, delete, insert, literal, null, select, update

from publisher.config import Settings
from publisher.database import Database
from publisher.database.dialect.sql import upsert_by_key
from publisher.database.engine import chunks
from publisher.delivery.causes import RESTORED
from publisher.delivery.ledger.claims import NEW_EPOCH, in_states
from publisher.delivery.lineage import witness as witnesses
from publisher.delivery.states import CLAIMABLE_STATES, DeliveryState
from publisher.delivery.tables import delivery, recovered_delivery
from publisher.issues.model import Issue
from publisher.issues.recovered_issues import story_keys
from subscribers.tables import subscriber

_SUFFIX = "issues"


def record_stories(
    settings: Settings, database: Database, issues: Iterable[Issue], now: datetime
) -> None:
    if not settings.delivery.journal:
        return
    with database.reading() as connection:
        lineage = witnesses.read_lineage(connection)
        contents = {issue.name: story_keys(connection, issue) for issue in issues}
    if lineage is None:
        return
    for folder in witnesses.witness_folders(settings):
        recorded = _read_folder(folder, lineage.incarnation)
        for name, keys in contents.items():
            if keys and recorded.get(name) != keys:
                values = [lineage.incarnation, name, sorted(keys)]
                witnesses.append_values(folder, _SUFFIX, values, now)


def read_recorded_stories(
    folders: Iterable[Path], incarnation: str
) -> dict[str, frozenset[str]]:
    stories: dict[str, frozenset[str]] = {}
    for folder in folders:
        for name, keys in _read_folder(folder, incarnation).items():
            stories[name] = stories.get(name, frozenset()) | keys
    return stories


def _read_folder(folder: Path, incarnation: str) -> dict[str, frozenset[str]]:
    return {
        name: frozenset(keys)
        for owner, name, keys in witnesses.read_values(witnesses.day_files(folder, _SUFFIX))
        if owner == incarnation
    }


_ROWS = 10_000  # rows that are stored at a time
# What a word of the journal means for a row. Before an answer is known, the message may have left.
_MEANING = {
    DeliveryState.ATTEMPTING: DeliveryState.IN_DOUBT,
    DeliveryState.CLAIMED: DeliveryState.PENDING,
    DeliveryState.DEFERRED: DeliveryState.PENDING,
}


def apply_recovered(connection: Connection, issue: Issue, now: datetime) -> None:
    """Give rows of an issue the states that a journal knew, unless they are sent already."""
    word = recovered_delivery.c
    of_row = (
        (word.issue == issue.name)
        & (word.subscriber_id == delivery.c.subscriber_id)
        & (word.state != DeliveryState.PENDING)
    )
    state = select(word.state).where(of_row).correlate(delivery).scalar_subquery()
    lease = select(word.lease_id).where(of_row).correlate(delivery).scalar_subquery()
    statement = (
        update(delivery)
        .where(
            delivery.c.issue_id == issue.id,
            delivery.c.state != DeliveryState.SENT,
            select(word.state).where(of_row).correlate(delivery).exists(),
        )
        .values(
            state=state,
            # The outbox places what a lease has sent and not placed.
            lease_id=case((state == DeliveryState.SENT, lease)),
            reason_key=case((state == DeliveryState.IN_DOUBT, RESTORED.key)),
            reason=null(),
            epoch=NEW_EPOCH,
            tried_at=null(),
            changed_at=now,
        )
    )
    connection.execute(statement)


def store_words(connection: Connection, content: witnesses.JournalContent) -> None:
    """Store what a journal says, for the ledgers of all issues: open ones, and those that are opened later."""
    rows = [
        {
            "issue": issue,
            "subscriber_id": subscriber,
            "state": meaning_of(word.state),
            "lease_id": word.lease_id,
        }
        for issue, words in content.words.items()
        for subscriber, word in words.items()
    ]
    statement = upsert_by_key(connection, recovered_delivery)
    for some in chunks(rows, _ROWS):
        connection.execute(statement, list(some))


def forget_doubts(connection: Connection, name: str) -> None:
    """Let rows in doubt of an issue be sent when its ledger is opened."""
    in_doubt = (recovered_delivery.c.issue == name) & (
        recovered_delivery.c.state == DeliveryState.IN_DOUBT
    )
    values = {"state": DeliveryState.PENDING}
    connection.execute(update(recovered_delivery).where(in_doubt).values(values))


def take_for_sent(connection: Connection, name: str) -> None:
    """Count an issue as sent to all subscribers: whoever gets it, when its ledger is opened, has it."""
    row = recovered_delivery.c
    connection.execute(delete(recovered_delivery).where(row.issue == name))
    sent = select(literal(name), subscriber.c.id, literal(DeliveryState.SENT))
    columns = ("issue", "subscriber_id", "state")
    connection.execute(insert(recovered_delivery).from_select(columns, sent))


def issues_with_held_rows(connection: Connection) -> set[int]:
    held = in_states(DeliveryState.CLAIMED, DeliveryState.ATTEMPTING)
    query = select(delivery.c.issue_id).where(delivery.c.lease_id.is_not(None), held)
    return {*connection.execute(query.distinct()).scalars()}


def settle_unknown(
    connection: Connection, issue: Issue, now: datetime, *, also_waiting: bool
) -> None:
    """Set unknown rows to in doubt, and claimed rows back to pending."""
    of_issue = delivery.c.issue_id == issue.id
    doubt: dict[str, Any] = {
        "state": DeliveryState.IN_DOUBT,
        "reason_key": RESTORED.key,
        "reason": None,
        "tried_at": None,  # not tried again by the newsletter's policy: a person decides
        "lease_id": None,
        "epoch": NEW_EPOCH,
        "changed_at": now,
    }
    under_way = [in_states(DeliveryState.ATTEMPTING)]
    if also_waiting:
        waiting = in_states(*CLAIMABLE_STATES, DeliveryState.CLAIMED)
        under_way.append(waiting & (delivery.c.due_at <= now))
    for some in under_way:
        connection.execute(update(delivery).where(of_issue, some).values(doubt))
    in_doubt = in_states(DeliveryState.IN_DOUBT)
    connection.execute(update(delivery).where(of_issue, in_doubt).values(tried_at=None))
    claimed = update(delivery).where(of_issue, in_states(DeliveryState.CLAIMED))
    free = {"state": DeliveryState.PENDING, "lease_id": None, "epoch": NEW_EPOCH}
    connection.execute(claimed.values(free))


def meaning_of(state: str) -> DeliveryState:
    last = DeliveryState(state)
    return _MEANING.get(last, last)


@dataclass(slots=True)
class RecoveryEvidence:
    """What is known outside the database about what came after it."""

    found: witnesses.Lineage
    content: witnesses.JournalContent
    witness: witnesses.LedgerPage | None
    is_complete: bool  # whether nothing can be missing: all witnesses and journals were there
    # The keys of the stories of issues that were sent, by the issues' names.
    stories: Mapping[str, Collection[str]]

    @property
    def last_page(self) -> int:
        return max(
            self.found.page, self.content.last, self.witness.number if self.witness else 0
        )

    def begun(self) -> frozenset[str]:
        """Return the names of issues of which mail has left, or may have; none if something is missing."""
        left = {DeliveryState.SENT, DeliveryState.IN_DOUBT}
        words = self.content.words if self.is_complete else {}
        return frozenset(
            name
            for name, last in words.items()
            if any(meaning_of(word.state) in left for word in last.values())
        )

    @property
    def missing_pages(self) -> int:
        return self.content.missing + witnesses.lost_pages(
            self.content.last, self.last_page + 1
        )


def read_evidence(
    found: witnesses.Lineage, folders: Iterable[Path], *, all_given: bool
) -> RecoveryEvidence:
    """Read witnesses and journals; `all_given` says that no other process has written elsewhere."""
    places = list(folders)
    pages = [page for folder in places for page in witnesses.read_pages(folder)]
    ours = [page for page in pages if page.incarnation == found.incarnation]
    witness = max(ours or pages, key=lambda page: page.number, default=None)
    content = witnesses.read_journals(places, found.incarnation, found.page)
    unwritten = max(0, (witness.number if ours and witness else 0) - content.last)
    is_complete = bool(ours) and all_given and not (content.missing or unwritten)
    stories = read_recorded_stories(places, found.incarnation)
    return RecoveryEvidence(found, content, witness, is_complete, stories)
