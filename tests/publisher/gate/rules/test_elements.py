from __future__ import annotations

import pytest

from publisher.gate.rules import elements
from tests.publisher.gate.pages import (
    Fault,
    changed,
    codes,
    findings,
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
        "it loads another page",
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


def test_a_condition_for_all_but_outlook_is_accepted() -> None:
    content = "<!--[if !mso]><!--><p>x</p><!--<![endif]-->"
    assert codes(elements, with_content(content)) == []


@pytest.mark.parametrize("tag", ["section", "time", "center", "abbr", "blockquote", "bdi"])
def test_elements_that_caniemail_tests_are_not_unknown(tag: str) -> None:
    assert codes(elements, with_content(f"<{tag}>x</{tag}>")) == []


def test_an_element_with_many_handlers_is_one_finding() -> None:
    page = with_content(f"<p {' '.join(f'on{n}=x' for n in range(50))}>x</p>")
    assert [finding.problem for finding in findings(elements, page)] == ["it has on0"]


def test_missing_tags_of_outlooks_tables_are_counted() -> None:
    page = changed("</td></tr></table><![endif]", "</td></tr><![endif]")
    (found,) = findings(elements, page)
    assert found.problem == "1 <table> more opened than closed"
