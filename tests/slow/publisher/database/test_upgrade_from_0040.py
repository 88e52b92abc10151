"""A publication of the schema before editors could change issues: its issues in every state, upgraded.

The rows of `rows_0040.json` were written by the program of that time, which had 30 subscribers and a
newsletter for each state; the words of its digests are shortened.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Date, MetaData, insert, select

from publisher.accounts.actor import terminal_actor
from publisher.app.issue_control import resume_sending
from publisher.database import open_database
from publisher.issues.tables import issue_table
from publisher.testing import MemoryTransport
from tests.databases import new_database, reset_ids
from tests.publisher.app.approving import state_of_editors
from tests.publisher.conftest import PublicationFolder
from tests.publisher.database.test_migrations import made_at
from tests.publisher.printing import pipeline_of

OLD: dict[str, list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("rows_0040.json").read_text("utf-8")
)
# When the newsletters of the states that are left were due. The last cycle was before.
HOURS = {"ready": 9, "assembling": 10, "scheduled": 11}
NOW = datetime(2026, 1, 9, 12, tzinfo=UTC)
NAMES = [row["newsletter"] for row in OLD["issue"]]


def newsletter(name: str) -> dict[str, Any]:
    skipped = {"skip_dates": ["2026-01-09"]} if name == "skipped" else {}
    terms = {"schedule": f"0 {HOURS.get(name, 8)} * * FRI", "timezone": "UTC"}
    return {"name": name, "title": {"en": name.title()}} | terms | skipped


def insert_rows(connection: Connection) -> None:
    tables = MetaData()
    tables.reflect(connection)
    for table in tables.sorted_tables:
        days = [column.name for column in table.columns if isinstance(column.type, Date)]
        for row in OLD.get(table.name, []):
            values = row | {name: date.fromisoformat(row[name]) for name in days}
            connection.execute(insert(table).values(values))
    reset_ids(connection)


def rows_of(connection: Connection, table: str, columns: list[str]) -> list[dict[str, Any]]:
    """Return rows as they are in the file."""
    found = MetaData()
    found.reflect(connection, only=[table])
    query = select(*(found.tables[table].c[name] for name in columns))
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return [json.loads(json.dumps(row, default=str)) for row in rows]


@pytest.fixture
def upgraded(
    new_publication: Callable[..., PublicationFolder],
) -> Iterator[PublicationFolder]:
    made = new_publication(languages=["en"], newsletters=[newsletter(name) for name in NAMES])
    made.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    made.write("en/gales.md", "The gales blow.", title="Gales", date="2026-01-06")
    address = new_database(made.settings.folders.root / "old.db")
    with made_at("0040", address) as connection:
        insert_rows(connection)
    with closing(open_database(address)) as database:
        yield PublicationFolder(made.settings, database).at(NOW)


def cycle(publication: PublicationFolder, at: datetime) -> Counter[str]:
    """Run a cycle, and return how many mails somebody got."""
    transport = MemoryTransport()
    report = pipeline_of(publication.at(at), transport).run()
    assert report.problems == []
    return Counter(one.recipient.partition("@")[0] for one in transport.taken)


def everybody(*newsletters: str, names: Iterable[str] = ("ann", "bob", "cyd")) -> Counter[str]:
    return Counter(f"{name}-{one}" for one in newsletters for name in names)


def states(publication: PublicationFolder) -> dict[str, str]:
    return {row["newsletter"]: row["state"] for row in publication.rows(issue_table)}


def test_an_upgrade_keeps_every_row_and_issues_may_be_sent_when_they_are_due(
    upgraded: PublicationFolder,
) -> None:
    assert {row["state"] for row in OLD["issue"]} == {*NAMES}
    with upgraded.database.reading() as connection:
        for table, rows in OLD.items():
            found = rows_of(connection, table, [*rows[0]])
            assert sorted(found, key=repr) == sorted(rows, key=repr), table
    for row in upgraded.rows(issue_table):
        assert (row["send_at"], row["kind"], row["revision"]) == (row["due_at"], "regular", 0)


def test_after_an_upgrade_every_issue_goes_on_where_it_was(upgraded: PublicationFolder) -> None:
    rest = ("bob", "cyd")
    assert cycle(upgraded, NOW) == everybody(*HOURS) + everybody("sending", names=rest)
    sent = dict.fromkeys([*HOURS, "sending"], "sent")
    assert states(upgraded) == {name: name for name in NAMES} | sent
    with upgraded.database.reading() as connection:
        found = rows_of(connection, "digest", ["issue_id", "html"])
    frozen = {row["issue_id"]: row["html"] for row in found}
    assert frozen.items() >= {(row["issue_id"], row["html"]) for row in OLD["digest"]}
    later = NOW + timedelta(hours=1)
    resume_sending(
        state_of_editors(upgraded.at(later)), terminal_actor(), "paused-en-2026-01-09"
    )
    assert cycle(upgraded, later) == everybody("paused", names=rest)
    assert cycle(upgraded, later + timedelta(hours=1)) == Counter()
    assert states(upgraded) == {name: name for name in NAMES} | sent | {"paused": "sent"}
