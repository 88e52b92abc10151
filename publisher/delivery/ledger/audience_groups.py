"""Count the audience of a newsletter in groups of subscribers who get the same, in one query.

The groups are few enough for Python, where a million subscribers are not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, case

from publisher.database.dialect.sql import json_list, text_after
from publisher.delivery.ledger.audience import IssueAudience, Portion
from publisher.delivery.ledger.received import ReceivedStories
from subscribers import select_audience_groups
from subscribers.tables import preference, subscriber


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceGroup:
    """How many recipients have all of this in common.

    `number` is the id of somebody to whom an issue owes something. `mails` and the others name
    what was got by other issues with the same stories (`ReceivedStories.mails`).
    """

    count: int
    language: str
    domain: str | None = None
    profile: str | None = None
    timezone: str | None = None
    hour: int | None = None
    number: int | None = None
    mails: str | None = None
    former_mails: str | None = None
    pruned_mails: str | None = None

    def portion_of(self, audience: IssueAudience) -> Portion | None:
        """Return what these recipients get of an issue; None if its edition does not serve them."""
        received = audience.received.stories_of(
            self.mails, self.former_mails, self.pruned_mails
        )
        return audience.portion(self.number, (self.language, self.profile), received)


def count_groups(
    connection: Connection,
    newsletter: str,
    audiences: Sequence[IssueAudience],
    now: datetime,
    *,
    by_domain: bool = False,
    by_hour: bool = False,
) -> list[AudienceGroup]:
    """Count all recipients of `newsletter`, whichever edition serves them.

    `audiences` are those of the issues that the groups have to be fine enough for. They differ by
    receiving domain only if `by_domain`, by time zone and hour only if `by_hour`.
    """
    owed = sorted({number for one in audiences for number in one.owed})
    columns: dict[str, ColumnElement[Any]] = {
        # What differs most comes first: the database sorts by it.
        **({"domain": text_after(subscriber.c.email, "@")} if by_domain else {}),
        "language": subscriber.c.language,
        "profile": preference.c.profile,
        **_received(audiences, now),
    }
    if by_hour:
        columns |= {"timezone": subscriber.c.timezone, "hour": preference.c.hour}
    if owed:
        is_owed = subscriber.c.id.in_(json_list("owed", Integer()))
        columns["number"] = case((is_owed, subscriber.c.id))
    query = select_audience_groups(newsletter, columns, now)
    rows = connection.execute(query, {"owed": json.dumps(owed)} if owed else {})
    return [AudienceGroup(**row) for row in rows.mappings()]


def _received(
    audiences: Sequence[IssueAudience], now: datetime
) -> dict[str, ColumnElement[Any]]:
    issues = sorted({number for one in audiences for number in one.received.issues})
    if not issues:
        return {}
    pruned = sorted({number for one in audiences for number in one.received.pruned})
    # The opening of a ledger suppresses mails that wait and are not wanted any more.
    received = ReceivedStories(issues, {}, {}, wanted_at=now, pruned=pruned)
    names = ("mails", "former_mails", "pruned_mails")
    return dict(zip(names, received.mails(subscriber.c.id), strict=False))
