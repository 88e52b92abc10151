"""Texts that machines compare: addresses, tag: URIs, language tags.

Readers compare them byte by byte, so each has one spelling here. Nothing is looked up:
an address may well lead nowhere.
"""

import re
from datetime import date
from functools import lru_cache
from urllib.parse import quote

from feeds.errors import InvalidIdentifierError
from feeds.text import single_line

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S.*")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_AUTHORITY = re.compile(r"([a-z0-9._-]+@)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_TAG_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")

# RFC 3986 appendix A: reserved and unreserved characters, and "%" of what is encoded already.
# Brackets are reserved for a host that is an IPv6 address.
_URI_CHARACTERS = "!#$%&'()*+,/:;=?@~"
# What is made of these is a URI already, and nearly every address is.
_URI = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*:[\w.{re.escape(_URI_CHARACTERS)}-]+", re.ASCII)
# RFC 3986 section 3.2: the host is what stands between the last `@` and a port.
_HIERARCHICAL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HIERARCHY = re.compile(
    rf"(?P<before>{_HIERARCHICAL.pattern}(?:[^/?#]*@)?)"
    r"(?P<host>\[(?:[0-9A-Fa-f:.]+(?:%25[\w.~-]+)?|[vV][\w.:~-]+)\]|[^\[\]:/?#@]*)"
    r"(?P<after>(?::[0-9]*)?(?:[/?#].*)?)",
    re.ASCII | re.DOTALL,
)
# RFC 1035 section 2.3.4, less the octets of lengths: a longer name is not worth looking at.
_LONGEST_HOST = 253
# RFC 4151 section 2.1: pchar, "/" and "?"; "%" is left out, so that no two keys collide.
_SPECIFIC_CHARACTERS = "!$&'()*+,/:;=?@~"


def absolute_uri(text: str) -> str:
    """Return an absolute URI; what no URI may hold is encoded (RFC 3987 section 3.1).

    Raises InvalidIdentifierError if the text is relative or its host cannot be read.
    """
    if _URI.fullmatch(text):
        return text
    address = _absolute(text)
    if not _HIERARCHICAL.match(address):
        return _quoted(address)
    parts = _HIERARCHY.fullmatch(address)
    if parts is None:
        raise InvalidIdentifierError(address, "has a host that cannot be read")
    host = _ascii_host(parts["host"], address)
    return f"{_quoted(parts['before'])}{host}{_quoted(parts['after'])}"


def identity(text: str) -> str:
    """Return an id as it is compared, byte by byte (RFC 4287 section 4.2.6.1): untouched.

    Raises InvalidIdentifierError if it is no absolute IRI.
    """
    if _URI.fullmatch(text):
        return text
    identifier = _absolute(text)
    if " " in identifier:
        raise InvalidIdentifierError(text, "is no id: it holds white space")
    return identifier


@lru_cache(maxsize=256)  # a publication has few, and each entry names one
def language_tag(text: str) -> str:
    """Return a language tag of the form of BCP 47; whether it exists is not asked.

    Raises InvalidIdentifierError, as for `zh_Hant`, which feed readers do not know.
    """
    tag = single_line(text)
    if not _LANGUAGE.fullmatch(tag):
        raise InvalidIdentifierError(text, "is no language tag (BCP 47), such as en or zh-Hant")
    return tag


def tag_uri(authority: str, date: date | str, specific: str) -> str:
    """Make an id that outlives addresses: `tag:AUTHORITY,DATE:SPECIFIC` (RFC 4151).

    `authority` is a domain or e-mail address that was the publisher's on `date` (a date, or
    text YYYY[-MM[-DD]]); `specific` is any key, encoded so that different keys stay different.
    Raises InvalidIdentifierError.
    """
    owner = authority.lower()
    if not _AUTHORITY.fullmatch(owner):
        raise InvalidIdentifierError(authority, "is no domain or e-mail address for a tag: URI")
    if not _TAG_DATE.fullmatch(str(date)):
        raise InvalidIdentifierError(str(date), "is no date for a tag: URI: YYYY[-MM[-DD]]")
    key = quote(single_line(specific), safe=_SPECIFIC_CHARACTERS)
    if not key:
        raise InvalidIdentifierError(specific, "is no key for a tag: URI: it is empty")
    return f"tag:{owner},{date}:{key}"


def _absolute(text: str) -> str:
    address = single_line(text)
    if not _ABSOLUTE.fullmatch(address):
        raise InvalidIdentifierError(text, "is no absolute address")
    return address


def _ascii_host(host: str, address: str) -> str:
    if host.startswith("["):
        return host
    if host.isascii():
        return _quoted(host)
    try:
        return _known_as(host)
    except ValueError as error:  # IDNAError is one too
        raise InvalidIdentifierError(address, "has a host that cannot be read") from error


@lru_cache(maxsize=256)  # many links lead to few hosts
def _known_as(host: str) -> str:
    """Write a host as the network knows it: by UTS 46, non-transitional, as browsers do.

    The codec of the standard library goes by rules of 2003, to which straße.de is strasse.de:
    another domain, which is somebody else's.
    """
    # Most addresses need it not, and its tables take a while to load.
    import idna

    if len(host) > _LONGEST_HOST:
        raise ValueError(f"it is longer than {_LONGEST_HOST} characters")
    return idna.encode(host, uts46=True, transitional=False).decode()


def _quoted(text: str) -> str:
    return quote(text, safe=_URI_CHARACTERS)
