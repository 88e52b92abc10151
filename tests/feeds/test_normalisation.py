import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from feeds import InvalidChannelError, InvalidEntryError
from feeds.normalisation import (
    balance_bidi,
    clean_html,
    label,
    normalise_text,
    one_line,
    optional_line,
    prose,
    utc_seconds,
    zoned_seconds,
)

ANYTHING = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    "forbidden",
    [
        *("\x00", "\x08", "\x0b", "\x0c", "\x0e", "\x1f", "\ud800", "\ufffe", "\uffff"),
        # discouraged by XML
        *("\x7f", "\x80", "\x9f", "\ufdd0", "\ufffd", "\U0001ffff", "\U0010fffe"),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("beside", ["", "é", "字", "\U0001f469", "\n"], ids=ascii)
def test_forbidden_characters_are_removed(forbidden: str, beside: str) -> None:
    text = f"a{forbidden}{beside}b"
    assert normalise_text(text) == clean_html(text) == f"a{beside}b"


@pytest.mark.parametrize(
    "legal",
    [
        "\t",
        "\n",
        "\xa0",
        "\ufdcf\ufdf0",
        "\ufffc",
        "\U00010000\U0001fffd\U0010fffd",
        "\u2028",
        "\u200f",
        "\u2068x\u2069",
        "\U0001f469\u200d\U0001f4bb",
    ],
    ids=ascii,
)
def test_characters_that_xml_allows_stay(legal: str) -> None:
    assert normalise_text(f"a{legal}b") == f"a{legal}b"


def test_text_is_in_nfc_without_damage_to_tags_and_line_ends_are_line_feeds() -> None:
    assert normalise_text("Cafe\u0301") == clean_html("Cafe\u0301") == "Café"
    assert normalise_text("a\r\nb\rc\x85d\n") == "a\nb\nc\nd\n"
    html = "<b>\u0338Cafe\u0301</b>"
    assert unicodedata.normalize("NFC", html).startswith("<b≯")
    assert clean_html(html) == "<b>\u0338Café</b>"


def test_line_ends_of_a_line_become_spaces_and_typographic_spaces_stay() -> None:
    assert one_line("  a\n\tb\u2028c \x0bd\x85e ") == "a b c d e"
    assert one_line("«\u00a0a\u00a0»\u3000b") == "«\u00a0a\u00a0»\u3000b"


@pytest.mark.parametrize(
    ("open_text", "closed"),
    [
        ("\u202eabc", "\u202eabc\u202c"),
        ("\u2067a\u202bb", "\u2067a\u202bb\u202c\u2069"),
        ("\u2067a\u202bb\u2069c", "\u2067a\u202bb\u2069c"),
        ("\u2066a\u2069 \u202ab\u202c", "\u2066a\u2069 \u202ab\u202c"),
        ("a\u202c b\u2069", "a b"),
        ("\u202aa\u2069b", "\u202aab\u202c"),
        ("\u202a\u2066a\u202cb", "\u202a\u2066ab\u2069\u202c"),
        ("\u200fא\u200e", "\u200fא\u200e"),
    ],
    ids=ascii,
)
def test_directional_controls_are_balanced(open_text: str, closed: str) -> None:
    assert balance_bidi(open_text) == label(open_text) == closed


def test_a_label_is_one_line_and_empty_if_it_is_invisible() -> None:
    assert label("\u200b\u202e\u2060 \u00ad\ufeff\u3000") == label(" \xa0") == ""
    assert one_line("\u200b") == "\u200b"
    assert label(" a\n b \u202ec ") == "a b \u202ec\u202c"
    assert label("  Title  of  字 ") == "Title of 字"


@pytest.mark.parametrize(
    "blank",
    [
        "\u3164",
        "\ufe0f",
        "\u2800",
        "\u115f\u1160",
        "\uffa0",
        "\u034f",
        "\u180b",
        "\U000e0101",
        "\u00a0",
    ],
    ids=ascii,
)
def test_a_label_of_invisible_printable_characters_is_empty(blank: str) -> None:
    assert label(blank) == label(f" {blank} {blank}\n") == ""
    assert prose(blank) == ""
    assert label(f"a{blank}b") == f"a{blank}b"


@settings(deadline=None)
@given(st.text(st.sampled_from("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069ab")))
def test_balanced_text_leaves_no_control_open(text: str) -> None:
    once = balance_bidi(text)
    assert balance_bidi(once) == once
    assert balance_bidi(f"{once}\u202c\u2069") == once


@settings(deadline=None)
@given(ANYTHING)
def test_normal_text_can_be_written_as_xml_and_utf_8(text: str) -> None:
    for cleaned in (normalise_text(text), clean_html(text), one_line(text), label(text)):
        element = etree.Element("a")
        element.text = cleaned
        assert (etree.fromstring(etree.tostring(element)).text or "") == cleaned


@settings(deadline=None)
@given(ANYTHING)
def test_normalising_twice_changes_nothing(text: str) -> None:
    for function in (normalise_text, clean_html, one_line, label, balance_bidi):
        assert function(function(text)) == function(text)


def test_moments_are_in_utc_and_whole_seconds() -> None:
    moment = datetime(2026, 1, 9, 20, 0, 0, 123456, timezone(timedelta(hours=8)))
    found = utc_seconds(moment, "when", "x")
    assert found.isoformat() == "2026-01-09T12:00:00+00:00"
    assert found.tzinfo is UTC
    assert zoned_seconds(moment, "when", "x").isoformat() == "2026-01-09T20:00:00+08:00"
    nepal = moment.replace(hour=0, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    assert zoned_seconds(nepal, "when", "x").isoformat() == "2026-01-09T00:15:00+06:00"
    late = nepal.replace(hour=23, minute=50)
    assert zoned_seconds(late, "when", "x").isoformat() == "2026-01-09T23:35:00+05:30"
    last = datetime.max.replace(tzinfo=nepal.tzinfo)
    assert zoned_seconds(last, "when", "x").isoformat() == "9999-12-31T18:14:59+00:00"
    moment = datetime(2026, 1, 9, tzinfo=UTC)
    assert utc_seconds(moment, "when", "x") is moment
    before_time = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    with pytest.raises(InvalidEntryError, match="is not a date in UTC"):
        utc_seconds(before_time, "when", "x")


@pytest.mark.parametrize("error", [InvalidEntryError, InvalidChannelError])
def test_a_moment_without_time_zone_is_refused_with_the_owner_s_id(
    error: type[InvalidEntryError | InvalidChannelError],
) -> None:
    naive = datetime(2026, 1, 9)  # noqa: DTZ001  # naive on purpose
    with pytest.raises(error, match="x: when 2026-01-09T00:00:00 has no time zone"):
        utc_seconds(naive, "when", "x", error)


@pytest.mark.parametrize("blank", [None, "", " \n", "\x00", "\u2066"], ids=ascii)
def test_a_blank_line_is_none(blank: str | None) -> None:
    assert optional_line(blank) is None


def test_a_line_is_normalised() -> None:
    assert optional_line(" a\nb") == "a b"
