"""Render mails about a subscription itself: to confirm it, a welcome, a goodbye."""

from __future__ import annotations

from typing import Any

from publisher.mail_limits import MAX_SUBJECT_COLUMNS
from publisher.rendering import plaintext
from publisher.rendering.environment import Templates
from publisher.rendering.inlining import inline
from publisher.rendering.model import Digest, SystemMail
from publisher.rendering.placeholders import MailParts
from publisher.rendering.subscriber_values import EmptyValue, system_mail_values


def render_system_mail(templates: Templates, mail: SystemMail) -> Digest:
    """Render a system mail; raises RenderingError for a template's fault."""
    subject_name, html_name, text_name = (
        f"email/{mail.kind}/{part}" for part in ("subject.txt", "body.html", "body.txt")
    )
    values: dict[str, Any] = {
        "mail": mail,
        "publication": mail.publication,
        **system_mail_values(),
    }

    def render(name: str) -> str:
        return templates.render(name, mail.publication.language, values)

    subject = plaintext.shorten_to_columns(render(subject_name), MAX_SUBJECT_COLUMNS)
    values["subject"] = subject
    html, text = render(html_name), render(text_name)
    parts = MailParts(
        (subject_name, subject),
        (html_name, inline(html)),
        (text_name, plaintext.wrap_text(text, mail.publication.language)),
    )
    if templates.own:
        values |= system_mail_values(EmptyValue)
        parts.check_same_for_all({html_name: html, text_name: text}, render)
    return parts.digest()
