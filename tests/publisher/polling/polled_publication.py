"""A publication whose sources are polled at a server of this machine."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from publisher.articles.model import Mailing
from publisher.config.sources import PolledSourceSettings
from publisher.database import Database
from publisher.fetching.client import GuardedClient
from publisher.polling import store
from publisher.polling.picture_copies import CopiedPictures
from publisher.polling.poller import Poller, PollReport
from publisher.polling.store import PolledSource
from tests.publisher.conftest import PublicationFolder

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def parse(function: Callable[..., Any], *values: object) -> Any:
    """Call a parser in this process."""
    return function(*values)


class Polled:
    """A publication whose sources are on the server, and its clock."""

    def __init__(self, folder: PublicationFolder, client: GuardedClient) -> None:
        self.folder = folder
        self.client = client
        self.pictures: CopiedPictures | None = None
        self.seconds_between = 0.0

    @property
    def database(self) -> Database:
        return self.folder.database

    def poll(self, only: str = "", after: timedelta = timedelta()) -> PollReport:
        self.folder.at(self.folder.clock.now() + after)
        sources = [
            one for one in self.folder.settings.sources if isinstance(one, PolledSourceSettings)
        ]
        return Poller(
            sources,
            self.database,
            self.folder.clock,
            parse,
            "tests",
            self.client,
            self.folder.settings.secrets,
            spread=lambda: 0.0,
            seconds_between=self.seconds_between,
            pictures=self.pictures,
            root=self.folder.settings.folders.root,
        ).run(only=only)

    def cycle(self, after: timedelta = timedelta()) -> PollReport:
        """Poll, wait until everything has been the same long enough, and pick up."""
        report = self.poll(after=after)
        self.folder.at(self.folder.clock.now() + timedelta(minutes=15))
        assert self.folder.pick_up().problems == []
        return report

    def source(self, name: str = "harbour") -> PolledSource:
        with self.database.reading() as connection:
            return store.list_polled(connection)[name]


def titles(polled: Polled, mailing: Mailing | None = None) -> list[str]:
    found = polled.folder.all().values()
    return sorted(one.title for one in found if mailing in {None, one.mailing})
