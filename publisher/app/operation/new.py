"""Make a publication to start from: an example, or one for a site or a feed that is there.

For a site, `publication.toml` has what is understood of it.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import shutil
import zoneinfo
from collections import Counter
from datetime import date
from html import unescape
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from publisher.app.source_polls import probe_address, probe_built_site
from publisher.config import SETTINGS_FILE
from publisher.config.toml_edit import change_text
from publisher.config.values import MailboxValue
from publisher.errors import SourceError, UsageError
from publisher.files import make_folder, write_file
from publisher.ingest.reports.site_survey import SiteSurvey, survey_site
from publisher.ingest.sites.configuration import ConfigurationFiles
from publisher.ingest.sites.detect import unread_generator
from publisher.languages import known_tag

if TYPE_CHECKING:
    from publisher.polling.probe import Probe

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


# What the starter's publication.toml says of the folder of its example.
_STARTER_PATH = 'path = "articles"'
_STARTER_NOTE = " Inside it: <language>/<name>.md or <name>.<language>.md"


def create_from_site(directory: Path, site: Path) -> SiteSurvey:
    """Write a publication.toml for a site into a new folder, and return what is understood of it.

    Raises UsageError if there is no article in it, or the folder can't be made; SourceError if the site can't be read.
    """
    check_free_folder(directory)
    if not site.is_dir():
        raise UsageError(f"{site}: is not a folder; name the folder of a site")
    if directory.resolve().is_relative_to(site.resolve()):
        raise UsageError(f"{directory}: lies in the site; choose a folder beside {site}")
    if generator := unread_generator(ConfigurationFiles(site)):
        built = next((site / one for one in _BUILT if holds_built_pages(site / one)), None)
        given = f"give {built}" if built else "build it, and give the folder with these"
        raise UsageError(
            f"{site}: this looks like a site of {generator}, whose sources are not read; its built pages are: {given}, "
            "or the address at which it stands"
        )
    survey = survey_site(site)
    if not survey.languages:
        raise UsageError(
            f"{site}: no article was found in it ({survey.generator}); "
            "docs/reference/sites.md says what is one"
        )
    path = os.path.relpath(site.resolve(), directory.resolve())
    _write_settings(directory, _filled(_starter(SETTINGS_FILE), path, survey))
    return survey


# Where generators put what they build.
_BUILT = ("dist", "public", "output", "build", "_site", "out", "docs/.vuepress/dist")


def holds_built_pages(folder: Path) -> bool:
    """Return whether a folder has a site that was built: a page or list that each has, and more pages than documents."""
    # A site in several languages may have no page but theirs: en/index.html.
    marks = ("index.html", "sitemap.xml", "404.html", "*/index.html")
    if not any(next(folder.glob(one), None) for one in marks):
        return False
    endings = Counter(one.suffix for one in folder.rglob("*") if one.suffix in {".html", ".md"})
    return endings[".html"] > endings[".md"]


def create_from_built_site(directory: Path, site: Path) -> Probe | None:
    """Write a publication.toml for a folder of built pages into a new folder; return what is there, None without articles."""
    check_free_folder(directory)
    found = probe_built_site(site, os.path.relpath(site.resolve(), directory.resolve()))
    if not found.feeds:
        return None
    _write_settings(directory, _filled_by_feeds(_starter(SETTINGS_FILE), found))
    return found


# Of what a feed shows when it is read first, how much the first issue may have.
_BACKFILL = "7d"


def create_from_address(directory: Path, url: str) -> Probe:
    """Write a publication.toml whose sources are the feeds at an address into a new folder; return what is there.

    Raise UsageError if the folder can't be made; SourceError if the address can't be read, or no feed is found.
    """
    check_free_folder(directory)
    found = probe_address(None, url)
    if not found.feeds:
        raise SourceError(f"{url}: {'; '.join(found.notes)}")
    _write_settings(directory, _filled_by_feeds(_starter(SETTINGS_FILE), found))
    return found


def _filled_by_feeds(text: str, found: Probe) -> str:
    """Return the starter's settings with the feeds of a site. Pure."""
    stated = [one.language for one in found.feeds]
    stated += [entry.language for one in found.feeds for entry in one.feed.entries]
    links = [entry.url for one in found.feeds for entry in one.feed.entries]
    host = _mail_host(found.url) or _mail_host("".join(links[:1]))
    text = _changed(
        text,
        title=found.title or host,
        languages=list(dict.fromkeys(filter(None, map(known_tag, stated)))),
        sender=f"digest@{host}" if host else "",
    )
    tables = [
        one.table | ({"backfill": _BACKFILL} if one.place == "url" else {})
        for one in found.feeds
    ]
    shown = (
        "[[source]]\n"
        + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        for table in tables
    )
    start, rest = text.split("[[source]]\n", 1)
    _folder, rest = rest.split(f"{_STARTER_PATH}\n", 1)
    return start + "\n".join(shown) + rest


def _changed(text: str, **values: object) -> str:
    """Return settings with values of the publication, those that are not empty. Pure."""
    for key, value in values.items():
        if value:
            text = change_text(text, ("publication", key), value)
    return text


def _starter(name: str) -> str:
    return (files("publisher") / "starter" / name).read_text("utf-8")


def _write_settings(directory: Path, text: str) -> None:
    try:
        make_folder(directory)
        write_file(directory / SETTINGS_FILE, text.encode())
        write_file(directory / "subscribers.csv", _starter("subscribers.csv").encode())
    except OSError as error:
        raise UsageError(f"{directory}: can't be made: {error.strerror or error}") from None


def _filled(text: str, path: str, survey: SiteSurvey) -> str:
    """Return the starter's settings with those of a site. Pure.

    The address stays an example: at that of the site, links to its other pages would lead into `public/`,
    which lacks them.
    """
    host = _mail_host(survey.url)
    title = " ".join(unescape(survey.title).split())
    text = _changed(
        text,
        title=title,
        languages=list(survey.languages),
        timezone=survey.timezone if _is_zone(survey.timezone) else "",
        sender=f"digest@{host}" if host else "",
    )
    source = f"path = {json.dumps(path, ensure_ascii=False)}\n"
    source += "# It names the source in lists of problems, and in commands.\n"
    # Without what a command line would divide.
    name = re.sub(r"[^\w.-]+", "-", posixpath.basename(path)).strip("-.") or "site"
    source += f"name = {json.dumps(name, ensure_ascii=False)}\n"
    source += f'# Whose rules say which files are articles.\nsite = "{survey.generator}"\n'
    source += (
        "# No issue carries what it has today; `publisher articles announce` changes that.\n"
    )
    source += 'first_import = "archive"'
    return text.replace(_STARTER_NOTE, "").replace(_STARTER_PATH, source)


def _mail_host(url: str) -> str:
    """Return the host of a site if the settings take it for mail: some have placeholders."""
    try:
        host = urlsplit(url).hostname or ""
        TypeAdapter(MailboxValue).validate_python(f"digest@{host}")
    except ValueError:
        return ""
    return host


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return bool(name)
