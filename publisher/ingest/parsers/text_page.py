"""Parse article pages saved from a browser as plain text: language switch, title, date, bylines.

    Language : English 简体 繁體
    The title
    Apr 10 , 2017
      • A Name

        Affiliation, with commas
    Paragraphs, apart by empty lines
    You might also like

Everything is text: what looks like HTML is escaped. Behind front matter, the whole file is the
article's text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape

from publisher.articles.content.characters import join_lines
from publisher.articles.model import Byline, ParsedArticle
from publisher.errors import ArticleError, LanguageError
from publisher.ingest.parsers import front_matter
from publisher.ingest.parsers.document import (
    DocumentBody,
    SourceDocument,
    build_article,
    decode_document,
)
from publisher.ingest.parsers.fields import parse_date
from publisher.ingest.parsers.media import MediaLibrary
from publisher.ingest.parsers.page_labels import (
    LANGUAGE_LABELS,
    RELATED_LABELS,
    SWITCH_LABELS,
    TO_TOP_LABELS,
)
from publisher.ingest.parsers.script_detection import language_by_script
from publisher.languages import normalise
from publisher.messages import message

_BULLET = re.compile(r"(?P<indent>\s*)[•●‣◦∙·]\s*(?P<text>\S.*)")
_SWITCH_LINE = re.compile(r"\s*(?P<word>[^:：]{2,20}?)\s*[:：]\s*(?P<labels>\S.*)")
# Characters; a name or an affiliation is shorter, and no sentence.
_MAX_BYLINE = 200
_SENTENCE = re.compile(r"[。！？!?;；:：]\Z|(?:\S+\s+){7,}\S+\.\Z")
_MAX_LABEL_WORDS = 3


@dataclass(frozen=True, slots=True)
class TextPage:
    """The parts of a page; `offered` is empty without a language switch."""

    title: str
    offered: tuple[str, ...]
    published: date | datetime | None
    bylines: tuple[Byline, ...]
    paragraphs: tuple[str, ...]


def parse(document: SourceDocument, library: MediaLibrary) -> ParsedArticle:
    """Parse a text document; raises ArticleError if it can't be read."""
    parts = front_matter.split_front_matter(decode_document(document))
    if parts.fields is not None:
        paragraphs = _paragraphs(_without_site_lines(parts.body.split("\n")))
        return build_article(
            document.describe(parts.fields),
            DocumentBody(_markup(paragraphs)),
            document,
            library,
        )
    page = parse_page(parts.body)
    language, offered = language_by_script("".join(page.paragraphs), page.offered)
    metadata = ParsedArticle(
        title=page.title,
        language=language,
        published=page.published,
        bylines=page.bylines,
        offered=offered,
    )
    return build_article(metadata, DocumentBody(_markup(page.paragraphs)), document, library)


def parse_page(text: str) -> TextPage:
    """Return the parts of a page; raises ArticleError if it has no title or no text."""
    head = _HeadParser(_without_site_lines(text.split("\n")))
    offered = head.switch()
    title = head.title()
    published, bylines = head.heads()
    paragraphs = _paragraphs(head.lines[head.position :])
    if not title:
        raise ArticleError(message("no title; write it as the first line"))
    if not paragraphs:
        raise ArticleError(
            message("no text after the title; there is nothing to publish in it")
        )
    return TextPage(title, offered, published, bylines, paragraphs)


@dataclass(slots=True)
class _HeadParser:
    """Reads the head of a page line by line; `position` is the next line."""

    lines: Sequence[str]
    position: int = 0

    def switch(self) -> tuple[str, ...]:
        self._skip_blanks()
        match = _SWITCH_LINE.fullmatch(self._line())
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
        """Return the date and the bylines, which may come in any order."""
        published: date | datetime | None = None
        bylines: list[Byline] = []
        while True:
            start = self.position
            self._skip_blanks()
            found = parse_date(self._line()) if published is None else None
            bullet = _BULLET.fullmatch(self._line())
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
        """Return the lines below a name that are indented further than its bullet."""
        start = self.position
        self._skip_blanks()
        taken: list[str] = []
        while _indent(self._line()) > indent and not _BULLET.fullmatch(self._line()):
            taken.append(self._line())
            self.position += 1
        text = join_lines(taken)
        goes_on = self._line().strip() and not self._begins_head()
        if goes_on or not _is_name(text):
            self.position = start
            return ""
        return text

    def _begins_head(self) -> bool:
        return bool(_BULLET.fullmatch(self._line()) or parse_date(self._line()))

    def _line(self) -> str:
        return self.lines[self.position] if self.position < len(self.lines) else ""

    def _skip_blanks(self) -> None:
        while self.position < len(self.lines) and not self._line().strip():
            self.position += 1


def languages_named(labels: str) -> tuple[str, ...]:
    """Return the tags of a language switch in order; unknown labels are left out."""
    words = re.split(r"[\s|/·,，、]+", labels.strip())
    found: list[str] = []
    while words:
        for length in range(min(_MAX_LABEL_WORDS, len(words)), 0, -1):
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
    return 0 < len(text) <= _MAX_BYLINE and not _SENTENCE.search(text)


def _byline(text: str, affiliation: str) -> Byline:
    """Return a byline; an affiliation without a line of its own follows the first comma."""
    name, _comma, rest = text.partition(",")
    if not affiliation and len(rest.split()) > 1:
        return Byline(name=name.strip(), affiliation=rest.strip())
    return Byline(name=text.strip(), affiliation=affiliation or None)


def _indent(line: str) -> int:
    """Return the number of white space characters before a line's text, 0 for an empty line."""
    return len(line) - len(line.lstrip()) if line.strip() else 0


def _without_site_lines(lines: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for line in lines:
        label = line.strip(" \t\u3000•*[]()").rstrip(":：… ").casefold()
        if label in RELATED_LABELS and kept:
            break
        if label not in TO_TOP_LABELS:
            kept.append(line)
    return kept


def _paragraphs(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the lines between empty lines joined; each bullet begins a paragraph."""
    groups: list[list[str]] = [[]]
    for line in lines:
        if not line.strip() or _BULLET.fullmatch(line):
            groups.append([])
        if line.strip():
            groups[-1].append(line)
    return tuple(join_lines(group) for group in groups if group)


def _markup(paragraphs: Sequence[str]) -> str:
    return "\n".join(f"<p>{escape(paragraph, quote=False)}</p>" for paragraph in paragraphs)
