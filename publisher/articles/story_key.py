"""Which language a document is in, and which story it belongs to. Pure.

A story's key is looked for in this order: said in so many words; the article it translates;
its permalink without the language; its path without the language. Never by likeness of titles.
The key, not the title, makes the story's URL. Knows no file's content and no database.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath

from slugify import slugify

from publisher.articles.model import ParsedArticle
from publisher.config import Publication
from publisher.errors import LanguageError
from publisher.languages import normalise

# Longer ones break file systems and mail programs' line limits long before readers care.
LONGEST_SLUG = 80


def article_language(
    draft: ParsedArticle, path: PurePosixPath, publication: Publication, default: str
) -> str:
    """Decide the language: declared, else by file name, else by folder, else the default.

    A variety that the publication does not write gets the tag of the one that it does.
    Raises LanguageError if a declared tag is none.
    """
    tag = normalise(draft.language) if draft.language else None
    tag = tag or _of_suffix(path, publication) or _of_folder(path, publication) or default
    return publication.serves(tag) or tag


def _of_suffix(path: PurePosixPath, publication: Publication) -> str | None:
    _name, dot, suffix = path.stem.rpartition(".")
    return _folder_tag(suffix, publication) if dot else None


def _of_folder(path: PurePosixPath, publication: Publication) -> str | None:
    return _folder_tag(path.parts[0], publication) if len(path.parts) > 1 else None


def _folder_tag(name: str, publication: Publication) -> str | None:
    """Read a name as a tag, if it can't be an everyday word (`art` and `new` are languages too)."""
    try:
        tag = normalise(name)
    except LanguageError:
        return None
    primary = name.replace("_", "-").split("-")[0]
    return tag if len(primary) == 2 or publication.serves(tag) else None  # noqa: PLR2004  # ISO 639-1


def story_key(draft: ParsedArticle, path: PurePosixPath, publication: Publication) -> str:
    """Decide the key of the story that a document belongs to."""
    if draft.key:
        return draft.key.strip()
    for place in (draft.translation_of, draft.permalink):
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
    """Make the ASCII name that a story has in every URL; each further attempt gives another."""
    slug = slugify(key, max_length=LONGEST_SLUG, word_boundary=True)
    if slug and not attempt:
        return slug
    seed = key if attempt <= 1 else f"{key}\n{attempt}"
    digest = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{slug}-{digest}" if slug else f"story-{digest}"
