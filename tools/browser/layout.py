"""Whether a mail fits: into narrow windows, without its style blocks, without its pictures.

Knows no mail.
"""

from pathlib import Path

from tools.browser.chromium import Window, drop_style_blocks

MEASURE = Path(__file__).with_name("layout.js").read_text("utf-8")
LOOK_AT_PICTURES = Path(__file__).with_name("pictures.js").read_text("utf-8")

# The narrowest phone, the commonest, and the width that mails are drawn for.
WIDTHS = (320, 375, 600)

# CSS pixels; below it people with good eyes begin to guess.
SMALLEST = 12

# What WCAG 1.4.3 asks of text.
CONTRAST = 4.5


def misfits(window: Window) -> list[str]:
    """Say what is wider than the window or its own box in any width, and what is too small."""
    faults = []
    for width in WIDTHS:
        window.show(width)
        faults += [f"{fault} at {width} px" for fault in _measure(window)]
    return faults


def misfits_without_style(window: Window) -> list[str]:
    """Say the same of a mail whose style blocks the mail program has thrown away."""
    drop_style_blocks(window)
    return [f"{fault}, without style blocks" for fault in misfits(window)]


def mute_pictures(window: Window) -> list[str]:
    """Say which pictures of a mail that shows none say nothing in their place."""
    faults = []
    for width in WIDTHS:
        for scheme in ("light", "dark"):
            window.show(width, scheme)
            found: list[str] = window.page.evaluate(LOOK_AT_PICTURES, CONTRAST)
            faults += [f"{fault} at {width} px, {scheme}" for fault in found]
    return faults


def _measure(window: Window) -> list[str]:
    found: list[str] = window.page.evaluate(MEASURE, SMALLEST)
    return found
