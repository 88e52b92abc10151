"""Fetch a small document over HTTPS from a provider: no redirects, bounded time and size, cached."""

from __future__ import annotations

from functools import lru_cache
from http.client import HTTPException
from typing import Final
from urllib.request import HTTPRedirectHandler, build_opener

from publisher.bounces.providers.events import FeedbackRefusedError

# Bytes of a certificate, and seconds to wait for it.
_MAX_DOCUMENT: Final = 20_000
_SECONDS: Final = 5


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_args: object, **_options: object) -> None:
        """Follow none: only the address was checked."""


@lru_cache(maxsize=16)
def fetch_document(url: str) -> bytes:
    """Return what is at a URL, which the caller has checked. Raise FeedbackRefusedError."""
    try:
        with build_opener(_NoRedirects).open(url, timeout=_SECONDS) as response:
            content: bytes = response.read(_MAX_DOCUMENT)
    except (OSError, HTTPException, ValueError):
        raise FeedbackRefusedError("the provider's certificate can't be fetched") from None
    return content
