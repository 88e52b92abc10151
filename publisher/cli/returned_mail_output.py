"""Reports about a subscriber's mail as a table, JSON and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.cli.common import format_local, make_table, rfc3339_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from publisher.app.returned_mail import ReturnedMail
    from publisher.app.subscribers import ConsentChange

# How many reports are shown, the latest.
_REPORTS_SHOWN = 10


def returned_mail_json(returned: ReturnedMail) -> dict[str, object]:
    """Return the reports about a subscriber's mail, as `find --json` prints them."""
    return {
        "score": returned.score.points,
        "reports": [
            {
                "at": rfc3339_or_none(one.at),
                "kind": one.kind.value,
                "cause": one.cause,
                "status": one.status,
                "words": one.diagnostic,
                "source": one.source,
                "evidence": one.evidence,
            }
            for one in returned.events
        ],
    }


def returned_mail_table(returned: ReturnedMail) -> Iterator[Table]:
    """Yield the latest reports about a subscriber's mail, if there are any."""
    table = make_table("Report", "Kind", "Cause", "Status", "Words", "Found by")
    for one in returned.events[-_REPORTS_SHOWN:]:
        cause, found_by = one.cause or "", one.evidence or ""
        row = (format_local(one.at), one.kind, cause, one.status, one.diagnostic, found_by)
        table.add_row(*row)
    if table.rows:
        table.caption = f"score {returned.score.points}"
        yield table


def revived_sentence(change: ConsentChange) -> str:
    """Return what a revival has changed."""
    if change.changed:
        return f"{change.after.address} is written to again"
    return f"{change.after.address} is {change.after.status}; nothing changed"
