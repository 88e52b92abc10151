import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from feeds.text import clean, clean_html, line

ANYTHING = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    "forbidden",
    ["\x00", "\x08", "\x0b", "\x0c", "\x0e", "\x1f", "\ud800", "\ufffe", "\uffff"],
    ids=ascii,
)
def test_what_xml_forbids_is_removed(forbidden: str) -> None:
    assert clean(f"a{forbidden}b") == clean_html(f"a{forbidden}b") == "ab"


@pytest.mark.parametrize(
    "legal",
    [
        "\t",
        "\n",
        "\x7f",
        "\x85",
        "\u2028",
        "\u200f",
        "\u2068x\u2069",
        "\U0001f469\u200d\U0001f4bb",
    ],
    ids=ascii,
)
def test_what_xml_permits_stays(legal: str) -> None:
    assert clean(f"a{legal}b") == f"a{legal}b"


def test_text_is_in_nfc() -> None:
    assert clean("Cafe\u0301") == clean_html("Cafe\u0301") == "Café"


def test_line_ends_are_line_feeds() -> None:
    assert clean("a\r\nb\rc\n") == "a\nb\nc\n"


def test_normalising_html_eats_no_tag() -> None:
    html = "<b>\u0338Cafe\u0301</b>"

    assert unicodedata.normalize("NFC", html).startswith("<b≯")
    assert clean_html(html) == "<b>\u0338Café</b>"


def test_line_is_one_line() -> None:
    assert line("  a\n\tb\u2028c \x0bd\x85e ") == "a b c d e"


def test_line_keeps_typographic_spaces() -> None:
    assert line("«\u00a0a\u00a0»\u3000b") == "«\u00a0a\u00a0»\u3000b"


@settings(deadline=None)  # a loaded machine is no fault of the text
@given(ANYTHING)
def test_whatever_was_cleaned_can_be_written_as_xml_and_utf8(text: str) -> None:
    for cleaned in (clean(text), clean_html(text), line(text)):
        element = etree.Element("a")
        element.text = cleaned
        assert (etree.fromstring(etree.tostring(element)).text or "") == cleaned


@settings(deadline=None)  # a loaded machine is no fault of the text
@given(ANYTHING)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    for function in (clean, clean_html, line):
        assert function(function(text)) == function(text)
