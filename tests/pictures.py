"""`make pictures`: the README's pictures, made from the real program. Needs Chromium.

Publishes the demo, takes its mails from the outbox, and photographs two of them and the table.
"""

import contextlib
import email
import email.policy
import html
import io
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from publisher.cli import logs, summary
from publisher.cycle import Report, together
from publisher.database import open_database
from publisher.demo import publish

WIDTH, HEIGHT = 640, 1180
COLUMNS = 126
CHROMIUM = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
FRAME = '<iframe style="border:0" width="{}" height="{}" srcdoc="{}"></iframe>'


def main(target: Path) -> None:
    """Make the pictures in a folder."""
    target = target.resolve()
    target.mkdir(parents=True, exist_ok=True)
    logs.set_up()
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        folder = Path("build/demo")
        reports: list[Report] = []
        settings, now = publish(folder, lambda _now, report: reports.append(report))
        console = Console(record=True, width=COLUMNS, file=io.StringIO())
        database = open_database(settings.folders.database)
        summary.show(console, settings, database, together(reports), now)
        database.close()
        photograph(terminal(console), target / "demo.png")
        frames = "".join(
            FRAME.format(WIDTH, HEIGHT, html.escape(mail(settings.folders.root, language)))
            for language in ("en", "ar")
        )
        size = (2 * WIDTH + 8, HEIGHT)
        photograph(
            f'<body style="margin:0;display:flex;gap:8px">{frames}',
            target / "digests.png",
            size,
        )


def terminal(console: Console) -> str:
    """Give what a console showed as a page, with fonts that are on every machine."""
    picture = console.export_svg(title="publisher demo build/demo")
    plain = re.sub(r"@font-face \{[^}]*\}", "", picture).replace("Fira Code", "Noto Sans Mono")
    return f'<body style="margin:0">{plain}'


def mail(folder: Path, language: str) -> str:
    """Give the HTML of a weekly mail, its pictures taken from the folder."""
    path = min((folder / "outbox" / "weekly" / language).rglob("*.eml"))
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body(("html",))
    assert body is not None
    public = (folder / "public").as_uri()
    return str(body.get_content()).replace("https://news.example.org", public)


def photograph(page: str, target: Path, size: tuple[int, int] = (1540, 912)) -> None:
    """Photograph a page; `size` is the window's in CSS pixels."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        sys.exit("pictures: no chromium; on Debian: apt-get install chromium fonts-noto")
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "page.html"
        file.write_text(f"<!DOCTYPE html><meta charset=utf-8>{page}", "utf-8")
        words = [program, *CHROMIUM, f"--user-data-dir={name}/profile"]
        window = f"--window-size={size[0]},{size[1]}"
        subprocess.run(
            [*words, window, f"--screenshot={target}", file.as_uri()],
            check=True,
            capture_output=True,
            timeout=120,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
