"""Addresses that the text of an article may link to: made absolute, or refused."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from feeds import FeedsError
from feeds.identifiers import absolute_uri

LINK_SCHEMES = frozenset({"http", "https", "mailto"})


def is_relative(address: str) -> bool:
    """Return whether an address has neither scheme nor host, and is not only a fragment."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return not (parts.scheme or parts.netloc) and bool(parts.path)


def absolute_link(address: str, base_url: str | None) -> str | None:
    """Return an address in its absolute form (RFC 3986 section 5), None if it has none.

    A fragment alone has none: the id that it points to is removed.
    """
    if not address or address.startswith("#"):
        return None
    try:
        joined = urljoin(base_url, address) if base_url else address
        joined = f"https:{joined}" if joined.startswith("//") else joined
        parts = urlsplit(joined)
    except ValueError:
        return None
    if parts.scheme == "mailto":
        return joined if parts.path else None
    if parts.scheme not in LINK_SCHEMES or not parts.hostname:
        return None
    return joined if parts.netloc.isascii() else _in_ascii(joined)


def _in_ascii(address: str) -> str | None:
    """Return an address with an ASCII host; nh3 would percent-encode others."""
    try:
        return absolute_uri(address)
    except FeedsError:
        return None
