"""The pages of articles and of lists, whatever the articles say."""

from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import Engine, event

from publisher.articles.content.text import clean_characters
from publisher.rendering import views
from publisher.site import list_pages, writer
from publisher.site.writer import SiteReport
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.hostile_articles import active_in_html, faults, marked, play, squeezed
from tests.publisher.printing import LANGUAGES, URL, changes, pipeline_of, public, shown, stamps
from tests.publisher.syndication.test_publish import tides
from tests.publisher.web.hostile_texts import HOSTILE_TEXTS, MARK

SUBSCRIBER_PAGES = ("subscribe/", "unsubscribe/", "preferences/")


def pages(publication: PublicationFolder) -> set[str]:
    return {path.removesuffix("index.html") for path in stamps(public(publication))}


def text_of(publication: PublicationFolder, path: str) -> str:
    return (public(publication) / path / "index.html").read_text("utf-8")


def test_every_article_has_a_page_that_is_written_once(publication: PublicationFolder) -> None:
    tides(publication)
    written = shown(publication)
    assert (written.articles, written.issues, written.problems) == (3, 0, [])
    assert {path for path in pages(publication) if "/stories/" in path} == {
        "en/stories/tides/",
        "en/stories/maps/",
        "ar/stories/tides/",
    }
    assert '<html lang="ar" dir="rtl">' in text_of(publication, "ar/stories/tides")
    statements: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    with changes(public(publication)) as found:
        assert shown(publication.at(NOW + timedelta(hours=1))) == SiteReport()
    event.remove(Engine, "before_cursor_execute", hear)
    assert found == set()
    # A cycle that changes nothing reads the text of no article but of those without a page.
    reading = [one for one in statements if "article.html" in one or "article.text" in one]
    assert [one for one in reading if "article.page_hash IS NULL" not in one] == []


def test_all_portions_of_pages_are_written(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PAGES_PER_TRANSACTION", 2)
    tides(publication)
    assert shown(publication).articles == 3


def test_a_withdrawn_article_loses_its_page_but_for_a_sentence(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    shown(publication)
    (publication.articles / "ar/tides.md").unlink()
    # Its own page goes, and the translation's no longer points to it.
    assert shown(publication.at(NOW + timedelta(hours=1))).articles == 2
    assert [*(public(publication) / "ar/stories").rglob("*.html")] == [
        public(publication) / "ar/stories/tides/.gone.html"
    ]
    assert (public(publication) / "ar/index.html").is_file()
    assert "/ar/stories/" not in text_of(publication, "en/stories/tides")


def test_no_page_recommends_a_withdrawn_article(publication: PublicationFolder) -> None:
    for day, name in ((5, "tides"), (6, "maps"), (7, "cats")):
        topic = "[Cats]" if name == "cats" else "[Rivers]"
        publication.write(
            f"en/{name}.md", "Words.", title=name, date=f"2026-01-0{day}", topics=topic
        )
    shown(publication)
    assert "/stories/maps/" in text_of(publication, "en/stories/tides")
    (publication.articles / "en/maps.md").unlink()
    with changes(public(publication)) as found:
        shown(publication.at(NOW + timedelta(hours=1)))
    assert "/stories/maps/" not in text_of(publication, "en/stories/tides")
    assert found == {
        "en/archive/2026-01/index.html",
        "en/archive/index.html",
        "en/index.html",
        "en/search/0.json",
        "en/stories/cats/index.html",
        "en/stories/maps/.gone.html",
        "en/stories/maps/index.html",
        "en/stories/tides/index.html",
        "en/topics/rivers/index.html",
        "sitemap-en.xml",
        "sitemap.xml",
    }


def test_a_folder_that_can_t_be_written_is_reported_and_retried(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    public(publication).mkdir()
    (public(publication) / "en").write_bytes(b"a file where a folder should be")
    problems = shown(publication).problems
    assert problems
    assert all("File exists" in problem for problem in problems)
    (public(publication) / "en").unlink()
    written = shown(publication)
    assert (written.problems, written.articles > 0) == ([], True)


def test_the_logo_is_written_before_mails_are_sent(publication: PublicationFolder) -> None:
    Image.new("RGB", (520, 64), "#8f2f12").save(publication.settings.folders.root / "logo.png")
    publication.reload(design={"logo": "logo.png"})
    shown(publication)
    seen = views.publication_view(publication.settings.publication, "zh-Hans").logo
    assert seen is not None
    assert (seen.alt, seen.width, seen.height) == ("灯笼", 260, 32)
    placed = public(publication) / seen.src.removeprefix("/")
    assert placed.read_bytes() == (publication.settings.folders.root / "logo.png").read_bytes()
    before = stamps(public(publication))
    shown(publication)
    assert stamps(public(publication)) == before


NEWSLETTERS = [
    {"name": "daily", "schedule": "0 8 * * *", "title": {"en": "The lamp", "ar": "الفانوس"}},
    {"name": "monthly", "schedule": "0 8 1 * *", "languages": ["en", "ar"]},
]


def write(publication: PublicationFolder, name: str, day: int, language: str = "en") -> None:
    title = f"Title of {name}"
    publication.write(f"{language}/{name}.md", "Words.", title=title, date=f"2026-01-{day:02}")


def test_an_empty_publication_has_all_list_pages(publication: PublicationFolder) -> None:
    assert shown(publication).lists == 2 + 4 * 8
    icons = ("apple-touch-icon.png", "favicon.ico", "icon-192.png", "icon.svg")
    expected = {"index.html", "robots.txt", "sitemap.xml", *icons}
    expected |= {f"sitemap-{tag}-pages.xml" for tag in LANGUAGES}
    expected |= {".missing.html", *(f"{tag}/.missing.html" for tag in LANGUAGES)}
    for tag in LANGUAGES:
        for page in ("", "archive/", "search/", "weekly/", *SUBSCRIBER_PAGES):
            expected.add(f"{tag}/{page}index.html")
    written = set(stamps(public(publication)))
    assert {path for path in written if not path.startswith("assets/")} == expected
    assert "Nothing has been published here yet." in text_of(publication, "en")


def test_the_root_page_links_to_all_languages(publication: PublicationFolder) -> None:
    shown(publication)
    for tag in LANGUAGES:
        assert f'href="{URL}/{tag}/"' in text_of(publication, "")


def test_a_home_page_lists_the_newest_articles_first(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_pages, "ARTICLES_ON_HOME", 2)
    for day, name in ((5, "old"), (7, "new"), (6, "middle")):
        write(publication, name, day)
    shown(publication)
    page = text_of(publication, "en")
    assert 0 < page.index("Title of new") < page.index("Title of middle")
    assert "Title of old" not in page


def test_the_pages_about_unsubscribing_have_the_sender_s_address_and_are_not_indexed(
    publication: PublicationFolder,
) -> None:
    shown(publication)
    for kind in ("unsubscribe", "preferences"):
        page = text_of(publication, f"ar/{kind}")
        assert f"mailto:digest@news.example.org?subject={kind}" in page
        assert 'content="noindex"' in page
        assert 'dir="rtl"' in page


def test_a_new_article_changes_the_home_page_of_its_language(
    publication: PublicationFolder,
) -> None:
    write(publication, "first", 5)
    shown(publication)
    write(publication, "second", 6)
    with changes(public(publication)) as found:
        assert shown(publication.at(NOW + timedelta(hours=1))).lists == 4
    assert {path for path in found if "stories" not in path and "sitemap" not in path} == {
        "en/archive/2026-01/index.html",
        "en/archive/index.html",
        "en/index.html",
        "en/search/0.json",
    }


def test_a_date_that_changes_the_order_changes_the_list(publication: PublicationFolder) -> None:
    write(publication, "one", 5)
    write(publication, "two", 6)
    shown(publication)
    write(publication, "one", 7)
    shown(publication.at(NOW + timedelta(hours=1)))
    page = text_of(publication, "en")
    assert page.index("Title of one") < page.index("Title of two")


def test_newsletters_have_archives_in_their_languages_only(new_publication: Make) -> None:
    publication = new_publication(newsletters=NEWSLETTERS)
    shown(publication)
    assert (public(publication) / "zh-Hans/daily").is_dir()
    assert (public(publication) / "ar/monthly").is_dir()
    assert not (public(publication) / "zh-Hans/monthly").exists()
    page = text_of(publication, "en/monthly")
    assert f'href="{URL}/ar/monthly/"' in page
    assert f'href="{URL}/zh-Hans/monthly/"' not in page


def test_home_page_and_archive_list_the_latest_issues_first(new_publication: Make) -> None:
    publication = new_publication(newsletters=NEWSLETTERS, languages=["en", "ar"])
    write(publication, "one", 8)
    pipeline_of(publication).prepare()
    write(publication, "two", 10)
    pipeline_of(publication.at(NOW + timedelta(days=1))).prepare()
    for path in ("en", "en/daily"):
        page = text_of(publication, path)
        first, second = (page.index(f"/en/daily/2026-01-{day}/") for day in ("10", "09"))
        assert first < second
        assert "The lamp" in page
    assert "2026-01-10" not in text_of(publication, "en/monthly")
    assert "2026-01-10" not in text_of(publication, "ar")


def test_the_home_page_keeps_issues_of_a_removed_newsletter(new_publication: Make) -> None:
    publication = new_publication(newsletters=NEWSLETTERS, languages=["en", "ar"])
    write(publication, "one", 8)
    pipeline_of(publication).prepare()
    publication.reload(newsletters=NEWSLETTERS[1:], languages=["en", "ar"])
    shown(publication)
    page = text_of(publication, "en")
    assert '<a href="/en/daily/2026-01-09/">daily</a>' in page


def test_a_translation_by_hand_removes_the_label_of_the_conversion_from_the_home_page(
    new_publication: Make,
) -> None:
    publication = new_publication(
        newsletters=[{"edition": {"zh-Hant": {"missing": "convert"}}}]
    )
    publication.write("zh-Hans/tides.md", "潮水会等。", title="潮水", date="2026-01-05")
    shown(publication)
    assert 'class="eyebrow"' in text_of(publication, "zh-Hant")
    publication.write("zh-Hant/tides.md", "潮水會等。", title="潮水", date="2026-01-05")
    shown(publication.at(NOW + timedelta(hours=1)))
    assert "潮水" in text_of(publication, "zh-Hant")
    assert 'class="eyebrow"' not in text_of(publication, "zh-Hant")


# Of each kind some; tests/slow has all of them.
SOME = (*HOSTILE_TEXTS[::52], *HOSTILE_TEXTS[-26::6])


def test_a_text_that_runs_would_be_found() -> None:
    for text in (f"<img src=x onerror={MARK}>", f"<a href=javascript:{MARK}>x</a>"):
        assert active_in_html(text)
    assert (
        active_in_html(f"&lt;script&gt;{MARK} <a href='https://news.example.org/en/'>x</a>")
        == []
    )


def test_some_hostile_articles_are_text_wherever_they_are_published(
    publication: PublicationFolder,
) -> None:
    texts = marked(SOME)
    played = play(publication, texts)
    assert [*faults(played)] == []
    for mark, one in played.articles().items():
        wanted = f"Title {mark}" if mark in played.untitled else texts[mark]
        assert squeezed(one.title) == squeezed(clean_characters(wanted))
