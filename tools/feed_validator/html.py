"""Faults of a piece of HTML in a feed: unbalanced tags, dangerous markup, addresses.

Stricter than browsers and as strict as validators: each end tag has its start tag, each
ampersand is escaped, nothing runs and nothing is relative. It builds no tree.
"""

import re
from collections.abc import Iterator
from html import unescape
from html.entities import html5

from tools.feed_validator.values import HTML_ELEMENTS, words

_TOKEN = re.compile(
    r"""<!--(?P<comment>.*?)-->
    |<(?P<end>/?)(?P<name>[A-Za-z][^\s/>]*)(?P<rest>(?:[^>"']++|"[^"]*"|'[^']*')*+)>
    |(?P<text>[^<]+)|(?P<stray><)""",
    re.VERBOSE | re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""([^\s"'>/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'=<>`]+))?""")
_AMPERSAND = re.compile(r"&(?:#(\d+|[xX][0-9a-fA-F]+);|(\w+;)|(?=[\w#]))")

_VOID = words("area br col embed hr img input link meta source track wbr")
_OPTIONAL_END = words("li dt dd p option optgroup rt rp tr td th thead tbody tfoot colgroup")
_CLOSED_BY = {
    "li": {"li"}, "dt": {"dt", "dd"}, "dd": {"dt", "dd"}, "rt": {"rt", "rp"},
    "rp": {"rt", "rp"}, "option": {"option", "optgroup"}, "optgroup": {"optgroup"},
    "tr": {"tr", "tbody", "tfoot"}, "td": {"td", "th", "tr", "tbody", "tfoot"},
    "th": {"td", "th", "tr", "tbody", "tfoot"}, "thead": {"tbody", "tfoot"},
    "tbody": {"tbody", "tfoot"}, "colgroup": {"thead", "tbody", "tr"},
    "p": words(
    "address article aside blockquote details dialog div dl fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hgroup hr main menu nav ol p pre section table "
    "ul"
),
}  # fmt: skip

_DANGEROUS = words(
    "applet base basefont bdo body comment embed frame frameset head html iframe isindex "
    "link listing math meta noframes object param plaintext script slot style svg title "
    "xmp"
)
_CSS = re.compile(
    r"(azimuth|background-color|border.*|clear|color|cursor|direction|display|elevation|float|"
    r"font.*|height|letter-spacing|line-height|margin.*|overflow|padding.*|pause.*|pitch.*|"
    r"richness|speak.*|stress|text-(align|decoration|indent)|unicode-bidi|vertical-align|"
    r"voice-family|volume|white-space|width)"
)
_NO_CSS = re.compile(r"border-radius|url|expression|[(\\@]")
_ADDRESSES = {"href", "src", "poster", "cite", "action", "data", "background"}
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")
_SCRIPTS = {"javascript", "vbscript"}
_RIGHT_TO_LEFT = words("ar arc ckb dv fa he ku-Arab ps sd ug ur yi")


def html_faults(html: str) -> Iterator[str]:
    """Yield the faults of a fragment of HTML, with the rule's number at its end."""
    stack: list[str] = []
    for token in _TOKEN.finditer(html):
        if token["name"]:
            yield from _tag(token, stack)
        elif token["stray"]:
            yield f"has a stray < before {html[token.end() : token.end() + 12]!r} (32)"
        elif "--" in (token["comment"] or ""):
            yield "has -- inside a comment (32)"
        else:
            yield from _ampersands(token["text"] or "")
    for name in stack:
        if name not in _OPTIONAL_END:
            yield f"has <{name}> that is never closed (32)"


def _tag(token: re.Match[str], stack: list[str]) -> Iterator[str]:
    name = token["name"].lower()
    if token["end"]:
        yield from _end(name, stack)
        return
    if name in _DANGEROUS:
        yield f"has <{name}> (30)"
    elif name not in HTML_ELEMENTS:
        yield f"has <{name}>, which HTML does not know (32)"
    yield from _attributes(name, token["rest"])
    while stack and name in _CLOSED_BY.get(stack[-1], ()):
        stack.pop()
    if name == "a" and "a" in stack:
        yield "has <a> inside <a> (32)"
    if name not in _VOID:
        stack.append(name)
        if token["rest"].endswith("/"):
            yield f"has <{name}/>, which closes nothing (32)"


def _end(name: str, stack: list[str]) -> Iterator[str]:
    while name in stack and stack[-1] != name and stack[-1] in _OPTIONAL_END:
        stack.pop()
    if stack and stack[-1] == name:
        stack.pop()
    else:
        yield f"has </{name}> where {stack[-1] if stack else 'nothing'} is open (32)"
        if name in stack:
            del stack[len(stack) - 1 - stack[::-1].index(name) :]


def _attributes(element: str, rest: str) -> Iterator[str]:
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(rest):
        name, raw = match[1].lower(), (match[2] or "").strip("\"'")
        if name in found:
            yield f"has {name} twice in <{element}> (32)"
        yield from _ampersands(raw)
        found[name] = unescape(raw)
        yield from _attribute(element, name, found[name])
    if element == "img":
        yield from _image(found)
    if found.get("lang", "") in _RIGHT_TO_LEFT and found.get("dir") != "rtl":
        yield f"has <{element} lang={found['lang']}> without dir=rtl (34)"


def _attribute(element: str, name: str, value: str) -> Iterator[str]:
    if name.startswith("on"):
        yield f"has {name} in <{element}> (30)"
    elif name == "style":
        yield from _style(element, value)
    elif name in _ADDRESSES:
        yield from _address(element, name, value)
    elif name == "srcset":
        for candidate in value.split(","):
            yield from _address(element, name, candidate.strip())


def _style(element: str, css: str) -> Iterator[str]:
    for declaration in css.split(";"):
        name, _, value = declaration.partition(":")
        known = _CSS.fullmatch(name.strip().lower())
        if name.strip() and (not known or _NO_CSS.search(f"{name}:{value}")):
            yield f"has CSS that readers refuse in <{element}>: {declaration.strip()} (31)"


def _address(element: str, name: str, value: str) -> Iterator[str]:
    scheme = _SCHEME.match(value)
    if scheme is None:
        yield f"has a relative {name} in <{element}>: {value[:60]!r} (25)"
    elif scheme[1].lower() in _SCRIPTS:
        yield f"has a script as {name} of <{element}> (30)"


def _image(attributes: dict[str, str]) -> Iterator[str]:
    if "alt" not in attributes:
        yield "has <img> without alt (33)"
    if "src" not in attributes:
        yield "has <img> without src (33)"
    if attributes.get("width") == attributes.get("height") == "1":
        yield "has <img> of one pixel (33)"


def _ampersands(text: str) -> Iterator[str]:
    for match in _AMPERSAND.finditer(text):
        number, name = match[1], match[2]
        if number:
            if not _is_character(number):
                yield f"has &#{number}; which is no character (32)"
        elif name not in html5:
            yield f"has a bare & before {text[match.start() + 1 :][:12]!r} (32)"


def _is_character(number: str) -> bool:
    code = int(number[1:], 16) if number[0] in "xX" else int(number)
    return (
        0x20 <= code < 0x7F
        or code in {9, 10}
        or 0xA0 <= code < 0xD800
        or (0xE000 <= code <= 0x10FFFF and code & 0xFFFE != 0xFFFE)
    )
