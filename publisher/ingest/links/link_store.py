"""Store the links of articles to documents and files, and the addresses at which their pages stood.

What is stored makes the decision due where links and old addresses lead, which
`publisher.ingest.pickup.link_update` takes. Functions on rows run inside the caller's transaction. Which article
keeps an address that several had is decided by `choose_owners`, which is pure.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

from sqlalchemy import Connection, bindparam, delete, insert, literal, select, update

from publisher.articles.content.internal_links import site_path
from publisher.articles.model import ParsedArticle
from publisher.articles.tables import article_address, article_file, article_link
from publisher.urls import is_own_path, path_below
from publisher.web_files import build_cache

LINKS_NAME = "links"  # the name in the build cache of the last decision about links
_MAX_ADDRESSES = 100  # Old addresses of one article. A longer list is a mistake.

# Built once, since they run for every article.
_LINK_COLUMNS = ("target", "written", "line", "site_url", "left_out")
_OF_ARTICLE = article_link.c.article_id == bindparam("article")
_LINKS = select(*article_link.c[_LINK_COLUMNS]).where(_OF_ARTICLE)
_DELETE_LINKS = delete(article_link).where(_OF_ARTICLE)
_FILES = select(article_file.c.path, article_file.c.target).where(
    article_file.c.article_id == bindparam("article")
)
_ADDRESSES = select(article_address.c.path, article_address.c.is_current).where(
    article_address.c.article_id == bindparam("article")
)


def mark_links_due(connection: Connection) -> None:
    connection.execute(delete(build_cache).where(build_cache.c.name == LINKS_NAME))


def save_links(
    connection: Connection,
    article_id: int,
    parsed: ParsedArticle,
    site_url: str,
    *,
    is_new_text: bool,
) -> None:
    """Replace an article's links if they differ, or if its text was stored again."""
    wanted = {
        (one.target, one.written, one.line, site_url, one.left_out)
        for one in parsed.links
        if parsed.html  # a converted text has its original's
    }
    here = {"article": article_id}
    if not is_new_text:
        known = connection.execute(_LINKS, here)
        if {tuple(row) for row in known} == wanted:
            return
    connection.execute(_DELETE_LINKS, here)
    rows = [
        {"article_id": article_id, **dict(zip(_LINK_COLUMNS, one, strict=True))}
        for one in wanted
    ]
    if rows:
        connection.execute(insert(article_link), rows)


def copy_links(connection: Connection, original: int, conversion: int) -> None:
    table = article_link.c
    connection.execute(_DELETE_LINKS, {"article": conversion})
    links = select(literal(conversion), *table[_LINK_COLUMNS])
    links = links.where(table.article_id == original)
    columns = ["article_id", *_LINK_COLUMNS]
    connection.execute(insert(article_link).from_select(columns, links))


def save_addresses(
    connection: Connection, article_id: int, parsed: ParsedArticle, site_url: str
) -> None:
    """Store the paths at which an article's page stands or stood; earlier ones are kept."""
    table = article_address.c
    here = table.article_id == article_id
    stated = [one for one in (parsed.permalink, *parsed.aliases) if one and one.strip("/ ")]
    wanted = {clean_address(site_path(one, site_url)) for one in stated[:_MAX_ADDRESSES]}
    known = dict(connection.execute(_ADDRESSES, {"article": article_id}).all())
    if new := wanted - known.keys():
        rows = [{"article_id": article_id, "path": path, "is_current": True} for path in new]
        connection.execute(insert(article_address), rows)
    for path, is_current in known.items():
        if is_current != (path in wanted):
            address = update(article_address).where(here, table.path == path)
            connection.execute(address.values(is_current=path in wanted))


def save_linked_files(connection: Connection, article_id: int, parsed: ParsedArticle) -> None:
    """Replace the files that an article links to, by the paths at which its site has them."""
    files = [one for one in parsed.media if one.address.strip("/")]
    wanted = {clean_address(one.address): one.target for one in files}
    if dict(connection.execute(_FILES, {"article": article_id}).all()) == wanted:
        return
    here = article_file.c.article_id == article_id
    connection.execute(delete(article_file).where(here))
    row = {"article_id": article_id}
    rows = [row | {"path": path, "target": target} for path, target in wanted.items()]
    if rows:
        connection.execute(insert(article_file), rows)


def clean_address(path: str) -> str:
    """Return a path of a site, decoded, without query and fragment."""
    bare = unquote(path.partition("#")[0].partition("?")[0].strip())
    return unicodedata.normalize("NFC", f"/{bare.lstrip('/')}")


# Characters of a path, and bytes of one name in it: what file systems and web servers take.
_MAX_PATH = 1_000
_MAX_NAME_BYTES = 200


@dataclass(frozen=True, slots=True)
class OldAddress:
    """A path of an article's page on its own site; `order` is the place of its language among the publication's."""

    article_id: int
    story_id: int
    path: str
    is_current: bool
    order: int


def choose_owners(
    addresses: Iterable[OldAddress],
) -> tuple[dict[str, OldAddress], list[OldAddress]]:
    """Return the article that each path leads to, and the stated addresses that others lose by that.

    A stated address counts before a former one, then the article that was there first. The languages
    of a story may share an address: it leads to the first of them. Of two stories, paths that differ in case
    only are the same, as on some disks. Nothing stands below a path that is a file.
    """
    by_path: defaultdict[str, list[OldAddress]] = defaultdict(list)
    for one in addresses:
        # What two addresses share that can't both stand on every disk.
        by_path[one.path.rstrip("/").casefold()].append(one)
    files = {path for path in by_path if path.endswith((".html", ".htm"))}
    owners: dict[str, OldAddress] = {}
    lost = list[OldAddress]()
    for path, rivals in by_path.items():
        if any(str(above) in files for above in PurePosixPath(path).parents):
            lost += rivals
            continue
        first = min(rivals, key=lambda one: (not one.is_current, one.article_id))
        same = [one for one in rivals if one.story_id == first.story_id]
        for exact in {one.path.rstrip("/") for one in same}:
            shared = [one for one in same if one.path.rstrip("/") == exact]
            owner = min(shared, key=lambda one: (not one.is_current, one.order, one.article_id))
            owners[owner.path] = owner
        lost += [one for one in rivals if one.story_id != first.story_id]
    return owners, [address for address in lost if address.is_current]


def path_below_root(
    path: str, publication_url: str, own: Mapping[str, Sequence[str]]
) -> tuple[str | None, str]:
    """Return a site's path below the web root, or None and why; `own`: the publication's languages and newsletters."""
    inside = path_below(publication_url, path)
    if inside is None:
        return None, f"it is not below {publication_url}"
    names = inside.rstrip("/").split("/")
    if is_own_path(inside, own["languages"], own["newsletters"]):
        return None, "a page of this publication stands there"
    longest = max(len(name.encode("utf-8", "replace")) for name in names)
    too_long = len(inside) > _MAX_PATH or longest > _MAX_NAME_BYTES
    odd = any(not name or name.startswith(".") or not name.isprintable() for name in names)
    if too_long or odd or "\\" in inside or inside.endswith(".part"):
        return None, "it can't be the name of a file"
    return inside, ""
