"""Publications for pages, console and API, and subscribers' pages asked by a WSGI client."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import MetaData, select

from publisher.app.operation.page_servers import open_web_state
from publisher.database import open_database
from publisher.testing import make_publication
from publisher.web.pages.application import create_app
from publisher.web.pages.responses import WebContext
from tests.databases import at_database, finding_database
from tests.publisher.conftest import NOW, PublicationFolder
from tests.sharing import made_once

MadeReady = Callable[..., PublicationFolder]
LANGUAGES = ["en", "zh-Hant", "ar"]


@dataclass
class MovingClock:
    """A clock that a test moves."""

    instant: datetime = NOW

    def now(self) -> datetime:
        return self.instant


@pytest.fixture
def publication(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    """An empty publication in three languages. Modules have others by a fixture of this name."""
    return new_publication(languages=LANGUAGES)


@pytest.fixture
def made_ready(
    new_publication: Callable[..., PublicationFolder], tmp_path_factory: pytest.TempPathFactory
) -> MadeReady:
    """Copy a publication for which a function has done something, once for all tests."""

    def copy(make: Callable[[PublicationFolder], object], **changes: Any) -> PublicationFolder:
        changes = {"languages": LANGUAGES} | changes

        def build(folder: Path) -> None:
            settings = make_publication(folder, **changes)
            settings.folders.var.mkdir()
            with finding_database(folder):
                settings = at_database(settings)
                with closing(open_database(settings.database)) as database:
                    make(PublicationFolder(settings, database))

        name = f"{make.__module__.rpartition('.')[2]}-{make.__name__}"
        made = made_once(tmp_path_factory, name, build)
        return new_publication(copy_of=made, **changes)

    return copy


@pytest.fixture
def context(publication: PublicationFolder) -> Iterator[WebContext]:
    """What pages work with; its clock is that of the publication of this test."""
    with open_web_state(publication.settings) as state:
        yield WebContext(lambda: publication.settings, state, publication.clock)


@pytest.fixture
def app(context: WebContext) -> flask.Flask:
    return create_app(context)


@pytest.fixture
def client(app: flask.Flask, publication: PublicationFolder) -> FlaskClient:
    """A client that sends the publication's host, and keeps no cookies."""
    client = app.test_client(use_cookies=False)
    client.environ_base["HTTP_HOST"] = publication.settings.publication.host
    return client


# Looked up once: they are those of every database.
_TABLES = MetaData()


def everything(publication: PublicationFolder) -> dict[str, list[tuple[object, ...]]]:
    """Give all rows of all tables."""
    with publication.database.reading() as connection:
        if not _TABLES.tables:
            _TABLES.reflect(connection)
        return {
            name: [tuple(row) for row in connection.execute(select(table))]
            for name, table in _TABLES.tables.items()
        }


def english_words(page: str) -> list[str]:
    """Give the words in Latin letters of a page, but for addresses, titles and names of languages."""
    main = page.partition("<main ")[2].partition("</main>")[0]
    main = re.sub(r"<bdi.*?</bdi>|<option[^>]*lang=.*", "", main)
    return re.findall(r"[A-Za-z]{3,}", re.sub(r"<?[^<>]*>|English|JSON|RSS", " ", main))
