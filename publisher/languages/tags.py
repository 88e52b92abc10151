"""Language tags: any spelling in, canonical BCP 47 out, and matching by RFC 4647 lookup.

Chinese is identified by script, not by country: `zh`, `zh-CN` and `zh_CN` are `zh-Hans`, `zh-TW`
is `zh-Hant`, `zh-HK` is `zh-Hant-HK`. No tag matches one in another script or in a language that
is merely similar (Ukrainian never matches Russian).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from publisher.errors import LanguageError

if TYPE_CHECKING:
    import langcodes

# Scripts by canonical tag, as in the registry. Most publications have no other languages, and to load the
# registry takes the tenth part of a short command.
_SCRIPTS = {
    **dict.fromkeys(("ar", "fa", "ur"), "Arab"),
    **dict.fromkeys(("bg", "ru", "uk"), "Cyrl"),
    **dict.fromkeys(
        [
            "ca",
            "cs",
            "da",
            "de",
            "en",
            "en-GB",
            "en-US",
            "es",
            "et",
            "fi",
            "fr",
            "ga",
            "hr",
            "hu",
            "id",
            "it",
            "lt",
            "lv",
            "mt",
            "nb",
            "nl",
            "pl",
            "pt",
            "pt-BR",
            "ro",
            "sk",
            "sl",
            "sv",
            "tr",
            "vi",
        ],
        "Latn",
    ),
    "el": "Grek",
    "he": "Hebr",
    "hi": "Deva",
    "ja": "Jpan",
    "ko": "Kore",
    "th": "Thai",
    "zh-Hans": "Hans",
    "zh-Hant": "Hant",
}

# RFC 5646 section 2.1: a region has two letters, or three digits; a script is four letters, and stands before it.
_REGION_LETTERS, _SCRIPT_LETTERS = 2, 4

# Regions that the script implies are dropped: zh-Hans-CN is zh-Hans.
_IMPLIED_REGION = {("zh", "Hans"): "CN", ("zh", "Hant"): "TW"}

# The languages that OpenCC converts into others, and its configuration. They are Taiwan's and Hong Kong's
# standard forms; its own `s2t` writes forms that are not in use.
CONVERSIONS = {
    ("zh-Hans", "zh-Hant"): "s2tw",
    ("zh-Hans", "zh-Hant-HK"): "s2hk",
    ("zh-Hans", "zh-Hant-MO"): "s2hk",
    ("zh-Hant", "zh-Hans"): "tw2s",
    ("zh-Hant-HK", "zh-Hans"): "hk2s",
}

# Registered tags that name no language: undetermined, several, none, private use.
_NO_LANGUAGE = re.compile("und|mul|zxx|mis|q[a-t][a-z]")


@lru_cache(maxsize=1024)
def normalise(tag: str) -> str:
    """Return the canonical tag for any usual spelling (`zh_TW`, `iw`, `EN-us`).

    Raise LanguageError for a tag that is empty, malformed or not in the registry.
    """
    if tag in _SCRIPTS:
        return tag
    import langcodes

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


def known_tag(tag: str) -> str | None:
    """Return the canonical tag for any usual spelling; None for what is no language."""
    try:
        return normalise(tag)
    except LanguageError:
        return None


def _by_script(language: langcodes.Language) -> str:
    script = language.maximize().script or "Hans"
    region = language.territory
    if region == _IMPLIED_REGION.get(("zh", script)):
        region = None
    return "-".join(part for part in ("zh", script, region) if part)


@lru_cache(maxsize=1024)
def script(tag: str) -> str:
    """Return the language's script as ISO 15924 (`Latn`, `Hant`)."""
    language, _, region = tag.partition("-")
    named = region.partition("-")[0]
    if len(named) == _SCRIPT_LETTERS and named.isalpha():
        return named
    # In no region do the usual languages have another script; `zh` alone is asked for by `match`.
    usual = _SCRIPTS.get("zh-Hans" if tag == "zh" else tag)
    if usual or (len(region) == _REGION_LETTERS and (usual := _SCRIPTS.get(language))):
        return usual
    import langcodes

    return langcodes.Language.get(tag).maximize().script or "Latn"


def match(tag: str, available: Iterable[str]) -> str | None:
    """Return the available tag that best matches `tag`, or None (RFC 4647 section 3.4).

    Subtags are dropped from the right until an available tag is found. Otherwise the first
    available tag of the same language in the same script matches.
    """
    choices = list(available)
    exact = next((wanted for wanted in _shortened(tag) if wanted in choices), None)
    near = (one for one in choices if _language(one) == _language(tag))
    return exact or next((one for one in near if script(one) == script(tag)), None)


def sources_of(target: str) -> tuple[str, ...]:
    """Return the languages that can be converted into `target`."""
    return tuple(source for source, into in CONVERSIONS if into == target)


def _shortened(tag: str) -> Iterator[str]:
    subtags = tag.split("-")
    while subtags and script("-".join(subtags)) == script(tag):
        yield "-".join(subtags)
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:  # a singleton (x-, u-) without its subtag
            subtags.pop()


def _language(tag: str) -> str:
    return tag.partition("-")[0]
