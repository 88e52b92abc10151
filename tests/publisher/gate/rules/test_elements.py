from __future__ import annotations

import pytest

from publisher.gate.rules import elements
from tests.publisher.gate.pages import (
    WORDS,
    Fault,
    changed,
    codes,
    findings,
    sound,
    told,
    uncovered,
    with_content,
)

FAULTS = (
    *(
        Fault(f"there is a <{tag}>", "element-forbidden", with_content(f"<{tag}></{tag}>"))
        for tag in ("script", "form", "iframe", "object", "video", "svg", "button")
    ),
    Fault(
        "a style sheet is linked to",
        "element-forbidden",
        changed(
            "</head>", '<link rel="stylesheet" href="https://news.example.org/x.css"></head>'
        ),
    ),
    Fault("an element runs a script", "event-handler", with_content('<p onclick="x()">x</p>')),
    Fault(
        "it leads elsewhere by itself",
        "meta-refresh",
        changed(
            "</head>", '<meta http-equiv="Refresh" content="0;url=https://x.example"></head>'
        ),
    ),
    Fault(
        "it has an element of its own", "element-unknown", with_content("<my-card>x</my-card>")
    ),
    Fault(
        "Outlook's comment is left open",
        "mso-balance",
        changed("</tr></table><![endif]-->", "</tr></table>-->"),
    ),
    Fault("a condition has no dashes", "mso-balance", with_content("<![if !mso]>x<![endif]>")),
    Fault(
        "an inliner broke a condition",
        "mso-balance",
        with_content("<!--[if !mso]-->x<!--[endif]-->"),
    ),
    Fault(
        "Outlook's table is left open",
        "mso-tables",
        changed("</td></tr></table><![endif]", "</td></tr><![endif]"),
    ),
    Fault("there is no first heading", "heading-first", changed("<h1", "<p")),
    Fault("there are two", "heading-first", with_content("<h1>x</h1>")),
    Fault("a level is left out", "heading-order", changed("<h2", "<h4")),
)


@pytest.mark.parametrize("fault", told(FAULTS))
def test_a_mail_is_found_in_which(fault: Fault) -> None:
    assert fault.code in codes(elements, fault.html, fault.language)


@pytest.mark.parametrize("language", [*WORDS])
def test_nothing_is_found_in_a_sound_mail(language: str) -> None:
    assert codes(elements, sound(language), language) == []


def test_every_rule_is_broken_by_one_of_these() -> None:
    assert uncovered(elements, FAULTS) == set()


def test_the_form_for_all_but_outlook_is_sound() -> None:
    content = "<!--[if !mso]><!--><p>x</p><!--<![endif]-->"
    assert codes(elements, with_content(content)) == []


@pytest.mark.parametrize("tag", ["section", "time", "center", "abbr", "blockquote", "bdi"])
def test_elements_that_caniemail_judges_are_not_judged_twice(tag: str) -> None:
    assert codes(elements, with_content(f"<{tag}>x</{tag}>")) == []


def test_an_element_with_many_handlers_is_told_once() -> None:
    page = with_content(f"<p {' '.join(f'on{n}=x' for n in range(50))}>x</p>")
    assert [finding.problem for finding in findings(elements, page)] == ["it has on0"]


def test_what_is_missing_in_outlooks_tables_is_counted() -> None:
    page = changed("</td></tr></table><![endif]", "</td></tr><![endif]")
    (found,) = findings(elements, page)
    assert found.problem == "1 <table> more opened than closed"
