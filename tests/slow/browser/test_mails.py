"""Every mail in a real browser: it looks as it was written, fits, reads well and asks for nothing.

A check gives what is wrong, in a line each; no lines are a mail that is right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.slow.browser.accessibility import violations
from tests.slow.browser.chromium import Chromium, Window
from tests.slow.browser.layout import misfits, misfits_without_style, mute_pictures
from tests.slow.browser.mails import Mail
from tests.slow.browser.styles import (
    differences,
    inlined_by_another,
    styles,
    styles_without_blocks,
)

Check = Callable[[Window], list[str]]

# More is not read.
MOST = 20


def wrong(chromium: Chromium, mail: Mail, *checks: Check, pictures: bool = True) -> list[str]:
    """Open a mail as it was sent, and give what some checks find, one after the other."""

    def look(window: Window) -> list[str]:
        return [fault for check in checks for fault in check(window)]

    return told(mail, chromium.visit(mail.html, look, site=mail.site if pictures else None))


def told(mail: Mail, faults: list[str]) -> list[str]:
    """Name the mail with each of its faults."""
    lines = [f"{mail.name}: {fault}" for fault in faults[:MOST]]
    return lines + [f"{mail.name}: {len(faults) - MOST} more"] * (len(faults) > MOST)


def none(lines: list[str]) -> None:
    """Fail with all lines: pytest by itself shows the first few."""
    assert not lines, "\n" + "\n".join(lines)


def test_mails_look_as_before_inlining_and_as_another_inliner_makes_them(
    chromium: Chromium, mails: list[Mail]
) -> None:
    for mail in mails:
        before, sent, otherwise = (
            chromium.visit(html, styles, site=mail.site)
            for html in (mail.source, mail.html, inlined_by_another(mail.source))
        )
        none(told(mail, differences(before, sent)))
        none(told(mail, differences(before, otherwise)))


def test_on_a_desktop_in_light_nothing_comes_from_style_blocks(
    chromium: Chromium, mails: list[Mail]
) -> None:
    for mail in mails:
        whole, without = chromium.visit(mail.html, styles_without_blocks, site=mail.site)
        # What the mail is able to is said of the whole of it, in the head.
        none(told(mail, differences(whole, without, but=["color-scheme"])))


def test_mails_are_shown_by_the_standards_and_ask_for_their_pictures_only(
    chromium: Chromium, mails: list[Mail]
) -> None:
    for mail in mails:
        seen = chromium.visit(mail.html, manners, site=mail.site)
        assert seen.mode == "CSS1Compat"  # "BackCompat" is that of the nineties
        assert seen.asked == seen.pictures
        assert [url for url in seen.asked if mail.site.file(url) is None] == []


@dataclass(frozen=True, slots=True)
class Manners:
    """How a mail is read, what it asked for, and what its pictures are."""

    mode: str
    asked: list[str]
    pictures: list[str]


def manners(window: Window) -> Manners:
    mode: str = window.page.evaluate("document.compatMode")
    pictures = window.page.evaluate("Array.from(document.images, (one) => one.currentSrc)")
    return Manners(mode, sorted(set(window.asked)), sorted(set(pictures)))


def test_mails_fit_into_narrow_windows_with_and_without_style_blocks(
    chromium: Chromium, mails: list[Mail]
) -> None:
    for mail in mails:
        none(wrong(chromium, mail, misfits, misfits_without_style))


def test_mails_fit_and_say_all_without_their_pictures(
    chromium: Chromium, mails: list[Mail]
) -> None:
    for mail in mails:
        none(wrong(chromium, mail, misfits, mute_pictures, pictures=False))


def test_axe_finds_nothing_in_light_or_dark(chromium: Chromium, mails: list[Mail]) -> None:
    for mail in mails:
        none(wrong(chromium, mail, violations))
