"""A ledger that logs each change of state, for tests that look back."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection

from publisher.delivery.transports.base import MessageKey
from tests.triggers import forbid, react

LOG = """
CREATE TABLE state_log (
    issue_id INTEGER, subscriber_id INTEGER, source TEXT, target TEXT,
    is_new_epoch BOOLEAN, reason TEXT
)
"""
NOTE = """
INSERT INTO state_log VALUES (
    new.issue_id, new.subscriber_id, old.state, new.state, new.epoch > old.epoch, new.reason
)
"""
UNLESS_SENDING = """
new.state = 'attempting' AND old.state != 'attempting'
    AND (SELECT state FROM issue WHERE id = new.issue_id) != 'sending'
"""


def log_transitions(connection: Connection) -> None:
    """Log each change of state from now on, and let no row of a stopped issue be reserved."""
    connection.exec_driver_sql(LOG)
    react(connection, "note_moves", "AFTER UPDATE", "delivery", "new.state != old.state", NOTE)
    forbid(
        connection,
        "no_mark_unless_sending",
        "BEFORE UPDATE OF state",
        "delivery",
        UNLESS_SENDING,
        "a mark though the issue is not being sent",
    )


def moves(connection: Connection, condition: str) -> Counter[MessageKey]:
    """Count the moves of each row that meet a condition in SQL."""
    query = f"SELECT issue_id, subscriber_id FROM state_log WHERE {condition}"
    return Counter(
        (issue, subscriber) for issue, subscriber in connection.exec_driver_sql(query)
    )
