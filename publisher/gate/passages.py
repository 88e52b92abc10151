"""Find a passage in a part of a mail, or describe how it differs from what is there.

A passage must be there character by character (NFC). White space and line breaks may differ, but words must not run
together nor fall apart. Direction marks don't count as characters: a mail adds some to its lines.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from wcwidth import wcswidth

from publisher.gate.mail import clip_text
from publisher.i18n.messages import message

# White space, and characters that only set a direction or allow a line break.
_UNSEEN = r"\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
_GAP = re.compile(rf"[\s{_UNSEEN}]+")
_DIRECTION_MARKS = re.compile(f"[{_UNSEEN}]")
_SPACE = re.compile(r"\s")
# Composing adds a joiner beside an @ so that an article can't contain a mail's placeholder.
_ADDED_JOINER = re.compile(r"(?<=@)\u200c|\u200c(?=@?\w+@)")
# Scripts without spaces, in whose words a line may break.
_BREAKS = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
    r"\U00020000-\U0003ffff]"
)
# In plain text these stand before an item (`-`, `1.`) and between cells.
_MARKERS = frozenset("-*•.|")
# Columns. A list within lists leaves at least so many to a line; a wider word is cut.
_CUT_FROM = 30
# If less than a third of a passage is found, or less than four letters of a long one, it may be
# by chance, and the passage counts as missing.
_WORTH_COMPARING, _ENOUGH = 3, 12
# These join characters into one; `wcswidth` takes them into account.
_JOINERS = frozenset("\u200c\u200d")
_QUOTED, _LEAD = 32, 10  # characters that are quoted, and those of them before the difference


@dataclass(frozen=True)
class PassageText:
    """A text as letters without white space; the gaps between the letters are kept apart."""

    source: str

    @cached_property
    def text(self) -> str:
        """The text in NFC, without the joiners that composing a mail adds."""
        text = unicodedata.normalize("NFC", self.source)
        return _ADDED_JOINER.sub("", text) if "\u200c" in text else text

    @cached_property
    def letters(self) -> str:
        """The characters that must be found."""
        return _GAP.sub("", self.text)

    @cached_property
    def gaps(self) -> dict[int, str]:
        """The gap before a letter, by the letter's number."""
        found, taken = {}, 0
        for gap in _GAP.finditer(self.text):
            found[gap.start() - taken] = gap[0]
            taken += len(gap[0])
        return found

    @cached_property
    def _spaces(self) -> list[int]:
        """The numbers of the letters that stand behind white space."""
        return [p for p, gap in self.gaps.items() if gap[0] == " " or _SPACE.search(gap)]

    @cached_property
    def _inner_spaces(self) -> list[int]:
        """Those of `_spaces` that stand between two letters."""
        return [place for place in self._spaces if 0 < place < len(self.letters)]

    def every(self, words: PassageText, start: int = 0) -> list[int]:
        """Return each place, from a letter on, where words are found with their spaces."""
        return [p for p in self._alike(words, start) if self._misfit(words, p) is None]

    def stand_alone(self, words: PassageText, place: int) -> bool:
        """Return whether the words at a place have their lines, or blocks, to themselves."""
        end = place + len(words.letters)
        before, behind = self.gaps.get(place, ""), self.gaps.get(end, "")
        leads = place == 0 or "\n" in before or self._marks(place - 1, before)
        return leads and (
            end == len(self.letters) or "\n" in behind or self._marks(end, behind)
        )

    def _marks(self, place: int, gap: str) -> bool:
        """Return whether a letter beside a space marks an item or a cell and is not a word."""
        return self.letters[place] in _MARKERS and _SPACE.search(gap) is not None

    def fault(self, words: PassageText, start: int) -> str:
        """Return what is wrong with words that `every` does not find from a letter on."""
        for place in self._alike(words, start):
            if misfit := self._misfit(words, place):
                is_joined, letter = misfit
                given = {"wanted": words.around(letter), "found": self.around(place + letter)}
                if is_joined:
                    return message(
                        "runs together: expected “%(wanted)s”, found “%(found)s”", **given
                    )
                return message("falls apart: expected “%(wanted)s”, found “%(found)s”", **given)
        return self._difference(words, start)

    def _alike(self, words: PassageText, start: int) -> Iterator[int]:
        """Return each place with the same letters, however they are spaced."""
        place = self.letters.find(words.letters, start)
        while place >= 0:
            yield place
            place = self.letters.find(words.letters, place + 1)

    # The wording is made elsewhere, since it takes long: short words have thousands of misfits.
    def _misfit(self, words: PassageText, position: int) -> tuple[bool, int] | None:
        """Return the first wrong space of words at a position: whether it is missing, before which letter."""
        first = bisect_left(self._spaces, position + 1)
        last = bisect_left(self._spaces, position + len(words.letters))
        there = [place - position for place in self._spaces[first:last]]
        if there == words._inner_spaces:  # of the same class
            return None
        wanted = set(words._inner_spaces)  # as above
        for place in sorted(wanted.symmetric_difference(there)):
            if place in wanted:
                return True, place
            if not words.may_break(place, self.gaps[position + place]):
                return False, place
        return None

    def may_break(self, place: int, gap: str) -> bool:
        """Return whether a gap that the words don't have is a line break that does no harm."""
        if "\n" not in gap:
            return False
        before, after = self.letters[place - 1], self.letters[place]
        if not (before.isalnum() and after.isalnum()) or _BREAKS.search(before + after):
            return True
        return (
            self.letters.startswith("http", place)
            or column_width(self._word(place)) >= _CUT_FROM
        )

    def _word(self, place: int) -> str:
        """Return the text around a letter without a space or a place to break."""
        start, end = place, place
        while start and start not in self.gaps and not _BREAKS.match(self.letters[start - 1]):
            start -= 1
        while (
            end < len(self.letters)
            and (end == place or end not in self.gaps)
            and not _BREAKS.match(self.letters[end])
        ):
            end += 1
        return self.letters[start:end]

    def _difference(self, words: PassageText, start: int) -> str:
        """Return how the words differ from the text that is most like them."""
        wanted, there = words.letters, self.letters[start:]
        if wanted in self.letters[:start]:
            return message(
                "is before the passage that it should follow: “%(text)s”", text=words.after(0)
            )
        length = _longest(len(wanted), lambda n: wanted[:n] in there)
        tail = _longest(len(wanted), lambda n: wanted[len(wanted) - n :] in there)
        if _WORTH_COMPARING * max(length, tail) < min(len(wanted), _ENOUGH):
            return message("is missing: “%(text)s”", text=words.after(0))
        if length >= tail:
            place = start + there.find(wanted[:length]) + length
            signs = (wanted[length : length + 1], self.letters[place : place + 1])
            return _differs(words.around(length), self.around(place), signs)
        end = len(wanted) - tail
        place = start + there.find(wanted[end:])
        signs = (wanted[end - 1 : end], self.letters[max(0, place - 1) : place])
        return _differs(words.around(end), self.around(place), signs)

    def after(self, place: int) -> str:
        """Return some of the text from a letter on."""
        return self._excerpt(self._index(place))

    def around(self, place: int) -> str:
        """Return some of the text on both sides of a letter."""
        return self._excerpt(max(0, self._index(place) - _LEAD))

    def _excerpt(self, start: int) -> str:
        text = self.text[start:]
        # The quotation must not change the direction of the line around it.
        shown = clip_text(_DIRECTION_MARKS.sub("", text[:_QUOTED]))
        return f"{'…' if start else ''}{shown}{'…' if len(text) > _QUOTED else ''}"

    def _index(self, place: int) -> int:
        return place + sum([len(gap) for at, gap in self.gaps.items() if at <= place])


def _longest(most: int, holds: Callable[[int], bool]) -> int:
    """Return the largest number for which something holds that holds for all smaller ones."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def _differs(wanted: str, found: str, signs: tuple[str, str]) -> str:
    """Describe a difference, with the code points of its first characters: they may look alike."""
    names = [f"U+{ord(sign):04X}" if sign else message("nothing") for sign in signs]
    return message(
        "differs: expected “%(wanted)s”, found “%(found)s” (%(expected)s, %(other)s)",
        wanted=wanted,
        found=found,
        expected=names[0],
        other=names[1],
    )


def column_width(line: str) -> int:
    """Return the columns of a line: a wide character takes two, a mark or a control none."""
    if not line.isprintable():
        line = "".join(
            [c for c in line if c in _JOINERS or unicodedata.category(c) not in {"Cc", "Cf"}]
        )
    return max(0, wcswidth(line))
