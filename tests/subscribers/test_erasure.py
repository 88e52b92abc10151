from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from subscribers.changes import unsubscribe
from subscribers.erasure import erase, erased_at
from subscribers.errors import BadRow, UnknownSubscriberError
from subscribers.import_report import ImportReport
from subscribers.reasons import RowReason
from subscribers.store import find_subscriber
from subscribers.tables import erased_address, subscribers_metadata
from tests.subscribers.conftest import LATER, NOW, PUBLICATION, a_subscriber, add
from tests.subscribers.importing import import_csv

if TYPE_CHECKING:
    from sqlalchemy import Connection

ANN = "Ann@example.org"


def digest(identity: str) -> str:
    return hashlib.sha256(b"a key" + identity.encode()).hexdigest()


def other_digest(identity: str) -> str:
    return hashlib.sha256(b"another key" + identity.encode()).hexdigest()


def imported(connection: Connection, *emails: str, returned: str = "") -> ImportReport:
    return import_csv(
        connection,
        ["email\n", *(f"{email}\n" for email in emails)],
        digest=digest,
        returned=[returned],
        now=LATER,
        **PUBLICATION,
    )


def test_erasing_leaves_nothing_but_a_hash(connection: Connection) -> None:
    add(connection, a_subscriber(ANN))
    unsubscribe(connection, ANN, None, NOW, note="she asked")
    erase(connection, "ann@EXAMPLE.org", digest, NOW)
    for table in subscribers_metadata.tables.values():
        rows = connection.execute(select(table)).all()
        assert table is erased_address or rows == []
        assert "ann" not in str(rows).lower()
    assert erased_at(connection, ANN, digest) == NOW


def test_only_the_same_key_recognises_an_erased_address(connection: Connection) -> None:
    add(connection, a_subscriber(ANN))
    erase(connection, ANN, digest, NOW)
    assert erased_at(connection, ANN, other_digest) is None
    assert erased_at(connection, "bob@example.org", digest) is None


def test_erasing_somebody_who_is_not_on_record_is_an_error(connection: Connection) -> None:
    with pytest.raises(UnknownSubscriberError):
        erase(connection, ANN, digest, NOW)


def test_an_import_does_not_bring_an_erased_address_back(connection: Connection) -> None:
    add(connection, a_subscriber(ANN))
    erase(connection, ANN, digest, NOW)
    report = imported(connection, "bob@example.org", "ANN@example.org")
    assert (report.added, report.refused) == (1, 1)
    reason = RowReason("was erased on 2026-01-09; only the subscriber can come back")
    assert report.bad == [BadRow(3, "email", reason)]
    assert find_subscriber(connection, ANN) is None


def test_somebody_who_asked_to_come_back_is_imported_and_can_be_erased_again(
    connection: Connection,
) -> None:
    add(connection, a_subscriber(ANN), a_subscriber("bob@example.org"))
    erase(connection, ANN, digest, NOW)
    erase(connection, "bob@example.org", digest, NOW)
    report = imported(connection, ANN, "bob@example.org", returned="ann@example.org")
    assert (report.added, report.refused) == (1, 1)
    assert erased_at(connection, ANN, digest) is None
    erase(connection, ANN, digest, LATER)
    assert erased_at(connection, ANN, digest) == LATER
    assert connection.execute(select(func.count()).select_from(erased_address)).scalar() == 2


def test_without_erased_addresses_an_import_makes_no_hashes(connection: Connection) -> None:
    hashed: list[str] = []

    def noted(identity: str) -> str:
        hashed.append(identity)
        return digest(identity)

    import_csv(connection, ["email\n", f"{ANN}\n"], digest=noted, now=LATER, **PUBLICATION)
    assert hashed == []
