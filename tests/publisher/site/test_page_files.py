"""What pages share and show: style sheets, and copies of pictures."""

import hashlib
import re
from datetime import timedelta
from pathlib import Path, PurePosixPath

from publisher import web_files
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.printing import URL, pipeline_of, public, shown, stamps
from tests.publisher.syndication.test_publish import tides

SHEET = re.compile(r'<link rel="stylesheet" href="/assets/(style\.([0-9a-f]{16})\.css)">')


def sheets(publication: PublicationFolder) -> dict[str, set[str]]:
    """Give the names of the style sheets that pages refer to, by their first folder."""
    found: dict[str, set[str]] = {}
    for page in public(publication).rglob("index.html"):
        text = page.read_text("utf-8")
        (name,) = SHEET.findall(text)
        assert "<style" not in text
        found.setdefault(page.relative_to(public(publication)).parts[0], set()).add(name[0])
    return found


def hash_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def test_all_pages_of_a_language_share_a_style_sheet_that_is_named_by_its_content(
    new_publication: Make,
) -> None:
    publication = new_publication(
        newsletters=[{"name": "daily", "schedule": "0 8 * * *"}], languages=["en", "ar"]
    )
    tides(publication)
    shown(publication)
    pipeline_of(publication.at(NOW + timedelta(days=1))).prepare()
    assert [*public(publication).glob("en/daily/2026*/index.html")]
    before = sheets(publication)
    assert (len(before["en"]), len(before["ar"])) == (1, 1)
    files = {file.name: file for file in (public(publication) / "assets").glob("*.css")}
    assert before["en"] | before["ar"] <= files.keys()
    assert {f"style.{hash_of(file)}.css" for file in files.values()} == files.keys()
    assert "font-family: var(--body)" in files[min(before["en"])].read_text("utf-8")


def test_a_style_sheet_stays_when_no_page_of_now_refers_to_it(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    shown(publication)
    before = stamps(public(publication) / "assets")
    publication.reload(design={"accent": "#004488"})
    shown(publication)
    after = stamps(public(publication) / "assets")
    assert before.items() < after.items()
    assert (
        not {name for names in sheets(publication).values() for name in names} & before.keys()
    )


def test_a_page_offers_the_copies_of_its_pictures_and_loads_the_others_later(
    publication: PublicationFolder,
) -> None:
    folder = public(publication) / "media/0123456789abcdef"
    folder.mkdir(parents=True)
    for name in ("pier.jpg", "pier.800.webp", "pier.1600.webp", "other.640.webp", "boat.png"):
        (folder / name).write_bytes(b"a picture")
    address = f"{URL}/media/0123456789abcdef"
    page = (
        f'<img src="{address}/pier.jpg" width="2000" height="900" alt="a > b">'
        f'<img sizes="216px" src="{address}/pier.jpg" alt="">'
        f'<img sizes="216px" src="{address}/boat.png" alt="">'
        '<img src="https://example.com/media/0123456789abcdef/pier.jpg" alt="">'
        f'<img src="{address}/gone.jpg" loading="eager" alt="">'
    )
    web_files.write_page(publication.settings, PurePosixPath("page.html"), page)
    own, later = "/media/0123456789abcdef", 'loading="lazy" decoding="async"'
    offers = f'srcset="{own}/pier.800.webp 800w, {own}/pier.1600.webp 1600w"'
    assert (public(publication) / "page.html").read_text("utf-8") == (
        f'<picture><source type="image/webp" {offers} sizes="(max-width: 792px) 100vw, 792px">'
        f'<img fetchpriority="high" src="{own}/pier.jpg" width="2000" height="900" alt="a > b"></picture>'
        f'<picture><source type="image/webp" {offers} sizes="216px">'
        f'<img {later} src="{own}/pier.jpg" alt=""></picture>'
        f'<img {later} src="{own}/boat.png" alt="">'
        f'<img {later} src="https://example.com/media/0123456789abcdef/pier.jpg" alt="">'
        f'<img src="{own}/gone.jpg" loading="eager" alt="">'
    )
