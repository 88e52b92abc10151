"""Store the links of articles to documents and files, and the addresses at which their pages stood.

`link_update` decides where links and old addresses lead. What is stored here makes that due; all
functions run inside the caller's transaction.
"""

from __future__ import annotations

import unicodedata
from urllib.parse import unquote

from sqlalchemy import Connection, bindparam, delete, insert, literal, select, update

from publisher.articles.model import ParsedArticle
from publisher.articles.tables import article_address, article_file, article_link
from publisher.build_cache import build_cache
from publisher.ingest.document_place import site_path

# The name in the build cache of the last decision about links.
LINKS_NAME = "links"
# Old addresses of one article. A longer list is a mistake.
_MAX_ADDRESSES = 100

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
    """Have it decided again where all links lead."""
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
    """Give a conversion the links of its original."""
    table = article_link.c
    connection.execute(_DELETE_LINKS, {"article": conversion})
    found = select(literal(conversion), *table[_LINK_COLUMNS])
    connection.execute(
        insert(article_link).from_select(
            ["article_id", *_LINK_COLUMNS], found.where(table.article_id == original)
        )
    )


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
            connection.execute(
                update(article_address)
                .where(here, table.path == path)
                .values(is_current=path in wanted)
            )


def save_linked_files(connection: Connection, article_id: int, parsed: ParsedArticle) -> None:
    """Replace the files that an article links to, by the paths at which its site has them."""
    files = [one for one in parsed.media if one.address.strip("/")]
    wanted = {clean_address(one.address): one.target for one in files}
    if dict(connection.execute(_FILES, {"article": article_id}).all()) == wanted:
        return
    here = article_file.c.article_id == article_id
    connection.execute(delete(article_file).where(here))
    rows = [
        {"article_id": article_id, "path": path, "target": target}
        for path, target in wanted.items()
    ]
    if rows:
        connection.execute(insert(article_file), rows)


def clean_address(path: str) -> str:
    """Return a path of a site, decoded, without query and fragment."""
    bare = unquote(path.partition("#")[0].partition("?")[0].strip())
    return unicodedata.normalize("NFC", f"/{bare.lstrip('/')}")
