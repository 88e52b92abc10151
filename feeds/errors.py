"""What can be wrong with a channel or with what it is made of.

Each error carries what it names, so that a caller can act on it without reading text:

    FeedsError
    ├── InvalidIdentifierError    not an address, tag: URI or language tag   .value
    ├── InvalidEntryError         one entry cannot be published              .entry_id
    └── InvalidChannelError       the channel as a whole cannot              .channel_id
        └── DuplicateEntryError   two entries claim one id                   .entry_id

All are raised when a value is built, never while it is written: a Channel that exists
can be written in every format.
"""


class FeedsError(Exception):
    """Anything this package refuses."""


class InvalidIdentifierError(FeedsError):
    """A text that machines compare does not have the form that it must have."""

    def __init__(self, value: str, reason: str) -> None:
        super().__init__(f"{value!r} {reason}")
        self.value = value


class InvalidEntryError(FeedsError):
    """One entry cannot be published; the others are not concerned."""

    def __init__(self, entry_id: str, reason: str) -> None:
        super().__init__(f"entry {entry_id}: {reason}")
        self.entry_id = entry_id


class InvalidChannelError(FeedsError):
    """The channel as a whole cannot be published."""

    def __init__(self, channel_id: str, reason: str) -> None:
        super().__init__(f"channel {channel_id}: {reason}")
        self.channel_id = channel_id


class DuplicateEntryError(InvalidChannelError):
    """Two entries claim one id, so readers would show only one of them."""

    def __init__(self, channel_id: str, entry_id: str) -> None:
        super().__init__(channel_id, f"two entries have the id {entry_id}")
        self.entry_id = entry_id
