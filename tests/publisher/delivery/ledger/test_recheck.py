"""The last look before a message leaves sees what is committed, from any thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from publisher.clock import FixedClock
from publisher.database import Database, open_database
from publisher.database.dialect import open_backend
from publisher.delivery.ledger.claims import Claim, LedgerRecheck
from publisher.errors import DatabaseError
from subscribers import Cadence, SubscriberStatus, pause_subscriber, suppress, unsubscribe
from tests.publisher.conftest import NOW
from tests.publisher.delivery.ledger.open_ledgers import ANN, OpenLedger
from tests.publisher.delivery.mailing import choose_cadence, erase


@pytest.fixture
def looker(ledger: OpenLedger) -> Iterator[LedgerRecheck]:
    with closing(LedgerRecheck(ledger.publication.database, FixedClock(NOW))) as looker:
        yield looker


@pytest.fixture
def claim(ledger: OpenLedger) -> Claim:
    return ledger.begin(1)[0]


def test_a_subscriber_still_wants_the_mail(looker: LedgerRecheck, claim: Claim) -> None:
    assert looker(claim) is True
    assert looker(claim) is True


@pytest.mark.parametrize("how", ["left", "dead", "erased", "paused", "weekly"])
def test_a_subscriber_who_left_after_the_reservation_does_not(
    ledger: OpenLedger, looker: LedgerRecheck, claim: Claim, how: str
) -> None:
    assert looker(claim) is True
    with ledger.writing() as connection:
        if how == "left":
            unsubscribe(connection, ANN, "weekly", NOW)
        elif how == "dead":
            suppress(connection, ANN, SubscriberStatus.COMPLAINED, NOW)
        elif how == "paused":
            pause_subscriber(connection, claim.recipient.id, NOW + timedelta(days=1), NOW)
        elif how == "weekly":
            choose_cadence(connection, claim.recipient.id, Cadence.WEEKLY)
    if how == "erased":
        erase(ledger.publication.database, ANN)
    assert looker(claim) is False


def test_a_change_counts_from_its_commit(
    ledger: OpenLedger, looker: LedgerRecheck, claim: Claim
) -> None:
    with ledger.writing() as connection:
        unsubscribe(connection, ANN, "weekly", NOW)
        assert looker(claim) is True
    assert looker(claim) is False


def test_a_stopped_issue_is_not_sent(
    ledger: OpenLedger, looker: LedgerRecheck, claim: Claim
) -> None:
    ledger.pause()
    assert looker(claim) is None
    ledger.resume()
    assert looker(claim) is True
    ledger.cancel()
    assert looker(claim) is None


def test_one_thread_checks_and_another_closes(looker: LedgerRecheck, claim: Claim) -> None:
    seen: list[bool | None] = []
    thread = threading.Thread(target=lambda: seen.append(looker(claim)))
    thread.start()
    thread.join()
    assert seen == [True]
    looker.close()
    looker.close()


@pytest.mark.sqlite("its log")
def test_a_check_does_not_block_checkpoints(
    ledger: OpenLedger, looker: LedgerRecheck, claim: Claim
) -> None:
    # A look that kept its snapshot would keep the log from ever being emptied.
    assert looker(claim) is True
    ledger.claim()
    with ledger.publication.database.reading() as connection:
        found = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    assert tuple(found) == (0, 0, 0)


@pytest.mark.sqlite("the file")
def test_an_unreadable_database_is_named(tmp_path: Path, claim: Claim) -> None:
    path = tmp_path / "none.db"
    database = Database(open_backend(path, "full"))
    with (
        closing(LedgerRecheck(database, FixedClock(NOW))) as looker,
        pytest.raises(DatabaseError, match=str(path)),
    ):
        looker(claim)
    assert not path.exists()


@pytest.mark.sqlite("the file's name")
@pytest.mark.parametrize("name", ["a b", "50%", "what?", "#1", "灯笼"])
def test_any_folder_name_may_hold_the_database(
    ledger: OpenLedger, claim: Claim, name: str
) -> None:
    # Looked at through a URI, where some letters mean something.
    path = ledger.publication.settings.folders.var / name / "publisher.db"
    with closing(open_database(path)) as database:
        looker = LedgerRecheck(database, FixedClock(NOW))
        assert looker(claim) is None
        looker.close()
