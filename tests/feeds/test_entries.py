from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from feeds import (
    Author,
    EntryAttachment,
    Image,
    InvalidEntryError,
    InvalidIdentifierError,
    Link,
)
from tests.feeds.samples import NOON, entry

HOUR = timedelta(hours=1)
SOUND = EntryAttachment(url="https://example.org/a.mp3", media_type="audio/mpeg", length=9)
PAPER = EntryAttachment(url="https://example.org/a.pdf", media_type="application/pdf")


@pytest.mark.parametrize("field", ["published", "updated"])
def test_a_date_without_time_zone_is_refused_with_the_entry_s_id(field: str) -> None:
    naive = datetime(2026, 1, 9, 12)  # noqa: DTZ001  # naive on purpose

    with pytest.raises(InvalidEntryError) as caught:
        entry("lamp", **{field: naive})
    assert str(caught.value) == (
        f"entry tag:example.org,2026:lamp/en: {field} 2026-01-09T12:00:00 has no time zone"
    )


def test_updated_is_never_before_published() -> None:
    assert entry(published=NOON, updated=NOON - HOUR).updated == NOON


@pytest.mark.parametrize("title", ["", " \x00\n", "\u200b\u2066"])
def test_an_invisible_title_becomes_the_address(title: str) -> None:
    assert entry("lamp", title=title).title == "https://example.org/en/lamp"


def test_strings_are_cleaned() -> None:
    dirty = entry(
        title="A\x0b\nB",
        summary=" Cafe\u0301\x00 ",
        content_html="<p>\ud800x</p>",
        authors=(Author(name="A\tB", affiliation="C\x00"),),
        topics=("a\x0b", "a", " ", "b"),
        image=Image(url="https://example.org/a b.png", alt="\x00a"),
        attachments=(
            EntryAttachment(
                url="https://example.org/a b", media_type=" Audio/MPEG\n", title="\x00"
            ),
        ),
    )

    assert (dirty.title, dirty.summary, dirty.content_html) == ("A B", "Café", "<p>x</p>")
    assert dirty.authors == (Author(name="A B", affiliation="C"),)
    assert dirty.topics == ("a", "b")
    assert dirty.image == Image(url="https://example.org/a%20b.png", alt="a")
    assert dirty.attachments == (
        EntryAttachment(url="https://example.org/a%20b", media_type="audio/mpeg"),
    )


def test_directional_controls_of_texts_are_closed() -> None:
    turned = "\u202eabc"

    one = entry(title=turned, summary=turned, topics=(turned,), authors=(Author(name=turned),))

    texts = one.title, one.summary, one.topics[0], one.authors[0].name
    assert set(texts) == {"\u202eabc\u202c"}


def test_an_author_without_a_name_is_dropped() -> None:
    assert entry(authors=(Author(name=" ", url="https://example.org/"),)).authors == ()


def test_lists_become_tuples() -> None:
    link = Link(url="https://example.org/", language="ar")

    one = entry(
        topics=["a"], authors=[Author(name="A")], translations=[link], attachments=[SOUND]
    )

    assert (one.topics, one.translations, one.attachments) == (("a",), (link,), (SOUND,))
    assert one.authors == (Author(name="A"),)


def test_relative_addresses_are_refused() -> None:
    with pytest.raises(InvalidIdentifierError, match="'/a'"):
        entry(url="/a")


@pytest.mark.parametrize(
    ("media_type", "medium"),
    [
        ("audio/ogg", "audio"),
        ("Video/MP4", "video"),
        ("image/png", "image"),
        ("application/pdf", "document"),
        ("", "document"),
    ],
)
def test_medium_has_the_name_of_media_rss(media_type: str, medium: str) -> None:
    one = EntryAttachment(url="https://example.org/a", media_type=media_type)

    assert one.medium == medium


def test_the_enclosure_is_the_first_playable_file_of_known_length() -> None:
    assert entry().enclosure is None
    assert entry(attachments=(PAPER,)).enclosure is None
    assert entry(attachments=(PAPER, SOUND)).enclosure == SOUND
    paper = replace(PAPER, length=10)
    assert entry(attachments=(paper,)).enclosure == paper
    assert entry(attachments=(paper, SOUND)).enclosure == SOUND


@pytest.mark.parametrize("length", [0, -1, None])
def test_a_file_of_unknown_length_is_not_an_enclosure(length: int | None) -> None:
    sound = EntryAttachment(url="https://example.org/a", media_type="audio/mpeg", length=length)

    assert entry(attachments=(sound,)).enclosure is None


def test_an_unknown_media_type_is_octet_stream() -> None:
    unknown = EntryAttachment(url="https://example.org/a", media_type=" ")

    assert unknown.media_type == "application/octet-stream"


def test_a_summary_keeps_its_lines_unless_it_is_invisible() -> None:
    assert entry(summary=" a\r\nb ").summary == "a\nb"
    assert entry(summary="\u2028\u200b").summary == ""
