"""What all parsers share: the bytes of a document in, a ParsedArticle with its media and problems out.

Each problem gets the line of the file where what is wrong is written. The sanitiser works on HTML that was made
from the file, whose lines are others; an address, or a tag, stands in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from importlib import import_module
from itertools import islice
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from publisher.articles.content.internal_links import DocumentPlace
from publisher.articles.content.parser import code_in_html, leftover_code, parse_content
from publisher.articles.content.text import HIDDEN, clean_characters
from publisher.articles.model import InternalLink, ParsedArticle
from publisher.errors import ArticleError, EmptyArticleError
from publisher.i18n.article_problems import ArticleProblem, ProblemKind
from publisher.i18n.messages import joined, untranslated
from publisher.ingest.media.document_media import DocumentMedia, MediaLibrary, choose_picture
from publisher.ingest.parsers.fields import date_in_name, date_in_permalink
from publisher.ingest.parsers.front_matter import YamlValue
from publisher.ingest.parsers.metadata import read_metadata
from publisher.ingest.sanitise import MAX_ARTICLE_BYTES, sanitise

# Modules of this package with `parse`, by suffix.
_PARSERS = {
    **dict.fromkeys((".md", ".markdown", ".mkd", ".mkdn", ".mkdown", ".mdx"), "markdown"),
    **dict.fromkeys((".html", ".htm"), "html"),
    ".txt": "text_page",
}
ARTICLE_SUFFIXES = frozenset(_PARSERS)

# Problems that are looked up: reading a long file for each of a hundred thousand takes minutes.
_MAX_LOOKED_UP = 200


def with_lines(
    problems: Iterable[ArticleProblem], content: bytes
) -> tuple[ArticleProblem, ...]:
    """Return problems with their lines in a file, counted from 1, where they are found.

    The second problem with the same value is at the second place where the value stands.
    """
    text = content.decode("utf-8", "replace")
    after: dict[str, int] = {}
    found = []
    remaining = iter(problems)
    for problem in islice(remaining, _MAX_LOOKED_UP):
        value = _written(problem.what, text)
        start = text.find(value, after.get(value, 0)) if value else -1
        if start < 0:
            found.append(problem)
            continue
        after[value] = start + len(value)
        found.append(replace(problem, line=text.count("\n", 0, start) + 1))
    return (*found, *remaining)


def _written(what: str, text: str) -> str:
    """Return a value as it stands in a text: as it is, or not percent-encoded; else nothing."""
    values = (what, unquote(what), what.partition(": ")[0])
    return next((value for value in values if value and value in text), "")


_UTF16_MARKS = frozenset({b"\xff\xfe", b"\xfe\xff"})


class Dialect(StrEnum):
    """Whose reading of Markdown a document follows."""

    PLAIN = "plain"
    KRAMDOWN = "kramdown"
    GOLDMARK = "goldmark"
    DOCUSAURUS = "docusaurus"
    MARKDOWN_IT = "markdown-it"


# What becomes of a site's own shortcode: "keep" what is inside it, "drop" it, or the HTML that a
# function returns for its values.
ShortcodeRule = str | Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class SiteValues:
    """What the templates of a document's site may show in it.

    `site` is the site's configuration, `page` what the generator says of this page beside its front matter, `data` the
    site's data files by name. `include` returns the text of a file that documents include by its name, None if there is
    none; `translate` the words for a key in the document's language; `reference` the address of the page that a path
    means, in the language of a code if it is given. `derive` returns further values of the page from its metadata.
    `has_expressions` is false where braces in prose are text, as in MDX 1.
    """

    site: Mapping[str, Any] = field(default_factory=dict)
    page: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    include: Callable[[str], str | None] = lambda _name: None
    translate: Callable[[str], str | None] = lambda _name: None
    reference: Callable[[str, str], str] = lambda path, _language: path
    derive: Callable[[ParsedArticle], Mapping[str, Any]] = lambda _metadata: {}
    has_expressions: bool = True

    def of_article(self, metadata: ParsedArticle) -> SiteValues:
        """Return these values with what generators work out for a page: address, title and date."""
        own = {"url": metadata.permalink, "title": metadata.title, "date": metadata.published}
        page = {key: value for key, value in own.items() if value} | dict(self.derive(metadata))
        return replace(self, page=page | {k: v for k, v in self.page.items() if v is not None})


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """One file; all paths are relative to the source folder.

    `describe` makes an article without a body from front matter with normalised keys; a site's own
    also knows its generator's rules. A relative address of a picture is looked up beside the
    document, then in `beside`; a root address in the folders `static`, then in the source folder.
    """

    path: PurePosixPath
    content: bytes
    dialect: Dialect = Dialect.PLAIN
    values: SiteValues = field(default_factory=SiteValues)
    describe: Callable[[Mapping[str, YamlValue]], ParsedArticle] = read_metadata
    beside: tuple[PurePosixPath, ...] = ()
    static: tuple[PurePosixPath, ...] = ()
    title: str = ""  # the title of a document that has none
    # Whether it is an article only if it has a text, since a template may fill it otherwise.
    is_page: bool = False
    shortcodes: Mapping[str, ShortcodeRule] = field(default_factory=dict)
    site_url: str = ""  # where the site stands, without a slash; empty if unknown


def decode_document(document: SourceDocument) -> str:
    """Return a text in NFC with line feeds, without BOM. Raises ArticleError if too large, or no UTF-8 (byte offset from 0)."""
    content = document.content
    if len(content) > MAX_ARTICLE_BYTES:
        most = MAX_ARTICLE_BYTES // 1_000_000
        raise ArticleError.saying("larger than %(most)s MB; split it", most=most)
    if content[:2] in _UTF16_MARKS:
        raise ArticleError.saying("written in UTF-16; save it as UTF-8")
    try:
        return clean_characters(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        mark = 3 if content.startswith(b"\xef\xbb\xbf") else 0
        offset = error.start + mark
        line = content.count(b"\n", 0, offset) + 1
        raise ArticleError.saying(
            "not UTF-8: byte 0x%(byte)s at offset %(offset)s (line %(line)s); save it as UTF-8",
            byte=format(content[offset], "02X"),
            offset=offset,
            line=line,
        ) from None


@dataclass(frozen=True, slots=True)
class DocumentBody:
    """The body of a document as HTML that is not sanitised yet.

    `title` is the heading that the body begins with; `html` lacks it, `html_with_title` has it.
    `later_title` is the first heading of level 1 of a body that begins with something else.
    """

    html: str
    title: str = ""
    html_with_title: str = ""
    later_title: str = ""


def build_article(
    metadata: ParsedArticle, body: DocumentBody, document: SourceDocument, library: MediaLibrary
) -> ParsedArticle:
    """Return the article that `metadata` describes, with its body, pictures and attachments.

    A picture that can't be used is a problem. Raises ArticleError without a title or a body, or for
    an attachment that can't be used.
    """
    title, source = _title_and_source(metadata, body, document)
    site = document.site_url
    place = DocumentPlace(document.path, metadata.permalink, site)
    media = DocumentMedia(
        library,
        (document.path.parent, *document.beside),
        metadata.url,
        document.static,
        site_page=f"{site}/{(metadata.permalink or '').lstrip('/')}" if site else None,
        is_site=document.dialect is not Dialect.PLAIN,
        place=place,
    )
    html, problems, links = sanitise(
        source,
        base_url=metadata.url,
        find_image=media.local_image,
        find_file=media.local_file,
        place=place,
    )
    text = _text_of(html)
    picture, lost = choose_picture(metadata, html, media)
    leftovers = _leftovers((title, metadata.summary, text), html)
    attachments = media.attach(metadata.attachment_fields)
    found = with_lines((*problems, *lost, *media.lost, *leftovers), document.content)
    return replace(
        metadata,
        title=HIDDEN.sub("", clean_characters(title)),
        html=html,
        text=text,
        published=metadata.published or _date_elsewhere(metadata, document),
        picture=picture,
        attachment_fields=(),
        attachments=attachments,
        media=media.files,
        links=_written_links(links, media.why_left_out, document.content),
        problems=(*metadata.problems, *found),
    )


def _title_and_source(
    metadata: ParsedArticle, body: DocumentBody, document: SourceDocument
) -> tuple[str, str]:
    """Return the title, and the HTML of the text: with the heading, if the title is another."""
    heading = " ".join(body.title.split())
    # VitePress takes the first one, wherever it stands.
    later = body.later_title if document.dialect is Dialect.MARKDOWN_IT else ""
    title = metadata.title or heading or later or document.title
    if not title:
        for problem in metadata.problems:
            if problem.what.endswith("did you mean title?"):
                raise ArticleError(joined(untranslated("no title"), untranslated(problem.what)))
        raise ArticleError.saying(
            "no title; write `title: ...` in the front matter, or a heading"
        )
    return title, body.html if heading in {"", title} else body.html_with_title


def _text_of(html: str) -> str:
    """Return the text. Raises EmptyArticleError if there is neither a text nor a picture."""
    text = parse_content(html).text
    if not text and "<img" not in html:
        raise EmptyArticleError.saying("no text; there is nothing to publish in it")
    return text


def _written_links(
    links: Mapping[str, str], why_left_out: Callable[[str], str | None], content: bytes
) -> tuple[InternalLink, ...]:
    written = (ArticleProblem(ProblemKind.BROKEN_LINK, None, one) for one in links.values())
    placed = with_lines(written, content)
    return tuple(
        InternalLink(
            target=target, written=one.what, line=one.line, left_out=why_left_out(one.what)
        )
        for target, one in zip(links, placed, strict=True)
    )


def _leftovers(texts: tuple[str, ...], html: str) -> tuple[ArticleProblem, ...]:
    """Return a problem for each piece of template code that readers would see."""
    seen = leftover_code(texts, code_in_html(html))
    return tuple(ArticleProblem(ProblemKind.TEMPLATE_LEFTOVER, None, code) for code in seen)


def _date_elsewhere(metadata: ParsedArticle, document: SourceDocument) -> date | None:
    permalink = date_in_permalink(metadata.permalink or "")
    return permalink or date_in_name(document.path.name)


def parse_document(document: SourceDocument, library: MediaLibrary) -> ParsedArticle:
    """Parse a document by its suffix. Raises ArticleError, one line without the path, if it can't be read."""
    name = _PARSERS.get(document.path.suffix.lower())
    if name is None:
        kinds = ", ".join(sorted(ARTICLE_SUFFIXES))
        raise ArticleError.saying(
            "not a kind of document that is read (%(kinds)s)", kinds=kinds
        )
    parsed: ParsedArticle = import_module(f"{__package__}.{name}").parse(document, library)
    return parsed
