"""Every mail in a real browser: it looks as it was written, fits, reads well and asks for nothing.

A mail is opened once as it was sent, for all that is looked at, and once each as it was written, as
another inliner makes it, and without its pictures.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.slow.browser.mails import Mail
from tools.browser.accessibility import violations
from tools.browser.chromium import Chromium, Window
from tools.browser.layout import misfits, misfits_without_style, mute_pictures
from tools.browser.styles import (
    Styles,
    differences,
    inlined_by_another,
    styles,
    styles_without_blocks,
)

# More is not read.
MOST = 20
# Lines of the first words that stand beside the link to the mail's page, less than 12 px off.
TOUCHING = """() => {
  const link = document.querySelector(".opening-link a"), words = document.createRange();
  if (!link) return [];
  words.selectNodeContents(document.querySelector(".opening-words"));
  const box = link.getBoundingClientRect();
  return [...words.getClientRects()].filter((line) =>
    line.top < box.bottom && line.bottom > box.top && line.left < box.right + 12 && line.right > box.left - 12
  ).map((line) => `${line.left} to ${line.right}, ${box.left} to ${box.right}`);
}"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a mail as it was sent, with its pictures."""

    mode: str  # how it is read
    asked: list[str]
    pictures: list[str]
    styles: list[Styles]
    without_blocks: tuple[list[Styles], list[Styles]]
    faults: dict[str, list[str]]


def look_at_all(window: Window) -> Seen:
    """Look at a mail from all sides. What takes its style blocks away comes last."""
    mode: str = window.page.evaluate("document.compatMode")
    touching = window.page.evaluate(TOUCHING)
    pictures = window.page.evaluate("Array.from(document.images, (one) => one.currentSrc)")
    asked = sorted(set(window.asked))
    inlined = styles(window)
    faults = {
        "does not fit": misfits(window),
        "is not accessible": violations(window),
        "has a first line that touches its link": touching,
    }
    without_blocks = styles_without_blocks(window)
    faults["does not fit without style blocks"] = misfits_without_style(window)
    return Seen(mode, asked, sorted(set(pictures)), inlined, without_blocks, faults)


def look_without_pictures(window: Window) -> list[str]:
    return misfits(window) + mute_pictures(window)


def faults_of(chromium: Chromium, mail: Mail) -> dict[str, list[str]]:
    seen = chromium.visit(mail.html, look_at_all, site=mail.site)
    written, otherwise = (
        chromium.visit(html, styles, site=mail.site)
        for html in (mail.source, inlined_by_another(mail.source))
    )
    return seen.faults | {
        "looks other than written": differences(written, seen.styles),
        "another inliner makes other styles": differences(written, otherwise),
        # What the mail is able to is said of the whole of it, in the head.
        "has styles from its blocks on a desktop in light": differences(
            *seen.without_blocks, but=["color-scheme"]
        ),
        "does not fit or says less without pictures": chromium.visit(
            mail.html, look_without_pictures
        ),
        # "BackCompat" is the mode of the nineties.
        "is not read by the standards": [seen.mode] if seen.mode != "CSS1Compat" else [],
        "asks for more or less than its pictures": sorted({*seen.asked} ^ {*seen.pictures}),
        "has pictures that are nowhere": [
            url for url in seen.asked if mail.site.file(url) is None
        ],
    }


def told(mail: Mail, faults: Mapping[str, list[str]]) -> list[str]:
    """Give a line for each fault of a mail, the first of each kind."""
    return [
        f"{mail.name} {kind}: {line}" for kind, lines in faults.items() for line in lines[:MOST]
    ]


def test_mails_look_as_written_fit_are_accessible_and_ask_for_their_pictures_alone(
    chromium: Chromium, mails: list[Mail]
) -> None:
    for mail in mails:
        lines = told(mail, faults_of(chromium, mail))
        # pytest by itself shows the first few lines.
        assert not lines, "\n" + "\n".join(lines)
