"""Faults of a date, a language tag, an address or a text, in any format."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from html.entities import name2codepoint
from urllib.parse import urlsplit


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_RFC_822 = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d "
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
    r"\d{4} \d\d:\d\d:\d\d (GMT|[+-]\d\d(00|30))"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

# RFC 5646 section 2.1: language, script, region, variants, extensions, private use.
_BCP_47 = re.compile(
    r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?(-([a-z0-9]{5,8}|\d[a-z0-9]{3}))*"
    r"(-[a-wy-z0-9](-[a-z0-9]{2,8})+)*(-x(-[a-z0-9]{1,8})+)?"
)
_ISO_639_1 = words(
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs "
    "cu cv cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha "
    "he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn "
    "ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb "
    "nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd "
    "se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw "
    "ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
# Of ISO 639-3 but not of ISO 639-2, which is as far as the public validator's table goes.
_LATER_CODES = words("arb ary arz cmn hak lzh nan nqo pes prs wuu yue zxx")

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_NO_URI = re.compile(r"[\s\"<>\[\]{}|\\^`]|[^\x00-\x7f]|%(?![0-9A-Fa-f]{2})")
_NEEDLESS_ESCAPE = re.compile(
    r"%(4[1-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A]|3\d|2[DE]|5F|7E)", re.IGNORECASE
)
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+_-]*( *;.*)?")

_END_TAG = re.compile(r"</([A-Za-z][A-Za-z0-9]*)>")
_REFERENCE = re.compile(r"&(#?\w+)")
_LOOKS_LIKE_MARKUP = re.compile(r"&#[x0-9]|<[A-Za-z/]")
_HTML4_NAMES = {*name2codepoint, "apos"}
HTML_ELEMENTS = words(
    "a abbr acronym address applet area article aside audio b base bdi bdo big blockquote "
    "body br button canvas caption center cite code col colgroup data datalist dd del "
    "details dfn dialog dir div dl dt em embed fieldset figcaption figure font footer "
    "form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input "
    "ins kbd label legend li link main map mark menu meta meter nav noframes noscript "
    "object ol optgroup option output p param picture pre progress q rp rt ruby s samp "
    "script section select slot small source span strike strong style sub summary sup svg "
    "table tbody td template textarea tfoot th thead time title tr track tt u ul var "
    "video wbr"
)

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffd-\uffff]")
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


def rfc_3339(text: str) -> datetime | None:
    """Return a moment of RFC 3339, as Atom and JSON Feed write it; None if it is malformed."""
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def rfc_822(text: str) -> datetime | None:
    """Return a moment of RFC 822 with four digits for the year; None if it is malformed."""
    if not _RFC_822.fullmatch(text):
        return None
    day, month, year, time, zone = text[5:].split(" ")
    number = _MONTHS.index(month) + 1
    offset = "+00:00" if zone == "GMT" else f"{zone[:3]}:{zone[3:]}"
    try:
        return datetime.fromisoformat(f"{year}-{number:02}-{day}T{time}{offset}")
    except ValueError:
        return None


def rfc_822_faults(text: str) -> Iterator[str]:
    """Yield the faults of a date of RSS or OPML."""
    moment = rfc_822(text)
    if moment is None:
        yield f"{text!r} is no date of RFC 822 with four digits for the year"
    elif _DAYS[moment.weekday()] != text[:3]:
        yield f"{text!r} is a {_DAYS[moment.weekday()]}"


def is_plausible(moment: datetime) -> bool:
    """Return whether validators accept the date as plausible. It may be in the future."""
    try:
        return moment.astimezone(UTC) >= _EARLIEST
    except OverflowError:
        return False


def language_faults(tag: str) -> Iterator[str]:
    """Yield the faults of a language tag (BCP 47)."""
    primary = tag.partition("-")[0]
    if not _BCP_47.fullmatch(tag):
        yield f"{tag!r} is no language tag of BCP 47 in its usual spelling"
    elif (len(primary) == 2 and primary not in _ISO_639_1) or primary in _LATER_CODES:
        yield f"{tag!r} begins with a code that is not in ISO 639-1 or 639-2"


def address_faults(address: str) -> Iterator[str]:
    """Yield the faults of an absolute URI (RFC 3986)."""
    if not _ABSOLUTE.fullmatch(address):
        yield f"{address[:80]!r} is no absolute address"
    elif _NO_URI.search(address):
        yield f"{address[:80]!r} holds what a URI must encode"
    elif address.startswith("http") and not urlsplit(address).hostname:
        yield f"{address[:80]!r} has no host"


def web_address_faults(address: str) -> Iterator[str]:
    """Yield the faults of an address that feed readers fetch: http(s), a host with a dot."""
    problems = list(address_faults(address))
    yield from problems
    if problems:
        return
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or "." not in (parts.hostname or ""):
        yield f"{address[:80]!r} is no http(s) address with a dotted host"


def identity_faults(identifier: str) -> Iterator[str]:
    """Yield the faults of an id: it must be absolute, canonical, and without tracking parameters."""
    if not _ABSOLUTE.fullmatch(identifier):
        yield f"{identifier[:80]!r} is no absolute IRI"
    elif "utm_" in identifier:
        yield f"{identifier[:80]!r} carries a mark of a campaign"
    elif identifier.startswith(("http:", "https:")):
        parts = urlsplit(identifier)
        if not parts.path or parts.netloc != parts.netloc.lower():
            yield f"{identifier[:80]!r} is not canonical"
        elif _NEEDLESS_ESCAPE.search(identifier):
            yield f"{identifier[:80]!r} encodes what needs no encoding"


def is_media_type(text: str) -> bool:
    """Return whether a text is a media type, such as audio/mpeg."""
    return _MEDIA_TYPE.fullmatch(text) is not None


def character_faults(text: str) -> Iterator[str]:
    """Yield forbidden characters of a text (controls, lone surrogates, U+FFFD), or that it is not in NFC."""
    if bad := _FORBIDDEN.search(text):
        yield f"holds U+{ord(bad.group()):04X}"
    if not unicodedata.is_normalized("NFC", text) and not any(c in text for c in "<>="):
        yield "is not in NFC"


def plain_faults(text: str, *, referenced: bool = False, rss: bool = False) -> Iterator[str]:
    """Yield why software would take a plain text for HTML.

    `referenced` is whether its line writes & and < as hexadecimal references, which the RSS
    Board's profile asks for and validators take as a sign that they are meant.
    """
    tag = next((m for m in _END_TAG.finditer(text) if m[1].lower() in HTML_ELEMENTS), None)
    if tag:
        yield f"holds {tag.group()}, so it looks like HTML"
    elif referenced:
        return
    elif name := next((n for n in _REFERENCE.findall(text) if _is_reference(n)), None):
        yield f"holds &{name}, so it looks like HTML"
    elif rss and _LOOKS_LIKE_MARKUP.search(text):
        yield "holds & or < that is not written as a hexadecimal reference"


def _is_reference(name: str) -> bool:
    return name in _HTML4_NAMES or not (name.isascii() and name.isalpha())
