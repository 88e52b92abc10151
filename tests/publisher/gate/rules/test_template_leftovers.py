from __future__ import annotations

from dataclasses import replace
from html import escape

import pytest

from publisher.gate.rules import template_leftovers
from publisher.rendering import StoryText
from tests.publisher.gate.messages import a_mail
from tests.publisher.gate.pages import (
    Fault,
    changed,
    codes,
    findings,
    mail_of,
    sound,
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
    Fault(
        "a control character of Windows-1252 is left", "html-damage", with_content("it\x92s")
    ),
    Fault("a character was lost", "html-damage", with_content("Zürich".replace("ü", "\ufffd"))),
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


STORY = StoryText(
    language="en",
    url="https://news.example.org/jinja/",
    passages=("How {{ value }} works", "None", "Null and undefined"),
)


@pytest.mark.parametrize("content", ["<p>How {{ value }} works</p>", "<p>None</p>"])
def test_words_of_a_story_are_not_leftovers(content: str) -> None:
    html = with_content(content)
    assert [f.code for f in template_leftovers.check(mail_of(html))] == ["html-template"]
    assert list(template_leftovers.check(mail_of(html, stories=(STORY,)))) == []


STORY_ON_JINJA = StoryText(
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
def test_words_of_a_story_are_recognised_when_they_are_wrapped_or_cut(content: str) -> None:
    html = with_content(content)
    assert {f.code for f in template_leftovers.check(mail_of(html))} == {"html-template"}
    assert list(template_leftovers.check(mail_of(html, stories=(STORY_ON_JINJA,)))) == []


@pytest.mark.parametrize("content", ["<p>{{ other</p>", "<p>{{ opens }}</p>"])
def test_placeholders_that_no_story_contains_are_leftovers(content: str) -> None:
    found = template_leftovers.check(mail_of(with_content(content), stories=(STORY_ON_JINJA,)))
    assert [f.code for f in found] == ["html-template"]


@pytest.mark.parametrize("place", ["{{ url }}", "{% url %}", "@@SHARE_LINK@@", "*|URL|*"])
@pytest.mark.parametrize("name", ["href", "src"])
def test_a_placeholder_in_an_address_is_an_error_and_an_encoded_one_a_warning(
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
def test_words_that_look_like_placeholders_are_accepted(content: str) -> None:
    assert codes(template_leftovers, with_content(content)) == []


def test_damage_is_counted_and_has_a_line() -> None:
    (found,) = findings(template_leftovers, with_content("a\x92b\n\x92"))
    line = sound().split("<h2")[0].count("\n") + 1
    assert (found.problem, found.line) == ("U+0092 is in the text, 2 times in all", line)


def text_codes(text: str, *passages: str) -> list[tuple[str, int | None]]:
    """Return what is found in a text part; `passages` are those of a story."""
    story = StoryText(language="en", url="https://news.example.org/x/", passages=passages)
    mail = replace(a_mail(text=text), stories=(story,))
    return [(found.code, found.line) for found in template_leftovers.check(mail)]


@pytest.mark.parametrize("sign", ["\x07", "\x92", "\ufffd", "\ufffe"])
def test_invisible_characters_are_damage(sign: str) -> None:
    assert text_codes(f"one\ntwo{sign}\n") == [("text-damage", 2)]


def test_a_replacement_character_that_an_article_shows_is_not_damage() -> None:
    words = "Lost letters show as \ufffd."
    assert text_codes(words, words) == []
    assert text_codes(f"{words}\x07", words) == [("text-damage", 1)]
    story = replace(STORY, passages=(words,))
    html = mail_of(with_content(f"<p>{words}</p>"), stories=(story,))
    assert list(template_leftovers.check(html)) == []


@pytest.mark.parametrize(
    "leftover",
    [
        *("{{ title }}", "{% if a %}", "{# note #}", "@@SHARE_LINK@@", "*|FNAME|*"),
        *("%(names)s", "None", "undefined"),
    ],
)
def test_leftovers_in_the_text_part_are_errors(leftover: str) -> None:
    assert text_codes(f"one\n{leftover}\n") == [("text-template", 2)]


@pytest.mark.parametrize(
    "text",
    [
        *("None of them came", "100% (about) sold", "@@ -1,3 +1,4 @@", "a {brace}"),
        "https://x.example/%7B%7Burl%7D%7D",
    ],
)
def test_text_that_looks_like_a_leftover_is_accepted(text: str) -> None:
    assert text_codes(f"{text}\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "\u2068What {{ opens\u2069 and more of ours\n",
        "What {{\nopens\n",
        "Read: What {{ ope…\n",
        "Jinja, Liquid: What {{ opens · 4 min\n",
        "\u2068None\u2069\n",
    ],
)
def test_words_of_a_story_are_recognised_in_the_text_part(text: str) -> None:
    assert text_codes(text, "What {{ opens", "None") == []
    assert text_codes("{{ c }}", "What {{ opens", "None") == [("text-template", 1)]
