"""Readers of feeds: the latest day counts, and of feeds that are not there nothing is stored."""

from __future__ import annotations

from publisher.app.feed_followers import count_feed_followers, list_feed_followers
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import pipeline_of
from tests.publisher.syndication.test_follower_log import FEEDLY, READER, nginx


def test_the_latest_day_of_each_feed_is_listed(publication: PublicationFolder) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    pipeline_of(publication).run()
    friday = [nginx(READER), nginx(FEEDLY.format(7), path="/feeds/all.json")]
    saturday = [line.replace("09/Jan", "10/Jan") for line in (nginx(READER), nginx("Other/2"))]
    found = count_feed_followers(publication.database, [*friday, *saturday])
    assert (found.stored, str(found.first), str(found.last)) == (3, "2026-01-09", "2026-01-10")
    assert [
        (one.feed, one.day.day, one.stated, one.clients)
        for one in list_feed_followers(publication.database, ["", "en"])
    ] == [("all", 9, 7, 0), ("en", 10, 0, 2)]
