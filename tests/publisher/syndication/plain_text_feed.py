"""A feed format that no release has: the titles of the entries, as plain text."""

from feeds import Channel


def render(channel: Channel) -> bytes:
    lines = [channel.title, channel.addresses["text"], *(one.title for one in channel.entries)]
    return "\n".join(lines).encode()
