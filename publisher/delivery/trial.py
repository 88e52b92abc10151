"""A test send: one message to one address, by the transport that readers' mail goes by.

Leaves no trace in the ledger, so it may be repeated. Knows no database.
"""

from __future__ import annotations

from publisher.delivery.outcomes import Outcome, SendStatus
from publisher.delivery.transports.base import OutgoingMessage, Transport

# No turn of delivering has this number.
TEST_LEASE = 0


def send_test_message(transport: Transport, outgoing: OutgoingMessage) -> Outcome:
    """Hand over one message; raises Unreachable. Says what became of it."""
    connection = transport.connect(TEST_LEASE, lambda: True)
    try:
        outcome = connection.send(outgoing)
    finally:
        connection.close()
    if outcome.status is SendStatus.ACCEPTED:
        transport.on_committed(TEST_LEASE, [outgoing.key])
    return outcome
