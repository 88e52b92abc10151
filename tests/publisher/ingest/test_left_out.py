"""What is rightly no article: counted, shown apart from faults, and read again at its time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from publisher.app.status import take_snapshot
from publisher.cli.problem_lines import left_out_parts, summarise_articles
from publisher.ingest.quarantine import count_left_out, left_out_by_name
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.ingest.sites.helpers import page


@pytest.fixture
def publication(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    publication = new_publication()
    publication.write("hugo.toml", b'[languages.en]\ncontentDir = "content/en"\n')
    return publication


def write(publication: PublicationFolder, name: str, text: str) -> None:
    publication.write(f"content/en/{name}", text.encode())


def held_back(publication: PublicationFolder) -> dict[str, int]:
    with publication.database.reading() as connection:
        return count_left_out(connection)


def test_each_reason_is_counted_apart_from_faults(publication: PublicationFolder) -> None:
    write(publication, "post/a.md", page(title="A", date="2026-01-08"))
    write(publication, "post/draft.md", page(title="D", date="2026-01-08", draft="true"))
    write(publication, "post/stub.md", page(untranslated="1"))
    write(publication, "docs/x.md", page(title="X"))
    write(publication, "empty.md", "---\ntitle: By a template\ndate: 2026-01-08\n---\n")
    write(publication, "post/broken.md", page(title="B", date="tomorrow"))
    write(publication, "_index.md", page(title="Home"))
    publication.pick_up()
    assert set(publication.all()) == {("post/a", "en")}
    assert set(publication.quarantine()) == {"content/en/post/broken.md"}
    assert held_back(publication) == {"draft": 1, "untranslated": 1, "page": 2}
    facts = take_snapshot(publication.settings, publication.database, NOW)
    assert "Left out by name: 1 list (content 1), 1 unknown ending (.toml 1)" in list(
        summarise_articles(facts)
    )


def test_what_is_left_out_is_stored_anew_when_it_changes(
    publication: PublicationFolder,
) -> None:
    def named() -> list[tuple[str, str, int]]:
        with publication.database.reading() as connection:
            return left_out_by_name(connection)

    publication.pick_up()
    assert named() == [("unknown ending", ".toml", 1)]
    write(publication, "notes.dat", "x")
    publication.pick_up()
    assert named() == [("unknown ending", ".dat", 1), ("unknown ending", ".toml", 1)]


def test_an_article_comes_and_goes_at_its_times(publication: PublicationFolder) -> None:
    times = {"publishDate": "2026-01-10T00:00:00Z", "expiryDate": "2026-01-12T00:00:00Z"}
    write(publication, "post/a.md", page(title="A", date="2026-01-08", **times))
    publication.pick_up()
    assert (publication.all(), held_back(publication)) == ({}, {"scheduled": 1})
    publication.at(datetime(2026, 1, 10, tzinfo=UTC)).pick_up()
    assert set(publication.all()) == {("post/a", "en")}
    assert held_back(publication) == {}
    publication.at(datetime(2026, 1, 12, tzinfo=UTC)).pick_up()
    assert (publication.all(), held_back(publication)) == ({}, {"expired": 1})
    publication.at(NOW + timedelta(days=90)).pick_up()
    assert publication.all() == {}


def test_a_changed_configuration_means_reading_all_again(
    publication: PublicationFolder,
) -> None:
    write(publication, "post/a.md", page(title="A", date="2026-01-08"))
    publication.pick_up()
    assert publication.pick_up().unchanged == 1
    publication.write("hugo.toml", b'[languages.fr]\ncontentDir = "content/en"\n')
    publication.pick_up()
    assert set(publication.all()) == {("post/a", "fr")}


def test_counts_are_summed_by_reason_with_the_most_frequent_groups() -> None:
    counts = [("page", "docs", 1200), ("list", "", 3), ("page", "about", 2)]
    assert list(left_out_parts(counts)) == ["1,202 page (docs 1,200, about 2)", "3 list"]


def test_a_front_page_that_its_layout_fills_is_no_fault(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication()
    publication.write("_config.yml", b"collections: {stories: {output: true}}\n")
    publication.write("_stories/fr/index.html", b"---\nlayout: list\nlang: fr\n---\n")
    publication.write("_stories/fr/empty.html", b"---\nlayout: story\ntitle: E\n---\n")

    publication.pick_up()

    assert set(publication.quarantine()) == {"_stories/fr/empty.html"}
    assert held_back(publication) == {"page": 1}
