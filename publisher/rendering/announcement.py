"""Render an issue that has words of an editor, and no articles: a correction or an announcement, as mail and page."""

import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from publisher.errors import RenderingError
from publisher.rendering import plaintext
from publisher.rendering.digest_stories import make_introduction
from publisher.rendering.environment import Templates
from publisher.rendering.filters import digest_values
from publisher.rendering.model import Digest, LanguageLink, PublicationView
from publisher.rendering.structured_data import page_head
from publisher.rendering.template_files import catalogue

_PREHEADER_COLUMNS = 110  # inboxes show 40 to 130 characters beside the subject


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementContent:
    """What an editor says, in one language. `html` is clean. Without a preheader, the mail's is the beginning of the text."""

    publication: PublicationView
    title: str
    subject: str
    html: str
    day: date
    web_url: str
    preheader: str = ""
    sisters: tuple[LanguageLink, ...] = ()  # the same in other languages

    @property
    def kind(self) -> str:
        """The name of its templates."""
        return "announcement"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionContent(AnnouncementContent):
    """A correction; `first_*` are of the issue with the error."""

    first_day: date
    first_subject: str
    first_url: str

    @property
    def kind(self) -> str:
        return "correction"


def render_announcement(templates: Templates, content: AnnouncementContent) -> Digest:
    """Render the mail; raise RenderingError for a template's fault or if there are no words."""
    # Imported late: the inliner takes long to load, and most cycles render no mail.
    from publisher.rendering.digest import checked_mail

    values = _values(content)
    content, words = values["announcement"], values["words"]
    if words is None:
        raise RenderingError(f"{content.web_url}: a {content.kind} without words is not a mail")
    preheader = values["preheader"] = content.preheader or plaintext.shorten_to_columns(
        words.text, _PREHEADER_COLUMNS
    )
    language = content.publication.language
    parts = checked_mail(templates, content.kind, language, values, digest_values)
    first = content.first_subject if isinstance(content, CorrectionContent) else ""
    quoted = (content.subject, *filter(None, [first]), content.title)
    return parts.digest(preheader=preheader, quoted=quoted)


def render_announcement_page(templates: Templates, content: AnnouncementContent) -> str:
    publication = content.publication
    around: dict[str, Any] = {
        "feeds": publication.feeds,
        "url": content.web_url,
        "sisters": content.sisters,
        "head": page_head(publication, content.web_url, content.sisters),
    }
    page = f"web/{content.kind}.html"
    return templates.render(page, publication.language, _values(content) | around)


def _values(content: AnnouncementContent) -> dict[str, Any]:
    if isinstance(content, CorrectionContent):
        subject = without_prefix(content.subject, content.publication.language)
        content = replace(content, subject=subject)
    return {
        "announcement": content,
        content.kind: content,
        "publication": content.publication,
        "words": make_introduction(content.html, content.publication),
    }


def without_prefix(subject: str, language: str) -> str:
    """Return a subject without the word for corrections, which templates put before it, if an editor wrote it, too."""
    template = catalogue(language)[0].gettext("Correction: %(subject)s")
    word = template.partition("%")[0].strip(" :：")
    found = re.sub(rf"^(?:{re.escape(word)}\s*[:：]\s*)+", "", subject, flags=re.IGNORECASE)
    return found or subject
