"""Composing a digest: subject, first line, HTML and text of one issue in one language.

What to say is decided here and in `stories`, `arranging` and `fitting`, in plain functions
over an issue's content; how it looks is the templates' business. Knows no reader: what differs
from reader to reader is a token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from html import unescape
from itertools import chain
from typing import Any

from publisher.articles.model import Article
from publisher.errors import RenderingError
from publisher.rendering import placement, plaintext, readers, tokens
from publisher.rendering.arranging import Arrangement, Order, arrange, order
from publisher.rendering.environment import Templates
from publisher.rendering.fitting import MOST_BYTES, Plan, fit, plans
from publisher.rendering.inlining import inline
from publisher.rendering.model import Digest, IssueContent, Note
from publisher.rendering.stories import Shape, Shown, Source

# Phones show about 40 columns of a subject, desktops about 70.
SUBJECT_COLUMNS = 65

# Inboxes show 40 to 130 characters beside the subject.
PREHEADER_COLUMNS = 110

# Fewer further stories are seen at a glance.
CONTENTS_FROM = 4

SUBJECT = "email/digest/subject.txt"
BODY = "email/digest/body.html"
TEXT = "email/digest/body.txt"

# What a template might have left behind; long texts without these need not be remembered.
SIGNS = re.compile(r"\{[{%#]|@@|\*\||%%|<%|\ufffd|[\u202a-\u202e\u2066-\u2069]")
LONG = 200

# What a reader's own values take at most where a token stands: a signed link has about 200 bytes.
TOKEN_BYTES = 300


def compose(templates: Templates, content: IssueContent) -> Digest:
    """Render an issue as a mail of at most MOST_BYTES (its HTML, decoded).

    Raises RenderingError for a template's fault, for an issue without items, and for one that
    is too large even if it only names its first article.
    """
    if not content.items:
        raise RenderingError(f"{content.web_url}: an issue without articles is not a mail")
    desk = _Desk(templates=templates, content=content, ordered=order(content))
    found = fit(plans(desk.wanted), desk.written, _inlined, _size)
    if found is None:
        raise RenderingError(
            f"{content.web_url}: the mail has more than {MOST_BYTES} bytes with a single title; "
            "shorten the template"
        )
    return desk.digest(*found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """One issue on the way to being a mail, in as many plans as it takes."""

    templates: Templates
    content: IssueContent
    ordered: Order

    @property
    def wanted(self) -> Plan:
        return _wanted(self.content, self.ordered)

    def values(self, plan: Plan) -> dict[str, Any]:
        more = self.content.more + len(self.wanted) - len(plan)
        return _values(replace(self.content, more=more), arrange(self.ordered, plan))

    def written(self, plan: Plan) -> str:
        return self.templates.render(BODY, self.content.house.language, self.values(plan))

    def digest(self, plan: Plan, html: str) -> Digest:
        given = self.values(plan)
        language = self.content.house.language
        subject, text = self.templates.render_each((SUBJECT, TEXT), language, given)
        if self.templates.own:
            self._compare(plan, {SUBJECT: subject, BODY: self.written(plan), TEXT: text})
        subject = plaintext.shorten_isolated(subject, SUBJECT_COLUMNS)
        return Digest(
            subject=placement.checked_subject(SUBJECT, subject),
            preheader=" · ".join(given["opening"].parts),
            html=placement.checked_page(BODY, html),
            text=placement.checked_text(TEXT, plaintext.flow(text)),
            stories=tuple(shown.told for shown in given["told"].stories),
            notes=tuple(_notes(self.ordered, self.wanted, plan)),
            quoted=tuple(sorted(set(_written(self.content)))),
        )

    def _compare(self, plan: Plan, made: Mapping[str, str]) -> None:
        """Raise RenderingError for a template that makes something else for another reader."""
        language = self.content.house.language
        blank = self.values(plan) | readers.of_digests(readers.Blank)
        placement.check_that_nothing_is_asked(
            made, lambda name: self.templates.render(name, language, blank)
        )


def _inlined(html: str) -> str:
    try:
        return inline(html)
    except RenderingError as error:
        raise RenderingError(f"templates/{BODY}: {error}") from None


def _wanted(content: IssueContent, ordered: Order) -> Plan:
    full = content.content == "full"
    told = tuple(
        _largest(source) if full else Shape.SUMMARY
        for source in (ordered.lead, *ordered.further)
    )
    return told + (Shape.FULL,) * len(ordered.notes)


def _largest(source: Source) -> Shape:
    """Give what a story can be told in: a whole book is not even tried."""
    fits = len(source.item.article.text.encode()) <= MOST_BYTES
    return Shape.FULL if fits else Shape.OPENING


def _size(html: str) -> int:
    places = sum(html.count(token) for token in tokens.TOKENS)
    return len(html.encode()) + places * TOKEN_BYTES


def _values(content: IssueContent, told: Arrangement) -> dict[str, Any]:
    return {
        "issue": content,
        "house": content.house,
        "told": told,
        "headline": told.lead.item.article,
        "opening": opening(content, told),
        "show_contents": len(told.further) >= CONTENTS_FROM,
        **readers.of_digests(),
    }


def _written(value: object) -> Iterator[str]:
    """Give what people wrote of an issue: what looks like a template's fault in it is none."""
    if isinstance(value, str):
        if len(value) <= LONG or SIGNS.search(value):
            yield unescape(value)
    elif isinstance(value, tuple):
        yield from chain.from_iterable(map(_written, value))
    elif is_dataclass(value):
        for field in fields(value):
            yield from _written(getattr(value, field.name))


def _notes(ordered: Order, wanted: Plan, plan: Plan) -> list[Note]:
    """Say what an editor would ask about: pictures left out, stories made shorter."""
    sources = (ordered.lead, *ordered.further, *ordered.notes)
    notes = [
        note
        for source, shape in zip(sources, plan, strict=False)
        for note in source.notes(shape)
    ]
    shorter = [
        source.title
        for source, ours, theirs in zip(sources, plan, wanted, strict=False)
        if ours < theirs
    ]
    left = [source.title for source in sources[len(plan) :]]
    for code, what, titles in (
        ("stories-shortened", "told more shortly", shorter),
        ("stories-left-out", "left to the web", left),
    ):
        if titles:
            text = f"{what} so that the mail stays below {MOST_BYTES} bytes: "
            notes.append(Note(code=code, text=text + ", ".join(f"“{t}”" for t in titles)))
    return notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The first line of a mail, which inboxes show beside the subject, and its language."""

    language: str
    parts: tuple[str, ...]


def opening(content: IssueContent, told: Arrangement) -> Opening:
    """Choose what the first line says: the other titles that fit, or else the lead's summary.

    Titles in another language stay out: a line of mixed directions reads in neither.
    """
    language, lead = content.house.language, told.lead.item.article
    titles = [shown.title for shown in told.stories[1:] if _language(shown) == language]
    if titles:
        return Opening(language=language, parts=tuple(_fitting(titles)))
    if lead.summary:
        parts = (plaintext.shorten(lead.summary, PREHEADER_COLUMNS),)
        return Opening(language=lead.language, parts=parts)
    parts = (plaintext.shorten(content.house.description or content.title, PREHEADER_COLUMNS),)
    return Opening(language=language, parts=parts)


def _language(shown: Shown) -> str:
    article: Article = shown.item.article
    return article.language


def _fitting(titles: list[str]) -> list[str]:
    chosen = [plaintext.shorten(titles[0], PREHEADER_COLUMNS)]
    for title in titles[1:]:
        if plaintext.width(" · ".join([*chosen, title])) > PREHEADER_COLUMNS:
            break
        chosen.append(title)
    return chosen
