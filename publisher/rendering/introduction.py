"""What an editor wrote at the beginning of an issue, as both parts of a mail have it."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from publisher.rendering import prose
from publisher.rendering.model import PublicationView

# Below the title of the issue, which is the only one above it.
_HEADING_LEVEL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """`body` is HTML for mail, `text` the same words for the text part; `links` are those of the body."""

    body: Markup
    text: str
    links: tuple[prose.BodyLink, ...]


def make_introduction(html: str, publication: PublicationView) -> Introduction | None:
    """Return an introduction, of clean HTML, as a mail has it; None if it says nothing."""
    content, language = prose.mail_content(html), publication.language
    if not content.passages:
        return None
    body = prose.mail_html(
        content, language=language, base_url=publication.url, level=_HEADING_LEVEL
    )
    return Introduction(
        body=Markup(body),  # noqa: S704 -- made of sanitised HTML, block by block
        text=prose.plain_text(content, language=language),
        links=prose.body_links(content, base_url=publication.url),
    )
