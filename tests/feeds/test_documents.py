"""Expected documents, next to the channels that they are rendered from.

After an intended change of the output, write the new documents with
`python -m tests.feeds.test_documents` and read the difference before it is committed.
"""

from pathlib import Path

import pytest

import feeds
from feeds import FEED_FORMATS, Channel, FeedFormat
from tests.feeds.data import CHANNELS

DATA = Path(__file__).with_name("data")


def formats(channel: Channel) -> list[FeedFormat]:
    return [one for one in FEED_FORMATS if one.name in channel.addresses]


@pytest.mark.parametrize(
    ("name", "channel", "style"),
    [(name, made, style) for name, made in CHANNELS.items() for style in formats(made)],
    ids=lambda value: str(getattr(value, "name", "") or value)[:20],
)
def test_document_is_as_expected(name: str, channel: Channel, style: FeedFormat) -> None:
    expected = (DATA / f"{name}.{style.suffix}").read_bytes()
    assert feeds.render(style, channel).decode() == expected.decode()


if __name__ == "__main__":
    for name, channel in CHANNELS.items():
        for style in formats(channel):
            (DATA / f"{name}.{style.suffix}").write_bytes(feeds.render(style, channel))
