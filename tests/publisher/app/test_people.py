"""Whoever stands in people.toml is one person: one name in each language, and one feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from publisher.app.preferences import EnteredPreferences, read_choices, save_choices
from publisher.config.loader import PEOPLE_FILE
from publisher.issues.tables import digest_table, issue_table
from publisher.syndication.tables import feed, feed_entry
from subscribers import known_subscriber
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import json_feed, pipeline_of, public

if TYPE_CHECKING:
    from collections.abc import Callable

PEOPLE = """\
[ada-lark]
name = { en = "Ada Lark", ar = "آدا لارك" }
aliases = ["A. Lark", "Lark, Ada"]
affiliation = { en = "Harbour Institute" }
"""
DAILY = [{"name": "daily", "schedule": "0 8 * * *", "title": {"en": "The morning lamp"}}]


def names(folder: PublicationFolder, name: str) -> list[list[str]]:
    items = json_feed(folder, name)["items"]
    return [[author["name"] for author in item["authors"]] for item in items]


def author_feeds(folder: PublicationFolder) -> list[str]:
    return sorted(row["name"] for row in folder.rows(feed) if row["kind"] == "author")


@pytest.fixture
def lantern(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    """Three spellings of one author, in two languages."""
    folder = new_publication(newsletters=DAILY, languages=["en", "ar"])
    folder.write("en/a.md", title="One", date="2026-01-07", author="Ada Lark")
    folder.write("en/b.md", title="Two", date="2026-01-08", authors='["A. Lark", "Ben Ruiz"]')
    folder.write("ar/a.md", "كلمات.", title="واحد", date="2026-01-07", author="آدا لارك")
    return folder


def know(folder: PublicationFolder, text: str = PEOPLE) -> None:
    (folder.settings.folders.root / PEOPLE_FILE).write_text(text, "utf-8")
    folder.reload(newsletters=DAILY, languages=["en", "ar"])


def page(folder: PublicationFolder, path: str) -> str:
    return (public(folder) / path / "index.html").read_text("utf-8")


def test_every_spelling_is_one_feed_and_one_name(lantern: PublicationFolder) -> None:
    know(lantern)
    lantern.write("ar/c.md", "كلمات.", title="ثلاثة", date="2026-01-06", author="ada-lark")
    assert pipeline_of(lantern).run().problems == []
    expected = ["ar/authors/ada-lark", "en/authors/ada-lark", "en/authors/ben-ruiz"]
    assert author_feeds(lantern) == expected
    assert names(lantern, "en/authors/ada-lark") == [["Ada Lark", "Ben Ruiz"], ["Ada Lark"]]
    assert names(lantern, "ar/authors/ada-lark") == [["آدا لارك"], ["آدا لارك"]]
    assert "<strong>Ada Lark</strong>, Harbour Institute" in page(lantern, "en/stories/b")
    assert '"@id": "https://news.example.org/#ada-lark"' in page(lantern, "ar/stories/a")
    digests = [row["text"] for row in lantern.rows(digest_table) if "Two" in row["text"]]
    assert digests
    assert all("Ada Lark" in text and "A. Lark" not in text for text in digests)


def test_a_later_entry_revises_nothing_and_keeps_feeds(lantern: PublicationFolder) -> None:
    assert pipeline_of(lantern).run().problems == []
    before = {row["id"]: row for row in lantern.rows(feed)}
    entries, pages = lantern.rows(feed_entry), lantern.rows(issue_table)
    know(lantern)
    assert pipeline_of(lantern).run().problems == []
    # No entry counts as revised, and no issue as corrected.
    assert lantern.rows(feed_entry) == entries
    assert lantern.rows(issue_table) == pages
    after = {row["id"]: row for row in lantern.rows(feed)}
    assert all(
        (after[n]["name"], after[n]["tag"]) == (r["name"], r["tag"]) for n, r in before.items()
    )
    # The feed under another spelling goes on for its readers, and no page lists it.
    both = [["Ada Lark", "Ben Ruiz"], ["Ada Lark"]]
    assert names(lantern, "en/authors/ada-lark") == both
    assert names(lantern, "en/authors/a-lark") == both
    listed = page(lantern, "en/feeds")
    assert "/en/feeds/authors/ada-lark/" in listed
    assert "/en/feeds/authors/a-lark/" not in listed
    # Without the entry, all is as it was.
    (lantern.settings.folders.root / PEOPLE_FILE).unlink()
    lantern.reload(newsletters=DAILY, languages=["en", "ar"])
    assert pipeline_of(lantern).run().problems == []
    assert names(lantern, "en/authors/ada-lark") == [["Ada Lark"]]
    assert names(lantern, "en/authors/a-lark") == [["A. Lark", "Ben Ruiz"]]


def test_a_person_keeps_the_feed_under_a_new_name(lantern: PublicationFolder) -> None:
    know(lantern)
    pipeline_of(lantern).run()
    know(
        lantern, PEOPLE.replace('"Ada Lark"', '"Ada Moor"').replace('"Lark, Ada"', '"Ada Lark"')
    )
    assert pipeline_of(lantern).run().problems == []
    titles = {row["name"]: row["title"] for row in lantern.rows(feed)}
    assert titles["en/authors/ada-lark"] == "Ada Moor"
    assert len(author_feeds(lantern)) == len(titles.keys() & {*author_feeds(lantern)}) == 3
    assert names(lantern, "en/authors/ada-lark") == [["Ada Moor", "Ben Ruiz"], ["Ada Moor"]]


def test_a_choice_of_an_author_goes_on_under_every_spelling(lantern: PublicationFolder) -> None:
    lantern.pick_up()
    subscribe(lantern, ("ann@example.org", "en"))
    chosen: dict[str, Any] = {"languages": ("en",), "newsletters": ("daily",)}

    def save(*authors: str) -> frozenset[str]:
        entered = EnteredPreferences(**chosen, authors=authors)
        with lantern.database.writing() as connection:
            return save_choices(connection, lantern.settings, 1, entered, NOW)

    assert save("A. Lark") == {"authors", "newsletters"}
    know(lantern)
    with lantern.database.reading() as connection:
        ann = known_subscriber(connection, "ann@example.org")
        choices = read_choices(connection, lantern.settings, ann, NOW)
    assert choices.preferences.authors == ("Ada Lark",)
    assert choices.authors == ("Ada Lark", "Ben Ruiz")
    assert save("Ada Lark") == frozenset()
    pipeline_of(lantern).run()
    texts = [row["text"] for row in lantern.rows(digest_table)]
    assert any("One" in text and "Two" in text for text in texts)
