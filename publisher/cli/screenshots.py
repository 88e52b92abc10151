"""What `preview --screenshots` does: photographs of mails and a sheet of them, in a folder.

Prints nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from publisher import files
from publisher.errors import UsageError
from publisher.screenshots import (
    LabelledPicture,
    MailPage,
    Screenshot,
    capture_mail,
    compose_contact_sheet,
)
from publisher.screenshots import with_local_pictures as local

CONTACT_SHEET = "sheet.png"


def take_screenshots(
    program: str, mail: MailPage, base: str, roots: Sequence[Path]
) -> tuple[Screenshot, ...]:
    """Photograph a mail; pictures below the URL `base` are taken from one of several web roots.

    `program` is Chromium, which is let to no network: other pictures look as they do to
    subscribers whose mail program blocks pictures.
    """

    def locate(path: str) -> str | None:
        return find_in_web_roots(path, roots)

    shown = MailPage(language=mail.language, html=local(mail.html, base, locate))
    return capture_mail(program, shown)


def find_in_web_roots(path: str, roots: Sequence[Path]) -> str | None:
    """Return the `file:` address of a URL path in the first web root that has it, or None."""
    plain = unquote(urlsplit(path).path).lstrip("/")
    if "\0" in plain:
        return None
    for root in roots:
        file = (root / plain).resolve()
        if file.is_relative_to(root.resolve()) and file.is_file():
            return file.as_uri()
    return None


def write_screenshots(folder: Path, taken: Sequence[Screenshot]) -> None:
    """Write a file for each, and the sheet; raises UsageError if they can't be written."""
    try:
        for one in taken:
            files.write_file(folder / f"{one.name}.png", one.picture)
        files.write_file(
            folder / CONTACT_SHEET, compose_contact_sheet(contact_sheet_rows(taken))
        )
    except OSError as error:
        raise UsageError(f"{folder}: can't be written: {error.strerror or error}") from None


def contact_sheet_rows(taken: Sequence[Screenshot]) -> list[list[LabelledPicture]]:
    """Put photographs into a row for each scheme, labelled, in the order in which they come."""
    schemes = dict.fromkeys(one.view.scheme for one in taken)
    return [
        [
            LabelledPicture(label=_label(one), picture=one.picture)
            for one in taken
            if one.view.scheme == s
        ]
        for s in schemes
    ]


def _label(one: Screenshot) -> str:
    return f"{one.language}, {one.view.scheme}, {one.view.width} px"
