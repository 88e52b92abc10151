"""Count why mails of issues were not sent, over a limited number of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import Connection

from publisher.delivery.ledger.reports import CauseCounts, count_causes
from publisher.delivery.states import FAILURE_STATES

# Rows that are read for all issues together; takes about 50 milliseconds.
_MAX_ROWS_READ = 10_000


def failure_causes(
    connection: Connection, deliveries: Mapping[int, Counter[str]]
) -> dict[int, CauseCounts]:
    """Return the counts of causes for each issue with bounced, deferred or failed mail.

    `deliveries` is the number of deliveries by state of each issue, by its id.
    """
    troubled = {
        number: states
        for number, count in deliveries.items()
        if (states := [state for state in FAILURE_STATES if count[state]])
    }
    # An equal share each, so that a million rows of one issue do not hide another's few.
    most = _MAX_ROWS_READ // max(1, sum(map(len, troubled.values())))
    return {
        number: count_causes(connection, number, states, most)
        for number, states in troubled.items()
    }
