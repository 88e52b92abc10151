"""Each migration keeps the rows of the schema before it, and a program that runs goes on meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Date, bindparam, inspect, select, text

from publisher.app.personal_tables import OTHER_TABLES, PERSONAL_TABLES
from publisher.build_cache import build_cache
from publisher.database import open_database
from publisher.database.dialect import open_backend
from publisher.database.migrations.versions import v0015_causes
from publisher.delivery.causes import CAUSES, explain_delivery
from publisher.delivery.ledger import leases
from publisher.delivery.lineage.state import read_lineage
from publisher.delivery.tables import delivery
from publisher.errors import DatabaseError
from publisher.ingest import item_state
from publisher.ingest.quarantine import quarantined_items
from publisher.ingest.tables import script_conversion_due, script_conversion_language
from publisher.issues import digests
from publisher.issues import store as issues
from publisher.testing import MemoryTransport
from subscribers import (
    ErasureReason,
    Preferences,
    find_subscriber,
    load_history,
    load_preferences,
    load_recipients,
    unsubscribe,
)
from subscribers.erasure import erased_among
from tests.databases import migrate, new_database
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of


@contextmanager
def made_at(revision: str, address: Path | str) -> Iterator[Connection]:
    """Make a database as a migration left it, and write to it."""
    with closing(open_backend(address, "full")) as backend:
        migrate(backend, revision)
        with backend.engine.connect() as connection, backend.begin(connection, writes=True):
            yield connection


def test_a_lease_from_before_hosts_were_recorded_stays(tmp_path: Path) -> None:
    address = new_database(tmp_path / "publisher.db")
    with made_at("0010", address) as connection:
        connection.execute(
            text(
                "INSERT INTO send_lease (expires_at, transport, guarantee, lock_file)"
                " VALUES (9.5, 'smtp', 'ambiguous', 'x.lock')"
            )
        )
    with closing(open_database(address)) as database, database.writing() as connection:
        (lease,) = leases.list_leases(connection)
        assert lease == leases.SendLease(1, 9.5, "smtp", "ambiguous", "x.lock", "")
        leases.create_lease(connection, "smtp", "ambiguous", "y.lock", 9.5)
        assert 1 in {one.id for one in leases.list_leases(connection)}


def test_only_a_database_without_a_cycle_is_given_the_time_at_which_it_was_made(
    tmp_path: Path,
) -> None:
    for is_used in (False, True):
        address = new_database(tmp_path / f"{is_used}.db")
        with made_at("0065", address) as connection:
            if is_used:
                row = "INSERT INTO edition (newsletter, language, planned_until) VALUES ('w', 'en', :at)"
                connection.execute(text(row), {"at": "2026-01-09T12:00:00.000000Z"})
        with closing(open_database(address)) as database, database.reading() as connection:
            found = read_lineage(connection)
        assert found is not None
        assert (found.made_at is None) is is_used


def test_a_subscriber_from_before_events_has_an_empty_history(tmp_path: Path) -> None:
    address = new_database(tmp_path / "publisher.db")
    with made_at("0011", address) as connection:
        connection.execute(
            text(
                "INSERT INTO subscriber (email, address, language, status, created_at, updated_at)"
                " VALUES ('ann@example.org', 'Ann@example.org', 'en', 'active', :then, :then)"
            ),
            {"then": "2026-01-09T12:00:00Z"},
        )
        connection.execute(
            text("INSERT INTO subscription VALUES (1, 'weekly', 'active', NULL, 'import')")
        )
    with closing(open_database(address)) as database, database.writing() as connection:
        before = load_history(connection, 1)
        assert (before.created_at, before.events) == (NOW, ())
        assert [one.newsletter for one in before.subscriptions] == ["weekly"]
        assert unsubscribe(connection, "ann@example.org", None, NOW)
        after = load_history(connection, 1)
        assert [one.newsletter for one in after.events] == [None, "weekly"]
        person = find_subscriber(connection, "ann@example.org")
        assert person is not None
        assert person.declined == ("weekly",)


@pytest.mark.parametrize(
    ("state", "languages", "due"),
    [
        ("zh-Hans zh-Hant by OpenCC 1\n1 2", ["zh-Hans", "zh-Hant"], [1, 2]),
        (" by OpenCC 1\n", [], []),
        # Without settings all stories were due: languages with conversions are, by no converter.
        ("\n", ["zh-Hant"], []),
        (None, ["zh-Hant"], []),
    ],
)
def test_sources_from_before_names_are_folders_named_by_their_paths(
    tmp_path: Path, state: str | None, languages: list[str], due: list[int]
) -> None:
    address = new_database(tmp_path / "publisher.db")
    with made_at("0012", address) as connection:
        for number in (1, 2):
            connection.execute(
                text("INSERT INTO story VALUES (:id, :key, :key)"),
                {"id": number, "key": f"s{number}"},
            )
        connection.execute(
            text(
                "INSERT INTO article VALUES (1, 1, 'zh-Hant', 'converted', 'ready', 'ready', 'T',"
                " '', '', '', '[]', '[]', NULL, '[]', NULL, NULL, '[]', '2026-01-08', :then, :then,"
                " :then, 'hash', NULL, NULL, '[]', NULL)"
            ),
            {"then": "2026-01-09T12:00:00Z"},
        )
        files = (
            "('articles', 'a.md', 'seen', 'hash', 1, NULL, '[\"a.png\"]'),"
            "('texts', 'b.md', '', '', NULL, 'bad', '[]')"
        )
        connection.execute(text(f"INSERT INTO source_file VALUES {files}"))
        connection.execute(text("INSERT INTO source_state VALUES ('articles', 'print')"))
        if state is not None:
            connection.execute(
                text("INSERT INTO source_state VALUES ('', :state)"), {"state": state}
            )
    with closing(open_database(address)) as database, database.reading() as connection:
        assert item_state.stored_sources(connection) == {
            "articles": "folder",
            "texts": "folder",
        }
        known = item_state.source_state(connection, "articles")
        assert known == item_state.SourceState("folder", "print", "")
        assert item_state.source_state(connection, "texts") == item_state.SourceState("folder")
        assert item_state.known_items(connection, "articles") == {
            "a.md": item_state.KnownItem("seen", "hash", 1, None, ("a.png",))
        }
        assert quarantined_items(connection) == [("b.md", "bad")]
        stored = connection.scalars(select(script_conversion_language.c.language)).all()
        assert stored == languages
        assert connection.scalars(select(script_conversion_due.c.story_id)).all() == due


def test_warnings_leave_the_hashes_of_written_files(tmp_path: Path) -> None:
    address = new_database(tmp_path / "publisher.db")
    with made_at("0013", address) as connection:
        rows = "('lists', 'hash'), ('no catalogue/de', 'warned')"
        connection.execute(text(f"INSERT INTO build_cache VALUES {rows}"))
    with closing(open_database(address)) as database, database.reading() as connection:
        assert connection.execute(select(build_cache)).all() == [("lists", "hash")]


# Sentences as versions before 0015 wrote them, and what they are shown as now.
OLD_REASONS = {
    None: (None, None, None),
    "no longer subscribed": ("unsubscribed", None, "no longer subscribed"),
    "the connection is closed": ("connection-closed", None, "the connection was closed"),
    "the server broke off the connection": (
        *("connection-lost", "broke off the connection"),
        "the server broke off the connection",
    ),
    "all of it was sent, but the server was silent for 600 s": (
        *("unanswered", "was silent for 600 s"),
        "all of it was sent, but the server was silent for 600 s",
    ),
    "no message can be written: the address is 'a b@c'": (
        *("unsendable", "the address is 'a b@c'"),
        "no message can be written: the address is 'a b@c'",
    ),
    "/outbox/weekly: can't be written: Permission denied": (
        *("folder", "/outbox/weekly: can't be written: Permission denied"),
        "/outbox/weekly: can't be written: Permission denied",
    ),
    "given up after 48 hours: the mailbox is full (452 4.2.2: no room)": (
        *("full", "452 4.2.2: no room", "the mailbox is full (452 4.2.2: no room)"),
    ),
    "given up after 1 hour: the server is a teapot (418)": (
        *("unknown", "the server is a teapot (418)", "the server is a teapot (418)"),
    ),
    "the server is a teapot (418)": (
        *("unknown", "the server is a teapot (418)", "the server is a teapot (418)"),
    ),
    "the server asks new senders to try again later (greylisting)": (
        *("greylisted", None),
        "the server asks new senders to try again later (greylisting)",
    ),
}


def test_sentences_of_old_deliveries_become_keys_and_words(tmp_path: Path) -> None:
    reasons = OLD_REASONS | {
        f"{sentence} (550 5.0.0: “no” (at all))": (
            *(key, "550 5.0.0: “no” (at all)"),
            f"{sentence} (550 5.0.0: “no” (at all))",
        )
        for key, sentence in v0015_causes.BOUNCES
    }
    reasons |= {sentence: (key, None, sentence) for key, sentence in v0015_causes.BOUNCES}
    address = new_database(tmp_path / "publisher.db")
    with made_at("0013", address) as connection:
        _insert_deliveries(connection, [*reasons])
    with closing(open_database(address)) as database, database.reading() as connection:
        rows = connection.execute(select(delivery).order_by(delivery.c.subscriber_id)).all()
    found = [
        (row.reason_key, row.reason, explain_delivery(row.state, row.reason_key, row.reason))
        for row in rows
    ]
    assert found == [*reasons.values()]
    assert {key for key, *_ in found if key} <= CAUSES.keys()


def _insert_deliveries(connection: Connection, reasons: list[str | None]) -> None:
    then = "2026-01-09T12:00:00Z"
    connection.execute(
        text(
            "INSERT INTO issue (id, newsletter, language, day, due_at, state)"
            " VALUES (1, 'weekly', 'en', '2026-01-09', :then, 'sending')"
        ),
        {"then": then},
    )
    connection.execute(
        text(
            "INSERT INTO delivery"
            " (issue_id, subscriber_id, state, due_at, next_at, changed_at, reason)"
            " VALUES (1, :number, 'bounced', :then, :then, :then, :reason)"
        ),
        [
            {"number": number, "then": then, "reason": reason}
            for number, reason in enumerate(reasons, 1)
        ],
    )


# The state, the sentence of versions before 0016, and its key now.
OLD_ISSUES = [
    ("skipped", "one of the newsletter's skip_dates", "skip-date"),
    ("skipped", "3 days late, and late = skip", "late"),
    ("skipped", "5 days late, more than max_lateness (2 days)", "late"),
    ("skipped", "merged into 2026-01-09", "merged"),
    ("skipped", "no new articles (5 older than 30 days)", "no-articles"),
    ("skipped", "no longer in publication.toml", "edition-removed"),
    ("cancelled", "no longer in publication.toml", "edition-removed"),
    ("cancelled", "a mistake in it", "cancelled"),
    ("paused", "127.0.0.1:25: takes nothing from us: the server requires TLS", "refused"),
    ("paused", "by hand", "paused"),
    ("sending", "waiting: smtp: 12 an hour", "rate-limit"),
    ("sending", "waiting: 127.0.0.1:25: no server listens there", "unreachable"),
    ("assembling", "an error that was shown", "not-made"),
    ("sent", None, None),
]


def test_the_reason_of_an_issue_from_before_keys_gets_one(tmp_path: Path) -> None:
    address = new_database(tmp_path / "publisher.db")
    with made_at("0015", address) as connection:
        connection.execute(
            text(
                "INSERT INTO issue (newsletter, language, day, due_at, state, reason)"
                " VALUES ('weekly', 'en', :day, :then, :state, :reason)"
            ).bindparams(bindparam("day", type_=Date)),
            [
                {
                    "day": date(2026, 1, number),
                    "then": f"2026-01-{number:02}T08:00:00Z",
                    "state": state,
                    "reason": reason,
                }
                for number, (state, reason, _key) in enumerate(OLD_ISSUES, 1)
            ],
        )
    with closing(open_database(address)) as database, database.reading() as connection:
        found = issues.latest_issues(connection, 99)
        rows = [(one.state, one.reason, one.reason_key) for one in found]
        assert [*reversed(rows)] == OLD_ISSUES


def test_an_issue_that_was_partial_for_its_bounces_alone_is_sent(tmp_path: Path) -> None:
    address = new_database(tmp_path / "publisher.db")
    ends = [("bounced",), ("bounced", "in_doubt"), ()]
    with made_at("0068", address) as connection:
        for number, states in enumerate(ends, 1):
            given = {"id": number, "day": date(2026, 1, number), "then": "2026-01-01T08:00:00Z"}
            connection.execute(
                text(
                    "INSERT INTO issue (id, newsletter, language, day, due_at, state)"
                    " VALUES (:id, 'weekly', 'en', :day, :then, 'partial')"
                ).bindparams(bindparam("day", type_=Date)),
                given,
            )
            for state in states:
                connection.execute(
                    text("INSERT INTO delivery_count VALUES (:id, :state, 1)"),
                    {"id": number, "state": state},
                )
    with closing(open_database(address)) as database, database.reading() as connection:
        found = issues.latest_issues(connection, 9)
    assert {one.id: one.state for one in found} == {1: "sent", 2: "partial", 3: "partial"}


def test_a_subscriber_from_before_preferences_has_the_defaults(tmp_path: Path) -> None:
    address = new_database(tmp_path / "publisher.db")
    with made_at("0016", address) as connection:
        connection.execute(
            text(
                "INSERT INTO subscriber"
                " (id, email, address, language, status, created_at, updated_at) VALUES"
                " (7, 'ann@example.org', 'ann@example.org', 'en', 'active', :then, :then)"
            ),
            {"then": "2026-01-09T08:00:00Z"},
        )
    with closing(open_database(address)) as database, database.reading() as connection:
        assert load_preferences(connection, 7) == Preferences(languages=("en",))
        assert load_recipients(connection, [7])[0].generation == 0


def test_a_delivery_from_before_variants_is_of_the_issue_s_own_digest(tmp_path: Path) -> None:
    address = new_database(tmp_path / "publisher.db")
    with made_at("0021", address) as connection:
        _insert_deliveries(connection, [None])
    with closing(open_database(address)) as database, database.reading() as connection:
        assert connection.execute(select(delivery.c.variant_id)).scalar_one() is None
        (one,) = issues.latest_issues(connection, 1)
        assert (one.available_since, one.for_profiles_only) == (None, False)


def test_an_address_erased_before_reasons_was_erased_on_request(tmp_path: Path) -> None:
    address = new_database(tmp_path / "publisher.db")
    with made_at("0017", address) as connection:
        connection.execute(
            text(
                "INSERT INTO erased_address (digest, erased_at)"
                " VALUES ('ann@example.org', '2026-01-09T12:00:00Z')"
            )
        )
    with closing(open_database(address)) as database, database.reading() as connection:
        found = erased_among(connection, ["ann@example.org"], str)
        assert found == {"ann@example.org": (NOW, ErasureReason.ERASED)}


def test_every_table_with_rows_of_subscribers_is_in_their_data_or_has_a_reason(
    publication: PublicationFolder,
) -> None:
    listed = [*(one.table.name for one in PERSONAL_TABLES), *(one.name for one in OTHER_TABLES)]
    with publication.database.reading() as connection:
        found = inspect(connection)
        holding = [
            table
            for table in found.get_table_names()
            if "subscriber_id" in [column["name"] for column in found.get_columns(table)]
        ]
    # A new table needs a line in publisher/app/personal_tables.py.
    assert sorted(listed) == sorted(holding)
    assert all(len(reason) > 20 for reason in OTHER_TABLES.values())


def test_issues_from_before_they_were_made_ahead_keep_all_and_may_be_sent_when_due(
    tmp_path: Path,
) -> None:
    address = new_database(tmp_path / "publisher.db")
    with made_at("0040", address) as connection:
        made = "'weekly', 'en', '2026-01-09', '2026-01-09T08:00:00Z', 'ready', 3"
        columns = "newsletter, language, day, due_at, state, epoch"
        for statement in (
            f"INSERT INTO issue ({columns}) VALUES ({made})",
            "INSERT INTO digest VALUES (1, 's', 'p', 'h', 't', 'w', 'hash', '[]')",
            "INSERT INTO issue_variant (issue_id, key, more) VALUES (1, 'k', 0)",
        ):
            connection.execute(text(statement))
    with closing(open_database(address)) as database, database.writing() as connection:
        (one,) = issues.latest_issues(connection, 9)
        assert (one.send_at, one.epoch, one.revision) == (one.due_at, 3, 0)
        assert digests.digest_of(connection, one).sha256 == "hash"
        assert connection.execute(text("SELECT count(*) FROM issue_variant")).scalar() == 1
        again: dict[str, Any] = {
            "newsletter": "weekly",
            "language": "en",
            "day": one.day,
            "reason": None,
        }
        assert not issues.add_occurrence(connection, due_at=one.due_at, **again)


def upgrade_by_a_newer_program(publication: PublicationFolder) -> None:
    """Add what migrations add: columns that may be empty, tables, indexes."""
    with publication.database.writing() as connection:
        for table in ("article", "issue", "delivery", "subscriber", "feed_entry"):
            connection.execute(text(f"ALTER TABLE {table} ADD COLUMN of_tomorrow TEXT"))
        connection.execute(text("CREATE TABLE of_tomorrow (name TEXT PRIMARY KEY)"))
        connection.execute(text("CREATE INDEX ix_of_tomorrow ON delivery (of_tomorrow)"))
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))


def test_the_former_program_ends_its_turn_beside_the_new_tables(
    publication: PublicationFolder,
) -> None:
    publication.reload(languages=["en"])
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(publication, ("reader@example.org", "en"))
    transport = MemoryTransport("ambiguous")
    former = pipeline_of(publication, transport)
    assert former.prepare().problems == []

    upgrade_by_a_newer_program(publication)
    publication.write("en/ebb.md", "It ebbs.", title="Ebb", date="2026-01-06")
    report = former.run()

    assert (report.problems, report.picked_up.new) == ([], 1)
    assert len(transport.messages) == 1
    assert (publication.settings.folders.public / "en/stories/ebb/index.html").is_file()
    # Started again, it says what to do.
    with pytest.raises(DatabaseError, match=r"made by a newer version .*; upgrade the program"):
        open_database(publication.settings.database)
