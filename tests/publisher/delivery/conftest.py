"""Ledgers that are guarded, for every test of delivery."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from publisher.database import open_database
from publisher.delivery.states import DeliveryState
from tests.databases import copy_test_database
from tests.triggers import forbid

S = DeliveryState

# What `publisher.delivery.states` draws.
DELIVERY_TRANSITIONS: dict[DeliveryState, frozenset[DeliveryState]] = {
    # Suppressed: another issue takes over what is not wanted this way any more.
    # Failed: its variant could not be made.
    S.PENDING: frozenset({S.CLAIMED, S.FAILED, S.SUPPRESSED, S.CANCELLED}),
    # Back to pending or deferred: a rate limit, a pause, or the loss of the lease.
    S.CLAIMED: frozenset({S.ATTEMPTING, S.PENDING, S.DEFERRED, S.SUPPRESSED}),
    S.ATTEMPTING: frozenset(
        {
            *(S.SENT, S.DEFERRED, S.BOUNCED, S.FAILED),
            *(S.IN_DOUBT, S.PENDING, S.SUPPRESSED),
        }
    ),
    # Bounced: a rejection that the circuit breaker confirms later. Pending: an article of it was
    # withdrawn, so that the mail is made again.
    S.DEFERRED: frozenset({S.CLAIMED, S.PENDING, S.BOUNCED, S.SUPPRESSED, S.CANCELLED}),
    # The answer came late, or an operator or the newsletter's policy decided.
    S.IN_DOUBT: frozenset({S.SENT, S.DEFERRED, S.BOUNCED, S.FAILED, S.PENDING, S.SUPPRESSED}),
    S.SENT: frozenset(),
    S.BOUNCED: frozenset({S.PENDING}),
    S.FAILED: frozenset({S.PENDING}),
    S.SUPPRESSED: frozenset(),
    S.CANCELLED: frozenset(),
}


@pytest.fixture(scope="session")
def empty_database(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The empty database of each test, its ledger guarded by triggers."""
    path = tmp_path_factory.mktemp("guarded") / "publisher.db"
    address = copy_test_database(empty_database, path)
    with closing(open_database(address)) as database, database.writing() as connection:
        guard(connection)
    return path


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
