"""Build the feeds.Entry of an article, by feed templates, and those of the issues of a newsletter.

A feed of issues keeps its address and id when the newsletter gets another name. The id of an entry is that of its
feed and the day of the issue, of an announcement with the end of its name.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime, timedelta
from functools import cache, partial
from sys import getsizeof
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

import feeds
from publisher import urls, web_files
from publisher.articles import model
from publisher.articles.store import articles_by_id
from publisher.config import Newsletter, Publication, Settings
from publisher.issues import digests, store
from publisher.issues.editing import combined_edits
from publisher.issues.model import Issue
from publisher.log import log
from publisher.rendering import ArticleView, IssueContent, Renderer, views
from publisher.rendering.model import FeedTexts
from publisher.syndication import feed_window
from publisher.syndication.feed_index import Feed, FeedIndex, FeedSubject, mark_feeds_due
from publisher.syndication.tables import feed

# An article is in several feeds, and those are written soon after each other. So built entries are
# kept, up to this many bytes of memory for their content: a character outside Latin-1 takes two or four.
_CACHE_BYTES = 20_000_000

_Row = TypeVar("_Row", bound=feed_window.EntryRow)
_File = TypeVar("_File", feeds.Image, feeds.EntryAttachment)


class EntryBuilder:
    """Build entries, each once per run, with the text of the article where a feed has it."""

    def __init__(self, settings: Settings, renderer: Renderer) -> None:
        self._publication = settings.publication
        self.renderer = renderer
        self._view = cache(partial(views.publication_view, settings.publication))
        self._cache: dict[tuple[str, bool, bool], feeds.Entry] = {}
        self._cache_size = 0
        self.problems: list[str] = []

    def build(
        self,
        rows: Sequence[_Row],
        read: Callable[[Sequence[_Row]], Sequence[feed_window.StoredEntry]],
        *,
        full: bool,
        archived: bool = False,
    ) -> list[feeds.Entry]:
        """Return the entries, `full` ones with their texts; those that can't be built are left out and reported.

        Archived ones name no translations: archive documents do not change with these.
        """
        built = {one.tag: self._cache.get((one.tag, full, archived)) for one in rows}
        for one in read([row for row in rows if built[row.tag] is None]):
            built[one.tag] = self._build_entry(one, full=full, archived=archived)
        return [entry for entry in built.values() if entry is not None]

    def build_withdrawn(
        self, gone: Sequence[feed_window.Withdrawal], archived: int, now: datetime
    ) -> list[feeds.Entry]:
        """Return the wordless entries in place of articles withdrawn a short while ago; what is held back is expected back."""
        since = now - feed_window.WITHDRAWN_SHOWN_FOR
        some = [
            one
            for one in gone
            if one.when > since and one.status == model.ArticleStatus.WITHDRAWN
        ]
        left_out = [one for one in some if one.position <= archived][
            feed_window.MAX_ARCHIVED_SHOWN :
        ]
        return [
            build_withdrawn_entry(
                self._publication, one, self.renderer.withdrawn_texts(self._view(one.language))
            )
            for one in some
            if one not in left_out
        ]

    def _build_entry(
        self, one: feed_window.StoredEntry, *, full: bool, archived: bool
    ) -> feeds.Entry | None:
        language = one.article.language
        item = views.article_view(
            self._publication,
            one.article,
            language,
            # Beside a summary the links to 16 translations would be most of the entry; its page has them.
            one.versions if full and not archived else (),
            corrected_on=self._day_of(one.article.updated_at) if one.is_corrected else None,
        )
        texts = self.renderer.feed_texts(item, self._view(language), full=full)
        try:
            entry = build_entry(self._publication, one, item, texts)
            return self._keep((one.tag, full, archived), entry)
        except feeds.FeedsError as error:
            self._report(one.article, error)
            return None

    def _day_of(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self._publication.timezone)).date()

    def _keep(self, key: tuple[str, bool, bool], entry: feeds.Entry) -> feeds.Entry:
        size = getsizeof(entry.content_html)
        self._cache_size += size
        if self._cache_size > _CACHE_BYTES:
            self._cache, self._cache_size = {}, size
        self._cache[key] = entry
        return entry

    def _report(self, article: model.Article, error: Exception) -> None:
        problem = f"{article.language}/{article.slug}: {error}"
        if problem not in self.problems:
            self.problems.append(problem)
            log.error("article incomplete in feeds", article=article.slug, reason=str(error))


def build_entry(
    publication: Publication, one: feed_window.StoredEntry, item: ArticleView, texts: FeedTexts
) -> feeds.Entry:
    article = item.article
    titles = {version.language: version.title for version in one.versions}
    return feeds.Entry(
        id=one.tag,
        url=item.url,
        language=article.language,
        published=item.published,
        updated=one.updated,
        **asdict(texts),
        authors=tuple(
            feeds.Author(
                name=byline.name,
                affiliation=byline.affiliation,
                url=_author_url(publication, article.language, byline),
            )
            for byline in article.bylines
        ),
        contributors=tuple(
            feeds.Author(name=name) for name in (*article.translators, article.editor) if name
        ),
        topics=article.topics,
        translations=tuple(
            feeds.Link(url=link.url, language=link.language, title=titles.get(link.language))
            for link in item.translations
        ),
        image=_file(publication, feeds.Image, article.picture) if article.picture else None,
        attachments=tuple(
            _file(publication, feeds.EntryAttachment, each) for each in article.attachments
        ),
    )


def _author_url(publication: Publication, language: str, byline: model.Byline) -> str | None:
    """Return the address of an author's own page, or of that here of a known author."""
    if not isinstance(byline, model.KnownByline):
        return None
    page = urls.author_page_path(language, byline.key)
    return byline.website or urls.public_url(publication, page)


def build_withdrawn_entry(
    publication: Publication, one: feed_window.Withdrawal, texts: FeedTexts
) -> feeds.Entry:
    """Return the entry of a withdrawn article, older than its tombstone, which would not count otherwise (RFC 6721 section 4)."""
    page = urls.public_url(publication, urls.article_path(one.language, one.slug))
    updated = one.when - timedelta(seconds=1)
    return feeds.Entry(
        id=one.tag,
        url=one.url or page,
        language=one.language,
        # It may be in the future since: then that is why it was withdrawn.
        published=min(one.published, updated).astimezone(ZoneInfo(publication.timezone)),
        updated=updated,
        **asdict(texts),
    )


def _file(
    publication: Publication, kind: type[_File], one: model.Picture | model.Attachment
) -> _File:
    named = {each.name for each in fields(kind)}
    described = {name: value for name, value in asdict(one).items() if name in named}
    address = urls.public_url(publication, one.src) if one.src.startswith("/") else one.src
    return kind(url=address, **described)


def mark_changed_issue_feeds(
    connection: sa.Connection, settings: Settings, now: datetime
) -> None:
    """Mark the feeds of newsletters whose newest issues, or pages of them, are others than before."""
    index, most = FeedIndex(connection, settings.publication), settings.feeds.entries
    for newsletter in settings.newsletters:
        for edition in settings.editions(newsletter):
            language = edition.language
            marks = digests.page_marks(connection, newsletter.name, language, most, now)
            current = web_files.hash_inputs(marks)
            name = f"feeds/issues/{language}/{newsletter.name}"
            if marks and web_files.cached_hash(connection, name) != current:
                _take_over(connection, newsletter, language)
                subject = FeedSubject("issues", language, newsletter.name)
                mark_feeds_due(connection, [index.find_or_create(subject)])
                web_files.store_hash(connection, name, current)


def _take_over(connection: sa.Connection, newsletter: Newsletter, language: str) -> None:
    """Give the feed that a newsletter had under a former name to its present one."""
    here = (feed.c.kind == "issues") & (feed.c.language == language)
    known = sa.select(feed.c.id).where(here, feed.c.label == newsletter.name)
    if newsletter.formerly and connection.execute(known).first() is None:
        former = sa.update(feed).where(here, feed.c.label.in_(newsletter.formerly))
        connection.execute(former.values(label=newsletter.name, title=""))


def newsletter_title(settings: Settings, one: Feed) -> str:
    edition = settings.edition(one.label, one.language)
    return edition.title(one.language) if edition else one.label


def issue_entries(
    connection: sa.Connection, settings: Settings, renderer: Renderer, one: Feed, now: datetime
) -> Iterator[feeds.Entry]:
    """Yield the entries of a newsletter's newest issues; raise RenderingError or FeedsError."""
    most = settings.feeds.entries
    for issue in digests.published_issues(connection, one.label, one.language, most, now):
        chosen = [article for _story, article in store.chosen_articles(connection, issue)]
        found = articles_by_id(connection, chosen, with_texts=False)
        words = _words_of_announcement(connection, issue) if issue.serial else {}
        shown = [found[n] for n in chosen if n in found]
        yield _entry(settings, renderer, one, issue, shown, words, now=now)


def _words_of_announcement(connection: sa.Connection, issue: Issue) -> dict[str, Any]:
    frozen = digests.digest_of(connection, issue)
    opening = combined_edits(connection, issue.id).opening
    return {"subject": frozen.subject, "preheader": frozen.preheader, "introduction": opening}


def _entry(  # noqa: PLR0913  # an issue and what is in it
    settings: Settings,
    renderer: Renderer,
    one: Feed,
    issue: Issue,
    chosen: list[model.Article],
    words: dict[str, Any],
    *,
    now: datetime,
) -> feeds.Entry:
    publication, until = settings.publication, issue.shows_until(now)
    path = urls.issue_path(issue.language, issue.newsletter, issue.day, issue.suffix)
    content = IssueContent(
        publication=views.publication_view(publication, issue.language),
        newsletter=issue.newsletter,
        title=newsletter_title(settings, one),
        day=issue.day,
        items=tuple(
            views.article_view(publication, each, issue.language, ())
            for each in chosen
            if each.status == model.ArticleStatus.READY and each.available_at <= until
        ),
        sisters=(),
        web_url=urls.public_url(publication, path),
        **words,
    )
    texts = renderer.issue_texts(content)
    sent = issue.send_at or issue.due_at
    return feeds.Entry(
        id=f"{one.tag}/{issue.day}" + (f"/{issue.suffix}" if issue.suffix else ""),
        url=content.web_url,
        **asdict(texts),
        language=issue.language,
        published=sent.astimezone(settings.zone()),
        # A later one is of a correction or withdrawal.
        updated=max([sent, *(each.updated_at for each in chosen)]),
    )
