"""Write pages at the addresses that articles had on their own site, which lead to the new ones.

Nothing else is ever overwritten or removed: such a page is known by REDIRECT_MARK. Beside the pages
stand rules for nginx and Caddy, in a folder that no web server serves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update

from publisher import urls
from publisher.articles.tables import article, article_address
from publisher.config import Settings
from publisher.database import Database
from publisher.disk_errors import explain_error
from publisher.files import remove_file, write_if_changed
from publisher.rendering import PublicationView, Renderer, views
from publisher.site.redirect_rules import CADDY_RULES, NGINX_RULES, caddy_rules, nginx_rules

# Pages that are written before their rows are marked in one transaction.
REDIRECTS_PER_TRANSACTION = 500
# At the end of these pages, and of no others.
REDIRECT_MARK = b"<!-- Leads from an old address of an article. -->\n"


def write_redirects(
    settings: Settings,
    database: Database,
    renderer: Renderer,
    stop_here: Callable[[], object] = lambda: None,
) -> list[str]:
    """Write and remove the pages that are due; return the problems.

    `stop_here` is called between transactions, and may raise to stop.
    """
    with database.reading() as connection:
        due = _due(connection)
    if not due:
        return []
    problems: list[str] = []
    around = {tag: views.site_view(settings, tag) for tag in {row.language for row in due}}
    # First what is removed: another article may stand there now.
    order = sorted(due, key=lambda row: row.leads_to is not None)
    for start in range(0, len(order), REDIRECTS_PER_TRANSACTION):
        stop_here()
        some = order[start : start + REDIRECTS_PER_TRANSACTION]
        done = [row for row in some if _write(settings, renderer, row, around, problems)]
        if done:
            with database.writing() as connection:
                _mark_written(connection, done)
    _write_rules(settings, database)
    return problems


def _due(connection: Connection) -> Sequence[Row[Any]]:
    table = article_address.c
    query = select(article_address, article.c.language).join(article)
    differs = func.coalesce(table.leads_to, "") != func.coalesce(table.written, "")
    return connection.execute(query.where(differs).order_by(table.path)).all()


def _mark_written(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    table = article_address.c
    here = (table.article_id == bindparam("of_article")) & (table.path == bindparam("at_path"))
    connection.execute(
        update(article_address).where(here),
        [
            {"of_article": row.article_id, "at_path": row.path, "written": row.leads_to}
            for row in rows
        ],
    )


def _write(
    settings: Settings,
    renderer: Renderer,
    row: Row[Any],
    around: Mapping[str, PublicationView],
    problems: list[str],
) -> bool:
    """Write or remove one page; return whether what is there is right now."""
    public = settings.folders.public
    inside = urls.path_below(settings.publication.url, row.path)
    if inside is None:
        return True
    file = public / urls.redirect_file(inside)
    try:
        if row.leads_to is None:
            if _is_redirect(file) and escape(row.written).encode() in file.read_bytes():
                remove_file(file, public)
            return True
        if file.exists() and not _is_redirect(file):
            problems.append(f"{row.path}: another file stands there; the old address is lost")
            return False
        page = renderer.moved_page(around[row.language], row.leads_to)
        write_if_changed(file, page.encode() + REDIRECT_MARK)
    except OSError as error:
        problems.append(f"{row.path}: {explain_error(error, public)}")
        return False
    return True


def _is_redirect(file: Path) -> bool:
    return file.is_file() and file.read_bytes().endswith(REDIRECT_MARK)


def _write_rules(settings: Settings, database: Database) -> None:
    """Write the rules for web servers: all addresses at which a page stands."""
    table = article_address.c
    query = select(table.path, table.written).where(table.written.is_not(None))
    with database.reading() as connection:
        moved = [
            (row.path, row.written) for row in connection.execute(query.order_by(table.path))
        ]
    public = settings.folders.public
    write_if_changed(public / NGINX_RULES, nginx_rules(moved).encode())
    write_if_changed(public / CADDY_RULES, caddy_rules(moved).encode())
