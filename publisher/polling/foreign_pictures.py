"""Pictures in the texts of others: where each really is, and which show nothing. Pure.

Sites put a placeholder where a script loads the picture later, offer several widths, and count readers with pictures
of one pixel.
"""

import base64
import hashlib
import math
import re
from collections.abc import Callable, Iterator

from lxml import etree
from lxml.html import HtmlElement, fragment_fromstring

from publisher.errors import ArticleError
from publisher.polling.foreign_values import harmless_tags, web_address
from publisher.polling.model import AnswerError, WebEntry

_WIDTH = 1_200  # pixels: that of several widths is taken that is nearest
_MAX_OF_TEXT = 30
_LAZY = ("data-src", "data-lazy-src", "data-original", "data-orig-file")
_LAZY_SETS = ("srcset", "data-srcset", "data-lazy-srcset")
# They count readers, or stand for a sign.
_COUNTERS = re.compile(
    r"/(?:pixel|beacon|track(?:ing)?|open|count(?:er)?)\b[^/]*$|feedburner\.com/~r|feeds\.wordpress\.com|stats\.wp\.com|"
    r"doubleclick\.net|medium\.com/_/stat|gravatar\.com/avatar|/track/open|list-manage\.com",
    re.IGNORECASE,
)
_SIGNS = re.compile(r"s\.w\.org/images/core/emoji|/emoji/|/smil(?:ies|eys)/", re.IGNORECASE)


def pictures_of(entry: WebEntry, *, is_full: bool) -> tuple[str, ...]:
    """Return the addresses of an entry's pictures, its own first; of a summary just one."""
    inside = (
        (address for _image, address in _images(_parsed(entry.text), entry.url))
        if entry.text
        else ()
    )
    found = dict.fromkeys(filter(None, (entry.picture, *inside)))
    return tuple(found)[: _MAX_OF_TEXT if is_full else 1]


def with_pictures(html: str, base: str, place_of: Callable[[str], str]) -> str:
    """Return HTML whose pictures stand where `place_of` says; those without a place are left out."""
    if "<img" not in html.lower():
        return html
    body = _parsed(html)
    for image, address in [*_images(body, base)]:
        sign = image.get("alt") or ""
        if place := place_of(address) if address else "":
            image.attrib.update({"src": place})
            for name in (*_LAZY, *_LAZY_SETS, "sizes"):
                image.attrib.pop(name, None)
        else:
            is_sign = not address and _SIGNS.search(image.get("src") or "")
            image.tail = (sign if is_sign else "") + (image.tail or "")
            image.drop_tree()
    # Those of recordings and films stay.
    for one in body.xpath(".//picture//source"):
        one.drop_tree()
    for figure in [*body.iter("figure")]:
        if not len(
            figure.xpath(".//img|.//table|.//pre|.//blockquote|.//video|.//audio|.//iframe")
        ):
            figure.drop_tree()
    return inner_html(body)


def inner_html(element: HtmlElement) -> str:
    """Return what is in an element, as HTML."""
    text = etree.tostring(element, encoding="unicode", method="html", with_tail=False)
    return text[text.index(">") + 1 : text.rindex("<")]


def _parsed(html: str) -> HtmlElement:
    body = fragment_fromstring(harmless_tags(html), create_parent="div")
    for one in [*body.iter("noscript")]:
        before, real = one.getprevious(), next(one.iter("img"), None)
        # A script would put the picture in the place of an empty one.
        is_empty = before is not None and before.tag == "img" and not _written(before)
        if real is not None and is_empty and before is not None:
            before.attrib.update(real.attrib)
        one.drop_tree()
    return body


def _written(image: HtmlElement) -> str:
    """Return an address that an image has for its picture; empty if it only has a placeholder."""
    written = next(filter(None, map(image.get, (*_LAZY, *_LAZY_SETS, "src"))), "")
    return "" if written.startswith("data:") else written


def _images(body: HtmlElement, base: str) -> Iterator[tuple[HtmlElement, str]]:
    """Yield each picture with its address, which is empty if it shows nothing to readers."""
    for image in body.iter("img"):
        written = next(filter(None, map(image.get, _LAZY)), "") or image.get("src") or ""
        sets = next(filter(None, map(image.get, _LAZY_SETS)), "")
        if sets and (not written or written.startswith("data:")):
            written = _nearest(sets)
        address = web_address(written, base)
        is_dot = any(_pixels(image.get(side)) <= 2 for side in ("width", "height"))  # noqa: PLR2004  # a dot, or a line
        yield (
            image,
            "" if is_dot or _COUNTERS.search(address) or _SIGNS.search(address) else address,
        )


def _pixels(text: str | None) -> float:
    return float(text) if text and re.fullmatch(r"\d{1,5}", text.strip()) else math.inf


def _nearest(srcset: str) -> str:
    """Return the address in a srcset whose width is nearest to what mails show (HTML section 4.8.4)."""
    found = [
        (abs(int(width) - _WIDTH), address)
        for address, width in re.findall(r"(\S+)\s+(\d{1,5})w", srcset)
    ]
    return min(found)[1] if found else srcset.strip().partition(" ")[0].rstrip(",")


def file_of(address: str) -> str:
    """Return the name of the file that has the copy of a picture, without its ending."""
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def copied_picture(content: bytes) -> tuple[str, str]:
    """Return the ending of a picture's copy, and the copy in base64. Raise AnswerError for what is no picture."""
    from publisher.pictures.mail_copies import (
        copy_for_mails,  # loads Pillow, in a process of its own
    )

    try:
        ending, copy = copy_for_mails(content)
    except ArticleError as error:
        raise AnswerError(str(error)) from None
    return ending, base64.b64encode(copy).decode()
