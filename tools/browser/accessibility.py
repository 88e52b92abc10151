"""What axe-core has against a mail: the rules of WCAG 2, levels A and AA, that a program can hold.

Knows no mail.
"""

from collections.abc import Sequence
from importlib.resources import files
from itertools import product
from typing import Any

from tools.browser.chromium import Scheme, Window

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
# What can come out otherwise in the dark, where colours change, and pictures for it appear.
OF_COLOURS = ("color-contrast", "link-in-text-block", "image-alt")
RUN = (
    "(rules) => axe.run(document, {runOnly: rules, resultTypes: ['violations', 'incomplete']})"
)

# Mails are drawn for the one, phones have the other.
WIDTHS = (600, 320)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


def violations(window: Window, widths: Sequence[int] = WIDTHS) -> list[str]:
    """Return what breaks a rule, and what axe can't decide: rule, element, what to do."""
    window.page.evaluate(AXE)
    faults = []
    for width, scheme in product(widths, SCHEMES):
        window.show(width, scheme)
        found = window.page.evaluate(RUN, RULES if scheme == "light" else OF_COLOURS)
        lines = [
            *result_lines(found["violations"]),
            *result_lines(found["incomplete"], "in doubt: "),
        ]
        faults += [f"{line} at {width} px, {scheme}" for line in lines]
    return faults


def result_lines(results: list[dict[str, Any]], doubt: str = "") -> list[str]:
    """Return a line for each element that a rule found."""
    return [
        f"{doubt}{result['id']}, {' '.join(map(str, node['target']))}: "
        f"{' '.join(node['failureSummary'].split())}"
        for result in results
        for node in result["nodes"]
    ]
