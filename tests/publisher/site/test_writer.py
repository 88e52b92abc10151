from datetime import timedelta

import pytest
from PIL import Image

from publisher.rendering import views
from publisher.site import writer
from publisher.site.writer import SiteReport
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.printing import changes, public, shown, stamps


def tides(publication: PublicationFolder) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    publication.write("ar/tides.md", "المدّ ينتظر.", title="المدّ", date="2026-01-06")
    publication.write("en/maps.md", "A map of benches.", title="Maps", date="2026-01-07")


def pages(publication: PublicationFolder) -> set[str]:
    return {path.removesuffix("index.html") for path in stamps(public(publication))}


def text_of(publication: PublicationFolder, path: str) -> str:
    return (public(publication) / path / "index.html").read_text("utf-8")


def test_every_article_has_a_page(publication: PublicationFolder) -> None:
    tides(publication)
    written = shown(publication)
    assert (written.articles, written.issues, written.problems) == (3, 0, [])
    assert {path for path in pages(publication) if "/stories/" in path} == {
        "en/stories/tides/",
        "en/stories/maps/",
        "ar/stories/tides/",
    }
    assert '<html lang="ar" dir="rtl">' in text_of(publication, "ar/stories/tides")


def test_unchanged_pages_are_not_written_again(publication: PublicationFolder) -> None:
    tides(publication)
    shown(publication)
    with changes(public(publication)) as found:
        assert shown(publication.at(NOW + timedelta(hours=1))) == SiteReport()
    assert found == set()


def test_all_portions_of_pages_are_written(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PAGES_PER_TRANSACTION", 2)
    tides(publication)
    assert shown(publication).articles == 3


def test_a_withdrawn_article_loses_its_page_and_empty_folders(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    shown(publication)
    (publication.articles / "ar/tides.md").unlink()
    # Its own page goes, and the translation's no longer points to it.
    assert shown(publication.at(NOW + timedelta(hours=1))).articles == 2
    assert not (public(publication) / "ar/stories").exists()
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
        "en/index.html",
        "en/stories/maps/index.html",
        "en/stories/tides/index.html",
    }


def test_a_folder_that_can_t_be_written_is_reported_and_retried(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    public(publication).mkdir()
    (public(publication) / "en").write_bytes(b"a file where a folder should be")
    assert len(shown(publication).problems) == 2
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
