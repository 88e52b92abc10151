"""A leader that loses its lease while it changes the bucket goes on for one request at most."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from publisher.bucket import client, upload
from publisher.errors import LeaderLostError
from publisher.files import guarded_changes
from tests.publisher.bucket.test_upload import copied, fill
from tests.publisher.conftest import PublicationFolder
from tests.s3 import S3, StoredObject

MB = 1 << 20
EPISODE = "media/episode.mp3"


def leads_until(is_lost: Callable[[], bool]) -> Callable[[], None]:
    def guard() -> None:
        if is_lost():
            raise LeaderLostError

    return guard


def test_it_deletes_no_more_than_one_request_can(
    lantern: PublicationFolder, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "_DELETED_AT_ONCE", 2)
    names = {f"media/{number}.png": b"\x89PNG" for number in range(5)}
    fill(lantern.settings, names)
    copied(lantern.settings)
    for name in names:
        (lantern.settings.folders.public / name).unlink()
    s3.requests.clear()

    def deleted() -> list[str]:
        return [key for method, key in s3.changes() if method == "DELETE"]

    guard = leads_until(lambda: bool(deleted()))
    with guarded_changes(guard), pytest.raises(LeaderLostError):
        copied(lantern.settings)
    assert deleted() == ["news/media/0.png", "news/media/1.png"]
    # The next one asks for all of them again; those that are gone are no error.
    assert copied(lantern.settings) == len(names)
    assert not [key for key in s3.objects if "media" in key]


def test_it_does_not_replace_a_recording_whose_parts_it_was_putting(
    lantern: PublicationFolder, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PART_BYTES", 5 * MB)
    fill(lantern.settings, {EPISODE: b"of a former leader" * MB})
    s3.objects[f"news/{EPISODE}"] = of_the_new_leader = StoredObject(b"new", {})

    guard = leads_until(lambda: ("PUT", f"news/{EPISODE}") in s3.requests)
    with guarded_changes(guard), pytest.raises(LeaderLostError):
        copied(lantern.settings)
    assert s3.objects[f"news/{EPISODE}"] == of_the_new_leader
    # Nor does it leave parts behind, which would cost storage.
    assert s3.uploads == {}
