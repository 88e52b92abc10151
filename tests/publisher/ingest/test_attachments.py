"""Articles with sounds and documents, from the folder to the row and the web root."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from publisher import files
from publisher.articles.model import Attachment
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.ingest.helpers import wav

LATER = NOW + timedelta(days=1)


def lie(publication: PublicationFolder) -> dict[str, bytes]:
    """Give what lies below public/media, by path."""
    media = publication.settings.folders.public / "media"
    files = [file for file in media.rglob("*") if file.is_file()]
    return {str(file.relative_to(media)): file.read_bytes() for file in files}


def place(content: bytes, name: str) -> str:
    return f"{hashlib.sha256(content).hexdigest()[:16]}/{name}"


@pytest.fixture
def talk(publication: PublicationFolder) -> Path:
    """An article with a sound beside it."""
    publication.write("ferry.md", title="The ferry", date="2026-01-08", audio="talk.wav")
    return publication.write("talk.wav", wav(3))


@pytest.mark.usefixtures("talk")
def test_an_audio_file_is_stored_in_the_row_and_below_the_web_root(
    publication: PublicationFolder,
) -> None:
    assert (publication.pick_up().new, publication.quarantine()) == (1, {})
    target = place(wav(3), "talk.wav")
    sound = Attachment(src=f"/media/{target}", media_type="audio/wav", length=len(wav(3)))
    assert publication.one("ferry").attachments == (replace(sound, duration=3),)
    assert lie(publication) == {target: wav(3)}


def test_a_changed_audio_file_changes_its_article(
    publication: PublicationFolder, talk: Path
) -> None:
    publication.pick_up()
    before = publication.one("ferry")
    talk.write_bytes(wav(4))
    assert publication.at(LATER).pick_up().changed == 1
    after = publication.one("ferry")
    assert (after.id, after.updated_at) == (before.id, LATER)
    assert after.content_hash != before.content_hash
    assert after.attachments[0].duration == 4
    assert set(lie(publication)) == {place(wav(3), "talk.wav"), place(wav(4), "talk.wav")}


def test_a_removed_audio_file_quarantines_its_document_and_the_article_stays(
    publication: PublicationFolder, talk: Path
) -> None:
    publication.pick_up()
    before = publication.one("ferry")
    talk.unlink()
    done = publication.at(LATER).pick_up()
    assert (done.quarantined, done.changed, done.removed) == (1, 0, 0)
    remedy = "put it beside the article, or write its address"
    assert publication.quarantine() == {"ferry.md": f"audio: talk.wav: no such file; {remedy}"}
    assert publication.one("ferry") == before
    talk.write_bytes(wav(3))
    publication.pick_up()
    assert (publication.quarantine(), publication.one("ferry")) == ({}, before)


def test_an_audio_file_that_is_still_written_is_published_when_it_is_complete(
    publication: PublicationFolder, talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_pieces = files._copy_pieces

    def grow(source: Path, target: Path) -> str:
        with talk.open("ab") as file:
            file.write(b"more")
        return copy_pieces(source, target)

    monkeypatch.setattr(files, "_copy_pieces", grow)
    publication.pick_up()
    reason = "talk.wav: was changed while it was being read"
    assert publication.quarantine() == {"ferry.md": reason}
    assert lie(publication) == {}
    monkeypatch.setattr(files, "_copy_pieces", copy_pieces)
    assert publication.pick_up().new == 1
    assert lie(publication) == {place(wav(3) + b"more", "talk.wav"): wav(3) + b"more"}
