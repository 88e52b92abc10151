"""The languages of a site, and where they stand in names: folders, suffixes, prefixes, ids.

`2026-01-09-tides-fr`, `fr/tides`, `tides.fr` and `fr-tides` are `tides` in French, if the site has
French.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from publisher.errors import LanguageError
from publisher.languages import match, normalise

_CODE = re.compile(r"[a-z]{2}([-_]([a-z]{2}|[a-z]{4}|[0-9]{3}))*", re.IGNORECASE)
_SEPARATORS = ".-_"
# Codes of countries that sites write for the languages of the countries, and that are no languages.
_COUNTRIES = {
    "cn": "zh-Hans",
    "cz": "cs",
    "dk": "da",
    "ge": "ka",
    "gr": "el",
    "jp": "ja",
    "kz": "kk",
    "ua": "uk",
    "vn": "vi",
}


class SiteLanguages:
    """Languages by the codes that a site uses for them; `default` is that of names without a code."""

    def __init__(self, codes: Mapping[str, str], default: str) -> None:
        self._tags = {_folded(code): tag for code, tag in codes.items()}
        self.tags = tuple(dict.fromkeys([default, *codes.values()]))
        self.default = default

    @classmethod
    def of(cls, codes: Iterable[str], default: str) -> SiteLanguages:
        """Return the languages of codes that are tags themselves; others are no languages."""
        return cls({code: tag for code in codes if (tag := tag_of(code))}, default)

    def tag(self, code: str) -> str | None:
        """Return the language of a code in any spelling, if the site has it."""
        folded = _folded(code)
        if folded in self._tags:
            return self._tags[folded]
        tag = tag_of(code) if _CODE.fullmatch(code) else None
        return match(tag, self.tags) if tag else None

    def split_folders(self, path: PurePosixPath) -> tuple[str | None, PurePosixPath]:
        """Return the language that a folder of a path names, and the path without that folder."""
        for number, part in enumerate(path.parts[:-1]):
            tag = self.tag(part)
            if tag:
                return tag, PurePosixPath(*path.parts[:number], *path.parts[number + 1 :])
        return None, path

    def split_suffix(self, name: str, separators: str = ".") -> tuple[str | None, str]:
        """Return the language that stands behind the last separator of a name, and the rest."""
        for separator in separators:
            rest, found, code = name.rpartition(separator)
            tag = self.tag(code) if found and rest else None
            if tag:
                return tag, rest
        return None, name

    def without(self, text: str, language: str) -> str:
        """Return a path, name or id without the language `language`, wherever it stands."""
        parts = [one for one in text.split("/") if one and self.tag(one) != language]
        if not parts:
            return ""
        return "/".join([*parts[:-1], self._bare(parts[-1], language)])

    def _bare(self, name: str, language: str) -> str:
        for separator in _SEPARATORS:
            # A code may have a separator of its own: zh-cn, pt_BR.
            for count in (2, 1):
                pieces = name.split(separator)
                if len(pieces) <= count:
                    continue
                if self.tag(separator.join(pieces[-count:])) == language:
                    return separator.join(pieces[:-count])
                if self.tag(separator.join(pieces[:count])) == language:
                    return separator.join(pieces[count:])
        return name


def tag_of(code: str) -> str | None:
    """Return the language tag that a code is in any spelling, None if it is none.

    Sites also write the code of a country: `ua` for Ukrainian.
    """
    try:
        return normalise(code)
    except LanguageError:
        return _COUNTRIES.get(code.strip().lower())


def listed_tags(listed: Any) -> dict[str, str]:
    """Return the languages that a site lists by their codes; a table may say the tag of each."""
    if isinstance(listed, list):
        return {str(one): tag for one in listed if (tag := tag_of(str(one)))}
    if not isinstance(listed, dict):
        return {}
    stated = {
        str(code): str(one.get("lang") or one.get("locale") or "")
        if isinstance(one, dict)
        else ""
        for code, one in listed.items()
    }
    return {code: tag for code, lang in stated.items() if (tag := tag_of(lang or code))}


def is_language_code(name: str) -> bool:
    """Return whether a name is a language of two letters, maybe with a region or a script."""
    return _CODE.fullmatch(name) is not None and tag_of(name) is not None


def _folded(code: str) -> str:
    return code.lower().replace("_", "-")
