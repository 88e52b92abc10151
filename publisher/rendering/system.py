"""Composing mails about a subscription itself: to confirm it, to welcome, to say goodbye.

On the same base as digests. Knows no reader: her links and her address are tokens.
"""

from __future__ import annotations

from typing import Any

from publisher.rendering import plaintext, tokens
from publisher.rendering.environment import Templates
from publisher.rendering.inlining import inline
from publisher.rendering.model import Digest, SystemMail

SUBJECT_COLUMNS = 65


def compose(templates: Templates, mail: SystemMail) -> Digest:
    """Render a system mail; raises RenderingError for a template's fault."""
    language = mail.house.language
    values: dict[str, Any] = {
        "mail": mail,
        "house": mail.house,
        "confirm": tokens.CONFIRM,
        "unsubscribe": tokens.UNSUBSCRIBE,
        "preferences": tokens.PREFERENCES,
        "reader_address": tokens.READER_ADDRESS,
    }

    def render(name: str) -> str:
        return templates.render(f"email/{mail.kind}/{name}", language, values)

    subject = plaintext.shorten(render("subject.txt"), SUBJECT_COLUMNS)
    values["subject"] = subject
    return Digest(
        subject=subject,
        preheader="",
        html=inline(render("body.html")),
        text=plaintext.flow(render("body.txt")),
    )
