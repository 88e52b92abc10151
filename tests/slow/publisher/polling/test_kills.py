"""Polls and pick-ups of a feed that changes, killed with -9 at any step: nothing is lost, and nothing is there twice."""

import multiprocessing
import os
import random
import signal
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from publisher.articles.model import Mailing
from publisher.clock import FixedClock
from publisher.config import load_settings
from publisher.config.sources import FeedSourceSettings
from publisher.database import open_database
from publisher.ingest.pickup.source_pickup import pick_up
from publisher.polling.poller import Poller
from publisher.polling.tables import polled_entry
from publisher.testing import SECRET
from tests.databases import environment_of
from tests.killing import die_at
from tests.publisher.conftest import NOW, Make
from tests.publisher.polling.news_server import NewsServer, news_server
from tests.publisher.polling.polled_publication import parse
from tests.publisher.polling.test_poller import feed
from tests.sizes import PATIENCE, by_lane, night_seed

POLLS = by_lane(12, 50)
# More than a poll and a pick-up have: some are not killed.
STEPS = 24
WINDOW = 6
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


def _poll(
    folder: Path, environment: dict[str, str], port: int, now: datetime, step: int
) -> None:
    os.environ.update(environment)
    settings, clock = load_settings(folder), FixedClock(now)
    sources = [one for one in settings.sources if isinstance(one, FeedSourceSettings)]
    database = open_database(settings.database)
    if step:
        die_at(step)
    client = NewsServer(port).client
    Poller(sources, database, clock, parse, "tests", client, spread=lambda: 0.0).run(
        only="harbour"
    )
    assert pick_up(settings, database, now + timedelta(hours=1)).problems == []
    database.close()


@pytest.mark.parametrize("seed", range(night_seed(), night_seed() + by_lane(1, 3)))
def test_a_feed_that_changes_is_read_whole_however_often_it_is_killed(
    new_publication: Make, seed: int
) -> None:
    chance = random.Random(seed)
    with news_server() as server:
        source = {"kind": "feed", "name": "harbour", "url": server.url("/feed")}
        publication = new_publication(sources=[source])
        publication.database.close()
        folder = publication.settings.folders.root
        environment = environment_of(folder) | {"PUBLISHER_SECRET": SECRET}
        kills = 0
        for number in range(1, POLLS + 1):
            shown = range(max(1, number - WINDOW + 1), number + 1)
            titled = f"The long story number {number - 1}, read again in poll {number}"
            server.put(
                "/feed", feed(*shown).replace(f'number {number - 1}"', f'{titled[22:]}"')
            )
            # At most three of four: what a window no longer shows can't be read.
            step = 0 if number in {1, POLLS} or number % 4 == 0 else chance.randint(1, STEPS)
            now = NOW + timedelta(days=number)
            arguments = folder, environment, server.port, now, step
            process = _processes.Process(target=_poll, args=arguments)
            process.start()
            process.join(PATIENCE)
            assert process.exitcode in {0, -signal.SIGKILL}, f"poll {number}, step {step}"
            kills += process.exitcode != 0
    assert kills > POLLS / 4
    articles = sorted(one.url or "" for one in publication.all().values())
    assert articles == sorted(f"https://news.example/story-{n}" for n in range(1, POLLS + 1))
    news = [one for one in publication.all().values() if one.mailing is Mailing.NEWS]
    assert len(news) == POLLS - 1
    assert len(publication.rows(polled_entry)) == POLLS
