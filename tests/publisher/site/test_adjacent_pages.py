"""Links to the article and the issue before and after: right wherever an article comes, goes or moves."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from publisher.articles import store
from publisher.issues import digests
from publisher.issues.tables import issue_table
from publisher.rendering import Renderer
from publisher.site import writer
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.printing import URL, changes, pipeline_of, public, shown
from tests.publisher.site.test_archive_pages import write
from tests.publisher.site.test_hidden_pages import statements
from tests.publisher.site.test_writer import text_of

DAY = timedelta(days=1)


def neighbours(publication: PublicationFolder, path: str) -> tuple[dict[str, str], int]:
    """Return the last parts of the addresses that a page's head names, and how many links its text has."""
    page = text_of(publication, path)
    head = re.findall(rf'<link rel="(prev|next)" href="{URL}/[^"]*?([^/"]+)/"', page)
    return dict(head), len(re.findall(r'<a rel="(?:prev|next)" href="/', page))


def chain(publication: PublicationFolder, *slugs: str) -> None:
    """Assert that the pages of these articles, the oldest first, link to each other in this order."""
    for before, slug, after in zip(("", *slugs), slugs, (*slugs[1:], ""), strict=False):
        expected = {"prev": before, "next": after}
        expected = {rel: other for rel, other in expected.items() if other}
        found = neighbours(publication, f"en/stories/{slug}")
        assert found == (expected, len(expected))


def stories(changed: set[str]) -> set[str]:
    return {path.split("/")[2] for path in changed if path.startswith("en/stories/")}


def test_an_article_leads_to_those_before_and_after_it_in_its_language(
    publication: PublicationFolder,
) -> None:
    for day, name in ((5, "b"), (6, "c"), (4, "a"), (6, "d")):
        write(publication, f"en/{name}", f"2026-01-0{day}")
    write(publication, "ar/b", "2026-01-05")
    write(publication, "en/elsewhere", "2026-01-05", url="https://example.net/x")
    shown(publication)
    # Of one moment, the archive lists the first key first.
    chain(publication, "a", "b", "d", "c")
    assert neighbours(publication, "ar/stories/b") == ({}, 0)
    page = text_of(publication, "en/stories/b")
    assert f'<link rel="prev" href="{URL}/en/stories/a/" title="Title of en/a">' in page


def test_articles_of_one_instant_are_sorted_once_for_all_of_them(
    publication: PublicationFolder,
) -> None:
    for name in ("c", "a", "e", "b", "d", "f"):
        write(publication, f"en/{name}", "2026-01-05" if name != "f" else "2026-01-06")
    publication.pick_up()
    with publication.database.reading() as connection, statements() as found:
        due = store.articles_without_page(connection, NOW, 10)
        beside = store.adjacent_articles(connection, due, NOW)
    slugs = {one.slug: [other and other.slug for other in beside[one.id]] for one in due}
    assert slugs == {
        "a": ["b", "f"],
        "b": ["c", "a"],
        "c": ["d", "b"],
        "d": ["e", "c"],
        "e": [None, "d"],
        "f": ["a", None],
    }
    # The articles, all neighbours of one instant, and of each instant those before and after it.
    assert len(found) == 2 + 2 * 2


def test_only_neighbours_of_what_changed_are_written_again(
    publication: PublicationFolder,
) -> None:
    for day, name in ((3, "a"), (4, "b"), (5, "d"), (6, "e")):
        write(publication, f"en/{name}", f"2026-01-0{day}")
    shown(publication)
    with changes(public(publication)) as found:
        publication.write("en/b.md", "Other words.", title="Title of en/b", date="2026-01-04")
        shown(publication.at(NOW + DAY))
    assert stories(found) == {"b"}
    with changes(public(publication)) as found:
        write(publication, "en/b", "2026-01-04", title="Tides & <b>")
        shown(publication.at(NOW + DAY))
    assert stories(found) == {"a", "b", "d"}
    with changes(public(publication)) as found:
        write(publication, "en/f", "2026-01-07")
        shown(publication.at(NOW + DAY))
    assert stories(found) == {"e", "f"}
    with changes(public(publication)) as found:
        write(publication, "en/b", "2026-01-08", title="Tides & <b>")
        shown(publication.at(NOW + 2 * DAY))
    assert stories(found) == {"a", "b", "d", "f"}
    chain(publication, "a", "d", "e", "f", "b")
    with changes(public(publication)) as found:
        (publication.articles / "en/e.md").unlink()
        (publication.articles / "en/d.md").unlink()
        shown(publication.at(NOW + 2 * DAY))
    assert stories(found) == {"a", "d", "e", "f"}
    chain(publication, "a", "f", "b")
    with changes(public(publication)) as found:
        shown(publication.at(NOW + 3 * DAY))
    assert found == set()


def test_an_article_whose_day_comes_is_linked_by_its_neighbours(
    publication: PublicationFolder,
) -> None:
    for day, name in ((5, "a"), (14, "b")):
        write(publication, f"en/{name}", f"2026-01-{day:02}")
    shown(publication)
    chain(publication, "a")
    shown(publication.at(NOW + 10 * DAY))
    chain(publication, "a", "b")


class _Previous(Renderer):
    """Stands for templates of a publication's own with a link to the article before alone."""

    @property
    def has_own_templates(self) -> bool:
        return True

    def article_page(self, *given: Any) -> str:
        return re.sub(r'<link rel="next".*?>', "", super().article_page(*given))


def test_pages_that_link_to_the_article_before_alone_are_written_once(
    publication: PublicationFolder,
) -> None:
    for day, name in ((3, "a"), (4, "b"), (5, "c"), (6, "d")):
        write(publication, f"en/{name}", f"2026-01-0{day}")
    here = publication.settings, publication.database, _Previous()
    publication.pick_up()
    assert writer.write_site(*here, NOW).articles == 4
    write(publication, "en/c", "2026-01-05", title="Another title")
    publication.at(NOW + DAY).pick_up()
    counts = [writer.write_site(*here, NOW + DAY).articles for _cycle in range(3)]
    assert sum(counts) == 2
    assert "Another title" in text_of(publication, "en/stories/d")


class _Killed(Renderer):
    """Lets the process end when it comes to the page of /en/stories/z/."""

    def article_page(self, *given: Any) -> str:
        if given[1].article.slug == "z":
            raise KeyboardInterrupt
        return super().article_page(*given)


def test_neighbours_that_an_article_leaves_are_written_again_after_a_kill(
    publication: PublicationFolder,
) -> None:
    for day, name in ((3, "a"), (4, "b"), (5, "c"), (6, "d"), (7, "e"), (8, "z")):
        write(publication, f"en/{name}", f"2026-01-0{day}")
    shown(publication)
    write(publication, "en/b", "2026-01-06")
    write(publication, "en/z", "2026-01-08", summary="Another.")
    publication.at(NOW + DAY).pick_up()
    with pytest.raises(KeyboardInterrupt):
        writer.write_site(publication.settings, publication.database, _Killed(), NOW + DAY)
    assert neighbours(publication, "en/stories/b")[0]["next"] != "c"
    shown(publication)
    chain(publication, "a", "c", "d", "b", "e", "z")


def test_a_new_issue_changes_of_the_pages_of_issues_only_its_predecessor_s(
    new_publication: Make,
) -> None:
    weekly = {"name": "weekly", "languages": ["en"], "schedule": "0 8 * * 5"}
    publication = new_publication(newsletters=[weekly])

    def publish(week: int) -> None:
        write(publication, f"en/{week}", f"2026-01-{6 + 7 * week:02}")
        pipeline = pipeline_of(publication.at(NOW + 7 * week * DAY))
        assert pipeline.run().problems == []

    publish(0)
    publish(1)
    with changes(public(publication)) as found:
        publish(2)
    issues = [f"en/weekly/2026-01-{day:02}" for day in (9, 16, 23)]
    assert {path for path in found if re.match(r"en/weekly/\d", path)} == {
        f"{path}/index.html" for path in issues[1:]
    }
    first, second, third = (neighbours(publication, path) for path in issues)
    assert first == ({"next": "2026-01-16"}, 1)
    assert second == ({"prev": "2026-01-09", "next": "2026-01-23"}, 2)
    assert third == ({"prev": "2026-01-16"}, 1)
    assert "-issue" not in text_of(publication, issues[2]).partition("<body")[2]
    with changes(public(publication)) as found:
        with publication.database.writing() as connection:
            writer.mark_all_pages_due(connection)
        shown(publication)
        shown(publication)
    assert {path for path in found if path.endswith(".html")} == set()


def test_pages_of_issues_that_are_never_recorded_do_not_have_ever_more_of_them_written_again(
    new_publication: Make,
) -> None:
    weekly = {"name": "weekly", "languages": ["en"], "schedule": "0 8 * * 5"}
    publication = new_publication(newsletters=[weekly])
    for week in range(4):
        write(publication, f"en/{week}", f"2026-01-{6 + 7 * week:02}")
        assert pipeline_of(publication.at(NOW + 7 * week * DAY)).run().problems == []
    late = NOW + 22 * DAY
    with publication.database.writing() as connection:
        newest = digests.published_issues(connection, "weekly", "en", 1, late)[0]
        here = issue_table.c.id == newest.id
        connection.execute(update(issue_table).where(here).values(page_hash=None))
    # As while no bucket has them.
    due = [len(writer._due_issues(publication.database, late)) for _cycle in range(3)]
    assert due == [2, 2, 2]
