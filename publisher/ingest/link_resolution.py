"""Find the article that a link of a document means, among all that were picked up. Pure.

A link may name a file, as it is or without its ending, its language or its date; the address of a
page, also an old one; or a page of the publication. Files are those of the same source.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from publisher.articles.content.internal_links import LinkTarget
from publisher.ingest.parsers import ARTICLE_SUFFIXES

_LANGUAGE_SUFFIX = re.compile(r"\.[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*\Z")
# Characters that stand for themselves in a path or a query (RFC 3986 section 3.3).
_SAFE = "/?%:@!$&'()*+,;=~"
# In links, .html is the ending of a page.
_ENDINGS = ARTICLE_SUFFIXES - {".html", ".htm"}
# Of the last name of a path.
_DATE = re.compile(r"\b\d{4}-\d{1,2}-\d{1,2}-(?=[^/]+\Z)")
# A link to a text may mean the file as it is.
_TEXT = ".txt"
_INDEX_NAMES = frozenset({"index", "_index", "readme"})


@dataclass(frozen=True, slots=True)
class LinkOrigin:
    """Where a link stands: the source of its document, and the address of that site."""

    source: str
    site_url: str


class KnownTargets:
    """All files and addresses of articles.

    `files` are (source, path, article) and `addresses` (path, article), those that count first
    before others; `stories` has the story of each article.
    """

    def __init__(
        self,
        files: Iterable[tuple[str, str, int]],
        addresses: Iterable[tuple[str, int]],
        stories: Mapping[int, int],
    ) -> None:
        self._stories = stories
        self._exact: dict[tuple[str, str], int] = {}
        self._forms: dict[tuple[str, str], int] = {}
        self._names: defaultdict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
        # Those whose name begins with a date, without it.
        self._undated: defaultdict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
        for source, path, number in files:
            self._exact[source, path] = number
            for form in _file_forms(path):
                self._forms.setdefault((source, form), number)
                self._names[source, form.rpartition("/")[2]].append((form, number))
                undated = _DATE.sub("", form)
                if undated != form:
                    self._undated[source, undated.rpartition("/")[2]].append((undated, number))
        self._addresses: dict[str, int] = {}
        for path, number in addresses:
            self._addresses.setdefault(page_key(path), number)

    def find(self, target: LinkTarget, origin: LinkOrigin) -> int | None:
        """Return the article that a link means, None if there is none."""
        found = self._exact.get((origin.source, target.file)) if target.file else None
        prefix = urlsplit(origin.site_url).path.rstrip("/")
        for path in (target.address, f"{prefix}{target.address}"):
            if found is None and page_key(path):
                found = self._addresses.get(page_key(path))
        if found is None and target.file:
            found = self._by_form(target, origin.source)
        return found

    def _by_form(self, target: LinkTarget, source: str) -> int | None:
        form = without_ending(target.file)
        found = self._forms.get((source, form))
        name = (source, form.rpartition("/")[2])
        if found is None:
            found = self._by_name(target, form, self._names.get(name, ()))
        # Only a link that names a file can mean one with a date.
        if found is None and _has_ending(target.file):
            found = self._by_name(target, form, self._undated.get(name, ()))
        return found

    def _by_name(
        self, target: LinkTarget, form: str, files: Iterable[tuple[str, int]]
    ) -> int | None:
        """Return the one story whose files end like the link, as `relref` finds them."""
        parts = form.split("/")
        named: dict[int, list[int]] = defaultdict(list)
        for known, number in files:
            named[shared_end(known.split("/"), parts)].append(number)
        best = max(named, default=0)
        # A path from the root says more than a name.
        needed = 2 if _is_root(target) and not _has_ending(target.file) else 1
        if best < needed or len({self._stories.get(one) for one in named[best]}) != 1:
            return None
        return named[best][0]


def outside_address(target: LinkTarget, site_url: str) -> str | None:
    """Return the address on the site itself of what was not picked up; None if it is unknown."""
    if not site_url:
        return None
    site = urlsplit(site_url)
    path, mark, query = target.address.partition("?")
    if names_document(target.file):
        inside = without_ending(target.file).removeprefix("content/")
        path = f"{site.path.rstrip('/')}/{inside}"
    written = quote(f"{path}{mark}{query}", safe=_SAFE)
    return f"{site.scheme}://{site.netloc}{written}"


def page_key(path: str) -> str:
    """Return a path in the form in which addresses of the same page are equal."""
    bare = unquote(path.partition("?")[0])
    for ending in ("/index.html", "/index.htm", ".html", ".htm"):
        bare = bare.removesuffix(ending)
    return bare.strip("/")


def _file_forms(path: str) -> list[str]:
    """Return a file without its ending, and also without its language."""
    bare = without_ending(path)
    if bare == path:
        return [bare]
    return list(
        dict.fromkeys([bare, _without_index(without_language(posixpath.splitext(path)[0]))])
    )


def names_document(path: str) -> bool:
    """Return whether a path has the ending of Markdown, so that it names a file of the source."""
    return _has_ending(path) and not path.lower().endswith(_TEXT)


def without_language(stem: str) -> str:
    """Return a path without its ending, and without a language behind it."""
    return _LANGUAGE_SUFFIX.sub("", stem)


def without_ending(path: str) -> str:
    """Return a document's path without its ending, or the folder whose index it is."""
    stem = posixpath.splitext(path)[0] if _has_ending(path) else path
    return _without_index(stem.rstrip("/"))


def _without_index(stem: str) -> str:
    folder, _slash, name = stem.rpartition("/")
    return folder if folder and name.lower() in _INDEX_NAMES else stem


def _has_ending(path: str) -> bool:
    # PurePath takes several times as long, and this runs for every file and link.
    return posixpath.splitext(path)[1].lower() in _ENDINGS


def _is_root(target: LinkTarget) -> bool:
    return unquote(target.address.partition("?")[0]).strip("/") == target.file


def shared_end(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many of the last names of two paths are equal."""
    count = 0
    for left, right in zip(reversed(one), reversed(other), strict=False):
        if left != right:
            break
        count += 1
    return count
