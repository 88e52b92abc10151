"""The stories of a digest, how they are laid out, and what an editor wrote above them.

Each story comes at one of four lengths: full, opening, summary or line; how long each is comes from a plan
(`publisher.rendering.digest`). The text of a story is decided once for both parts of the mail and kept as passages,
so that the gate can check that both parts have it. The layout is a lead, further stories by section, a quotation
and short notes; a story's rank says how much room it has.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import IntEnum, StrEnum
from functools import cached_property
from html import escape
from itertools import chain, groupby
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup

from publisher.articles.content.blocks import ArticleContent
from publisher.articles.content.internal_links import link_anchors
from publisher.articles.content.parser import code_in_html
from publisher.articles.content.text import UNSPACED_SCRIPTS, split_sentences
from publisher.articles.model import Byline, Picture
from publisher.i18n.messages import message
from publisher.languages import in_quotes, script
from publisher.rendering import filters, model, plaintext, prose

_EMPTY = Markup()

# Display columns of a summary. A digest leads to articles, where the rest is read.
SUMMARY_COLUMNS = 300
BRIEF_COLUMNS = 100  # display columns of the summary of a brief: about a line and a half
# So many stories after the lead have a summary and a picture beside it; the others are briefs.
FEATURES = 3
_RECENT = timedelta(days=7)  # a story that is older than the issue by more has its date
# Display columns of a title. Titles come from feeds and must not fill a mail.
TITLE_COLUMNS = 240
# Characters of an opening: about a screen of a phone.
_OPENING_CHARACTERS = 1_200
_OPENING_CHARACTERS_UNSPACED = 480
# An article that is no longer is a short note: three or four lines.
NOTE_WORDS = 60
NOTE_CHARACTERS = 160
_MAX_BYLINES = 12  # bylines of one story; a longer list stays on the web


class StoryLength(IntEnum):
    """How much of a story a digest has; more is larger."""

    LINE = 1
    SUMMARY = 2
    OPENING = 3
    FULL = 4


class StoryRank(StrEnum):
    """How much room a story of a digest has. A short note is a brief."""

    LEAD = "lead"
    FEATURE = "feature"
    BRIEF = "brief"


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestStory:
    """A story of a digest, as templates get it.

    `is_old` says that the story is older than the issue's period. `body` is HTML for mail and `text` the same words for the text part; both are empty below
    OPENING. `links` are those of the body. `whole` says that the mail has the whole article.
    """

    item: model.ArticleView
    length: StoryLength
    rank: StoryRank
    title: str
    is_old: bool = False
    summary: str = ""
    body: Markup = _EMPTY
    text: str = ""
    links: tuple[prose.BodyLink, ...] = ()
    whole: bool = False
    picture: Picture | None = None
    passages: tuple[str, ...] = ()

    @property
    def bylines(self) -> tuple[Byline, ...]:
        return self.item.article.bylines[:_MAX_BYLINES]

    @property
    def is_line(self) -> bool:
        """Whether the digest has the title and byline only."""
        return self.length == StoryLength.LINE

    @property
    def story_text(self) -> model.StoryText:
        article = self.item.article
        return model.StoryText(
            language=article.language,
            url=self.item.url,
            passages=self.passages,
            code=code_in_html(article.html),
        )


class StorySource:
    """One article of an issue, parsed once and rendered at any length."""

    def __init__(self, item: model.ArticleView, content: model.IssueContent) -> None:
        # The whole issue is in these languages, too.
        sisters = {link.language for link in content.sisters}
        others = tuple(one for one in item.translations if one.language not in sisters)
        self.item = replace(item, translations=others)
        self._base_url = content.publication.url
        self._is_old = content.day - item.article.published_on > _RECENT

    @cached_property
    def content(self) -> ArticleContent:
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
        return plaintext.shorten_to_columns(self.item.article.title, TITLE_COLUMNS)

    @cached_property
    def summary(self) -> str:
        """The first whole sentences of the article's summary."""
        return whole_sentences(self.item.article.summary)

    @cached_property
    def picture(self) -> Picture | None:
        picture = self.item.article.picture
        if picture is None or self._is_on_other_host(picture):
            return None
        return filters.mail_picture(picture)

    def notes(
        self, length: StoryLength, *, has_picture: bool = True
    ) -> Iterator[model.DigestNote]:
        """Yield a note for each picture that the mail leaves out; `has_picture`: it shows the article's own if it can."""
        picture = self.item.article.picture
        if picture and has_picture:
            reason = filters.shown_picture_problem(picture)
            if self._is_on_other_host(picture):
                reason = filters.other_host_problem()
            if reason:
                text = message("picture of “%(title)s”: %(why)s", title=self.title, why=reason)
                yield model.DigestNote(code="picture-left-out", text=text)
        if length >= StoryLength.OPENING:
            for reason in prose.omitted_pictures(self.content, base_url=self._base_url):
                text = message("“%(title)s”: %(why)s", title=self.title, why=reason)
                yield model.DigestNote(code="picture-left-out", text=text)

    def _is_on_other_host(self, picture: Picture) -> bool:
        host = urlsplit(picture.src).hostname
        return host is not None and host != urlsplit(self._base_url).hostname

    def at_length(
        self, length: StoryLength, rank: StoryRank, level: int = 2, *, has_picture: bool = True
    ) -> DigestStory:
        """Return the story at a length, or at a smaller one if the article has no more.

        `level` is its title's among headings; those of its body are below. With `has_picture`, it
        has the article's own picture if a mail can show it, and its body does not.
        """
        parts = self._body(length, level) if length >= StoryLength.OPENING else None
        parts = parts or self._summary_parts(length, rank)
        title, is_old = self.title, self._is_old
        story = DigestStory(item=self.item, rank=rank, title=title, is_old=is_old, **parts)
        picture = self.picture
        if not has_picture or story.is_line or picture is None:
            return story
        in_body = escape(picture.src) in story.body
        return story if in_body else replace(story, picture=picture)

    def _summary_parts(self, length: StoryLength, rank: StoryRank) -> dict[str, Any]:
        if length < StoryLength.SUMMARY or not self.summary:
            return {"length": min(length, StoryLength.SUMMARY), "passages": (self.title,)}
        summary = self.summary
        if rank is StoryRank.BRIEF:
            summary = plaintext.shorten_to_columns(summary, BRIEF_COLUMNS)
        passages = (self.title, summary)
        return {"length": StoryLength.SUMMARY, "summary": summary, "passages": passages}

    def _body(self, length: StoryLength, level: int) -> dict[str, Any] | None:
        content, cut = self.content, False
        if length == StoryLength.OPENING:
            limit = _OPENING_CHARACTERS_UNSPACED if self.is_unspaced else _OPENING_CHARACTERS
            content, cut = prose.content_opening(content, limit)
        if not content.passages:
            return None
        passages = (self.title, *content.passages)
        written = _written(content, self.item.article.language, self._base_url, level + 1)
        return {"length": length, "whole": not cut, "passages": passages, **written}


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


_LEAD_CANDIDATES = 3  # the lead is the first of so many that has a picture, or the first
# A quotation that its article has in quotation marks, perhaps with the full stop behind them.
_SIGNS = '[ \u00a0"“”„«»「」『』]+'
_IN_SIGNS = re.compile(rf"{_SIGNS}(.+?){_SIGNS}([.。!?؟…]?)", re.DOTALL)
# A longer quotation is a text of its own, a shorter one says nothing.
QUOTATION_CHARACTERS = range(20, 281)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryGroup:
    """Stories of one section; `title` is the section's in its language, None for none."""

    title: str | None
    language: str
    stories: tuple[DigestStory, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotation:
    """A quotation from an article, with the article's title and address; `speaker` is empty where nobody is named."""

    text: str
    language: str
    title: str
    url: str
    speaker: str = ""

    @property
    def marked(self) -> str:
        found = _IN_SIGNS.fullmatch(self.text)
        return in_quotes(f"{found[1]}{found[2]}" if found else self.text, self.language)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestLayout:
    """The stories of a digest in order; templates get it as `digest`."""

    lead: DigestStory
    groups: tuple[StoryGroup, ...]
    quotation: Quotation | None
    notes: tuple[DigestStory, ...]

    @property
    def further(self) -> tuple[DigestStory, ...]:
        """The stories between the lead and the notes."""
        return tuple(story for group in self.groups for story in group.stories)

    @property
    def stories(self) -> tuple[DigestStory, ...]:
        return (self.lead, *self.further, *self.notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryOrder:
    """The articles of an issue in the order of a digest, before their lengths are decided.

    `pictures` says which stories show their picture: the `lead`, `all` or `none`.
    """

    lead: StorySource
    further: tuple[StorySource, ...]
    notes: tuple[StorySource, ...]
    quotation: Quotation | None
    pictures: str

    def rank(self, source: StorySource) -> StoryRank:
        if source is self.lead:
            return StoryRank.LEAD
        return StoryRank.FEATURE if source in self.further[:FEATURES] else StoryRank.BRIEF

    def has_picture(self, source: StorySource, length: StoryLength) -> bool:
        """Return whether a story of a length shows its picture. Short notes and briefs show none."""
        if self.pictures == "all":
            is_brief = self.rank(source) is StoryRank.BRIEF and length < StoryLength.OPENING
            return source not in self.notes and not is_brief
        return self.pictures == "lead" and source is self.lead

    def at_length(
        self, source: StorySource, length: StoryLength, level: int = 2
    ) -> DigestStory:
        """Return one of the stories at a length, as its rank wants it."""
        rank, has_picture = self.rank(source), self.has_picture(source, length)
        return source.at_length(length, rank, level, has_picture=has_picture)

    @property
    def sources(self) -> tuple[StorySource, ...]:
        return (self.lead, *self.further, *self.notes)


def order_stories(content: model.IssueContent) -> StoryOrder:
    """Choose the lead, group the others, and set apart short notes and a quotation if the newsletter has them."""
    sources = [StorySource(item, content) for item in content.items]
    notes = [s for s in sources if s.is_note] if "notes" in content.blocks else []
    stories = [source for source in sources if source not in notes]
    if not stories:
        stories, notes = notes[:1], notes[1:]
    lead = _choose_lead(stories, content.publication.language, content.pictures != "none")
    return StoryOrder(
        lead=lead,
        further=_by_section([source for source in stories if source is not lead]),
        notes=tuple(notes),
        quotation=_quotation(content, stories),
        pictures=content.pictures,
    )


def _choose_lead(
    sources: Sequence[StorySource], language: str, has_picture: bool
) -> StorySource:
    own = [s for s in sources if s.item.article.language == language] or list(sources)
    with_picture = (source for source in own[:_LEAD_CANDIDATES] if source.picture)
    return next(with_picture, own[0]) if has_picture else own[0]


def _quotation(content: model.IssueContent, sources: Sequence[StorySource]) -> Quotation | None:
    """Return what editors chose to quote, or else a quotation if the newsletter has them."""
    if content.quoted is None:
        return _choose_quotation(sources) if "quotation" in content.blocks else None
    story, text = content.quoted
    found = (source for source in sources if source.item.article.story_id == story)
    source = next(found, None)
    return _quoted(source, text, _speaker(source, text)) if source and text else None


def _quoted(source: StorySource, text: str, speaker: str) -> Quotation:
    language, url = source.item.article.language, source.item.url
    return Quotation(text=text, language=language, title=source.title, url=url, speaker=speaker)


def _speaker(source: StorySource, text: str) -> str:
    """Return who says what editors chose: whom the article quotes, or else its only author, unless it is in quotation marks."""
    for quoted in source.content.quotations:
        if text in quoted.text:
            return quoted.speaker
        if quoted.text and quoted.text in text:
            return ""
    bylines = source.item.article.bylines
    return bylines[0].name if len(bylines) == 1 and not _IN_SIGNS.fullmatch(text) else ""


def _choose_quotation(sources: Sequence[StorySource]) -> Quotation | None:
    for source in sources:
        for quoted in source.content.quotations:
            if len(quoted.text) in QUOTATION_CHARACTERS:
                return _quoted(source, quoted.text, quoted.speaker)
    return None


def lay_out(ordered: StoryOrder, lengths: Sequence[StoryLength]) -> DigestLayout:
    """Lay out the first so many articles of an order, each at its length."""
    first_note = 1 + len(ordered.further)
    further = list(zip(ordered.further, lengths[1:], strict=False))
    notes = zip(ordered.notes, lengths[first_note:], strict=False)
    shared = _shared_sections(source for source, _length in further)
    return DigestLayout(
        lead=ordered.at_length(ordered.lead, lengths[0]),
        groups=tuple(
            StoryGroup(
                title=section[1] if section else None,
                language=section[0] if section else "",
                stories=tuple(
                    ordered.at_length(source, length, 3 if section else 2)
                    for source, length in members
                ),
            )
            for section, members in groupby(further, lambda one: _section(one[0], shared))
        ),
        quotation=ordered.quotation,
        notes=tuple(ordered.at_length(source, length, 3) for source, length in notes),
    )


def page_layout(content: model.IssueContent) -> DigestLayout:
    """Lay out all stories of an issue for its page, where whole texts are the articles' own HTML."""
    ordered = order_stories(content)
    return lay_out(ordered, [StoryLength.SUMMARY] * len(content.items))


_Section = tuple[str, str]  # the language and name of a section


def _section(source: StorySource, among: Collection[_Section] | None = None) -> _Section | None:
    article = source.item.article
    section = (article.language, article.section) if article.section else None
    return section if among is None or section in among else None


def _shared_sections(sources: Iterable[StorySource]) -> Collection[_Section]:
    """Return the sections of several stories: a label for a single one costs more than it says."""
    counted = Counter(section for source in sources if (section := _section(source)))
    return {section for section, count in counted.items() if count > 1}


def _by_section(sources: Sequence[StorySource]) -> tuple[StorySource, ...]:
    """Put stories of one section together, in order of first appearance; those that are alone come first."""
    shared = _shared_sections(sources)
    groups: dict[_Section | None, list[StorySource]] = {None: []}
    for source in sources:
        groups.setdefault(_section(source, shared), []).append(source)
    return tuple(chain.from_iterable(groups.values()))


_HEADING_LEVEL = 2  # below the title of the issue, which is the only one above it


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """`body` is HTML for mail, `text` the same words for the text part; `links` are those of the body."""

    body: Markup
    text: str
    links: tuple[prose.BodyLink, ...]


def make_introduction(html: str, publication: model.PublicationView) -> Introduction | None:
    """Return an introduction, of clean HTML, as a mail has it; None if it says nothing."""
    content, language = prose.mail_content(html), publication.language
    if not content.passages:
        return None
    return Introduction(**_written(content, language, publication.url, _HEADING_LEVEL))


def _written(
    content: ArticleContent, language: str, base_url: str, level: int
) -> dict[str, Any]:
    """Return content as both parts of a mail have it, with its links; `level` is that of its first headings."""
    html = prose.mail_html(content, language=language, base_url=base_url, level=level)
    return {
        "body": Markup(html),  # noqa: S704 -- made of sanitised HTML, block by block
        "text": prose.plain_text(content, language=language),
        "links": prose.body_links(content, base_url=base_url),
    }
