"""Requests to subscribe and the proof of consent, as a table and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.cli.common import format_local, make_table, rfc3339_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from subscribers import ConsentRecord, JoinRequest


def request_json(one: JoinRequest) -> dict[str, object]:
    """Return a request to subscribe as `find --json` prints it."""
    instants = ("requested_at", "expires_at", "reminded_at", "confirmed_at", "cancelled_at")
    return {"newsletters": list(one.wish.newsletters), "language": one.wish.language} | {
        name: rfc3339_or_none(getattr(one, name)) for name in instants
    }


def consent_json(one: ConsentRecord) -> dict[str, object]:
    """Return a record of consent as `find --json` prints it."""
    texts = ("page", "network", "message_id")
    return {
        "at": rfc3339_or_none(one.at),
        "event": one.event.value,
        "source": one.source.value,
        "newsletters": list(one.wish.newsletters),
        "language": one.wish.language,
        "wording": one.wording_digest,
    } | {name: getattr(one, name) for name in texts}


def consent_table(records: Sequence[ConsentRecord]) -> Table:
    """Return the records of consent of a subscriber."""
    table = make_table("When", "Event", "By", "Newsletters", "Wording", "Page", "From", "Mail")
    for one in records:
        wording = (one.wording_digest or "")[:12]
        names = " ".join(one.wish.newsletters)
        where = (wording, one.page, one.network, one.message_id)
        table.add_row(format_local(one.at), one.event, one.source, names, *where)
    return table
