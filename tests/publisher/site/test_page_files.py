"""What pages share: their style sheets."""

import hashlib
import re
from datetime import timedelta
from pathlib import Path

from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.printing import pipeline_of, public, shown, stamps
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
    files = {file.name: file for file in (public(publication) / "assets").iterdir()}
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
