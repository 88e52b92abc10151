"""Build a site in a folder, and look at what is understood of it."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from publisher.articles.model import ParsedArticle
from publisher.config.sources import FolderSourceSettings
from publisher.ingest.media.document_media import FolderFiles
from publisher.ingest.parsers import parse_document
from publisher.ingest.sites.base import LeftOut, LeftOutError, Site, SiteOptions
from publisher.ingest.sites.configuration import ConfigurationFiles
from publisher.ingest.sites.detect import open_site
from publisher.ingest.sources.folder import document_of_site, scan_folder

# Nanoseconds: so late that every file was changed long before.
LATER = 2**62


def build(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    return folder


def page(**fields: str) -> str:
    """Return a document with front matter in YAML."""
    lines = "".join(f"{key}: {value}\n" for key, value in fields.items())
    return f"---\n{lines}---\nThe tide comes in.\n"


def opened(
    folder: Path, languages: Sequence[str] = ("en", "fr", "zh-Hans"), **options: Any
) -> Site:
    """Open a site with settings of its source."""
    table = {"kind": "folder", "path": ".", **options}
    chosen = SiteOptions(FolderSourceSettings.model_validate(table), languages)
    return open_site(ConfigurationFiles(folder), chosen)


def understood(folder: Path, **options: Any) -> dict[str, ParsedArticle | LeftOut]:
    """Return what each document that is listed is, by its path, and what its text makes of it."""
    site = opened(folder, **options)
    found: dict[str, ParsedArticle | LeftOut] = {}
    for item in scan_folder(folder, LATER, site).items:
        if not item.is_document:
            continue
        path = PurePosixPath(item.key)
        library = FolderFiles(folder)
        content = library.read(path)
        assert content is not None
        try:
            found[item.key] = parse_document(document_of_site(site, path, content), library)
        except LeftOutError as error:
            found[item.key] = error.left_out
    return found


def articles(folder: Path, **options: Any) -> dict[str, ParsedArticle]:
    found = understood(folder, **options)
    return {path: one for path, one in found.items() if isinstance(one, ParsedArticle)}


def only_article(folder: Path, files: dict[str, str]) -> ParsedArticle:
    """Build a site, and return the one article that it has."""
    (found,) = articles(build(folder, files)).values()
    return found


def stories(folder: Path, **options: Any) -> dict[str, set[str]]:
    """Return the languages of each story by its key."""
    found: dict[str, set[str]] = {}
    for one in articles(folder, **options).values():
        found.setdefault(one.key or "", set()).add(one.language or "")
    return found


def left_out(folder: Path, **options: Any) -> dict[str, int]:
    """Return how many files are left out by name, by `reason: group`."""
    counted = scan_folder(folder, LATER, opened(folder, **options)).left_out
    return {f"{one.reason}: {one.group}": number for one, number in counted.items()}
