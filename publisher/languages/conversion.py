"""Convert Chinese from one script to the other with OpenCC. The only importer of it.

Only running text is converted: no code, no addresses, no passage marked as another language.
Always convert the original: a second conversion corrupts words. Callers must not convert names of
people, since OpenCC takes some surnames for common words.
"""

from functools import lru_cache
from importlib.metadata import version
from typing import Any

from lxml import etree, html

from publisher.languages.tags import CONVERSIONS, known_tag, script

# Text for machines: a converted character would break it.
_VERBATIM = frozenset({"code", "pre", "kbd", "samp", "var"})


def converter_name() -> str:
    """Return the converter's name and version. Another version may convert differently."""
    return f"OpenCC {version('opencc')}"


@lru_cache(maxsize=8)
def _converter(source: str, target: str) -> Any:
    # Imported late: its dictionaries load slowly, and checking settings needs only the names above.
    from opencc import OpenCC

    return OpenCC(CONVERSIONS[source, target])


def convert_text(text: str, source: str, target: str) -> str:
    return str(_converter(source, target).convert(text)) if text else text


def convert_html(fragment: str, source: str, target: str) -> str:
    """Return an HTML fragment with its running text, `alt` and `title` converted."""
    if not fragment:
        return fragment
    root = html.fragment_fromstring(fragment, create_parent="div")
    _walk(root, source, target)
    inner = etree.tostring(root, method="html", encoding="unicode")
    return inner.removeprefix("<div>").removesuffix("</div>")


def _walk(element: etree._Element, source: str, target: str) -> None:
    if element.tag not in _VERBATIM:
        element.text = convert_text(element.text or "", source, target) or None
        for name in ("alt", "title"):
            if element.get(name):
                element.set(name, convert_text(element.get(name) or "", source, target))
        if element.get("lang"):
            element.set("lang", target)
        for child in element:
            if not _foreign(child, source):
                _walk(child, source, target)
            child.tail = convert_text(child.tail or "", source, target) or None


def _foreign(element: etree._Element, source: str) -> bool:
    """Return whether a passage is marked as being in another script."""
    language = element.get("lang")
    if not language:
        return False
    known = known_tag(str(language))
    # An unknown language is not changed.
    return known is None or script(known) != script(source)
