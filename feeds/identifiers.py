"""Addresses, tag: URIs and language tags, in one canonical spelling.

Feed readers compare them byte by byte. Only the form is checked, not whether an address exists.
"""

import re
from datetime import date
from functools import lru_cache
from urllib.parse import quote

from feeds.errors import InvalidIdentifierError
from feeds.normalisation import one_line

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
# Characters. RFC 1035 section 2.3.4, without the length octets.
_MAX_HOST = 253
# RFC 4151 section 2.1: pchar, "/" and "?". Without "%", so that different keys stay different.
_SPECIFIC_CHARACTERS = "!$&'()*+,/:;=?@~"


def absolute_uri(text: str) -> str:
    """Return an absolute URI; characters that a URI may not hold are encoded (RFC 3987 section 3.1).

    Raise InvalidIdentifierError if the text is relative or its host is malformed.
    """
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
    """Return an absolute URI; None for a blank text."""
    return absolute_uri(text) if text else None


def identity(text: str) -> str:
    """Return an id unchanged: feed readers compare it byte by byte (RFC 4287 section 4.2.6.1).

    Raise InvalidIdentifierError if it is not an absolute IRI.
    """
    if _URI.fullmatch(text):
        return text
    identifier = _absolute(text)
    if " " in identifier:
        raise InvalidIdentifierError(text, "is not an id: it contains white space")
    return identifier


@lru_cache(maxsize=256)  # a publication has few languages, and each entry names one
def language_tag(text: str) -> str:
    """Return a language tag that has the form of BCP 47. It need not be registered.

    Raise InvalidIdentifierError, as for `zh_Hant`, which feed readers do not understand.
    """
    tag = one_line(text)
    if not _LANGUAGE.fullmatch(tag):
        raise InvalidIdentifierError(
            text, "is not a language tag (BCP 47) such as en or zh-Hant"
        )
    return tag


def tag_uri(authority: str, date: date | str, specific: str) -> str:
    """Return an id that stays valid if addresses change: `tag:AUTHORITY,DATE:SPECIFIC` (RFC 4151).

    `authority` is a domain or e-mail address that belonged to the publisher on `date` (a date, or
    text YYYY[-MM[-DD]]). `specific` is any key; different keys give different ids.
    Raise InvalidIdentifierError if a part is malformed.
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
    """Return a host name in ASCII, encoded as browsers do: UTS 46, non-transitional.

    The codec of the standard library follows rules of 2003. It turns straße.de into strasse.de,
    which is a different domain.
    """
    # Imported late: few addresses need it, and its tables load slowly.
    import idna

    if len(host) > _MAX_HOST:
        raise ValueError(f"the host is longer than {_MAX_HOST} characters")
    return idna.encode(host, uts46=True, transitional=False).decode()


def _quoted(text: str) -> str:
    return quote(text, safe=_URI_CHARACTERS)
