"""The state of a story in a language, and what decides it. Pure.

A claim says that somebody promised a translation, makes it, or gave it up. It counts where there is no
translation by a person, and where one is older than its original.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ClaimState(StrEnum):
    """What somebody said of a translation."""

    PROMISED = "promised"
    IN_WORK = "in-work"
    GIVEN_UP = "given-up"


class MailState(StrEnum):
    """The state of a mail to a translator."""

    PENDING = "pending"
    # A process sends it, or ended while it did.
    ATTEMPTING = "attempting"
    SENT = "sent"
    FAILED = "failed"


class CellState(StrEnum):
    """What there is of a story in a language."""

    ORIGINAL = "original"
    TRANSLATION = "translation"
    MACHINE = "machine"
    CONVERTED = "converted"
    MISSING = "missing"
    PROMISED = "promised"
    IN_WORK = "in-work"
    STALE = "stale"
    GIVEN_UP = "given-up"


# A translator is wanted here, and nobody has said that one is at work.
TO_BE_DONE = frozenset({CellState.MISSING, CellState.STALE})


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslationClaim:
    """Who said what of a translation. `until` is the end of the promise, None if none is stated."""

    story_id: int
    language: str
    state: ClaimState
    by: str
    until: datetime | None
    reason: str | None
    changed_at: datetime

    def is_active(self, now: datetime) -> bool:
        """Return whether somebody is at work, or will be, by what was said."""
        return self.state != ClaimState.GIVEN_UP and not self.has_expired(now)

    def has_expired(self, now: datetime) -> bool:
        """Return whether the time is over by which the translation was promised."""
        is_open = self.state != ClaimState.GIVEN_UP
        return is_open and self.until is not None and self.until <= now


class ArticleKind(StrEnum):
    """What an article is to its readers."""

    ORIGINAL = "original"
    TRANSLATION = "translation"
    MACHINE = "machine"
    CONVERTED = "converted"


_STATE_OF_KIND = {kind: CellState(kind.value) for kind in ArticleKind}
_STATE_OF_CLAIM = {
    ClaimState.PROMISED: CellState.PROMISED,
    ClaimState.IN_WORK: CellState.IN_WORK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A story in a language. `by` are translators, `available_at` is when readers get or got it.

    `claim` is what was said last, also if the promise has expired. `changed_at` is when the original of
    a stale translation last changed; None for one that its own document calls stale, and for a conversion,
    which is stale with the text in the language `converted_from`.
    """

    language: str
    state: CellState
    article_id: int | None = None
    title: str = ""
    by: tuple[str, ...] = ()
    available_at: datetime | None = None
    changed_at: datetime | None = None
    converted_from: str | None = None
    claim: TranslationClaim | None = None


def cell_state(
    kind: ArticleKind | None, *, is_stale: bool, claim: TranslationClaim | None, now: datetime
) -> CellState:
    """Return the state of a story in a language; `kind` is None if there is no article to show."""
    if is_stale:
        return CellState.STALE
    if kind in {ArticleKind.ORIGINAL, ArticleKind.TRANSLATION}:
        return _STATE_OF_KIND[kind]
    # A person's translation is still wanted where a program made the text.
    if claim is not None and claim.is_active(now):
        return _STATE_OF_CLAIM[claim.state]
    if kind is not None:
        return _STATE_OF_KIND[kind]
    is_given_up = claim is not None and claim.state == ClaimState.GIVEN_UP
    return CellState.GIVEN_UP if is_given_up else CellState.MISSING
