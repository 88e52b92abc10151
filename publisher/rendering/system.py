"""Composing mails about a subscription itself: to confirm it, to welcome, to say goodbye.

On the same base as digests. Knows no reader: her links and her address are tokens.
"""

from __future__ import annotations

from typing import Any

from publisher.rendering import placement, plaintext, readers
from publisher.rendering.environment import Templates
from publisher.rendering.inlining import inline
from publisher.rendering.model import Digest, SystemMail

SUBJECT_COLUMNS = 65


def compose(templates: Templates, mail: SystemMail) -> Digest:
    """Render a system mail; raises RenderingError for a template's fault."""
    subject_name, *body_names = (
        f"email/{mail.kind}/{part}" for part in ("subject.txt", "body.html", "body.txt")
    )
    values: dict[str, Any] = {"mail": mail, "house": mail.house, **readers.of_system_mails()}

    def render(name: str) -> str:
        return templates.render(name, mail.house.language, values)

    subject = plaintext.shorten(render(subject_name), SUBJECT_COLUMNS)
    values["subject"] = placement.checked_subject(subject_name, subject)
    made = {name: render(name) for name in body_names}
    if templates.own:
        values |= readers.of_system_mails(readers.Blank)
        placement.check_that_nothing_is_asked(made, render)
    (page_name, page), (text_name, text) = made.items()
    return Digest(
        subject=subject,
        preheader="",
        html=placement.checked_page(page_name, inline(page)),
        text=placement.checked_text(text_name, plaintext.flow(text)),
    )
