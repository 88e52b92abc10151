"""Store the links of articles to other documents, and the addresses at which their pages stood.

`link_update` decides where links and old addresses lead. What is stored here makes that due; all
functions run inside the caller's transaction.
"""

from __future__ import annotations

import unicodedata
from urllib.parse import unquote

from sqlalchemy import Connection, delete, insert, literal, select, update

from publisher.articles.model import ParsedArticle
from publisher.articles.tables import article_address, article_link
from publisher.build_cache import build_cache
from publisher.ingest.document_place import site_path

# The name in the build cache of the last decision about links.
LINKS_NAME = "links"
# Old addresses of one article. A longer list is a mistake.
_MAX_ADDRESSES = 100


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
    table = article_link.c
    here = table.article_id == article_id
    wanted = {
        (one.target, one.written, one.line, site_url)
        for one in parsed.links
        if parsed.html  # a converted text has its original's
    }
    query = select(table.target, table.written, table.line, table.site_url).where(here)
    if not is_new_text and {tuple(row) for row in connection.execute(query)} == wanted:
        return
    connection.execute(delete(article_link).where(here))
    names = ("target", "written", "line", "site_url")
    rows = [{"article_id": article_id, **dict(zip(names, one, strict=True))} for one in wanted]
    if rows:
        connection.execute(insert(article_link), rows)


def copy_links(connection: Connection, original: int, conversion: int) -> None:
    """Give a conversion the links of its original."""
    table = article_link.c
    names = ("target", "written", "line", "site_url")
    connection.execute(delete(article_link).where(table.article_id == conversion))
    found = select(literal(conversion), *(table[name] for name in names))
    connection.execute(
        insert(article_link).from_select(
            ["article_id", *names], found.where(table.article_id == original)
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
    known = dict(connection.execute(select(table.path, table.is_current).where(here)).all())
    for path in wanted - known.keys():
        values = {"article_id": article_id, "path": path, "is_current": True}
        connection.execute(insert(article_address).values(values))
    for path, is_current in known.items():
        if is_current != (path in wanted):
            connection.execute(
                update(article_address)
                .where(here, table.path == path)
                .values(is_current=path in wanted)
            )


def clean_address(path: str) -> str:
    """Return a path of a site, decoded, without query and fragment."""
    bare = unquote(path.partition("#")[0].partition("?")[0].strip())
    return unicodedata.normalize("NFC", f"/{bare.lstrip('/')}")
