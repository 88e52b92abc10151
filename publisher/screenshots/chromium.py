"""Runs Chromium once per picture, without a window, a network, or anything left behind.

Knows pages and sizes, and no mail.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from publisher.errors import UsageError

# As Debian, Ubuntu and Google name it.
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# A picture takes about a second; what takes that many will never be done.
_TIMEOUT_SECONDS = 60.0

_QUIET = (
    "--headless",
    "--disable-gpu",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-breakpad",
    "--no-pings",
)
# No name leads anywhere, and numbers, this machine's own too, go to a proxy that has a name.
_OFFLINE = (
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=nowhere.invalid:9",
    "--proxy-bypass-list=<-loopback>",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedPage:
    """A window's picture (PNG), and the page's HTML as it then was."""

    picture: bytes
    dom: str


def find_chromium() -> str:
    """Find Chromium on this machine; raises UsageError that says how to get it."""
    found = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if found is None:
        raise UsageError(
            "no Chromium on this machine, which is needed for screenshots; on Debian: "
            "apt-get install chromium fonts-noto-core fonts-noto-cjk"
        )
    return found


def capture_page(
    program: str, page: str, width: int, height: int, patience: float = _TIMEOUT_SECONDS
) -> CapturedPage:
    """Show a page in a window of a size in CSS pixels, and take its picture.

    Chromium takes some of the height for itself, and makes no window narrower than about 500.
    Raises UsageError if it ends badly, or not within `patience` seconds: then it is ended.
    """
    with tempfile.TemporaryDirectory(prefix="photograph-") as name:
        folder = Path(name)
        (folder / "page.html").write_text(page, "utf-8")
        dom = _run([program, *chromium_arguments(folder, width, height)], patience)
        try:
            return CapturedPage(picture=(folder / "picture.png").read_bytes(), dom=dom)
        except FileNotFoundError:
            raise UsageError(f"{program} took no picture, and did not say why") from None


def chromium_arguments(folder: Path, width: int, height: int) -> list[str]:
    """Say what Chromium is to do with the page in a folder, where all that it writes goes."""
    # It refuses to be root in its own sandbox. The page that it shows runs no foreign script.
    rights = ["--no-sandbox"] if os.geteuid() == 0 else []
    return [
        *_QUIET,
        *_OFFLINE,
        *rights,
        f"--user-data-dir={folder / 'profile'}",
        f"--window-size={width},{height}",
        f"--screenshot={folder / 'picture.png'}",
        "--dump-dom",
        (folder / "page.html").as_uri(),
    ]


def _run(words: list[str], patience: float) -> str:
    """Run a program to its end; gives what it printed."""
    with subprocess.Popen(  # noqa: S603  # no shell, and no word of a stranger's
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A group of its own, so that its helpers can be ended with it.
        start_new_session=True,
    ) as process:
        try:
            printed, complaints = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            raise UsageError(
                f"{words[0]} was not done after {patience:g} seconds, and was ended"
            ) from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        *_, last = ["no reason given", *complaints.decode(errors="replace").split("\n")[-2:-1]]
        raise UsageError(f"{words[0]} failed: {last}")
    return printed.decode(errors="replace")
