"""`make pictures`: the pictures of the documentation, made from the real program. Needs Chromium.

Publishes the demo, takes its mails from the outbox, and photographs them as `publisher preview
--screenshots` does, and the table that the demo prints. The tutorial for editors has photographs of the
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

from PIL import Image
from playwright.sync_api import Locator, Page
from rich.console import Console

from publisher.app.issues.dry_run import contact_sheet_rows, take_screenshots
from publisher.app.operation.cycle import CycleReport, add_reports
from publisher.app.operation.status import take_snapshot
from publisher.cli import log_setup
from publisher.cli.operation import cycle_summary
from publisher.config import Settings
from publisher.database import open_database
from publisher.demo import publish_demo
from publisher.errors import UsageError
from publisher.screenshots.capture import Screenshot, capture_page, find_chromium
from publisher.screenshots.contact_sheets import compose_contact_sheet, crop_column
from publisher.testing import make_publication
from tests.publisher.conftest import PublicationFolder
from tests.slow.browser.morning import SETTINGS, begun, play
from tools.browser.chromium import Chromium

# Half its size, and as much of each mail as shows what it is like.
SCALE, LOWEST = 0.5, 1100
VIEW_WIDTH = 600
# A page of the README is loaded often.
COLOURS = 128
MORNING_COLOURS = 32
COLUMNS = 126
# What Chromium takes of a window's height for itself, and more.
MARGIN = 300


def main(target: Path) -> None:
    """Make the pictures in a folder."""
    target = target.resolve()
    target.mkdir(parents=True, exist_ok=True)
    log_setup.set_up_logging()
    try:
        program = find_chromium()
    except UsageError as error:
        sys.exit(f"pictures: {error}")
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        folder = Path("build/demo")
        reports: list[CycleReport] = []
        settings, now = publish_demo(folder, lambda _now, report: reports.append(report))
        console = Console(record=True, width=COLUMNS, file=io.StringIO())
        database = open_database(settings.folders.database)
        snapshot = take_snapshot(settings, database, now)
        database.close()
        cycle_summary.print_summary(console, settings, snapshot, add_reports(reports))
        (target / "demo.png").write_bytes(table(program, console))
        (target / "digests.png").write_bytes(digests(program, settings))
        photograph_morning(program, target / "morning")


def table(program: str, console: Console) -> bytes:
    """Photograph what a console showed, with fonts that are on every machine."""
    picture = console.export_svg(title="publisher demo build/demo")
    plain = re.sub(r"@font-face \{[^}]*\}", "", picture).replace("Fira Code", "Noto Sans Mono")
    size = re.search(r'viewBox="0 0 ([0-9]+)[0-9.]* ([0-9]+)', picture)
    assert size is not None
    width, height = int(size[1]), int(size[2])
    style = f"<style>body{{margin:0}}svg{{width:{width}px;height:{height}px}}</style>"
    page = f"<!DOCTYPE html><meta charset=utf-8>{style}{plain}"
    exposed, _dom = capture_page(program, page, width, height + MARGIN)
    return crop_column([exposed], left=0, width=width, heights=[height])


def digests(program: str, settings: Settings) -> bytes:
    """Photograph the weekly in every language, light and dark, and lay it out on a sheet."""
    taken = [
        one
        for language in settings.publication.languages
        for one in photographs(program, settings, language)
        if one.view.width == VIEW_WIDTH
    ]
    return compose_contact_sheet(
        contact_sheet_rows(taken), scale=SCALE, lowest=LOWEST, colours=COLOURS
    )


def photograph_morning(program: str, folder: Path) -> None:
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
        with Chromium(program) as chromium, begun(publication, take) as morning:
            chromium.browse_servers(partial(play, morning))


def photographs(program: str, settings: Settings, language: str) -> tuple[Screenshot, ...]:
    mail, base = html_of(settings.folders.outbox, language), settings.publication.url
    return take_screenshots(program, language, mail, base, [settings.folders.public])


def html_of(outbox: Path, language: str) -> str:
    """Give the HTML of the longest weekly mail: others are for subscribers who chose less."""
    path = max(
        (outbox / "weekly" / language).rglob("*.eml"), key=lambda one: (one.stat().st_size, one)
    )
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
