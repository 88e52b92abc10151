"""Plain-text article pages, as they come out of a browser: switch, title, date, bylines, text.

    Language : English 简体 繁體
    The title
    Apr 10 , 2017
      • A Name

        Affiliation, with commas
    Paragraphs, apart by empty lines
    You might also like

Everything is text: what looks like markup is escaped. With front matter, the rest of the file
is text alone. Knows no HTML page and no site.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape

from publisher.articles.content.characters import join_lines
from publisher.articles.model import Byline, ParsedArticle
from publisher.articles.parsers import front_matter
from publisher.articles.parsers.build import DocumentBody, build_article
from publisher.articles.parsers.dates import parse_date
from publisher.articles.parsers.document import MediaLibrary, SourceDocument, decode_document
from publisher.articles.parsers.metadata import Metadata, read_metadata
from publisher.articles.parsers.page_labels import (
    LANGUAGE_LABELS,
    RELATED_LABELS,
    SWITCH_LABELS,
    TO_TOP_LABELS,
)
from publisher.articles.parsers.script_detection import language_by_script
from publisher.errors import ArticleError, LanguageError
from publisher.languages import normalise

BULLET = re.compile(r"(?P<indent>\s*)[•●‣◦∙·]\s*(?P<text>\S.*)")
SWITCH_LINE = re.compile(r"\s*(?P<word>[^:：]{2,20}?)\s*[:：]\s*(?P<labels>\S.*)")
# A name, or who somebody is, is shorter and no sentence.
LONGEST_BYLINE = 200
SENTENCE = re.compile(r"[。！？!?;；:：]\Z|(?:\S+\s+){7,}\S+\.\Z")
LONGEST_LABEL = 3  # words


@dataclass(frozen=True, slots=True)
class TextPage:
    """A page taken apart; `offered` is empty without a language switch."""

    title: str
    offered: tuple[str, ...]
    published: date | datetime | None
    bylines: tuple[Byline, ...]
    paragraphs: tuple[str, ...]


def parse(document: SourceDocument, library: MediaLibrary) -> ParsedArticle:
    """Read a text page.

    Raises ArticleError for anything that can't be read.
    """
    parts = front_matter.split_front_matter(decode_document(document))
    if parts.fields is not None:
        paragraphs = _paragraphs(_without_furniture(parts.body.split("\n")))
        return build_article(
            read_metadata(parts.fields), DocumentBody(_markup(paragraphs)), document, library
        )
    page = parse_page(parts.body)
    language, offered = language_by_script("".join(page.paragraphs), page.offered)
    metadata = Metadata(
        title=page.title,
        language=language,
        published=page.published,
        bylines=page.bylines,
        offered=offered,
    )
    return build_article(metadata, DocumentBody(_markup(page.paragraphs)), document, library)


def parse_page(text: str) -> TextPage:
    """Take a page apart; raises ArticleError if it has no title or no text."""
    reading = _Reading(_without_furniture(text.split("\n")))
    offered = reading.switch()
    title = reading.title()
    published, bylines = reading.heads()
    paragraphs = _paragraphs(reading.lines[reading.position :])
    if not title:
        raise ArticleError("no title; write it as the first line")
    if not paragraphs:
        raise ArticleError("no text after the title; there is nothing to publish in it")
    return TextPage(title, offered, published, bylines, paragraphs)


@dataclass(slots=True)
class _Reading:
    """Goes down the lines of a page's head; `position` is the line to be read next."""

    lines: Sequence[str]
    position: int = 0

    def switch(self) -> tuple[str, ...]:
        self._skip_blanks()
        match = SWITCH_LINE.fullmatch(self._line())
        if not match or match["word"].casefold() not in SWITCH_LABELS:
            return ()
        self.position += 1
        return languages_named(match["labels"])

    def title(self) -> str:
        self._skip_blanks()
        taken: list[str] = []
        while self._line().strip() and not (taken and self._begins_head()):
            taken.append(self._line())
            self.position += 1
        return join_lines(taken)

    def heads(self) -> tuple[date | datetime | None, tuple[Byline, ...]]:
        """Read the date line and the bylines, in any order."""
        published: date | datetime | None = None
        bylines: list[Byline] = []
        while True:
            start = self.position
            self._skip_blanks()
            found = parse_date(self._line()) if published is None else None
            bullet = BULLET.fullmatch(self._line())
            if found:
                published = found
                self.position += 1
            elif bullet and _is_name(bullet["text"]):
                self.position += 1
                bylines.append(
                    _byline(bullet["text"], self._affiliation(len(bullet["indent"])))
                )
            else:
                self.position = start
                return published, tuple(bylines)

    def _affiliation(self, indent: int) -> str:
        """Read the lines below a name that are indented further than its bullet."""
        start = self.position
        self._skip_blanks()
        taken: list[str] = []
        while _indent(self._line()) > indent and not BULLET.fullmatch(self._line()):
            taken.append(self._line())
            self.position += 1
        text = join_lines(taken)
        goes_on = self._line().strip() and not self._begins_head()
        if goes_on or not _is_name(text):
            self.position = start
            return ""
        return text

    def _begins_head(self) -> bool:
        return bool(BULLET.fullmatch(self._line()) or parse_date(self._line()))

    def _line(self) -> str:
        return self.lines[self.position] if self.position < len(self.lines) else ""

    def _skip_blanks(self) -> None:
        while self.position < len(self.lines) and not self._line().strip():
            self.position += 1


def languages_named(labels: str) -> tuple[str, ...]:
    """Read the labels of a language switch as tags, in order; unknown ones are left out."""
    words = re.split(r"[\s|/·,，、]+", labels.strip())
    found: list[str] = []
    while words:
        for length in range(min(LONGEST_LABEL, len(words)), 0, -1):
            tag = _tag_of(" ".join(words[:length]))
            if tag:
                break
        found += [tag] if tag else []
        del words[:length]
    return tuple(dict.fromkeys(found))


def _tag_of(label: str) -> str | None:
    if label.casefold() in LANGUAGE_LABELS:
        return LANGUAGE_LABELS[label.casefold()]
    try:
        return normalise(label)
    except LanguageError:
        return None


def _is_name(text: str) -> bool:
    return 0 < len(text) <= LONGEST_BYLINE and not SENTENCE.search(text)


def _byline(text: str, affiliation: str) -> Byline:
    """Make a byline; without an affiliation of its own line, it may follow the first comma."""
    name, _comma, rest = text.partition(",")
    if not affiliation and len(rest.split()) > 1:
        return Byline(name=name.strip(), affiliation=rest.strip())
    return Byline(name=text.strip(), affiliation=affiliation or None)


def _indent(line: str) -> int:
    """Count the white space at a line's head; a line of nothing else has none."""
    return len(line) - len(line.lstrip()) if line.strip() else 0


def _without_furniture(lines: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for line in lines:
        label = line.strip(" \t\u3000•*[]()").rstrip(":：… ").casefold()
        if label in RELATED_LABELS and kept:
            break
        if label not in TO_TOP_LABELS:
            kept.append(line)
    return kept


def _paragraphs(lines: Sequence[str]) -> tuple[str, ...]:
    """Join the lines between empty ones; a bullet begins a paragraph of its own."""
    groups: list[list[str]] = [[]]
    for line in lines:
        if not line.strip() or BULLET.fullmatch(line):
            groups.append([])
        if line.strip():
            groups[-1].append(line)
    return tuple(join_lines(group) for group in groups if group)


def _markup(paragraphs: Sequence[str]) -> str:
    return "\n".join(f"<p>{escape(paragraph, quote=False)}</p>" for paragraph in paragraphs)
