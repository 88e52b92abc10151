from __future__ import annotations

import pytest
from lxml import html

from publisher.errors import UsageError
from publisher.screenshots import MAIL_VIEWS, MailView, with_local_pictures
from publisher.screenshots.frames import FrameHeights, frames_page, read_frame_heights

MAIL = '<!DOCTYPE html><p title="a &amp; b">“Hello”</p>'
TWO = (MailView(scheme="light", width=600), MailView(scheme="dark", width=320))


def test_mails_are_looked_at_in_both_schemes_at_both_widths() -> None:
    assert {(view.scheme, view.width) for view in MAIL_VIEWS} == {
        ("light", 600),
        ("light", 320),
        ("dark", 600),
        ("dark", 320),
    }


def test_each_view_is_a_frame_with_the_whole_mail() -> None:
    frames = html.document_fromstring(frames_page(MAIL, TWO)).findall(".//iframe")

    assert [(frame.get("width"), frame.get("style")) for frame in frames] == [
        ("600", "color-scheme:light"),
        ("320", "color-scheme:dark"),
    ]
    assert {frame.get("srcdoc") for frame in frames} == {MAIL}
    assert {frame.get("sandbox") for frame in frames} == {"allow-same-origin"}


def test_the_page_begins_at_the_given_place() -> None:
    assert "margin:0px 0 0" in frames_page(MAIL, TWO)
    assert "margin:-6000px 0 0" in frames_page(MAIL, TWO, top=6000)


def test_the_page_lets_nothing_in_from_elsewhere() -> None:
    page = html.document_fromstring(frames_page(MAIL, TWO))
    policy = page.findall(".//meta")[1].get("content") or ""

    assert policy.startswith("default-src 'none'; img-src file: data:;")
    assert "http" not in policy


def dom(window: int, *frames: tuple[int, str]) -> str:
    text = (
        f"[{window},[{','.join(f'[{high},&quot;{scheme}&quot;]' for high, scheme in frames)}]]"
    )
    return f'<!DOCTYPE html><html data-seen="{text}"><body></body></html>'


def test_what_was_seen_is_read() -> None:
    seen = read_frame_heights(dom(5857, (4100, "light"), (5200, "dark")), TWO)

    assert seen == FrameHeights(window=5857, heights=(4100, 5200))


def test_a_page_that_was_not_shown_is_an_error() -> None:
    with pytest.raises(UsageError, match="did not show the page"):
        read_frame_heights("<html><body>ERR_FILE_NOT_FOUND</body></html>", TWO)


def test_a_mail_can_not_say_what_was_seen() -> None:
    forged = frames_page(dom(1, (1, "light"), (1, "dark")), TWO)

    with pytest.raises(UsageError, match="did not show the page"):
        read_frame_heights(forged, TWO)


def test_light_is_not_taken_for_dark() -> None:
    with pytest.raises(UsageError, match="too old to show mails in dark colours"):
        read_frame_heights(dom(5857, (4100, "light"), (5200, "light")), TWO)


FOUND = {"media/1/a.png": "file:///p/a.png", "media/2/b.png?v=1&w=2": "file:///p/b%22.png"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            '<img alt="A" src="https://n.example/s/media/1/a.png">',
            '<img alt="A" src="file:///p/a.png">',
        ),
        (
            '<td background="https://n.example/s/media/2/b.png?v=1&amp;w=2">',
            '<td background="file:///p/b%22.png">',
        ),
        ('<img src="https://n.example/s/media/3/lost.png">', None),
        ('<img src="https://elsewhere.example/media/1/a.png">', None),
        ('<img src="https://n.example/space/media/1/a.png">', None),
        (
            '<a href="https://n.example/s/media/1/a.png">https://n.example/s/media/1/a.png</a>',
            None,
        ),
        ('<img data-src="https://n.example/s/media/1/a.png">', None),
    ],
)
def test_pictures_of_the_publication_are_taken_from_files(
    before: str, after: str | None
) -> None:
    assert with_local_pictures(before, "https://n.example/s", FOUND.get) == (after or before)
