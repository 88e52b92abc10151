"""Identities and moments are given once, over a real database."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select

from publisher.syndication.minting import Mint, tag
from publisher.syndication.tables import entry
from tests.publisher.conftest import House

NEW_YEAR = round(datetime(2026, 1, 1, tzinfo=UTC).timestamp())


@pytest.fixture
def stocked(house: House) -> House:
    """A publication with some articles, for entries to be of."""
    for number in range(1, 6):
        house.write(f"en/{number}.md", title=f"Story {number}")
    house.pick_up()
    return house


def keep(house: House, article: int, one: str, second: int) -> None:
    with house.database.writing() as connection:
        row = {"article_id": article, "language": "en", "tag": one, "updated": second}
        connection.execute(insert(entry).values(row | {"stamp": ""}))


def mint(house: House, wanted: int) -> int:
    with house.database.reading() as connection:
        return Mint(connection, house.settings.publication).second(wanted)


def test_an_id_says_story_and_language_in_the_name_of_the_host(house: House) -> None:
    with house.database.reading() as connection:
        made = Mint(connection, house.settings.publication).tag("tide-clock", "zh-Hans")
    assert made == "tag:news.example.org,2026-01-01:tide-clock/zh-Hans"


def test_an_id_is_given_once(stocked: House) -> None:
    publication = stocked.settings.publication
    keep(stocked, 1, tag(publication, "one/en"), 1)
    keep(stocked, 2, tag(publication, "one/en/2"), 2)
    with stocked.database.reading() as connection:
        made = Mint(connection, publication).tag("one", "en")
    assert made == "tag:news.example.org,2026-01-01:one/en/3"


def test_a_free_second_is_given_as_wanted(house: House) -> None:
    assert mint(house, NEW_YEAR) == NEW_YEAR


def test_a_taken_second_gives_the_next_one_that_is_free(stocked: House) -> None:
    for number, second in enumerate((0, 1, 3), 1):
        keep(stocked, number, f"tag:{number}", NEW_YEAR + second)
    assert mint(stocked, NEW_YEAR) == NEW_YEAR + 2
    assert mint(stocked, NEW_YEAR + 3) == NEW_YEAR + 4


def test_many_of_one_date_get_seconds_in_a_row(stocked: House) -> None:
    with stocked.database.writing() as connection:
        mint = Mint(connection, stocked.settings.publication)
        for number in range(1, 6):
            row = {"article_id": number, "language": "en", "tag": f"tag:{number}"}
            second = mint.second(NEW_YEAR)
            connection.execute(insert(entry).values(row | {"updated": second, "stamp": ""}))
        given = connection.execute(select(entry.c.updated).order_by(entry.c.id)).scalars()
        assert list(given) == [NEW_YEAR + number for number in range(5)]
