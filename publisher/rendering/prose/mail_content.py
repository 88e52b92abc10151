"""The content of an article as a mail contains it: without placeholders, whole or its beginning, with its links.

A beginning never ends inside a sentence, on a heading or on words that only announce a list. The address of a
link is absolute and ASCII, has a scheme that mail programs open, and is not too long. A picture has a size,
alternative text and a format that all mail programs show, and comes from the publication's host: other hosts
would learn who opens the mail.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import accumulate, groupby
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from feeds import FeedsError
from feeds.normalisation import absolute_uri
from publisher.articles.content.blocks import (
    ArticleContent,
    Block,
    BlockQuote,
    Figure,
    ListBlock,
    TextBlock,
    TextKind,
    TextRun,
    text_blocks,
    walk_blocks,
)
from publisher.articles.content.parser import parse_content
from publisher.articles.content.text import (
    RUN_SEPARATOR,
    remove_unbalanced_controls,
    split_sentences,
)
from publisher.articles.model import Picture
from publisher.i18n.messages import message
from publisher.mail_limits import MAX_URL_LENGTH
from publisher.rendering.filters import file_name, mail_picture_problem, other_host_problem
from publisher.rendering.placeholders import neutralise_placeholders
from publisher.rendering.plaintext import to_one_line
from publisher.urls import absolute_link

# These make sense only with what follows them.
_LEADING = frozenset({TextKind.HEADING, TextKind.TERM})
# Latin and Arabic texts end an announcement with the first; Chinese and Japanese with the second.
_COLONS = (":", "：")


def mail_content(html: str) -> ArticleContent:
    """Return the content of an article's HTML without placeholders for subscribers' values.

    An article must not read those values, even where two texts make a placeholder only together.
    """
    content = parse_content(html)
    return _without_placeholders(content) if "@" in html else content


def _without_placeholders(content: ArticleContent) -> ArticleContent:
    texts = [run.text for block in text_blocks(content.blocks) for run in block.runs]
    safe = neutralise_placeholders(RUN_SEPARATOR.join(texts)).split(RUN_SEPARATOR)
    blocks: tuple[Block, ...] = _with_texts(content.blocks, iter(safe))
    return ArticleContent(blocks=blocks)


def _with_texts(value: Any, texts: Iterator[str]) -> Any:
    """Return blocks, or a part of them, with other texts for their runs, taken in document order."""
    if isinstance(value, TextRun):
        return replace(value, text=next(texts))
    if isinstance(value, tuple):
        return tuple(_with_texts(one, texts) for one in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    parts = {field.name: getattr(value, field.name) for field in fields(value)}
    inner = {name: part for name, part in parts.items() if isinstance(part, tuple)}
    return replace(value, **{name: _with_texts(part, texts) for name, part in inner.items()})


def content_opening(content: ArticleContent, limit: int) -> tuple[ArticleContent, bool]:
    """Return the beginning within `limit` characters, and whether anything is left out.

    Where the first block does not fit, as many of its sentences are taken as fit, or as many items
    of the list that it announces; nothing if the first sentence is longer.
    """
    taken, is_cut = _opening(content.blocks, limit)
    return ArticleContent(blocks=taken), is_cut


def _opening(blocks: Sequence[Block], limit: int) -> tuple[tuple[Block, ...], bool]:
    taken: list[Block] = []
    for block in blocks:
        room = limit - _length(taken)
        if _length((block,)) > room:
            if not any(map(_says_something, taken)) or _announces(taken[-1]):
                taken += _part(block, room)
            break
        taken.append(block)
    kept = _well_ended(taken) if taken != list(blocks) else taken
    return tuple(kept), kept != list(blocks)


def _length(blocks: Sequence[Block]) -> int:
    return sum(len(text.words) for text in text_blocks(blocks))


def _says_something(block: Block) -> bool:
    return any(text.kind not in _LEADING for text in text_blocks((block,)))


def _part(block: Block, room: int) -> list[Block]:
    match block:
        case TextBlock(kind=TextKind.PARAGRAPH):
            return _sentences(block, room)
        case BlockQuote():
            inner, _is_cut = _opening(block.blocks, room)
            return [replace(block, blocks=inner)] if inner else []
        case ListBlock():
            lengths = accumulate(_length(item.blocks) for item in block.items[:-1])
            fitting = sum(length <= room for length in lengths)
            return [replace(block, items=block.items[:fitting])] if fitting else []
        case _:
            return []


def _sentences(text: TextBlock, room: int) -> list[Block]:
    taken = ""
    for sentence in split_sentences(" ".join(text.words.split())):
        if len((taken + sentence).rstrip()) > room:
            break
        taken += sentence
    letters = len("".join(taken.split()))
    if not letters:
        return []
    runs = remove_unbalanced_controls(_first_letters(text.runs, letters))
    return [replace(text, runs=tuple(runs))]


def _first_letters(runs: Sequence[TextRun], letters: int) -> tuple[TextRun, ...]:
    """Cut runs off after so many characters; white space, which may differ, does not count."""
    taken: list[TextRun] = []
    for run in runs:
        if not letters:
            break
        end = _end_of(run.text, letters)
        letters -= len("".join(run.text[:end].split()))
        taken.append(replace(run, text=run.text[:end]))
    return tuple(taken)


def _end_of(text: str, letters: int) -> int:
    """Return the index behind so many characters of a text that are no white space."""
    for end, character in enumerate(text):
        if not letters:
            return end
        letters -= not character.isspace()
    return len(text)


def _well_ended(blocks: list[Block]) -> list[Block]:
    """Remove headings, terms and rules at the end, and announcements if something else stays."""
    kept = list(blocks)
    while kept and not (isinstance(kept[-1], Figure) or _says_something(kept[-1])):
        kept.pop()
    if kept and _announces(kept[-1]):
        before = _well_ended(kept[:-1])
        return before if any(map(_says_something, before)) else kept
    return kept


def _announces(block: Block) -> bool:
    return isinstance(block, TextBlock) and block.words.rstrip().endswith(_COLONS)


_PICTURE_FORMATS = frozenset({".png", ".jpg", ".jpeg", ".gif"})
_SMALLEST = 3  # CSS pixels; smaller pictures are tracking pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLink:
    """A link in an article: its text and its address."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class MailUrls:
    """Writes addresses for the mails of one publication: its address has no slash at its end."""

    base_url: str

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
        if parts.hostname != urlsplit(self.base_url).hostname:
            return other_host_problem()
        if path.suffix.lower() not in _PICTURE_FORMATS:
            return mail_picture_problem(picture) or message(
                "its name does not end in .jpg, .png or .gif: rename it"
            )
        return mail_picture_problem(picture)


def body_links(content: ArticleContent, *, base_url: str) -> tuple[BodyLink, ...]:
    """Return an article's links in order, each address once, without those whose text is their address."""
    urls = MailUrls(base_url)
    found: dict[str, BodyLink] = {}
    for title, address in _linked_texts(content, urls):
        url = urls.link(address)
        if url and title not in {url, url.removeprefix("mailto:")}:
            found.setdefault(url, BodyLink(title=title, url=url))
    return tuple(found.values())


def omitted_pictures(content: ArticleContent, *, base_url: str) -> tuple[str, ...]:
    """Return for each picture that a mail leaves out why, and what to do: `map.svg: ...`."""
    urls = MailUrls(base_url)
    reasons = {
        picture.src: message(
            "%(name)s: %(problem)s", name=file_name(picture.src), problem=reason
        )
        for picture in _pictures(content)
        # A tracking pixel is not missed.
        if min(filter(None, (picture.width, picture.height)), default=_SMALLEST) >= _SMALLEST
        and (reason := urls.omission_reason(picture))
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


def quotable(text: str) -> str:
    """Break subscribers' placeholders in a text that will stand in quotation marks.

    Quotation marks end a placeholder, so an incomplete one at an edge may stay.
    """
    return neutralise_placeholders(f'"{text}"')[1:-1]
