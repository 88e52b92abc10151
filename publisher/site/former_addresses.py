"""What stands at the addresses that articles and files had on their own site: pages that lead on, and copies of files.

Beside the pages stand rules for nginx and Caddy, in a folder that no web server serves. nginx gets exact locations,
which need none of the settings for hash tables that a `map` with long paths needs. A copy goes with the last visible
article that links to the file. Nothing else is ever overwritten or removed: a page is known by REDIRECT_MARK, a copy
by its hash.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from publisher import files, urls
from publisher.articles.model import ArticleStatus
from publisher.articles.tables import article, article_address, article_file, placed_file
from publisher.config import Settings
from publisher.database import Database
from publisher.rendering import PublicationView, Renderer, views

# Below the web root, so that they are copied with the pages. No name with a dot before it is served.
NGINX_RULES = ".redirects/nginx.conf"
CADDY_RULES = ".redirects/Caddyfile"
# Characters with a meaning to nginx or Caddy, even within quotes.
_UNSAFE = re.compile(r"""["'`$\\{}*\s\x00-\x1f\x7f]""")


def nginx_rules(moved: Iterable[tuple[str, str]]) -> str:
    lines = [f'location = "{path}" {{ return 301 "{url}"; }}' for path, url in _spelled(moved)]
    return "\n".join(["# Old addresses of articles, written by publisher.", *lines, ""])


def caddy_rules(moved: Iterable[tuple[str, str]]) -> str:
    lines = []
    for path, url in _spelled(moved):
        # Caddy's variable for the path has it as it was sent.
        lines += [f"\t`{one}` `{url}`" for one in dict.fromkeys((path, quote(path)))]
    return "\n".join(
        [
            "# Old addresses of articles, written by publisher.",
            "map {path} {moved} {",
            *lines,
            '\tdefault ""',
            "}",
            '@moved not vars {moved} ""',
            "redir @moved {moved} 301",
            "",
        ]
    )


def _spelled(moved: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield safe paths with and without the slash at the end, each once."""
    seen = set()
    for path, url in moved:
        bare = path.rstrip("/")
        is_file = bare.lower().endswith((".html", ".htm"))
        for spelling in (bare,) if is_file else (bare, f"{bare}/"):
            if spelling not in seen and not _UNSAFE.search(spelling + url):
                seen.add(spelling)
                yield spelling, url


REDIRECTS_PER_TRANSACTION = 500  # pages that are written before their rows are marked
# At the end of these pages, and of no others.
REDIRECT_MARK = b"<!-- Leads from an old address of an article. -->\n"


def write_redirects(
    settings: Settings,
    database: Database,
    renderer: Renderer,
    stop_here: Callable[[], object] = lambda: None,
) -> list[str]:
    """Write and remove due pages; return problems. `stop_here`, called between transactions, may raise to stop."""
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
    public = settings.folders.public
    inside = urls.path_below(settings.publication.url, row.path)
    if inside is None:
        return True
    file = public / urls.redirect_file(inside)
    try:
        if row.leads_to is None:
            if _is_redirect(file) and escape(row.written).encode() in file.read_bytes():
                files.remove_file(file, public)
            return True
        if file.exists() and not _is_redirect(file):
            problems.append(f"{row.path}: another file stands there; the old address is lost")
            return False
        page = renderer.moved_page(around[row.language], row.leads_to)
        files.write_if_changed(file, page.encode() + REDIRECT_MARK)
    except OSError as error:
        problems.append(f"{row.path}: {files.explain_error(error, public)}")
        return False
    return True


def _is_redirect(file: Path) -> bool:
    return file.is_file() and file.read_bytes().endswith(REDIRECT_MARK)


def _write_rules(settings: Settings, database: Database) -> None:
    table = article_address.c
    query = select(table.path, table.written).where(table.written.is_not(None))
    with database.reading() as connection:
        moved = [
            (row.path, row.written) for row in connection.execute(query.order_by(table.path))
        ]
    public = settings.folders.public
    files.write_if_changed(public / NGINX_RULES, nginx_rules(moved).encode())
    files.write_if_changed(public / CADDY_RULES, caddy_rules(moved).encode())


def place_files(settings: Settings, database: Database, now: datetime) -> list[str]:
    public = settings.folders.public
    with database.reading() as connection:
        wanted = _wanted(connection, settings, now)
        placed = dict(
            connection.execute(select(placed_file.c.path, placed_file.c.target)).all()
        )
    due = [path for path in wanted | placed if wanted.get(path) != placed.get(path)]
    problems, done = list[str](), list[str]()
    # First what is removed: a folder may stand there now.
    for path in sorted(due, key=lambda one: (one in wanted, one)):
        try:
            problem = _place(public, path, placed.get(path), wanted.get(path))
        except OSError as error:
            problem = files.explain_error(error, public)
        if problem:
            problems.append(f"/{path}: {problem}")
        else:
            done.append(path)
    if done:
        with database.writing() as connection:
            for path in done:
                connection.execute(delete(placed_file).where(placed_file.c.path == path))
            rows = [{"path": path, "target": wanted[path]} for path in done if path in wanted]
            if rows:
                connection.execute(insert(placed_file), rows)
    return problems


def _wanted(connection: Connection, settings: Settings, now: datetime) -> dict[str, str]:
    """Return the copies by the paths at which they shall stand; the first article's counts."""
    query = select(article_file.c.place, article_file.c.target).join(article)
    query = query.where(
        article_file.c.place.is_not(None),
        article.c.status == ArticleStatus.READY,
        article.c.available_at <= now,
        article.c.language.in_(settings.publication.languages),
    )
    found: dict[str, str] = {}
    for place, target in connection.execute(query.order_by(article.c.id)):
        found.setdefault(place, target)
    return found


def _place(public: Path, path: str, old: str | None, new: str | None) -> str:
    file = public / path
    is_there = os.path.lexists(file)
    if is_there and not any(one and _has_content(file, one) for one in (old, new)):
        return "another file stands there; the old address is lost" if new else ""
    if new is None:
        files.remove_file(file, public)
    elif not is_there or not _has_content(file, new):
        _copy(public / new, file)
    return ""


def _has_content(file: Path, target: str) -> bool:
    if file.is_symlink() or not file.is_file():
        return False
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return digest.startswith(target.split("/")[1])


def _copy(source: Path, file: Path) -> None:
    files.make_folder(file.parent)
    unfinished = file.with_name(f".{file.name}.part")
    unfinished.unlink(missing_ok=True)
    try:
        os.link(source, unfinished)
    except OSError:  # of a file system without such names; a copy says what else is wrong
        shutil.copyfile(source, unfinished)
    files.check_guard()
    unfinished.replace(file)
    files.sync_folder(file.parent)
