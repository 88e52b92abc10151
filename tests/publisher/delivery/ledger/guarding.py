"""A ledger that refuses what must not be: triggers on the real table."""

from __future__ import annotations

from sqlalchemy import Connection

from publisher.delivery.states import DELIVERY_TRANSITIONS

ARROWS_FROM = """
CREATE TRIGGER no_arrow_from_{source} BEFORE UPDATE OF state ON delivery
WHEN old.state = '{source}' AND new.state NOT IN ({targets}) BEGIN
    SELECT RAISE(ABORT, 'no arrow leads there from {source}');
END
"""
EPOCHS = """
CREATE TRIGGER no_lower_epoch BEFORE UPDATE OF epoch ON delivery
WHEN new.epoch < old.epoch BEGIN
    SELECT RAISE(ABORT, 'an epoch never falls');
END
"""


def guard(connection: Connection) -> None:
    """Let rows move along the arrows of a delivery's life only, and their epochs never fall.

    All databases of the tests below `tests/publisher/delivery` are made so (see its conftest).
    What moves a row otherwise gets a DatabaseError, or IntegrityError, that says which arrow.
    """
    for source, targets in DELIVERY_TRANSITIONS.items():
        allowed = ", ".join(f"'{target}'" for target in sorted({source, *targets}))
        connection.exec_driver_sql(ARROWS_FROM.format(source=source, targets=allowed))
    connection.exec_driver_sql(EPOCHS)
