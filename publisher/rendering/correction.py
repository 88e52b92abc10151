"""Render the correction of an issue: its mail and its page. It has words of an editor, and no articles."""

import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from publisher.errors import RenderingError
from publisher.mail_limits import MAX_SUBJECT_COLUMNS
from publisher.rendering import plaintext
from publisher.rendering.digest_stories import make_introduction
from publisher.rendering.environment import Templates
from publisher.rendering.filters import EmptyValue, digest_values
from publisher.rendering.model import Digest, PublicationView
from publisher.rendering.placeholders import MailParts
from publisher.rendering.structured_data import page_head
from publisher.rendering.template_files import catalogue

_SUBJECT = "email/correction/subject.txt"
_HTML = "email/correction/body.html"
_TEXT = "email/correction/body.txt"
_PAGE = "web/correction.html"
# Inboxes show 40 to 130 characters beside the subject.
_PREHEADER_COLUMNS = 110


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionContent:
    """What a correction says, in one language. `html` is clean; `first_*` are of the issue with the error."""

    publication: PublicationView
    title: str
    subject: str
    html: str
    day: date
    first_day: date
    first_subject: str
    first_url: str
    web_url: str


def render_correction(templates: Templates, content: CorrectionContent) -> Digest:
    """Render the mail; raise RenderingError for a template's fault or if there are no words."""
    # Imported late: the inliner takes long to load, and most cycles render no mail.
    from publisher.rendering.inlining import inline

    values = _values(content)
    content = values["correction"]
    language, words = content.publication.language, values["words"]
    if words is None:
        raise RenderingError(f"{content.web_url}: a correction without words is not a mail")
    values |= digest_values()
    values["preheader"] = plaintext.shorten_to_columns(words.text, _PREHEADER_COLUMNS)

    def render(name: str) -> str:
        return templates.render(name, language, values)

    subject, html, text = render(_SUBJECT), render(_HTML), render(_TEXT)
    parts = MailParts(
        (_SUBJECT, plaintext.shorten_isolated(subject, MAX_SUBJECT_COLUMNS)),
        (_HTML, inline(html)),
        (_TEXT, plaintext.wrap_text(text, language)),
    )
    if templates.own:
        values |= digest_values(EmptyValue)
        parts.check_same_for_all({_SUBJECT: subject, _HTML: html, _TEXT: text}, render)
    quoted = (content.subject, content.first_subject, content.title)
    return parts.digest(preheader=values["preheader"], quoted=quoted)


def render_correction_page(templates: Templates, content: CorrectionContent) -> str:
    publication = content.publication
    around: dict[str, Any] = {
        "feeds": publication.feeds,
        "url": content.web_url,
        "sisters": (),
        "head": page_head(publication, content.web_url),
    }
    return templates.render(_PAGE, publication.language, _values(content) | around)


def _values(content: CorrectionContent) -> dict[str, Any]:
    subject = without_prefix(content.subject, content.publication.language)
    content = replace(content, subject=subject)
    return {
        "correction": content,
        "publication": content.publication,
        "words": make_introduction(content.html, content.publication),
    }


def without_prefix(subject: str, language: str) -> str:
    """Return a subject without the word for corrections, which templates put before it, if an editor wrote it, too."""
    template = catalogue(language)[0].gettext("Correction: %(subject)s")
    word = template.partition("%")[0].strip(" :：")
    found = re.sub(rf"^(?:{re.escape(word)}\s*[:：]\s*)+", "", subject, flags=re.IGNORECASE)
    return found or subject
