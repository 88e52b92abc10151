"""Where the table after a cycle says that pages and mails are."""

from __future__ import annotations

from publisher.app.places import LanguagePlaces, list_places
from publisher.app.status import take_snapshot
from tests.publisher.app.approving import DAY, DUE, HOUR, cycle, fill, newsletter
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import pipeline_of


def english(publication: PublicationFolder) -> LanguagePlaces:
    now = publication.clock.now()
    snapshot = take_snapshot(publication.settings, publication.database, now)
    found = list_places(publication.settings, snapshot).languages
    return next(one for one in found if one.language == "en")


def test_what_only_awaits_approval_has_no_place_and_hides_no_issue_that_was_sent(
    publication: PublicationFolder,
) -> None:
    publication.reload(newsletters=[newsletter(approval="none")])
    fill(publication)
    root = publication.settings.folders.root
    pipeline_of(publication.at(DUE)).run()
    sent = english(publication)
    assert [(root / path).exists() for path in (*sent.pages, *sent.mails)] == [True, True]

    publication.reload(newsletters=[newsletter()])
    publication.write("en/late.md", "Late.", title="Late", date="2026-01-10")
    cycle(publication, DUE + 7 * DAY - 6 * HOUR)
    assert not list((root / "public").glob("en/weekly/2026-01-16*"))
    assert english(publication) == sent
