"""What a start refuses: a newsletter that is gone, a lost database, another secret; and what it takes over."""

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import insert, select

from publisher.app import start_checks
from publisher.app.editing_state import open_editing_state
from publisher.app.issues.dry_run import open_dry_run
from publisher.app.opening import open_state
from publisher.app.operation.backup import back_up_publication
from publisher.app.operation.cycle import deliver_due, open_pipeline
from publisher.app.operation.page_servers import open_web_state
from publisher.app.operation.run import open_locked_pipeline
from publisher.app.same_secret import adopt_secret, require_same_secret
from publisher.app.subscribers import unsubscribing
from publisher.app.subscribers.unsubscribing import LeaveScope
from publisher.clock import SystemClock
from publisher.config import Settings
from publisher.delivery.ledger.leases import create_lease
from publisher.errors import ConfigError, DatabaseError, LostStateError
from publisher.mail.signed_addresses import SignedLink
from publisher.request_limits import rate_limit
from publisher.testing import SAMPLE_NEWSLETTER
from subscribers.store import find_subscriber
from tests.databases import on_postgresql
from tests.publisher.cli.conftest import Run, run
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import outbox, subscribe
from tests.publisher.printing import pipeline_of, public

__all__ = ["run"]
Make = Callable[..., PublicationFolder]
RENAMED = [{"name": "digest", "formerly": ["weekly"]}]
WEEK = timedelta(days=7)


def send_first(publication: PublicationFolder) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(publication, ("ann@example.com", "en"))
    assert pipeline_of(publication).run().sent.messages == 1


@pytest.fixture
def sent(prepared_publication: Make) -> PublicationFolder:
    """A publication whose first issue was sent to Ann."""
    return prepared_publication(send_first)


def rename(publication: PublicationFolder, newsletters: Sequence[Mapping[str, object]]) -> None:
    publication.reload(newsletters=newsletters)
    start_checks.take_over_newsletters(publication.settings, publication.database, 0)


def newsletters_of_ann(publication: PublicationFolder) -> tuple[str, ...]:
    with publication.database.reading() as connection:
        person = find_subscriber(connection, "ann@example.com")
    assert person is not None
    return person.newsletters


def test_a_newsletter_with_subscribers_that_is_gone_is_refused_with_what_to_do(
    sent: PublicationFolder,
) -> None:
    sent.reload(newsletters=[{"name": "digest"}])
    with (
        pytest.raises(ConfigError, match=r"weekly is gone, and has 1 subscriptions") as caught,
        open_locked_pipeline(sent.settings, sent.clock),
    ):
        pass
    assert 'formerly = ["weekly"]' in str(caught.value)
    assert 'ended_newsletters = ["weekly"]' in str(caught.value)


def test_a_newsletter_that_ended_keeps_its_subscriptions_and_one_that_nobody_gets_may_go(
    sent: PublicationFolder,
) -> None:
    sent.reload(newsletters=[{"name": "digest"}], ended_newsletters=["weekly"])
    with open_locked_pipeline(sent.settings, sent.clock) as pipeline:
        pipeline.run()
    assert newsletters_of_ann(sent) == ("weekly",)
    with sent.database.writing() as connection:
        unsubscribing.leave(
            connection, SignedLink("unsubscribe", 1, "weekly"), LeaveScope.ALL, NOW
        )
    sent.reload(newsletters=[])
    start_checks.check_newsletter_names(sent.settings, sent.database)


def test_who_gets_a_renamed_newsletter_gets_its_next_issue_and_no_story_twice(
    sent: PublicationFolder,
) -> None:
    rename(sent, RENAMED)
    assert newsletters_of_ann(sent) == ("digest",)
    sent.write("en/ebb.md", "The ebb.", title="Ebb", date="2026-01-12")
    sent.at(NOW + WEEK)
    assert pipeline_of(sent).run().sent.messages == 1
    messages = outbox(sent).items()
    (message,) = (one for path, one in messages if path.startswith("digest/en/2026-01-16"))
    assert b"Ebb" in message
    assert b"The tide waits" not in message
    # Nothing is left to move, and nothing is due.
    start_checks.take_over_newsletters(sent.settings, sent.database, 0)
    assert pipeline_of(sent).run().sent.messages == 0


def test_old_addresses_of_a_renamed_newsletter_lead_to_the_new_ones(
    sent: PublicationFolder,
) -> None:
    before = {path: path.read_text() for path in public(sent).glob("feeds/en.*.xml")}
    ids = [re.findall(r"tag:[^<\"]+", text) for text in before.values()]
    rename(sent, RENAMED)
    pipeline_of(sent).run()
    page = (public(sent) / "en/digest/2026-01-09/index.html").read_text()
    assert "Tides" in page
    assert "/en/weekly/" not in page
    old = (public(sent) / "en/weekly/2026-01-09/index.html").read_text()
    url = sent.settings.publication.url
    assert f'content="0; url={url}/en/digest/2026-01-09/"' in old
    assert f'<link rel="canonical" href="{url}/en/digest/2026-01-09/">' in old
    assert "Tides" not in old
    archive = (public(sent) / "en/weekly/index.html").read_text()
    assert f"url={url}/en/digest/" in archive
    after = [re.findall(r"tag:[^<\"]+", path.read_text()) for path in before]
    assert after == ids != []


def test_links_of_older_mails_leave_the_renamed_newsletter(sent: PublicationFolder) -> None:
    rename(sent, RENAMED)
    rename(sent, [{"name": "post", "formerly": ["digest", "weekly"]}])
    link = SignedLink("unsubscribe", 1, "weekly")
    with sent.database.reading() as connection:
        page = unsubscribing.read_leave_page(connection, sent.settings, "s", link, "en", NOW)
    assert page is not None
    assert page.gets_it
    with sent.database.writing() as connection:
        assert unsubscribing.leave(connection, link, LeaveScope.NEWSLETTER, NOW)
    assert newsletters_of_ann(sent) == ()


def test_a_running_service_keeps_the_old_name_until_a_new_start(
    sent: PublicationFolder,
) -> None:
    sent.reload(newsletters=RENAMED)
    with pytest.raises(ConfigError, match=r"weekly is digest .* start it again"):
        start_checks.check_newsletter_names(sent.settings, sent.database)


def test_two_newsletters_with_issues_cannot_become_one(new_publication: Make) -> None:
    both = new_publication(newsletters=[SAMPLE_NEWSLETTER, {"name": "digest"}])
    both.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(both, ("ann@example.com", "en"))
    pipeline_of(both).run()
    with pytest.raises(ConfigError, match="weekly and digest both have issues"):
        rename(both, RENAMED)
    assert newsletters_of_ann(both) == ("weekly",)


def test_nothing_is_renamed_while_mail_is_being_sent(sent: PublicationFolder) -> None:
    with sent.database.writing() as connection:
        create_lease(connection, "outbox", "idempotent", "x", until=100.0)
    with pytest.raises(ConfigError, match="while mail is being sent"):
        rename(sent, RENAMED)
    start_checks.take_over_newsletters(sent.settings, sent.database, 101.0)
    assert newsletters_of_ann(sent) == ("digest",)


# --- a database that was lost beside what was published


@pytest.mark.parametrize("folder", ["public", "outbox"])
def test_an_empty_database_beside_published_files_is_refused(
    sent: PublicationFolder, new_publication: Make, folder: str
) -> None:
    publication = new_publication()
    root = publication.settings.folders.root
    shutil.copytree(sent.settings.folders.root / folder, root / folder)
    # Subscribers that were imported again are no record of what was sent.
    subscribe(publication, ("ann@example.com", "en"))
    with (
        pytest.raises(LostStateError, match=rf"{folder}/.* was written.*--new-start"),
        open_locked_pipeline(publication.settings, publication.clock),
    ):
        pass
    settings, clock = publication.settings, publication.clock
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    publication.write("en/gales.md", "The gale comes.", title="Gales", date="2026-01-06")
    with open_locked_pipeline(settings, clock, new_start=True) as pipeline:
        pipeline.run()
    # What an issue with a page had goes to nobody again; without a page nothing tells.
    mailing = {key: one.mailing for (key, _language), one in publication.all().items()}
    assert mailing == {"tides": "archive" if folder == "public" else "news", "gales": "news"}
    with open_locked_pipeline(settings, clock):
        pass


def test_messages_in_a_maildir_were_published_and_own_files_and_test_mails_were_not(
    publication: PublicationFolder,
) -> None:
    folders = publication.settings.folders
    paths = ("public/favicon.ico", "outbox/weekly/en/test/1.eml", "outbox/notices/1.eml")
    for path in (*paths, "outbox/new/1.example"):
        file = folders.root / path
        if path not in paths:
            start_checks.refuse_lost_state(publication.settings, publication.database)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("Subject: Tides\n")
    with pytest.raises(LostStateError, match=r"new/1\.example was written"):
        start_checks.refuse_lost_state(publication.settings, publication.database)


def test_a_known_publication_starts(sent: PublicationFolder, new_publication: Make) -> None:
    start_checks.refuse_lost_state(sent.settings, sent.database)
    known = []
    for one in (sent, new_publication()):
        with one.database.reading() as connection:
            known.append(start_checks.has_state(connection))
    assert known == [True, False]


def test_the_command_names_the_file_and_the_option(
    run: Run, publication: PublicationFolder
) -> None:
    root = publication.settings.folders.root
    index = root / "public/feeds/index.opml"
    index.parent.mkdir(parents=True)
    index.write_text("<opml/>")
    code, _out, err = run("run", "--once", root)
    assert code == 1
    assert f"{index} was written" in err
    assert run("run", "--once", "--new-start", root)[0] == 0
    assert run("run", "--once", root)[0] == 0


# --- whoever opens a database has the secret that it was used with, or does not start


OPENERS = [
    open_state,
    open_web_state,
    lambda settings: open_pipeline(settings, SystemClock()),
    lambda settings: open_editing_state(settings, SystemClock()),
    lambda settings: open_dry_run(settings, SystemClock()),
]


def start(settings: Settings) -> None:
    with open_state(settings) as database:
        require_same_secret(settings, database, record=False)


def with_secret(settings: Settings, secret: str | None) -> Settings:
    return replace(settings, secret=SecretStr(secret) if secret else None)


@pytest.fixture
def first(publication: PublicationFolder) -> Settings:
    """The settings of a machine, or a service, that has used the database."""
    settings = with_secret(publication.settings, "the secret of all machines")
    start(settings)
    return settings


@pytest.mark.parametrize("open_it", OPENERS)
def test_a_machine_with_another_secret_does_not_start(first: Settings, open_it: object) -> None:
    other = with_secret(first, "the secret of another one")
    with pytest.raises(ConfigError) as caught, open_it(other):  # type: ignore[operator]
        pass
    said = str(caught.value)
    assert said.startswith("environment: PUBLISHER_SECRET: not the secret with which ")
    assert ("which postgresql" in said) == on_postgresql()
    assert "copy var/secret from them or from a backup" in said
    assert "the secret of" not in said
    start(first)


def test_a_machine_without_a_secret_makes_none_of_its_own_and_one_with_another_sends_nothing(
    first: Settings,
) -> None:
    with pytest.raises(ConfigError, match=r"var/secret: there is none, and there was one"):
        start(with_secret(first, None))
    with pytest.raises(ConfigError, match=r"var/secret: there is none, and there was one"):
        back_up_publication(
            with_secret(first, None), first.folders.root / "backups", SystemClock()
        )
    assert not (first.folders.var / "secret").exists()
    with pytest.raises(ConfigError, match="another Message-ID"):
        deliver_due(with_secret(first, "the secret of another one"), SystemClock())


def test_a_secret_that_was_changed_on_purpose_is_adopted(first: Settings) -> None:
    changed = with_secret(first, "a secret that nobody else knows")
    assert adopt_secret(changed, NOW)
    assert not adopt_secret(changed, NOW)
    start(changed)
    with pytest.raises(ConfigError):
        start(first)


# --- what subscribers' pages work with


def test_pages_write_through_the_writer_only(publication: PublicationFolder) -> None:
    row = insert(rate_limit).values(key="one", tat=1.0)
    with open_web_state(publication.settings) as state:
        state.writer.run(lambda connection: connection.execute(row).rowcount)
        with state.database.reading() as connection:
            assert connection.execute(select(rate_limit.c.key)).scalars().all() == ["one"]
        with (
            pytest.raises(DatabaseError, match=r"read-?only"),
            state.database.writing() as connection,
        ):
            connection.execute(insert(rate_limit).values(key="two", tat=1.0))


@pytest.mark.sqlite("the file")
def test_pages_need_a_database_that_the_service_has_made(new_publication: Make) -> None:
    settings = replace(new_publication().settings, database_address=None)
    settings.folders.database.unlink()
    with pytest.raises(DatabaseError, match="`publisher run`"), open_web_state(settings):
        pass
    assert not settings.folders.database.exists()
