"""One message to one address, past the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome, SendStatus
from publisher.delivery.transports.base import Unreachable, send_test_message
from publisher.delivery.transports.outbox import OutboxTransport
from publisher.testing import MemoryTransport
from tests.publisher.delivery.transports.messages import a_message, tree

REFUSED = Outcome(SendStatus.REFUSED, "there is no such mailbox")


def test_a_test_message_is_sent_and_committed() -> None:
    transport, outgoing = MemoryTransport(), a_message()
    assert send_test_message(transport, outgoing) == ACCEPTED_OUTCOME
    assert transport.taken == [outgoing]
    assert transport.settled == [outgoing.key]
    assert (transport.opened, transport.at_once) == (1, 0)


def test_an_unreachable_server_is_reported_and_no_connection_stays_open() -> None:
    transport = MemoryTransport(fail_after=0)
    with pytest.raises(Unreachable, match="took 0 messages"):
        send_test_message(transport, a_message())

    def broken(_outgoing: object) -> Outcome:
        raise Unreachable("the server takes nothing from us", is_final=True)

    transport = MemoryTransport(outcomes=broken)
    with pytest.raises(Unreachable, match="takes nothing"):
        send_test_message(transport, a_message())
    assert (transport.opened, transport.at_once) == (1, 0)


def test_a_test_message_to_an_outbox_is_placed_and_may_be_repeated(tmp_path: Path) -> None:
    outgoing = a_message(recipient=0, issue=0, day=None, name="trial")
    for _time in range(2):
        assert send_test_message(OutboxTransport(tmp_path), outgoing) == ACCEPTED_OUTCOME
        assert tree(tmp_path) == {"weekly/en/test/trial.eml": outgoing.message.content}
