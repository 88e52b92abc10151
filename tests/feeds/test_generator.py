from datetime import timedelta

import pytest

from feeds import Author, EntryAttachment, feedgen_adapter, xmltree
from tests.feeds.samples import NOON, channel, entry

ATOM = xmltree.ATOM


def test_heads_hold_no_entries_and_no_links() -> None:
    made = channel(entry("a"), entry("b"))

    atom, rss = feedgen_adapter.atom_head(made), feedgen_adapter.rss_head(made)

    assert {child.tag for child in atom} == {
        f"{ATOM}{name}"
        for name in ("id", "title", "updated", "author", "generator", "subtitle")
    }
    assert [child.tag for child in rss[0]] == [
        "title",
        "link",
        "description",
        "docs",
        "generator",
        "language",
    ]


def test_head_says_how_long_a_copy_is_fresh() -> None:
    assert feedgen_adapter.rss_head(channel(ttl=15)).findtext("channel/ttl") == "15"


def test_authors_have_addresses_in_atom() -> None:
    author = Author(name="First Author", url="https://example.org/first")

    head = feedgen_adapter.atom_head(channel(author=author))
    element = feedgen_adapter.atom_entry(entry(authors=(author,)), NOON)

    assert head.findtext(f"{ATOM}author/{ATOM}uri") == author.url
    assert element.findtext("author/uri") == author.url


def test_entry_is_written_with_the_moment_given() -> None:
    element = feedgen_adapter.atom_entry(entry(), NOON + timedelta(hours=1))

    assert element.findtext("updated") == "2026-01-09T13:00:00+00:00"
    assert element.findtext("published") == "2026-01-09T12:00:00+00:00"


@pytest.mark.parametrize("content", ["", "<p>x</p>"])
def test_atom_entry_has_no_links_yet(content: str) -> None:
    assert feedgen_adapter.atom_entry(entry(content_html=content), NOON).find("link") is None


def test_entry_that_says_nothing_has_its_title_as_summary() -> None:
    bare = entry(content_html="", title="A & B")

    assert feedgen_adapter.atom_entry(bare, NOON).findtext("summary") == "A &amp; B"
    assert feedgen_adapter.rss_item(bare).findtext("description") == "A &amp; B"


def test_summary_is_html_where_it_would_be_taken_for_it() -> None:
    for text, kind in (("plain", None), ("1 < 2", "html")):
        summary = feedgen_adapter.atom_entry(entry(summary=text), NOON).find("summary")
        assert summary is not None
        assert summary.get("type") == kind


def test_item_has_one_enclosure_with_its_true_length() -> None:
    paper, sound, film = (
        EntryAttachment(
            url=f"https://example.org/{kind}", media_type=f"{kind}/x", length=length
        )
        for kind, length in (("application", None), ("audio", 9), ("video", 7))
    )

    item = feedgen_adapter.rss_item(entry(attachments=(paper, sound, film)))

    assert [dict(child.attrib) for child in item.findall("enclosure")] == [
        {"url": "https://example.org/audio", "length": "9", "type": "audio/x"}
    ]
