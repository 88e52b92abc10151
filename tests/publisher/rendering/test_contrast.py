"""Every word of a digest is legible in light and in dark (WCAG 2.2, 1.4.3).

And the gate, which says so, sees every word: what it looks at is counted here, too.
"""

from __future__ import annotations

import pytest

from publisher.colours import AA
from publisher.gate.css.computed_style import has_dark, looks
from publisher.gate.html_document import page
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


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_small_print_stands_out_as_running_text_does(mail: CheckedMail, dark: bool) -> None:
    assert all(contrast.ratio(shown.look) >= AA for shown in looks(mail, dark=dark).texts)


def test_every_word_is_looked_at_in_both_schemes(mail: CheckedMail) -> None:
    light, dark = looks(mail), looks(mail, dark=True)
    assert has_dark(page(mail))
    assert [one.text for one in light.texts] == [one.text for one in dark.texts]
    assert len(light.texts) > 20
    assert all(
        one.look.ground != other.look.ground
        for one, other in zip(light.texts, dark.texts, strict=True)
        if one.element.tag != "a"
    )
