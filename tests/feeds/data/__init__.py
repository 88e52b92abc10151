"""Channels, beside the documents that are expected of them."""

from tests.feeds.data import archive, lantern, mixed, podcast, right_to_left

CHANNELS = {
    "archive": archive.CHANNEL,
    "lantern": lantern.CHANNEL,
    "mixed": mixed.CHANNEL,
    "podcast": podcast.CHANNEL,
    "right_to_left": right_to_left.CHANNEL,
}
