"""Which subscribers get a row, and its first state."""

from __future__ import annotations

import pytest

from publisher.delivery.ledger.opening import open_ledger
from subscribers import SubscriberStatus, suppress, unsubscribe
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import ANN, BOB, CYD, OpenLedger
from tests.publisher.delivery.mailing import Interrupted, counts, ready, subscribe


def test_the_ledger_is_opened_once_for_the_whole_audience(
    publication: PublicationFolder,
) -> None:
    subscribe(publication, (ANN, "en"), (BOB, "en"), (CYD, "en"))
    issue = ready(publication)
    with publication.database.writing() as connection:
        assert open_ledger(connection, publication.settings, issue, NOW) == 3
        assert open_ledger(connection, publication.settings, issue, NOW) == 0
    assert counts(publication, issue) == {"pending": 3}


def test_only_subscribers_of_the_served_languages_get_a_row(
    publication: PublicationFolder,
) -> None:
    subscribe(publication, (ANN, "en"), (BOB, "ar"), (CYD, "en-GB"))
    issue = ready(publication)
    with publication.database.writing() as connection:
        assert open_ledger(connection, publication.settings, issue, NOW) == 2


def test_unsubscribed_and_dead_addresses_get_no_row(publication: PublicationFolder) -> None:
    subscribe(publication, (ANN, "en"), (BOB, "en"), (CYD, "en"))
    issue = ready(publication)
    with publication.database.writing() as connection:
        unsubscribe(connection, ANN, "weekly", NOW)
        suppress(connection, BOB, SubscriberStatus.BOUNCED, NOW)
        assert open_ledger(connection, publication.settings, issue, NOW) == 1


def test_a_new_row_is_due_and_not_attempted(ledger: OpenLedger) -> None:
    row = ledger.rows[ANN]
    assert (row.state, row.epoch, row.lease_id, row.reason) == ("pending", 0, None, None)
    assert (row.attempts, row.tried_at) == (0, None)
    assert row.due_at == row.next_at == row.changed_at == NOW


def test_an_interrupted_opening_leaves_no_rows(publication: PublicationFolder) -> None:
    subscribe(publication, (ANN, "en"))
    issue = ready(publication)

    def cut_off() -> None:
        with publication.database.writing() as connection:
            assert open_ledger(connection, publication.settings, issue, NOW) == 1
            raise Interrupted

    with pytest.raises(Interrupted):
        cut_off()
    assert counts(publication, issue) == {}
