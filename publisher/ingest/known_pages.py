"""Find out whether a site has a page that is no article, from names and stated addresses. Pure.

Nobody can say what a generator makes of a page without running it. So pages are compared by the ends
of their paths, without endings, dates and languages: a page that is there is never called missing.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote

from publisher.articles.content.internal_links import LinkTarget
from publisher.ingest.link_resolution import (
    names_document,
    page_key,
    shared_end,
    without_ending,
    without_language,
)
from publisher.ingest.sites.patterns import PathPatterns

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
# Hosts of static sites read redirects from a file of this name.
_REDIRECTS = "_redirects"
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
    """Return the addresses and slugs that a page states, or a list of redirects has.

    `*` stands for the rest of an address of which the generator fills a part in.
    """
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
            self._named[_NUMBERED.sub("", names[-1], count=1)].add(
                (*names[:-1], _NUMBERED.sub("", names[-1], count=1))
            )

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
