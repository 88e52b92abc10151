import pytest
from lxml.etree import _Element

from feeds import Author, Channel, Entry, EntryAttachment, Image, PodcastShow, podcasts, xmltree
from tests.feeds.samples import channel, entry, render_rss

SOUND = EntryAttachment(
    url="https://example.org/a.mp3", media_type="audio/mpeg", length=9, duration=61
)
FILM = EntryAttachment(url="https://example.org/a.mp4", media_type="video/mp4", length=7)
STREAM = EntryAttachment(url="https://example.org/live", media_type="video/mp4")
PAPER = EntryAttachment(url="https://example.org/a.pdf", media_type="application/pdf", length=5)
SHOW = PodcastShow(category="News > Daily News", owner_email="post@example.org")
ITUNES = xmltree.ITUNES


def head(made: Channel) -> _Element:
    return xmltree.parse_xml(render_rss(made))[0]


def item(one: Entry, podcast: PodcastShow | None = None) -> _Element:
    found = head(channel(one, podcast=podcast)).find("item")
    assert found is not None
    return found


def test_picture_is_a_thumbnail_with_the_sizes_that_are_known() -> None:
    image = Image(url="https://example.org/a.png", alt="A", width=0, height=3)

    found = item(entry(image=image)).findall(f"{xmltree.MEDIA}thumbnail")

    assert [dict(element.attrib) for element in found] == [
        {"url": "https://example.org/a.png", "height": "3"}
    ]


def test_what_is_not_the_enclosure_is_media_content() -> None:
    found = item(entry(attachments=(STREAM, SOUND, PAPER)))

    assert [dict(child.attrib) for child in found.findall(f"{xmltree.MEDIA}content")] == [
        {"url": STREAM.url, "type": "video/mp4", "medium": "video"},
        {"url": PAPER.url, "type": "application/pdf", "medium": "document", "fileSize": "5"},
    ]
    assert len(found.findall("enclosure")) == 1


def test_media_content_tells_its_title_and_how_long_it_lasts() -> None:
    titled = EntryAttachment(
        url="https://example.org/b", media_type="", title="<b>", duration=3
    )

    content = item(entry(attachments=(titled,))).find(f"{xmltree.MEDIA}content")

    assert content is not None
    assert list(content.items()) == [
        ("url", titled.url),
        ("type", "application/octet-stream"),
        ("medium", "document"),
        ("duration", "3"),
    ]
    title = content.find(f"{xmltree.MEDIA}title")
    assert title is not None
    assert (title.text, title.get("type")) == ("&lt;b&gt;", "html")


def test_show_tells_directories_what_they_ask_for() -> None:
    podcast = PodcastShow(
        category="News > Daily News",
        explicit=True,
        image="https://example.org/square.png",
        owner_name="The House",
        owner_email="post@example.org",
    )

    found = head(channel(entry(attachments=(SOUND,)), podcast=podcast))

    category = found.find(f"{ITUNES}category")
    assert category is not None
    assert category.get("text") == "News"
    assert [str(inner.get("text")) for inner in category] == ["Daily News"]
    assert found.findtext(f"{ITUNES}author") == "The Lantern"
    assert found.findtext(f"{ITUNES}explicit") == "true"
    assert found.findtext(f"{ITUNES}type") == "episodic"
    assert found.findtext(f"{ITUNES}owner/{ITUNES}name") == "The House"
    assert found.findtext(f"{ITUNES}owner/{ITUNES}email") == "post@example.org"
    image = found.find(f"{ITUNES}image")
    assert image is not None
    assert image.get("href") == "https://example.org/square.png"


def test_category_may_end_in_nothing() -> None:
    podcast = PodcastShow(category="News >", owner_email="post@example.org")

    category = head(channel(entry(attachments=(SOUND,)), podcast=podcast)).find(
        f"{ITUNES}category"
    )

    assert category is not None
    assert (category.get("text"), len(category)) == ("News", 0)


def test_owner_without_a_name_is_the_author() -> None:
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
def test_show_that_no_directory_would_take_is_none(podcast: PodcastShow | None) -> None:
    document = render_rss(channel(entry(attachments=(SOUND,)), podcast=podcast))

    assert b"itunes" not in document
    assert b"<enclosure " in document


@pytest.mark.parametrize(
    ("attachments", "shown"),
    [((), False), ((PAPER,), False), ((STREAM,), False), ((FILM,), True)],
)
def test_channel_without_sound_is_no_podcast(
    attachments: tuple[EntryAttachment, ...], shown: bool
) -> None:
    document = render_rss(channel(entry(attachments=attachments), podcast=SHOW))

    assert (b"itunes" in document) == shown


def test_episode_tells_who_speaks_and_how_long() -> None:
    authors = Author(name="A & B"), Author(name="C")

    found = item(entry(attachments=(SOUND,), authors=authors), SHOW)

    assert found.findtext(f"{ITUNES}author") == "A & B, C"
    assert found.findtext(f"{ITUNES}duration") == "61"
    assert found.findtext(f"{ITUNES}explicit") == "false"


def test_entry_without_sound_is_no_episode() -> None:
    made = channel(entry("a", attachments=(SOUND,)), entry("b"), podcast=SHOW)

    first, second = head(made).findall("item")

    assert first.find(f"{ITUNES}explicit") is not None
    assert second.find(f"{ITUNES}explicit") is None


def test_episode_whose_duration_nobody_knows_says_none() -> None:
    assert item(entry(attachments=(FILM,)), SHOW).find(f"{ITUNES}duration") is None


@pytest.mark.parametrize(
    ("attachments", "played"),
    [((PAPER, FILM), FILM), ((STREAM, SOUND), SOUND), ((PAPER,), None), ((FILM, SOUND), FILM)],
)
def test_what_is_played_is_the_enclosure_or_the_first_that_can_be(
    attachments: tuple[EntryAttachment, ...], played: EntryAttachment | None
) -> None:
    assert podcasts.episode(entry(attachments=attachments)) is played


def test_names_are_no_longer_than_apple_takes() -> None:
    long = Author(name="x" * 300)

    found = head(
        channel(entry(attachments=(SOUND,), authors=(long,)), author=long, podcast=SHOW)
    )

    assert len(found.findtext(f"{ITUNES}author") or "") == podcasts._MAX_NAME
    assert len(found.findtext(f"item/{ITUNES}author") or "") == podcasts._MAX_NAME
