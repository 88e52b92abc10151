"""The entries of a source on the web, as polls have stored them: nothing is fetched here.

A poll shows some entries of a source, so what a listing lacks is still there; only what the source itself has deleted
is withdrawn. The key of an entry is what its source called it first.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa
from lxml import etree
from lxml import html as lxml_html

from publisher.articles.content.parser import parse_content
from publisher.articles.content.text import make_excerpt
from publisher.articles.model import Byline, Mailing, ParsedArticle, Picture
from publisher.articles.tables import article
from publisher.config import Settings
from publisher.config.sources import PolledSourceSettings
from publisher.database import Database
from publisher.errors import ArticleError, LanguageError
from publisher.ingest.media.document_media import FolderFiles
from publisher.ingest.parsers.document import SourceDocument
from publisher.ingest.sites.base import LeftOutError, LeftOutReason
from publisher.ingest.sources.base import Item, Listing, RawItem
from publisher.ingest.tables import source_item
from publisher.languages import normalise
from publisher.polling import store
from publisher.polling.foreign_pictures import pictures_of, with_pictures
from publisher.polling.identity import bare_link
from publisher.polling.model import WebEntry
from publisher.polling.picture_copies import PICTURES, CopiedPictures

# What WordPress adds to each entry of its feeds: a link to the post, and one to the site.
_APPENDED = re.compile(
    r"<p>[^<>]{1,40}<a [^<>]*>[^<>]*</a>[^<>]{1,40}<a [^<>]*>[^<>]*</a>\.?\s*</p>\s*\Z"
)
# At the end of a summary: what leads to the rest, which our own links do.
_MORE = re.compile(r"\s*(?:\[(?:…|\.\.\.|&hellip;|&#8230;)\])\s*(?=(?:</p>)?\s*\Z)")


_ENDING, _WORD = re.compile(r"\.[a-z]{2,5}$"), re.compile(r"[^\W\d_]{2}")
_MAX_TITLE = 80  # characters of a title that is made from a text
_COPY = "copy "  # at the beginning of the signature of an entry that another source has, too
# Gives the path of a picture's copy by its address; empty if there is none.
PlaceOf = Callable[[str], str]


class EntrySource:
    """The stored entries of one source."""

    def __init__(
        self,
        options: PolledSourceSettings,
        settings: Settings,
        database: Database,
        now: datetime,
    ) -> None:
        self._options = options
        self._pictures = CopiedPictures(settings.folders.var / PICTURES)
        self._zone = settings.zone()
        self._sources = settings.sources
        self._database = database
        self._now = now

    def poll(self, mark: str) -> Listing:
        """Return the entries that have become ready since the mark, which is a time."""
        since = datetime.fromisoformat(mark) if mark else None
        name, today = self._options.name, self._now.astimezone(self._zone)
        with self._database.reading() as connection:
            ready = store.ready_entries(connection, name, since, self._now)
            known = _known_items(connection, name) if ready else {}
            waiting = waiting_entries(connection, self._options, ready, known, today)
            keys = [one.key for one in ready if not known.get(one.key)]
            copied = store.copied_entries(connection, name, keys, self._sites)
        # They are listed again until their day has come.
        until = min([self._now, *waiting.values()])
        shown = [
            Item(one.key, f"{_COPY}{one.signature}" if one.key in copied else one.signature)
            for one in ready
            if not (one.is_withdrawn or one.key in waiting)
        ]
        gone = [one.key for one in ready if one.is_withdrawn]
        return Listing(shown, False, until.isoformat(), withdrawn=gone)

    def _sites(self) -> dict[str, str]:
        polled = (one for one in self._sources if isinstance(one, PolledSourceSettings))
        return {one.name: bare_link(one.address).partition("/")[0] for one in polled}

    def read(self, item: Item) -> RawItem:
        """Return an entry as a document; raise ArticleError for one that is not stored any more."""
        with self._database.reading() as connection:
            stored = store.read_entry(connection, self._options.name, item.key)
        if stored is None:
            raise ArticleError.saying("this entry is not stored any more")
        place_of = self._pictures.place_of if self._options.pictures == "copy" else str
        content = document_of(stored, self._options, place_of)
        is_copy = item.signature.startswith(_COPY)

        def describe(_fields: object) -> ParsedArticle:
            if is_copy:
                raise LeftOutError(LeftOutReason.COPY, title=stored.entry.title)
            return metadata_of(stored, self._options, place_of)

        # Its key says nothing of languages, as the path of a file does.
        document = SourceDocument(
            PurePosixPath("entry.html"),
            # It is read again when it is no copy any more.
            content + _COPY.encode() if is_copy else content,
            describe=describe,
        )
        return RawItem(
            document,
            FolderFiles(self._pictures.folder),
            known_since=lambda: stored.first_seen_at,
            is_archive=stored.is_archive,
            whole=stored.entry.text,
        )


def waiting_entries(
    connection: sa.Connection,
    options: PolledSourceSettings,
    ready: Sequence[store.ReadyEntry],
    known: Collection[str],
    now: datetime,
) -> dict[str, datetime]:
    """Return those of the entries that are news of a later day, as keys with the times at which they were ready.

    `max_per_day` became news on this day, as `now` has it. Those of `known` keys are no news.
    """
    new = [one for one in ready if not (one.is_archive or one.is_withdrawn or one.key in known)]
    if options.max_per_day is None or not new:
        return {}
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    times = article.c.available_at
    query = sa.select(sa.func.count()).join_from(source_item, article)
    query = query.where(source_item.c.source == options.name, times >= day)
    query = query.where(times < day + timedelta(days=1), article.c.mailing != Mailing.ARCHIVE)
    today = connection.execute(query).scalar_one()
    return {one.key: one.ready_at for one in new[max(options.max_per_day - today, 0) :]}


def _known_items(connection: sa.Connection, source: str) -> dict[str, bool]:
    """Return the keys of what was picked up, and whether each is an article."""
    item = source_item.c
    query = sa.select(item.key, item.article_id.is_not(None)).where(item.source == source)
    return {key: bool(is_article) for key, is_article in connection.execute(query)}


def count_waiting_entries(
    connection: sa.Connection, settings: Settings, now: datetime
) -> Counter[str]:
    """Return how many entries of each source wait for a later day."""
    limited = [
        one
        for one in settings.sources
        if isinstance(one, PolledSourceSettings) and one.max_per_day
    ]
    today, counts = now.astimezone(settings.zone()), Counter[str]()
    for one in limited:
        ready = store.ready_entries(connection, one.name, None, now)
        known = _known_items(connection, one.name)
        counts[one.name] = len(waiting_entries(connection, one, ready, known, today))
    return counts


def metadata_of(
    stored: store.KeptEntry, options: PolledSourceSettings, place_of: PlaceOf = str
) -> ParsedArticle:
    """Return what an entry says of itself, as an article without a body. `place_of` may look at files.

    With its whole text it is a page of ours, and names the site's as the first copy; else links lead to the site.
    """
    entry = stored.entry
    is_full = options.is_full
    is_shown = options.pictures != "none"
    picture = next(filter(None, map(place_of, pictures_of(entry, is_full=False))), "")
    return ParsedArticle(
        title=entry.title or _title_of(entry, options),
        language=options.language_of(entry.url) or _tag_of(entry.language),
        published=entry.published,
        updated=entry.updated,
        bylines=tuple(
            Byline(name=one.name, affiliation=one.affiliation or None) for one in entry.authors
        ),
        translators=entry.translators,
        summary=_text(_without_more(entry.summary)) if is_full else "",
        topics=entry.topics,
        picture=Picture(src=picture) if picture and is_shown else None,
        # Of this source alone: another one may name the same address, and must not take its place.
        key=f"{options.name}: {stored.story.partition('://')[2] or stored.story}",
        is_linked=True,
        url=None if is_full else entry.url or None,
        canonical=entry.url or None if is_full else None,
        slug=_slug_of(entry.url) or entry.title,
    )


def _slug_of(url: str) -> str:
    """Return the last part of an address that has words, without an ending; empty if none has."""
    parts = (unquote(one) for one in reversed(urlsplit(url).path.split("/")))
    names = (_ENDING.sub("", one) for one in parts)
    return next((one for one in names if _WORD.search(one) and one != "index"), "")


def _tag_of(written: str) -> str | None:
    """Return a language as a tag; None for what is none, such as `english`: then the source's counts."""
    for one in (written, written.replace("_", "-").partition("-")[0]):
        try:
            return normalise(one) if one else None
        except LanguageError:
            continue
    return None


def document_of(
    stored: store.KeptEntry, options: PolledSourceSettings, place_of: PlaceOf = str
) -> bytes:
    """Return an entry as a page of HTML, which changes whenever anything of the entry does."""
    entry = stored.entry
    said = json.dumps({**store.entry_to_json(entry), "story": stored.story}, sort_keys=True)
    # Two hyphens would end the comment.
    note = said.replace("--", "-\\u002d")
    page = f"<article>{_body(entry, options, place_of)}</article><!-- {note} -->"
    return page.encode("utf-8", "replace")


def _body(entry: WebEntry, options: PolledSourceSettings, place_of: PlaceOf) -> str:
    text = _APPENDED.sub("", entry.text or entry.summary)
    if not options.is_full:
        text = _without_more(entry.summary) or _excerpt(text, entry.language)
    if options.pictures == "link":
        return text
    return with_pictures(
        text, entry.url, place_of if options.pictures == "copy" else lambda _url: ""
    )


def _without_more(summary: str) -> str:
    return _MORE.sub(" …", _APPENDED.sub("", summary))


def _excerpt(text: str, language: str) -> str:
    paragraph = lxml_html.Element("p")
    paragraph.text = make_excerpt(_text(text), language or "en")
    return etree.tostring(paragraph, encoding="unicode", method="html")


def _title_of(entry: WebEntry, options: PolledSourceSettings) -> str:
    """Return a title for an entry without one, as of short notes: how its text begins."""
    text = _text(entry.summary or entry.text)
    return make_excerpt(text, entry.language or options.language or "en")[:_MAX_TITLE].strip()


def _text(html: str) -> str:
    return parse_content(html).text if html.strip() else ""
