"""Where the beginning of an article ends, and which addresses and pictures a mail may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.articles.content.blocks import (
    ArticleContent,
    HorizontalRule,
    TextBlock,
    TextKind,
)
from publisher.articles.model import Picture
from publisher.mail_limits import MAX_URL_LENGTH
from publisher.rendering.prose import (
    BodyLink,
    body_links,
    content_opening,
    mail_content,
    mail_html,
    omitted_pictures,
)
from publisher.rendering.prose.mail_content import MailUrls
from tests.publisher.rendering.prose.helpers import BASE, FRAGMENTS, bare, read

LONG = "A sentence of some length, for once. "


def opened(source: str, limit: int) -> tuple[tuple[str, ...], bool]:
    taken, cut = content_opening(read(source), limit)
    return taken.passages, cut


def test_whole_blocks_are_taken_while_they_fit_and_all_of_a_short_article() -> None:
    source = "<p>12345</p><ul><li>123</li><li>45</li></ul><p>1</p>"
    assert opened(source, 10) == (("12345", "123", "45"), True)
    assert opened(source, 9) == (("12345",), True)
    assert opened(source, 11) == (("12345", "123", "45", "1"), False)
    prose = read("<p>Words:</p><hr><h2>A heading at the end</h2>")
    assert content_opening(prose, 100) == (prose, False)
    assert content_opening(ArticleContent(blocks=()), 0) == (ArticleContent(blocks=()), False)


def test_an_opening_has_whole_sentences_below_their_heading() -> None:
    source = f"<p>One is <b>here. Two</b> is <i>too. {LONG}</i></p><p>x</p>"
    taken, cut = content_opening(read(source), 30)
    assert cut
    assert taken.passages == ("One is here. Two is too.",)
    mail = mail_html(taken, language="en", base_url=BASE)
    assert "One is <b>here. Two</b> is <i>too.</i></p>" in mail
    assert opened(f"<p>One <b>is here.</b> <i>{LONG}</i></p>", 12) == (("One is here.",), True)
    assert opened(f"<h2>Heading</h2><p>One. {LONG}</p>", 20) == (("Heading", "One."), True)
    source = f"<blockquote><p>One.</p><p>{LONG}</p></blockquote><p>x</p>"
    assert opened(source, 20) == (("One.",), True)
    assert opened(f"<blockquote><p>{LONG}</p></blockquote>", 20) == ((), True)


@pytest.mark.parametrize(
    ("source", "limit", "expected"),
    [
        ("<p>他说：“走吧。”他走了。" + "长" * 90 + "。</p>", 20, ("他说：“走吧。”他走了。",)),
        ("<p>هل هذا صحيح؟ نعم. " + "كلمة " * 30 + ".</p>", 30, ("هل هذا صحيح؟ نعم.",)),
        ("<p>Mr. J. Doe of the U.S. spoke. " + LONG * 3 + "</p>", 40, ("Mr. J. Doe of the U.S. spoke.",)),
    ],
)  # fmt: skip
def test_sentences_end_as_their_language_ends_them(
    source: str, limit: int, expected: tuple[str, ...]
) -> None:
    assert opened(source, limit) == (expected, True)


@pytest.mark.parametrize(
    "source",
    [
        f"<p>{LONG}</p>",
        "<p>no end of a sentence here, however long it is</p>",
        f"<pre>{LONG}{LONG}</pre>",
        "<table><tr><td>One. Two.</td><td>Three. Four.</td></tr></table>",
    ],
)
def test_nothing_is_taken_where_nothing_whole_fits(source: str) -> None:
    assert opened(source, 20) == ((), True)


def test_no_heading_term_or_rule_is_left_at_the_end() -> None:
    for last in (
        "<h2>Heading</h2>",
        "<dl><dt>Term</dt></dl>",
        "<hr>",
        "<hr><h2>a</h2><h3>b</h3>",
    ):
        assert opened(f"<p>Words.</p>{last}<p>{LONG}</p>", 20) == (("Words.",), True)
    assert opened(f"<h2>Heading</h2><p>{LONG}</p>", 20) == ((), True)


def test_of_a_list_that_is_announced_as_many_items_are_taken_as_fit() -> None:
    items = "".join(f"<li>{LONG}</li>" for _ in range(3))
    assert opened(f"<p>Words.</p><p>These:</p><ul>{items}</ul>", 20) == (("Words.",), True)
    assert opened(f"<p>这些：</p><p>{LONG}</p>", 20) == (("这些：",), True)
    source = "<p>These:</p><ul><li>one</li><li>two</li><li>three</li></ul>"
    assert opened(source, 13) == (("These:", "one", "two"), True)


@given(FRAGMENTS, st.integers(0, 200))
def test_an_opening_is_a_beginning(source: str, limit: int) -> None:
    prose = read(source)
    taken, cut = content_opening(prose, limit)
    said = "".join(taken.passages)
    assert len(said) <= limit
    assert bare("".join(prose.passages)).startswith(bare(said))
    assert cut == (taken != prose)
    if cut and taken.blocks:
        last = taken.blocks[-1]
        assert not isinstance(last, HorizontalRule)
        assert not (
            isinstance(last, TextBlock) and last.kind in {TextKind.HEADING, TextKind.TERM}
        )


SITE = MailUrls(BASE)
PICTURE = Picture(src="/media/a.png", alt="A chart", width=1000, height=500)


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("https://example.org/a?b=1&c=%20#d", "https://example.org/a?b=1&c=%20#d"),
        ("/en/story/", "https://news.example.org/en/story/"),
        ("https://straße.example/ä b", "https://xn--strae-oqa.example/%C3%A4%20b"),
        ("http://例え.example/あ", "http://xn--r8jz45g.example/%E3%81%82"),
        ("mailto:ann@example.org?subject=é", "mailto:ann@example.org?subject=%C3%A9"),
        ("//cdn.example.org/x", "https://cdn.example.org/x"),
        ("HTTPS://Example.org/", "HTTPS://Example.org/"),
        ("https://example.org/@", "https://example.org/@"),
        ("https://example.org/" + "a" * 1980, "https://example.org/" + "a" * 1980),
        ("https://example.org/@@UNSUBSCRIBE@@", "https://example.org/@%E2%80%8C@UNSUBSCRIBE@@"),
    ],
)
def test_an_address_is_written_in_ascii(address: str, written: str) -> None:
    assert SITE.link(address) == written
    assert len(written) <= MAX_URL_LENGTH


@pytest.mark.parametrize(
    "address",
    [
        "",
        "relative/path",
        "#place",
        "javascript:alert(1)",
        "ftp://example.org/",
        "https:///nowhere",
        "https://ü..example/",
        "https://exa mple.org/",
        "https://[::1",
        "https://[::1]y/ü",
        "https://example.org:port/",
        "mailto:",
        "https://example.org/" + "ä" * 400,
    ],
)
def test_addresses_that_mail_programs_do_not_open_are_no_links(address: str) -> None:
    assert SITE.link(address) is None


def test_a_picture_lies_on_the_publications_host_and_has_words_of_its_own() -> None:
    assert MailUrls("https://example.org/news").link("/en/") == "https://example.org/news/en/"
    elsewhere = Picture(src="https://media.example.org/a.jpg", alt="x", width=9, height=9)
    assert SITE.picture(elsewhere, 528) is None
    hashed = Picture(src="/media/cat.0a1b2c3d.png", alt="cat.png", width=9, height=9)
    assert SITE.picture(hashed, 528) is None
    reason = SITE.omission_reason(hashed)
    assert reason == "its alternative text is a file's name: write what it shows"


def test_a_picture_is_shrunk_to_its_room_and_never_enlarged() -> None:
    shown = SITE.picture(PICTURE, 528)
    assert shown == Picture(src=f"{BASE}/media/a.png", alt="A chart", width=528, height=264)
    small = SITE.picture(Picture(src="/a.gif", alt="x", width=300, height=1), 528)
    assert small is not None
    assert (small.width, small.height) == (300, 1)
    flat = SITE.picture(Picture(src="/a.gif", alt="x", width=3000, height=1), 528)
    assert flat is not None
    assert flat.height == 1


def test_omitted_pictures_are_listed_with_their_reasons() -> None:
    prose = read(
        '<img src="/m/a.png" alt="fine" width="9" height="9">'
        '<img src="/m/b.svg" alt="b" width="9" height="9">'
        '<img src="/m/c.png" alt="" width="9" height="9">'
        '<img src="/m/d.png" alt="d"><img src="https://x.example/e.png" alt="e">'
        '<img src="/m/f.png" alt="f.png" width="9" height="9">'
        '<img src="/m/g" alt="g" width="9" height="9"><img src="/m/g" alt="again">'
        '<p>words <img src="https://x.example/pixel.gif" alt="" width="1" height="1"></p>'
    )
    told = omitted_pictures(prose, base_url=BASE)
    assert [line.partition(":")[0] for line in told] == [
        *("b.svg", "c.png", "d.png", "e.png", "f.png", "g")
    ]
    assert all(site_reason.partition(": ")[2] for site_reason in told)


def test_links_are_listed_once_with_their_words() -> None:
    prose = mail_content(
        '<p><a href="https://example.org/a">one <b>two</b></a> and '
        '<a href="https://example.org/a">again</a>, <a href="https://example.org/b">three</a></p>'
        '<p><a href="ftp://example.org/">no link</a></p>'
    )
    assert body_links(prose, base_url=BASE) == (
        BodyLink(title="one two", url="https://example.org/a"),
        BodyLink(title="three", url="https://example.org/b"),
    )


def test_links_are_listed_if_they_say_more_than_their_address() -> None:
    prose = read(
        '<a href="https://example.org/">https://example.org/</a> '
        '<a href="mailto:ann@example.org">ann@example.org</a>'
    )
    assert body_links(prose, base_url=BASE) == ()
    picture = '<a href="/en/"><img src="/m/a.png" alt="{}" width="90" height="90"></a>'
    assert body_links(read(picture.format("Map")), base_url=BASE) == (
        BodyLink(title="Map", url=f"{BASE}/en/"),
    )
    assert body_links(read(picture.format("")), base_url=BASE) == ()
