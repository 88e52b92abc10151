import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import pytest

from publisher.app import leaving
from publisher.app.leaving import LeaveScope
from publisher.app.newsletter_names import check_newsletter_names, take_over_newsletters
from publisher.app.run import open_locked_pipeline
from publisher.errors import ConfigError
from publisher.mail.signed_links import SignedLink
from publisher.testing import SAMPLE_NEWSLETTER
from subscribers import find_subscriber
from tests.publisher.cli.conftest import run
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import outbox, subscribe
from tests.publisher.printing import pipeline_of, public

__all__ = ["run"]

RENAMED = [{"name": "digest", "formerly": ["weekly"]}]
WEEK = timedelta(days=7)


@pytest.fixture
def sent(publication: PublicationFolder) -> PublicationFolder:
    """A publication whose first issue was sent to Ann."""
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(publication, ("ann@example.com", "en"))
    assert pipeline_of(publication).run().sent.messages == 1
    return publication


def rename(publication: PublicationFolder, newsletters: Sequence[Mapping[str, object]]) -> None:
    publication.reload(newsletters=newsletters)
    take_over_newsletters(publication.settings, publication.database, 0)


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


def test_a_newsletter_that_ended_keeps_its_subscriptions_on_record(
    sent: PublicationFolder,
) -> None:
    sent.reload(newsletters=[{"name": "digest"}], ended_newsletters=["weekly"])
    with open_locked_pipeline(sent.settings, sent.clock) as pipeline:
        pipeline.run()
    assert newsletters_of_ann(sent) == ("weekly",)


def test_a_newsletter_that_nobody_gets_may_go(sent: PublicationFolder) -> None:
    with sent.database.writing() as connection:
        leaving.leave(connection, SignedLink("unsubscribe", 1, "weekly"), LeaveScope.ALL, NOW)
    sent.reload(newsletters=[])
    check_newsletter_names(sent.settings, sent.database)


def test_who_gets_a_renamed_newsletter_gets_its_next_issue_and_no_story_twice(
    sent: PublicationFolder,
) -> None:
    rename(sent, RENAMED)
    assert newsletters_of_ann(sent) == ("digest",)
    sent.write("en/ebb.md", "The ebb.", title="Ebb", date="2026-01-12")
    sent.at(NOW + WEEK)
    assert pipeline_of(sent).run().sent.messages == 1
    (message,) = [
        one
        for path, one in outbox(sent).items()
        if str(path).startswith("digest/en/2026-01-16")
    ]
    assert b"Ebb" in message
    assert b"The tide waits" not in message
    # Nothing is left to move, and nothing is due.
    take_over_newsletters(sent.settings, sent.database, 0)
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
        page = leaving.read_leave_page(connection, sent.settings, "s", link, "en", NOW)
    assert page is not None
    assert page.gets_it
    with sent.database.writing() as connection:
        assert leaving.leave(connection, link, LeaveScope.NEWSLETTER, NOW)
    assert newsletters_of_ann(sent) == ()


def test_a_running_service_keeps_the_old_name_until_a_new_start(
    sent: PublicationFolder,
) -> None:
    sent.reload(newsletters=RENAMED)
    with pytest.raises(ConfigError, match=r"weekly is digest .* start it again"):
        check_newsletter_names(sent.settings, sent.database)


def test_two_newsletters_with_issues_cannot_become_one(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    both = new_publication(newsletters=[SAMPLE_NEWSLETTER, {"name": "digest"}])
    both.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(both, ("ann@example.com", "en"))
    pipeline_of(both).run()
    with pytest.raises(ConfigError, match="weekly and digest both have issues"):
        rename(both, RENAMED)
    assert newsletters_of_ann(both) == ("weekly",)


def test_nothing_is_renamed_while_mail_is_being_sent(sent: PublicationFolder) -> None:
    from publisher.delivery.ledger.leases import create_lease

    with sent.database.writing() as connection:
        create_lease(connection, "outbox", "idempotent", "x", until=100.0)
    with pytest.raises(ConfigError, match="while mail is being sent"):
        rename(sent, RENAMED)
    take_over_newsletters(sent.settings, sent.database, 101.0)
    assert newsletters_of_ann(sent) == ("digest",)


def test_the_command_refuses_and_renames(
    run: Callable[..., tuple[int, str, str]], sent: PublicationFolder
) -> None:
    root = sent.settings.folders.root
    sent.reload(newsletters=[])
    code, _out, err = run("run", "--once", "--now", "2026-01-09T13:00:00Z", root)
    assert (code, "weekly is gone" in err) == (2, True)
    sent.reload(newsletters=RENAMED)
    assert run("run", "--once", "--now", "2026-01-09T13:00:00Z", root)[0] == 0
    assert newsletters_of_ann(sent) == ("digest",)
