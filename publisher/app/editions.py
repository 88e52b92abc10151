"""Find the editions that a person names by newsletter and language."""

from __future__ import annotations

from collections.abc import Sequence

from publisher.config import Edition, Settings
from publisher.errors import LanguageError, UsageError
from publisher.languages import match, normalise
from publisher.messages import message


def _editions_of(settings: Settings, newsletter: str) -> list[Edition]:
    """Return the editions of a newsletter, or of a digest; raise UsageError if there is none."""
    found = list(settings.editions_of(newsletter))
    if not found:
        raise UsageError(
            message(
                "%(newsletter)s: no such newsletter; there are: %(names)s",
                newsletter=newsletter,
                names=", ".join(one.name for one in settings.newsletters) or "none",
            )
        )
    return found


def find_edition(settings: Settings, newsletter: str, language: str | None) -> Edition:
    """Return a newsletter's edition, the first one without a language; raise UsageError."""
    editions = _editions_of(settings, newsletter)
    if language is None:
        return editions[0]
    if found := _in_language(editions, language):
        return found[0]
    languages = ", ".join(edition.language for edition in editions)
    raise UsageError(f"{newsletter} has no edition in {language}; there are: {languages}")


def choose_editions(
    settings: Settings, newsletter: str | None, language: str | None
) -> list[Edition]:
    """Return the editions of a newsletter or of all, in a language or in all.

    Language by language, in the order of the publication. Raise UsageError if there is none.
    """
    names = [newsletter] if newsletter is not None else [n.name for n in settings.newsletters]
    found = [edition for name in names for edition in _editions_of(settings, name)]
    if not found:
        raise UsageError("there is no newsletter; add a table [[newsletter]]")
    order = settings.publication.languages
    found.sort(key=lambda edition: order.index(edition.language))
    if language is None:
        return found
    if chosen := _in_language(found, language):
        return chosen
    languages = ", ".join(dict.fromkeys(edition.language for edition in found))
    raise UsageError(f"there is no edition in {language}; there are: {languages}")


def _in_language(editions: Sequence[Edition], tag: str) -> list[Edition]:
    """Return the editions in the language that a tag of any form means; raise UsageError."""
    try:
        language = match(normalise(tag), [edition.language for edition in editions])
    except LanguageError as error:
        raise UsageError(str(error)) from None
    return [edition for edition in editions if edition.language == language]
