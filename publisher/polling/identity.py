"""Which entries of a poll are known, though their source calls them otherwise by now. Pure.

Sources change the ids of entries, their scheme, host and dates, and put tracking into links. An entry is recognised by
the first of these that names just one entry on both sides: its id; its id without scheme and host; its link without
scheme, `www.` and tracking; its title and day; its content. What is left is compared by titles alone, and counts only
if it is most of what looks new: then the source was published again.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from publisher.polling.model import WebEntry

_Value = TypeVar("_Value")
# Names of parameters that say where a reader came from.
_TRACKING = re.compile(
    r"utm_\w+|mtm_\w+|pk_\w+|hsa_\w+|at_\w+|mc_[ce]id|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|twclid|igshid|"
    r"ref|ref_src|referrer|source|cmpid|ncid|spm|_hsenc|_hsmi|__twitter_impression|amp|ftag|s_cid|xtor",
    re.IGNORECASE,
)
_LONG_TITLE = 12  # Characters. Shorter ones, such as "News", name many entries.
# Of the entries that look new: so many have a known title if the source was published again.
_MOST = 0.5
_MAX_KEY = 300


SHOWN_MARKS = ("link", "content_hash")  # of the marks of an entry, those that readers see


@dataclass(frozen=True, slots=True)
class EntryMarks:
    """By what an entry is recognised; each is empty if it has none. `day` is that of its publication."""

    entry_id: str
    link: str
    title: str
    day: str
    content_hash: str

    @property
    def shown(self) -> tuple[str, ...]:
        """What readers see of it: another one is an edit."""
        return tuple(getattr(self, name) for name in SHOWN_MARKS)

    @classmethod
    def of(cls, entry: WebEntry) -> "EntryMarks":
        return cls(
            entry.id.strip(),
            bare_link(entry.url),
            " ".join(entry.title.split()).casefold(),
            str(entry.published.date()) if entry.published else "",
            entry_hash(entry),
        )


@dataclass(frozen=True, slots=True)
class Recognised:
    """The entries of a poll in their order, each with its marks and the key of the known entry; None for a new one."""

    entry: WebEntry
    marks: EntryMarks
    key: str | None


def bare_link(url: str) -> str:
    """Return an address without what may differ between two links to one page; empty for none."""
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return ""
    kept = [
        pair
        for pair in parse_qsl(parts.query, keep_blank_values=True)
        if not _TRACKING.fullmatch(pair[0])
    ]
    query = f"?{urlencode(kept)}" if kept else ""
    # Some sites have all entries on one page, each at its own place.
    name, is_parameter, _ = parts.fragment.partition("=")
    is_tracking = bool(is_parameter and _TRACKING.match(name))
    fragment = "" if is_tracking or not parts.fragment else f"#{parts.fragment}"
    return f"{host}{parts.path.rstrip('/')}{query}{fragment}" if host else ""


def stands_at(link: str, site: str) -> bool:
    """Return whether a bare link leads to a host, or to one below it."""
    return f".{link.partition('/')[0]}".endswith(f".{site}")


def has_same_title(one: str, other: str) -> bool:
    """Return whether one of two titles is the other, or has it with more words, as in lists of many sites."""
    return bool(one and other) and (one in other or other in one)


def bare_host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def entry_hash(entry: WebEntry) -> str:
    """Return a hash of what readers see of an entry; dates change without it."""
    authors = tuple((one.name, one.affiliation) for one in entry.authors)
    seen = (entry.title, entry.html, entry.summary, entry.language, authors, entry.topics)
    said = repr((*seen, entry.picture, sorted(entry.translations)))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def recognise(
    entries: Iterable[WebEntry], known: Mapping[str, EntryMarks]
) -> tuple[Recognised, ...]:
    """Return which entries are known; `known` are the marks of those that are stored, by key.

    An entry that stands in the document twice, with the same id and link, is there once.
    """
    marked = [(entry, EntryMarks.of(entry)) for entry in _once(entries)]
    marks = [one for _entry, one in marked]
    found, taken = dict[int, str](), set[str]()
    for mark_of, is_enough in _RULES:
        for number, key in _pairs(marks, known, mark_of):
            is_free = number not in found and key not in taken
            if is_free and is_enough(marks[number], known[key]):
                found[number] = key
                taken.add(key)
    keys = _with_titles(marks, known, found)
    return tuple(
        Recognised(entry, one, keys.get(number)) for number, (entry, one) in enumerate(marked)
    )


def overlaps(entries: Iterable[WebEntry], known: Mapping[str, EntryMarks]) -> bool:
    """Return whether some of these entries are known."""
    return not known or any(one.key is not None for one in recognise(entries, known))


def _once(entries: Iterable[WebEntry]) -> Iterator[WebEntry]:
    seen = set[tuple[str, str, str]]()
    for entry in entries:
        is_named = entry.id and entry.url
        place = (entry.id, entry.url, "" if is_named else entry.title or entry_hash(entry))
        if place not in seen:
            seen.add(place)
            yield entry


def _pairs(
    marks: Sequence[EntryMarks],
    known: Mapping[str, EntryMarks],
    mark_of: Callable[[EntryMarks], Hashable],
) -> Iterator[tuple[int, str]]:
    """Yield the number of an entry and the key of a known one where a mark names just these two."""
    stored = _unique((mark_of(one), key) for key, one in known.items())
    shown = _unique((mark_of(one), number) for number, one in enumerate(marks))
    yield from ((number, stored[mark]) for mark, number in shown.items() if mark in stored)


def _unique(pairs: Iterable[tuple[Hashable, _Value]]) -> dict[Hashable, _Value]:
    listed = [pair for pair in pairs if pair[0] != ""]
    times = Counter(mark for mark, _value in listed)
    return {mark: value for mark, value in listed if times[mark] == 1}


def _with_titles(
    marks: Sequence[EntryMarks], known: Mapping[str, EntryMarks], found: Mapping[int, str]
) -> Mapping[int, str]:
    """Return the keys of entries by number; also of those with a known title, if these are most of the new ones."""
    taken = {*found.values()}
    alike = {
        number: key
        for number, key in _pairs(
            marks, known, lambda one: one.title[_LONG_TITLE:] and one.title
        )
        if number not in found and key not in taken
    }
    is_published_again = len(alike) > 1 and len(alike) >= _MOST * (len(marks) - len(found))
    return {**found, **alike} if is_published_again else found


def _bare_id(entry_id: str) -> str:
    """Return an id that is an address without scheme and host; empty for others, and for what is short."""
    _scheme, colon, rest = entry_id.partition("://")
    path = rest.partition("/")[2] if colon else ""
    return path.rstrip("/") if len(path) > len("?p=1") else ""


def _shares_title_or_day(one: EntryMarks, other: EntryMarks) -> bool:
    """Return whether two entries at one address may be the same: some sites show a new one there each day."""
    is_unnamed = not (one.entry_id and other.entry_id)
    return is_unnamed or one.title == other.title or one.day == other.day


def _always(_one: EntryMarks, _other: EntryMarks) -> bool:
    return True


# What names an entry, the best first, and what else must be so.
_RULES: tuple[tuple[Callable[[EntryMarks], Hashable], Callable[..., bool]], ...] = (
    (lambda one: one.entry_id, _always),
    (lambda one: _bare_id(one.entry_id), _always),
    (lambda one: one.link, _shares_title_or_day),
    (lambda one: one.title and one.day and (one.title, one.day), _always),
    (lambda one: (one.title, one.content_hash), _always),
)


def key_for(marks: EntryMarks, taken: Iterable[str]) -> str:
    """Return a key for a new entry: its id or link, as people know it; with a hash where that is taken or long."""
    name = marks.entry_id or marks.link or marks.title
    key = " ".join(name.split())[:_MAX_KEY]
    if key and key == name and key not in {*taken}:
        return key
    seed = repr((marks, sorted(taken)))
    digest = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{key} {digest}".strip()
