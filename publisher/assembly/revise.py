"""Follow corrections and withdrawals on the pages of issues that have been made.

The frozen digest stays as it was sent; only the page on the web is rendered again, from the stored
articles. An issue that is ready and of which nothing was sent is assembled again as a whole.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from publisher import urls
from publisher.articles import store as articles
from publisher.articles.model import Article, ArticleStatus
from publisher.assembly.assemble import edition_content, sister_links, with_words
from publisher.config import Settings
from publisher.database import Database
from publisher.database.engine import chunks
from publisher.fault_isolation import explain_fault, stops_all
from publisher.issues import digests
from publisher.issues import store as issues
from publisher.issues.editing import combined_edits, corrections_of, has_written_page
from publisher.issues.model import Issue, IssueState
from publisher.log import log
from publisher.rendering import ArticleView, IssueContent, Renderer, views
from publisher.rendering.model import CorrectionNote

_PORTION = 200  # articles whose texts are in memory at a time


def revise_issues(
    settings: Settings, database: Database, renderer: Renderer, now: datetime
) -> list[str]:
    """Render the pages again of issues with changed articles; return what went wrong.

    Only articles whose own page is due are examined, so call this before pages are written. A page
    that can't be rendered stays due.
    """
    with database.reading() as connection:
        changed = _changed_issues(connection, now)
    if changed:
        with database.writing() as connection:
            digests.mark_pages_outdated(connection, changed)
            for issue in issues.issues_by_ids(connection, sorted(changed)):
                if issue.state in {IssueState.READY, IssueState.AWAITING_APPROVAL}:
                    digests.reopen_issue(connection, issue, now)
    with database.reading() as connection:
        due = digests.issues_with_outdated_page(connection)
    problems = []
    for issue in due:
        try:
            _revise(settings, database, renderer, issue, now)
        except Exception as error:
            if stops_all(error):
                raise
            problems.append(
                f"{issue.name}: its page can't be corrected: {explain_fault(error)}"
            )
            log.exception("page of issue can't be corrected", issue=issue.name)
    return problems


def _changed_issues(connection: Connection, now: datetime) -> set[int]:
    places = digests.changed_places(connection)
    changed: set[int] = set()
    for some in chunks(sorted({place.article_id for place in places}), _PORTION):
        found = articles.articles_by_id(connection, some)
        words = {number: articles.words_hash(one) for number, one in found.items()}
        changed |= {
            place.issue_id
            for place in places
            if place.article_id in found
            and (
                place.is_revised
                # What was available when the issue was made stays, also if a clock goes back.
                or _is_hidden(found[place.article_id], max(now, place.assembled_at or now))
                or words[place.article_id] != place.words_hash
            )
        }
    return changed


def _is_hidden(article: Article, until: datetime) -> bool:
    return article.status != ArticleStatus.READY or article.available_at > until


def _revise(
    settings: Settings, database: Database, renderer: Renderer, issue: Issue, now: datetime
) -> None:
    with database.reading() as connection:
        content = revised_content(connection, settings, issue, now)
    page = sha256 = None
    if content is not None:
        page = renderer.issue_page(content)
        sha256 = hashlib.sha256(page.encode()).hexdigest()
    with database.writing() as connection:
        digests.store_revised_page(connection, issue, page, sha256)
    log.info("page of issue corrected", issue=issue.name)


def _views(  # what a view depends on
    connection: Connection,
    settings: Settings,
    issue: Issue,
    shown: Sequence[Article],
    corrected: Collection[int],
    now: datetime,
) -> tuple[ArticleView, ...]:
    """Return articles as the page shows them, with the day of the correction of some."""
    versions = articles.versions(connection, {one.story_id for one in shown}, now)

    def view(one: Article) -> ArticleView:
        day = max(one.updated_at.astimezone(settings.zone()).date(), issue.day)
        return views.article_view(
            settings.publication,
            one,
            issue.language,
            versions.get(one.story_id, ()),
            corrected_on=day if one.id in corrected else None,
        )

    return tuple(map(view, shown))


def revised_content(
    connection: Connection, settings: Settings, issue: Issue, now: datetime
) -> IssueContent | None:
    """Return what the page of an issue shows today; None if it is as it was sent."""
    sent = digests.articles_as_sent(connection, issue)
    found = articles.articles_by_id(connection, [number for number, _words in sent])
    until = issue.shows_until(now)
    withdrawn = sum(_is_hidden(found[number], until) for number, _words in sent)
    shown = [(found[n], words) for n, words in sent if not _is_hidden(found[n], until)]
    corrected = {one.id for one, words in shown if articles.words_hash(one) != words}
    notes = _correction_notes(connection, settings, issue)
    if not (withdrawn or corrected or notes):
        return None
    edition = settings.edition(issue.newsletter, issue.language)
    items = _views(connection, settings, issue, [one for one, _words in shown], corrected, now)
    sisters = sister_links(connection, settings, issue)
    content = edition_content(connection, settings, issue, edition, items, sisters)
    content = replace(content, withdrawn=withdrawn, corrections=notes)
    return with_words(content, combined_edits(connection, issue.id))


def _correction_notes(
    connection: Connection, settings: Settings, issue: Issue
) -> tuple[CorrectionNote, ...]:
    """Return what an issue's page says about its corrections: of a mailed one, where its page is."""
    notes = []
    for correction, mailed in corrections_of(connection, issue):
        if mailed is not None and not has_written_page(connection, mailed):
            continue
        path = urls.issue_path(
            issue.language, issue.newsletter, issue.day, mailed.suffix if mailed else ""
        )
        notes.append(
            CorrectionNote(
                day=correction.created_at.astimezone(settings.zone()).date(),
                subject=correction.subject,
                html="" if mailed else correction.html,
                url=urls.public_url(settings.publication, path) if mailed else "",
            )
        )
    return tuple(notes)
