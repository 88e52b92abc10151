"""The icon of the site: of the design's picture, or a letter on its colour."""

import xml.etree.ElementTree as ET
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from publisher import urls
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import changes, public, shown
from tests.publisher.syndication.test_publish import tides

_MADE = {
    urls.icon_path(): (192, 192),
    "apple-touch-icon.png": (180, 180),
    "favicon.ico": (48, 48),
}


def opened(file: Path) -> Image.Image:
    return Image.open(BytesIO(file.read_bytes()))


def sizes(folder: Path) -> dict[str, tuple[int, int]]:
    return {name: opened(folder / name).size for name in _MADE}


def linked_icon(publication: PublicationFolder) -> str:
    page = (public(publication) / "en/index.html").read_text("utf-8")
    return page.partition('<link rel="icon" href="')[2].partition('"')[0]


def test_a_publication_without_a_picture_has_its_first_letter(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    shown(publication)
    folder = public(publication)
    assert sizes(folder) == _MADE
    assert linked_icon(publication) == "/icon.svg"
    letter = ET.parse(folder / "icon.svg").getroot().find("{*}text")
    assert letter is not None
    assert letter.text == publication.settings.publication.title("en")[0]
    drawn = opened(folder / urls.icon_path()).convert("RGB")
    colours = {colour for _count, colour in drawn.getcolors(100_000) or ()}
    assert {(0x8F, 0x2F, 0x12), (255, 255, 255)} <= colours
    with changes(folder) as found:
        shown(publication)
    assert found == set()


@pytest.mark.parametrize("key", ["logo", "icon"])
def test_a_square_picture_is_the_icon(publication: PublicationFolder, key: str) -> None:
    root, folder = publication.settings.folders.root, public(publication)
    shown(publication)
    Image.new("RGB", (64, 64), "#204060").save(root / "square.png")
    publication.reload(design={key: "square.png"})
    shown(publication)
    assert sizes(folder) == _MADE
    assert opened(folder / urls.icon_path()).getpixel((96, 96)) == (0x20, 0x40, 0x60, 255)
    assert linked_icon(publication) == "/icon-192.png"
    # Pages of issues stay as they were sent, and name it.
    assert (folder / "icon.svg").exists()


def test_a_wide_logo_is_no_icon(publication: PublicationFolder) -> None:
    Image.new("RGB", (520, 64)).save(publication.settings.folders.root / "wide.png")
    publication.reload(design={"logo": "wide.png"})
    shown(publication)
    assert linked_icon(publication) == "/icon.svg"


def test_a_title_without_a_latin_letter_has_it_where_browsers_have_the_font(
    publication: PublicationFolder,
) -> None:
    publication.reload(title="《灯笼》")
    shown(publication)
    assert "灯" in (public(publication) / "icon.svg").read_text("utf-8")
    assert sizes(public(publication)) == _MADE
