"""Photograph the next issues of editions, and write the pictures and a sheet of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from publisher import files
from publisher.app.dry_run import open_dry_run, preview_next
from publisher.clock import Clock
from publisher.config import Edition, Settings
from publisher.errors import IssueError, UsageError
from publisher.screenshots import (
    LabelledPicture,
    MailPage,
    Screenshot,
    capture_mail,
    compose_contact_sheet,
    find_chromium,
)
from publisher.screenshots import with_local_pictures as local

# What callers import, with the values of other packages that they get.
__all__ = [
    "CONTACT_SHEET",
    "EditionScreenshots",
    "Screenshot",
    "contact_sheet_rows",
    "find_in_web_roots",
    "photograph_editions",
    "take_screenshots",
    "write_screenshots",
]

CONTACT_SHEET = "sheet.png"


@dataclass(frozen=True, slots=True)
class EditionScreenshots:
    """The screenshots of an edition's next issue; `problem` is why there are none."""

    language: str
    subject: str = ""
    problem: str | None = None
    taken: tuple[Screenshot, ...] = ()


def photograph_editions(
    settings: Settings, editions: Iterable[Edition], clock: Clock
) -> Iterator[EditionScreenshots]:
    """Photograph each edition's next issue, or what its newest articles would make.

    One without articles does not stop the others. Raise UsageError if there is no Chromium.
    """
    program = find_chromium()
    with open_dry_run(settings, clock) as pipeline:
        # What was only now picked up is in the copy.
        roots = [pipeline.settings.folders.public, settings.folders.public]
        for edition in editions:
            try:
                preview = preview_next(pipeline, edition)
            except IssueError as error:
                yield EditionScreenshots(edition.language, problem=str(error))
                continue
            mail = MailPage(language=edition.language, html=preview.gate_run.mail.html)
            taken = take_screenshots(program, mail, settings.publication.url, roots)
            yield EditionScreenshots(edition.language, preview.subject, taken=taken)


def take_screenshots(
    program: str, mail: MailPage, base: str, roots: Sequence[Path]
) -> tuple[Screenshot, ...]:
    """Photograph a mail; pictures below the URL `base` are taken from one of several web roots.

    `program` is Chromium, which has no network access: other pictures look as they do to
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
    """Write a file for each, and the sheet.

    Raise IssueError if there are none, and UsageError if they can't be written.
    """
    if not taken:
        raise IssueError("there is no issue to take a screenshot of: no edition has an article")
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
