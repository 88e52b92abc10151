"""The errors of this package, each with the id or value that it is about. Raised when an object is built, never when it is rendered."""


class FeedsError(Exception):
    """Base class of the errors of this package."""


class InvalidIdentifierError(FeedsError):
    """An address, id or language tag is malformed."""

    def __init__(self, value: str, reason: str) -> None:
        super().__init__(f"{value!r} {reason}")
        self.value = value


class InvalidEntryError(FeedsError):
    """One entry cannot be published; other entries are not affected."""

    def __init__(self, entry_id: str, reason: str) -> None:
        super().__init__(f"entry {entry_id}: {reason}")
        self.entry_id = entry_id


class InvalidChannelError(FeedsError):
    """The whole channel cannot be published."""

    def __init__(self, channel_id: str, reason: str) -> None:
        super().__init__(f"channel {channel_id}: {reason}")
        self.channel_id = channel_id


class DuplicateEntryError(InvalidChannelError):
    """Two entries have the same id. A feed reader would show only one of them."""

    def __init__(self, channel_id: str, entry_id: str) -> None:
        super().__init__(channel_id, f"two entries have the id {entry_id}")
        self.entry_id = entry_id
