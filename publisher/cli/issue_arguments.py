"""Arguments that name an issue by newsletter, day and language, and days and times as text."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.common import CURRENT_FOLDER
from publisher.errors import UsageError

NewsletterArgument = Annotated[str, typer.Argument(metavar="NEWSLETTER", help="Its name.")]
DayArgument = Annotated[
    str, typer.Argument(metavar="DAY", help="The date of its schedule, like 2026-01-09.")
]
IssueDayArgument = Annotated[
    str,
    typer.Argument(
        metavar="DAY",
        help='The date of its schedule, like 2026-01-09, or "next"; of its correction, 2026-01-09-correction.',
    ),
]
IssueArgument = Annotated[
    str, typer.Argument(metavar="ISSUE", help="An issue's name, like weekly-en-2026-01-09.")
]
WhichArgument = Annotated[
    str,
    typer.Argument(
        metavar="NEWSLETTER",
        help="A newsletter, or the name of an issue, like weekly-en-2026-01-09.",
    ),
]
PerhapsDayArgument = Annotated[
    str,
    typer.Argument(
        metavar="[DAY]", help='With a newsletter: the date of its schedule, or "next".'
    ),
]
# In the place of a day: that of the next issue.
NEXT = "next"
# The end of a name of an issue; `issues show` prints names.
_ISSUE_DAY = re.compile(r"(.+?)((?:-correction(?:-[0-9]+)?)?)")
LanguagesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--lang",
        metavar="TAG",
        help="Only this language; may be repeated.",
        show_default="all of them",
    ),
]


def split_folder(value: str, directory: Path, default: str = "") -> tuple[str, Path]:
    """Return an argument that may be left out, and the publication's folder, which may stand in its place."""
    from publisher.config import SETTINGS_FILE

    if value and directory == CURRENT_FOLDER and (Path(value) / SETTINGS_FILE).is_file():
        return default, Path(value)
    return value, directory


def refuse_folder(directory: Path, name: str) -> None:
    """Raise UsageError if a publication's folder stands where the name of an issue belongs."""
    from publisher.config import SETTINGS_FILE

    if directory == CURRENT_FOLDER and (Path(name) / SETTINGS_FILE).is_file():
        raise UsageError(
            f"{name}: is a publication; name an issue of it first, like weekly-en-2026-01-09 "
            f"{name}; `publisher status {name}` lists them"
        )


def parse_day(text: str, option: str = "DAY") -> date:
    """Return a date; raise UsageError for a malformed one."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option}: {text!r} is no date; write one like 2026-01-09") from None


def parse_issue_day(text: str) -> tuple[date, str]:
    """Return the date of an issue, and the rest of its name if it is a correction."""
    found = _ISSUE_DAY.fullmatch(text)
    if found is None:
        return parse_day(text), ""
    return parse_day(found[1]), found[2]


def parse_local_time(text: str) -> datetime:
    """Return a local date and time; raise UsageError for anything else."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        local = None
    if local is None or local.tzinfo is not None or len(text) <= len("2026-01-10"):
        raise UsageError(f'--to: {text!r} is no local time; write one like "2026-01-10 09:00"')
    return local
