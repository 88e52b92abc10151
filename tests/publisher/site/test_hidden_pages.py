"""Pages of hidden articles are removed, and written again when they become visible."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from publisher.articles import store
from publisher.articles.tables import article
from publisher.site import hidden_pages
from publisher.site.hidden_pages import remove_hidden_pages
from publisher.site.writer import SiteReport
from tests.publisher.conftest import NOW, House
from tests.publisher.printing import changes, pipeline_of, public, shown

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MANY = 60


def page(house: House, key: str = "a", language: str = "en") -> Path:
    return public(house) / language / "stories" / key / "index.html"


def write(house: House, name: str = "a", **matter: Any) -> None:
    house.write(f"en/{name}.md", "Words.", title=f"Title {name}", **matter)


def test_a_later_embargo_removes_the_page_until_it_ends(
    house: House,
) -> None:
    write(house, date="2026-01-08")
    shown(house)
    before = page(house).read_bytes()
    write(house, date="2026-01-12")
    assert shown(house.at(NOW + HOUR)).articles == 1
    assert not page(house).exists()
    assert shown(house.at(NOW + 2 * HOUR)) == SiteReport()
    shown(house.at(NOW + 4 * DAY))
    assert page(house).read_bytes() != before
    assert b"Title a" in page(house).read_bytes()


def test_an_embargoed_article_has_no_page(house: House) -> None:
    write(house, date="2026-01-12")
    assert shown(house).articles == 0
    assert shown(house.at(NOW + 4 * DAY)).articles == 1


@pytest.mark.parametrize("was_out", [True, False])
def test_an_article_withdrawn_during_its_embargo_gets_no_page(
    house: House, was_out: bool
) -> None:
    write(house, date="2026-01-08" if was_out else "2026-01-12")
    shown(house)
    write(house, date="2026-01-12")
    shown(house.at(NOW + HOUR))
    (house.articles / "en/a.md").unlink()
    shown(house.at(NOW + 2 * HOUR))
    assert not page(house).exists()
    assert shown(house.at(NOW + 5 * DAY)).articles == 0
    assert not page(house).exists()
    write(house, date="2026-01-12")
    assert shown(house.at(NOW + 6 * DAY)).articles == 1
    assert page(house).is_file()


@pytest.mark.parametrize("status", ["withdrawn", "stale", "untranslated"])
def test_a_held_back_article_loses_its_page_until_it_is_released(
    house: House, status: str
) -> None:
    write(house, date="2026-01-08")
    shown(house)
    write(house, date="2026-01-08", status=status)
    assert shown(house.at(NOW + HOUR)).articles == 1
    assert not page(house).exists()
    write(house, date="2026-01-08")
    shown(house.at(NOW + 2 * HOUR))
    assert page(house).is_file()


def test_an_article_that_gets_a_url_elsewhere_loses_its_page_until_the_url_is_removed(
    house: House,
) -> None:
    write(house, date="2026-01-08")
    shown(house)
    write(house, date="2026-01-08", url="https://example.net/a")
    shown(house.at(NOW + HOUR))
    assert not page(house).exists()
    with changes(public(house)) as found:
        assert shown(house.at(NOW + 2 * HOUR)) == SiteReport()
    assert found == set()
    write(house, date="2026-01-08")
    shown(house.at(NOW + 3 * HOUR))
    assert page(house).is_file()


def test_an_article_published_elsewhere_has_no_page(house: House) -> None:
    write(house, date="2026-01-08", url="https://example.net/a")
    assert shown(house).articles == 0
    assert not page(house).exists()
    with house.database.reading() as connection:
        assert store.count_articles_without_page(connection, NOW) == 0


def test_a_language_that_is_added_again_gets_its_pages_again(house: House) -> None:
    house.write("ar/a.md", "Words.", title="A", date="2026-01-08")
    languages = list(house.settings.publication.languages)
    shown(house)
    house.reload(languages=["en"])
    shown(house)
    assert not page(house, language="ar").exists()
    house.reload(languages=languages)
    shown(house)
    assert page(house, language="ar").is_file()


def test_an_embargoed_story_is_not_recommended_until_the_embargo_ends(
    house: House,
) -> None:
    for name in ("a", "b"):
        write(house, name, date="2026-01-08", topics="[Rivers]")
    shown(house)
    assert "/stories/a/" in page(house, "b").read_text("utf-8")
    write(house, date="2026-01-12", topics="[Rivers]")
    shown(house.at(NOW + HOUR))
    assert "/stories/a/" not in page(house, "b").read_text("utf-8")


def test_no_page_of_another_subject_or_language_is_written_again(house: House) -> None:
    write(house, "a", date="2026-01-08", topics="[Rivers]")
    write(house, "b", date="2026-01-08", topics="[Cats]")
    house.write("ar/c.md", "Words.", title="C", date="2026-01-08", topics="[Rivers]")
    shown(house)
    (house.articles / "en/a.md").unlink()
    house.pick_up()
    remove_hidden_pages(house.settings, house.database, NOW)
    with house.database.reading() as connection:
        assert store.articles_without_page(connection, NOW, 10) == []


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect all SQL statements while the block runs."""
    found: list[str] = []

    def note(*context: Any) -> None:
        found.append(context[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_pages_related_to_many_hidden_articles_are_marked_in_one_statement(
    house: House,
) -> None:
    for number in range(MANY + 2):
        write(house, f"s{number}", date="2026-01-08", topics="[Rivers]")
    house.pick_up()
    with house.database.writing() as connection:
        ids = [one.id for one in store.all_articles(connection)]
        store.mark_article_pages_written(connection, ids)
    for number in range(MANY):
        file = page(house, f"s{number}")
        file.parent.mkdir(parents=True)
        file.touch()
        (house.articles / f"en/s{number}.md").unlink()
    house.pick_up()
    with statements() as found:
        assert remove_hidden_pages(house.settings, house.database, NOW) == MANY
    # Begin, look for, commit: a few, however many go.
    assert len(found) < 12
    assert sum(one.startswith("UPDATE article") for one in found) == 2
    due = [row for row in house.rows(article) if row["page_hash"] is None]
    assert len(due) == 2
    assert not (public(house) / "en/stories").exists()


def test_the_run_after_a_killed_one_removes_the_page(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Stands for a kill."""

    def kill(*_: object) -> None:
        raise Killed

    write(house, date="2026-01-08")
    shown(house)
    (house.articles / "en/a.md").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(hidden_pages, "remove_file", kill)
        with pytest.raises(Killed):
            shown(house)
    assert page(house).is_file()
    shown(house)
    assert not page(house).exists()


def test_a_restored_web_root_has_no_hidden_pages(house: House) -> None:
    write(house, date="2026-01-08")
    pipeline_of(house).run()
    (house.articles / "en/a.md").unlink()
    pipeline_of(house.at(NOW + HOUR)).run()
    assert not page(house).exists()
    assert pipeline_of(house.at(NOW + 2 * HOUR)).run().written.articles == 0
