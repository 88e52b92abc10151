"""Pictures of screens: their frames, and sheets of many."""

from io import BytesIO

import pytest
from lxml import html
from PIL import Image

from publisher.errors import UsageError
from publisher.screenshots import contact_sheets
from publisher.screenshots.capture import (
    MAIL_VIEWS,
    MailView,
    frames_page,
    read_heights,
    with_local_pictures,
)
from publisher.screenshots.contact_sheets import (
    SHEET_GAP,
    SHEET_LABEL_HEIGHT,
    LabelledPicture,
    compose_contact_sheet,
    crop_column,
)

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


def test_the_page_begins_at_the_given_place_and_lets_nothing_in_from_elsewhere() -> None:
    assert "margin:0px 0 0" in frames_page(MAIL, TWO)
    assert "margin:-6000px 0 0" in frames_page(MAIL, TWO, top=6000)
    page = html.document_fromstring(frames_page(MAIL, TWO))
    policy = page.findall(".//meta")[1].get("content") or ""

    assert policy.startswith("default-src 'none'; img-src file: data:;")
    assert "http" not in policy


def dom(window: int, *frames: tuple[int, str]) -> str:
    text = (
        f"[{window},[{','.join(f'[{high},&quot;{scheme}&quot;]' for high, scheme in frames)}]]"
    )
    return f'<!DOCTYPE html><html data-seen="{text}"><body></body></html>'


def test_what_was_seen_is_read_and_a_page_not_shown_or_forged_or_not_dark_is_an_error() -> None:
    seen = read_heights(dom(5857, (4100, "light"), (5200, "dark")), TWO)

    assert seen == (5857, [4100, 5200])
    with pytest.raises(UsageError, match="did not show the page"):
        read_heights("<html><body>ERR_FILE_NOT_FOUND</body></html>", TWO)
    forged = frames_page(dom(1, (1, "light"), (1, "dark")), TWO)

    with pytest.raises(UsageError, match="did not show the page"):
        read_heights(forged, TWO)
    with pytest.raises(UsageError, match="too old to show mails in dark colours"):
        read_heights(dom(5857, (4100, "light"), (5200, "light")), TWO)


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


RED, GREEN, BLUE = (255, 0, 0), (0, 128, 0), (0, 0, 255)
Colour = tuple[int, int, int]


def plain(width: int, height: int, colour: Colour) -> bytes:
    file = BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "PNG")
    return file.getvalue()


def opened(picture: bytes) -> Image.Image:
    return Image.open(BytesIO(picture)).convert("RGB")


def one(width: int, height: int, colour: Colour) -> LabelledPicture:
    return LabelledPicture(label="en, light, 600 px", picture=plain(width, height, colour))


def test_pieces_are_cut_from_the_left_edge_and_put_together_from_top_to_bottom() -> None:
    strips = [plain(50, 30, RED), plain(50, 30, GREEN), plain(50, 30, BLUE)]
    whole = opened(crop_column(strips, left=10, width=20, heights=[30, 5, 0]))

    assert whole.size == (20, 35)
    assert [whole.getpixel((0, y)) for y in (0, 29, 30, 34)] == [RED, RED, GREEN, GREEN]
    strip = Image.new("RGB", (50, 10), RED)
    strip.paste(GREEN, (10, 0, 30, 10))
    file = BytesIO()
    strip.save(file, "PNG")

    whole = opened(crop_column([file.getvalue()], left=10, width=20, heights=[10]))

    assert whole.getcolors() == [(200, GREEN)]


def test_rows_lie_below_each_other_and_each_picture_below_its_label() -> None:
    rows = [[one(60, 40, RED), one(32, 50, GREEN)], [one(60, 20, BLUE)]]
    whole = opened(compose_contact_sheet(rows))

    assert whole.size == (
        60 + 32 + 3 * SHEET_GAP,
        2 * (SHEET_LABEL_HEIGHT + SHEET_GAP) + 50 + 20,
    )
    assert whole.getpixel((SHEET_GAP, SHEET_LABEL_HEIGHT)) == RED
    assert whole.getpixel((SHEET_GAP + 60 + SHEET_GAP, SHEET_LABEL_HEIGHT + 49)) == GREEN
    assert (
        whole.getpixel((SHEET_GAP, SHEET_LABEL_HEIGHT + 50 + SHEET_GAP + SHEET_LABEL_HEIGHT))
        == BLUE
    )
    label = whole.crop((SHEET_GAP, 0, SHEET_GAP + 60, SHEET_LABEL_HEIGHT)).convert("L")
    assert label.getextrema()[0] == 0


def test_a_sheet_is_made_smaller_cut_off_and_given_a_palette_as_asked() -> None:
    whole = opened(compose_contact_sheet([[one(60, 400, RED)]], scale=0.5, lowest=100))

    assert whole.size == (30 + 2 * SHEET_GAP, SHEET_LABEL_HEIGHT + SHEET_GAP + 50)
    with Image.open(BytesIO(compose_contact_sheet([[one(60, 40, RED)]], colours=16))) as whole:
        assert whole.mode == "P"
        assert len(whole.getcolors() or ()) <= 16


def test_a_sheet_has_no_more_pixels_than_viewers_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_sheets, "MAX_SHEET_PIXELS", 40_000)
    whole = opened(compose_contact_sheet([[one(400, 400, RED)]]))

    assert whole.size == (200 + 2 * SHEET_GAP, SHEET_LABEL_HEIGHT + SHEET_GAP + 200)
