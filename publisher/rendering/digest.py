"""Render mails: the digest of one issue in one language, and mails about a subscription itself.

What a digest says is decided here and in `digest_stories`; templates decide how it looks: its subject, preheader,
HTML and text. Gmail clips longer mails and hides the rest, the unsubscribe link included. So from the last story
to the first, full texts become openings, then summaries, then lines; then the last stories are left out. Mails
about a subscription confirm it, welcome or say goodbye. Importing this module loads premailer.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache, cached_property
from html import unescape
from itertools import chain
from typing import Any

from publisher.errors import RenderingError
from publisher.i18n.messages import message
from publisher.mail_limits import MAX_HTML_BYTES, MAX_SUBJECT_COLUMNS
from publisher.rendering import digest_stories, plaintext
from publisher.rendering.digest_stories import StoryLength, StoryOrder
from publisher.rendering.environment import Templates
from publisher.rendering.filters import EmptyValue, digest_values, system_mail_values
from publisher.rendering.inlining import inline
from publisher.rendering.model import Digest, DigestNote, IssueContent, SystemMail
from publisher.rendering.placeholders import ALL_PLACEHOLDERS, MailParts

# The length of each story, lead first. Stories beyond the end are left out.
LengthPlan = tuple[StoryLength, ...]


def length_plans(wanted: LengthPlan) -> list[LengthPlan]:
    """List the plans from what is wanted to the least. Each differs in one story; the lead is shortened after all others."""
    plan, plans = list(wanted), [wanted]
    for target in (StoryLength.OPENING, StoryLength.SUMMARY, StoryLength.LINE):
        last = 1 if target == StoryLength.LINE else 0
        for number in range(len(plan) - 1, last - 1, -1):
            if plan[number] > target:
                plan[number] = target
                plans.append(tuple(plan))
    plans += [tuple(plan[:length]) for length in range(len(plan) - 1, 0, -1)]
    return [*plans, (StoryLength.LINE,)] if plan[0] > StoryLength.LINE else plans


def find_fitting_plan(
    plans: Sequence[LengthPlan],
    render: Callable[[LengthPlan], str],
    inline: Callable[[str], str],
    size: Callable[[str], int],
) -> tuple[LengthPlan, str] | None:
    """Return the first plan whose inlined HTML fits, with that HTML; None if even the last does not.

    Inlining takes longer than rendering, so the sizes of most plans are estimated: two plans are
    inlined, and a line through their sizes gives the others'. The chosen plan is measured.
    """

    @cache
    def rendered(number: int) -> str:
        return render(plans[number])

    @cache
    def inlined(number: int) -> str:
        return inline(rendered(number))

    def fits(number: int) -> bool:
        return size(inlined(number)) <= MAX_HTML_BYTES

    def estimate(number: int) -> float:
        before, after = size(rendered(0)), size(inlined(0))
        middle = len(plans) // 2
        slope = (after - size(inlined(middle))) / ((before - size(rendered(middle))) or 1)
        return after - slope * (before - size(rendered(number)))

    if fits(0):
        return plans[0], inlined(0)
    numbers = range(len(plans))
    number = bisect_left(numbers, True, lo=1, key=lambda one: estimate(one) <= MAX_HTML_BYTES)
    while number < len(plans) and not fits(number):
        number += 1
    while number > 1 and fits(min(number, len(plans)) - 1):
        number -= 1
    return (plans[number], inlined(number)) if number < len(plans) else None


# Display columns of a preheader. Inboxes show 40 to 130 characters beside the subject.
PREHEADER_COLUMNS = 90

_CONTENTS_FROM = 4  # a digest with fewer further stories has no contents list

_SUBJECT = "email/digest/subject.txt"
_HTML = "email/digest/body.html"
_TEXT = "email/digest/body.txt"

# What looks like an error of a template. Long texts without it need not be kept.
_TEMPLATE_SYNTAX = re.compile(r"\{[{%#]|@@|\*\||%%|<%|\ufffd|[\u202a-\u202e\u2066-\u2069]")
_LONG_TEXT = 200

_PLACEHOLDER_BYTES = 300  # bytes that one becomes at most: a signed link has about 200


def render_digest(templates: Templates, content: IssueContent) -> Digest:
    """Render an issue as a mail of at most MAX_HTML_BYTES of HTML.

    Raises RenderingError for a template's fault, for an issue without articles, and for one that
    is too large even with a single title.
    """
    if not content.items:
        raise RenderingError(f"{content.web_url}: an issue without articles is not a mail")
    renderer = _DigestRenderer(templates, content)
    found = find_fitting_plan(length_plans(renderer.wanted), renderer.html, _inlined, _size)
    if found is None:
        raise RenderingError(
            f"{content.web_url}: the mail has more than {MAX_HTML_BYTES} bytes with a single title; "
            "shorten the template"
        )
    return renderer.digest(*found)


class _DigestRenderer:
    """Renders one issue, in as many plans as it takes."""

    def __init__(self, templates: Templates, content: IssueContent) -> None:
        self._templates = templates
        self._content = content
        self._order = digest_stories.order_stories(content)
        self._language = content.publication.language

    @cached_property
    def wanted(self) -> LengthPlan:
        full = self._content.content == "full"
        stories = (self._order.lead, *self._order.further)
        lengths = tuple(_longest(story) if full else StoryLength.SUMMARY for story in stories)
        return lengths + (StoryLength.FULL,) * len(self._order.notes)

    def html(self, plan: LengthPlan) -> str:
        """Return the HTML before inlining."""
        return self._templates.render(_HTML, self._language, self._values(plan))

    def digest(self, plan: LengthPlan, html: str) -> Digest:
        values = self._values(plan)
        subject, text = self._templates.render_each((_SUBJECT, _TEXT), self._language, values)
        parts = MailParts(
            (
                _SUBJECT,
                plaintext.shorten_isolated(
                    self._content.subject or subject, MAX_SUBJECT_COLUMNS
                ),
            ),
            (_HTML, html),
            (_TEXT, plaintext.wrap_text(text, self._language)),
        )
        if self._templates.own:
            empty = values | digest_values(EmptyValue)
            parts.check_same_for_all(
                {_SUBJECT: subject, _HTML: self.html(plan), _TEXT: text},
                lambda name: self._templates.render(name, self._language, empty),
            )
        return parts.digest(
            preheader=values["opening"].text,
            stories=tuple(story.story_text for story in values["digest"].stories),
            notes=tuple(_notes(self._order, self.wanted, plan)),
            quoted=tuple(sorted(set(_texts_in(self._content)))),
        )

    def _values(self, plan: LengthPlan) -> dict[str, Any]:
        more = self._content.more + len(self.wanted) - len(plan)
        layout = digest_stories.lay_out(self._order, plan)
        return {
            "issue": replace(self._content, more=more),
            "publication": self._content.publication,
            "digest": layout,
            "headline": layout.lead.item.article,
            "opening": choose_preheader(self._content, layout),
            "introduction": self._introduction,
            # Titles are far apart: there are many stories, and they have their texts.
            "show_contents": len(layout.further) >= _CONTENTS_FROM
            and any(story.body for story in layout.further),
            **digest_values(),
        }

    @cached_property
    def _introduction(self) -> digest_stories.Introduction | None:
        if not self._content.introduction:
            return None
        return digest_stories.make_introduction(
            self._content.introduction, self._content.publication
        )


def _longest(source: digest_stories.StorySource) -> StoryLength:
    """Return the greatest length to try: a book never fits."""
    fits = len(source.item.article.text.encode()) <= MAX_HTML_BYTES
    return StoryLength.FULL if fits else StoryLength.OPENING


def _inlined(html: str) -> str:
    try:
        return inline(html)
    except RenderingError as error:
        raise RenderingError(f"templates/{_HTML}: {error}") from None


def _size(html: str) -> int:
    count = sum(html.count(token) for token in ALL_PLACEHOLDERS)
    return len(html.encode()) + count * _PLACEHOLDER_BYTES


def _texts_in(value: object) -> Iterator[str]:
    """Yield the texts of an issue that people wrote: what looks like a template's fault is none."""
    if isinstance(value, str):
        if len(value) <= _LONG_TEXT or _TEMPLATE_SYNTAX.search(value):
            yield unescape(value)
    elif isinstance(value, tuple):
        yield from chain.from_iterable(map(_texts_in, value))
    elif is_dataclass(value):
        for field in fields(value):
            yield from _texts_in(getattr(value, field.name))


def _notes(ordered: StoryOrder, wanted: LengthPlan, plan: LengthPlan) -> Iterator[DigestNote]:
    """Yield what an editor would ask about: pictures left out, stories shortened or left out."""
    for source, length in zip(ordered.sources, plan, strict=False):
        yield from source.notes(length, has_picture=ordered.has_picture(source, length))
    shorter = [
        source.title
        for source, length, full in zip(ordered.sources, plan, wanted, strict=False)
        if length < full
    ]
    left_out = [source.title for source in ordered.sources[len(plan) :]]
    most = MAX_HTML_BYTES
    if shorter:
        text = message(
            "shortened so that the mail stays below %(most)s bytes: %(titles)s",
            most=most,
            titles=[f"“{title}”" for title in shorter],
        )
        yield DigestNote(code="stories-shortened", text=text)
    if left_out:
        text = message(
            "left out, on the web only, so that the mail stays below %(most)s bytes: %(titles)s",
            most=most,
            titles=[f"“{title}”" for title in left_out],
        )
        yield DigestNote(code="stories-left-out", text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preheader:
    """The first line of a mail, which inboxes show beside the subject, and its language."""

    language: str
    text: str


def choose_preheader(content: IssueContent, layout: digest_stories.DigestLayout) -> Preheader:
    """Return what editors wrote, or else the lead's summary, or the description."""
    publication, lead = content.publication, layout.lead.item.article
    if content.preheader:
        return Preheader(language=publication.language, text=content.preheader)
    text = lead.summary or publication.description or content.title
    return Preheader(
        language=lead.language if lead.summary else publication.language,
        text=plaintext.shorten_to_columns(text, PREHEADER_COLUMNS),
    )


def checked_mail(
    templates: Templates,
    folder: str,
    language: str,
    values: dict[str, Any],
    subscriber: Callable[..., dict[str, Any]],
) -> MailParts:
    """Render the three templates of a folder below `email/`; `subscriber` makes the values that differ between people.

    Raises RenderingError for a template's fault.
    """
    names = [f"email/{folder}/{part}" for part in ("subject.txt", "body.html", "body.txt")]
    values |= subscriber()

    def render(name: str) -> str:
        return templates.render(name, language, values)

    written = render(names[0])
    subject = values["subject"] = plaintext.shorten_isolated(written, MAX_SUBJECT_COLUMNS)
    html, text = map(render, names[1:])
    parts = MailParts(
        (names[0], subject),
        (names[1], inline(html)),
        (names[2], plaintext.wrap_text(text, language)),
    )
    if templates.own:
        values |= subscriber(EmptyValue)
        parts.check_same_for_all(dict(zip(names, (written, html, text), strict=True)), render)
    return parts


def render_system_mail(templates: Templates, mail: SystemMail) -> Digest:
    """Render a system mail; raises RenderingError for a template's fault."""
    language = mail.publication.language
    values: dict[str, Any] = {"mail": mail, "publication": mail.publication}
    parts = checked_mail(templates, mail.kind, language, values, system_mail_values)
    return parts.digest(words=templates.words_language(language))
