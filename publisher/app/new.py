"""Make a publication to start from."""

from __future__ import annotations

import re
import shutil
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path

from publisher.config import SETTINGS_FILE
from publisher.errors import UsageError

_EXAMPLE_ARTICLE = "articles/en/hello.md"


def create_publication(directory: Path, today: date) -> None:
    """Write a commented publication.toml and an example article into a new folder.

    The example has today's date, or the first issue would leave it out as too old. Raise
    UsageError if the folder has files, or can't be made.
    """
    check_free_folder(directory)
    try:
        with as_file(files("publisher") / "starter") as starter:
            shutil.copytree(starter, directory, dirs_exist_ok=True)
        article = directory / _EXAMPLE_ARTICLE
        text = article.read_text("utf-8")
        article.write_text(re.sub(r"(?m)^date: .*$", f"date: {today}", text), "utf-8")
    except OSError as error:
        raise UsageError(f"{directory}: can't be made: {error.strerror or error}") from None


def check_free_folder(directory: Path) -> None:
    """Raise UsageError if a folder has files."""
    if (directory / SETTINGS_FILE).exists():
        raise UsageError(
            f"{directory / SETTINGS_FILE}: is there already; choose another folder"
        )
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"{directory}: is not an empty folder; choose another")
