"""Parse article pages saved from a browser as plain text: language switch, title, date, bylines.

    Language : English 简体 繁體
    The title
    Apr 10 , 2017
      • A Name

        Affiliation, with commas
    Paragraphs, apart by empty lines
    You might also like

Everything is text: what looks like HTML is escaped. Behind front matter, the whole file is the
article's text. The script of the text chooses the language, among those that the page offers. This does
not detect languages: of two with the same script, the first that is offered counts.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from pathlib import Path

from publisher.articles.content.text import join_lines
from publisher.articles.model import Byline, ParsedArticle
from publisher.errors import ArticleError
from publisher.ingest.media.document_media import MediaLibrary
from publisher.ingest.parsers import document as documents
from publisher.ingest.parsers import front_matter
from publisher.ingest.parsers.fields import parse_date
from publisher.languages import known_tag, language_called, script
from publisher.languages.detection import main_script

_LABELS = tomllib.loads(Path(__file__).with_name("page_labels.toml").read_text("utf-8"))


def _labels_of(table: str) -> frozenset[str]:
    return frozenset(label for labels in _LABELS[table] for label in labels.split(","))


_SWITCH_LABELS = _labels_of("switch")  # the word before the colon in a page's language switch
# Everything from such a line on belongs to the site, not to the article.
_RELATED_LABELS = _labels_of("related")
_TO_TOP_LABELS = _labels_of("to_top")  # such a line is removed wherever it stands
_SAMPLE = 20_000  # characters that are enough to decide


def language_by_script(text: str, offered: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """Return the first offered language that has the text's script (or None), and all offered ones.

    A bare `zh` among them gets the page's script if that is Chinese, else zh-Hans.
    """
    own_script = main_script(text[:_SAMPLE])
    chinese = "zh-Hant" if own_script == "Hant" else "zh-Hans"
    tags = tuple(dict.fromkeys(chinese if tag == "zh" else tag for tag in offered))
    fitting = (tag for tag in tags if script(tag) == own_script)
    undecided = (
        tag for tag in tags if own_script == "Hani" and script(tag) in {"Hans", "Hant"}
    )
    return next(fitting, next(undecided, None)), tags


_BULLET = re.compile(r"(?P<indent>\s*)[•●‣◦∙·]\s*(?P<text>\S.*)")
_SWITCH_LINE = re.compile(r"\s*(?P<word>[^:：]{2,20}?)\s*[:：]\s*(?P<labels>\S.*)")
_MAX_BYLINE = 200  # characters; a name or an affiliation is shorter, and no sentence
_SENTENCE = re.compile(r"[。！？!?;；:：]\Z|(?:\S+\s+){7,}\S+\.\Z")
_MAX_LABEL_WORDS = 3


def parse(document: documents.SourceDocument, library: MediaLibrary) -> ParsedArticle:
    """Parse a text document; raises ArticleError if it can't be read."""
    parts = front_matter.split_front_matter(documents.decode_document(document))
    if parts.fields is not None:
        paragraphs = _paragraphs(_without_site_lines(parts.body.split("\n")))
        body = documents.DocumentBody(_markup(paragraphs))
        return documents.build_article(document.describe(parts.fields), body, document, library)
    head = _HeadParser(_without_site_lines(parts.body.split("\n")))
    offered = head.switch()
    title = head.title()
    published, bylines = head.heads()
    paragraphs = _paragraphs(head.lines[head.position :])
    if not title:
        raise ArticleError.saying("no title; write it as the first line")
    if not paragraphs:
        raise ArticleError.saying("no text after the title; there is nothing to publish in it")
    language, offered = language_by_script("".join(paragraphs), offered)
    metadata = ParsedArticle(
        title=title, language=language, published=published, bylines=bylines, offered=offered
    )
    return documents.build_article(
        metadata, documents.DocumentBody(_markup(paragraphs)), document, library
    )


@dataclass(slots=True)
class _HeadParser:
    """Reads the head of a page line by line; `position` is the next line."""

    lines: Sequence[str]
    position: int = 0

    def switch(self) -> tuple[str, ...]:
        self._skip_blanks()
        match = _SWITCH_LINE.fullmatch(self._line())
        if not match or match["word"].casefold() not in _SWITCH_LABELS:
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
                affiliation = self._affiliation(len(bullet["indent"]))
                bylines.append(_byline(bullet["text"], affiliation))
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
            label = " ".join(words[:length])
            tag = language_called(label) or known_tag(label)
            if tag:
                break
        found += [tag] if tag else []
        del words[:length]
    return tuple(dict.fromkeys(found))


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
        if label in _RELATED_LABELS and kept:
            break
        if label not in _TO_TOP_LABELS:
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
