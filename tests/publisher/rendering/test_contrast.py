"""Every word of a digest is legible in light and in dark (WCAG 2.2, 1.4.3).

And the gate, which says so, sees every word: what it looks at is counted here, too.
"""

from __future__ import annotations

import pytest

from publisher.colours import AA
from publisher.gate.mail import CheckedMail
from publisher.gate.rules import contrast
from publisher.rendering import Renderer
from tests.publisher.gate.pages import mail_of
from tests.publisher.rendering import sample

LANGUAGES = ["en", "zh-Hant", "ar"]


@pytest.fixture(params=LANGUAGES)
def mail(request: pytest.FixtureRequest) -> CheckedMail:
    language: str = request.param
    return mail_of(Renderer().digest(sample.issue(language)).html, language)


def test_text_stands_out_from_its_ground_and_links_from_text(mail: CheckedMail) -> None:
    assert [(found.where, found.problem) for found in contrast.check(mail)] == []


def test_small_print_stands_out_as_running_text_does(mail: CheckedMail) -> None:
    document = mail.document
    for shown in (*document.styles.texts, *document.dark_styles.texts):
        assert shown.style.contrast >= AA


def test_every_word_is_checked_in_both_modes(mail: CheckedMail) -> None:
    assert mail.document.has_dark_rules
    light, dark = mail.document.styles.texts, mail.document.dark_styles.texts
    assert [one.text for one in light] == [one.text for one in dark]
    assert len(light) > 20
    assert all(
        one.style.background != other.style.background
        for one, other in zip(light, dark, strict=True)
        if one.element.tag != "a"
    )
