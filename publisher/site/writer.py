"""Write the pages that are due, and mark pages as due when what they depend on has changed.

The row of a page has a hash of what it was written from. A publication's own templates are tried with its newest
article first.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial

from sqlalchemy import Connection, delete, update

from feeds import FEED_FORMATS
from publisher import urls, web_files
from publisher.articles import store as articles
from publisher.articles.model import Article
from publisher.articles.tables import article, article_address, placed_file
from publisher.config import DigestKey, Settings
from publisher.database import Database
from publisher.errors import PublisherError, RenderingError
from publisher.fault_isolation import explain_fault, stops_all
from publisher.files import explain_error, is_storage_failure, remove_file, write_if_changed
from publisher.issues import digests as issue_pages
from publisher.issues.model import Issue
from publisher.issues.tables import issue_table
from publisher.log import log
from publisher.rendering import (
    ArticleView,
    HomeContent,
    IssueContent,
    PublicationView,
    Renderer,
    views,
)
from publisher.rendering.model import ArchiveContent
from publisher.site import (
    adjacent_pages,
    archive_pages,
    icons,
    list_changes,
    list_pages,
    picture_widths,
    removal,
    sitemaps,
)
from publisher.site.archive_pages import ARCHIVE_STATE
from publisher.site.former_addresses import place_files, write_redirects


def mark_all_pages_due(connection: Connection) -> None:
    connection.execute(update(article).values(page_hash=None))
    connection.execute(update(issue_table).values(page_hash=None))
    connection.execute(update(article_address).values(written=None))
    connection.execute(delete(placed_file))
    name = web_files.build_cache.c.name
    others = (*(list_pages.LIST_PAGES, icons.ICONS, sitemaps.FILES), ARCHIVE_STATE)
    lists = name.in_(others) | name.startswith(archive_pages.ARCHIVES)
    connection.execute(delete(web_files.build_cache).where(lists))


def invalidate_articles(settings: Settings, database: Database, renderer: Renderer) -> None:
    """Have all article pages written again if what all show changed: settings, templates, in the head the feed formats."""
    inputs = (
        settings.publication,
        settings.takes_requests,
        settings.joining.privacy,
        FEED_FORMATS,
        renderer.fingerprint(),
    )
    current = web_files.hash_inputs(*inputs)
    with database.reading() as connection:
        if web_files.cached_hash(connection, "pages") == current:
            return
    with database.writing() as connection:
        connection.execute(update(article).values(page_hash=None))
        web_files.store_hash(connection, "pages", current)


def try_templates(
    settings: Settings, database: Database, renderer: Renderer, now: datetime
) -> None:
    if not renderer.has_own_templates:
        return
    renderer.note_faults()
    publication, language = settings.publication, settings.publication.default_language
    with database.reading() as connection:
        newest = articles.newest_articles(connection, language, now, 1)
    house = views.site_view(settings, language)
    items = tuple(views.article_view(publication, one, language, ()) for one in newest)
    home = HomeContent(
        publication=house,
        title=house.title,
        description=house.description,
        url=house.url,
        articles=items,
        issues=(),
        sisters=(),
    )
    renderer.home_page(home)
    renderer.archive_page(house, ArchiveContent(url=house.url, articles=items))
    renderer.archive_page(house, ArchiveContent(url=house.url, kind="search"))
    renderer.search_script(house)
    renderer.chooser_page(house, ())
    renderer.moved_page(house, house.url)
    renderer.missing_page(house)
    renderer.letter_page(house, "unsubscribe", publication.sender.address)
    renderer.feed_style(house)
    for item in items:
        renderer.article_page(house, item)
        renderer.feed_texts(item, house)
        renderer.issue_page(_issue(house, item, now))


def _issue(house: PublicationView, item: ArticleView, now: datetime) -> IssueContent:
    return IssueContent(
        publication=house,
        newsletter="",
        title=house.title,
        day=now.date(),
        items=(item,),
        sisters=(),
        web_url=house.url,
    )


PageProgress = Callable[[int, int], None]

# Article pages that are written before their rows are marked in one transaction.
PAGES_PER_TRANSACTION = 50


@dataclass(slots=True)
class SiteReport:
    """How many pages changed on disk, and the problems."""

    issues: int = 0
    articles: int = 0
    lists: int = 0
    # Issues' pages, with hashes, that count as written once a bucket has them, too.
    pages: list[tuple[Issue, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def write_site(
    settings: Settings,
    database: Database,
    renderer: Renderer,
    now: datetime,
    progress: PageProgress = lambda _done, _of: None,
    tell: sitemaps.Tell | None = None,
) -> SiteReport:
    """Write pages whose content is newer than their file: articles, issues that link to them, lists. What fails is reported.

    `progress` may raise to stop. `tell` gets the addresses of pages that came, changed or went.
    """
    written, told = SiteReport(), (0, 0)
    with _apart(settings, written):
        write_logo(settings)
        icons.write_icons(settings, database)
    with _apart(settings, written):
        removal.publish_due_media(settings, database, now)
    with _apart(settings, written):
        picture_widths.make_due_copies(settings, database, removal.mark_pages_with_media_due)
    with _apart(settings, written):
        for told in _write_articles(settings, database, renderer, now, written):
            progress(*told)
    stop_here = partial(progress, *told)
    with _apart(settings, written):
        written.problems += write_redirects(settings, database, renderer, stop_here)
    with _apart(settings, written):
        written.problems += place_files(settings, database, now)
    with _apart(settings, written):
        _write_issues(settings, database, now, written)
    with _apart(settings, written):
        report = written.problems.append
        written.lists = list_pages.write_list_pages(settings, database, renderer, now, report)
    with _apart(settings, written):
        written.lists += archive_pages.write_archives(settings, database, renderer, now, report)
    with _apart(settings, written):
        sitemaps.write_sitemaps(settings, database, now, tell)
    with _apart(settings, written):
        is_changed = bool(written.articles or written.issues)
        removal.remove_unused_media(settings, database, now, is_any_page_changed=is_changed)
    return written


@contextmanager
def _apart(settings: Settings, written: SiteReport) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        is_known, folder = isinstance(error, RenderingError | OSError), settings.folders.public
        if not is_known and stops_all(error):
            raise
        reason = explain_error(error, folder) if is_known else f"pages: {explain_fault(error)}"
        written.problems.append(reason)
        log.error("pages left as they were", reason=reason, exc_info=not is_known)


def write_logo(settings: Settings) -> None:
    logo = settings.publication.design.logo
    if logo:
        write_if_changed(settings.folders.public / logo.target, logo.content)


def _write_issues(
    settings: Settings, database: Database, now: datetime, written: SiteReport
) -> None:
    for issue, page, sha256 in _due_issues(database, now):
        path = urls.issue_path(issue.language, issue.newsletter, issue.day, issue.suffix)
        with database.reading() as connection:
            beside = issue_pages.adjacent_issues(connection, issue, now)
        previous, following = (_issue_url(settings, one) if one else None for one in beside)
        html = adjacent_pages.with_adjacent_issues(
            _with_present_address(settings, issue, page), previous, following
        )
        with _apart(settings, written):
            written.issues += web_files.write_page(settings, urls.page_file(path), html)
            if settings.s3:
                written.pages.append((issue, sha256))
            else:
                record_issue_pages(database, [(issue, sha256)])


def _due_issues(database: Database, now: datetime) -> Sequence[tuple[Issue, str, str]]:
    """Return the issues whose page is to be written, and those next to them: these link to them."""
    with database.reading() as connection:
        due = issue_pages.issues_without_page(connection, now)
        numbers = {issue.id for issue, *_page in due}
        # Of an issue that is only written again, the neighbours link to it already: while a bucket can't be
        # reached, each cycle would go on to the next ones.
        new = issue_pages.issue_ids_without_page(connection)
        beside = {
            other.id
            for issue, *_page in due
            if issue.id in new
            for other in issue_pages.adjacent_issues(connection, issue, now)
            if other and other.id not in numbers
        }
    if not beside:
        return due
    # Before any of them is written, so that a killed process does all of them again.
    with database.writing() as connection:
        issue_pages.mark_written_pages_outdated(connection, beside)
        return issue_pages.issues_without_page(connection, now)


def _issue_url(settings: Settings, issue: Issue) -> str:
    path = urls.issue_path(issue.language, issue.newsletter, issue.day, issue.suffix)
    return urls.public_url(settings.publication, path)


def record_issue_pages(database: Database, pages: Sequence[tuple[Issue, str]]) -> None:
    for issue, sha256 in pages:
        with database.writing() as connection:
            issue_pages.mark_page_written(connection, issue, sha256)
            list_changes.mark_lists_due(connection, [])
            if issue.corrects_id is not None:
                # The page of the issue with the error links to this one, now that it is there.
                issue_pages.mark_pages_outdated(connection, [issue.corrects_id])
            removal.mark_media_due(connection)


def _with_present_address(settings: Settings, issue: Issue, page: str) -> str:
    """Return a page without addresses of itself and of its list under former names of the newsletter."""
    key, newsletter = DigestKey.parse(issue.newsletter), settings.newsletter(issue.newsletter)

    def addresses(name: str) -> Iterator[str]:
        named = str(DigestKey(name, key.cadence))
        yield urls.issue_path(issue.language, named, issue.day, issue.suffix)
        # With the quote behind it: the addresses of all issues begin so.
        yield f'{urls.newsletter_path(issue.language, name)}"'

    for former in newsletter.formerly if newsletter else ():
        for old, new in zip(addresses(former), addresses(key.newsletter), strict=True):
            public = partial(urls.public_url, settings.publication)
            page = page.replace(public(old), public(new))
    return page


def _write_articles(
    settings: Settings,
    database: Database,
    renderer: Renderer,
    now: datetime,
    written: SiteReport,
) -> Iterator[tuple[int, int]]:
    invalidate_articles(settings, database, renderer)
    gone_page = cache(lambda tag: renderer.withdrawn_page(views.site_view(settings, tag)))
    report = written.problems.append
    written.articles += removal.remove_hidden_pages(settings, database, now, gone_page, report)
    with database.reading() as connection:
        total = articles.count_articles_without_page(connection, now)
    frames, failed, finished = dict[str, _Frame](), set[int](), 0
    links = () if renderer.has_own_templates else adjacent_pages.LINKS
    writer = _ArticleWriter(settings, database, written, links)
    render = partial(_article_page, renderer)
    while True:
        with database.reading() as connection:
            most = PAGES_PER_TRANSACTION + len(failed)
            due = articles.articles_without_page(connection, now, most)
            portion = [article for article in due if article.id not in failed]
            versions = articles.versions(connection, [a.story_id for a in portion], now)
            beside = articles.adjacent_articles(connection, portion, now)
            corrected = issue_pages.corrected_articles(
                connection, {one.id: one for one in portion}
            )
            for tag in {article.language for article in portion} - frames.keys():
                frames[tag] = _frame(settings, connection, tag, now)
        if not portion:
            return
        done = writer.write(portion, beside, partial(render, versions, frames, corrected))
        failed.update(one.id for one in portion if one not in done)
        if not done:
            return  # a whole portion failed, so the template is wrong, not an article
        finished += len(done)
        yield finished, max(total, finished)


@dataclass(slots=True)
class _ArticleWriter:
    """Writes portions of article pages; `links` to neighbours are those that pages have, if that is known."""

    settings: Settings
    database: Database
    written: SiteReport
    links: Collection[str]

    def write(
        self,
        portion: Sequence[Article],
        beside: Mapping[int, adjacent_pages.Neighbours],
        page: Callable[[Article, adjacent_pages.Neighbours], str],
    ) -> list[Article]:
        """Write the pages of some articles, and return these; neighbours that link wrongly to them are due."""
        settings = self.settings
        former = [
            neighbour
            for one in portion
            for neighbour in adjacent_pages.former_neighbours(settings, one, beside[one.id])
        ]
        if former:
            # Before the pages are written: afterwards nothing says which ones they were, if the process is killed.
            with self.database.writing() as connection:
                adjacent_pages.mark_neighbours_due(connection, former)
        done = [
            one for one in portion if self._is_written(one, partial(page, one, beside[one.id]))
        ]
        if done and not self.links:
            self.links = adjacent_pages.links_of_pages(
                settings, done[0], partial(page, done[0])
            )
        outdated = [
            other
            for one in done
            for other in adjacent_pages.outdated_neighbours(
                settings, one, beside[one.id], self.links
            )
        ]
        if done:
            with self.database.writing() as connection:
                list_changes.mark_pages_settled(connection, [one.id for one in done])
                adjacent_pages.mark_neighbours_due(connection, outdated)
        return done

    def _is_written(self, article: Article, render: Callable[[], str]) -> bool:
        try:
            self.written.articles += self._write_page(article, render())
        except Exception as error:
            # A disk or a folder that can't be written concerns all pages.
            if stops_all(error) or (isinstance(error, OSError) and is_storage_failure(error)):
                raise
            name, reason = f"{article.language}/{article.slug}", explain_fault(error)
            self.written.problems.append(f"{name}: {reason}")
            is_known = isinstance(error, PublisherError | OSError)
            log.error(
                "page of article left as it was",
                article=name,
                reason=reason,
                exc_info=not is_known,
            )
            return False
        return True

    def _write_page(self, article: Article, page: str) -> bool:
        public = self.settings.folders.public
        path = urls.page_file(urls.article_path(article.language, article.slug))
        if removal.shows_less(public / path, page):
            # Before the page is replaced, so that a killed process looks through the files, too.
            with self.database.writing() as connection:
                removal.mark_media_due(connection)
        is_changed = web_files.write_page(self.settings, path, page)
        remove_file(public / path.with_name(urls.GONE_NAME), public)
        return is_changed


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all article pages of a language share, and the articles that they may recommend."""

    settings: Settings
    publication: PublicationView
    pool: Sequence[Article]


def _frame(settings: Settings, connection: Connection, language: str, now: datetime) -> _Frame:
    return _Frame(
        settings=settings,
        publication=views.site_view(settings, language),
        pool=articles.newest_articles(
            connection, language, now, views.RELATED_POOL_SIZE, with_texts=False
        ),
    )


def _article_page(
    renderer: Renderer,
    versions: views.Variants,
    frames: Mapping[str, _Frame],
    corrected: Collection[int],
    article: Article,
    beside: adjacent_pages.Neighbours,
) -> str:
    language, frame = article.language, frames[article.language]
    others = views.related_articles(article, frame.pool, {article.story_id})
    day = article.updated_at.astimezone(frame.settings.zone()).date()
    publication = frame.settings.publication
    item = views.article_view(
        publication,
        article,
        language,
        versions.get(article.story_id, ()),
        others,
        corrected_on=day if article.id in corrected else None,
    )
    item = adjacent_pages.with_neighbours(publication, item, beside)
    return renderer.article_page(frame.publication, item)
