"""Composing a digest: subject, first line, HTML and text of one issue in one language.

What to say is decided here in plain functions over an issue's content; how it looks is the
templates' business. Knows no reader: what differs from reader to reader is a token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from publisher.articles.model import Article
from publisher.errors import RenderingError
from publisher.rendering import plaintext, tokens
from publisher.rendering.environment import Templates
from publisher.rendering.inlining import inline
from publisher.rendering.model import Digest, IssueContent

# Phones show about 40 columns of a subject, desktops about 70.
SUBJECT_COLUMNS = 65

# Inboxes show 40 to 130 characters beside the subject.
PREHEADER_COLUMNS = 110

# A digest leads to articles and does not replace them; and twelve items with everything must
# stay below what Gmail clips (102 kB as sent, which is 74 kB before base64).
SUMMARY_COLUMNS = 300

# Fewer items are seen at a glance.
CONTENTS_FROM = 3


def compose(templates: Templates, content: IssueContent) -> Digest:
    """Render an issue as a mail; raises RenderingError, also for an issue without items."""
    if not content.items:
        raise RenderingError(f"{content.web_url}: an issue without articles is not a mail")
    lead = headline(content)
    first_line = opening(content, lead)
    values = _values(content, lead, first_line)

    def render(name: str) -> str:
        return templates.render(f"email/digest/{name}", content.house.language, values)

    return Digest(
        subject=plaintext.shorten(render("subject.txt"), SUBJECT_COLUMNS),
        preheader=" · ".join(first_line.parts),
        html=inline(render("body.html")),
        text=plaintext.flow(render("body.txt")),
    )


def _values(content: IssueContent, lead: Article, first_line: Opening) -> dict[str, Any]:
    return {
        "issue": content,
        "house": content.house,
        "headline": lead,
        "opening": first_line,
        "show_contents": len(content.items) >= CONTENTS_FROM,
        "summary_columns": SUMMARY_COLUMNS,
        "unsubscribe": tokens.UNSUBSCRIBE,
        "preferences": tokens.PREFERENCES,
        "reader_address": tokens.READER_ADDRESS,
    }


def headline(content: IssueContent) -> Article:
    """Choose the article that the subject names: the first in the issue's own language."""
    articles = [item.article for item in content.items]
    own = (article for article in articles if article.language == content.house.language)
    return next(own, articles[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The first line of a mail, which inboxes show beside the subject, and its language."""

    language: str
    parts: tuple[str, ...]


def opening(content: IssueContent, lead: Article) -> Opening:
    """Choose what the first line says: the other titles that fit, or else the lead's summary.

    Titles in another language stay out: a line of mixed directions reads in neither.
    """
    language = content.house.language
    titles = [
        plaintext.one_line(item.article.title)
        for item in content.items
        if item.article is not lead and item.article.language == language
    ]
    if titles:
        return Opening(language=language, parts=tuple(_fitting(titles)))
    if lead.summary:
        parts = (plaintext.shorten(lead.summary, PREHEADER_COLUMNS),)
        return Opening(language=lead.language, parts=parts)
    parts = (plaintext.shorten(content.house.description or content.title, PREHEADER_COLUMNS),)
    return Opening(language=language, parts=parts)


def _fitting(titles: list[str]) -> list[str]:
    chosen = [plaintext.shorten(titles[0], PREHEADER_COLUMNS)]
    for title in titles[1:]:
        if plaintext.width(" · ".join([*chosen, title])) > PREHEADER_COLUMNS:
            break
        chosen.append(title)
    return chosen
