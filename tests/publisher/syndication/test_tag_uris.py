"""Identities are given once, over a real database."""

import pytest
from sqlalchemy import insert

from publisher.syndication.tables import feed_entry
from publisher.syndication.tag_uris import new_entry_tag, publication_tag
from tests.publisher.conftest import House

START = "tag:news.example.org,2026-01-01:"


@pytest.fixture
def stocked(house: House) -> House:
    """A publication with some articles, for entries to be of."""
    for number in range(1, 4):
        house.write(f"en/{number}.md", title=f"Story {number}")
    house.pick_up()
    return house


def keep(house: House, article: int, specific: str) -> None:
    one = publication_tag(house.settings.publication, specific)
    with house.database.writing() as connection:
        row = {"article_id": article, "language": "en", "tag": one, "updated": 1}
        connection.execute(insert(feed_entry).values(row | {"stamp": ""}))


def mint(house: House, slug: str, language: str) -> str:
    with house.database.reading() as connection:
        return new_entry_tag(connection, house.settings.publication, slug, language)


def test_an_id_says_story_and_language_in_the_name_of_the_host(house: House) -> None:
    assert mint(house, "tide-clock", "zh-Hans") == f"{START}tide-clock/zh-Hans"


def test_an_id_is_given_once(stocked: House) -> None:
    keep(stocked, 1, "one/en")
    keep(stocked, 2, "one/en/2")
    assert mint(stocked, "one", "en") == f"{START}one/en/3"


def test_a_story_named_feed_has_no_feed_s_id(house: House) -> None:
    assert mint(house, "feed", "en") == f"{START}feed/en/2"
