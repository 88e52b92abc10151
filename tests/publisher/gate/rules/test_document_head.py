from __future__ import annotations

import pytest

from publisher.gate.rules import document_head
from tests.publisher.gate.pages import Fault, changed, codes

XHTML = "-//W3C//DTD XHTML 1.0 Transitional//EN"
DTD = "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd"
HTML4 = "-//W3C//DTD HTML 4.01 Transitional//EN"
LOOSE = "http://www.w3.org/TR/html4/loose.dtd"


def begun(doctype: str) -> str:
    return changed("<!DOCTYPE html>", doctype)


FAULTS = (
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
    assert codes(document_head, begun(doctype)) == []


def test_a_mail_without_html_has_no_findings_on_its_head() -> None:
    assert codes(document_head, "") == []
