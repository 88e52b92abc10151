"""Parts of pages that are fetched again, and the library that does it."""

from __future__ import annotations

import hashlib
from importlib.resources import files

# Of dist/htmx.min.js in htmx.org 4.0.1, as npm has it.
SHA256 = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"


def test_htmx_is_the_released_file_and_has_its_licence() -> None:
    folder = files("publisher.web.console") / "static"
    assert hashlib.sha256((folder / "htmx.min.js").read_bytes()).hexdigest() == SHA256
    licence = (folder / "htmx.LICENSE.txt").read_text("utf-8")
    assert "htmx 4.0.1" in licence
    assert "Zero-Clause BSD" in licence
