"""A publication in a temporary folder, over a real database file, for all tests of the program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, select

from publisher.accounts.model import Actor, terminal_actor
from publisher.app.editing_state import EditingState
from publisher.articles import store
from publisher.articles.model import Article
from publisher.articles.tables import article, story
from publisher.clock import FixedClock
from publisher.config import Settings
from publisher.config.sources import FolderSourceSettings
from publisher.database import Database, open_database
from publisher.ingest.pickup.source_pickup import PickedUp, pick_up
from publisher.ingest.problems import quarantined_items
from publisher.ingest.tables import source_item
from publisher.secrets import load_secret
from publisher.testing import make_publication
from tests import databases
from tests.publisher.lanterns import Published, published

NOW = datetime(2026, 1, 9, 12, tzinfo=UTC)  # a Friday
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass
class PublicationFolder:
    """A publication with its database open, and the things that tests do to it."""

    settings: Settings
    database: Database
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))

    @property
    def articles(self) -> Path:
        (source, *_others) = self.settings.sources
        assert isinstance(source, FolderSourceSettings)
        return self.settings.folders.root / source.path

    def at(self, instant: datetime) -> PublicationFolder:
        """Let it be another time."""
        self.clock = FixedClock(instant)
        return self

    def write(self, path: str, content: str | bytes = "", **matter: Any) -> Path:
        """Write a file into the source; with `matter`, an article with that front matter."""
        file = self.articles / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            file.write_text(_article(content, matter), "utf-8")
        return file

    def pick_up(self, progress: Callable[[int, int], None] | None = None) -> PickedUp:
        return pick_up(self.settings, self.database, self.clock.now(), progress)

    def pick_up_file(self, path: str, content: str | bytes = "", **matter: Any) -> PickedUp:
        """Write a file into the source, and pick up."""
        self.write(path, content, **matter)
        return self.pick_up()

    def reload(self, **changes: Any) -> None:
        """Write publication.toml anew, as its editor would."""
        self.settings = databases.at_database(
            make_publication(self.settings.folders.root, **changes)
        )

    def all(self) -> dict[tuple[str, str], Article]:
        """Give every article that is not withdrawn, by story key and language."""
        with self.database.reading() as connection:
            return {(a.story_key, a.language): a for a in store.all_articles(connection)}

    def one(self, key: str, language: str = "en") -> Article:
        return self.all()[key, language]

    def visible(self, language: str = "en") -> list[str]:
        """Give the keys of what readers may see now."""
        with self.database.reading() as connection:
            found = store.newest_articles(connection, language, self.clock.now(), 1000)
        return [one.story_key for one in found]

    def quarantine(self) -> dict[str, str]:
        with self.database.reading() as connection:
            return dict(quarantined_items(connection))

    def rows(self, table: Table) -> list[dict[str, Any]]:
        with self.database.reading() as connection:
            key = list(table.primary_key.columns)
            return [
                dict(row) for row in connection.execute(select(table).order_by(*key)).mappings()
            ]

    def everything(self) -> list[list[dict[str, Any]]]:
        """Give all rows that picking up writes, but for how files looked: that is as time goes."""
        files = [row | {"signature": ""} for row in self.rows(source_item)]
        return [self.rows(story), self.rows(article), files]


def editing_state(publication: PublicationFolder) -> EditingState:
    """What verbs of editors work with."""
    return EditingState(
        settings=publication.settings,
        database=publication.database,
        secret=load_secret(publication.settings),
        clock=publication.clock,
    )


def by_owner(publication: PublicationFolder) -> tuple[EditingState, Actor]:
    """What verbs take of the machine's owner."""
    return editing_state(publication), terminal_actor()


def _article(text: str, matter: Mapping[str, Any]) -> str:
    if not matter:
        return text
    lines = "".join(f"{key}: {value}\n" for key, value in matter.items())
    words = text or f"Words about {matter.get('title')}."
    return f"---\n{lines}---\n{words}\n"


# What the fixture `new_publication` is: its keywords are settings.
Make = Callable[..., PublicationFolder]


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that was made once by the migrations, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "publisher.db"
    open_database(databases.database_address(path)).close()
    return path


@pytest.fixture(autouse=True)
def _tables_are_made_quickly(monkeypatch: pytest.MonkeyPatch, empty_database: Path) -> None:
    databases.create_tables_quickly(monkeypatch, empty_database)


@pytest.fixture
def new_publication(
    tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Make]:
    """Make publications, each in a folder of its own: new, or copies with the same settings."""
    with ExitStack() as stack:
        count = 0

        def make(*, copy_of: Path | None = None, **changes: Any) -> PublicationFolder:
            nonlocal count
            count += 1
            folder = tmp_path / f"publication-{count}"
            if copy_of:
                databases.copy_publication(copy_of, folder)
            settings = make_publication(folder, **changes)
            settings.folders.var.mkdir(exist_ok=True)
            if not copy_of:
                databases.copy_test_database(empty_database, settings.folders.database)
            settings = databases.at_database(settings)
            for name, value in databases.environment_of(settings.folders.root).items():
                # Settings may be read anew, by a service or a command.
                monkeypatch.setenv(name, value)
            database = stack.enter_context(closing(open_database(settings.database)))
            return PublicationFolder(settings, database)

        yield make


@pytest.fixture
def publication(new_publication: Make) -> PublicationFolder:
    """The sample publication, empty."""
    return new_publication()


@pytest.fixture
def starting_point(new_publication: Make, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Copy a publication in which an issue waits, is approved or is sent (see `Point`)."""
    from tests.publisher.starting_points import copier  # it needs this module

    return copier(new_publication, tmp_path_factory)


@pytest.fixture
def prepared_publication(
    new_publication: Make, tmp_path_factory: pytest.TempPathFactory
) -> Make:
    """Copy a publication to which a function was done once (see `copy_prepared`)."""
    from tests.publisher.starting_points import copy_prepared  # it needs this module

    return partial(copy_prepared, new_publication, tmp_path_factory)


@pytest.fixture
def connection(publication: PublicationFolder) -> Iterator[Connection]:
    with publication.database.writing() as connection:
        # A test may do other things for long, on a machine that is busy.
        publication.database.allow_pause(connection, seconds=1200)
        yield connection


@pytest.fixture(scope="session")
def friday(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The demo's publication after a Friday's run, to be copied."""
    return published(tmp_path_factory)


@pytest.fixture(scope="session")
def corpus(request: pytest.FixtureRequest) -> Path:
    """Real articles, kept beside the project; tests that need them are skipped without."""
    folder = Path(request.config.rootpath).resolve() / "../shared/corpus"
    if not folder.is_dir():
        pytest.skip("no corpus beside the project")
    return folder
