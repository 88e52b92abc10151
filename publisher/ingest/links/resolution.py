"""What a link of a document means: an article, another page of the site, or nothing that is there. Pure.

A link may name a file, as it is or without its ending, its language or its date; the address of a
page, also an old one; or a page of the publication. Files are those of the same source. Nobody can say what
a generator makes of a page without running it. So pages that are no articles are compared by the ends of their
paths, without endings, dates and languages, and by the addresses that they state: a page that is there is never
called missing. A site answers where it stands elsewhere; where its address is the publication's own, only the
publication does. `publisher.ingest.pickup.link_update` applies this to all articles.
"""

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from publisher import urls
from publisher.articles.content.internal_links import LinkTarget, is_below
from publisher.i18n.article_problems import ProblemKind
from publisher.ingest.media.kinds import DOWNLOAD_SUFFIXES, MEDIA_SUFFIXES
from publisher.ingest.parsers import ARTICLE_SUFFIXES
from publisher.ingest.sites.base import PathPatterns

_LANGUAGE_SUFFIX = re.compile(r"\.[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*\Z")
# Characters that stand for themselves in a path or a query (RFC 3986 section 3.3).
_SAFE = "/?%:@!$&'()*+,;=~"
_ENDINGS = ARTICLE_SUFFIXES - {".html", ".htm"}  # in links, .html is the ending of a page
_DATE = re.compile(r"\b\d{4}-\d{1,2}-\d{1,2}-(?=[^/]+\Z)")  # of the last name of a path
_TEXT = ".txt"  # a link to a text may mean the file as it is
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
        is_root = unquote(target.address.partition("?")[0]).strip("/") == target.file
        needed = 2 if is_root and not _has_ending(target.file) else 1
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
    stem = without_language(posixpath.splitext(path)[0])
    return list(dict.fromkeys([bare, _without_index(stem)]))


def names_document(path: str) -> bool:
    """Return whether a path has the ending of Markdown, so that it names a file of the source."""
    return _has_ending(path) and not path.lower().endswith(_TEXT)


def without_language(stem: str) -> str:
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


def shared_end(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many of the last names of two paths are equal."""
    count = 0
    for left, right in zip(reversed(one), reversed(other), strict=False):
        if left != right:
            break
        count += 1
    return count


# Characters of a page that are searched for addresses: front matter, or a list of redirects.
PAGE_HEAD = 20_000
# Addresses of one page. More of them are a list of redirects of another kind.
_MAX_ADDRESSES = 500
_STATED = re.compile(
    r"(?<![\w.-])(?:permalink|slug|url|id)[\"']?[ \t]*[:=][ \t]*[\"']?([^\s\"',#]+)"
)
_PATH = re.compile(r"(?:^|[\s\"'\[,(])(/[^\s\"'\],)]*)")
_FRONT_MATTER = re.compile(r"\A\ufeff?(---|\+\+\+)[ \t]*\n(.*?)^\1", re.DOTALL | re.MULTILINE)
# A value that the generator fills in: what stands behind it is not known.
_FILLED_IN = re.compile(r"\{\{|\{%|\$\{|[:*\[]")
# Jekyll's dates, and Docusaurus's numbers for sorting.
_NUMBERED = re.compile(r"\d[\d._-]*[-_.](?=.)")
_REDIRECTS = "_redirects"  # hosts of static sites read redirects from a file of this name
# Endings of templates that become pages, beside those of documents.
_TEMPLATE_ENDINGS = frozenset(
    ".html .htm .njk .liquid .hbs .ejs .pug .webc .haml .org .adoc .rst .js .jsx .ts .tsx".split()  # noqa: SIM905  # one a line would fill the page
)
# Names of a long address that must be equal; the first one of a short address may be the place of a
# plugin, or of what is documented.
_SHARED, _SHORT = 2, 3
# Languages and versions, which are not counted as names.
_ADDED = re.compile(r"[a-z]{2}(-[a-z]{2,4})?|next|v?\d+(\.\w+)*")


def stated_addresses(path: str, text: str) -> list[str]:
    """Return addresses and slugs that a page or a list of redirects states; `*` is what the generator fills in."""
    head = text[:PAGE_HEAD]
    matter = _FRONT_MATTER.match(head)
    values = _STATED.findall(matter[2] if matter else head)
    if matter or posixpath.basename(path) == _REDIRECTS:
        values += _PATH.findall(matter[2] if matter else head)
    parts = (_FILLED_IN.split(one, maxsplit=1) for one in values)
    return list(dict.fromkeys(one[0] + "*" * (len(one) - 1) for one in parts))[:_MAX_ADDRESSES]


def may_be_page(path: str) -> bool:
    """Return whether a file that is no document may be the template of a page, or of redirects."""
    folder, name = posixpath.split(path)
    ending = posixpath.splitext(name)[1].lower()
    if ending in {".js", ".jsx", ".ts", ".tsx"}:
        return folder.startswith("src/pages") or ".11ty." in name
    return ending in _TEMPLATE_ENDINGS or name == _REDIRECTS


class KnownPages:
    """The pages of a site by their files, by stated addresses, and by patterns.

    `folders` are those of articles, which may have lists; `generated` are the patterns of
    `publisher.ingest.sites.base.Site`.
    """

    def __init__(
        self,
        files: Iterable[str],
        addresses: Iterable[str],
        folders: Iterable[str],
        generated: Sequence[str],
    ) -> None:
        self._files = frozenset(files)
        self._generated = PathPatterns(generated)
        self._prefixes = set[str]()
        self._named: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
        pages = {_page_form(path) for path in self._files}
        above = (str(one) for page in pages for one in PurePosixPath(page).parents)
        for form in {*pages, *above, *folders}:
            self._add(form)
        for address in addresses:
            if address.endswith("*"):
                self._prefixes.add(_plain(address.removesuffix("*")))
            else:
                self._add(page_key(address))

    def _add(self, form: str) -> None:
        names = tuple(form.strip("/").lower().split("/"))
        if names[-1]:
            self._named[names[-1]].add(names)
            name = _NUMBERED.sub("", names[-1], count=1)
            self._named[name].add((*names[:-1], name))

    def has(self, target: LinkTarget, prefix: str, *, is_file: bool) -> bool:
        """Return whether a link leads to a page or a file.

        `prefix` is the path of the site on its host. With `is_file`, no page has such an address.
        """
        if is_file or target.file in self._files:
            return target.file in self._files
        if names_document(target.file):
            names = _page_form(target.file).lower().split("/")
            return self._ends_like(names, min(_SHARED, len(names)))
        path = page_key(unquote(target.address).removeprefix(prefix))
        plain = _plain(path)
        if not path or self._generated.match(PurePosixPath(path)):
            return True
        if any(plain.startswith(one) for one in self._prefixes):
            return True
        names = plain.split("/")
        length = sum(not _ADDED.fullmatch(one) for one in names)
        return self._ends_like(names, 1 if length <= _SHORT else _SHARED)

    def _ends_like(self, names: list[str], needed: int) -> bool:
        return any(
            shared_end(known, names) >= min(needed, len(known))
            for known in self._named.get(names[-1], ())
        )


def _page_form(path: str) -> str:
    stem, ending = posixpath.splitext(path)
    bare = without_language(stem) if ending.lower() in _TEMPLATE_ENDINGS else path
    return without_language(without_ending(bare.removesuffix(".11ty")))


def _plain(path: str) -> str:
    return unquote(path).strip("/").lower()


@dataclass(frozen=True, slots=True)
class OutsideLinks:
    """Judges links by the publication's address, languages and newsletters, and by known pages."""

    publication_url: str
    languages: Sequence[str]
    newsletters: Sequence[str]
    pages_of: Callable[[str], KnownPages]

    def problem(
        self, written: str, target: LinkTarget, outside: str, origin: LinkOrigin
    ) -> ProblemKind | None:
        """Return what is wrong with a link that leads to the address `outside` of the site."""
        is_own = is_below(outside, self.publication_url)
        if is_own:
            path = unquote(urlsplit(outside).path)
            below = urls.path_below(self.publication_url, path) or ""
            if urls.has_own_page(below, self.languages, self.newsletters):
                return None
        # The address of a page elsewhere may be of a part of the site that is not in its folder.
        if not is_own and not urls.is_relative(written):
            return None
        ending = PurePosixPath(target.file).suffix.lower()
        is_file = not written.startswith("/") and ending in MEDIA_SUFFIXES | DOWNLOAD_SUFFIXES
        prefix = f"{urlsplit(origin.site_url).path.rstrip('/')}/"
        if not self.pages_of(origin.source).has(target, prefix, is_file=is_file):
            return ProblemKind.DEAD_LINK
        return ProblemKind.UNPUBLISHED_PAGE if is_own else None
