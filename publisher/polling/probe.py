"""Look at an address of the web: what it is, which feeds it leads to, and what would come of them. Stores nothing.

An address of a feed is read itself. A page is searched for feeds, in its languages, too; where it names none, the
usual places are tried. All of it ends within a few seconds.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from urllib.parse import urljoin, urlsplit

from publisher.errors import PublisherError
from publisher.fetching.addresses import WebRequest
from publisher.fetching.client import GuardedClient
from publisher.fetching.limits import FetchLimits
from publisher.polling.discovery import USUAL_FEEDS, FeedLink, FrontPage, read_front_page
from publisher.polling.feed_reader import read_feed
from publisher.polling.model import AnswerError, WebEntry, WebFeed
from publisher.polling.page_reader import read_web_page
from publisher.polling.pages import built_files
from publisher.polling.parser_process import ParserProcess
from publisher.polling.sitemap import read_robots, read_sitemap
from publisher.polling.wordpress import posts_address

_SECONDS, _SECONDS_EACH = 9.0, 4.0  # for all requests of a look, and for each of them
_MOST_FEEDS, _MOST_LANGUAGES = 8, 12
_SITEMAP, _HEAD_BYTES = re.compile(rb"<(?:\w+:)?(?:urlset|sitemapindex)\b"), 4096
# Where sitemaps stand; and of their pages, those that are looked at.
_USUAL_SITEMAPS, _MOST_PAGES = ("/sitemap.xml", "/sitemap_index.xml", "/sitemap-index.xml"), 3
_MOST_FILES = 300  # files of a folder that are looked at
_LONG_TEXT = 1500  # characters of text; shorter ones are summaries


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFeed:
    """A feed, or a site whose API or pages show the same. `language` is what it states, or the page that names it.

    `missing` are sentences; `place` is the key of `url` in the settings, `more` what else these need.
    """

    url: str
    feed: WebFeed
    language: str = ""
    missing: tuple[str, ...] = ()
    kind: str = "feed"
    place: str = "url"
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> dict[str, str]:
        """The table [[source]] that it would be, with the language where it states none itself."""
        named = {"language": self.language} if self.language and not self.feed.language else {}
        return {"kind": self.kind, self.place: self.url, **named, **self.more}


@dataclass(slots=True, kw_only=True)
class Probe:
    """What stands at an address. `what` says it in a few words, `notes` what else is there."""

    url: str
    what: str = ""
    title: str = ""
    feeds: list[FoundFeed] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def probe(url: str, client: GuardedClient, parser: ParserProcess, user_agent: str) -> Probe:
    """Look at an address. Raise FetchError if it can't be fetched, SourceError if nothing at it can be read."""
    look = _Look(client, parser, user_agent)
    body, final, content_type = look.fetch(url)
    found = Probe(url=url)
    try:
        feed = parser.run(read_feed, body, final, content_type)
    except AnswerError as no_feed:
        if _SITEMAP.search(body[:_HEAD_BYTES]):
            found.what = "a sitemap"
            look.add_pages(url, found)
            return found
        try:
            page = parser.run(read_front_page, body, final)
        except AnswerError:
            raise no_feed from None
        look.add_feeds_of(page, final, found)
    else:
        found.what, found.title = "a feed", feed.title
        found.feeds.append(_judged(url, feed, ""))
    return found


class _Look:
    def __init__(self, client: GuardedClient, parser: ParserProcess, user_agent: str) -> None:
        self._client = client
        self._parser = parser
        self._user_agent = user_agent
        self._ends = monotonic() + _SECONDS

    def fetch(self, url: str) -> tuple[bytes, str, str]:
        """Return a body, the address at which it stands, and its media type. Raise SourceError unless the answer is 200."""
        request = WebRequest(url, headers={"User-Agent": self._user_agent}, follow="any")
        if (left := self._ends - monotonic()) <= 0:
            raise AnswerError(f"{urlsplit(url).hostname}: not looked at, for want of time")
        limits = FetchLimits(seconds=min(_SECONDS_EACH, left))
        with replace(self._client, limits=limits).open(request) as response:
            if response.status != HTTPStatus.OK:
                raise AnswerError(f"{urlsplit(url).hostname}: answered {response.status}")
            return response.read(), response.url, response.headers.get("Content-Type", "")

    def add_feeds_of(self, page: FrontPage, url: str, found: Probe) -> None:
        made = f" of a site made with {page.generator}" if page.generator else ""
        found.what = f"a page{made}"
        found.title = page.title
        named = self._links(page, url)
        for link in named or [FeedLink(urljoin(url, path)) for path in USUAL_FEEDS]:
            if monotonic() > self._ends or len(found.feeds) >= _MOST_FEEDS:
                found.notes.append(f"{link.url}: not looked at, for want of time")
                continue
            if feed := self._read(link, found, is_named=bool(named)):
                found.feeds.append(feed)
        if page.api and found.feeds and self._answers(page.api):
            # Its own feeds would bring the same, and less.
            site = re.split(r"wp-json|index\.php|\?rest_route", page.api)[0]
            own = [one for one in found.feeds if one.url.startswith(site)] or found.feeds[:1]
            others = [one for one in found.feeds if one not in own]
            found.feeds = [replace(own[0], url=site, kind="wordpress"), *others]
        if not found.feeds:
            self.add_pages(url, found)
        if not found.feeds:
            found.notes.append("no feed was found; if you know its address, give that")

    def add_pages(self, url: str, found: Probe) -> None:
        """Add the pages of the sitemap at an address, of one that robots.txt names, or where most stand."""
        robots = b""
        with suppress(PublisherError):
            robots = self.fetch(urljoin(url, "/robots.txt"))[0]
        named = self._parser.run(read_robots, robots, "*", ()).sitemaps
        usual = (urljoin(url, path) for path in _USUAL_SITEMAPS)
        for place in [url] if found.what == "a sitemap" else [*named, *usual]:
            with suppress(PublisherError):
                found.feeds.append(self._pages(place, robots, found.title))
                return

    def _pages(self, place: str, robots: bytes, title: str) -> FoundFeed:
        sitemap = self._parser.run(read_sitemap, *self.fetch(place)[:2])
        for part in sitemap.parts[:1]:
            sitemap = self._parser.run(read_sitemap, *self.fetch(part.url)[:2])
        agent, urls = self._user_agent.partition("/")[0], [one.url for one in sitemap.pages]
        rules = self._parser.run(read_robots, robots, agent, urls[:_MOST_PAGES])
        entries, missing = list[WebEntry](), [f"it lists {len(urls)} pages; `include` chooses"]
        for url in (one for one, is_open in zip(urls, rules.allowed, strict=False) if is_open):
            with suppress(PublisherError):
                read = self._parser.run(read_web_page, *self.fetch(url))
                entries += [] if read.problem else [read.entry]
                missing += [f"{url}: such pages {read.problem}"] if read.problem else []
        feed = WebFeed(title=title, entries=tuple(entries))
        return FoundFeed(url=place, feed=feed, missing=tuple(missing), kind="pages")

    def _answers(self, api: str) -> bool:
        with suppress(PublisherError):
            return bool(self.fetch(posts_address(api, {"per_page": "1"})))
        return False

    def _links(self, page: FrontPage, url: str) -> list[FeedLink]:
        """Return the feeds that a page and its translations name."""
        links = [replace(one, language=one.language or page.language) for one in page.feeds]
        for language, other in page.others[:_MOST_LANGUAGES]:
            if other.rstrip("/") == url.rstrip("/") or monotonic() > self._ends:
                continue
            try:
                body, final, _type = self.fetch(other)
                there = self._parser.run(read_front_page, body, final)
            except PublisherError:
                continue  # the page that names it says enough
            links += [replace(one, language=language) for one in there.feeds]
        seen = dict[str, FeedLink]()
        for link in links:
            seen.setdefault(link.url, link)
        return [*seen.values()]

    def _read(self, link: FeedLink, found: Probe, *, is_named: bool) -> FoundFeed | None:
        try:
            body, final, content_type = self.fetch(link.url)
            feed = self._parser.run(read_feed, body, final, content_type)
        except PublisherError as error:
            if is_named:
                found.notes.append(f"{link.url}: {error}")
            return None
        known = {one.feed for one in found.feeds}
        return None if feed in known else _judged(link.url, feed, link.language)


def _judged(url: str, feed: WebFeed, language: str) -> FoundFeed:
    return FoundFeed(
        url=url,
        feed=feed,
        language=feed.language or language,
        missing=tuple(_missing(feed, language)),
    )


def _missing(feed: WebFeed, language: str) -> Iterator[str]:
    """Yield what a digest of a feed would lack. Pure."""
    entries = feed.entries
    if not entries:
        yield "it has no entries now"
        return
    lacks = Counter[str]()
    for one in entries:
        lacks["no date; each gets that of the poll that sees it first"] += one.published is None
        lacks["no title; how the text begins is shown instead"] += not one.title
        lacks["no link; nothing leads to the site"] += not one.url
    yield from (f"{n} of {len(entries)} entries have {what}" for what, n in lacks.items() if n)
    if not (feed.language or language or any(one.language for one in entries)):
        yield 'it does not state its language; write language = "..."'
    if not any(len(one.html) > _LONG_TEXT for one in entries):
        yield 'its texts are summaries, so only content = "page" would bring more'


def probe_folder(folder: Path, place: str, parser: ParserProcess) -> Probe:
    """Look at a folder of built HTML, which the settings call `place`. It has no feeds if no page is an article."""
    files = [path for path, _mark in built_files(folder)]
    found = Probe(url=place, what=f"a folder with {len(files)} built pages")
    entries, reasons = list[WebEntry](), Counter[str]()
    for path in sorted(files, key=lambda one: (one.count("/"), one))[:_MOST_FILES]:
        try:
            read = parser.run(read_web_page, (folder / path).read_bytes(), "")
        except (AnswerError, OSError) as error:
            reasons[f"can't be read ({error})"] += 1
            continue
        if path == "index.html":
            found.title = read.entry.title
        entries += [] if read.problem else [replace(read.entry, id=path)]
        reasons[read.problem] += 1
    missing = [f"{number} pages {why}" for why, number in reasons.most_common() if why]
    if lost := sum(not one.url for one in entries):
        missing.append(f'{lost} do not say where they stand; write base = "https://..."')
    if len(files) > _MOST_FILES:
        missing.append(f"{len(files) - _MOST_FILES} more pages were not looked at")
    feed = WebFeed(title=found.title, entries=tuple(entries))
    more = {"content": "full", "pictures": "copy"}
    if entries:
        named = FoundFeed(url=place, feed=feed, missing=tuple(missing), kind="pages")
        found.feeds.append(replace(named, place="path", more=more))
    return found
