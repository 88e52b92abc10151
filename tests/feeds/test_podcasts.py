"""Media RSS and podcast elements that the expected documents do not show."""

import pytest
from lxml.etree import _Element

from feeds import Author, Channel, Entry, EntryAttachment, Image, PodcastShow, xml_builder
from tests.feeds.samples import channel, entry, render_rss

SOUND = EntryAttachment(
    url="https://example.org/a.mp3", media_type="audio/mpeg", length=9, duration=61
)
FILM = EntryAttachment(url="https://example.org/a.mp4", media_type="video/mp4", length=7)
STREAM = EntryAttachment(url="https://example.org/live", media_type="video/mp4")
PAPER = EntryAttachment(url="https://example.org/a.pdf", media_type="application/pdf", length=5)
SHOW = PodcastShow(category="News > Daily News", owner_email="post@example.org")
ITUNES = xml_builder.ITUNES


def head(made: Channel) -> _Element:
    return xml_builder.parse_xml(render_rss(made))[0]


def item(one: Entry, podcast: PodcastShow | None = None) -> _Element:
    found = head(channel(one, podcast=podcast)).find("item")
    assert found is not None
    return found


def test_a_thumbnail_has_the_sizes_that_are_known() -> None:
    image = Image(url="https://example.org/a.png", alt="A", width=0, height=3)
    found = item(entry(image=image)).findall(f"{xml_builder.MEDIA}thumbnail")
    assert [dict(element.attrib) for element in found] == [
        {"url": "https://example.org/a.png", "height": "3"}
    ]


def test_media_content_has_title_and_duration() -> None:
    titled = EntryAttachment(
        url="https://example.org/b", media_type="", title="<b>", duration=3
    )
    content = item(entry(attachments=(titled,))).find(f"{xml_builder.MEDIA}content")
    assert content is not None
    assert list(content.items()) == [
        ("url", titled.url),
        ("type", "application/octet-stream"),
        ("medium", "document"),
        ("duration", "3"),
    ]
    title = content.find(f"{xml_builder.MEDIA}title")
    assert title is not None
    assert (title.text, title.get("type")) == ("&lt;b&gt;", "html")


def test_a_category_may_lack_a_subcategory_and_an_owner_a_name() -> None:
    podcast = PodcastShow(category="News >", owner_email="post@example.org")
    category = head(channel(entry(attachments=(SOUND,)), podcast=podcast)).find(
        f"{ITUNES}category"
    )
    assert category is not None
    assert (category.get("text"), len(category)) == ("News", 0)
    found = head(channel(entry(attachments=(SOUND,)), podcast=SHOW))
    assert found.findtext(f"{ITUNES}owner/{ITUNES}name") == "The Lantern"
    assert found.find(f"{ITUNES}image") is None


@pytest.mark.parametrize(
    "podcast",
    [
        *(
            None,
            PodcastShow(),
            PodcastShow(category="News"),
            PodcastShow(owner_email="post@example.org"),
        ),
        PodcastShow(category=" > ", owner_email="post@example.org"),
        PodcastShow(category=">>", owner_email="post@example.org"),
    ],
)
def test_an_incomplete_show_has_no_podcast_elements(podcast: PodcastShow | None) -> None:
    document = render_rss(channel(entry(attachments=(SOUND,)), podcast=podcast))
    assert b"itunes" not in document
    assert b"<enclosure " in document


@pytest.mark.parametrize(
    ("attachments", "shown"),
    [((), False), ((PAPER,), False), ((STREAM,), False), ((FILM,), True)],
)
def test_a_channel_without_audio_or_video_has_no_podcast_elements(
    attachments: tuple[EntryAttachment, ...], shown: bool
) -> None:
    document = render_rss(channel(entry(attachments=attachments), podcast=SHOW))
    assert (b"itunes" in document) == shown


def test_only_entries_with_audio_are_episodes_and_names_are_cut_as_apple_does() -> None:
    made = channel(entry("a", attachments=(SOUND,)), entry("b"), podcast=SHOW)
    first, second = head(made).findall("item")
    assert first.find(f"{ITUNES}explicit") is not None
    assert second.find(f"{ITUNES}explicit") is None
    long = Author(name="x" * 300)
    found = head(
        channel(entry(attachments=(SOUND,), authors=(long,)), author=long, podcast=SHOW)
    )
    assert len(found.findtext(f"{ITUNES}author") or "") == xml_builder._MAX_NAME
    assert len(found.findtext(f"item/{ITUNES}author") or "") == xml_builder._MAX_NAME


@pytest.mark.parametrize(
    ("attachments", "played"),
    [((PAPER, FILM), FILM), ((STREAM, SOUND), SOUND), ((PAPER,), None), ((FILM, SOUND), FILM)],
)
def test_the_episode_is_the_enclosure_or_the_first_playable_file(
    attachments: tuple[EntryAttachment, ...], played: EntryAttachment | None
) -> None:
    assert xml_builder.episode(entry(attachments=attachments)) is played
