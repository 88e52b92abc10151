"""A test send: one message to one address, by the transport that readers' mail goes by.

Leaves no trace in the ledger, so it may be repeated. Knows no database.
"""

from __future__ import annotations

from publisher.delivery.outcomes import Outcome, Verdict
from publisher.delivery.transports.base import Parcel, Transport

# No turn of delivering has this number.
NOBODY = 0


def try_out(transport: Transport, parcel: Parcel) -> Outcome:
    """Hand over one message; raises Unreachable. Says what became of it."""
    connection = transport.connect(NOBODY, lambda: True)
    try:
        outcome = connection.send(parcel)
    finally:
        connection.close()
    if outcome.verdict is Verdict.ACCEPTED:
        transport.kept(NOBODY, [parcel.key])
    return outcome
