"""A ledger that logs each change of state, for tests that look back."""

from __future__ import annotations

import sqlite3
from collections import Counter

from sqlalchemy import Connection, text

from publisher.delivery.transports.base import MessageKey

LOG = """
CREATE TABLE state_log (
    issue_id INTEGER, subscriber_id INTEGER, source TEXT, target TEXT,
    is_new_epoch INTEGER, reason TEXT
)
"""
NOTE = """
CREATE TRIGGER note_moves AFTER UPDATE ON delivery WHEN new.state != old.state BEGIN
    INSERT INTO state_log VALUES (
        new.issue_id, new.subscriber_id, old.state, new.state, new.epoch > old.epoch, new.reason
    );
END
"""


MARKS = """
CREATE TRIGGER no_mark_unless_sending BEFORE UPDATE OF state ON delivery
WHEN new.state = 'attempting' AND old.state != 'attempting'
    AND (SELECT state FROM issue WHERE id = new.issue_id) != 'sending' BEGIN
    SELECT RAISE(ABORT, 'a mark though the issue is not being sent');
END
"""


def log_transitions(connection: Connection) -> None:
    """Log each change of state from now on, and let no row of a stopped issue be reserved."""
    for statement in (LOG, NOTE, MARKS):
        connection.execute(text(statement))


def moves(connection: sqlite3.Connection, condition: str) -> Counter[MessageKey]:
    """Count the moves of each row that meet a condition in SQL."""
    query = f"SELECT issue_id, subscriber_id FROM state_log WHERE {condition}"
    return Counter(connection.execute(query))
