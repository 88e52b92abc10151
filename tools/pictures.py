"""`make pictures`: the pictures of the documentation, made from the real program. Needs Chromium.

Publishes the demo, takes its mails from the outbox, and photographs them, light and dark, and the table that
the demo prints. The tutorial for editors has photographs of the
steps that its test plays.
"""

import contextlib
import email
import email.policy
import io
import re
import sys
import tempfile
from functools import partial
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Locator, Page
from rich.console import Console

from publisher.app.operation.cycle import CycleReport, add_reports
from publisher.app.operation.status import take_snapshot
from publisher.cli import log_setup
from publisher.cli.operation import cycle_summary
from publisher.config import Settings
from publisher.database import open_database
from publisher.demo import publish_demo
from publisher.testing import make_publication
from tests.publisher.conftest import PublicationFolder
from tests.slow.browser.morning import SETTINGS, begun, play
from tools.browser.chromium import MISSING, Chromium, Scheme, Site, Window, find_chromium

# Half its size, and as much of each mail as shows what it is like.
SCALE, LOWEST = 0.5, 1100
VIEW_WIDTH = 600
# A page of the README is loaded often.
COLOURS = 128
MORNING_COLOURS = 32
COLUMNS = 126
# Of the sheet, in its pixels. A grey that differs from white and from black mails.
GAP, LABEL_HEIGHT, FONT_SIZE, GREY = 20, 28, 18, "#9aa0a8"
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
# The weekly that has most stories in every language.
SHOWN_DAY = "2026-01-09"


def main(target: Path) -> None:
    """Make the pictures in a folder."""
    target = target.resolve()
    target.mkdir(parents=True, exist_ok=True)
    log_setup.set_up_logging()
    program = find_chromium()
    if program is None:
        sys.exit(f"pictures: {MISSING}")
    with (
        Chromium(program) as chromium,
        tempfile.TemporaryDirectory() as name,
        contextlib.chdir(name),
    ):
        folder = Path("build/demo")
        reports: list[CycleReport] = []
        settings, now = publish_demo(folder, lambda _now, report: reports.append(report))
        console = Console(record=True, width=COLUMNS, file=io.StringIO())
        database = open_database(settings.folders.database)
        snapshot = take_snapshot(settings, database, now)
        database.close()
        cycle_summary.print_summary(console, settings, snapshot, add_reports(reports))
        (target / "demo.png").write_bytes(table(chromium, console))
        (target / "digests.png").write_bytes(digests(chromium, settings))
        photograph_morning(chromium, target / "morning")


def table(chromium: Chromium, console: Console) -> bytes:
    """Photograph what a console showed, with fonts that are on every machine."""
    picture = console.export_svg(title="publisher demo build/demo")
    plain = re.sub(r"@font-face \{[^}]*\}", "", picture).replace("Fira Code", "Noto Sans Mono")
    size = re.search(r'viewBox="0 0 ([0-9]+)[0-9.]* ([0-9]+)', picture)
    assert size is not None
    width, height = int(size[1]), int(size[2])
    style = f"<style>body{{margin:0}}svg{{width:{width}px;height:{height}px}}</style>"
    page = f"<!DOCTYPE html><meta charset=utf-8>{style}{plain}"
    return chromium.visit(page, partial(_photograph, scheme="light", size=(width, height)))


def _photograph(window: Window, *, scheme: Scheme, size: tuple[int, int]) -> bytes:
    """Take the upper left of a page, so wide in CSS pixels, and at most so high."""
    window.show(size[0], scheme)
    full = Image.open(io.BytesIO(window.page.screenshot(full_page=True)))
    return _png(full.convert("RGB").crop((0, 0, size[0], min(full.height, size[1]))))


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def digests(chromium: Chromium, settings: Settings) -> bytes:
    """Photograph the weekly in every language, light and dark, and lay it out on a sheet."""
    site = Site(url=settings.publication.url, public=settings.folders.public)
    rows = [
        {
            f"{language}, {scheme}, {VIEW_WIDTH} px": chromium.visit(
                html_of(settings.folders.outbox, language),
                partial(_photograph, scheme=scheme, size=(VIEW_WIDTH, LOWEST)),
                site=site,
            )
            for language in settings.publication.languages
        }
        for scheme in SCHEMES
    ]
    return _sheet([{label: _scaled(one) for label, one in row.items()} for row in rows])


def _scaled(png: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(png))
    size = round(picture.width * SCALE), round(picture.height * SCALE)
    return picture.resize(size, Image.Resampling.LANCZOS)


def _sheet(rows: list[dict[str, Image.Image]]) -> bytes:
    """Return rows of pictures as one, each with its label above it."""
    heights = [max(one.height for one in row.values()) for row in rows]
    width = max(sum(one.width + GAP for one in row.values()) for row in rows) + GAP
    size = width, sum(heights) + len(rows) * (LABEL_HEIGHT + GAP)
    whole = Image.new("RGB", size, GREY)
    top, font = 0, ImageFont.load_default(FONT_SIZE)
    for row, height in zip(rows, heights, strict=True):
        left = GAP
        for label, one in row.items():
            place = left, top + LABEL_HEIGHT // 2
            ImageDraw.Draw(whole).text(place, label, fill="#000000", font=font, anchor="lm")
            whole.paste(one, (left, top + LABEL_HEIGHT))
            left += one.width + GAP
        top += LABEL_HEIGHT + height + GAP
    # Without dithering: it is noise, which PNG can't compress.
    return _png(whole.quantize(COLOURS, dither=Image.Dither.NONE))


def photograph_morning(chromium: Chromium, folder: Path) -> None:
    """Play the morning of the tutorial for editors, and photograph what its steps show."""
    folder.mkdir(exist_ok=True)

    def take(page: Page, name: str, shown: Locator | None) -> None:
        if shown is not None:
            shown.evaluate("one => one.scrollIntoView()")
            page.wait_for_load_state("networkidle")
        picture = Image.open(io.BytesIO(page.screenshot()))
        few = picture.convert("RGB").quantize(MORNING_COLOURS, dither=Image.Dither.NONE)
        few.save(folder / f"{name}.png", optimize=True)

    settings = make_publication(Path("morning").absolute(), **SETTINGS)
    settings.folders.var.mkdir(exist_ok=True)
    with contextlib.closing(open_database(settings.database)) as database:
        publication = PublicationFolder(settings, database)
        with begun(publication, take) as morning:
            chromium.browse_servers(partial(play, morning))


def html_of(outbox: Path, language: str) -> str:
    """Give the HTML of the week's longest mail: others are for subscribers who chose less."""
    mails = (outbox / "weekly" / language / SHOWN_DAY).glob("*.eml")
    path = max(mails, key=lambda one: (one.stat().st_size, one))
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
