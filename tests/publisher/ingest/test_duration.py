"""How long recordings last."""

from __future__ import annotations

from io import BytesIO

import pytest

from publisher.ingest.duration import media_duration
from tests.publisher.ingest.helpers import mp3, opus, wav


@pytest.mark.parametrize(
    ("content", "seconds"),
    [
        (wav(2.4), 2),
        (wav(2.6), 3),
        (wav(0.01), 1),
        (mp3(400), 10),
        (mp3(400)[10:], 10),
        (opus(90), 90),
    ],
)
def test_the_duration_of_a_recording_is_in_whole_seconds(content: bytes, seconds: int) -> None:
    assert media_duration(BytesIO(content)) == seconds


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"ID3",
        b"OggS",
        b"fLaC",
        b"Words.",
        b"%PDF-1.7\n",
        wav(0),
        wav(1)[:20],
        opus(1)[:40],
    ],
)
def test_an_unreadable_file_has_no_duration(content: bytes) -> None:
    assert media_duration(BytesIO(content)) is None
