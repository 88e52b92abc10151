"""Walk from a subscription document back through the archive documents, by their links."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import URL, public

ATOM = "{http://www.w3.org/2005/Atom}"
ARCHIVE = "{http://purl.org/syndication/history/1.0}archive"
DELETED = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
SUFFIXES = {"rss": "rss.xml", "atom": "atom.xml", "json": "json"}
# A limit for links that form a circle.
MAX_DOCUMENTS = 5_000


@dataclass(frozen=True)
class Page:
    """One document of a feed."""

    path: str
    content: bytes
    ids: list[str]
    links: dict[str, str]
    is_archive: bool
    deleted: list[str]


def walk(publication: PublicationFolder, name: str, form: str) -> list[Page]:
    """Return the subscription document, then all archive documents from the newest, which are in Atom."""
    return list(_walk(publication, f"feeds/{name}.{SUFFIXES[form]}", form))


def ids(pages: list[Page]) -> list[str]:
    return [one for page in pages for one in page.ids]


def short(pages: list[Page]) -> list[str]:
    """Return the ids without their common start."""
    return [one.rpartition(":")[2] for one in ids(pages)]


def _walk(publication: PublicationFolder, path: str, form: str) -> Iterator[Page]:
    for _step in range(MAX_DOCUMENTS):
        page = read(publication, path, form)
        yield page
        previous = page.links.get("prev-archive")
        if previous is None:
            return
        form = "atom"
        path = previous.removeprefix(f"{URL}/")
    raise AssertionError("the walk does not end")


def read(publication: PublicationFolder, path: str, form: str) -> Page:
    content = (public(publication) / path).read_bytes()
    if form == "json":
        return _json(path, content)
    root = etree.fromstring(content)
    if form == "atom":
        found = [one.text or "" for one in root.iterfind(f"{ATOM}entry/{ATOM}id")]
        return _xml(path, content, found, root)
    return _xml(
        path, content, [one.text or "" for one in root.iterfind("channel/item/guid")], root[0]
    )


def _xml(path: str, content: bytes, found: list[str], head: Any) -> Page:
    links = {link.get("rel"): link.get("href") for link in head.iterfind(f"{ATOM}link")}
    deleted = [one.get("ref") for one in head.iterfind(DELETED)]
    return Page(path, content, found, links, head.find(ARCHIVE) is not None, deleted)


def _json(path: str, content: bytes) -> Page:
    feed = json.loads(content)
    found = [item["id"] for item in feed["items"]]
    return Page(path, content, found, {"self": feed["feed_url"]}, is_archive=False, deleted=[])
