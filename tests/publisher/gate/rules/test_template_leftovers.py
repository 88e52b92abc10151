from __future__ import annotations

from html import escape

import pytest

from publisher.gate.mail import ExpectedStory
from publisher.gate.rules import template_leftovers
from tests.publisher.gate.pages import (
    WORDS,
    Fault,
    changed,
    codes,
    mail_of,
    sound,
    told,
    uncovered,
    with_content,
)

FAULTS = (
    *(
        Fault(
            f"{mark} is in a text", "html-template", with_content(f"<p>Dear {escape(mark)}</p>")
        )
        for mark in (
            "{{ reader.name }}",
            "{% if lead %}",
            "{# later #}",
            "@@ADDRESS@@",
            "*|FNAME|*",
            "%%first_name%%",
            "<%= name %>",
        )
    ),
    Fault("a name was cut off", "html-template", with_content("<p>{{ reader</p>")),
    Fault("a title is None", "html-template", with_content("<p>None</p>")),
    Fault(
        "an alt is undefined",
        "html-template",
        changed('alt="A ferry at low tide"', 'alt="undefined"'),
    ),
    Fault("an address is a place", "html-template", with_content('<a href="{{ url }}">x</a>')),
    Fault(
        "an encoded place is in an address",
        "url-template",
        with_content('<a href="https://x.example/%7B%7Burl">x</a>'),
    ),
    Fault("a style is one", "html-template", with_content('<p style="color:{{ ink }}">x</p>')),
    Fault(
        "an address ends with None",
        "url-template",
        with_content('<a href="https://x.example/None">x</a>'),
    ),
    Fault(
        "a value in one is undefined",
        "url-template",
        with_content('<a href="https://x.example/?p=undefined&q">x</a>'),
    ),
)


@pytest.mark.parametrize("fault", told(FAULTS))
def test_a_mail_is_found_in_which(fault: Fault) -> None:
    assert fault.code in codes(template_leftovers, fault.html, fault.language)


@pytest.mark.parametrize("language", [*WORDS])
def test_nothing_is_found_in_a_sound_mail(language: str) -> None:
    assert codes(template_leftovers, sound(language), language) == []


def test_every_rule_is_broken_by_one_of_these() -> None:
    assert uncovered(template_leftovers, FAULTS) == set()


STORY = ExpectedStory(
    language="en",
    url="https://news.example.org/jinja/",
    passages=("How {{ value }} works", "None", "Null and undefined"),
)


@pytest.mark.parametrize("content", ["<p>How {{ value }} works</p>", "<p>None</p>"])
def test_what_a_story_says_itself_is_not_left_over(content: str) -> None:
    html = with_content(content)
    assert [f.code for f in template_leftovers.check(mail_of(html))] == ["html-template"]
    assert list(template_leftovers.check(mail_of(html, stories=(STORY,)))) == []


TOLD = ExpectedStory(
    language="en",
    url="https://news.example.org/jinja/",
    passages=("What {{ opens and", "{{ name }} and {{ a\u200f }} as it is"),
)


@pytest.mark.parametrize(
    "content",
    [
        "<p>\u2068What {{ opens and\u2069 more of ours</p>",
        "<p>What {{ opens\nand</p>",
        "<p>What {{ ope…</p>",
        "<p>What {{…</p>",
        "<p>What {{ opens and · Another title</p>",
        "<p>{{ name …</p>",
        "<p>{{\u200b name }} and {{ a }}</p>",
    ],
)
def test_what_a_story_says_is_known_however_it_is_laid_out_or_cut(content: str) -> None:
    html = with_content(content)
    assert {f.code for f in template_leftovers.check(mail_of(html))} == {"html-template"}
    assert list(template_leftovers.check(mail_of(html, stories=(TOLD,)))) == []


@pytest.mark.parametrize("content", ["<p>{{ other</p>", "<p>{{ opens }}</p>"])
def test_what_no_story_says_is_left_over_though_one_speaks_of_places(content: str) -> None:
    found = template_leftovers.check(mail_of(with_content(content), stories=(TOLD,)))
    assert [f.code for f in found] == ["html-template"]


@pytest.mark.parametrize("place", ["{{ url }}", "{% url %}", "@@SHARE_LINK@@", "*|URL|*"])
@pytest.mark.parametrize("name", ["href", "src"])
def test_a_place_in_an_address_is_an_error_and_an_encoded_one_a_warning(
    place: str, name: str
) -> None:
    literal = template_leftovers.check(
        mail_of(with_content(f'<a {name}="https://x.example/{place}">x</a>'))
    )
    assert [f.severity for f in literal] == ["error"]
    html = with_content(f'<a {name}="https://x.example/%7B%7Burl%7D%7D">x</a>')
    assert [(f.code, f.severity) for f in template_leftovers.check(mail_of(html))] == [
        ("url-template", "warning")
    ]


@pytest.mark.parametrize(
    "content",
    [
        "<p>None of them came</p>",
        "<p>{curly} and 100 % and 2 * 3 | 4</p>",
        "<p>write to press@@example or @@ -1,3 +1,4 @@</p>",
        '<p><a href="https://x.example/nonesuch/undefined-behaviour/">x</a></p>',
    ],
)
def test_words_that_only_look_alike_are_let_through(content: str) -> None:
    assert codes(template_leftovers, with_content(content)) == []
