"""Composing mails about a subscription itself: to confirm it, to welcome, to say goodbye.

On the same base as digests. Knows no reader: her links and her address are tokens.
"""

from __future__ import annotations

from typing import Any

from publisher.mail_limits import MAX_SUBJECT_COLUMNS
from publisher.rendering import placeholder_checks, plaintext, subscriber_values
from publisher.rendering.environment import Templates
from publisher.rendering.inlining import inline
from publisher.rendering.model import Digest, SystemMail


def render_system_mail(templates: Templates, mail: SystemMail) -> Digest:
    """Render a system mail; raises RenderingError for a template's fault."""
    subject_name, *body_names = (
        f"email/{mail.kind}/{part}" for part in ("subject.txt", "body.html", "body.txt")
    )
    values: dict[str, Any] = {
        "mail": mail,
        "house": mail.house,
        **subscriber_values.system_mail_values(),
    }

    def render(name: str) -> str:
        return templates.render(name, mail.house.language, values)

    subject = plaintext.shorten_to_columns(render(subject_name), MAX_SUBJECT_COLUMNS)
    values["subject"] = placeholder_checks.checked_subject(subject_name, subject)
    made = {name: render(name) for name in body_names}
    if templates.own:
        values |= subscriber_values.system_mail_values(subscriber_values.EmptyValue)
        placeholder_checks.check_same_for_all(made, render)
    (page_name, page), (text_name, text) = made.items()
    return Digest(
        subject=subject,
        preheader="",
        html=placeholder_checks.checked_html(page_name, inline(page)),
        text=placeholder_checks.checked_text(text_name, plaintext.wrap_text(text)),
    )
