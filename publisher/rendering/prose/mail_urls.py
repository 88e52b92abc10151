"""The links and pictures of an article that a mail can show.

The address of a link is absolute and ASCII, has a scheme that mail programs open, and is not too
long. A picture has a size, alternative text and a format that all mail programs show, and comes
from a host of the publication: other hosts would learn who opens the mail.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from feeds import FeedsError
from feeds.identifiers import absolute_uri
from publisher.articles.content.blocks import ArticleContent, Figure, TextBlock, walk_blocks
from publisher.articles.model import Picture
from publisher.mail_limits import MAX_URL_LENGTH
from publisher.messages import message
from publisher.rendering.filters import file_name, mail_picture_problem, other_host_problem
from publisher.rendering.placeholders import neutralise_placeholders
from publisher.rendering.plaintext import to_one_line
from publisher.urls import absolute_link

_PICTURE_FORMATS = frozenset({".png", ".jpg", ".jpeg", ".gif"})
# CSS pixels; pictures of this size are tracking pixels.
_TRACKING_PIXEL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLink:
    """A link in an article: its text and its address."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class MailUrls:
    """Writes addresses for the mails of one publication.

    `base_url` is the publication's address without a slash at its end; `hosts` serve its pictures.
    """

    base_url: str
    hosts: frozenset[str]

    @classmethod
    def of(cls, base_url: str, hosts: Collection[str] = ()) -> MailUrls:
        """Return the addresses of a publication; `hosts` are hosts of its pictures besides its own."""
        return cls(base_url, frozenset({*hosts, urlsplit(base_url).hostname or ""}))

    def link(self, address: str) -> str | None:
        """Return an address as a mail can contain it, None if it can't."""
        rooted = address.startswith("/") and not address.startswith("//")
        whole = absolute_link(f"{self.base_url}{address}" if rooted else address, None)
        try:
            written = absolute_uri(quotable(absolute_uri(whole))) if whole else ""
        except FeedsError:
            return None
        return (
            written if 0 < len(written) <= MAX_URL_LENGTH and _has_valid_host(written) else None
        )

    def picture(self, picture: Picture, room: int) -> Picture | None:
        """Return a picture scaled to at most `room` CSS pixels, None if a mail can't show it."""
        src = self.link(picture.src)
        if not src or not picture.width or not picture.height or self.omission_reason(picture):
            return None
        width = min(room, picture.width)
        height = max(1, round(picture.height * width / picture.width))
        alt = quotable(to_one_line(picture.alt))
        return replace(picture, src=src, alt=alt, width=width, height=height)

    def omission_reason(self, picture: Picture) -> str | None:
        """Return in English why a mail leaves a picture out and what to do; None if it shows it."""
        parts = urlsplit(self.link(picture.src) or "")
        path = PurePosixPath(unquote(parts.path))
        if parts.hostname not in self.hosts:
            return other_host_problem()
        if path.suffix.lower() not in _PICTURE_FORMATS:
            return mail_picture_problem(picture) or message(
                "its name does not end in .jpg, .png or .gif: rename it"
            )
        return mail_picture_problem(picture)


def body_links(
    content: ArticleContent, *, base_url: str, hosts: Collection[str] = ()
) -> tuple[BodyLink, ...]:
    """Return the links of an article in order, each address once.

    Links whose text is their address are left out: the text is enough there.
    """
    urls = MailUrls.of(base_url, hosts)
    found: dict[str, BodyLink] = {}
    for title, address in _linked_texts(content, urls):
        url = urls.link(address)
        if url and title not in {url, url.removeprefix("mailto:")}:
            found.setdefault(url, BodyLink(title=title, url=url))
    return tuple(found.values())


def omitted_pictures(
    content: ArticleContent, *, base_url: str, hosts: Collection[str] = ()
) -> tuple[str, ...]:
    """Return for each picture that a mail leaves out why, and what to do: `map.svg: ...`."""
    urls = MailUrls.of(base_url, hosts)
    reasons = {
        picture.src: message(
            "%(name)s: %(problem)s", name=file_name(picture.src), problem=reason
        )
        for picture in _pictures(content)
        if not _is_tracking_pixel(picture) and (reason := urls.omission_reason(picture))
    }
    return tuple(reasons.values())


def _linked_texts(content: ArticleContent, urls: MailUrls) -> Iterator[tuple[str, str]]:
    for block in walk_blocks(content.blocks):
        if isinstance(block, TextBlock):
            for address, group in groupby(block.runs, lambda run: run.href):
                title = to_one_line("".join(run.text for run in group))
                if address and title:
                    yield title, address
        elif isinstance(block, Figure) and block.href and urls.picture(block.picture, 1):
            yield to_one_line(block.picture.alt), block.href


def _pictures(content: ArticleContent) -> Iterator[Picture]:
    for block in walk_blocks(content.blocks):
        if isinstance(block, Figure):
            yield block.picture
        elif isinstance(block, TextBlock):
            yield from (run.picture for run in block.runs if run.picture)


def _has_valid_host(url: str) -> bool:
    parts = urlsplit(url)
    try:
        return parts.port != 0 and "%" not in (parts.hostname or "")
    except ValueError:  # the port is no number
        return False


def _is_tracking_pixel(picture: Picture) -> bool:
    sizes = (picture.width, picture.height)
    return any(size <= _TRACKING_PIXEL for size in sizes if size)


def quotable(text: str) -> str:
    """Break subscribers' placeholders in a text that will stand in quotation marks.

    Quotation marks end a placeholder, so an incomplete one at an edge may stay.
    """
    return neutralise_placeholders(f'"{text}"')[1:-1]
