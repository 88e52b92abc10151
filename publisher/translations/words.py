"""The words of an original that a translator works from, and what changed in them. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

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


def words_of(row: Any) -> Words:
    """Return the words of a row that has the columns."""
    return Words(row.title, row.summary, row.text)


def changes_between(old: Words, new: Words) -> list[ChangedParagraph]:
    """Return the paragraphs of both in order: what was removed comes before what was added."""
    return [*_changes(old.paragraphs(), new.paragraphs())]


def _changes(old: list[str], new: list[str]) -> Iterator[ChangedParagraph]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            yield from (ChangedParagraph("same", one) for one in old[i1:i2])
        else:
            yield from (ChangedParagraph("removed", one) for one in old[i1:i2])
            yield from (ChangedParagraph("added", one) for one in new[j1:j2])
