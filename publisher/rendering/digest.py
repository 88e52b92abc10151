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
from publisher.mail_limits import MAX_HTML_BYTES, MAX_SUBJECT_COLUMNS
from publisher.rendering import placeholder_checks, placeholders, plaintext, subscriber_values
from publisher.rendering.digest_layout import DigestLayout, StoryOrder, lay_out, order_stories
from publisher.rendering.digest_size import (
    LengthPlan,
    find_fitting_plan,
    length_plans,
)
from publisher.rendering.environment import Templates
from publisher.rendering.inlining import inline
from publisher.rendering.model import Digest, DigestNote, IssueContent
from publisher.rendering.stories import DigestStory, StoryLength, StorySource

# Inboxes show 40 to 130 characters beside the subject.
_PREHEADER_COLUMNS = 110

# Fewer further stories are seen at a glance.
_CONTENTS_FROM = 4

_SUBJECT = "email/digest/subject.txt"
_HTML = "email/digest/body.html"
_TEXT = "email/digest/body.txt"

# What a template might have left behind; long texts without these need not be remembered.
_TEMPLATE_SYNTAX = re.compile(r"\{[{%#]|@@|\*\||%%|<%|\ufffd|[\u202a-\u202e\u2066-\u2069]")
_LONG_TEXT = 200

# What a reader's own values take at most where a token stands: a signed link has about 200 bytes.
_PLACEHOLDER_BYTES = 300


def render_digest(templates: Templates, content: IssueContent) -> Digest:
    """Render an issue as a mail of at most MOST_BYTES (its HTML, decoded).

    Raises RenderingError for a template's fault, for an issue without items, and for one that
    is too large even if it only names its first article.
    """
    if not content.items:
        raise RenderingError(f"{content.web_url}: an issue without articles is not a mail")
    desk = _DigestRenderer(templates=templates, content=content, ordered=order_stories(content))
    found = find_fitting_plan(length_plans(desk.wanted), desk.written, _inlined, _size)
    if found is None:
        raise RenderingError(
            f"{content.web_url}: the mail has more than {MAX_HTML_BYTES} bytes with a single title; "
            "shorten the template"
        )
    return desk.digest(*found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _DigestRenderer:
    """One issue on the way to being a mail, in as many plans as it takes."""

    templates: Templates
    content: IssueContent
    ordered: StoryOrder

    @property
    def wanted(self) -> LengthPlan:
        return _wanted(self.content, self.ordered)

    def values(self, plan: LengthPlan) -> dict[str, Any]:
        more = self.content.more + len(self.wanted) - len(plan)
        return _values(replace(self.content, more=more), lay_out(self.ordered, plan))

    def written(self, plan: LengthPlan) -> str:
        return self.templates.render(_HTML, self.content.house.language, self.values(plan))

    def digest(self, plan: LengthPlan, html: str) -> Digest:
        given = self.values(plan)
        language = self.content.house.language
        subject, text = self.templates.render_each((_SUBJECT, _TEXT), language, given)
        if self.templates.own:
            self._compare(plan, {_SUBJECT: subject, _HTML: self.written(plan), _TEXT: text})
        subject = plaintext.shorten_isolated(subject, MAX_SUBJECT_COLUMNS)
        return Digest(
            subject=placeholder_checks.checked_subject(_SUBJECT, subject),
            preheader=" · ".join(given["opening"].parts),
            html=placeholder_checks.checked_html(_HTML, html),
            text=placeholder_checks.checked_text(_TEXT, plaintext.wrap_text(text)),
            stories=tuple(shown.told for shown in given["told"].stories),
            notes=tuple(_notes(self.ordered, self.wanted, plan)),
            quoted=tuple(sorted(set(_written(self.content)))),
        )

    def _compare(self, plan: LengthPlan, made: Mapping[str, str]) -> None:
        """Raise RenderingError for a template that makes something else for another reader."""
        language = self.content.house.language
        blank = self.values(plan) | subscriber_values.digest_values(
            subscriber_values.EmptyValue
        )
        placeholder_checks.check_same_for_all(
            made, lambda name: self.templates.render(name, language, blank)
        )


def _inlined(html: str) -> str:
    try:
        return inline(html)
    except RenderingError as error:
        raise RenderingError(f"templates/{_HTML}: {error}") from None


def _wanted(content: IssueContent, ordered: StoryOrder) -> LengthPlan:
    full = content.content == "full"
    told = tuple(
        _largest(source) if full else StoryLength.SUMMARY
        for source in (ordered.lead, *ordered.further)
    )
    return told + (StoryLength.FULL,) * len(ordered.notes)


def _largest(source: StorySource) -> StoryLength:
    """Give what a story can be told in: a whole book is not even tried."""
    fits = len(source.item.article.text.encode()) <= MAX_HTML_BYTES
    return StoryLength.FULL if fits else StoryLength.OPENING


def _size(html: str) -> int:
    places = sum(html.count(token) for token in placeholders.ALL_PLACEHOLDERS)
    return len(html.encode()) + places * _PLACEHOLDER_BYTES


def _values(content: IssueContent, told: DigestLayout) -> dict[str, Any]:
    return {
        "issue": content,
        "house": content.house,
        "told": told,
        "headline": told.lead.item.article,
        "opening": choose_preheader(content, told),
        "show_contents": len(told.further) >= _CONTENTS_FROM,
        **subscriber_values.digest_values(),
    }


def _written(value: object) -> Iterator[str]:
    """Give what people wrote of an issue: what looks like a template's fault in it is none."""
    if isinstance(value, str):
        if len(value) <= _LONG_TEXT or _TEMPLATE_SYNTAX.search(value):
            yield unescape(value)
    elif isinstance(value, tuple):
        yield from chain.from_iterable(map(_written, value))
    elif is_dataclass(value):
        for field in fields(value):
            yield from _written(getattr(value, field.name))


def _notes(ordered: StoryOrder, wanted: LengthPlan, plan: LengthPlan) -> list[DigestNote]:
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
            text = f"{what} so that the mail stays below {MAX_HTML_BYTES} bytes: "
            notes.append(DigestNote(code=code, text=text + ", ".join(f"“{t}”" for t in titles)))
    return notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Preheader:
    """The first line of a mail, which inboxes show beside the subject, and its language."""

    language: str
    parts: tuple[str, ...]


def choose_preheader(content: IssueContent, told: DigestLayout) -> Preheader:
    """Choose what the first line says: the other titles that fit, or else the lead's summary.

    Titles in another language stay out: a line of mixed directions reads in neither.
    """
    language, lead = content.house.language, told.lead.item.article
    titles = [shown.title for shown in told.stories[1:] if _language(shown) == language]
    if titles:
        return Preheader(language=language, parts=tuple(_fitting(titles)))
    if lead.summary:
        parts = (plaintext.shorten_to_columns(lead.summary, _PREHEADER_COLUMNS),)
        return Preheader(language=lead.language, parts=parts)
    parts = (
        plaintext.shorten_to_columns(
            content.house.description or content.title, _PREHEADER_COLUMNS
        ),
    )
    return Preheader(language=language, parts=parts)


def _language(shown: DigestStory) -> str:
    article: Article = shown.item.article
    return article.language


def _fitting(titles: list[str]) -> list[str]:
    chosen = [plaintext.shorten_to_columns(titles[0], _PREHEADER_COLUMNS)]
    for title in titles[1:]:
        if plaintext.display_width(" · ".join([*chosen, title])) > _PREHEADER_COLUMNS:
            break
        chosen.append(title)
    return chosen
