"""The lists by which each article is reached: months, sections, and the front page."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from publisher.site import archive_pages
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.ingest.helpers import png
from tests.publisher.printing import URL, changes, public, shown, syndicated
from tests.publisher.site.test_hidden_pages import statements
from tests.publisher.site.test_writer import pages, text_of


def write(publication: PublicationFolder, name: str, date: str, **fields: str) -> None:
    publication.write(
        f"{name}.md",
        f"Words of {name}.",
        **{"title": f"Title of {name}", "date": date} | fields,
    )


def test_each_article_is_in_the_list_of_its_month_and_of_its_section(
    publication: PublicationFolder,
) -> None:
    write(publication, "en/tides", "2026-01-05", section="Rivers & seas")
    write(publication, "en/maps", "2025-12-31", section="Rivers & seas")
    write(publication, "ar/tides", "2026-01-06")
    assert shown(publication).problems == []
    whole = text_of(publication, "en/archive")
    for words in ("January 2026", "December 2025", "Rivers &amp; seas"):
        assert words in whole
    assert whole.index("January 2026") < whole.index("December 2025")
    assert "Title of en/tides" in text_of(publication, "en/archive/2026-01")
    assert "Title of en/maps" not in text_of(publication, "en/archive/2026-01")
    section = text_of(publication, "en/sections/rivers-seas")
    assert section.index("Title of en/tides") < section.index("Title of en/maps")
    # The same month in another language, and no month that it does not have.
    assert f'hreflang="ar" href="{URL}/ar/archive/2026-01/"' in text_of(
        publication, "en/archive/2026-01"
    )
    assert f"{URL}/ar/archive/2025-12/" not in text_of(publication, "en/archive/2025-12")


def test_only_the_lists_of_a_changed_article_are_written_again(
    publication: PublicationFolder,
) -> None:
    for month in (1, 2, 3):
        about = {"section": f"Section {month}", "summary": "Short."}
        write(publication, f"en/{month}", f"2025-0{month}-01", **about)
    shown(publication)
    write(publication, "en/2", "2025-02-01", section="Section 2", title="Another title")
    with changes(public(publication)) as found:
        shown(publication.at(NOW + timedelta(hours=1)))
    assert {path for path in found if "archive" in path or "sections" in path} == {
        "en/archive/2025-02/index.html",
        "en/sections/section-2/index.html",
    }
    assert "Another title" in text_of(publication, "en/archive/2025-02")
    # No list shows a text but the index of the search.
    page = public(publication) / "en/archive/2025-03/index.html"
    page.write_text("by hand")
    about |= {"title": "Title of en/3", "date": "2025-03-01"}
    publication.write("en/3.md", "Other words.", **about)
    shown(publication.at(NOW + timedelta(hours=2)))
    assert page.read_text() == "by hand"
    assert "Other words." in (public(publication) / "en/search/0.json").read_text()


def test_of_languages_in_which_nothing_changed_no_list_is_read(
    publication: PublicationFolder,
) -> None:
    for name in ("en/1", "ar/1", "zh-Hans/2"):
        write(publication, name, "2026-01-05")
    shown(publication)
    write(publication, "ar/1", "2026-01-05", summary="Another summary")
    with statements() as found:
        shown(publication.at(NOW + timedelta(hours=1)))
    lists = [one for one in found if "ORDER BY article.published_at DESC" in one]
    assert {tag for tag in ("en", "ar", "zh-Hans") for one in lists if f"'{tag}'" in one} == {
        "ar"
    }


def test_lists_of_a_month_link_to_it_in_a_language_as_long_as_this_has_it(
    publication: PublicationFolder,
) -> None:
    def links() -> bool:
        return f'hreflang="ar" href="{URL}/ar/archive/2026-01/"' in text_of(
            publication, "en/archive/2026-01"
        )

    write(publication, "en/tides", "2026-01-05")
    write(publication, "ar/maps", "2025-12-31")
    shown(publication)
    assert not links()
    write(publication, "ar/tides", "2026-01-06")
    shown(publication.at(NOW + timedelta(hours=1)))
    assert links()
    (publication.articles / "ar/tides.md").unlink()
    shown(publication.at(NOW + timedelta(hours=2)))
    assert not links()


def test_a_list_without_articles_is_removed(publication: PublicationFolder) -> None:
    write(publication, "en/tides", "2026-01-05", section="Rivers")
    write(publication, "en/maps", "2025-12-31", section="Maps")
    shown(publication)
    (publication.articles / "en/maps.md").unlink()
    shown(publication.at(NOW + timedelta(hours=1)))
    left = {path for path in pages(publication) if "archive" in path or "sections" in path}
    assert {path for path in left if path.startswith("en/")} == {
        *("en/archive/", "en/archive/2026-01/", "en/sections/rivers/"),
    }


def test_sections_whose_names_give_one_address_have_lists_of_their_own(
    publication: PublicationFolder,
) -> None:
    write(publication, "en/one", "2026-01-05", section="City life")
    write(publication, "en/two", "2026-01-05", section="City-Life")
    shown(publication)
    found = sorted(path for path in pages(publication) if "en/sections/" in path)
    assert len(found) == 2
    texts = [text_of(publication, path) for path in found]
    assert [("Title of en/one" in one, "Title of en/two" in one) for one in texts] in (
        [(True, False), (False, True)],
        [(False, True), (True, False)],
    )
    # The front page leads to both.
    front = text_of(publication, "en")
    assert all(f'href="/{path}">City' in front for path in found)


def test_the_front_page_leads_to_the_sections_with_most_articles(
    publication: PublicationFolder,
) -> None:
    names = ("Rivers", "City", "Harbour", "Food", "Work", "Post", "Trams", "Weather", "Maps")
    for count, name in enumerate(names):
        for number in range(1 if count else 2):
            write(publication, f"en/{name}-{number}", "2026-01-05", section=name)
    write(publication, "en/letter", "2026-01-05")
    shown(publication)
    (nav,) = re.findall(
        r'<nav class="sections".*?</nav>', text_of(publication, "en"), re.DOTALL
    )
    assert re.findall(r">(\w+)</a>", nav) == ["Rivers", *sorted(names[1:])[:7]]
    # A language without sections has no such line.
    assert 'class="sections"' not in text_of(publication, "ar")


def test_a_long_list_has_pages_of_which_a_new_article_changes_the_first(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_pages, "ARTICLES_ON_PAGE", 2)
    for day in range(1, 8):
        write(publication, f"en/{day}", f"2026-01-0{day}", section="City")
    shown(publication)

    def listed(path: str) -> list[str]:
        return re.findall(r"Title of en/(\d)<", text_of(publication, path))

    assert listed("en/sections/city") == ["7", "6", "5"]
    assert [listed(f"en/sections/city/{page}") for page in (2, 1)] == [["4", "3"], ["2", "1"]]
    page = text_of(publication, "en/sections/city/2")
    assert f'<link rel="prev" href="{URL}/en/sections/city/">' in page
    assert f'<link rel="next" href="{URL}/en/sections/city/1/">' in page
    assert page.index("Newer articles") < page.index("Older articles")
    write(publication, "en/8", "2026-01-08", section="City")
    with changes(public(publication)) as found:
        shown(publication.at(NOW + timedelta(days=1)))
    # The first page is full then, and its older half becomes a page of its own.
    assert {path for path in found if "/sections/" in path} == {
        f"en/sections/city/{page}index.html" for page in ("", "3/", "2/")
    }
    assert [listed(f"en/sections/city/{page}") for page in ("", "3/")] == [
        ["8", "7"],
        ["6", "5"],
    ]


@pytest.mark.parametrize("count", range(8))
def test_pages_of_a_list_have_every_row_once(count: int) -> None:
    rows = range(count)
    pages = [*archive_pages.split_list(rows, 2)]
    assert [row for _number, some in pages for row in some] == [*rows]
    assert [number for number, _some in pages] == [0, *range(len(pages) - 1, 0, -1)]
    assert all(len(some) == 2 for _number, some in pages[1:])


def test_topics_and_authors_have_lists_to_which_articles_lead(
    publication: PublicationFolder,
) -> None:
    (publication.settings.folders.root / "people.toml").write_text(
        '[li]\nname = {en = "Li Wei", zh-Hans = "李伟"}\n', "utf-8"
    )
    publication.reload()
    about: dict[str, Any] = {"topics": "[Rivers, C++, C]", "author": "李伟"}
    write(publication, "en/tides", "2026-01-05", **about)
    write(publication, "en/maps", "2026-01-06", topics="[rivers]", author="Élise Dupont")
    write(publication, "zh-Hans/tides", "2026-01-05", topics="[天文]", author="李伟")
    shown(publication)
    page = text_of(publication, "en/stories/tides")
    topics = re.findall(r'<li><a href="/(en/topics/[^"]+)/">([^<]+)</a></li>', page)
    assert [name for _path, name in topics] == ["Rivers", "C++", "C"]
    found = [
        re.findall(r"Title of en/(\w+)<", text_of(publication, path)) for path, _ in topics
    ]
    assert found == [["maps", "tides"], ["tides"], ["tides"]]
    assert topics[0][0] == "en/topics/rivers"
    # A known person has one list per language, whatever the articles call them.
    assert '<a href="/en/authors/li/">Li Wei</a>' in page
    assert "<h1>Articles by Li Wei</h1>" in text_of(publication, "en/authors/li")
    assert "Title of zh-Hans/tides" in text_of(publication, "zh-Hans/authors/li")
    assert "Title of en/maps" in text_of(publication, "en/authors/elise-dupont")
    whole = text_of(publication, "en/archive")
    for path in ("topics/rivers", "authors/li", "authors/elise-dupont"):
        assert f'href="/en/{path}/"' in whole
    (chinese,) = (path for path in pages(publication) if path.startswith("zh-Hans/topics/"))
    assert f'href="/{chinese}"' in text_of(publication, "zh-Hans/stories/tides")


def test_a_renamed_topic_has_one_list_to_which_articles_and_its_feed_lead(
    new_publication: Make,
) -> None:
    publication = new_publication(renamed_topics={"Gardens": "Parks"})
    write(publication, "en/a", "2026-01-05", topics="[Gardens]")
    shown(publication)
    syndicated(publication)
    former = f'href="{URL}/en/topics/parks/"'
    assert former in text_of(publication, "en/topics/gardens")
    listed = (public(publication) / "sitemap-en-pages.xml").read_text()
    assert ("/topics/parks/" in listed, "/topics/gardens/" in listed) == (True, False)
    link = 'href="/en/topics/parks/">'
    assert f"{link}Parks</a>" in text_of(publication, "en/stories/a")
    assert link in text_of(publication, "en/feeds/topics/parks")


def test_the_index_of_the_search_is_written_again_where_an_article_changed(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_pages, "ARTICLES_IN_PART", 2)
    for day in range(1, 6):
        about = {"summary": f"Summary {day}.", "topics": "[Rivers]", "section": "City"}
        write(publication, f"en/{day}", f"2026-01-0{day}", **about)
    shown(publication)
    parts = [
        json.loads((public(publication) / f"en/search/{n}.json").read_text()) for n in (0, 1)
    ]
    assert [[document[1] for document in part] for part in parts] == [
        ["Title of en/5", "Title of en/4", "Title of en/3"],
        ["Title of en/2", "Title of en/1"],
    ]
    assert parts[1][1] == [
        *("../stories/1/", "Title of en/1", "January 1, 2026", "", "City, Rivers"),
        *("Summary 1.", "Words of en/1."),
    ]
    assert 'data-parts="2"' in text_of(publication, "en/search")
    write(publication, "en/1", "2026-01-01", title="Other")
    with changes(public(publication)) as found:
        shown(publication.at(NOW + timedelta(days=1)))
    assert {path for path in found if "/search/" in path} == {"en/search/1.json"}
    (publication.articles / "en/5.md").unlink()
    (publication.articles / "en/4.md").unlink()
    shown(publication.at(NOW + timedelta(days=2)))
    assert not (public(publication) / "en/search/1.json").exists()
    assert 'data-parts="1"' in text_of(publication, "en/search")


def test_the_search_has_one_script_in_a_file_and_lists_the_months(
    publication: PublicationFolder,
) -> None:
    write(publication, "en/tides", "2026-01-05")
    shown(publication)
    page = text_of(publication, "en/search")
    (script,) = re.findall(r'<script(?! type="application/ld)([^>]*)>', page)
    path = re.fullmatch(r' src="/(assets/search\.[0-9a-f]{16}\.js)" defer', script)
    assert path is not None
    assert (public(publication) / path[1]).is_file()
    assert '<form class="search" role="search" hidden' in page
    assert '<a href="/en/archive/2026-01/">January 2026</a>' in page
    assert 'href="/en/search/"' in text_of(publication, "en/stories/tides")


def test_a_list_that_could_not_be_written_is_written_by_the_next_cycle(
    publication: PublicationFolder,
) -> None:
    write(publication, "en/tides", "2026-01-05")
    blocked = public(publication) / "en/archive"
    blocked.parent.mkdir(parents=True)
    blocked.write_text("A file stands in the way.")
    assert len(shown(publication).problems) == 2
    blocked.unlink()
    assert shown(publication.at(NOW + timedelta(hours=1))).problems == []
    assert "Title of en/tides" in text_of(publication, "en/archive/2026-01")


def test_the_front_page_leads_with_a_picture_and_links_to_newsletters_and_all_articles(
    publication: PublicationFolder,
) -> None:
    write(publication, "en/newest", "2026-01-07")
    write(publication, "en/pictured", "2026-01-06", image="{src: pier.png, alt: A pier}")
    (publication.articles / "en/pier.png").write_bytes(png(1200, 630))
    shown(publication)
    page = text_of(publication, "en")
    assert page.index("Title of en/pictured") < page.index("Title of en/newest")
    assert 'href="/en/weekly/"' in page
    assert 'href="/en/archive/"' in page


def test_a_site_in_one_language_has_no_page_to_choose_from(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(languages=["en"])
    shown(publication)
    root = text_of(publication, "")
    assert f'content="0; url={URL}/en/"' in root
    assert f'<link rel="canonical" href="{URL}/en/">' in root
