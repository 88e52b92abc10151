"""Atom: what the expected documents do not show."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from lxml.etree import _Element

from feeds import Author, Channel, xml_builder
from feeds.renderers.atom import distinct_moments
from tests.feeds.samples import NOON, channel, entry, render_atom

ATOM = xml_builder.ATOM
EARLIER = NOON.replace(hour=11)
FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def tree(made: Channel) -> _Element:
    return xml_builder.parse_xml(render_atom(made))


def test_an_entry_without_content_has_its_full_link_and_a_summary() -> None:
    root = tree(channel(entry(content_html="", summary="Short.")))

    assert [dict(link.attrib) for link in root.findall(f"{ATOM}entry/{ATOM}link")] == [
        {
            "rel": "alternate",
            "type": "text/html",
            "hreflang": "en",
            "href": "https://example.org/en/one",
        }
    ]
    assert root.find(f".//{ATOM}content") is None
    assert root.findtext(f".//{ATOM}summary") == "Short."


@given(st.lists(st.sampled_from([NOON, EARLIER, FIRST, LAST]), max_size=60))
def test_equal_moments_are_spelled_differently(moments: list[datetime]) -> None:
    written = distinct_moments(moments)

    assert written == moments
    assert len({moment.isoformat() for moment in written}) == len(moments)


def test_a_new_entry_changes_no_older_moment() -> None:
    assert distinct_moments([NOON, NOON, NOON])[1:] == distinct_moments([NOON, NOON])
    assert [m.isoformat() for m in distinct_moments([NOON, NOON, NOON])[1:]] == [
        m.isoformat() for m in distinct_moments([NOON, NOON])
    ]


def test_more_entries_than_minutes_of_a_day_may_share_a_moment() -> None:
    assert set(distinct_moments([NOON] * 3000)) == {NOON}


def test_texts_with_special_characters_are_escaped_html() -> None:
    root = tree(channel(entry(title="<b> & c"), title="Q&A", description="<i>", rights="&copy"))

    for path, shown in (
        ("title", "Q&amp;A"),
        ("subtitle", "&lt;i&gt;"),
        ("rights", "&amp;copy"),
        ("entry/{A}title", "&lt;b&gt; &amp; c"),
    ):
        element = root.find(f"{ATOM}{path}".replace("{A}", ATOM))
        assert element is not None
        assert (element.get("type"), element.text) == ("html", shown)


def test_special_characters_of_names_are_numeric_references() -> None:
    document = render_atom(
        channel(entry(authors=(Author(name="A & B"),)), author=Author(name="C&copy"))
    )

    assert b"<name>A &#x26; B</name>" in document
    assert b"<name>C&#x26;copy</name>" in document


def test_a_feed_without_entries_is_complete() -> None:
    root = tree(channel())

    assert root.findtext(f"{ATOM}updated") == "2026-01-09T12:00:00+00:00"
    assert root.findtext(f"{ATOM}author/{ATOM}name") == "The Lantern"


def test_an_entry_with_neither_summary_nor_content_has_its_title_as_summary() -> None:
    root = tree(channel(entry(content_html="", title="A & B")))

    summary = root.find(f".//{ATOM}summary")
    assert summary is not None
    assert (summary.get("type"), summary.text) == ("html", "A &amp; B")
