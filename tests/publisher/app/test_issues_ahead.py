"""Issues that are made before they are due: what goes into them, when they are shown and sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from publisher.app.issues import issues_made_ahead, list_upcoming
from publisher.issues import store
from publisher.issues.model import Issue, IssueReason, IssueState
from publisher.issues.tables import edition_table
from publisher.testing import MemoryTransport
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.mail.samples import parsed
from tests.publisher.printing import pipeline_of, public

DUE = NOW.replace(hour=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NAME = "weekly-en-2026-01-09"
PAGE = "en/weekly/2026-01-09/index.html"

Make = Callable[..., PublicationFolder]


@pytest.fixture
def ahead(new_publication: Make) -> Callable[..., PublicationFolder]:
    """Make a publication with a lead of a day, an article and a subscriber."""

    def make(**terms: Any) -> PublicationFolder:
        publication = new_publication(
            languages=["en"], newsletters=[{"lead": 24, "schedule": "0 0 * * FRI"} | terms]
        )
        publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
        subscribe(publication, ("ann@example.com", "en"))
        return publication

    return make


def cycle(publication: PublicationFolder, at: datetime) -> MemoryTransport:
    transport = MemoryTransport()
    report = pipeline_of(publication.at(at), transport).run()
    assert report.problems == []
    return transport


def issue_of(publication: PublicationFolder, name: str = NAME) -> Issue:
    with publication.database.reading() as connection:
        found = store.issue_by_name(connection, name)
    assert found is not None
    return found


def test_an_issue_is_ready_before_its_hour_and_neither_shown_nor_sent(
    ahead: Callable[..., PublicationFolder],
) -> None:
    publication = ahead()
    assert cycle(publication, DUE - DAY - HOUR).taken == []
    assert cycle(publication, DUE - DAY).taken == []
    assert issue_of(publication).state is IssueState.READY
    assert not (public(publication) / PAGE).exists()
    home = (public(publication) / "en/index.html").read_text()
    assert "2026-01-09" not in home
    assert len(cycle(publication, DUE).taken) == 1
    assert issue_of(publication).state is IssueState.SENT
    assert (public(publication) / PAGE).exists()
    assert "weekly/2026-01-09" in (public(publication) / "en/index.html").read_text()


def test_articles_that_come_after_an_issue_is_made_wait_for_the_next(
    ahead: Callable[..., PublicationFolder],
) -> None:
    publication = ahead()
    cycle(publication, DUE - DAY)
    publication.write("en/gales.md", "It blows.", title="Gales", date="2026-01-08")
    (mail,) = cycle(publication, DUE).messages
    assert b"Tides" in mail.content
    assert b"Gales" not in mail.content
    cycle(publication, DUE + 6 * DAY)
    (mail,) = cycle(publication, DUE + 7 * DAY).messages
    assert b"Gales" in mail.content
    assert b"Tides" not in mail.content


def test_an_issue_that_is_made_ahead_follows_corrections_until_it_is_sent(
    ahead: Callable[..., PublicationFolder],
) -> None:
    publication = ahead()
    cycle(publication, DUE - DAY)
    publication.write("en/tides.md", "The tide is late.", title="Tides", date="2026-01-05")
    cycle(publication, DUE - HOUR)
    (mail,) = cycle(publication, DUE).messages
    assert b"The tide is late." in mail.content


def test_an_issue_that_comes_to_its_hour_too_late_is_skipped_and_gives_its_articles_back(
    ahead: Callable[..., PublicationFolder],
) -> None:
    publication = ahead(late="skip")
    cycle(publication, DUE - DAY)
    assert cycle(publication, DUE + 2 * HOUR).taken == []
    skipped = issue_of(publication)
    assert (skipped.state, skipped.reason) == (
        IssueState.SKIPPED,
        "2 hours late, and late = skip",
    )
    assert skipped.reason_key == IssueReason.LATE
    cycle(publication, DUE + 6 * DAY)
    (mail,) = cycle(publication, DUE + 7 * DAY).messages
    assert b"Tides" in mail.content


def test_what_is_made_ahead_is_planned_for_its_hour_and_says_how_far_it_is(
    ahead: Callable[..., PublicationFolder],
) -> None:
    publication = ahead()
    cycle(publication, DUE - DAY)
    found = list_upcoming(publication.settings, publication.database, DUE - HOUR, 2)
    with publication.database.reading() as connection:
        (made,) = issues_made_ahead(connection, publication.settings, DUE - HOUR)
        assert made == found[0]
        assert not [*issues_made_ahead(connection, publication.settings, DUE)]
    assert [(one.occurrence.due_at, one.state) for one in found] == [
        (DUE, IssueState.READY),
        (DUE + 7 * DAY, None),
    ]


def test_a_digest_is_made_ahead_and_nobody_s_digest_is_not(
    ahead: Callable[..., PublicationFolder],
) -> None:
    publication = ahead(schedule="0 0 * * *", digests=["weekly"])
    cycle(publication, DUE - DAY)
    digests = [
        row["planned_until"]
        for row in publication.rows(edition_table)
        if row["newsletter"] == "weekly.weekly"
    ]
    # Nobody has that cadence: its time moves on, and is not ahead of the clock.
    assert digests == [DUE - DAY]


def test_with_the_hour_of_each_subscriber_the_lead_counts_from_the_begin_of_the_day(
    ahead: Callable[..., PublicationFolder],
) -> None:
    publication = ahead(local_time=True, schedule="0 9 * * FRI")
    begin = DUE - 14 * HOUR  # of 9 January in the earliest zone
    cycle(publication, begin - DAY)
    assert issue_of(publication).state is IssueState.READY
    assert cycle(publication, begin).taken == []
    assert issue_of(publication).state is IssueState.SENDING
    assert len(cycle(publication, DUE + 9 * HOUR).taken) == 1


def test_a_link_to_another_language_leads_to_a_page_even_if_that_one_is_held(
    new_publication: Make,
) -> None:
    weekly = {
        "schedule": "0 0 * * FRI",
        "lead": 24,
        "edition": {"ar": {"approval": "one"}},
    }
    publication = new_publication(languages=["en", "ar"], newsletters=[weekly])
    for tag, title in (("en", "Tides"), ("ar", "المد والجزر")):
        publication.write(f"{tag}/tides.md", f"{title}.", title=title, date="2026-01-05")
    subscribe(publication, ("ann@example.com", "en"))
    cycle(publication, DUE - DAY)
    (mail,) = cycle(publication, DUE).taken
    assert issue_of(publication, "weekly-ar-2026-01-09").state is IssueState.AWAITING_APPROVAL
    root = publication.settings.publication.url
    html = parsed(mail.message.content).get_body(("html",))
    assert html is not None
    found = re.findall(rf'href="({re.escape(root)}/ar/weekly/[^"]*)"', html.get_content())
    links = {link.removeprefix(root).strip("/") for link in found}
    assert links == {"ar/weekly"}
    assert (public(publication) / "ar/weekly/index.html").exists()
