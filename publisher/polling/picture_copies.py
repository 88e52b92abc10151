"""Copies of pictures that entries show: fetched when an entry is polled, and kept below `var/` until articles take them."""

import base64
from collections import Counter
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

from publisher.errors import PublisherError
from publisher.fetching.addresses import WebRequest
from publisher.fetching.client import GuardedClient
from publisher.files import write_file
from publisher.polling.foreign_pictures import copied_picture, file_of, pictures_of
from publisher.polling.model import AnswerError, WebEntry

PICTURES = "pictures"  # below `var/`
_MOST, _SECONDS = 60, 40.0  # of one poll; the rest waits for the next one that brings something
# After so many a host is not asked any more: imports of old sites would wait for each picture.
_MOST_UNANSWERED = 3
_ENDINGS = ("jpg", "png", "gif")

# Returns the ending and the copy of a picture, as `copied_picture` does, in a process with limits.
Convert = Callable[[bytes], tuple[str, str]]


class CopiedPictures:
    """The copies in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Requests in a row to a host that got no answer.
        self._unanswered = Counter[str]()

    def place_of(self, address: str) -> str:
        """Return the name of the copy of a picture; empty if there is none."""
        names = (f"{file_of(address)}.{ending}" for ending in _ENDINGS)
        return next((name for name in names if (self.folder / name).exists()), "")

    def add(
        self,
        entries: Iterable[WebEntry],
        client: GuardedClient,
        headers: dict[str, str],
        convert: Convert = copied_picture,
        of_file: Callable[[str], bytes | None] = lambda _address: None,
        *,
        is_full: bool,
    ) -> str:
        """Copy the pictures of entries that are not here yet, some `of_file`s. Return why some are not; empty if all are."""
        ends, failed, tried, why = monotonic() + _SECONDS, 0, 0, ""
        for address in dict.fromkeys(
            one for entry in entries for one in pictures_of(entry, is_full=is_full)
        ):
            if self.place_of(address):
                continue
            if tried >= _MOST or monotonic() > ends:
                return f"pictures are too many, or come too slowly{f'; {why}' if why else ''}"
            tried += 1
            try:
                content = of_file(address) or self._fetched(address, client, headers)
                ending, copy = convert(content)
                place = self.folder / f"{file_of(address)}.{ending}"
                write_file(place, base64.b64decode(copy))
            except PublisherError as error:
                failed += 1
                why = f"{failed} of its pictures can't be copied, the last since {error}"
        return why

    def _fetched(self, address: str, client: GuardedClient, headers: dict[str, str]) -> bytes:
        host = urlsplit(address).netloc
        if self._unanswered[host] >= _MOST_UNANSWERED:
            raise AnswerError(f"{host} does not answer")
        self._unanswered[host] += 1
        fields = {**headers, "Accept": "image/*"}
        with client.open(WebRequest(address, headers=fields, follow="any")) as response:
            self._unanswered[host] = 0
            if response.status != HTTPStatus.OK:
                raise AnswerError(f"it answered {response.status}")
            return response.read()
