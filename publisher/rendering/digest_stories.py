"""The stories of a digest, each at one of four lengths: full, opening, summary or line.

The text of a story is decided once for both parts of the mail and kept as passages, so that the gate
can check that both parts have it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from html import escape
from html import escape as html_escape
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup

from publisher.articles.content.anchors import link_anchors
from publisher.articles.content.blocks import ArticleContent
from publisher.articles.content.excerpt import UNSPACED_SCRIPTS, split_sentences
from publisher.articles.content.template_code import code_in_html
from publisher.articles.model import Byline, Picture
from publisher.languages import script
from publisher.messages import message
from publisher.rendering import filters, plaintext, prose
from publisher.rendering.model import ArticleView, DigestNote, PublicationView, StoryText

_EMPTY = Markup()

# Display columns of a summary. A digest leads to articles, where the rest is read.
SUMMARY_COLUMNS = 300
# Display columns of a title. Titles come from feeds and must not fill a mail.
TITLE_COLUMNS = 240
# Characters of an opening: about a screen of a phone.
_OPENING_CHARACTERS = 1_200
_OPENING_CHARACTERS_UNSPACED = 480
# An article that is no longer is a short note: three or four lines.
NOTE_WORDS = 60
NOTE_CHARACTERS = 160
# Bylines of one story; a longer list stays on the web.
_MAX_BYLINES = 12

# The other server would learn who opens the mail, and when.


class StoryLength(IntEnum):
    """How much of a story a digest has; more is larger."""

    LINE = 1
    SUMMARY = 2
    OPENING = 3
    FULL = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestStory:
    """A story of a digest, as templates get it.

    `body` is HTML for mail and `text` the same words for the text part; both are empty below
    OPENING. `links` are those of the body. `whole` says that the mail has the whole article.
    """

    item: ArticleView
    length: StoryLength
    title: str
    summary: str = ""
    body: Markup = _EMPTY
    text: str = ""
    links: tuple[prose.BodyLink, ...] = ()
    whole: bool = False
    picture: Picture | None = None
    passages: tuple[str, ...] = ()

    @property
    def bylines(self) -> tuple[Byline, ...]:
        """The first bylines of the article."""
        return self.item.article.bylines[:_MAX_BYLINES]

    @property
    def is_line(self) -> bool:
        """Whether the digest has the title and byline only."""
        return self.length == StoryLength.LINE

    @property
    def story_text(self) -> StoryText:
        """The words of the story, as both parts of the mail have them."""
        article = self.item.article
        return StoryText(
            language=article.language,
            url=self.item.url,
            passages=self.passages,
            code=code_in_html(article.html),
        )


class StorySource:
    """One article of an issue, parsed once and rendered at any length."""

    def __init__(self, item: ArticleView, publication: PublicationView) -> None:
        self.item = item
        self._base_url = publication.url

    @cached_property
    def content(self) -> ArticleContent:
        """The article's body in blocks."""
        page = escape(self.item.url, quote=True)
        return prose.mail_content(link_anchors(self.item.article.html, page))

    @property
    def is_unspaced(self) -> bool:
        """Whether the article's script has no spaces between words."""
        return script(self.item.article.language) in UNSPACED_SCRIPTS

    @cached_property
    def is_note(self) -> bool:
        """Whether the whole article is a short note."""
        words = self.item.article.text.split()
        if self.is_unspaced:
            return len("".join(words)) <= NOTE_CHARACTERS
        return len(words) <= NOTE_WORDS

    @cached_property
    def title(self) -> str:
        """The title, on one line."""
        return plaintext.shorten_to_columns(self.item.article.title, TITLE_COLUMNS)

    @cached_property
    def summary(self) -> str:
        """The first whole sentences of the article's summary."""
        return whole_sentences(self.item.article.summary)

    @cached_property
    def picture(self) -> Picture | None:
        """The article's picture, if a mail can show it."""
        picture = self.item.article.picture
        if picture is None or self._is_on_other_host(picture):
            return None
        return filters.mail_picture(picture)

    def notes(self, length: StoryLength, *, has_picture: bool = True) -> Iterator[DigestNote]:
        """Yield a note for each picture that the mail leaves out.

        `has_picture` says that the mail shows the article's own picture if it can.
        """
        picture = self.item.article.picture
        if picture and has_picture:
            reason = filters.shown_picture_problem(picture)
            if self._is_on_other_host(picture):
                reason = filters.other_host_problem()
            if reason:
                text = message("picture of “%(title)s”: %(why)s", title=self.title, why=reason)
                yield DigestNote(code="picture-left-out", text=text)
        if length >= StoryLength.OPENING:
            for reason in prose.omitted_pictures(self.content, base_url=self._base_url):
                text = message("“%(title)s”: %(why)s", title=self.title, why=reason)
                yield DigestNote(code="picture-left-out", text=text)

    def _is_on_other_host(self, picture: Picture) -> bool:
        host = urlsplit(picture.src).hostname
        return host is not None and host != urlsplit(self._base_url).hostname

    def at_length(
        self, length: StoryLength, level: int = 2, *, has_picture: bool = True
    ) -> DigestStory:
        """Return the story at a length, or at a smaller one if the article has no more.

        `level` is its title's among headings; those of its body are below. With `has_picture`, it
        has the article's own picture if a mail can show it, and its body does not.
        """
        story = self._at_length(length, level)
        picture = self.picture
        if not has_picture or story.is_line or picture is None:
            return story
        in_body = html_escape(picture.src) in story.body
        return story if in_body else replace(story, picture=picture)

    def _at_length(self, length: StoryLength, level: int) -> DigestStory:
        if length >= StoryLength.OPENING:
            story = self._with_body(length, level)
            if story is not None:
                return story
        if length >= StoryLength.SUMMARY and self.summary:
            return self._story(
                StoryLength.SUMMARY, summary=self.summary, passages=(self.summary,)
            )
        return self._story(min(length, StoryLength.SUMMARY))

    def _with_body(self, length: StoryLength, level: int) -> DigestStory | None:
        language, base_url = self.item.article.language, self._base_url
        content, cut = self.content, False
        if length == StoryLength.OPENING:
            limit = _OPENING_CHARACTERS_UNSPACED if self.is_unspaced else _OPENING_CHARACTERS
            content, cut = prose.content_opening(content, limit)
        if not content.passages:
            return None
        html = prose.mail_html(content, language=language, base_url=base_url, level=level + 1)
        return self._story(
            length,
            body=Markup(html),  # noqa: S704 -- made of sanitised HTML, block by block
            text=prose.plain_text(content, language=language),
            links=prose.body_links(content, base_url=base_url),
            whole=not cut,
            passages=content.passages,
        )

    def _story(
        self, length: StoryLength, *, passages: tuple[str, ...] = (), **fields: Any
    ) -> DigestStory:
        return DigestStory(
            item=self.item,
            length=length,
            title=self.title,
            passages=(self.title, *passages),
            **fields,
        )


def whole_sentences(text: str, columns: int = SUMMARY_COLUMNS) -> str:
    """Return the first sentences that fit into so many display columns, at least one.

    A first sentence of more than twice as many columns gives an empty text.
    """
    taken = ""
    for sentence in split_sentences(text) if text.strip() else ():
        if taken and plaintext.display_width(taken + sentence) > columns:
            break
        taken += sentence
    line = plaintext.to_one_line(taken or text)
    return line if plaintext.display_width(line) <= 2 * columns else ""
