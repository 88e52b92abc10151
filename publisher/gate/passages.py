"""Finding a passage in a part of a mail, or saying how it differs from what is there. Pure.

A passage must stand there character by character (NFC). White space may be laid out anew and
lines broken, but words must not run together nor fall apart; what only sets a direction is not
counted as a character, since a mail sets it for its lines. Knows no part and no story.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from publisher.gate.html_document import clip_text
from publisher.gate.text_layout import columns

# White space, and signs that only direct what is beside them or say where a line may break.
UNSEEN = r"\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
GAP = re.compile(rf"[\s{UNSEEN}]+")
DIRECTIONS = re.compile(f"[{UNSEEN}]")
# A joiner beside an @ keeps an article from naming a place for a reader's own values.
ADDED_JOINER = re.compile(r"(?<=@)\u200c|\u200c(?=@?\w+@)")
# Scripts without spaces, in whose words a line may break.
BREAKS = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
    r"\U00020000-\U0003ffff]"
)
# What stands in a line of plain text before an item (`-`, `1.`) and between cells.
MARKERS = frozenset("-*•.|")
# The narrowest room that words get is 30 columns, in a list within lists; what is wider is cut.
CUT_FROM = 30
# If less than a third of a passage is there, or less than four letters of a long one, that may be
# by chance, and the passage is said to be missing.
WORTH_COMPARING, ENOUGH = 3, 12
# How much is quoted, and how much of it from before the difference.
SHOWN, LEAD = 32, 10


@dataclass(frozen=True)
class Words:
    """A text without its white space, which is kept apart."""

    source: str

    @cached_property
    def text(self) -> str:
        """The text, composed, without the joiners that composing a mail adds."""
        return ADDED_JOINER.sub("", unicodedata.normalize("NFC", self.source))

    @cached_property
    def letters(self) -> str:
        """The characters that must stay."""
        return GAP.sub("", self.text)

    @cached_property
    def gaps(self) -> dict[int, str]:
        """What stood before a letter, by its number, where anything did."""
        found, taken = {}, 0
        for gap in GAP.finditer(self.text):
            found[gap.start() - taken] = gap[0]
            taken += len(gap[0])
        return found

    @cached_property
    def _places(self) -> list[int]:
        return list(self.gaps)

    def every(self, words: Words, start: int = 0) -> Iterator[int]:
        """Give each place, from some letter on, where words stand as they should."""
        return (p for p in self._alike(words, start) if self._misfit(words, p) is None)

    def stand_alone(self, words: Words, place: int) -> bool:
        """Say whether nothing else stands in the lines, or blocks, of words at a place."""
        end = place + len(words.letters)
        before, behind = self.gaps.get(place, ""), self.gaps.get(end, "")
        leads = place == 0 or "\n" in before or self._marks(place - 1, before)
        return leads and (
            end == len(self.letters) or "\n" in behind or self._marks(end, behind)
        )

    def _marks(self, place: int, gap: str) -> bool:
        """Say whether a letter, with a space beside it, marks an item or a cell and is no word."""
        return _spaced(gap) and self.letters[place] in MARKERS

    def fault(self, words: Words, start: int) -> str:
        """Say what is wrong with words that do not stand as they should from some letter on."""
        spaced = (self._spacing(words, place) for place in self._alike(words, start))
        return next(filter(None, spaced), None) or self._difference(words, start)

    def _alike(self, words: Words, start: int) -> Iterator[int]:
        """Give each place with the same letters, however they are spaced."""
        place = self.letters.find(words.letters, start)
        while place >= 0:
            yield place
            place = self.letters.find(words.letters, place + 1)

    def _spacing(self, words: Words, position: int) -> str | None:
        """Say where words run together or fall apart if they stand at a position."""
        misfit = self._misfit(words, position)
        if misfit is None:
            return None
        verb, place = misfit
        return f"{verb}: {_both(words.around(place), self.around(position + place))}"

    # Apart from its wording, which takes long: a short passage has misfits by the thousand.
    def _misfit(self, words: Words, position: int) -> tuple[str, int] | None:
        """Give what words do at a position that they should not, and before which letter."""
        first = bisect_left(self._places, position + 1)
        last = bisect_left(self._places, position + len(words.letters))
        ours = (place - position for place in self._places[first:last])
        for place in sorted({*ours, *words.gaps} - {0, len(words.letters)}):
            wanted = _spaced(words.gaps.get(place, ""))
            gap = self.gaps.get(position + place, "")
            if wanted and not _spaced(gap):
                return "runs together", place
            if _spaced(gap) and not wanted and not words.may_break(place, gap):
                return "falls apart", place
        return None

    def may_break(self, place: int, gap: str) -> bool:
        """Say whether a gap that the words don't have is a line break that does no harm."""
        if "\n" not in gap:
            return False
        before, after = self.letters[place - 1], self.letters[place]
        if not (before.isalnum() and after.isalnum()) or BREAKS.search(before + after):
            return True
        return self.letters.startswith("http", place) or columns(self._word(place)) >= CUT_FROM

    def _word(self, place: int) -> str:
        """Give what stands around a letter without a space or a place to break."""
        start, end = place, place
        while start and start not in self.gaps and not BREAKS.match(self.letters[start - 1]):
            start -= 1
        while (
            end < len(self.letters)
            and (end == place or end not in self.gaps)
            and not BREAKS.match(self.letters[end])
        ):
            end += 1
        return self.letters[start:end]

    def _difference(self, words: Words, start: int) -> str:
        """Say how the words differ from what comes nearest to them."""
        wanted, there = words.letters, self.letters[start:]
        if wanted in self.letters[:start]:
            return f"stands before what it should follow: “{words.after(0)}”"
        length = _longest(len(wanted), lambda n: wanted[:n] in there)
        tail = _longest(len(wanted), lambda n: wanted[len(wanted) - n :] in there)
        if WORTH_COMPARING * max(length, tail) < min(len(wanted), ENOUGH):
            return f"is missing: “{words.after(0)}”"
        if length >= tail:
            place = start + there.find(wanted[:length]) + length
            signs = (wanted[length : length + 1], self.letters[place : place + 1])
            return _told(words.around(length), self.around(place), signs)
        end = len(wanted) - tail
        place = start + there.find(wanted[end:])
        signs = (wanted[end - 1 : end], self.letters[max(0, place - 1) : place])
        return _told(words.around(end), self.around(place), signs)

    def after(self, place: int) -> str:
        """Give some of the text from a letter on."""
        return self._excerpt(self._index(place))

    def around(self, place: int) -> str:
        """Give some of the text on both sides of a letter."""
        return self._excerpt(max(0, self._index(place) - LEAD))

    def _excerpt(self, start: int) -> str:
        text = self.text[start:]
        # What is quoted must not turn around the line that it is quoted in.
        shown = clip_text(DIRECTIONS.sub("", text[:SHOWN]))
        return f"{'…' if start else ''}{shown}{'…' if len(text) > SHOWN else ''}"

    def _index(self, place: int) -> int:
        """Say where in the text a letter is."""
        return place + sum(len(gap) for at, gap in self.gaps.items() if at <= place)


def _spaced(gap: str) -> bool:
    return any(sign.isspace() for sign in gap)


def _longest(most: int, holds: Callable[[int], bool]) -> int:
    """Find the largest number for which something holds that holds for all smaller ones."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def _told(wanted: str, found: str, signs: tuple[str, str]) -> str:
    """Write both, and the first characters that differ, which may look alike."""
    names = [f"U+{ord(sign):04X}" if sign else "nothing" for sign in signs]
    return f"differs: {_both(wanted, found)} ({names[0]}, {names[1]})"


def _both(wanted: str, found: str) -> str:
    return f"for “{wanted}” it says “{found}”"
