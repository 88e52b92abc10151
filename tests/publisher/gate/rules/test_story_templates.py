from __future__ import annotations

import pytest

from publisher.gate.rules import story_templates
from publisher.rendering import StoryText
from tests.publisher.gate.pages import mail_of, with_content


def problems(passage: str, *code: str) -> list[str]:
    story = StoryText(
        language="en",
        url="https://news.example.org/tides/",
        passages=("Tides", passage),
        code=code,
    )
    mail = mail_of(with_content(f"<p>{passage}</p>"), stories=(story,))
    return [finding.problem for finding in story_templates.check(mail)]


@pytest.mark.parametrize(
    "code",
    ["{{ site.title }}", "{% include note.html %}", '{{< ref "a.md" >}}', "{{page.url}}"],
)
def test_template_code_in_a_story_is_refused(code: str) -> None:
    assert problems(f"Dear {code} and others") == [f"“Tides” (en) contains {code}"]


def test_template_code_that_the_story_shows_as_code_is_accepted() -> None:
    assert problems("Write {{ site.title }} there", "a\n{{ site.title }}\nb") == []
    assert problems("Write {{ site.title }} there", "{{ page.title }}") != []


@pytest.mark.parametrize("text", ["x^{{2}} and \\frac{{a}}{b}", "{curly} {{}}", "100 {% of it"])
def test_braces_of_formulas_are_not_template_code(text: str) -> None:
    assert problems(text) == []
