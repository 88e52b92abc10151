"""The first import of a source is an archive: it has pages, and issues carry it if it is announced."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from publisher.app.articles import (
    announce_articles,
    count_archived_articles,
    count_mailed_articles,
)
from publisher.articles.model import Mailing
from publisher.errors import UsageError
from publisher.ingest.archive import archive_rule
from tests.publisher.assembly.test_select import carried, issues, select
from tests.publisher.conftest import NOW, PublicationFolder

DAY = timedelta(days=1)
WEEK = 7 * DAY
FIRST, SECOND = "weekly-en-2026-01-09", "weekly-en-2026-01-16"


@pytest.fixture
def site(publication: PublicationFolder) -> PublicationFolder:
    """A site of Jekyll with a post of last week in two languages, and one that is to come."""
    publication.write("_config.yml", "lang: en\n")
    post(publication, "2026-01-05-tides", "Tides")
    publication.write("_posts/ar/2026-01-05-tides.md", "المد.", title="المد", lang="ar")
    post(publication, "2026-01-12-ferry", "Ferry")
    return publication


def post(publication: PublicationFolder, name: str, title: str) -> None:
    publication.write(f"_posts/{name}.md", f"Words about {title}.", title=title)


def mailings(publication: PublicationFolder) -> dict[str, str]:
    """Give what issues do with each article, by title."""
    return {one.title: one.mailing.value for one in publication.all().values()}


def names(publication: PublicationFolder, issue: str) -> list[str]:
    """Give the file names of the articles that an issue carries, in order."""
    return [one.removesuffix(" en").rpartition("/")[2] for one in carried(publication, issue)]


def announce(publication: PublicationFolder, name: str) -> int:
    return announce_articles(
        publication.settings, publication.database, name, publication.clock.now()
    )


def test_no_issue_carries_what_a_site_had_published_before_its_first_import(
    site: PublicationFolder,
) -> None:
    assert select(site) == 0
    assert issues(site)[FIRST].reason == "no new articles (1 of the archive)"
    assert mailings(site) == {"Tides": "archive", "المد": "archive", "Ferry": "news"}
    assert len(site.visible()) == 1
    assert count_archived_articles(site.database) == {"articles": 2}
    assert count_mailed_articles(site.database, "articles") == {"archive": 2, "news": 1}


def test_what_a_site_publishes_afterwards_is_news(site: PublicationFolder) -> None:
    site.pick_up()
    post(site, "2026-01-13-pier", "Pier")
    assert select(site.at(NOW + WEEK)) == 1
    assert names(site, SECOND) == ["2026-01-13-pier", "2026-01-12-ferry"]


def test_a_translation_of_the_archive_that_comes_later_is_news_in_its_language(
    site: PublicationFolder,
) -> None:
    post(site, "2026-01-06-pier", "Pier")
    site.pick_up()
    site.at(NOW + DAY)
    site.write("_posts/ar/2026-01-06-pier.md", "الرصيف.", title="الرصيف", lang="ar")
    site.pick_up()
    assert mailings(site) | {"Pier": "archive", "الرصيف": "news"} == mailings(site)


def test_an_announced_source_is_carried_once_and_announcing_it_again_changes_nothing(
    site: PublicationFolder,
) -> None:
    post(site, "2019-05-01-storm", "Storm")
    site.pick_up()
    assert announce(site, "articles") == 3
    assert announce(site, "articles") == 0
    # Whatever its age: somebody wants it to be read.
    assert select(site) == 2
    assert names(site, FIRST) == ["2026-01-05-tides", "2019-05-01-storm"]
    assert announce(site, "articles") == 0
    select(site.at(NOW + WEEK))
    assert names(site, SECOND) == ["2026-01-12-ferry"]


def test_one_story_of_an_archive_is_announced_in_all_its_languages(
    site: PublicationFolder,
) -> None:
    post(site, "2026-01-06-pier", "Pier")
    site.pick_up()
    tides = next(one for one in site.all().values() if one.title == "Tides")
    assert announce(site, tides.story_key) == 2
    found = mailings(site)
    assert (found["Tides"], found["المد"], found["Pier"]) == (
        "announced",
        "announced",
        "archive",
    )
    assert announce(site, tides.slug) == 0
    with pytest.raises(UsageError, match="tydes: no source and no story has this name"):
        announce(site, "tydes")


def test_what_was_held_back_at_the_first_import_is_no_news_when_it_is_corrected(
    site: PublicationFolder,
) -> None:
    site.write("_posts/2026-01-07-broken.md", b"---\ntitle: [\n---\n")
    site.pick_up()
    assert "_posts/2026-01-07-broken.md" in site.quarantine()
    post(site, "2026-01-07-broken", "Corrected")
    site.at(NOW + DAY).pick_up()
    assert mailings(site)["Corrected"] == "archive"


def test_a_copy_that_is_translated_after_the_first_import_is_news(
    site: PublicationFolder,
) -> None:
    words = "Words about Tides."
    site.write("_posts/ar/2026-01-05-tides.md", words, title="Tides", lang="ar")
    site.pick_up()
    site.write("_posts/ar/2026-01-05-tides.md", "المد.", title="المد", lang="ar")
    site.at(NOW + DAY).pick_up()
    assert mailings(site)["المد"] == "news"


def test_what_other_settings_find_of_a_site_is_an_archive_too(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    folder = {"kind": "folder", "path": "articles"}
    site = new_publication(sources=[{**folder, "exclude": ["2026-01-06-*"]}])
    post(site, "2026-01-05-tides", "Tides")
    post(site, "2026-01-06-pier", "Pier")
    site.pick_up()
    assert mailings(site) == {"Tides": "archive"}
    site.reload(sources=[folder])
    site.at(NOW + DAY).pick_up()
    assert mailings(site) == {"Tides": "archive", "Pier": "archive"}


def test_a_first_import_that_was_interrupted_stays_one(site: PublicationFolder) -> None:
    def interrupt(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        site.pick_up(interrupt)
    post(site, "2026-01-06-pier", "Pier")
    site.at(NOW + timedelta(hours=1)).pick_up()
    assert mailings(site)["Pier"] == "archive"


@pytest.mark.parametrize(
    ("setting", "is_site", "expected"),
    [
        ("auto", True, Mailing.ARCHIVE),
        ("auto", False, Mailing.NEWS),
        ("archive", False, Mailing.ARCHIVE),
        ("news", True, Mailing.NEWS),
    ],
)
def test_a_source_may_say_whether_its_first_import_is_news(
    setting: str, is_site: bool, expected: Mailing
) -> None:
    rule = archive_rule(
        setting,  # type: ignore[arg-type]
        is_site=is_site,
        imported_at=None,
        same_rules=False,
        now=NOW,
    )
    published = datetime(2026, 1, 5, tzinfo=UTC)
    assert rule.mailing_of(published, was_held=False) is expected
