"""Write the pages that list others: home pages, archives, the choice of language; and those about unsubscribing and preferences."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import product
from pathlib import PurePosixPath

from sqlalchemy import Connection

from feeds import FEED_FORMATS
from publisher import urls, web_files
from publisher.articles import store as articles
from publisher.articles.model import Article
from publisher.config import DigestCadence, DigestKey, Newsletter, Publication, Settings
from publisher.database import Database
from publisher.fault_isolation import Report, isolated, unreported
from publisher.issues import digests as issue_pages
from publisher.issues.model import Issue
from publisher.rendering import (
    ArticleView,
    HomeContent,
    IssueLine,
    LanguageLink,
    Renderer,
    views,
)
from publisher.rendering.model import ArchiveLine, NewsletterLine
from publisher.site.list_changes import change_numbers

ARTICLES_ON_HOME = 30  # feeds and archives have more
_LEAD_CANDIDATES = 4  # the first of so many articles that has a picture leads the front page
ISSUES_ON_HOME = 10
SECTIONS_ON_HOME = 8
ISSUES_IN_ARCHIVE = 1000

LIST_PAGES = "list pages"  # in the build cache: what the lists were last compared with
_Page = tuple[PurePosixPath, Callable[[], str]]  # a file, and what renders it


def write_list_pages(
    settings: Settings,
    database: Database,
    renderer: Renderer,
    now: datetime,
    report: Report = unreported,
) -> int:
    """Write all lists; return how many files changed. `report` gets why a page failed: the next cycle tries all again."""
    around = web_files.hash_inputs(
        settings.publication,
        settings.newsletters,
        settings.takes_requests,
        settings.joining.privacy,
        FEED_FORMATS,
        renderer.fingerprint(),
    )
    with database.reading() as connection:
        state = json.loads(web_files.cached_hash(connection, LIST_PAGES) or "{}")
        before = state["languages"] if state.get("around") == around else {}
        current = _compared(connection, settings, now, before)
    if current == before:
        return 0
    changed, failed = 0, list[str]()
    for file, render in _due_pages(settings, database, renderer, now, before, current):
        with isolated(f"/{file}", failed.append):
            changed += web_files.write_page(settings, file, render())
    for problem in failed:
        report(problem)
    if not failed:
        with database.writing() as connection:
            state = json.dumps({"around": around, "languages": current})
            web_files.store_hash(connection, LIST_PAGES, state)
    return changed


def _compared(
    connection: Connection,
    settings: Settings,
    now: datetime,
    before: Mapping[str, Sequence[str]],
) -> dict[str, list[str]]:
    """Return two hashes for each language: whether its lists may have changed, and what they show."""
    numbers = change_numbers(connection)
    issues = issue_pages.issue_ids_by_language(connection, now)
    current = {}
    for tag in settings.publication.languages:
        mark = web_files.hash_inputs(numbers.get(tag), issues.get(tag))
        current[tag] = [*before.get(tag, ())]
        if current[tag][:1] != [mark]:
            shown = _LanguageContent(connection, settings, tag, now).inputs()
            current[tag] = [mark, web_files.hash_inputs(shown)]
    return current


def _due_pages(
    settings: Settings,
    database: Database,
    renderer: Renderer,
    now: datetime,
    before: Mapping[str, Sequence[str]],
    current: Mapping[str, Sequence[str]],
) -> Iterator[_Page]:
    """Yield the pages of languages that show something else. The texts of one language at a time are in memory."""
    if not before:
        yield from _common(settings, renderer)
    for tag, (_mark, shown) in current.items():
        if shown not in before.get(tag, ()):
            with database.reading() as connection:
                content = _LanguageContent(connection, settings, tag, now, with_texts=True)
            yield from _pages(settings, renderer, content)


class _LanguageContent:
    """The articles and issues to list in one language; the articles' texts only for templates."""

    def __init__(
        self,
        connection: Connection,
        settings: Settings,
        language: str,
        now: datetime,
        *,
        with_texts: bool = False,
    ) -> None:
        self.language = language
        self.articles = articles.newest_articles(
            connection, language, now, ARTICLES_ON_HOME, with_texts=with_texts
        )
        stories = [article.story_id for article in self.articles]
        self.versions = articles.versions(connection, stories, now)
        self.recent = issue_pages.published_issues(
            connection, None, language, ISSUES_ON_HOME, now
        )
        self.archives = {
            newsletter.name: issue_pages.published_issues(
                connection, newsletter.name, language, ISSUES_IN_ARCHIVE, now
            )
            for newsletter in settings.newsletters
        }
        listed = {
            one.id
            for some in (self.recent, *self.archives.values())
            for one in some
            if one.serial
        }
        found = issue_pages.subjects_and_warnings(connection, sorted(listed))
        self.subjects = {number: subject for number, (subject, _warnings) in found.items()}
        self.moved = [*_moved_addresses(connection, settings, language, now)]
        self.sections = articles.count_sections(connection, language, now)
        pictures = [article.picture.src for article in self.articles if article.picture]
        files = [settings.folders.public / src[1:] for src in pictures if src[:7] == "/media/"]
        self.copies = [web_files.copies_of(file) for file in files]

    def inputs(self) -> object:
        order = [article.id for article in self.articles]
        shown = [self.versions[article.story_id] for article in self.articles]
        listed = [
            [issue.id for issue in some] for some in (self.recent, *self.archives.values())
        ]
        return (
            self.language,
            order,
            shown,
            listed,
            self.subjects,
            self.moved,
            self.sections,
            self.copies,
        )


def _common(settings: Settings, renderer: Renderer) -> Iterator[_Page]:
    publication = settings.publication
    links = _everywhere(publication, urls.home_path)
    house = views.site_view(settings, publication.default_language)
    root = partial(renderer.chooser_page, house, links)
    if len(links) == 1:
        root = partial(renderer.moved_page, house, links[0].url)
    yield PurePosixPath("index.html"), root
    others = links[1:]
    yield PurePosixPath(urls.MISSING_NAME), partial(renderer.missing_page, house, others)
    for language in publication.languages:
        house = views.site_view(settings, language)
        yield PurePosixPath(language, urls.MISSING_NAME), partial(renderer.missing_page, house)
        for kind in ("subscribe", "unsubscribe", "preferences"):
            page = partial(renderer.letter_page, house, kind, publication.sender.address)
            yield urls.page_file(urls.subscriber_page_path(language, kind)), page


def _archive(
    settings: Settings, newsletter: Newsletter, shown: _LanguageContent
) -> HomeContent:
    publication, language, name = settings.publication, shown.language, newsletter.name

    def path(tag: str) -> str:
        return urls.newsletter_path(tag, name)

    edition = newsletter.in_language(language, publication.timezone)
    return HomeContent(
        publication=views.site_view(settings, language),
        title=edition.title(language),
        description=edition.description(language),
        url=urls.public_url(publication, path(language)),
        articles=(),
        issues=tuple(_line(settings, issue, shown) for issue in shown.archives[name]),
        sisters=_elsewhere(publication, language, path, newsletter.languages),
    )


def _pages(settings: Settings, renderer: Renderer, shown: _LanguageContent) -> Iterator[_Page]:
    publication, language = settings.publication, shown.language
    house = views.site_view(settings, language)
    content = HomeContent(
        publication=house,
        title=house.title,
        description=house.description,
        url=urls.public_url(publication, urls.home_path(language)),
        articles=tuple(_item(publication, a, shown) for a in _lead_first(shown.articles)),
        newsletters=tuple(_newsletter_lines(settings, language)),
        sections=tuple(_section_lines(publication, language, shown.sections)),
        issues=tuple(_line(settings, issue, shown) for issue in shown.recent),
        sisters=_elsewhere(publication, language, urls.home_path),
    )
    yield urls.page_file(urls.home_path(language)), partial(renderer.home_page, content)
    for newsletter in settings.newsletters:
        if language in (newsletter.languages or publication.languages):
            content = _archive(settings, newsletter, shown)
            path = urls.newsletter_path(language, newsletter.name)
            yield urls.page_file(path), partial(renderer.home_page, content)
    for old, new in shown.moved:
        address = urls.public_url(publication, new)
        yield urls.page_file(old), partial(renderer.moved_page, house, address)


def _lead_first(newest: Sequence[Article]) -> Sequence[Article]:
    lead = next((one for one in newest[:_LEAD_CANDIDATES] if one.picture), None)
    return [lead, *(one for one in newest if one is not lead)] if lead else newest


def _newsletter_lines(settings: Settings, language: str) -> Iterator[NewsletterLine]:
    publication = settings.publication
    for newsletter in settings.newsletters:
        if language in (newsletter.languages or publication.languages):
            edition = newsletter.in_language(language, publication.timezone)
            yield NewsletterLine(
                title=edition.title(language),
                description=edition.description(language),
                url=urls.public_url(
                    publication, urls.newsletter_path(language, newsletter.name)
                ),
            )


def _section_lines(
    publication: Publication, language: str, counts: Mapping[str, int]
) -> Iterator[ArchiveLine]:
    names = urls.section_slugs(counts)
    for section in sorted(counts, key=lambda one: (-counts[one], one))[:SECTIONS_ON_HOME]:
        path = urls.list_path(language, "sections", names[section])
        address = urls.public_url(publication, path)
        yield ArchiveLine(url=address, count=counts[section], title=section)


def _moved_addresses(
    connection: Connection, settings: Settings, language: str, now: datetime
) -> Iterator[tuple[str, str]]:
    """Yield the paths of archives and issues under former names, with the present ones."""
    for newsletter, cadence in product(settings.newsletters, (None, *DigestCadence)):
        name = str(DigestKey(newsletter.name, cadence))
        for former in newsletter.formerly:
            old = str(DigestKey(former, cadence))
            yield urls.newsletter_path(language, old), urls.newsletter_path(language, name)
            found = issue_pages.published_issues(
                connection, name, language, ISSUES_IN_ARCHIVE, now
            )
            for issue in found:
                place = (issue.day, issue.suffix)
                yield (
                    urls.issue_path(language, old, *place),
                    urls.issue_path(language, name, *place),
                )


def _item(publication: Publication, article: Article, shown: _LanguageContent) -> ArticleView:
    versions = shown.versions.get(article.story_id, ())
    return views.article_view(publication, article, shown.language, versions)


def _line(settings: Settings, issue: Issue, shown: _LanguageContent) -> IssueLine:
    publication = settings.publication
    newsletter = settings.newsletter(issue.newsletter)
    title = (
        newsletter.in_language(issue.language, publication.timezone).title(issue.language)
        if newsletter
        else issue.newsletter
    )
    path = urls.issue_path(issue.language, issue.newsletter, issue.day, issue.suffix)
    title = shown.subjects.get(issue.id, title)
    return IssueLine(title=title, day=issue.day, url=urls.public_url(publication, path))


def _everywhere(
    publication: Publication, path: Callable[[str], str], languages: Sequence[str] | None = None
) -> tuple[LanguageLink, ...]:
    return tuple(
        LanguageLink(language=tag, url=urls.public_url(publication, path(tag)))
        for tag in (languages or publication.languages)
    )


def _elsewhere(
    publication: Publication,
    language: str,
    path: Callable[[str], str],
    languages: Sequence[str] | None = None,
) -> tuple[LanguageLink, ...]:
    links = _everywhere(publication, path, languages)
    return tuple(link for link in links if link.language != language)
