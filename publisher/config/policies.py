"""What the settings of newsletters may say in one word, each with its meaning."""

from __future__ import annotations

from enum import StrEnum


class LatePolicy(StrEnum):
    """What happens to a missed occurrence."""

    SEND = "send"
    SKIP = "skip"
    MERGE = "merge"


class InDoubtPolicy(StrEnum):
    """What happens to a mail whose reply was lost."""

    HOLD = "hold"
    RESEND = "resend"


class MissingPolicy(StrEnum):
    """What an edition does with a story without a translation into its language."""

    SKIP = "skip"
    FALLBACK = "fallback"
    CONVERT = "convert"


class ApprovalPolicy(StrEnum):
    """How many people have to approve an issue before it is sent."""

    NONE = "none"
    ONE = "one"
    TWO = "two"

    @property
    def needed(self) -> int:
        """The number of people."""
        return {"none": 0, "one": 1, "two": 2}[self.value]


class UnapprovedPolicy(StrEnum):
    """What happens at its hour to an issue that is not approved."""

    HOLD = "hold"
    SKIP = "skip"


class Content(StrEnum):
    """How much of each article a mail contains."""

    SUMMARY = "summary"
    FULL = "full"


class DigestPictures(StrEnum):
    """Which stories of a digest show their picture."""

    LEAD = "lead"
    ALL = "all"
    NONE = "none"


class DigestBlock(StrEnum):
    """Parts of a digest besides its stories."""

    QUOTATION = "quotation"
    NOTES = "notes"
