"""Narrower copies of pictures: made once, before the pages that offer them, some seconds in each cycle."""

import errno
import os
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from publisher.site import picture_widths
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.printing import changes, pipeline_of, public, shown


def photograph(deviation: int, width: int = 1000, height: int = 400) -> bytes:
    """Draw a picture that has to be large; each has its own content."""
    file = BytesIO()
    Image.effect_noise((width, height), deviation).convert("RGB").save(file, "JPEG", quality=98)
    return file.getvalue()


def write(publication: PublicationFolder, name: str, date: str = "2026-01-07") -> None:
    publication.write(f"en/{name}.jpg", photograph(len(name) * 20))
    publication.write(f"en/{name}.md", f"![A]({name}.jpg)", title=name, date=date)


def copies(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("media/*/*.webp"))


def text_of(publication: PublicationFolder, path: str) -> str:
    return (public(publication) / path / "index.html").read_text("utf-8")


def test_copies_are_made_before_their_page_and_go_with_it(
    publication: PublicationFolder,
) -> None:
    write(publication, "pier")
    assert shown(publication).problems == []
    assert copies(public(publication)) == ["pier.1000.webp", "pier.800.webp"]
    assert "/pier.1000.webp 1000w" in text_of(publication, "en/stories/pier")
    publication.write(
        "en/pier.md", "![A](pier.jpg) Other words.", title="pier", date="2026-01-07"
    )
    with changes(public(publication) / "media") as found:
        assert shown(publication.at(NOW + timedelta(hours=1))).articles == 1
    assert found == set()
    (publication.articles / "en/pier.md").unlink()
    shown(publication.at(NOW + timedelta(hours=2)))
    assert [*public(publication).glob("media/*/*")] == []


def test_pictures_that_are_too_many_for_a_cycle_wait_and_only_their_pages_are_written_again(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_widths, "MOST_NARROWED", 1)
    for name in ("pier", "harbour"):
        write(publication, name)
    publication.write("en/fog.md", "Fog.", title="fog", date="2025-01-01")
    assert shown(publication).articles == 3
    fog = public(publication) / "en/stories/fog/index.html"
    fog.write_text(fog.read_text() + "by hand")
    first = copies(public(publication))
    assert len(first) == 2
    with_copies = [name for name in ("pier", "harbour") if f"{name}.800.webp" in first]
    for name in ("pier", "harbour"):
        assert ("srcset" in text_of(publication, f"en/stories/{name}")) == (name in with_copies)
    assert shown(publication.at(NOW + timedelta(hours=1))).articles == 1
    assert len(copies(public(publication))) == 4
    assert "/pier.800.webp 800w" in text_of(publication, "en/stories/pier")
    assert "/harbour.800.webp 800w" in text_of(publication, "en/stories/harbour")
    assert text_of(publication, "en").count("srcset") == 2
    assert fog.read_text().endswith("by hand")


def test_the_page_of_an_issue_offers_copies_that_were_made_after_it(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_widths, "MOST_NARROWED", 0)
    write(publication, "pier")
    assert pipeline_of(publication).run().problems == []
    issue = "en/weekly/2026-01-09"
    assert "/pier.jpg" in text_of(publication, issue)
    assert "srcset" not in text_of(publication, issue)
    monkeypatch.setattr(picture_widths, "MOST_NARROWED", 1)
    assert shown(publication.at(NOW + timedelta(hours=1))).issues == 1
    assert "/pier.800.webp 800w" in text_of(publication, issue)


def test_copies_of_an_article_whose_date_is_to_come_wait_with_its_picture(
    publication: PublicationFolder,
) -> None:
    write(publication, "pier", "2026-02-01")
    shown(publication)
    assert [*public(publication).glob("media/*/*")] == []
    assert copies(publication.settings.folders.embargoed) == ["pier.1000.webp", "pier.800.webp"]
    shown(publication.at(NOW + timedelta(days=60)))
    assert copies(publication.settings.folders.embargoed) == []
    assert "/pier.800.webp 800w" in text_of(publication, "en/stories/pier")


def test_a_picture_that_is_damaged_behind_its_head_is_shown_as_it_is(
    publication: PublicationFolder,
) -> None:
    write(publication, "pier")
    file = publication.articles / "en/pier.jpg"
    file.write_bytes(file.read_bytes()[:30_000])
    assert shown(publication).problems == []
    assert copies(public(publication)) == []
    assert "/pier.jpg" in text_of(publication, "en/stories/pier")


def test_a_picture_that_can_t_be_read_holds_up_no_other(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bay", "pier"):
        write(publication, name)
    read = Path.read_bytes

    def unreadable(file: Path) -> bytes:
        # Whoever is root may read each file.
        if file.match("media/*/bay.jpg"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(file))
        return read(file)

    monkeypatch.setattr(Path, "read_bytes", unreadable)
    assert shown(publication).problems == []
    assert copies(public(publication)) == ["pier.1000.webp", "pier.800.webp"]
    assert "/bay.jpg" in text_of(publication, "en/stories/bay")
