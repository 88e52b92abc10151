from __future__ import annotations

import pytest

from publisher.gate.rules import document_head
from tests.publisher.gate.pages import WORDS, Fault, changed, codes, sound, told, uncovered

XHTML = "-//W3C//DTD XHTML 1.0 Transitional//EN"
DTD = "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd"
HTML4 = "-//W3C//DTD HTML 4.01 Transitional//EN"
LOOSE = "http://www.w3.org/TR/html4/loose.dtd"


def begun(doctype: str) -> str:
    return changed("<!DOCTYPE html>", doctype)


FAULTS = (
    Fault("there is no document type", "doctype", begun("")),
    Fault("it asks for quirks mode", "doctype", begun(f'<!DOCTYPE html PUBLIC "{HTML4}">')),
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
    Fault("no charset is said", "meta-charset", changed('<meta charset="utf-8">', "")),
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
    Fault("Outlook is not told its pixels", "office-dpi", changed("PixelsPerInch", "AllowPNG")),
)


@pytest.mark.parametrize("fault", told(FAULTS))
def test_a_mail_is_found_in_which(fault: Fault) -> None:
    assert fault.code in codes(document_head, fault.html, fault.language)


@pytest.mark.parametrize("language", [*WORDS])
def test_nothing_is_found_in_a_sound_mail(language: str) -> None:
    assert codes(document_head, sound(language), language) == []


def test_every_rule_is_broken_by_one_of_these() -> None:
    assert uncovered(document_head, FAULTS) == set()


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


def test_a_mail_without_html_has_no_head_to_look_at() -> None:
    assert codes(document_head, "") == []
