"""The copy on which issues are previewed: what is in it, and that it stops nobody."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest
from sqlalchemy import func, insert, select

from publisher.accounts.actor import terminal_actor
from publisher.app import dry_run
from publisher.app.dry_run import open_dry_run, open_preview, preview_next
from publisher.app.issue_preview import find_viewer, preview_mail
from publisher.app.personal_tables import OTHER_TABLES, PERSONAL_TABLES, own_numbers
from publisher.app.subscribers import unsubscribe_address
from publisher.database import Database, open_database
from publisher.database.copy import read_all_tables
from publisher.database.dialect.sequences import last_ids
from publisher.delivery.tables import delivery
from publisher.errors import DatabaseError, UsageError
from subscribers import find_subscriber
from subscribers.tables import subscriber_alias
from tests.databases import wait_for_locks
from tests.publisher.app.reading import Reading
from tests.publisher.conftest import PublicationFolder, editing_state

DAILY = {"name": "daily", "schedule": "0 8 * * *"}
PERSONAL = {one.name for one in (*(one.table for one in PERSONAL_TABLES), *OTHER_TABLES)}
SCENES = ("most", "brief", "arab", "away", "left")


@pytest.fixture
def reading(new_publication: Callable[..., PublicationFolder]) -> Reading:
    """Subscribers who have got different stories, and stories that came since."""
    found = Reading(new_publication(languages=("en", "ar"), newsletters=(DAILY,)))
    found.write(1, "en", "ar")
    found.write(2, "en")
    found.join("most", "en")
    found.join("brief", "en", topics=("tides",))
    found.join("arab", "ar", "en")
    found.join("away", "en", hour=23)
    found.join("left", "en")
    found.run()
    found.next_day()
    publication = found.publication
    settings, now = publication.settings, publication.clock.now()
    unsubscribe_address(settings, publication.database, "left@example.com", None, now)
    found.write(3, "en", "ar")
    return found


def counts(database: Database) -> dict[str, int]:
    """Return how many rows each table has."""
    with database.reading() as connection:
        return {name: one.rows for name, one in read_all_tables(connection).items()}


def test_the_copy_has_what_issues_are_made_from_and_nobody_s_rows(reading: Reading) -> None:
    publication = reading.publication
    publication.pick_up()
    of_all = counts(publication.database)
    left_out = {"subscriber", "issue_variant", "issue_variant_article", *PERSONAL}
    left_out |= {*dry_run._LEFT_OUT}
    assert min(of_all[name] for name in ("subscriber", "delivery", "digest")) > 1
    assert of_all.keys() >= left_out
    with open_dry_run(publication.settings, publication.clock) as pipeline:
        found = counts(pipeline.database)
    assert {name for name in left_out if found[name]} == set()
    assert {name: found[name] for name in of_all.keys() - left_out} == {
        name: of_all[name] for name in of_all.keys() - left_out
    }


def test_of_subscribers_the_copy_has_the_one_who_is_asked_for(reading: Reading) -> None:
    publication = reading.publication
    arguments = (publication.settings, publication.clock, "arab@example.com")
    with open_dry_run(*arguments) as pipeline:
        found = counts(pipeline.database)
    assert (found["subscriber"], found["subscription"], found["preference"]) == (1, 1, 1)
    assert 0 < found["delivery"] < counts(publication.database)["delivery"]


def test_what_went_to_a_record_that_was_merged_is_in_the_copy(reading: Reading) -> None:
    publication = reading.publication
    with publication.database.writing() as connection:
        most, former = (
            find_subscriber(connection, f"{name}@example.com") for name in ("most", "brief")
        )
        assert most is not None
        assert former is not None
        merged = {"former_id": former.id, "subscriber_id": most.id}
        merged_at = publication.clock.now()
        connection.execute(insert(subscriber_alias).values(**merged, merged_at=merged_at))
        numbers = own_numbers(connection, most.id)
        assert numbers == [most.id, former.id]
        counted = select(func.count()).where(delivery.c.subscriber_id.in_(numbers))
        wanted = connection.execute(counted).scalar_one()
    arguments = (publication.settings, publication.clock, "most@example.com")
    with open_dry_run(*arguments) as pipeline:
        assert counts(pipeline.database)["delivery"] == wanted > 1


@pytest.mark.parametrize("name", SCENES)
def test_a_subscriber_s_preview_on_the_copy_is_that_of_the_publication(
    reading: Reading, name: str
) -> None:
    reading.publication.pick_up()
    state, actor, address = (
        editing_state(reading.publication),
        terminal_actor(),
        f"{name}@example.com",
    )
    edition = state.settings.edition("daily", "en")
    assert edition is not None
    found = []
    for picks_up in (False, True):
        with open_preview(state, picks_up=picks_up, subscriber=address) as (seen, renderer):
            viewer = find_viewer(seen, actor, address)
            preview = preview_mail(seen, renderer, actor, edition, viewer)
            found.append((preview.text, preview.html, preview.not_sent))
    assert found[0] == found[1]


@pytest.mark.parametrize("address", ["nobody@example.com", "no address"])
def test_who_asks_for_nobody_is_told_so(reading: Reading, address: str) -> None:
    state = editing_state(reading.publication)
    with (
        open_preview(state, picks_up=True, subscriber=address) as (seen, _renderer),
        pytest.raises(UsageError),
    ):
        find_viewer(seen, terminal_actor(), address)


def test_a_preview_waits_for_no_sender_and_no_sender_for_it(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever waits at all fails.
    wait_for_locks(monkeypatch, 50)
    publication = reading.publication
    edition = publication.settings.edition("daily", "en")
    assert edition is not None
    with publication.database.reading() as connection:
        before = (read_all_tables(connection), last_ids(connection))
    with closing(open_database(publication.settings.database)) as sender:
        with (
            sender.writing(),
            open_dry_run(publication.settings, publication.clock) as pipeline,
        ):
            assert "Story 3" in preview_next(pipeline, edition).gate_run.mail.text
        with open_dry_run(publication.settings, publication.clock), sender.writing():
            pass
    with publication.database.reading() as connection:
        assert (read_all_tables(connection), last_ids(connection)) == before


@pytest.mark.sqlite("a database on a server is upgraded by `publisher run` first")
def test_a_file_of_an_older_version_is_not_upgraded(publication: PublicationFolder) -> None:
    file = publication.settings.folders.database
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    with publication.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE recovered_story")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0064'")
    files = {one.name for one in file.parent.iterdir()}
    with open_dry_run(publication.settings, publication.clock) as pipeline:
        assert counts(pipeline.database)["article"] == 1
    with pytest.raises(DatabaseError, match="has to be upgraded first"):
        open_database(file, upgrade=False)
    assert {one.name for one in file.parent.iterdir()} == files
