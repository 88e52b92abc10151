"""`publisher feeds readers`: numbers of a log are stored, and nothing else of it."""

from datetime import date
from pathlib import Path

import pytest

from publisher.app.subscribers.feeds import list_feed_followers
from publisher.syndication.followers import FeedFollowers
from publisher.syndication.tables import feed_follower_day
from tests.publisher.cli.conftest import Run, refuses
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import pipeline_of
from tests.publisher.syndication.test_follower_log import FEEDLY, READER, nginx


@pytest.fixture
def folder(publication: PublicationFolder, folder: Path) -> Path:
    """A publication that has written its feeds."""
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    pipeline_of(publication).run()
    return folder


def test_a_log_is_counted_once_however_often_it_is_read(
    folder: Path, publication: PublicationFolder, run: Run, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    lines = [
        nginx(FEEDLY.format(12)),
        nginx(READER),
        nginx(READER, path="/feeds/no-such.atom.xml"),
    ]
    log.write_text("".join(lines) + "garbage\n", "utf-8")
    for _time in range(2):
        code, out, err = run("feeds", "readers", log, folder)
        assert (code, out) == (
            0,
            "stored: 1 number of a feed and day, 2026-01-09 to 2026-01-09\n",
        )
        assert err == "1 line not understood\n"
    # The later log of the same day: the larger number counts.
    log.write_text(nginx(READER) + nginx(READER, "192.0.2.2"), "utf-8")
    run("feeds", "readers", log, folder)
    assert list_feed_followers(publication.database, ["en"]) == [
        FeedFollowers(feed="en", language="en", day=date(2026, 1, 9), stated=12, clients=2)
    ]
    assert list_feed_followers(publication.database, ["ar"]) == []
    (row,) = publication.rows(feed_follower_day)
    assert {*row} == {"feed", "day", "stated", "clients"}
    err = refuses(run, "feeds", "readers", "/nowhere/access.log", folder)
    assert "can't be read: No such file" in err
