"""Putting values right while they are built: one spelling for each text, address and instant.

Knows no field's meaning; the value classes say which rule holds for which.
"""

from datetime import UTC, datetime

from feeds.errors import InvalidChannelError, InvalidEntryError
from feeds.identifiers import absolute_uri
from feeds.text import label


def set_fields(value: object, **fields: object) -> None:
    """Set the fields of a frozen value that is still being built."""
    put = object.__setattr__
    for name, content in fields.items():
        put(value, name, content)


def optional_line(text: str | None) -> str | None:
    """Return a text as one line that people read; None if nothing is left of it."""
    return None if text is None else label(text) or None


def optional_uri(text: str | None) -> str | None:
    """Return an address as it is compared; None if there is none."""
    return absolute_uri(text) if text else None


def utc_seconds(
    moment: datetime,
    name: str,
    owner: str,
    error: type[InvalidEntryError | InvalidChannelError] = InvalidEntryError,
) -> datetime:
    """Return a moment in UTC and whole seconds, the one spelling that all formats share.

    Raises `error`, naming the owner's id and the field, if it has no time zone.
    """
    if moment.tzinfo is UTC and not moment.microsecond:
        return moment
    if moment.utcoffset() is None:
        raise error(owner, f"{name} {moment.isoformat()} has no time zone")
    try:
        return moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError as overflow:
        raise error(owner, f"{name} {moment.isoformat()} is no date in UTC") from overflow
