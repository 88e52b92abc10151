"""Read an article's page: what it says of itself, and its text; or why it is no article. Pure.

What a page says stands in JSON-LD (https://schema.org/Article), in Open Graph (https://ogp.me), in other elements
`meta`, and in its body; the first that says something counts. Pages are hostile bytes, and slow to parse:
`publisher.polling.parser_process` calls this in a process with limits.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from lxml import html as lxml_html
from lxml.cssselect import SelectorError

from publisher.polling import foreign_values as foreign
from publisher.polling.foreign_values import JsonObject, json_objects, json_text, web_address
from publisher.polling.identity import bare_host, bare_link
from publisher.polling.model import AnswerError, WebAuthor, WebEntry
from publisher.polling.page_text import article_text, html_inside, letters

_MAX_BYTES = 10_000_000
# lxml takes quadratic time for the attributes of an element. Scripts may look like one.
_MANY_ATTRIBUTES = re.compile(
    rb"<[A-Za-z][^\s<>/]*+(?:[\s/]*+[^\s=<>\"'/]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'<>]++))?+){2000}"
)
_SCRIPT = re.compile(rb"(<(script|style)\b[^<>]*>).*?(?:</\2|\Z)", re.IGNORECASE | re.DOTALL)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
# Letters of a text without a mark that it is an article; a sign of these scripts says as much as three.
_ENOUGH_LETTERS, _DENSE, _DENSE_WEIGHT = 200, re.compile("[\u3040-\u30ff\u3400-\u9fff]"), 3
_MAX_OBJECTS = 500  # objects of JSON-LD that are read
_ARTICLE_TYPE = re.compile(
    r"(?:\w*Article|BlogPosting|LiveBlogPosting|SocialMediaPosting|Report)"
)
_LIST_TYPES = frozenset({"Blog", "CollectionPage", "ProfilePage", "SearchResultsPage"})
_MOST = 0.7  # of the letters in all elements `article`, so many are in the page's own

_LISTS = "list other pages"
NO_INDEX, _NOT_FREE = "ask not to be indexed (noindex)", "are not free to read"
CLOSED = frozenset({NO_INDEX, _NOT_FREE})  # an article that says so later is withdrawn

# Names of `meta`, in small letters, the best first.
_PUBLISHED = (
    *("article:published_time", "og:published_time", "datepublished", "parsely-pub-date"),
    *("citation_publication_date", "dcterms.created", "dc.date.issued", "dcterms.date"),
    *("dc.date", "dc.date.created", "sailthru.date", "publishdate", "pubdate", "date"),
)
_UPDATED = ("article:modified_time", "og:updated_time", "datemodified", "dcterms.modified")
_AUTHORS = ("dc.creator", "dcterms.creator", "author", "parsely-author", "article:author")
_SUMMARIES = ("og:description", "description", "dc.description", "twitter:description")
_PICTURES = ("og:image", "og:image:url", "og:image:secure_url", "twitter:image")
_TITLES = ("dc.title", "dcterms.title", "og:title", "title", "twitter:title")
_LOCALES = ("content-language", "og:locale", "language", "dc.language")
# Where an element has the author of a page, and where its date.
_BYLINES = (
    "//*[contains(@itemprop,'author')]",
    "//*[self::a or self::link][contains(concat(' ',@rel,' '),' author ')]",
    "//*[contains(@class,'vcard')]//*[contains(concat(' ',@class,' '),' fn ')]",
    *(
        f"//*[contains(concat(' ',@class,' '),' {name} ')]"
        for name in ("byline", "p-author", "author", "byline-name")
    ),
)
_DATED = (
    "//*[@itemprop='datePublished']",
    "//*[self::time or self::abbr][@pubdate or contains(@class,'entry-date') or contains(@class,'published')]",
)
_ATTRIBUTES = ("datetime", "content", "title")
_BESIDE = "ancestor::aside or ancestor::nav or ancestor::footer[not(ancestor::article)] or ancestor::*[contains(@class,'comment')]"
_DAY = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)")
_REFRESH = re.compile(r"\s*[\d.]+\s*[;,]\s*(?:url\s*=)?\s*\S", re.IGNORECASE)
_BY = re.compile(r"^\s*(?:written\s+|posted\s+)?by\b[:\s]*", re.IGNORECASE)
_SEPARATOR = re.compile(r"\s+[|\-–—·•»:/\\]+\s+")
_MAX_TOPICS, _MAX_BYLINE, _MAX_SUMMARY = 20, 100, 1000


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page as an entry. `problem` says why it and others are no articles; empty if it is one."""

    entry: WebEntry
    problem: str = ""


def read_web_page(
    body: bytes, url: str, content_type: str = "", select: str = "", is_chosen: bool = False
) -> ReadPage:
    """Read the page at `url`, which may be empty if the page states it. `select` is a CSS selector of its text.

    One that `is_chosen` needs nothing that says it is an article. Raises AnswerError for what is no page of HTML.
    """
    said = _Said(_parsed(body, content_type), url)
    html = said.text(select)
    problem = said.why_closed or said.why_no_article(html, is_chosen=is_chosen)
    return ReadPage(said.entry(html), problem)


def _parsed(body: bytes, content_type: str) -> lxml_html.HtmlElement:
    if len(body) > _MAX_BYTES:
        raise AnswerError(f"this is larger than {_MAX_BYTES // 1_000_000} MB")
    if _MANY_ATTRIBUTES.search(_SCRIPT.sub(rb"\1", body)):
        raise AnswerError("one of its elements has thousands of attributes")
    text = foreign.without_controls(_decoded(body, content_type))
    try:
        parser = lxml_html.HTMLParser(encoding="utf-8")
        return lxml_html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        raise AnswerError("this is no page of HTML") from None


def _decoded(body: bytes, content_type: str) -> str:
    """Decode a page: as UTF-8 if it is that, else as its header says, or an element `meta`."""
    stated = [_CHARSET.search(content_type.encode()), _CHARSET.search(body[:4096])]
    for name in ["utf-8-sig", *(one[1].decode("ascii", "replace") for one in stated if one)]:
        with suppress(UnicodeDecodeError, LookupError):
            return body.decode("gb18030" if name.lower() in {"gb2312", "gbk"} else name)
    return body.decode("windows-1252", "replace")


class _Said:
    """What a page says of itself."""

    def __init__(self, page: lxml_html.HtmlElement, url: str) -> None:
        self._page, self._url = page, url
        self._metas = dict[str, list[str]]()
        for meta in page.iter("meta"):
            name = (
                meta.get("property")
                or meta.get("name")
                or meta.get("http-equiv")
                or meta.get("itemprop")
            )
            if name and (content := " ".join((meta.get("content") or "").split())):
                for one in name.lower().replace("dc:", "dc.").split():
                    self._metas.setdefault(one, []).append(content)
        stated = next((one.get("href") or "" for one in page.iter("base")), "")
        self._base = url
        self._base = web_address(stated, url) or url or self.canonical
        things = [*_json_ld(page)]
        self._ids = {one["@id"]: one for one in things if isinstance(one.get("@id"), str)}
        self._types = {name for one in things for name in _types(one)}
        self._articles = [
            one for one in things if any(map(_ARTICLE_TYPE.fullmatch, _types(one)))
        ]
        self._article = self._own_article()

    def _own_article(self) -> JsonObject:
        """Return the article of JSON-LD that the page is; empty where it lists several."""
        if len(self._articles) < 2:  # noqa: PLR2004  # several
            return self._articles[0] if self._articles else {}
        ours = {bare_link(self.canonical), bare_link(self._url)} - {""}
        names = ("url", "@id", "mainEntityOfPage")
        for one in self._articles:
            pages = [
                json_text(one, *names),
                *(json_text(p, "@id") for p in json_objects(one, names[2])),
            ]
            if ours & {bare_link(address.partition("#")[0]) for address in pages}:
                return one
        return {}

    def _meta(self, *names: str) -> str:
        return next((text for name in names for text in self._metas.get(name, ())), "")

    def _links(self, relation: str) -> Iterator[tuple[lxml_html.HtmlElement, str]]:
        for link in self._page.iter("link"):
            if relation in (link.get("rel") or "").lower().split():
                yield link, web_address(link.get("href") or "", self._base)

    @cached_property
    def canonical(self) -> str:
        """The address that the page states; empty if that is on another host."""
        stated = [address for _link, address in self._links("canonical") if address]
        found = next(iter(stated), "") or web_address(self._meta("og:url"), self._url)
        is_ours = not self._url or bare_host(found) == bare_host(self._url)
        return found if is_ours else ""

    @cached_property
    def title(self) -> str:
        headings = [foreign.plain_title(one.text_content()) for one in self._page.iter("h1")]
        of_page = foreign.plain_title(self._page.findtext(".//title") or "")
        names = [json_text(self._article, key) for key in ("headline", "name")]
        # The headline of some is a description.
        names.sort(key=lambda one: not (one and unescape(one) in of_page))
        stated = (foreign.plain_title(unescape(one)) for one in (*names, self._meta(*_TITLES)))
        title = next(filter(None, (*stated, of_page, *headings)), "")
        return _without_site(title, headings, foreign.plain_title(self._meta("og:site_name")))

    @cached_property
    def published(self) -> datetime | None:
        stated = [
            json_text(self._article, "datePublished", "dateCreated"),
            self._meta(*_PUBLISHED),
        ]
        for path in _DATED:
            stated += [
                next(filter(None, map(one.get, _ATTRIBUTES)), "") or one.text_content()
                for one in self._page.xpath(f"{path}[not({_BESIDE})]")
            ][:1]
        stated += self._dates_of_body()
        if day := _DAY.search(urlsplit(self._url or self.canonical).path):
            stated.append(day[0])
        return next(filter(None, map(_time, stated)), None)

    def _dates_of_body(self) -> list[str]:
        """Return the first date in the page's article; without one, the only date of the page."""
        path = f".//time[not({_BESIDE})]/@datetime"
        if len(self._outer_articles) == 1 and (own := self._outer_articles[0].xpath(path)):
            return own[:1]  # type: ignore[no-any-return]  # texts
        dates = self._page.xpath(path)
        shown = self._page.xpath(f"//span[contains(@class,'date')][not({_BESIDE})]")
        dates += [
            one.text_content().strip()
            for one in shown
            if _DAY.match(one.text_content().strip())
        ]
        return dates[:1] if len({one[:10] for one in dates}) == 1 else []

    @cached_property
    def _outer_articles(self) -> list[lxml_html.HtmlElement]:
        path = f"//article[not(ancestor::article or {_BESIDE} or contains(@class,'comment'))]"
        found: list[lxml_html.HtmlElement] = self._page.xpath(path)
        return found

    @property
    def why_closed(self) -> str:
        """Return what keeps programs from reading the page; empty if nothing does."""
        if _REFRESH.match(self._meta("refresh")):
            return "lead to other pages"
        if {"noindex", "none"} & {*re.split(r"[\s,]+", self._meta("robots").lower())}:
            return NO_INDEX
        closed = (str(one.get("isAccessibleForFree", "")).lower() for one in self._articles)
        if any(one.endswith("false") for one in closed):
            return _NOT_FREE
        return ""

    def why_no_article(self, html: str, *, is_chosen: bool) -> str:
        """Return why a page with this text is no article; empty if it is one."""
        text = lxml_html.fragment_fromstring(html, create_parent="div")
        own = letters(text.text_content())
        dated = {one.getparent() for one in text.iter("time")} - {text}
        if len(own) <= sum(len(letters(one.text_content())) for one in dated):
            # Of an article that is not translated, some sites show the date alone.
            return "have no text"
        if self._article or is_chosen:
            return ""
        if self._articles or self._types & _LIST_TYPES:
            return _LISTS
        if self._meta("og:type").lower() == "article":
            return ""
        linked = sum(len(letters(one.text_content())) for one in text.iter("a"))
        return self._why_none(own, linked)

    def _why_none(self, own: str, linked: int) -> str:
        """Return why a page is no article that does not say what it is; of its text so many letters are in links."""
        sizes = [len(letters(one.text_content())) for one in self._outer_articles]
        if linked * 2 > len(own) or (len(sizes) > 1 and max(sizes) < _MOST * sum(sizes)):
            return _LISTS
        if self.published is None:
            return "have no date"
        weight = len(own) + (_DENSE_WEIGHT - 1) * len(_DENSE.findall(own))
        return "" if weight >= _ENOUGH_LETTERS else "have little text"

    def text(self, select: str) -> str:
        """Return the text as HTML with absolute addresses, without the title above it."""
        try:
            found = article_text(self._page, select)
        except SelectorError:
            raise AnswerError(f"select: {select!r} is no CSS selector") from None
        if not found.strip():
            return ""
        text = lxml_html.fragment_fromstring(found, create_parent="div")
        for heading in text.xpath("(.//h1|.//h2)[1]"):
            if letters(heading.text_content()) == letters(self.title):
                heading.drop_tree()
        if self._base:
            text.make_links_absolute(
                self._base, resolve_base_href=False, handle_failures="ignore"
            )
        return html_inside(text).strip()

    def entry(self, html: str) -> WebEntry:
        """Return the page as an entry with this text."""
        updated = json_text(self._article, "dateModified") or self._meta(*_UPDATED)
        published, later = foreign.entry_times(self.published, _time(updated))
        summary = json_text(self._article, "description") or self._meta(*_SUMMARIES)
        return WebEntry(
            url=self.canonical or self._url,
            title=self.title,
            html=html,
            summary=foreign.text_as_html(
                foreign.plain_title(unescape(summary), limit=_MAX_SUMMARY)
            ),
            published=published,
            updated=later,
            language=self._language(),
            authors=tuple(self._authors()),
            translators=tuple(one.name for one in self._people("translator")),
            topics=tuple(dict.fromkeys(self._topics()))[:_MAX_TOPICS],
            picture=web_address(self._picture(), self._base),
            translations=tuple(dict.fromkeys(self._translations())),
        )

    def _language(self) -> str:
        stated = json_text(self._article, "inLanguage").strip()
        page = (
            self._page.get("lang") or self._page.get("xml:lang") or self._meta(*_LOCALES)
        ).strip()
        # Some have one frame for all languages.
        is_other = stated[:2].lower() != page[:2].lower()
        return stated if stated and is_other else page

    def _picture(self) -> str:
        for one in (self._article.get("image"), self._article.get("thumbnailUrl")):
            first = one[0] if isinstance(one, list) and one else one
            if isinstance(first, dict):
                first = json_text(self._resolved(first), "url", "contentUrl")
            if isinstance(first, str) and first:
                return first
        return self._meta(*_PICTURES)

    def _topics(self) -> Iterator[str]:
        words = self._article.get("keywords")
        words = words.split(",") if isinstance(words, str) else words
        listed = self._metas.get("article:tag") or (words if isinstance(words, list) else [])
        tags = [one.text_content() for one in self._page.xpath("//a[@rel='tag']")]
        for one in listed or tags:
            if isinstance(one, str) and (
                topic := foreign.plain_title(unescape(one).lstrip(" #"), limit=100)
            ):
                yield topic

    def _translations(self) -> Iterator[tuple[str, str]]:
        for link, address in self._links("alternate"):
            language = (link.get("hreflang") or "").strip()
            if (
                address
                and language
                and language.lower() != "x-default"
                and not link.get("type")
            ):
                yield language, address
        for key in ("workTranslation", "translationOfWork"):
            for one in json_objects(self._article, key):
                if address := web_address(json_text(one, "url", "@id"), self._base):
                    yield json_text(one, "inLanguage"), address

    def _resolved(self, item: JsonObject) -> JsonObject:
        return self._ids.get(json_text(item, "@id"), item)

    def _authors(self) -> Iterator[WebAuthor]:
        if people := self._people("author") or self._people("creator"):
            yield from people
            return
        listed = [self._metas.get(name, []) for name in _AUTHORS]
        listed += [[_byline(one) for one in self._page.xpath(path)[:5]] for path in _BYLINES]
        named = ([one for one in names if one and "://" not in one] for names in listed)
        names = next(filter(None, named), [])
        plain = (foreign.person_name(_BY.sub("", unescape(name))) for name in names)
        yield from (WebAuthor(name=name) for name in dict.fromkeys(filter(None, plain)))

    def _people(self, key: str) -> list[WebAuthor]:
        stated = self._article.get(key)
        people = map(self._person, stated if isinstance(stated, list) else [stated])
        return [*dict.fromkeys(one for one in people if one)]

    def _person(self, stated: Any) -> WebAuthor | None:
        item = self._resolved(stated) if isinstance(stated, dict) else {"name": stated}
        name = foreign.person_name(unescape(json_text(item, "name")))
        if not name or "://" in name:
            return None
        places = [*json_objects(item, "affiliation"), *json_objects(item, "worksFor")]
        written = [json_text(self._resolved(one), "name") for one in places]
        affiliation = next(filter(None, [*written, json_text(item, "affiliation")]), "")
        return WebAuthor(
            name=name, affiliation=foreign.plain_title(unescape(affiliation), limit=200)
        )


def _without_site(title: str, headings: Sequence[str], site: str) -> str:
    """Return the heading of a page if its title is that with the name of the site, which many add."""
    for one in filter(None, headings):
        if title.startswith(one) and _SEPARATOR.match(title[len(one) :]):
            return one
        rest = title.removeprefix(site)
        if rest.endswith(one) and _SEPARATOR.fullmatch(rest.removesuffix(one)):
            return one
    return title


def _json_ld(page: lxml_html.HtmlElement) -> Iterator[JsonObject]:
    """Yield the objects of JSON-LD at its top, and in `@graph`; what is malformed says nothing."""
    waiting = list[Any]()
    for script in page.iter("script"):
        if (script.get("type") or "").partition(";")[
            0
        ].strip().lower() != "application/ld+json":
            continue
        text = re.sub(
            r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[)|(?:-->|//\s*\]\]>|\]\]>|;)\s*$",
            "",
            script.text or "",
        )
        with suppress(ValueError, RecursionError):
            waiting.append(json.loads(text, strict=False))
    for _number in range(_MAX_OBJECTS):
        if not waiting:
            return
        value = waiting.pop(0)
        if isinstance(value, list):
            waiting[:0] = value[:_MAX_OBJECTS]
        elif isinstance(value, dict):
            yield value
            waiting += [value[key] for key in ("@graph", "mainEntity") if key in value]


def _types(item: JsonObject) -> set[str]:
    stated = item.get("@type")
    listed = stated if isinstance(stated, list) else [stated]
    return {one.rpartition("/")[2] for one in listed if isinstance(one, str)}


def _time(written: str) -> datetime | None:
    """Read a time; a day without a time is noon, which is the same day in nearly all zones."""
    text = written.strip()
    day = _DAY.match(text)
    if day and len(text) == len(day[0]):
        return foreign.iso_time(f"{day[1]}-{int(day[3]):02}-{int(day[4]):02}T12:00")
    if (moment := foreign.iso_time(text)) or not text:
        return moment
    with suppress(ValueError, TypeError, IndexError, OverflowError):
        return foreign.iso_time(parsedate_to_datetime(text).isoformat())
    return (
        foreign.iso_time(f"{day[1]}-{int(day[3]):02}-{int(day[4]):02}T12:00") if day else None
    )


def _byline(element: lxml_html.HtmlElement) -> str:
    """Return the name in an element; empty where it is a text."""
    named = element.xpath(".//*[@itemprop='name']")
    text = element.get("content") or (named[0] if named else element).text_content()
    line = " ".join(text.split())
    return line if len(line) <= _MAX_BYLINE else ""
