"""One message to one address, past the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome, SendStatus
from publisher.delivery.transports.base import TEST_LEASE, Unreachable, send_test_message
from publisher.delivery.transports.outbox import OutboxTransport
from publisher.testing import MemoryTransport
from tests.publisher.delivery.transports.parcels import a_parcel, tree

REFUSED = Outcome(SendStatus.REFUSED, "there is no such mailbox")


def test_a_message_is_handed_over_and_kept() -> None:
    transport, outgoing = MemoryTransport(), a_parcel()
    assert send_test_message(transport, outgoing) == ACCEPTED_OUTCOME
    assert transport.taken == [outgoing]
    assert transport.settled == [outgoing.key]
    assert (transport.opened, transport.at_once) == (1, 0)


@pytest.mark.parametrize("status", [v for v in SendStatus if v is not SendStatus.ACCEPTED])
def test_what_was_not_accepted_is_not_kept_and_said(status: SendStatus) -> None:
    outcome = Outcome(status, "for a reason")
    transport = MemoryTransport(outcomes=lambda _outgoing: outcome)
    assert send_test_message(transport, a_parcel()) == outcome
    assert transport.settled == []
    assert transport.at_once == 0


def test_who_is_out_of_reach_is_said_and_no_connection_is_left_open() -> None:
    transport = MemoryTransport(fail_after=0)
    with pytest.raises(Unreachable, match="took 0 messages"):
        send_test_message(transport, a_parcel())

    def broken(_outgoing: object) -> Outcome:
        raise Unreachable("the server takes nothing from us", is_final=True)

    transport = MemoryTransport(outcomes=broken)
    with pytest.raises(Unreachable, match="takes nothing"):
        send_test_message(transport, a_parcel())
    assert (transport.opened, transport.at_once) == (1, 0)


def test_in_an_outbox_it_lies_where_it_belongs_and_may_be_done_again(tmp_path: Path) -> None:
    outgoing = a_parcel(reader=0, issue=0, folder="weekly/en/test", name="trial")
    for _time in range(2):
        assert send_test_message(OutboxTransport(tmp_path), outgoing) == ACCEPTED_OUTCOME
        assert tree(tmp_path) == {"weekly/en/test/trial.eml": outgoing.message.content}


def test_it_is_nobody_s_turn_so_what_it_leaves_is_never_taken_for_a_sender_s(
    tmp_path: Path,
) -> None:
    outbox = OutboxTransport(tmp_path)
    connection = outbox.connect(TEST_LEASE, lambda: True)
    connection.send(a_parcel(reader=0, issue=0))
    connection.close()
    assert outbox.leftovers() == [TEST_LEASE]
