"""How a digest tells a story: whole, its opening, its summary, or in one line. Pure.

What is told is decided once for both parts of the mail, and kept as passages, so that it can
be proved that both say the same. Knows no template and no size of a mail.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from urllib.parse import urlsplit

from markupsafe import Markup

from publisher.articles.content.blocks import ArticleContent
from publisher.articles.content.excerpt import UNSPACED_SCRIPTS, split_sentences
from publisher.articles.model import Byline, Picture
from publisher.languages import script
from publisher.rendering import filters, plaintext, prose
from publisher.rendering.model import ArticleView, DigestNote, PublicationView, StoryText

_EMPTY = Markup()

# A digest leads to articles: what a summary says beyond this is read there.
SUMMARY_COLUMNS = 300
# Longer titles are no titles, but they come from feeds and must not fill a mail.
TITLE_COLUMNS = 240
# About a screen of a phone, in characters.
_OPENING_CHARACTERS = 1_200
_OPENING_CHARACTERS_UNSPACED = 480
# What is no longer than this is a short note: three or four lines.
NOTE_WORDS = 60
NOTE_CHARACTERS = 160


# More names than these are a list of their own, which is on the web.
_MAX_BYLINES = 12

# A picture from another server would tell its owner who opens the mail, and when.
_OTHER_HOST = "it lies on another server: put a copy beside the article"


class StoryLength(IntEnum):
    """How much of a story is told; more is larger."""

    LINE = 1
    SUMMARY = 2
    OPENING = 3
    FULL = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestStory:
    """A story as templates are given it.

    `body` is HTML for mail and `text` the same words for the text part, both empty below
    OPENING; `links` are what the body links to. `whole` says that nothing is left to read.
    """

    item: ArticleView
    shape: StoryLength
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
        """Who wrote it; of a whole choir, the first few."""
        return self.item.article.bylines[:_MAX_BYLINES]

    @property
    def is_line(self) -> bool:
        """Whether only its title and byline stand there."""
        return self.shape == StoryLength.LINE

    @property
    def told(self) -> StoryText:
        """Its words, as both parts of the mail have them."""
        language = self.item.article.language
        return StoryText(language=language, url=self.item.url, passages=self.passages)


class StorySource:
    """One item of an issue, read once and told in any shape."""

    def __init__(self, item: ArticleView, house: PublicationView) -> None:
        self.item = item
        self.house = house

    @cached_property
    def prose(self) -> ArticleContent:
        """The article's body in blocks."""
        return prose.mail_content(self.item.article.html)

    @cached_property
    def is_note(self) -> bool:
        """Whether the whole article is no longer than a note."""
        article = self.item.article
        if script(article.language) in UNSPACED_SCRIPTS:
            return len("".join(article.text.split())) <= NOTE_CHARACTERS
        return len(article.text.split()) <= NOTE_WORDS

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
        shown = filters.mail_picture(picture)
        return None if picture and self._is_elsewhere(picture) else shown

    def notes(self, shape: StoryLength) -> Iterator[DigestNote]:
        """Say what the editor should know of pictures that a mail leaves out."""
        picture = self.item.article.picture
        if picture:
            reason = (
                _OTHER_HOST
                if self._is_elsewhere(picture)
                else filters.mail_picture_problem(picture)
            )
            if reason:
                yield self._note(f"picture of “{self.title}”", reason)
        if shape >= StoryLength.OPENING:
            for reason in prose.omitted_pictures(self.prose, base_url=self.house.url):
                yield self._note(f"“{self.title}”", reason)

    def _note(self, what: str, reason: str) -> DigestNote:
        return DigestNote(code="picture-left-out", text=f"{what}: {reason}")

    def _is_elsewhere(self, picture: Picture) -> bool:
        host = urlsplit(picture.src).hostname
        return host is not None and host != urlsplit(self.house.url).hostname

    def tell(self, shape: StoryLength, level: int = 2) -> DigestStory:
        """Tell the story in a shape, or in a smaller one where there is no more to tell.

        `level` is its title's among headings; those of its body are below.
        """
        if shape >= StoryLength.OPENING:
            shown = self._body(shape, level)
            if shown is not None:
                return shown
        if shape >= StoryLength.SUMMARY and self.summary:
            return self._shown(
                StoryLength.SUMMARY, summary=self.summary, passages=(self.summary,)
            )
        return self._shown(min(shape, StoryLength.SUMMARY))

    def _body(self, shape: StoryLength, level: int) -> DigestStory | None:
        article = self.item.article
        taken, cut = self.prose, False
        if shape == StoryLength.OPENING:
            unspaced = script(article.language) in UNSPACED_SCRIPTS
            taken, cut = prose.content_opening(
                self.prose, _OPENING_CHARACTERS_UNSPACED if unspaced else _OPENING_CHARACTERS
            )
        passages = taken.passages
        if not passages:
            return None
        html = prose.mail_html(
            taken, language=article.language, base_url=self.house.url, level=level + 1
        )
        return self._shown(
            shape,
            body=Markup(html),  # noqa: S704 -- made of sanitised HTML, block by block
            text=prose.plain_text(taken, language=article.language),
            links=prose.body_links(taken, base_url=self.house.url),
            whole=not cut,
            passages=passages,
        )

    def _shown(self, shape: StoryLength, **said: object) -> DigestStory:
        passages = (self.title, *said.pop("passages", ()))  # type: ignore[misc]  # as given above
        picture = self.picture if shape >= StoryLength.SUMMARY else None
        return DigestStory(
            item=self.item,
            shape=shape,
            title=self.title,
            picture=picture,
            passages=passages,
            **said,  # type: ignore[arg-type]  # the fields of Shown, from just above
        )


def whole_sentences(text: str, columns: int = SUMMARY_COLUMNS) -> str:
    """Give the sentences that fit into so many columns: at least one, unless it is twice as long.

    A text without any end of a sentence counts as one.
    """
    taken: list[str] = []
    for sentence in split_sentences(text) if text.strip() else ():
        if taken and plaintext.display_width("".join([*taken, sentence])) > columns:
            break
        taken.append(sentence)
    said = plaintext.to_one_line("".join(taken) or text)
    return said if plaintext.display_width(said) <= 2 * columns else ""
