"""Take the screenshots of a mail: one window holds all views, several windows a long mail.

The page that Chromium opens has the mail in one frame for each view. A frame is as wide as a mail
client's column, and grows to the height of the mail. Chromium runs once per picture, headless,
offline, and with a temporary profile. `contact_sheets` crops the pictures and puts them together.
"""

import html
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from publisher.errors import UsageError
from publisher.mail_limits import MAIL_WIDTH, PHONE_WIDTH
from publisher.screenshots.contact_sheets import crop_column

ColourScheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailView:
    """One view of a mail: the preferred colour scheme, and the width in CSS pixels."""

    scheme: ColourScheme
    width: int


MAIL_VIEWS = tuple(
    MailView(scheme=scheme, width=width)
    for scheme in ("light", "dark")
    for width in (MAIL_WIDTH, PHONE_WIDTH)
)

# A mail loads nothing from a network, and only the measuring script runs. Frames inherit the
# policy of their page (CSP 3, section 7.8), and their sandbox runs no script.
_POLICY = (
    "default-src 'none'; img-src file: data:; style-src 'unsafe-inline'; script-src 'nonce-{}'"
)
_NONCE = "measure"
# Frames begin with height 1, since a document is never lower than its frame. The page sets their
# colour scheme (CSS Color Adjust 1, section 2.4).
_FRAME = (
    '<iframe sandbox="allow-same-origin" scrolling="no" width="{width}" height="1"'
    ' style="color-scheme:{scheme}" srcdoc="{mail}"></iframe>'
)
_STYLE = "body{{margin:{above}px 0 0;display:flex;align-items:flex-start}}iframe{{border:0;flex:none}}"
_MEASURE = """
onload = () => {
  const frames = [...document.querySelectorAll("iframe")].map((frame) => {
    const height = frame.contentDocument.documentElement.scrollHeight;
    const dark = frame.contentWindow.matchMedia("(prefers-color-scheme: dark)").matches;
    frame.height = height;
    return [height, dark ? "dark" : "light"];
  });
  document.documentElement.dataset.seen = JSON.stringify([innerHeight, frames]);
};
"""
_MEASURED = re.compile(r"<html[^>]* data-seen=\"([^\"]*)\"")

# Attributes with a picture's address; inlined mails quote attributes in this way.
_PICTURE = re.compile(r"(?<=\s)(src|background)=\"([^\"]*)\"")


def frames_page(mail: str, views: Sequence[MailView], top: int = 0) -> str:
    """Return the page with a mail in views side by side, scrolled down by `top` pixels."""
    frames = "".join(
        _FRAME.format(width=view.width, scheme=view.scheme, mail=html.escape(mail))
        for view in views
    )
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY.format(_NONCE)}">'
        f"<style>{_STYLE.format(above=-top)}</style></head><body>{frames}"
        f'<script nonce="{_NONCE}">{_MEASURE}</script></body></html>'
    )


def read_heights(dom: str, views: Sequence[MailView]) -> tuple[int, list[int]]:
    """Return the heights that the page measured, in CSS pixels: of the window and of each frame.

    `dom` is the HTML that Chromium printed.
    Raises UsageError if there is nothing, or if a frame has another colour scheme.
    """
    found = _MEASURED.search(dom)
    if found is None:
        raise UsageError(
            "Chromium did not show the page; a snap can't read temporary files, so install "
            "Chromium another way"
        )
    window, frames = json.loads(html.unescape(found[1]))
    if [scheme for _height, scheme in frames] != [view.scheme for view in views]:
        raise UsageError("this Chromium is too old to show mails in dark colours; upgrade it")
    return window, [height for height, _scheme in frames]


def with_local_pictures(mail: str, base: str, locate: Callable[[str], str | None]) -> str:
    """Return a mail in which pictures below the publication's URL `base` are files.

    `locate` gets a path below the web root, percent-encoded as in the address, and returns a
    `file:` URL, or None if there is no such file. Such a picture is not shown.
    """

    def local(found: re.Match[str]) -> str:
        address = html.unescape(found[2])
        if not address.startswith(f"{base}/"):
            return found[0]
        place = locate(address.removeprefix(f"{base}/"))
        return f'{found[1]}="{html.escape(place)}"' if place else found[0]

    return _PICTURE.sub(local, mail)


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
) -> tuple[bytes, str]:
    """Return a picture (PNG) of a page in a window of this size, in CSS pixels, and its HTML then.

    Chromium uses some of the height itself, and no window is narrower than about 500. Raises
    UsageError if Chromium fails or takes longer than `patience` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="photograph-") as name:
        folder = Path(name)
        (folder / "page.html").write_text(page, "utf-8")
        dom = _run([program, *chromium_arguments(folder, width, height)], patience)
        try:
            return (folder / "picture.png").read_bytes(), dom
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


# In pixels. Higher than most mails, and below Chromium's limit for textures of 16,384.
_WINDOW_HEIGHT = 6_000
# In pixels. No real mail is longer; a style that asks for more would take hours.
MAX_MAIL_HEIGHT = 120_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Screenshot:
    """A whole mail in one view, as a PNG file."""

    language: str
    view: MailView
    picture: bytes

    @property
    def name(self) -> str:
        """Return a name that is unique among the screenshots, usable as a file name."""
        return f"{self.language}-{self.view.scheme}-{self.view.width}"


def _check_height(language: str, height: int) -> None:
    if height > MAX_MAIL_HEIGHT:
        raise UsageError(
            f"{language}: the mail is {height} pixels long, which is too long for "
            f"screenshots (at most {MAX_MAIL_HEIGHT}); look for a height in its styles"
        )


def capture_mail(
    program: str,
    language: str,
    mail: str,
    views: Sequence[MailView] = MAIL_VIEWS,
    window: int = _WINDOW_HEIGHT,
) -> tuple[Screenshot, ...]:
    """Return a screenshot of a whole mail, of its HTML, in each view; `window` is the height of one picture.

    Raises UsageError if Chromium fails or the mail is too long.
    """
    wide = sum(view.width for view in views)
    strips: list[bytes] = []
    tops: list[int] = []
    top = 0
    heights, seen = [1], 0
    while top < max(heights):
        picture, dom = capture_page(program, frames_page(mail, views, top), wide, window)
        seen, heights = read_heights(dom, views)
        _check_height(language, max(heights))
        strips.append(picture)
        tops.append(top)
        # Some versions of Chromium draw their own elements below.
        top += seen
    return tuple(
        Screenshot(
            language=language,
            view=view,
            picture=crop_column(
                strips,
                left=sum(other.width for other in views[:place]),
                width=view.width,
                heights=[max(0, min(seen, heights[place] - top)) for top in tops],
            ),
        )
        for place, view in enumerate(views)
    )
