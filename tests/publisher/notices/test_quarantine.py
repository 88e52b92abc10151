"""A quarantine that begins while mails about subscriptions are sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from publisher.delivery.lineage.state import set_lineage
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome
from publisher.delivery.tables import send_lease
from publisher.testing import MemoryTransport
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.notices.people import add_person, enqueue, notify, states


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"server": "the one that failed"}, "it is on another server"),
        ({"quarantined_at": NOW, "quarantine_reason": "it is a test"}, "it is a test"),
    ],
)
def test_mails_that_are_not_reserved_stay_when_a_quarantine_begins_between_two(
    publication: PublicationFolder, changes: dict[str, Any], reason: str
) -> None:
    def begin(_mail: object) -> Outcome:
        with publication.database.writing() as connection:
            set_lineage(connection, **changes)
        return ACCEPTED_OUTCOME

    for number in range(10):
        enqueue(publication, add_person(publication, f"ann{number}@example.org"))
    transport = MemoryTransport(outcomes=begin)
    report = notify(publication, transport)
    # What was reserved before may have left already, as far as the database knows.
    assert report.sent == len(transport.taken) == 4
    assert reason in report.problems[0]
    assert publication.rows(send_lease) == []
    # Nor is any of them given up, however long it takes to decide.
    assert notify(publication, transport, NOW + timedelta(days=2)).problems == report.problems
    assert states(publication) == ["sent"] * 4 + ["pending"] * 6
    assert len(transport.taken) == 4
