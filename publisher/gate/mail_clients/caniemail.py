"""What mail clients support, as caniemail.com tested it, and which of these features a mail uses, and where.

The data are a compact copy (`data/caniemail.json`, licences beside it) that `tools.mail_clients` makes; `features.toml`
says which of them what uses. Many of the tests are some years old: a "no" still holds in most cases, a "yes" held once.
"""

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from publisher.gate.css.stylesheet import AtRule, Declaration, Selector, parse_declarations
from publisher.gate.mail import HtmlDocument, StyleBlock, element_name, line_of

CANIEMAIL_DATA = Path(__file__).parent / "data" / "caniemail.json"
CANIEMAIL_LICENCES = CANIEMAIL_DATA.with_name("LICENSES.txt")
NOT_TESTED = "-"

OUTLOOK_WINDOWS = ("Outlook Windows",)  # the names of clients in findings

_PLATFORMS = {
    "desktop-webmail": "web",
    "mobile-webmail": "mobile web",
    "ios": "iOS",
    "android": "Android",
    "macos": "macOS",
    "windows": "Windows",
}
# Clients whose name is not the family's name with a platform behind it.
_OWN_NAMES = {"outlook.outlook-com": "Outlook.com", "outlook.windows-mail": "Windows Mail"}


class Support(StrEnum):
    """What a mail client does with a feature."""

    YES = "y"
    PARTLY = "a"
    NO = "n"
    UNKNOWN = "u"
    UNTESTED = NOT_TESTED


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFeature:
    """A feature of HTML, CSS or images; `slug` names its page on caniemail.com.

    `tested` is the date of the last test (`2025-11-14`). `support` and `note_numbers` are by
    client (`gmail.ios`), `notes` by number.
    """

    slug: str
    title: str
    category: str
    tested: str
    support: dict[str, Support]
    note_numbers: dict[str, tuple[str, ...]]
    notes: dict[str, str]

    def notes_for(self, client: str) -> list[str]:
        return [self.notes.get(number, "") for number in self.note_numbers[client]]


@lru_cache(maxsize=1)
def _read() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(CANIEMAIL_DATA.read_text(encoding="utf-8"))
    return data


@lru_cache(maxsize=1)
def feature_slugs() -> frozenset[str]:
    return frozenset(_read()["features"])


@lru_cache(maxsize=512)
def client_feature(slug: str) -> ClientFeature:
    """Return a feature by its slug. Raises KeyError if caniemail has none."""
    written = _read()["features"][slug]
    # One word for each client: `a1,7` means partly, with notes 1 and 7.
    results = list(zip(_read()["clients"], written["verdicts"].split(" "), strict=True))
    return ClientFeature(
        slug=slug,
        title=written["title"],
        category=written["category"],
        tested=written["tested"],
        support={client: Support(word[0]) for client, word in results},
        note_numbers={
            client: tuple(filter(None, word[1:].split(","))) for client, word in results
        },
        notes=written["notes"],
    )


@lru_cache(maxsize=1)
def client_names() -> dict[str, str]:
    """Return the usual name of each client (`gmail.ios`: Gmail iOS)."""
    names = {}
    for client in _read()["clients"]:
        family, _, platform = client.partition(".")
        whole = _read()["families"][family].replace("!", "")
        plain = f"{whole} {_PLATFORMS.get(platform, platform)}"
        names[client] = _OWN_NAMES.get(client, plain)
    return names


_FEATURES = tomllib.loads(Path(__file__).with_name("features.toml").read_text("utf-8"))


def _by_user(table: str) -> dict[str, str]:
    return {name: slug for slug, names in _FEATURES[table].items() for name in names}


CHECKED_CLIENTS: tuple[str, ...] = tuple(_FEATURES["checked_clients"])
FORBIDDEN_ELEMENTS: frozenset[str] = frozenset(_FEATURES["forbidden_elements"])
SEMANTIC_ELEMENTS: frozenset[str] = frozenset(_FEATURES["semantic_elements"])
PLAIN_ELEMENTS: frozenset[str] = frozenset(_FEATURES["plain_elements"])
_PROPERTIES, _FUNCTIONS = _by_user("properties"), _by_user("functions")
_WORDS, _MEDIA = _by_user("words"), _by_user("media")
_TAGS = _by_user("tags") | dict.fromkeys(SEMANTIC_ELEMENTS, "html-semantics")
_ATTRIBUTES: frozenset[str] = frozenset(_FEATURES["attributes"])
_OTHER_ATTRIBUTES = _by_user("other_attributes")
_VALUES: dict[str, str] = _FEATURES["values"]  # by `property: value`; no text for none
# A client that skips a property with such a value shows the same.
_NO_EFFECT = frozenset({"none", "normal", "auto", "0", "0px", "unset", "inherit"})
_UNITS = {"%": "percent"}
_COMBINATORS = {
    " ": "css-selector-descendant",
    ">": "css-selector-child",
    "+": "css-selector-adjacent-sibling",
    "~": "css-selector-general-sibling",
}
_FORMATS = {"jpeg": "jpg", "tif": "tiff", "heic": "heif"}
# Outlook adds these to a mail in dark mode: selectors with them are for Outlook only.
_OUTLOOK_ATTRIBUTES = frozenset({"data-ogsc", "data-ogsb", "data-ogac", "data-ogab", "owa"})


_IN_STYLE: tuple[str, ...] = ("html-style",)  # what a client that skips <style> skips


@dataclass(frozen=True, slots=True)
class FeatureUse:
    """One use of a feature; a client that skips a feature of `within` does not meet it.

    It is in an element, or in a line of a style sheet.
    """

    slug: str
    element: etree._Element | None = None
    sheet_line: int = 1
    within: tuple[str, ...] = ()
    is_for_outlook: bool = False

    @property
    def where(self) -> str:
        return "style" if self.element is None else element_name(self.element)

    @property
    def line(self) -> int:
        return self.sheet_line if self.element is None else line_of(self.element)


def used_features(document: HtmlDocument) -> list[FeatureUse]:
    found = []
    for element in document.elements:
        if element.tag in FORBIDDEN_ELEMENTS:
            continue
        slugs = [*_of_tag(str(element.tag))]
        if attributes := element.keys():
            slugs += _of_attributes(tuple(attributes))
            source = element.get("src" if element.tag == "img" else "background")
            slugs += _of_image(source) if source else ()
            slugs += _of_style(element.get("style", ""))
        found += [FeatureUse(slug, element) for slug in slugs]
    for block in document.style_blocks:
        found += _of_block(block)
    return found


def _known(slugs: Iterable[str]) -> tuple[str, ...]:
    return tuple(filter(feature_slugs().__contains__, dict.fromkeys(slugs)))


@lru_cache(maxsize=256)
def _of_tag(tag: str) -> tuple[str, ...]:
    return _known([_TAGS.get(tag, f"html-{tag}")])


@lru_cache(maxsize=512)
def _of_attributes(names: tuple[str, ...]) -> tuple[str, ...]:
    return _known(
        [
            _OTHER_ATTRIBUTES.get(name, f"html-{name}")
            for name in names
            if name in _ATTRIBUTES or name in _OTHER_ATTRIBUTES or name.startswith("aria-")
        ]
    )


@lru_cache(maxsize=512)
def _of_image(address: str) -> tuple[str, ...]:
    if address.lstrip()[:5].lower() == "data:":
        return _known(["image-base64"])
    try:
        suffix = PurePosixPath(urlsplit(address).path).suffix[1:].lower()
    except ValueError:
        return ()
    return _known([f"image-{_FORMATS.get(suffix, suffix)}"])


@lru_cache(maxsize=4096)
def _of_style(style: str) -> tuple[str, ...]:
    slugs = map(declaration_features, parse_declarations(style))
    return tuple(dict.fromkeys(chain.from_iterable(slugs)))


@lru_cache(maxsize=4096)
def declaration_features(declared: Declaration) -> tuple[str, ...]:
    name, found = declared.name, tuple[str, ...]()
    if name.startswith("--"):
        found = ("css-variables",)
    elif not name.startswith(("mso-", "-")):  # a property of one client; others skip it
        slugs = [_of_property(name, declared.value.lower())]
        slugs += filter(None, map(_FUNCTIONS.get, declared.functions))
        slugs += filter(None, map(_WORDS.get, declared.words))
        slugs += [f"css-unit-{_UNITS.get(unit, unit)}" for unit in declared.units]
        found = _known(slugs)
    if declared.urls and name != "src":
        found += tuple([slug for url in declared.urls for slug in _of_image(url)])
    return found


def _of_property(name: str, value: str) -> str:
    if (slug := _VALUES.get(f"{name}: {value}")) is not None:
        return slug
    if name == "display" or value in _NO_EFFECT:
        return ""  # block, inline, table and others are supported everywhere
    if name.endswith("-radius") and name not in _PROPERTIES:
        return "css-border-radius"
    whole = name
    while name:
        slug = _PROPERTIES.get(name, f"css-{name}")
        if slug in feature_slugs() and (slug != "css-font" or name == whole):
            return slug
        name = name.rpartition("-")[0]
    return ""


def _of_block(block: StyleBlock) -> list[FeatureUse]:
    offset = block.line - 1
    found: list[tuple[str, int, tuple[str, ...], bool]] = []
    for rule in block.sheet.at_rules:
        found += [(slug, rule.line, _IN_STYLE, False) for slug in _of_at_rule(rule)]
    found += [("css-nesting", line, _IN_STYLE, False) for line in block.sheet.nested]
    for style in block.sheet.rules:
        around = (*_IN_STYLE, *_of_at_rules((*block.within, *style.within)))
        attributes = chain.from_iterable([one.attributes for one in style.selectors])
        for_outlook = not _OUTLOOK_ATTRIBUTES.isdisjoint([name for name, _, _ in attributes])
        if for_outlook:
            around = (*around, "css-selector-attribute")
        slugs = dict.fromkeys(chain.from_iterable(map(_of_selector, style.selectors)))
        uses = [(slug, style.line) for slug in slugs]
        for one in style.declarations:
            uses += [(slug, one.line) for slug in declaration_features(one)]
        found += [(slug, line, around, for_outlook) for slug, line in uses]
    return [
        FeatureUse(slug, sheet_line=offset + line, within=within, is_for_outlook=for_outlook)
        for slug, line, within, for_outlook in found
    ]


@lru_cache(maxsize=256)
def _of_at_rules(rules: tuple[AtRule, ...]) -> tuple[str, ...]:
    return tuple(chain.from_iterable(map(_of_at_rule, rules)))


@lru_cache(maxsize=256)
def _of_at_rule(rule: AtRule) -> tuple[str, ...]:
    slugs = [f"css-at-{rule.name}"]
    if rule.name == "media":
        slugs += [slug for name, slug in _MEDIA.items() if name in rule.prelude.lower()]
    return _known(slugs)


def _of_selector(selector: Selector) -> tuple[str, ...]:
    slugs = [_COMBINATORS[combinator] for combinator in selector.combinators]
    uses = {
        "attribute": selector.attributes,
        "universal": selector.has_universal,
        "chaining": selector.has_chain,
        "id": selector.ids,
        "class": selector.classes,
        "type": selector.tags,
    }
    slugs += [f"css-selector-{name}" for name, is_used in uses.items() if is_used]
    for pseudo in selector.pseudos:
        kind = "element" if pseudo.startswith("::") else "class"
        slugs.append(f"css-pseudo-{kind}-{pseudo.lstrip(':')}")
    return _known(slugs)
