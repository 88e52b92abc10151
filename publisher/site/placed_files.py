"""Put copies of the files that articles link to at the addresses that they had on their own site.

Nothing else is ever overwritten or removed: what was put there is stored, and known by the hash of its
content. A copy goes with the last visible article that links to the file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select

from publisher.articles.model import ArticleStatus
from publisher.articles.tables import article, article_file, placed_file
from publisher.config import Settings
from publisher.database import Database
from publisher.disk_errors import explain_error
from publisher.files import check_guard, make_folder, remove_file, sync_folder


def place_files(settings: Settings, database: Database, now: datetime) -> list[str]:
    """Write and remove the copies that are due; return the problems."""
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
            problem = explain_error(error, public)
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
    """Write or remove one copy; return the problem, or nothing."""
    file = public / path
    is_there = os.path.lexists(file)
    if is_there and not any(one and _has_content(file, one) for one in (old, new)):
        return "another file stands there; the old address is lost" if new else ""
    if new is None:
        remove_file(file, public)
    elif not is_there or not _has_content(file, new):
        _copy(public / new, file)
    return ""


def _has_content(file: Path, target: str) -> bool:
    """Return whether a file is the one of a target, whose folder has the hash as its name."""
    if file.is_symlink() or not file.is_file():
        return False
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return digest.startswith(target.split("/")[1])


def _copy(source: Path, file: Path) -> None:
    """Make a file appear whole: another name of its source, or a copy if there can be none."""
    make_folder(file.parent)
    unfinished = file.with_name(f".{file.name}.part")
    unfinished.unlink(missing_ok=True)
    try:
        os.link(source, unfinished)
    except OSError:  # of a file system without such names; a copy says what else is wrong
        shutil.copyfile(source, unfinished)
    check_guard()
    unfinished.replace(file)
    sync_folder(file.parent)
