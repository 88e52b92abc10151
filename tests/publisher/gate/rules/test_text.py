"""The text part of a mail, and what templates leave in both parts."""

from dataclasses import replace

import pytest

from publisher.gate.mail import CheckedMail
from publisher.gate.rules import inbox_and_text, story_text, template_leftovers
from publisher.rendering.model import StoryText
from tests.publisher.gate.messages import PREHEADERS, STORIES, a_mail, page_of, text_of
from tests.publisher.gate.pages import (
    findings,
    mail_of,
    sound,
    with_content,
)


def line_findings(text: str, language: str = "en") -> list[tuple[str, int | None]]:
    """Return what is found in the lines; `link_findings` has the links of both parts."""
    mail = a_mail(language, text=text)
    return [(finding.code, finding.line) for finding in inbox_and_text._check_lines(mail)]


@pytest.mark.parametrize("language", [*STORIES])
def test_a_composed_text_part_is_accepted(language: str) -> None:
    assert line_findings(text_of(STORIES[language]), language) == []


@pytest.mark.parametrize(
    ("line", "fits"),
    [
        ("x" * 76, True),
        ("x" * 77, False),
        ("渡" * 38, True),
        ("渡" * 39, False),
        ("https://example.org/" + "x" * 100, True),
        ("[12] https://example.org/" + "x" * 100, True),
        ("words " * 10 + "https://example.org/" + "x" * 100, False),
        ("\u2068" + "x" * 76 + "\u2069", True),
    ],
)
def test_lines_are_measured_in_columns_and_addresses_stay_whole(
    line: str, *, fits: bool
) -> None:
    assert line_findings(f"one\n{line}\n") == ([] if fits else [("text-width", 2)])


@pytest.mark.parametrize(
    ("text", "language", "line"),
    [
        ("渡轮\n，开了", "zh-Hans", 2),
        ("渡轮\n\u2068。开了\u2069", "zh-Hans", 2),
        ("渡轮（\n开了", "zh-Hans", 2),
        ("渡轮“\n开了", "zh-Hans", 2),
        ("开了\n”。", "zh-Hans", 2),
        ("word\n、word", "en", 2),
        ("渡轮\n\n，开了", "zh-Hans", None),
        ("Sagt „das hier“\nund „das“", "en", None),
        ("word\n”Vad?” sade hon", "en", None),
        ("渡轮\n开了。", "zh-Hans", None),
    ],
)
def test_no_line_of_a_paragraph_begins_or_ends_with_the_wrong_sign(
    text: str, language: str, line: int | None
) -> None:
    assert line_findings(text, language) == ([("text-line-break", line)] if line else [])


def test_frames_are_accepted_in_left_to_right_text_only_and_directions_are_closed() -> None:
    frame = "┌──┐\n"
    assert line_findings(frame, "ar") == [("text-boxes", 1)]
    assert line_findings(frame, "en") == []
    for line in ("9 يناير 2026", "\u2068x\u2069 أو \u2068y\u2069"):
        assert line_findings(f"{line}\n", "ar") == [("text-isolated", 1)]
        assert line_findings(f"\u2067{line}\u2069\n", "ar") == line_findings(line) == []
    assert line_findings("انظر https://example.org/x\n", "ar") == [("text-isolated", 1)]
    assert line_findings("\u2067انظر\u2069 https://example.org/x\n", "ar") == []
    assert line_findings("one\n\u2067two\nthree\u2069\n") == [
        ("text-direction", 2),
        ("text-direction", 3),
    ]


def telling(text: str, *passages: str) -> CheckedMail:
    story = StoryText(language="en", url="https://news.example.org/x/", passages=passages)
    return replace(a_mail(text=text), stories=(story,))


@pytest.mark.parametrize("opening", "\u2066\u2067\u2068\u202a\u202b\u202d\u202e")
def test_directions_of_every_kind_may_be_set_and_closed_in_a_line(opening: str) -> None:
    end = "\u2069" if opening in "\u2066\u2067\u2068" else "\u202c"
    assert line_findings(f"one {opening}two{end} three\n") == []
    line = f"one {opening}two\n"
    assert [f.code for f in inbox_and_text._check_lines(a_mail(text=line))] == [
        "text-direction"
    ]
    (own,) = inbox_and_text._check_lines(telling(line, f"one {opening}two"))
    assert (own.code, own.severity) == ("text-direction-own", "warning")


def test_controls_of_an_article_are_a_warning_and_do_not_excuse_those_of_the_template() -> None:
    (own,) = inbox_and_text._check_lines(telling("\u2068one\u202c\u2069\n", "one\u202c"))
    assert (own.code, own.severity) == ("text-direction-own", "warning")
    (fault,) = inbox_and_text._check_lines(telling("two\n\u2067one\n", "\u202btwo"))
    assert (fault.code, fault.severity) == ("text-direction", "error")


HTML, TEXT = page_of(STORIES["en"], PREHEADERS["en"]), text_of(STORIES["en"])
FERRY = STORIES["en"][0].url
NAMED = "“The ferry that waits for the tide” (en)"


def link_findings(html: str = HTML, text: str = TEXT) -> dict[str, str]:
    return {
        finding.code: finding.where
        for finding in inbox_and_text.check(a_mail(html=html, text=text))
    }


@pytest.mark.parametrize("language", [*STORIES])
def test_parts_with_the_same_links_are_accepted(language: str) -> None:
    assert list(inbox_and_text.check(a_mail(language))) == []


def test_stories_and_the_way_to_leave_are_linked_in_both_parts_and_links_of_one_only_listed() -> (
    None
):
    assert link_findings(text=f"View in browser\n{TEXT}") == {
        "text-preheader": "View in browser A map of the ha…"
    }
    assert link_findings(html=HTML.replace(FERRY, "")) == {"story-link-html": NAMED}
    assert link_findings(text=TEXT.replace(FERRY, "")) == {"story-link-text": NAMED}
    codes = link_findings(text=TEXT.replace("@@UNSUBSCRIBE@@", ""))
    assert codes["unsubscribe-text"].startswith("https://news.example.org/en/unsubscribe/?t=")
    assert set(codes) == {"unsubscribe-text"}
    extra = "".join(f'<a href="https://example.org/{n}">x</a>' for n in range(4))
    listed = ", ".join(f"https://example.org/{n}" for n in range(3)) + ", …"
    assert link_findings(html=HTML.replace("</body>", f"{extra}</body>")) == {
        "links-html-only": listed
    }
    assert link_findings(text=TEXT + "\nSee https://example.org/0.\n") == {
        "links-text-only": "https://example.org/0"
    }


@pytest.mark.parametrize(
    ("href", "written"),
    [
        ("https://example.org/%E6%B8%A1", "https://example.org/渡"),
        ("https://example.org/a?b=1&amp;c=2", "(https://example.org/a?b=1&c=2)."),
        ("https://example.org/wiki/Ferry_(boat)", "https://example.org/wiki/Ferry_(boat)"),
        ("https://example.org/x", "\u2068https://example.org/x\u2069。"),
        ("mailto:digest@news.example.org", "write to us"),
        ("#top", ""),
    ],
)
def test_an_address_may_be_written_in_two_ways(href: str, written: str) -> None:
    html = HTML.replace("</body>", f'<a href="{href}">x</a></body>')
    assert link_findings(html=html, text=f"{TEXT}\n{written}\n") == {}


def test_an_address_that_the_html_shows_without_linking_it_may_be_in_the_text() -> None:
    said = "Go to https://example.org/plain and see"
    assert (
        link_findings(html=HTML.replace("</body>", f"<p>{said}</p></body>"), text=TEXT + said)
        == {}
    )


def test_each_rule_finds_a_mail_that_breaks_it() -> None:
    without: CheckedMail = a_mail(
        html="<p>x</p><a href='https://example.org/'>y</a>", text="http://a.example\n"
    )
    assert {f.code for f in inbox_and_text._check_links(without)} == {
        "story-link-html",
        "story-link-text",
        "unsubscribe-text",
        "links-html-only",
        "links-text-only",
    }


def problems(passage: str, *code: str) -> list[str]:
    story = StoryText(
        language="en",
        url="https://news.example.org/tides/",
        passages=("Tides", passage),
        code=code,
    )
    mail = mail_of(with_content(f"<p>{passage}</p>"), stories=(story,))
    return [one.problem for one in story_text.check(mail) if one.code == "story-template"]


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
