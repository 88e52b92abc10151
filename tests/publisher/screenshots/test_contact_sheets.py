from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from publisher.screenshots import LabelledPicture, compose_contact_sheet, contact_sheets
from publisher.screenshots.contact_sheets import SHEET_GAP, SHEET_LABEL_HEIGHT, crop_column

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


def test_pieces_are_put_together_from_top_to_bottom() -> None:
    strips = [plain(50, 30, RED), plain(50, 30, GREEN), plain(50, 30, BLUE)]
    whole = opened(crop_column(strips, left=10, width=20, heights=[30, 5, 0]))

    assert whole.size == (20, 35)
    assert [whole.getpixel((0, y)) for y in (0, 29, 30, 34)] == [RED, RED, GREEN, GREEN]


def test_a_column_is_cut_from_its_left_edge_on() -> None:
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


def test_a_sheet_can_be_made_smaller_and_its_pictures_cut_off() -> None:
    whole = opened(compose_contact_sheet([[one(60, 400, RED)]], scale=0.5, lowest=100))

    assert whole.size == (30 + 2 * SHEET_GAP, SHEET_LABEL_HEIGHT + SHEET_GAP + 50)


def test_a_sheet_has_no_more_pixels_than_viewers_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_sheets, "MAX_SHEET_PIXELS", 40_000)
    whole = opened(compose_contact_sheet([[one(400, 400, RED)]]))

    assert whole.size == (200 + 2 * SHEET_GAP, SHEET_LABEL_HEIGHT + SHEET_GAP + 200)


def test_a_sheet_has_a_palette() -> None:
    with Image.open(BytesIO(compose_contact_sheet([[one(60, 40, RED)]], colours=16))) as whole:
        assert whole.mode == "P"
        assert len(whole.getcolors() or ()) <= 16
