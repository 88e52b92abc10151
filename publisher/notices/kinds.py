"""The kinds of notices, and the values that each is stored with and rendered from. Pure.

Never a link: links are signed when it is rendered.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

NoticeValues = Mapping[str, Any]


class NoticeKind(StrEnum):
    """What a notice is about. The value is the name of its folder in `templates/email`."""

    CONFIRM = "confirm"  # please confirm: a link for 72 hours, and a code
    REMINDER = "reminder"  # the same, once more, a day later
    # Somebody asked for what the subscriber has already.
    ALREADY_SUBSCRIBED = "already-subscribed"
    WELCOME = "welcome"  # the subscription is confirmed, or a leaving was undone
    GOODBYE = "goodbye"  # the subscriber left, and can undo it
    CONFIRM_ADDRESS = "confirm-address"  # to a new address: please confirm it
    # To the old address: it was changed, and can be undone for seven days.
    ADDRESS_CHANGED = "address-changed"
    LINKS = "links"  # the subscriber's own links: preferences, feed, leaving
    DATA = "data"  # a link for 30 minutes, and a code: to the subscriber's own data


# What a notice is made from:
#   number       the row that the link is signed with: a request to join (CONFIRM, REMINDER), what was left
#                (GOODBYE), a change of address (CONFIRM_ADDRESS, ADDRESS_CHANGED), a request for data (DATA)
#   code         six digits, as text; deleted once the notice needs no further attempt
#   newsletters  names as in publication.toml. Of GOODBYE: those that were left, empty for all. Of LINKS: those that
#                somebody in her name wants to leave; without the value, nobody does
#   again        true if a leaving was undone, and nothing was confirmed
#   changed      the new address, as much of it as the old one may be shown: `a•••@example.org`
# Of each kind: the values that it has always, and those that it may have.
_VALUES: dict[NoticeKind, tuple[str, str]] = {
    NoticeKind.CONFIRM: ("number code newsletters", ""),
    NoticeKind.REMINDER: ("number newsletters", "code"),
    NoticeKind.ALREADY_SUBSCRIBED: ("newsletters", ""),
    NoticeKind.WELCOME: ("newsletters", "again"),
    NoticeKind.GOODBYE: ("newsletters", "number"),
    NoticeKind.CONFIRM_ADDRESS: ("number", "code"),
    NoticeKind.ADDRESS_CHANGED: ("number", "changed"),
    NoticeKind.LINKS: ("", "newsletters"),
    NoticeKind.DATA: ("number code", ""),
}
REQUIRED_VALUES = {kind: frozenset(names.split()) for kind, (names, _) in _VALUES.items()}
ALLOWED_VALUES = {kind: frozenset(" ".join(names).split()) for kind, names in _VALUES.items()}


def check_values(kind: NoticeKind, values: NoticeValues) -> None:
    names = values.keys()
    if not REQUIRED_VALUES[kind] <= names <= ALLOWED_VALUES[kind]:
        raise ValueError(f"a notice {kind} with the values {sorted(names)}")
