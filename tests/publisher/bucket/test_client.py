"""What the client puts is what is stored, and what goes wrong is one sentence."""

from __future__ import annotations

import io
import socket
import threading
from datetime import timedelta

import pytest

from publisher.bucket import client
from publisher.bucket.client import Bucket
from publisher.config.bucket import BucketSettings
from publisher.errors import BucketError
from tests.s3 import BUCKET, KEY_ID, REGION, S3, SECRET

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
