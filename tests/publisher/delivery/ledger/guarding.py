"""A ledger that refuses what must not be: triggers on the real table."""

from __future__ import annotations

from sqlalchemy import Connection

from publisher.delivery.states import DELIVERY_TRANSITIONS
from tests.triggers import forbid


def guard(connection: Connection) -> None:
    """Let rows move along the arrows of a delivery's life only, and their epochs never fall.

    All databases of the tests below `tests/publisher/delivery` are made so (see its conftest).
    What moves a row otherwise gets a DatabaseError, or IntegrityError, that says which arrow.
    """
    for source, targets in DELIVERY_TRANSITIONS.items():
        allowed = ", ".join(f"'{target}'" for target in sorted({source, *targets}))
        forbid(
            connection,
            f"no_arrow_from_{source}",
            "BEFORE UPDATE OF state",
            "delivery",
            f"old.state = '{source}' AND new.state NOT IN ({allowed})",
            f"no arrow leads there from {source}",
        )
    forbid(
        connection,
        "no_lower_epoch",
        "BEFORE UPDATE OF epoch",
        "delivery",
        "new.epoch < old.epoch",
        "an epoch never falls",
    )
