"""Remove pages of articles that must not be visible, and pictures and files that nothing shows.

Pages that may recommend such an article are written again. In place of the page of a withdrawn article stands one
that says so, which web servers send with 410 (Gone).

What mails show that were sent keeps no file; what mails show that wait does, but for withdrawn articles. Files are
looked through when a page has gone, or shows fewer of them; those of articles whose date is to come wait in
`var/embargoed`. A folder `public/media` may be a link to another disk; of links below it, only the link is removed.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Text, cast, func, or_, select, update

from publisher import urls, web_files
from publisher.article_links import mark_related_pages_due
from publisher.articles import store as articles
from publisher.articles.model import ArticleStatus
from publisher.articles.tables import article, story
from publisher.config import Settings
from publisher.database import Database
from publisher.database.engine import chunks
from publisher.fault_isolation import Report, isolated
from publisher.files import move_file, remove_file
from publisher.issues import digests as issue_pages
from publisher.issues.model import IssueState
from publisher.issues.tables import (
    digest_table,
    issue_table,
    issue_variant_table,
    revised_page_table,
)
from publisher.site import adjacent_pages
from publisher.site.list_changes import mark_lists_due, mark_pages_settled

_FOLDER = re.compile(r"\bmedia/([0-9a-f]{16})/")
_WAITING = (
    IssueState.AWAITING_APPROVAL,
    IssueState.READY,
    IssueState.SENDING,
    IssueState.PAUSED,
)
_PARTS = (article.c.html, cast(article.c.picture, Text), cast(article.c.attachments, Text))
# In the build cache: files may have lost their last page, or wait for issues or a date, or neither.
_NAME, _DUE, _WAIT, _DONE = "media", "due", "wait", "done"


def mark_media_due(connection: Connection) -> None:
    web_files.store_hash(connection, _NAME, _DUE)


class _InArticles(NamedTuple):
    """Folders of files of articles that are shown, that will be on their date, and of others."""

    shown: set[str]
    embargoed: set[str]
    hidden: set[str]


def shows_less(page: Path, new: str) -> bool:
    if not page.is_file():
        return False
    return not _folders([page.read_text("utf-8", "replace")]) <= _folders([new])


def publish_due_media(settings: Settings, database: Database, now: datetime) -> None:
    folders = settings.folders
    waiting = _files(folders.embargoed)
    if not waiting:
        return
    with database.reading() as connection:
        due = articles.is_without_page(now)
        names = {
            name
            for row in connection.execute(select(*_PARTS).where(*due))
            for name in _folders(row)
        }
    for file in waiting:
        if file.parent.name in names:
            move_file(file, folders.public / file.relative_to(folders.embargoed))
            # The folders that it leaves empty.
            remove_file(file, folders.embargoed)


def _unused(
    candidates: Iterable[Path], shown: Collection[str], gone: Collection[str], *, is_late: bool
) -> list[Path]:
    """Return the files that may be removed; a former logo is in mails that were sent."""
    return [
        file
        for file in candidates
        if file.parent.name not in shown
        and (file.parent.name in gone or not (is_late or file.stem == "logo"))
    ]


def remove_unused_media(
    settings: Settings, database: Database, now: datetime, *, is_any_page_changed: bool = False
) -> int:
    """Remove the files that nothing shows, if a page has gone or shows fewer; return how many.

    A page that could not be written still shows what it showed: until it is, only files of withdrawn and embargoed
    articles go.
    """
    folders = settings.folders
    with database.reading() as connection:
        state = web_files.cached_hash(connection, _NAME)
        if state != _DUE and not (state == _WAIT and is_any_page_changed):
            return 0
        found = _in_articles(connection, now)
        is_late = articles.count_articles_without_page(connection, now) > 0
        is_late = is_late or bool(issue_pages.issues_without_page(connection, now))
        shown = {*found.shown}
        candidates = [file for file in _files(folders.public) if file.parent.name not in shown]
        if candidates:
            shown |= {name for _issue, names in _issue_pages(connection) for name in names}
            shown |= _in_waiting_mails(connection) - found.hidden - found.embargoed
    logo = settings.publication.design.logo
    if logo and logo.target:
        shown |= _folders([logo.target])
    gone = found.hidden | found.embargoed
    unused = _unused(candidates, shown, gone, is_late=is_late)
    aside = _files(folders.embargoed)
    unused += [file for file in aside if file.parent.name not in found.embargoed]
    waits = aside or any(file.parent.name in shown for file in candidates)
    with database.writing() as connection:
        # Another process may have stored articles since, which found these files in place. The disk may be slow.
        database.allow_pause(connection)
        after = _in_articles(connection, now) if unused else found
        for file in unused:
            _take_away(settings, file, after)
        state = _DUE if is_late else _WAIT if waits else _DONE
        web_files.store_hash(connection, _NAME, state)
    return len(unused)


def _take_away(settings: Settings, file: Path, found: _InArticles) -> None:
    """Remove a file, or put it aside until its article's date, unless an article shows it now."""
    public, embargoed = settings.folders.public, settings.folders.embargoed
    below = public if public in file.parents else embargoed
    if file.parent.name in found.shown or (
        below == embargoed and file.parent.name in found.embargoed
    ):
        return
    if file.parent.is_symlink():
        remove_file(file.parent, below)
    elif file.parent.name in found.embargoed:
        move_file(file, embargoed / file.relative_to(public))
        remove_file(file, public)
    else:
        remove_file(file, below)


def _files(root: Path) -> list[Path]:
    return [
        file
        for file in sorted((root / "media").glob("*/*"))
        if _FOLDER.search(file.relative_to(root).as_posix()) and file.is_file()
    ]


def _folders(texts: Iterable[str | None]) -> set[str]:
    return {name for text in texts if text for name in _FOLDER.findall(text)}


def _in_articles(connection: Connection, now: datetime) -> _InArticles:
    """Return the folders of the files of all articles: an untranslated copy that is not shown may come back by itself."""
    stays = (article.c.status != ArticleStatus.WITHDRAWN) & (
        article.c.declared == ArticleStatus.READY
    )
    is_due = article.c.available_at <= now
    found = []
    for which in (stays & is_due, stays & ~is_due, ~stays):
        # Of the statement: an option of the connection would hold for later writes, too.
        query = select(*_PARTS).where(which).execution_options(yield_per=500)
        rows = connection.execute(query)
        found.append({name for row in rows for name in _folders(row)})
    return _InArticles(*found)


def _issue_pages(connection: Connection) -> Iterator[tuple[int, set[str]]]:
    page = func.coalesce(revised_page_table.c.page, digest_table.c.page)
    query = select(digest_table.c.issue_id, page).outerjoin(
        revised_page_table, revised_page_table.c.issue_id == digest_table.c.issue_id
    )
    for number, text in connection.execute(query.execution_options(yield_per=20)):
        yield number, _folders([text])


def mark_pages_with_media_due(connection: Connection, targets: Sequence[str]) -> None:
    """Have written pages of articles and issues that show some files (paths in the web root) written again, as they are."""
    wanted = _folders(targets)
    query = select(article.c.id, *_PARTS).where(article.c.page_hash.is_not(None))
    rows = connection.execute(query.execution_options(yield_per=500))
    shown = [row.id for row in rows if wanted & _folders(row[1:])]
    for some in chunks(shown):
        connection.execute(update(article).where(article.c.id.in_(some)).values(page_hash=None))
    issues = [number for number, folders in _issue_pages(connection) if wanted & folders]
    issue_pages.mark_written_pages_outdated(connection, issues)


def _in_waiting_mails(connection: Connection) -> set[str]:
    found = set[str]()
    for made in (digest_table, issue_variant_table):
        query = select(made.c.html).join(issue_table, issue_table.c.id == made.c.issue_id)
        query = query.where(issue_table.c.state.in_(_WAITING))
        found |= _folders(connection.execute(query.execution_options(yield_per=20)).scalars())
    return found


def remove_hidden_pages(
    settings: Settings,
    database: Database,
    now: datetime,
    gone_page: Callable[[str], str],
    report: Report,
) -> int:
    """Remove these pages, leaving what `gone_page` renders, by language; return how many existed. What fails is reported."""
    public = settings.folders.public
    with database.reading() as connection:
        hidden = _hidden(connection, settings, now)
    visible = [row for row in hidden if (public / _file(row)).exists()]
    if visible:
        # Before the files are removed, so that a killed process does both again.
        with database.writing() as connection:
            # Pages are read, maybe from a slow disk.
            database.allow_pause(connection)
            mark_related_pages_due(connection, visible, public)
            adjacent_pages.mark_neighbours_due(connection, _beside(settings, visible))
            mark_lists_due(connection, [row.id for row in visible])
    done = list[int]()
    for row in hidden:
        with isolated(f"/{_file(row)}", report):
            is_gone = row.status == ArticleStatus.WITHDRAWN
            _settle(settings, row, gone_page if is_gone and row.available_at <= now else None)
            # The page of an embargoed article is still to be written.
            done += [row.id] if is_gone or row.available_at <= now else []
    if done:
        with database.writing() as connection:
            mark_pages_settled(connection, done)
            mark_media_due(connection)
    return len(visible)


def _beside(settings: Settings, rows: Iterable[Row[Any]]) -> Iterator[tuple[str, str]]:
    for row in rows:
        for slug in adjacent_pages.linked_neighbours(settings, row.language, row.slug):
            yield row.language, slug


def _settle(settings: Settings, row: Row[Any], gone_page: Callable[[str], str] | None) -> None:
    """Remove an article's page. Write that it was withdrawn, or remove that without a `gone_page`."""
    public, file = settings.folders.public, _file(row)
    remove_file(public / file, public)
    if gone_page and row.url is None and row.language in settings.publication.languages:
        web_files.write_page(settings, file.with_name(urls.GONE_NAME), gone_page(row.language))
    else:
        remove_file(public / file.with_name(urls.GONE_NAME), public)


def _hidden(connection: Connection, settings: Settings, now: datetime) -> list[Row[Any]]:
    columns = article.c[
        *("id", "story_id", "language", "topics", "section", "url", "available_at", "status")
    ]
    query = (
        select(*columns, story.c.slug)
        .join(story)
        .where(
            article.c.page_hash.is_(None),
            or_(
                article.c.status != ArticleStatus.READY,
                article.c.available_at > now,
                article.c.url.is_not(None),
                article.c.language.not_in(settings.publication.languages),
            ),
        )
    )
    return list(connection.execute(query))


def _file(row: Row[Any]) -> PurePosixPath:
    return urls.page_file(urls.article_path(row.language, row.slug))
