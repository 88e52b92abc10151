"""The bucket gets what the web root has: only what changed, in order, and by one process."""

import gzip
import io
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from publisher.bucket import client, upload
from publisher.bucket.client import Bucket
from publisher.bucket.contents import CONTENTS_KEY
from publisher.bucket.plan import LocalFiles, plan_upload
from publisher.bucket.upload import Uploader, require_credentials
from publisher.config import Folders, Settings
from publisher.config.web import BucketSettings
from publisher.errors import BucketError, ConfigError, LeaderLostError
from publisher.files import guarded_changes, write_file
from publisher.serving.headers import headers_for
from tests.publisher.bucket.conftest import in_bucket
from tests.publisher.conftest import PublicationFolder
from tests.sizes import by_lane
from tools.servers.s3 import BUCKET, KEY_ID, REGION, S3, SECRET, StoredObject

FILES = {
    "en/index.html": b"<p>home",
    "en/stories/tides/index.html": b"<p>tides",
    "ar/stories/المد/index.html": "<p>المد".encode(),
    "feeds/en.atom.xml": b"<feed/>",
    "feeds/en/archive/1.atom.xml": b"<feed>1</feed>",
    "feeds/en.json": b"{}",
    "media/a b.png": b"\x89PNG",
    "media/drawing.svg": b"<svg/>",
    "style.css": b"p {}",
}
HIDDEN = (".epoch", "feeds/en.atom.xml.gz", "feeds/en.atom.xml.br", "en/.index.html.part")


def nothing(_step: str, _done: int, _of: int) -> None:
    pass


def fill(settings: Settings, files: dict[str, bytes] = FILES) -> None:
    for name, content in files.items():
        write_file(settings.folders.public / name, content)


def copied(
    settings: Settings, *, is_whole: bool = True, uploader: Uploader | None = None
) -> int:
    return (uploader or Uploader()).upload(settings, nothing, is_whole=is_whole)


def seen(s3: S3) -> dict[str, tuple[bytes, dict[str, str]]]:
    """Return what readers find: bytes as they are after decompression, and fields."""
    found = {}
    # A copy: a process may still write while this reads.
    for key, one in dict(s3.objects).items():
        if key != f"news/{CONTENTS_KEY}":
            fields = dict(one.headers)
            is_compressed = fields.get("Content-Encoding") == "gzip"
            content = gzip.decompress(one.content) if is_compressed else one.content
            found[key.removeprefix("news/")] = content, fields
    return found


def contents(s3: S3) -> dict[str, list[str]]:
    return dict(json.loads(s3.objects[f"news/{CONTENTS_KEY}"].content)["files"])


def test_readers_find_every_file_with_the_fields_of_our_own_server(
    lantern: PublicationFolder, s3: S3
) -> None:
    fill(lantern.settings, FILES | dict.fromkeys(HIDDEN, b"hidden"))
    assert copied(lantern.settings) == len(FILES)
    found = seen(s3)
    assert {name: content for name, (content, _fields) in found.items()} == FILES
    for name, (_content, fields) in found.items():
        ours = dict(headers_for(name, lantern.settings))
        assert fields.pop("Content-Encoding", None) == (
            None if name.endswith("png") else "gzip"
        )
        assert fields == {one: ours[one] for one in ("Content-Type", "Cache-Control")}
    assert len({fields["Cache-Control"] for _content, fields in found.values()}) == 3


def test_text_is_stored_as_it_is_for_networks_that_compress(
    lantern: PublicationFolder, s3: S3
) -> None:
    fill(lantern.settings)
    copied(in_bucket(lantern.settings, s3, compressed=False))
    plain = {key: one.content for key, one in s3.objects.items() if CONTENTS_KEY not in key}
    assert plain == {f"news/{name}": content for name, content in FILES.items()}
    # All that is text is another object now.
    assert copied(lantern.settings) == len(FILES) - 1


def test_only_what_changed_is_put_and_what_is_gone_is_deleted(
    lantern: PublicationFolder, s3: S3
) -> None:
    fill(lantern.settings)
    uploader = Uploader()
    copied(lantern.settings, uploader=uploader)
    for again in (uploader, Uploader()):
        s3.requests.clear()
        assert copied(lantern.settings, uploader=again) == 0
        assert s3.requests == [("GET", f"news/{CONTENTS_KEY}")]
    fill(lantern.settings, {"en/index.html": b"<p>new home"})
    (lantern.settings.folders.public / "media/a b.png").unlink()
    # This root was the last one that was copied: what it lacks is gone, whatever else went wrong.
    assert copied(lantern.settings, uploader=uploader, is_whole=False) == 2
    listed = ("PUT", f"news/{CONTENTS_KEY}")
    assert s3.changes() == [
        listed,
        ("PUT", "news/en/index.html"),
        ("DELETE", "news/media/a b.png"),
        listed,
    ]
    assert seen(s3)["en/index.html"][0] == b"<p>new home"
    assert set(contents(s3)) == set(seen(s3)) == set(FILES) - {"media/a b.png"}


def test_what_others_refer_to_is_put_first(lantern: PublicationFolder, s3: S3) -> None:
    fill(lantern.settings)
    copied(lantern.settings)
    order = [key.removeprefix("news/") for _method, key in s3.changes()[1:-1]]
    groups = [set(order[:4]), set(order[4:6]), set(order[6:7]), set(order[7:])]
    assert groups == [
        {"media/a b.png", "media/drawing.svg", "style.css", "feeds/en/archive/1.atom.xml"},
        {"en/stories/tides/index.html", "ar/stories/المد/index.html"},
        {"en/index.html"},
        {"feeds/en.atom.xml", "feeds/en.json"},
    ]


def elsewhere(settings: Settings, folder: Path) -> Settings:
    return replace(settings, folders=Folders(folder))


def test_another_machine_with_the_same_files_puts_none(
    lantern: PublicationFolder, s3: S3, tmp_path: Path
) -> None:
    fill(lantern.settings)
    copied(lantern.settings)
    before = {key: one for key, one in s3.objects.items() if CONTENTS_KEY not in key}
    other = elsewhere(lantern.settings, tmp_path / "there")
    fill(other)
    s3.requests.clear()
    assert copied(other) == 0
    assert {key: one for key, one in s3.objects.items() if CONTENTS_KEY not in key} == before
    # The list is another one, so that a former leader's is refused.
    assert s3.changes() == [("PUT", f"news/{CONTENTS_KEY}")]


def test_a_machine_that_lacks_files_deletes_none_until_a_turn_is_whole(
    lantern: PublicationFolder, s3: S3, tmp_path: Path
) -> None:
    fill(lantern.settings)
    copied(lantern.settings)
    other = elsewhere(lantern.settings, tmp_path / "there")
    fill(other, {"en/index.html": b"<p>new home"})
    for _turn in range(2):
        with capture_logs() as logs:
            copied(other, is_whole=False)
        assert [(one["log_level"], one["count"]) for one in logs] == [
            ("warning", len(FILES) - 1)
        ]
        assert set(seen(s3)) == set(FILES)
        assert seen(s3)["en/index.html"][0] == b"<p>new home"
    with capture_logs() as logs:
        assert copied(other) == len(FILES) - 1
    assert logs == []
    assert set(seen(s3)) == {"en/index.html"}


def test_an_object_that_was_changed_or_removed_there_is_put_again(
    lantern: PublicationFolder, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(lantern.settings)
    copied(lantern.settings)
    right = seen(s3)
    s3.objects["news/en/index.html"] = StoredObject(b"a zombie's", {})
    del s3.objects["news/style.css"]
    s3.objects["news/of-somebody-else"] = StoredObject(b"stays", {})
    assert copied(lantern.settings) == 0
    monkeypatch.setattr(upload, "LISTING_SECONDS", 0)
    assert copied(lantern.settings) == 2
    assert seen(s3) == right | {"of-somebody-else": (b"stays", {})}


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("after", by_lane([0, 1, 6, 11], [0, 1, 3, 4, 6, 8, 10, 11]))
def test_a_copying_that_is_killed_is_completed_by_the_next_one(
    lantern: PublicationFolder, s3: S3, after: int
) -> None:
    fill(lantern.settings, {"en/index.html": b"<p>old", "en/gone/index.html": b"<p>gone"})
    copied(lantern.settings)
    fill(lantern.settings)
    (lantern.settings.folders.public / "en/gone/index.html").unlink()
    s3.requests.clear()
    left = iter(range(after))

    def guard() -> None:
        if next(left, None) is None:
            raise Killed

    with guarded_changes(guard), pytest.raises(Killed):
        copied(lantern.settings)
    assert after or s3.changes() == [], "the guard is asked before anything is put"
    # What was to come is withdrawn meanwhile, and must not stay.
    (lantern.settings.folders.public / "en/stories/tides/index.html").unlink()
    copied(lantern.settings)
    kept = {name: one for name, one in FILES.items() if "tides" not in name}
    assert {name: content for name, (content, _fields) in seen(s3).items()} == kept
    assert set(contents(s3)) == set(kept)
    assert all(tag for _digest, tag in contents(s3).values())


def test_a_former_leader_that_has_read_the_list_before_puts_nothing(
    lantern: PublicationFolder, s3: S3, tmp_path: Path
) -> None:
    fill(lantern.settings)
    copied(lantern.settings)
    other = elsewhere(lantern.settings, tmp_path / "there")
    fill(other, FILES | {"style.css": b"p { color: red }"})
    fill(lantern.settings, {"style.css": b"of a zombie", "en/index.html": b"of a zombie"})
    # It has read the list and is stopped; another one leads and copies; then it goes on.
    uploader = Uploader()
    turn = upload._Turn(uploader._open(lantern.settings), lantern.settings, is_whole=True)
    plan = plan_upload(LocalFiles().find(lantern.settings), turn.contents.files, deletes=True)
    copied(other)
    right = seen(s3)
    with pytest.raises(BucketError, match="another process puts files there"):
        turn.carry_out(plan, nothing)
    assert seen(s3) == right


def test_the_files_of_another_publication_are_left_alone(
    lantern: PublicationFolder, s3: S3
) -> None:
    fill(lantern.settings)
    copied(lantern.settings)
    other = lantern.settings.publication.model_copy(update={"url": "https://other.example.org"})
    with pytest.raises(BucketError, match=r"has the files of https:.*; set another pref"):
        copied(replace(lantern.settings, publication=other))
    s3.objects[f"news/{CONTENTS_KEY}"] = StoredObject(b'{"version": 2}', {})
    with pytest.raises(BucketError, match="a format that this version does not know"):
        copied(lantern.settings)


def test_a_long_copying_ends_at_a_safe_place_and_keeps_what_it_has_done(
    lantern: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "_PORTION", 2)
    monkeypatch.setattr(upload, "_SAVE_EVERY", 2)
    fill(lantern.settings)
    told = []

    def stop(_step: str, done: int, of: int) -> None:
        told.append((done, of))
        if done >= 6:
            raise Killed

    with pytest.raises(Killed):
        Uploader().upload(lantern.settings, stop, is_whole=True)
    assert told == [(0, 9), (2, 9), (4, 9), (6, 9)]
    assert copied(lantern.settings) == 3


def test_without_a_key_nothing_is_started(lantern: PublicationFolder) -> None:
    for name in lantern.settings.secrets:
        secrets = {k: v for k, v in lantern.settings.secrets.items() if k != name}
        with pytest.raises(ConfigError, match=f"{name}: missing; set it to the bucket's key"):
            require_credentials(replace(lantern.settings, secrets=secrets))
    require_credentials(lantern.settings)
    require_credentials(replace(lantern.settings, s3=None, secrets={}))


def test_without_the_library_the_command_that_installs_it_is_named(
    lantern: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(
        ConfigError, match=r"run `pip install --requirement requirements-extras.txt`"
    ):
        require_credentials(lantern.settings)


# --- a leader that loses its lease while it changes the bucket goes on for one request at most


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


# --- what the client puts is what is stored, and what goes wrong is one sentence


TEXT = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "public, max-age=900"}


def bucket(s3: S3, name: str = BUCKET, secret: str = SECRET, prefix: str = "news") -> Bucket:
    settings = BucketSettings(bucket=name, endpoint=s3.address, region=REGION, prefix=prefix)
    return Bucket(settings, KEY_ID, secret)


# Names that are percent-encoded, or that look as if they were.
NAMES = [
    "ar/stories/المد-والجزر/index.html",
    "zh-Hans/stories/潮汐/index.html",
    "en/a b+c%20&'(é)~=#?;,@!$*.html",
    'media/<&>".png',
]


@pytest.mark.parametrize("prefix", ["", "news", "sites/news"])
def test_objects_have_their_names_bytes_and_fields(s3: S3, prefix: str) -> None:
    stored = bucket(s3, prefix=prefix)
    tags = {name: stored.put(name, name.encode(), TEXT) for name in NAMES}
    assert {key.removeprefix(f"{prefix}/") for key in s3.objects} == set(NAMES)
    assert stored.list() == tags
    for name in NAMES:
        assert stored.read(name) == (name.encode(), tags[name])
        found = s3.objects[f"{prefix}/{name}" if prefix else name]
        assert found.headers == TEXT
    stored.delete([*NAMES, "gone already"])
    assert s3.objects == {}


def test_a_listing_has_many_pages(s3: S3) -> None:
    stored = bucket(s3)
    tags = {f"a/{number}": stored.put(f"a/{number}", b"a", {}) for number in range(20)}
    s3.objects["newsletter/no"] = s3.objects["news/a/1"]
    assert stored.list() == tags
    assert len(s3.requests) == 20 + 3


def test_a_large_object_is_put_in_parts(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PART_BYTES", 5 << 20)
    content = bytes(range(256)) * (12 << 12)
    stored = bucket(s3)
    tag = stored.put("media/a.mp3", io.BytesIO(content), {"Content-Type": "audio/mpeg"})
    assert stored.read("media/a.mp3") == (content, tag)
    assert s3.objects["news/media/a.mp3"].headers == {"Content-Type": "audio/mpeg"}
    assert [method for method, _key in s3.requests].count("PUT") == 3


def test_an_object_is_replaced_only_as_it_was_read(s3: S3) -> None:
    stored = bucket(s3)
    assert stored.read("list") is None
    tag = stored.replace("list", b"1", None)
    for seen in (None, '"another"'):
        with pytest.raises(BucketError, match="another process puts files there"):
            stored.replace("list", b"2", seen)
    assert stored.read("list") == (b"1", tag)
    assert stored.replace("list", b"3", tag) != tag


def said(stored: Bucket) -> set[str]:
    """Return what is said of a bucket that does not work, by each of its verbs."""
    verbs = (
        lambda: stored.put("a", b"a", {}),
        lambda: stored.replace("a", b"a", None),
        lambda: stored.replace("a", b"a", '"tag"'),
        stored.list,
        lambda: stored.delete(["a"]),
    )
    messages = set()
    for verb in verbs:
        with pytest.raises(BucketError) as raised:
            verb()
        messages.add(str(raised.value))
    return messages


def test_what_goes_wrong_is_one_sentence(s3: S3) -> None:
    denied = (
        "s3://lantern/news: answered 403 Forbidden (SignatureDoesNotMatch); "
        "let this key list, read, write and delete objects there"
    )
    assert said(bucket(s3, secret="another")) == {denied}
    assert said(bucket(s3, name="elsewhere")) == {
        "s3://elsewhere/news: answered 404 Not Found (NoSuchBucket); make the bucket first"
    }
    s3.fault = lambda _method, _key: (503, "SlowDown")
    assert said(bucket(s3)) == {
        "s3://lantern/news: answered 503 Service Unavailable (SlowDown); the next cycle tries again"
    }


def test_a_server_that_was_busy_for_a_moment_is_asked_again(
    s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RETRY_TIME", timedelta(seconds=60))
    busy = iter([(503, "SlowDown"), (500, "InternalError")])
    s3.fault = lambda _method, _key: next(busy, None)
    tag = bucket(s3).put("a", b"a", {})
    assert s3.requests == [("PUT", "news/a")] * 3
    assert bucket(s3).read("a") == (b"a", tag)


def test_a_server_that_says_nothing_is_not_waited_for(
    s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "REQUEST_TIME", timedelta(milliseconds=300))
    enough = threading.Event()
    s3.fault = lambda _method, _key: (200, "") if enough.wait(60) else None
    slow = "s3://lantern/news: can't be reached, or is too slow; the next cycle tries again"
    with pytest.raises(BucketError) as raised:
        bucket(s3).put("a", b"a", {})
    enough.set()
    assert str(raised.value) == slow
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        s3.address = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(BucketError) as raised:
            bucket(s3).put("a", b"a", {})
    assert str(raised.value) == slow
