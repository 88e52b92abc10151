"""The attachments of an article: finds local ones, says what they are and where they will lie.

What a file is, its own bytes say; of what lies elsewhere, only its suffix and the front matter.
Copies nothing: that is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NoReturn
from urllib.parse import urlsplit

from publisher.articles import media_types, sanitise
from publisher.articles.model import Attachment, MediaFile
from publisher.articles.parsers.document import MediaInfo, MediaLibrary
from publisher.articles.parsers.enclosure_fields import AttachmentField
from publisher.articles.parsers.media_paths import media_target, path_in_source, path_of_address
from publisher.errors import ArticleError

# Under these keys themes also write the page of a player elsewhere, which is no file.
PLAYERS = frozenset({"audio", "video"})


@dataclass(slots=True)
class AttachmentResolver:
    """Answers for the attachments of one document, and remembers the local ones.

    `folder` is the document's, relative to the source folder; `base_url` the address of the
    page that the document was saved from, if it was.
    """

    library: MediaLibrary
    folder: PurePosixPath
    base_url: str | None = None
    _surveys: dict[str, tuple[PurePosixPath, MediaInfo]] = field(default_factory=dict)
    _media: dict[str, MediaFile] = field(default_factory=dict)

    @property
    def media(self) -> tuple[MediaFile, ...]:
        """List the local files that were attached, in order."""
        return tuple(self._media.values())

    def attach(self, stated: Iterable[AttachmentField]) -> tuple[Attachment, ...]:
        """Give attachments their places, each once, in order.

        Raises ArticleError, naming the key, for one that is nowhere, of no kind that can be
        told, or not what its name says.
        """
        found: dict[str, AttachmentField] = {}
        for one in stated:
            place = self._locate(one)
            found[place] = found[place].or_else(one) if place in found else one
        given = (
            self._local(place, one) if place in self._surveys else _remote(place, one)
            for place, one in found.items()
        )
        return tuple(one for one in given if one is not None)

    def _locate(self, one: AttachmentField) -> str:
        """Find out where it is: a path in the source folder that was surveyed, or an address."""
        if sanitise.is_relative(one.src):
            # A file's name as it is, or as addresses spell it.
            for spelling in dict.fromkeys((one.src, path_of_address(one.src))):
                path = path_in_source(self.folder, spelling)
                survey = self.library.survey(path) if path else None
                if path and survey:
                    self._surveys[str(path)] = path, survey
                    return str(path)
            if not self.base_url:
                _refuse(one, "no such file", "put it beside the article, or write its address")
        address = sanitise.absolute_link(one.src, self.base_url)
        if not address or not _is_web_address(address):
            _refuse(one, "no address of the web", "write a path or https://…")
        return address

    def _local(self, place: str, one: AttachmentField) -> Attachment:
        path, survey = self._surveys[place]
        kind = media_types.media_kind(place)
        if kind is None:
            suffixes = ", ".join(media_types.MEDIA_KINDS)
            _refuse(one, "not a kind of file that is attached", f"use one of {suffixes}")
        if not kind.fits(survey.head):
            suffix = path.suffix.lower()
            remedy = f"export it as {kind.name}, or give it the suffix of what it is"
            _refuse(one, f"named {suffix}, but there is no {kind.name} in it", remedy)
        media = MediaFile(
            path=place,
            target=media_target(survey.sha256, path, path.suffix.lower()[1:], nameless="file"),
        )
        self._media[place] = media
        return Attachment(
            src=f"/{media.target}",
            media_type=one.media_type or kind.media_type,
            length=survey.length,
            title=one.title,
            duration=one.duration or survey.duration,
        )


def _remote(address: str, one: AttachmentField) -> Attachment | None:
    kind = media_types.media_kind(path_of_address(address))
    media_type = one.media_type or (kind.media_type if kind else None)
    if media_type is None:
        if one.key in PLAYERS:
            return None
        _refuse(one, "its address does not say what it is", "add a type, as type: audio/mpeg")
    return Attachment(
        src=address,
        media_type=media_type,
        length=one.length,
        title=one.title,
        duration=one.duration,
    )


def _is_web_address(address: str) -> bool:
    """Say if players can open it: nothing in it but a host that exists in DNS's spelling."""
    try:
        parts = urlsplit(address)
        (parts.hostname or "").encode("idna")
        good = parts.scheme in {"http", "https"} and (parts.port or 1) > 0
    except ValueError:  # UnicodeError, from the codec, is one too
        return False
    return good and not any(character.isspace() for character in address)


def _refuse(one: AttachmentField, problem: str, remedy: str) -> NoReturn:
    raise ArticleError(f"{one.key}: {one.src}: {problem}; {remedy}")
