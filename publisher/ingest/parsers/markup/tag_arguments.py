"""What a template tag of a site's own most likely shows: a picture, a film, or only what is inside.

Plugins and sites use the same names: `{% image "pier.png", "The pier" %}`, `{% youtube abc %}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from publisher.ingest.parsers.markup.html_parts import link_html, picture_html

_ARGUMENT = re.compile(
    r"""(?:(?P<key>[\w-]+)\s*[=:](?!//)\s*)?(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s,"']+))"""
)
_PICTURE = re.compile(r"\S+\.(?:png|jpe?g|gif|webp|avif|svg)(?:[?#]\S*)?", re.IGNORECASE)
_PICTURE_TAGS = frozenset(
    {"image", "img", "picture", "figure", "responsive_image", "imagecaption"}
)
_FILMS = {
    "youtube": "https://www.youtube.com/watch?v={}",
    "vimeo": "https://vimeo.com/{}",
    "gist": "https://gist.github.com/{}",
}
_NUMBER_KEYS = ("id", "video", "videoid")
# They write something for the head of the page, or change what is inside them for the site alone.
SILENT_TAGS = frozenset({"i18n_headers", "static_href", "endstatic_href", "seo", "feed_meta"})


@dataclass(frozen=True, slots=True)
class TagArguments:
    """The arguments of a tag that are written as texts, by their order and by their names."""

    positional: tuple[str, ...]
    named: Mapping[str, str]

    @classmethod
    def of(cls, written: str) -> TagArguments:
        """Read the arguments of a tag; values are in quotes or one word."""
        positional: list[str] = []
        named: dict[str, str] = {}
        for match in _ARGUMENT.finditer(written):
            value = next(
                one for one in match.group("double", "single", "bare") if one is not None
            )
            if match["key"]:
                named[match["key"].lower()] = value
            else:
                positional.append(value)
        return cls(tuple(positional), named)


def shown_by_name(name: str, written: str) -> str | None:
    """Return the HTML that a tag with a usual name shows; None if nobody can know."""
    arguments = TagArguments.of(written)
    plain = name.lower().replace("-", "_")
    if plain in _PICTURE_TAGS:
        return _picture(arguments)
    if plain in _FILMS:
        named = (arguments.named.get(key) for key in _NUMBER_KEYS)
        number = next(filter(None, (*named, *arguments.positional)), "")
        address = number if "://" in number else _FILMS[plain].format(number)
        return (
            link_html(address, escape(arguments.named.get("title") or address))
            if number
            else None
        )
    return None


def _picture(arguments: TagArguments) -> str | None:
    named, positional = arguments.named, arguments.positional
    stated = next((named[key] for key in ("src", "path", "url") if named.get(key)), "")
    src = stated or next(filter(_PICTURE.fullmatch, positional), "")
    if not src:
        return None
    # A word without quotes is a variable, a class or a size.
    words = [one for one in positional if one != src and not _PICTURE.fullmatch(one)]
    alt = (
        named.get("alt") or named.get("title") or next((one for one in words if " " in one), "")
    )
    return picture_html(src, alt or named.get("caption", ""), escape(named.get("caption", "")))
