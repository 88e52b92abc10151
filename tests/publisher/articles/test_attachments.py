"""Articles with sounds and documents, from the folder to the row and the web root."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from publisher.articles import pickup, source_files
from publisher.articles.model import Attachment
from tests.publisher.articles.helpers import mp3, wav
from tests.publisher.conftest import NOW, House

LATER = NOW + timedelta(days=1)


def lie(house: House) -> dict[str, bytes]:
    """Give what lies below public/media, by path."""
    media = house.settings.folders.public / "media"
    files = [file for file in media.rglob("*") if file.is_file()]
    return {str(file.relative_to(media)): file.read_bytes() for file in files}


def place(content: bytes, name: str) -> str:
    return f"{hashlib.sha256(content).hexdigest()[:16]}/{name}"


@pytest.fixture
def talk(house: House) -> Path:
    """An article with a sound beside it."""
    house.write("ferry.md", title="The ferry", date="2026-01-08", audio="talk.wav")
    return house.write("talk.wav", wav(3))


@pytest.mark.usefixtures("talk")
def test_an_audio_file_is_stored_in_the_row_and_below_the_web_root(house: House) -> None:
    assert (house.pick_up().new, house.quarantine()) == (1, {})
    target = place(wav(3), "talk.wav")
    assert house.one("ferry").attachments == (
        Attachment(
            src=f"/media/{target}", media_type="audio/wav", length=len(wav(3)), duration=3
        ),
    )
    assert lie(house) == {target: wav(3)}


def test_a_changed_audio_file_changes_its_article(house: House, talk: Path) -> None:
    house.pick_up()
    before = house.one("ferry")
    talk.write_bytes(wav(4))
    assert house.at(LATER).pick_up().changed == 1
    after = house.one("ferry")
    assert (after.id, after.updated_at) == (before.id, LATER)
    assert after.content_hash != before.content_hash
    assert after.attachments[0].duration == 4
    assert set(lie(house)) == {place(wav(3), "talk.wav"), place(wav(4), "talk.wav")}


def test_a_removed_audio_file_quarantines_its_document_and_the_article_stays(
    house: House, talk: Path
) -> None:
    house.pick_up()
    before = house.one("ferry")
    talk.unlink()
    done = house.at(LATER).pick_up()
    assert (done.quarantined, done.changed, done.removed) == (1, 0, 0)
    assert house.quarantine() == {
        "ferry.md": "audio: talk.wav: no such file; "
        "put it beside the article, or write its address"
    }
    assert house.one("ferry") == before
    talk.write_bytes(wav(3))
    house.pick_up()
    assert (house.quarantine(), house.one("ferry")) == ({}, before)


@pytest.mark.usefixtures("talk")
def test_an_unchanged_audio_file_is_not_opened(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pickup, "file_system_time", lambda _marker: 2**62)
    house.pick_up()
    before = house.everything()
    # Calling it would fail, and so show that it was.
    monkeypatch.setattr(source_files, "_inspect", None)
    assert house.pick_up().unchanged == 1
    assert house.everything() == before


def test_an_audio_file_that_is_still_written_is_published_when_it_is_complete(
    house: House, talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_pieces = source_files._copy_pieces

    def grow(source: Path, target: Path) -> str:
        with talk.open("ab") as file:
            file.write(b"more")
        return copy_pieces(source, target)

    monkeypatch.setattr(source_files, "_copy_pieces", grow)
    house.pick_up()
    assert house.quarantine() == {"ferry.md": "talk.wav: was changed while it was being read"}
    assert lie(house) == {}
    monkeypatch.setattr(source_files, "_copy_pieces", copy_pieces)
    assert house.pick_up().new == 1
    assert lie(house) == {place(wav(3) + b"more", "talk.wav"): wav(3) + b"more"}


def test_an_audio_file_of_several_articles_is_published_once(house: House) -> None:
    house.write("talk.mp3", mp3(100))
    for name in ("ferry", "map"):
        house.write(f"{name}.md", title=name, attachments="[{src: talk.mp3, title: Talk}]")
    house.pick_up()
    assert list(lie(house)) == [place(mp3(100), "talk.mp3")]
    assert house.one("ferry").attachments == house.one("map").attachments
