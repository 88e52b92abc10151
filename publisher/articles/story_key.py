"""Decide the language of a document, and the key of the story that it belongs to.

The key is, in this order: stated in the document; the article that it translates; its permalink
without the language; its path without the language. Titles are never compared. The slug of a
story's URL is made from the key.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath

from slugify import slugify

from publisher.articles.model import ParsedArticle
from publisher.config import Publication
from publisher.errors import LanguageError
from publisher.languages import normalise

# Characters; longer names exceed limits of file systems and of lines in mails.
_MAX_SLUG_LENGTH = 80


def article_language(
    parsed: ParsedArticle, path: PurePosixPath, publication: Publication, default: str
) -> str:
    """Return the language: declared, else by file name, else by folder, else the default.

    A variant that the publication does not have becomes the one that it has. Raises LanguageError
    if a declared tag is invalid.
    """
    tag = normalise(parsed.language) if parsed.language else None
    tag = tag or _of_suffix(path, publication) or _of_folder(path, publication) or default
    return publication.serves(tag) or tag


def _of_suffix(path: PurePosixPath, publication: Publication) -> str | None:
    _name, dot, suffix = path.stem.rpartition(".")
    return _folder_tag(suffix, publication) if dot else None


def _of_folder(path: PurePosixPath, publication: Publication) -> str | None:
    return _folder_tag(path.parts[0], publication) if len(path.parts) > 1 else None


def _folder_tag(name: str, publication: Publication) -> str | None:
    """Return a name as a language tag, unless it may be a word (`art` and `new` are tags too)."""
    try:
        tag = normalise(name)
    except LanguageError:
        return None
    primary = name.replace("_", "-").split("-")[0]
    return tag if len(primary) == 2 or publication.serves(tag) else None  # noqa: PLR2004  # ISO 639-1


def story_key(parsed: ParsedArticle, path: PurePosixPath, publication: Publication) -> str:
    """Return the key of the story that a document belongs to."""
    if parsed.key:
        return parsed.key.strip()
    for place in (parsed.translation_of, parsed.permalink):
        if place and place.strip("/ "):
            return _key_of_path(PurePosixPath(place.strip("/ ")), publication)
    return _key_of_path(path, publication)


def _key_of_path(path: PurePosixPath, publication: Publication) -> str:
    if path.suffix.lower() in {".md", ".markdown", ".html", ".htm", ".txt"}:
        path = path.with_suffix("")
    stem, dot, suffix = path.name.rpartition(".")
    if dot and stem and _folder_tag(suffix, publication):
        path = path.with_name(stem)
    parts = path.parts
    if len(parts) > 1 and _folder_tag(parts[0], publication):
        parts = parts[1:]
    return "/".join(parts)


def story_slug(key: str, attempt: int = 0) -> str:
    """Return the ASCII name of a story in its URLs; a higher `attempt` gives another one."""
    slug = slugify(key, max_length=_MAX_SLUG_LENGTH, word_boundary=True)
    if slug and not attempt:
        return slug
    seed = key if attempt <= 1 else f"{key}\n{attempt}"
    digest = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{slug}-{digest}" if slug else f"story-{digest}"
