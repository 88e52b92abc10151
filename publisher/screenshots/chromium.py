"""Run Chromium once per picture, headless, offline, and with a temporary profile."""

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

# Names of the program in Debian, Ubuntu and Google's packages.
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# A picture takes about a second. After this many Chromium is ended.
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
# Names do not resolve, and IP addresses, loopback included, go to a proxy that does not resolve.
_OFFLINE = (
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=nowhere.invalid:9",
    "--proxy-bypass-list=<-loopback>",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedPage:
    """A window's picture (PNG) and the page's HTML at that moment."""

    picture: bytes
    dom: str


def find_chromium() -> str:
    """Return the path of Chromium; raise UsageError if it is not installed."""
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
    """Return a picture of a page in a window of this size, in CSS pixels.

    Chromium uses some of the height itself, and no window is narrower than about 500. Raises
    UsageError if Chromium fails or takes longer than `patience` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="photograph-") as name:
        folder = Path(name)
        (folder / "page.html").write_text(page, "utf-8")
        dom = _run([program, *chromium_arguments(folder, width, height)], patience)
        try:
            return CapturedPage(picture=(folder / "picture.png").read_bytes(), dom=dom)
        except FileNotFoundError:
            raise UsageError(
                f"{program} took no picture and gave no reason; run it by hand to see why"
            ) from None


def chromium_arguments(folder: Path, width: int, height: int) -> list[str]:
    """Return Chromium's arguments for the page in a folder; all its files go into the folder."""
    # Chromium refuses its sandbox to root. The page runs no script of a mail.
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
    """Run a program and return what it printed."""
    with subprocess.Popen(  # noqa: S603  # no shell, and no argument from outside
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A process group, so that its helpers end with it.
        start_new_session=True,
    ) as process:
        try:
            printed, complaints = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            raise UsageError(
                f"{words[0]} was ended after {patience:g} seconds without a picture"
            ) from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        *_, last = ["no reason given", *complaints.decode(errors="replace").split("\n")[-2:-1]]
        raise UsageError(f"{words[0]} failed: {last}")
    return printed.decode(errors="replace")
