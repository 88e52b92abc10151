"""What front matter says of attachments, in the forms that people write."""

from __future__ import annotations

from typing import Any

import pytest

from publisher.articles.model import AttachmentField
from publisher.errors import ArticleError
from publisher.ingest.parsers.metadata import read_metadata


def read(**fields: Any) -> tuple[AttachmentField, ...]:
    return read_metadata(fields).attachment_fields


def one(key: str, src: str = "a.mp3", **said: Any) -> tuple[AttachmentField, ...]:
    return (AttachmentField(key=key, src=src, **said),)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"audio": "a.mp3"}, one("audio")),
        ({"video": " a.mp4 "}, one("video", "a.mp4")),
        ({"audio": ["a.mp3", None, ""]}, one("audio")),
        ({"attachments": "a.mp3"}, one("attachments")),
        (
            {"attachments": ["a.mp3", {"file": "b.pdf", "title": "The plan"}]},
            (*one("attachments"), *one("attachments", "b.pdf", title="The plan")),
        ),
        (
            {"enclosure": {"URL": "a.mp3", "Type": "Audio/MPEG", "length": "17"}},
            one("enclosure", media_type="audio/mpeg", length=17),
        ),
        (
            {"enclosure": {"href": "a.mp3", "mime-type": "audio/mpeg", "bytes": "17"}},
            one("enclosure", media_type="audio/mpeg", length=17),
        ),
        (
            {"enclosure": "https://example.org/a.mp3\n17\naudio/mpeg\na:1:{}\n"},
            one("enclosure", "https://example.org/a.mp3", media_type="audio/mpeg", length=17),
        ),
        ({"enclosure": "a.mp3\n"}, one("enclosure")),
        ({"podcast": {"mp3": "a.mp3", "duration": "01:00"}}, one("podcast", duration=60)),
        ({"podcast": {"file": "a.mp3"}}, one("podcast")),
        (
            {"podcast_link": "a.mp3", "podcast_file_size": "17", "podcast_duration": "1:02:03"},
            one("podcast_link", length=17, duration=3723),
        ),
        ({"audio": {"src": "a.mp3", "length": "0", "duration": "0"}}, one("audio")),
    ],
)
def test_attachments_are_read_in_all_their_forms(
    fields: dict[str, Any], expected: tuple[AttachmentField, ...]
) -> None:
    assert read(**fields) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"audio": "true"},
        {"video": "no"},
        {"audio": None},
        {"attachments": []},
        {"podcast": "The Lantern"},
        {"podcast": {"season": "2", "episode": "3"}},
        {"podcast_duration": "10:00"},
    ],
)
def test_other_uses_of_the_keys_are_ignored(fields: dict[str, Any]) -> None:
    assert read(**fields) == ()


def test_the_order_is_always_the_same_with_the_enclosure_first() -> None:
    found = read(
        attachments=["e.pdf"],
        video="d.mp4",
        audio="c.mp3",
        podcast={"mp3": "b.mp3"},
        enclosure="a.mp3",
    )
    assert [each.src for each in found] == ["a.mp3", "b.mp3", "c.mp3", "d.mp4", "e.pdf"]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90", 90),
        ("89.6", 90),
        ("1:30", 90),
        ("01:30", 90),
        ("90:00", 5400),
        ("1:30:00", 5400),
        ("100:00:01", 360_001),
    ],
)
def test_a_duration_is_written_in_seconds_or_as_hours_and_minutes(
    written: str, seconds: int
) -> None:
    (found,) = read(audio={"src": "a.mp3", "duration": written})
    assert found.duration == seconds


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (
            {"audio": {"title": "x"}},
            "^audio: a mapping is not an attachment; write its path or address as src$",
        ),
        ({"audio": [["a.mp3"]]}, "^audio: a list is not a text; write one line$"),
        (
            {"audio": {"src": "a.mp3", "length": "12 MB"}},
            "^audio.length: '12 MB' is not a size in bytes; write a whole number like 34216300$",
        ),
        ({"audio": {"src": "a.mp3", "length": "-1"}}, "^audio.length: '-1' is not a size"),
        (
            {"video": {"src": "a.mp4", "type": "film"}},
            "^video.type: 'film' is not a media type; write one like audio/mpeg$",
        ),
        (
            {"audio": {"src": "a.mp3", "duration": "half an hour"}},
            "^audio.duration: 'half an hour' is not a duration; write seconds, MM:SS or HH:MM:SS$",
        ),
        (
            {"audio": {"src": "a.mp3", "duration": "1:60"}},
            "^audio.duration: '1:60' is not a dur",
        ),
        (
            {"audio": {"src": "a.mp3", "duration": "1:60:00"}},
            "^audio.duration: '1:60:00' is not",
        ),
        (
            {"audio": {"src": "a.mp3", "duration": "1:2:3:4"}},
            "^audio.duration: '1:2:3:4' is not",
        ),
        (
            {"enclosure": "a.mp3\nmany\naudio/mpeg"},
            "^enclosure, second line: 'many' is not a size",
        ),
        (
            {"enclosure": "a.mp3\n1\nsound"},
            "^enclosure, third line: 'sound' is not a media type",
        ),
        (
            {"podcast_link": "a.mp3", "podcast_file_size": "x"},
            "^podcast_file_size: 'x' is not a",
        ),
        ({"podcast_link": "a.mp3", "podcast_duration": "x"}, "^podcast_duration: 'x' is not a"),
    ],
)
def test_errors_state_the_wrong_value_and_a_right_one(
    fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ArticleError, match=reason):
        read(**fields)
