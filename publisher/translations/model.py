"""The state of a story in a language, what decides it, and the words that a translator works from. Pure.

A claim says that somebody promised a translation, makes it, or gave it up. It counts where there is no translation by a
person, and where one is older than its original: then what changed in the original's words is shown by paragraph.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import groupby, starmap, zip_longest
from typing import Any, Literal


class ClaimState(StrEnum):
    """What somebody said of a translation."""

    PROMISED = "promised"
    IN_WORK = "in-work"
    GIVEN_UP = "given-up"


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


@dataclass(frozen=True, slots=True)
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
    shown: CellState | None, *, is_stale: bool, claim: TranslationClaim | None, now: datetime
) -> CellState:
    """Return the state of a story in a language.

    `shown` is what the article is that can be shown: original, translation, by machine or converted;
    None if there is none.
    """
    if is_stale:
        return CellState.STALE
    if shown in {CellState.ORIGINAL, CellState.TRANSLATION}:
        return shown
    # A person's translation is still wanted where a program made the text.
    if claim is not None and claim.is_active(now):
        return CellState(claim.state)
    if shown is not None:
        return shown
    is_given_up = claim is not None and claim.state == ClaimState.GIVEN_UP
    return CellState.GIVEN_UP if is_given_up else CellState.MISSING


ChangeKind = Literal["same", "removed", "added"]


@dataclass(frozen=True, slots=True)
class Words:
    """Title, summary and plain text of an article."""

    title: str
    summary: str
    text: str

    @property
    def hash(self) -> str:
        """A hash of the words; spaces and line ends do not count."""
        plain = "\0".join(" ".join(part.split()) for part in self._parts())
        return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()

    def paragraphs(self) -> list[str]:
        """Return what a reader reads, from the title on."""
        lines = (" ".join(line.split()) for part in self._parts() for line in part.splitlines())
        return [line for line in lines if line]

    def _parts(self) -> tuple[str, ...]:
        beginning = " ".join(self.summary.split()).rstrip("… .")
        # A summary that the program made is the beginning of the text.
        is_own = not " ".join(self.text.split()).startswith(beginning)
        return (self.title, self.summary, self.text) if is_own else (self.title, self.text)


@dataclass(frozen=True, slots=True)
class ChangedParagraph:
    """A paragraph that stayed, was removed or was added."""

    kind: ChangeKind
    text: str


# A sign of a script without spaces, a word, or what is between.
_WORDS = re.compile(
    r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\u0e00-\u0eff]|[^\W_]+|\s+|.", re.DOTALL
)


def marked_changes(changes: Sequence[ChangedParagraph]) -> list[list[ChangedParagraph]]:
    """Return each paragraph as pieces that stayed, were removed or added: words, or signs where no spaces are between."""
    marked: list[list[ChangedParagraph]] = []
    for is_same, some in groupby(changes, lambda one: one.kind == "same"):
        group = [*some]
        sides = (
            [one.text for one in group if one.kind == kind] for kind in ("removed", "added")
        )
        marked += [[one] for one in group] if is_same else starmap(_pieces, zip_longest(*sides))
    return marked


def _pieces(old: str | None, new: str | None) -> list[ChangedParagraph]:
    before, after = _WORDS.findall(old or ""), _WORDS.findall(new or "")
    found: list[ChangedParagraph] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        removed, added = "".join(before[i1:i2]), "".join(after[j1:j2])
        if tag == "equal":
            found.append(ChangedParagraph("same", removed))
            continue
        found += [ChangedParagraph("removed", removed)] if removed else []
        found += [ChangedParagraph("added", added)] if added else []
    return found


def words_of(row: Any) -> Words:
    return Words(row.title, row.summary, row.text)


def changes_between(old: Words, new: Words) -> list[ChangedParagraph]:
    """Return the paragraphs of both in order: what was removed comes before what was added."""
    before, after = old.paragraphs(), new.paragraphs()
    changes: list[ChangedParagraph] = []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        kind: ChangeKind = "same" if tag == "equal" else "removed"
        changes += (ChangedParagraph(kind, text) for text in before[i1:i2])
        if tag != "equal":
            changes += (ChangedParagraph("added", text) for text in after[j1:j2])
    return changes
