"""Owe to a subscriber what the edition that served her before had not brought yet.

Where the editions of a newsletter have different schedules, the one that serves her now may have brought
it long ago.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from publisher.config import Settings
from publisher.issues import store
from publisher.issues.model import SELECTED_STATES
from publisher.issues.selection import serving_language
from publisher.issues.tables import issue_table
from subscribers import Preferences, load_subscriber
from subscribers.interruptions import OWED_FOR, add_interruptions, of_subscriber


def owe_former_edition(
    connection: Connection,
    settings: Settings,
    subscriber_id: int,
    change: tuple[Preferences, Preferences],
    now: datetime,
) -> None:
    """Record what a subscriber on record may miss by a change of languages, old and new preferences."""
    person = load_subscriber(connection, subscriber_id)
    cadences = change[0].cadences
    for name in person.newsletters if person else ():
        newsletter = settings.newsletter(name)
        editions = [one.language for one in settings.editions(newsletter)] if newsletter else []
        before, after = (serving_language(editions, one.languages) for one in change)
        if before is None or after is None or before == after:
            continue
        key = f"{name}.{cadences[name]}" if name in cadences else name
        since = _opened_until(connection, key, before) or now - OWED_FOR
        had = _opened_until(connection, key, after)
        if had is not None and since < had:
            add_interruptions(connection, of_subscriber(subscriber_id), name, since, now)


def _opened_until(connection: Connection, newsletter: str, language: str) -> datetime | None:
    """Return up to which instant articles were considered for issues whose ledger is open.

    Who leaves an edition gets nothing of its issues that are not opened yet. None: there was none.
    """
    earliest = select(issue_table.c.available_since).where(
        issue_table.c.newsletter == newsletter,
        issue_table.c.language == language,
        issue_table.c.state.in_(SELECTED_STATES),
    )
    waiting = connection.execute(earliest.order_by(issue_table.c.id).limit(1)).one_or_none()
    return waiting[0] if waiting else store.cutoff(connection, newsletter, language)
