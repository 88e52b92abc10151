"""Bring values into one canonical form: text, labels, moments in time, addresses, ids, language tags.

Rules for XML and JSON are the same. Nearly all text is clean: each function first checks, which costs far less than
cleaning. Feed readers compare addresses, tag: URIs and language tags byte by byte; only the form is checked.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from urllib.parse import quote

from feeds.errors import InvalidChannelError, InvalidEntryError, InvalidIdentifierError

# The characters that XML 1.0 section 2.2 forbids, and those that its note discourages (C1
# controls, noncharacters), which are errors in HTML too, and U+FFFD, which stands for a
# lost character. A class of these is compiled ten times as fast as one of all others.
_NO_CHARACTERS = "".join(chr(at) + chr(at + 1) for at in range(0x1FFFE, 0x110000, 0x10000))
_NO_TEXT = f"\ud800-\udfff\ufdd0-\ufdef\ufffd-\uffff{_NO_CHARACTERS}"
_UNCLEAN = re.compile(f"[\0-\b\v-\x1f\x7f-\x9f{_NO_TEXT}]")
_NOT_TEXT = re.compile(f"[\0-\b\v\f\x0e-\x1f\x7f-\x84\x86-\x9f{_NO_TEXT}]")
_LINE_END = re.compile("\r\n?|\u0085")
# Bytes of UTF-8 that occur in forbidden characters. Deleting them is the fastest way to find out
# that there are none. If one occurs, the character may still be allowed: the pattern decides.
_CONTROLS = bytes({*range(0x20), 0x7F} - {0x09, 0x0A})
_SUSPECTS = _CONTROLS + bytes({0xC2, *range(0xF0, 0xF5)})
_MARKUP = re.compile("([<=>])")
# Without NBSP and the ideographic space, which are typography.
_BREAKS = re.compile("[\t\n \u2028\u2029]+")

# Unicode Standard Annex 9: the characters that open a directional run, and those that close it.
_POP_EMBEDDING, _POP_ISOLATE = "\u202c", "\u2069"
_CLOSERS = dict.fromkeys("\u202a\u202b\u202d\u202e", _POP_EMBEDDING)
_CLOSERS |= dict.fromkeys("\u2066\u2067\u2068", _POP_ISOLATE)
_BIDI = re.compile("([\u202a-\u202e\u2066-\u2069])")

_HALF_HOUR = timedelta(minutes=30)  # validators accept minutes 00 and 30 in an offset
# A link whose text has only these could not be seen: white space, controls, joiners and selectors
# (Default_Ignorable_Code_Point), Hangul fillers, the Braille blank.
_INVISIBLE = (
    r"\s"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff"
)
_INVISIBLE_TEXT = re.compile(f"[{_INVISIBLE}]*")


def normalise_text(text: str) -> str:
    return unicodedata.normalize("NFC", _permitted(text))


def clean_html(html: str) -> str:
    """Return HTML cleaned like text. NFC is applied between markup characters only: it would merge `>` and U+0338."""
    permitted = _permitted(html)
    if permitted.isascii() or unicodedata.is_normalized("NFC", permitted):
        return permitted
    return "".join(unicodedata.normalize("NFC", part) for part in _MARKUP.split(permitted))


def one_line(text: str) -> str:
    if _is_plain_line(text):
        return text.strip(" ")
    return _BREAKS.sub(" ", normalise_text(text)).strip(" ")


def label(text: str) -> str:
    """Return a line that is shown beside others, with balanced directional controls; empty without a visible character."""
    if _is_plain_line(text):
        # Python calls some invisible characters printable.
        return "" if _INVISIBLE_TEXT.fullmatch(text) else text.strip(" ")
    return _visible(one_line(text))


def labels(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(label, texts))))


def prose(text: str) -> str:
    """Return visible text of several lines, such as a summary. The rules are those of `label`."""
    return _visible(normalise_text(text).strip())


def balance_bidi(text: str) -> str:
    """Return text whose directional controls are balanced (Unicode Standard Annex 9): it turns no text of a feed reader."""
    if text.isascii() or not _BIDI.search(text):
        return text
    parts = _BIDI.split(text)
    opened: list[str] = []
    isolates = 0
    for place in range(1, len(parts), 2):
        control = parts[place]
        if closer := _CLOSERS.get(control):
            opened.append(closer)
            isolates += closer == _POP_ISOLATE
        elif control == _POP_ISOLATE and isolates:
            isolates -= 1
            while opened.pop() != _POP_ISOLATE:  # this also closes the embeddings inside it
                pass
        elif opened and opened[-1] == control:
            opened.pop()
        else:
            parts[place] = ""
    return "".join(parts) + "".join(reversed(opened))


def optional_line(text: str | None) -> str | None:
    return None if text is None else label(text) or None


def utc_seconds(
    moment: datetime,
    name: str,
    owner: str,
    error: type[InvalidEntryError | InvalidChannelError] = InvalidEntryError,
) -> datetime:
    """Return a moment in UTC and whole seconds. Raise `error`, with the owner's id and the field, if it has no time zone."""
    if moment.tzinfo is UTC and not moment.microsecond:
        return moment
    if moment.utcoffset() is None:
        raise error(owner, f"{name} {moment.isoformat()} has no time zone")
    try:
        return moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError as overflow:
        raise error(owner, f"{name} {moment.isoformat()} is not a date in UTC") from overflow


def zoned_seconds(moment: datetime, name: str, owner: str) -> datetime:
    """Return a moment in whole seconds with an offset of whole or half hours, as validators know, in which it is the same day."""
    utc = utc_seconds(moment, name, owner)
    if utc is moment:
        return moment
    offset = moment.utcoffset() or timedelta()
    try:
        offsets = (offset + -offset % _HALF_HOUR, offset - offset % _HALF_HOUR)
        shown = [utc.astimezone(timezone(one)) if one else utc for one in offsets]
        return next((one for one in shown if one.date() == moment.date()), shown[0])
    except (OverflowError, ValueError):  # at the end of the year 9999; an offset of a whole day
        return utc


def set_fields(value: object, **fields: object) -> None:
    put = object.__setattr__
    for name, content in fields.items():
        put(value, name, content)


def _visible(text: str) -> str:
    if text.isascii():
        return text
    return "" if _INVISIBLE_TEXT.fullmatch(text) else balance_bidi(text)


def _is_plain_line(text: str) -> bool:
    """Return whether a text, but for spaces around it, has no control, surrogate, or separator except the space."""
    return (
        text.isprintable()
        and "  " not in text
        and "\ufffd" not in text
        and (text.isascii() or unicodedata.is_normalized("NFC", text))
    )


def _permitted(text: str) -> str:
    if _is_permitted(text):
        return text
    return _LINE_END.sub("\n", _NOT_TEXT.sub("", text))


def _is_permitted(text: str) -> bool:
    if text.isascii():
        return len(text.encode().translate(None, _CONTROLS)) == len(text)
    return _is_surely_permitted(text) or _UNCLEAN.search(text) is None


def _is_surely_permitted(text: str) -> bool:
    """Return True if a fast check shows that a text is clean; False means that it is unknown."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    if len(encoded.translate(None, _SUSPECTS)) != len(encoded) or b"\xef\xb7" in encoded:
        return False
    return not ("\ufffd" in text or "\ufffe" in text or "\uffff" in text)


_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S.*")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_AUTHORITY = re.compile(r"([a-z0-9._-]+@)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_TAG_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")

# RFC 3986 appendix A: reserved and unreserved characters, and "%", which may be part of an encoded
# character. Without brackets, which are allowed only around the IPv6 address of a host.
_URI_CHARACTERS = "!#$%&'()*+,/:;=?@~"
# A text of only these characters is a URI already, as nearly every address is.
_URI = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*:[\w.{re.escape(_URI_CHARACTERS)}-]+", re.ASCII)
# RFC 3986 section 3.2: the host stands between the last `@` and the port.
_HIERARCHICAL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HIERARCHY = re.compile(
    rf"(?P<before>{_HIERARCHICAL.pattern}(?:[^/?#]*@)?)"
    r"(?P<host>\[(?:[0-9A-Fa-f:.]+(?:%25[\w.~-]+)?|[vV][\w.:~-]+)\]|[^\[\]:/?#@]*)"
    r"(?P<after>(?::[0-9]*)?(?:[/?#].*)?)",
    re.ASCII | re.DOTALL,
)
_MAX_HOST = 253  # Characters. RFC 1035 section 2.3.4, without the length octets.
# RFC 4151 section 2.1: pchar, "/" and "?". Without "%", so that different keys stay different.
_SPECIFIC_CHARACTERS = "!$&'()*+,/:;=?@~"


def absolute_uri(text: str) -> str:
    """Return an absolute URI, encoded (RFC 3987 3.1). Raise InvalidIdentifierError if it is relative or its host malformed."""
    if _URI.fullmatch(text):
        return text
    address = _absolute(text)
    if not _HIERARCHICAL.match(address):
        return _quoted(address)
    parts = _HIERARCHY.fullmatch(address)
    if parts is None:
        raise InvalidIdentifierError(address, "has a malformed host")
    host = _ascii_host(parts["host"], address)
    return f"{_quoted(parts['before'])}{host}{_quoted(parts['after'])}"


def optional_uri(text: str | None) -> str | None:
    return absolute_uri(text) if text else None


def identity(text: str) -> str:
    """Return an id as it is: readers compare its bytes (RFC 4287 4.2.6.1). InvalidIdentifierError if it is no absolute IRI."""
    if _URI.fullmatch(text):
        return text
    identifier = _absolute(text)
    if " " in identifier:
        raise InvalidIdentifierError(text, "is not an id: it contains white space")
    return identifier


@lru_cache(maxsize=256)  # a publication has few languages, and each entry names one
def language_tag(text: str) -> str:
    """Return a tag in the form of BCP 47, registered or not. Raise InvalidIdentifierError for others, such as `zh_Hant`."""
    tag = one_line(text)
    if not _LANGUAGE.fullmatch(tag):
        raise InvalidIdentifierError(
            text, "is not a language tag (BCP 47) such as en or zh-Hant"
        )
    return tag


def tag_uri(authority: str, date: date | str, specific: str) -> str:
    """Return an id that stays valid if addresses change: `tag:AUTHORITY,DATE:SPECIFIC` (RFC 4151).

    `authority` is a domain or e-mail address of the publisher's on `date` (a date, or text YYYY[-MM[-DD]]);
    `specific` any key.
    """
    owner = authority.lower()
    if not _AUTHORITY.fullmatch(owner):
        raise InvalidIdentifierError(
            authority, "is not a domain or e-mail address, as a tag: URI needs"
        )
    if not _TAG_DATE.fullmatch(str(date)):
        raise InvalidIdentifierError(str(date), "is not a date for a tag: URI: YYYY[-MM[-DD]]")
    key = quote(one_line(specific), safe=_SPECIFIC_CHARACTERS)
    if not key:
        raise InvalidIdentifierError(specific, "is empty; a tag: URI needs a key")
    return f"tag:{owner},{date}:{key}"


def _absolute(text: str) -> str:
    address = one_line(text)
    if not _ABSOLUTE.fullmatch(address):
        raise InvalidIdentifierError(text, "is not an absolute address")
    return address


def _ascii_host(host: str, address: str) -> str:
    if host.startswith("["):
        return host
    if host.isascii():
        return _quoted(host)
    try:
        return _idna_host(host)
    except ValueError as error:  # IDNAError is one too
        raise InvalidIdentifierError(address, "has a malformed host") from error


@lru_cache(maxsize=256)  # many links lead to few hosts
def _idna_host(host: str) -> str:
    """Return a host name in ASCII, as browsers do (UTS 46): the standard library turns straße.de into strasse.de."""
    # Imported late: few addresses need it, and its tables load slowly.
    import idna

    if len(host) > _MAX_HOST:
        raise ValueError(f"the host is longer than {_MAX_HOST} characters")
    return idna.encode(host, uts46=True, transitional=False).decode()


def _quoted(text: str) -> str:
    return quote(text, safe=_URI_CHARACTERS)
