"""Where links lead and where pictures lie, as a mail may say it. Knows no HTML.

An address is absolute, ASCII, of a scheme that mail programs follow, and not too long; a picture
has a size, words in its place, a format that all show, and lies on a host of ours: a picture
from elsewhere tells its owner who reads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from feeds import FeedsError
from feeds.identifiers import absolute_uri
from publisher.articles.model import Picture
from publisher.articles.sanitise import absolute_link
from publisher.rendering.filters import file_name
from publisher.rendering.filters import mail_picture_problem as unfit
from publisher.rendering.placeholders import neutralise_placeholders
from publisher.rendering.plaintext import to_one_line
from publisher.rendering.prose.blocks import Figure, TextBlock, TextRun, walk_blocks
from publisher.rendering.prose.prose import ArticleContent

# Longer ones are cut off by mail programs and by the servers that rewrite links on the way.
MAX_URL_LENGTH = 2_000
FORMATS = frozenset({".png", ".jpg", ".jpeg", ".gif"})
# CSS pixels; a picture that is no larger is there to count readers, and nobody misses it.
PIXEL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLink:
    """What a text links to: the words of the link, and its address."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class MailUrls:
    """Whose mail it is: the publication's address, without a slash at its end, and its hosts."""

    base_url: str
    hosts: frozenset[str]

    @classmethod
    def of(cls, base_url: str, hosts: Collection[str] = ()) -> MailUrls:
        """Know a publication by its address; `hosts` are others that serve pictures of its."""
        return cls(base_url, frozenset({*hosts, urlsplit(base_url).hostname or ""}))

    def link(self, address: str) -> str | None:
        """Give an address as a mail writes it, None if it can't."""
        rooted = address.startswith("/") and not address.startswith("//")
        whole = absolute_link(f"{self.base_url}{address}" if rooted else address, None)
        try:
            written = absolute_uri(quotable(absolute_uri(whole))) if whole else ""
        except FeedsError:
            return None
        return (
            written if 0 < len(written) <= MAX_URL_LENGTH and _has_sound_host(written) else None
        )

    def picture(self, picture: Picture, room: int) -> Picture | None:
        """Give a picture as a mail shows it in so many CSS pixels, None if it can't."""
        src = self.link(picture.src)
        if not src or not picture.width or not picture.height or self.unshown(picture):
            return None
        width = min(room, picture.width)
        height = max(1, round(picture.height * width / picture.width))
        alt = quotable(to_one_line(picture.alt))
        return replace(picture, src=src, alt=alt, width=width, height=height)

    def unshown(self, picture: Picture) -> str | None:
        """Say in English why a mail leaves a picture out, and what to do; None if it shows it."""
        parts = urlsplit(self.link(picture.src) or "")
        path = PurePosixPath(unquote(parts.path))
        if parts.hostname not in self.hosts:
            return "it lies on another server: put a copy beside the article"
        if path.suffix.lower() not in FORMATS:
            return unfit(picture) or "its name does not end in .jpg, .png or .gif: rename it"
        return unfit(picture)


def body_links(
    prose: ArticleContent, *, base_url: str, hosts: Collection[str] = ()
) -> tuple[BodyLink, ...]:
    """List what a body links to, in order, each address once.

    A link whose words are its address is left out: nothing is missing where those stand.
    """
    site = MailUrls.of(base_url, hosts)
    found: dict[str, BodyLink] = {}
    for title, address in _linked(prose, site):
        url = site.link(address)
        if url and title not in {url, url.removeprefix("mailto:")}:
            found.setdefault(url, BodyLink(title=title, url=url))
    return tuple(found.values())


def omitted_pictures(
    prose: ArticleContent, *, base_url: str, hosts: Collection[str] = ()
) -> tuple[str, ...]:
    """Say for each picture that a mail leaves out why, and what to do: `map.svg: ...`."""
    site = MailUrls.of(base_url, hosts)
    reasons = {
        picture.src: f"{file_name(picture.src)}: {reason}"
        for picture in _pictures(prose)
        if not _is_pixel(picture) and (reason := site.unshown(picture))
    }
    return tuple(reasons.values())


def _linked(prose: ArticleContent, site: MailUrls) -> Iterator[tuple[str, str]]:
    for block in walk_blocks(prose.blocks):
        if isinstance(block, TextBlock):
            for address, group in groupby(block.runs, run_href):
                title = to_one_line("".join(run.text for run in group))
                if address and title:
                    yield title, address
        elif isinstance(block, Figure) and block.href and site.picture(block.picture, 1):
            yield to_one_line(block.picture.alt), block.href


def _pictures(prose: ArticleContent) -> Iterator[Picture]:
    for block in walk_blocks(prose.blocks):
        if isinstance(block, Figure):
            yield block.picture
        elif isinstance(block, TextBlock):
            yield from (run.picture for run in block.runs if run.picture)


def _has_sound_host(url: str) -> bool:
    parts = urlsplit(url)
    try:
        return parts.port != 0 and "%" not in (parts.hostname or "")
    except ValueError:  # the port is no number
        return False


def _is_pixel(picture: Picture) -> bool:
    return min(picture.width or MAX_URL_LENGTH, picture.height or MAX_URL_LENGTH) <= PIXEL


def quotable(text: str) -> str:
    """Break the reader's tokens in a text that will stand in quotation marks.

    Nothing beside it can complete what only looks like the half of one, so that stays.
    """
    return neutralise_placeholders(f'"{text}"')[1:-1]


def run_href(run: TextRun) -> str:
    """Give the address that a run links to, empty if it is no link."""
    return next((mark.href for mark in run.marks if mark.tag == "a"), "")
