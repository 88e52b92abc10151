"""Ids of entries are unique, in a real database."""

import pytest
from sqlalchemy import insert

from publisher.syndication.tables import feed_entry
from publisher.syndication.tag_uris import new_entry_tag, publication_tag
from tests.publisher.conftest import PublicationFolder

START = "tag:news.example.org,2026-01-01:"


@pytest.fixture
def stocked(publication: PublicationFolder) -> PublicationFolder:
    """A publication with three articles."""
    for number in range(1, 4):
        publication.write(f"en/{number}.md", title=f"Story {number}")
    publication.pick_up()
    return publication


def store(publication: PublicationFolder, article: int, specific: str) -> None:
    one = publication_tag(publication.settings.publication, specific)
    with publication.database.writing() as connection:
        row = {"article_id": article, "language": "en", "tag": one, "updated": 1}
        connection.execute(insert(feed_entry).values(row | {"fingerprint": ""}))


def new_tag(publication: PublicationFolder, slug: str, language: str) -> str:
    with publication.database.reading() as connection:
        return new_entry_tag(connection, publication.settings.publication, slug, language)


def test_an_id_contains_host_story_and_language(publication: PublicationFolder) -> None:
    assert new_tag(publication, "tide-clock", "zh-Hans") == f"{START}tide-clock/zh-Hans"


def test_an_id_is_assigned_once(stocked: PublicationFolder) -> None:
    store(stocked, 1, "one/en")
    store(stocked, 2, "one/en/2")
    assert new_tag(stocked, "one", "en") == f"{START}one/en/3"


def test_a_story_called_feed_does_not_get_the_id_of_a_feed(
    publication: PublicationFolder,
) -> None:
    assert new_tag(publication, "feed", "en") == f"{START}feed/en/2"
