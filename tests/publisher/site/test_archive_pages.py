"""The lists by which each article is reached: months, sections, and the front page."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from publisher.site import archive_pages
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.ingest.helpers import png
from tests.publisher.printing import URL, changes, public, shown
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
        write(publication, f"en/{month}", f"2025-0{month}-01", section=f"Section {month}")
    shown(publication)
    write(publication, "en/2", "2025-02-01", section="Section 2", title="Another title")
    with changes(public(publication)) as found:
        shown(publication.at(NOW + timedelta(hours=1)))
    assert {path for path in found if "archive" in path or "sections" in path} == {
        "en/archive/2025-02/index.html",
        "en/sections/section-2/index.html",
    }
    assert "Another title" in text_of(publication, "en/archive/2025-02")


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


def test_the_list_of_a_section_has_its_newest_articles(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_pages, "ARTICLES_OF_SECTION", 2)
    for day in (1, 2, 3):
        write(publication, f"en/{day}", f"2026-01-0{day}", section="City")
    shown(publication)
    page = text_of(publication, "en/sections/city")
    assert [f"Title of en/{day}" in page for day in (1, 2, 3)] == [False, True, True]
    assert "Title of en/1" in text_of(publication, "en/archive/2026-01")


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
