from collections.abc import Callable
from datetime import timedelta

import pytest
from PIL import Image

from publisher.rendering import views
from publisher.site import writer
from publisher.site.writer import SiteReport
from tests.publisher.conftest import NOW, House
from tests.publisher.printing import changes, pipeline_of, public, shown, stamps

DAILY = [{"name": "daily", "schedule": "0 8 * * *", "title": {"en": "The morning lamp"}}]


def tides(house: House) -> None:
    house.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    house.write("ar/tides.md", "المدّ ينتظر.", title="المدّ", date="2026-01-06")
    house.write("en/maps.md", "A map of benches.", title="Maps", date="2026-01-07")


def pages(house: House) -> set[str]:
    return {path.removesuffix("index.html") for path in stamps(public(house))}


def text_of(house: House, path: str) -> str:
    return (public(house) / path / "index.html").read_text("utf-8")


def test_every_article_has_a_page(house: House) -> None:
    tides(house)
    written = shown(house)
    assert (written.articles, written.issues, written.problems) == (3, 0, [])
    assert {path for path in pages(house) if "/stories/" in path} == {
        "en/stories/tides/",
        "en/stories/maps/",
        "ar/stories/tides/",
    }
    assert '<html lang="ar" dir="rtl">' in text_of(house, "ar/stories/tides")


def test_unchanged_pages_are_not_written_again(house: House) -> None:
    tides(house)
    shown(house)
    with changes(public(house)) as found:
        assert shown(house.at(NOW + timedelta(hours=1))) == SiteReport()
    assert found == set()


def test_all_portions_of_pages_are_written(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PAGES_PER_TRANSACTION", 2)
    tides(house)
    assert shown(house).articles == 3


def test_a_withdrawn_article_loses_its_page_and_empty_folders(house: House) -> None:
    tides(house)
    shown(house)
    (house.articles / "ar/tides.md").unlink()
    # Its own page goes, and the translation's no longer points to it.
    assert shown(house.at(NOW + timedelta(hours=1))).articles == 2
    assert not (public(house) / "ar/stories").exists()
    assert (public(house) / "ar/index.html").is_file()
    assert "/ar/stories/" not in text_of(house, "en/stories/tides")


def test_no_page_recommends_a_withdrawn_article(house: House) -> None:
    for day, name in ((5, "tides"), (6, "maps"), (7, "cats")):
        topic = "[Cats]" if name == "cats" else "[Rivers]"
        house.write(f"en/{name}.md", "Words.", title=name, date=f"2026-01-0{day}", topics=topic)
    shown(house)
    assert "/stories/maps/" in text_of(house, "en/stories/tides")
    (house.articles / "en/maps.md").unlink()
    with changes(public(house)) as found:
        shown(house.at(NOW + timedelta(hours=1)))
    assert "/stories/maps/" not in text_of(house, "en/stories/tides")
    assert found == {
        "en/index.html",
        "en/stories/maps/index.html",
        "en/stories/tides/index.html",
    }


def test_a_folder_that_can_t_be_written_is_reported_and_retried(house: House) -> None:
    tides(house)
    public(house).mkdir()
    (public(house) / "en").write_bytes(b"a file where a folder should be")
    assert len(shown(house).problems) == 2
    (public(house) / "en").unlink()
    written = shown(house)
    assert (written.problems, written.articles > 0) == ([], True)


def test_the_page_of_an_issue_stays_as_it_was_sent(
    make_house: Callable[..., House],
) -> None:
    house = make_house(newsletters=DAILY, languages=["en"])
    tides(house)
    assert pipeline_of(house).run().written.issues == 1
    page = text_of(house, "en/daily/2026-01-09")
    assert "The tide waits." in page
    house.write("en/tides.md", "It waits no more.", title="Other", date="2026-01-05")
    pipeline_of(house.at(NOW + timedelta(hours=1))).run()
    assert text_of(house, "en/daily/2026-01-09") == page
    assert "It waits no more." in text_of(house, "en/stories/tides")


def test_the_logo_is_written_before_mails_are_sent(house: House) -> None:
    Image.new("RGB", (520, 64), "#8f2f12").save(house.settings.folders.root / "logo.png")
    house.reload(design={"logo": "logo.png"})
    shown(house)
    seen = views.publication_view(house.settings.publication, "zh-Hans").logo
    assert seen is not None
    assert (seen.alt, seen.width, seen.height) == ("灯笼", 260, 32)
    placed = public(house) / seen.src.removeprefix("/")
    assert placed.read_bytes() == (house.settings.folders.root / "logo.png").read_bytes()
    before = stamps(public(house))
    shown(house)
    assert stamps(public(house)) == before
