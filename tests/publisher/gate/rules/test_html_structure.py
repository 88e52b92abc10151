from __future__ import annotations

import pytest

from publisher.gate.rules import html_structure
from tests.publisher.gate.pages import Fault, changed, codes, findings, with_content

_ELEMENT_FAULTS = (
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
    assert codes(html_structure, with_content(content)) == []


@pytest.mark.parametrize("tag", ["section", "time", "center", "abbr", "blockquote", "bdi"])
def test_elements_that_caniemail_tests_are_not_unknown(tag: str) -> None:
    assert codes(html_structure, with_content(f"<{tag}>x</{tag}>")) == []


def test_an_element_with_many_handlers_is_one_finding() -> None:
    page = with_content(f"<p {' '.join(f'on{n}=x' for n in range(50))}>x</p>")
    assert [finding.problem for finding in findings(html_structure, page)] == ["it has on0"]


def test_missing_tags_of_outlooks_tables_are_counted() -> None:
    page = changed("</td></tr></table><![endif]", "</td></tr><![endif]")
    (found,) = findings(html_structure, page)
    assert found.problem == "1 <table> more opened than closed"


XHTML = "-//W3C//DTD XHTML 1.0 Transitional//EN"
DTD = "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd"
HTML4 = "-//W3C//DTD HTML 4.01 Transitional//EN"
LOOSE = "http://www.w3.org/TR/html4/loose.dtd"


def begun(doctype: str) -> str:
    return changed("<!DOCTYPE html>", doctype)


FAULTS = (
    *_ELEMENT_FAULTS,
    Fault("there is no document type", "doctype", begun("")),
    Fault("it leads to quirks mode", "doctype", begun(f'<!DOCTYPE html PUBLIC "{HTML4}">')),
    Fault(
        "it is of HTML 3.2",
        "doctype",
        begun('<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2//EN">'),
    ),
    Fault("it is of XHTML", "doctype-old", begun(f'<!DOCTYPE html PUBLIC "{XHTML}" "{DTD}">')),
    Fault(
        "it is of HTML 4", "doctype-old", begun(f'<!DOCTYPE html PUBLIC "{HTML4}" "{LOOSE}">')
    ),
    Fault("it names a file", "doctype-old", begun('<!DOCTYPE html SYSTEM "mail.dtd">')),
    Fault("the title is empty", "title", changed("<title>The week", "<title> ")),
    Fault("there is no charset", "meta-charset", changed('<meta charset="utf-8">', "")),
    Fault(
        "the charset comes too late",
        "meta-charset",
        changed('<meta charset="utf-8">', f"<!--{'x' * 1024}--><meta charset='utf-8'>"),
    ),
    Fault("the viewport is fixed", "meta-viewport", changed("width=device-width", "width=600")),
    Fault(
        "iOS may shrink it",
        "meta-reformatting",
        changed('<meta name="x-apple-disable-message-reformatting">', ""),
    ),
    Fault("numbers become links", "meta-format-detection", changed("telephone=no, ", "")),
    Fault(
        "it is light only",
        "meta-color-scheme",
        changed('content="light dark"', 'content="light"'),
    ),
    Fault(
        "Outlook is not told the pixels per inch",
        "office-dpi",
        changed("PixelsPerInch", "AllowPNG"),
    ),
)


@pytest.mark.parametrize(
    "doctype",
    [
        "<!doctype html>",
        "\ufeff<!DOCTYPE HTML >",
        "<!-- made by a machine -->\n<!DOCTYPE html>",
        '<!DOCTYPE html SYSTEM "about:legacy-compat">',
    ],
)
def test_a_document_type_of_html_may_be_written_in_several_ways(doctype: str) -> None:
    assert codes(html_structure, begun(doctype)) == []


def test_a_mail_without_html_has_no_findings_on_its_head() -> None:
    assert codes(html_structure, "") == []
