"""Language tags: any spelling in, canonical BCP 47 out, and matching by RFC 4647 lookup.

Chinese is kept by script, not by country, since that is what a reader can read: `zh`,
`zh-CN` and `zh_CN` are `zh-Hans`, `zh-TW` is `zh-Hant`, `zh-HK` is `zh-Hant-HK`. Matching
never goes from one script to another, and never to a language that is merely similar
(Ukrainian is not answered with Russian). Knows no catalogue and no article.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import langcodes

from publisher.errors import LanguageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A region that its script implies already says nothing: zh-Hans-CN is zh-Hans.
_IMPLIED_REGION = {("zh", "Hans"): "CN", ("zh", "Hant"): "TW"}

# Registered, but nothing that one could write in, or for private use and known to nobody.
_NO_LANGUAGE = re.compile("und|mul|zxx|mis|q[a-t][a-z]")


@lru_cache(maxsize=1024)
def normalise(tag: str) -> str:
    """Give the canonical tag for any usual spelling (`zh_TW`, `iw`, `EN-us`).

    Raises LanguageError for what is empty, malformed or not in the registry.
    """
    spelled = tag.strip().replace("_", "-")
    try:
        standard = langcodes.standardize_tag(spelled)
        known = bool(spelled) and spelled[1:2] != "-" and langcodes.tag_is_valid(standard)
        language = langcodes.Language.get(standard)
    except ValueError:
        raise LanguageError(tag) from None
    if not known or not language.language or _NO_LANGUAGE.fullmatch(language.language):
        raise LanguageError(tag)
    return _by_script(language) if language.language == "zh" else standard


def _by_script(language: langcodes.Language) -> str:
    script = language.maximize().script or "Hans"
    region = language.territory
    if region == _IMPLIED_REGION.get(("zh", script)):
        region = None
    return "-".join(part for part in ("zh", script, region) if part)


@lru_cache(maxsize=1024)
def script(tag: str) -> str:
    """Give the script that the language is written in, as ISO 15924 (`Latn`, `Hant`)."""
    return langcodes.Language.get(tag).maximize().script or "Latn"


def match(tag: str, available: Iterable[str]) -> str | None:
    """Find the available tag that a reader of `tag` can read, or None (RFC 4647 section 3.4).

    Subtags are dropped from the right until something fits; then any available variety
    of the same language in the same script serves.
    """
    choices = list(available)
    exact = next((wanted for wanted in _ever_shorter(tag) if wanted in choices), None)
    return exact or next((choice for choice in choices if _same(choice, tag)), None)


def _ever_shorter(tag: str) -> Iterator[str]:
    subtags = tag.split("-")
    while subtags and script("-".join(subtags)) == script(tag):
        yield "-".join(subtags)
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:  # it only announced what has just gone (x-, u-)
            subtags.pop()


def _same(one: str, other: str) -> bool:
    return _language(one) == _language(other) and script(one) == script(other)


def _language(tag: str) -> str:
    return tag.partition("-")[0]
