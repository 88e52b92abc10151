"""Remove pictures and other files below `public/media` that no article and no page of an issue shows.

What mails show that were sent does not count: a picture of a withdrawn article goes, and mail clients
show its alternative text from then on. What mails show that wait counts, but for withdrawn articles.
The files are looked through after a page has changed or gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection, Text, cast, func, select

from publisher import build_cache
from publisher.articles.model import ArticleStatus
from publisher.articles.tables import article
from publisher.config import Settings
from publisher.database import Database
from publisher.files import remove_file
from publisher.issues.model import IssueState
from publisher.issues.tables import (
    digest_table,
    issue_table,
    issue_variant_table,
    revised_page_table,
)

_FOLDER = re.compile(r"\bmedia/([0-9a-f]{16})/")
# Issues whose mails wait.
_WAITING = (
    IssueState.AWAITING_APPROVAL,
    IssueState.READY,
    IssueState.SENDING,
    IssueState.PAUSED,
)
# In the build cache, while files may have lost their last page.
_NAME, _DUE, _DONE = "media", "due", "done"


def mark_media_due(connection: Connection) -> None:
    """Have the files looked through at the end of this cycle, or of the next one."""
    build_cache.store_hash(connection, _NAME, _DUE)


def remove_unused_media(settings: Settings, database: Database) -> int:
    """Remove the files that nothing shows, if a page has changed or gone; return how many."""
    public = settings.folders.public
    with database.reading() as connection:
        if build_cache.cached_hash(connection, _NAME) != _DUE:
            return 0
        shown, hidden = _in_articles(connection)
        candidates = [file for file in _files(public) if file.parent.name not in shown]
        if candidates:
            shown |= _in_issue_pages(connection)
            shown |= _in_waiting_mails(connection) - hidden
    logo = settings.publication.design.logo
    if logo and logo.target:
        shown |= _folders([logo.target])
    unused = [
        file
        for file in candidates
        if file.parent.name not in shown
        # A former logo is in mails that were sent.
        and (file.stem != "logo" or file.parent.name in hidden)
    ]
    for file in unused:
        remove_file(file, public)
    with database.writing() as connection:
        build_cache.store_hash(connection, _NAME, _DONE)
    return len(unused)


def _files(public: Path) -> list[Path]:
    return [
        file
        for file in sorted((public / "media").glob("*/*"))
        if _FOLDER.search(file.relative_to(public).as_posix()) and file.is_file()
    ]


def _folders(texts: Iterable[str | None]) -> set[str]:
    return {name for text in texts if text for name in _FOLDER.findall(text)}


def _in_articles(connection: Connection) -> tuple[set[str], set[str]]:
    """Return the folders of the files of articles that are or will be shown, and of others.

    A copy that is not shown since it is untranslated comes back by itself, without being read again.
    """
    stays = (article.c.status != ArticleStatus.WITHDRAWN) & (
        article.c.declared == ArticleStatus.READY
    )
    parts = (article.c.html, cast(article.c.picture, Text), cast(article.c.attachments, Text))
    found = []
    for which in (stays, ~stays):
        rows = connection.execution_options(yield_per=500).execute(select(*parts).where(which))
        found.append({name for row in rows for name in _folders(row)})
    return found[0], found[1]


def _in_issue_pages(connection: Connection) -> set[str]:
    """Return the folders of the files that pages of issues show as they are on disk."""
    page = func.coalesce(revised_page_table.c.page, digest_table.c.page)
    query = select(page).outerjoin(
        revised_page_table, revised_page_table.c.issue_id == digest_table.c.issue_id
    )
    return _folders(connection.execution_options(yield_per=20).execute(query).scalars())


def _in_waiting_mails(connection: Connection) -> set[str]:
    """Return the folders of the files that mails show which are made and may still leave."""
    found = set[str]()
    for made in (digest_table, issue_variant_table):
        query = select(made.c.html).join(issue_table, issue_table.c.id == made.c.issue_id)
        query = query.where(issue_table.c.state.in_(_WAITING))
        found |= _folders(connection.execution_options(yield_per=20).execute(query).scalars())
    return found
