"""What inboxes show of a mail, and the text part: its lines, and the links of both parts.

An inbox shows sender, subject and first line (preheader): the first text of the HTML part, whether it is visible
in the mail or not. Watches, terminals and screen readers show the text part as it is.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from email.utils import parseaddr
from itertools import takewhile
from urllib.parse import unquote

from lxml import etree

from publisher.gate.findings import Finding
from publisher.gate.mail import (
    CheckedMail,
    TextPiece,
    camouflage,
    clip_text,
    decode_words,
    finding,
    finding_of,
    story_name,
)
from publisher.gate.passages import PassageText, column_width
from publisher.i18n.messages import counted, message
from publisher.languages import direction, locales, script
from publisher.mail_limits import MAX_TEXT_COLUMNS

_ADDRESS = re.compile(r"https?://[^\s<>\u2066-\u2069]+", re.IGNORECASE)
_HTTPS = re.compile(r"<(https:[^<>]*)>")
# What a sentence or a bracket may put behind an address.
_TRAILING = ".,;:!?)]}'\"»”’。，、；：？！）」』】》…"
_NAMED = 3  # addresses that a finding names


def _check_links(mail: CheckedMail) -> Iterator[Finding]:
    hrefs = [_normalised(a.get("href", "")) for a in mail.document.root.iter("a")]
    linked = {href for href in hrefs if _ADDRESS.match(href)}
    texts = _addresses(mail.text)
    written = {url for pair in texts for url in pair}
    stories = {story: _normalised(story.url) for story in mail.stories}
    for code, there in (("story-link-html", linked), ("story-link-text", written)):
        for story, url in stories.items():
            if url not in there:
                yield finding(
                    code, story_name(story), "nothing leads to %(url)s", url=story.url
                )
    unsubscribe = {_normalised(url) for url in _HTTPS.findall(mail.header("List-Unsubscribe"))}
    for url in sorted(unsubscribe - written):
        yield finding("unsubscribe-text", url, "it is not in the text part")
    shown = {url for pair in _addresses(mail.document.visible_text) for url in pair}
    there = linked | set(stories.values()) | shown
    only_html = linked - written - set(stories.values()) - unsubscribe
    only_text = {bare for whole, bare in texts if whole not in there and bare not in there}
    for code, only in (("links-html-only", only_html), ("links-text-only", only_text)):
        if only:
            yield finding_of(
                code,
                ", ".join(sorted(only)[:_NAMED]) + (", …" if len(only) > _NAMED else ""),
                counted(
                    "%(count)s of its links is only here",
                    "%(count)s of its links are only here",
                    len(only),
                ),
            )


def _normalised(url: str) -> str:
    """Return an address in one form: one part percent-encodes more than the other."""
    return unicodedata.normalize("NFC", unquote(url.strip()))


def _addresses(text: str) -> list[tuple[str, str]]:
    """Return the addresses in a text, each whole and without what a sentence adds."""
    found = [match[0] for match in _ADDRESS.finditer(text)]
    return [(_normalised(url), _normalised(url.rstrip(_TRAILING))) for url in found]


_URL = re.compile(r"https?://\S+|mailto:\S+", re.IGNORECASE)
# Marks at the beginning of a line: quote marks, bullets, direction marks.
_LINE_START = re.compile(r"[\s>*\-–—•·\u2066-\u2069]*")

# JIS X 4051 and GB/T 15834: no line begins with a closing sign or ends with an opening one.
_NO_START = frozenset("。，、；：？！）」』】》〉〕％")
_NO_END = frozenset("（「『【《〈〔")
# Closing in Chinese, opening in Swedish or German.
_QUOTES_NO_START, _QUOTES_NO_END = frozenset("”’"), frozenset("“‘")
_CHINESE = frozenset({"Hans", "Hant", "Jpan"})

_BOXES = re.compile(r"[\u2500-\u259f]")
# Columns beside an address that is longer than a line, for a label: `[12]`, `Source:`.
_LABEL_COLUMNS = 20
_QUOTED = 40  # characters of a line that are quoted


def check(mail: CheckedMail) -> Iterator[Finding]:
    yield from check_inbox(mail)
    yield from _check_links(mail)
    yield from _check_beginning(mail)
    yield from _check_lines(mail)


def _check_beginning(mail: CheckedMail) -> Iterator[Finding]:
    wanted, text = PassageText(mail.preheader), PassageText(mail.text)
    if not text.letters.startswith(wanted.letters):
        yield finding(
            "text-preheader",
            text.after(0),
            "the first text is “%(text)s”, not “%(wanted)s”",
            line=1,
            text=text.after(0),
            wanted=wanted.after(0),
        )


def _check_lines(mail: CheckedMail) -> Iterator[Finding]:
    is_rtl = direction(mail.language) == "rtl"
    is_chinese = script(mail.language) in _CHINESE
    by_people = locales.BIDI_CONTROLS.intersection(mail.written_by_people)
    before = ""
    for number, line in enumerate(mail.text.replace("\r\n", "\n").split("\n"), 1):
        problems: list[tuple[str, str]] = []
        # A line of as few characters is not wider, even of wide ones.
        if 2 * len(line) > MAX_TEXT_COLUMNS:
            problems += _width(line)
        if line and before:
            problems += _line_break(before, line, is_chinese=is_chinese)
        if is_rtl and (found := _BOXES.search(line)):
            problems.append(
                ("text-boxes", message("%(found)s draws a frame", found=repr(found[0])))
            )
        if not locales.BIDI_CONTROLS.isdisjoint(line) and (fault := locales.bidi_fault(line)):
            problems.append(
                (
                    "text-direction" if by_people.isdisjoint(line) else "text-direction-own",
                    fault,
                )
            )
        if is_rtl and not locales.is_isolated(line):
            mark = locales.character_name(locales.RIGHT_TO_LEFT_ISOLATE)
            problems.append(("text-isolated", message("it has no %(name)s", name=mark)))
        for code, problem in problems:
            yield finding_of(code, f"“{clip_text(line, _QUOTED)}”", problem, line=number)
        before = line


def _width(line: str) -> Iterator[tuple[str, str]]:
    width = column_width(line)
    if width <= MAX_TEXT_COLUMNS:
        return
    rest, count = _URL.subn("", line, count=1)
    if count == 0 or column_width(rest.strip()) > _LABEL_COLUMNS:
        yield (
            "text-width",
            counted(
                "the line takes %(count)s column", "the line takes %(count)s columns", width
            ),
        )


def _line_break(before: str, line: str, *, is_chinese: bool) -> Iterator[tuple[str, str]]:
    """Find what is wrong about the break between two lines of one paragraph."""
    start = _LINE_START.sub("", line, count=1)[:1]
    end = before.rstrip(" \u2066\u2067\u2068\u2069")[-1:]
    if not start or not end:
        return
    if start in _NO_START or (is_chinese and start in _QUOTES_NO_START):
        yield "text-line-break", message("it begins with %(start)s", start=repr(start))
    elif end in _NO_END or (is_chinese and end in _QUOTES_NO_END):
        yield "text-line-break", message("the line before it ends with %(end)s", end=repr(end))


# What mail clients put before replies and forwarded mails, in English, German, Chinese, Arabic.
_REPLY = re.compile(
    r"\s*(?:re|fwd?|aw|wg|回复|回覆|答复|答覆|转发|轉寄|轉發|رد|إعادة توجيه)"
    r"\s*(?:\[\d+\])?\s*[:：]",
    re.IGNORECASE,
)

# An encoded word that ends with padding, and another one behind it (RFC 2047).
_PADDED = re.compile(r"=\?[^?\s]+\?[bB]\?[^?\s]+=\?=(?=\s+=\?)")
_COLUMNS = range(40, 131)  # columns that inboxes show, from a phone to a wide window


def check_inbox(mail: CheckedMail) -> Iterator[Finding]:
    """Check the sender's name, the subject and the first text of the HTML part."""
    yield from _header(mail)
    yield from _preheader(mail)


def _header(mail: CheckedMail) -> Iterator[Finding]:
    subject = mail.decoded_header("Subject")
    sender = decode_words(parseaddr(mail.header("From"))[0])
    for name, text in (("From", sender), ("Subject", subject)):
        if control := next((c for c in text if unicodedata.category(c) == "Cc"), None):
            yield finding(
                "field-control",
                name,
                "it contains %(control)s",
                control=locales.character_name(control),
            )
        override = next(filter(locales.BIDI_OVERRIDES.__contains__, text), None)
        fault = (
            message("it contains %(control)s", control=locales.character_name(override))
            if override
            else locales.bidi_fault(text)
        )
        if fault:
            yield finding_of("field-direction", name, fault)
        if padded := _PADDED.search(mail.header(name)):
            yield finding("field-words", name, "it contains %(control)s", control=padded[0])
    if found := _REPLY.match(subject):
        yield finding(
            "subject-reply", "Subject", "it begins with %(start)s", start=repr(found[0].strip())
        )


def _preheader(mail: CheckedMail) -> Iterator[Finding]:
    text, element, hidden_by = _first_line(mail.document.text_pieces)
    if element is None:
        yield finding("preheader-missing", "body", "the HTML part has no text")
        return
    wanted = mail.preheader or text
    if not _without_spaces(text).startswith(_without_spaces(wanted)):
        yield finding(
            "preheader-missing",
            element,
            "the first text is “%(text)s”, not “%(wanted)s”",
            text=clip_text(text),
            wanted=clip_text(wanted),
        )
    style = mail.document.styles.by_element.get(element)
    if reason := hidden_by or (style and camouflage(style)):
        yield finding("preheader-hidden", element, "it is hidden by %(reason)s", reason=reason)
    # A mail about a subscription says in a few words all that there is to say.
    is_short = (width := column_width(" ".join(wanted.split()))) < _COLUMNS.start
    if width not in _COLUMNS and not (is_short and mail.is_about_subscription):
        problem = counted("it takes %(count)s column", "it takes %(count)s columns", width)
        yield finding_of("preheader-length", element, problem)
    subject = mail.decoded_header("Subject").removesuffix(locales.RIGHT_TO_LEFT_MARK)
    if _without_spaces(wanted) == _without_spaces(subject):
        yield finding("preheader-repeats", element, "it repeats the subject")


def _first_line(pieces: Iterable[TextPiece]) -> tuple[str, etree._Element | None, str | None]:
    """Return the text of the first block, the element where it begins, and what hides it."""
    found = iter(pieces)
    first = next((piece for piece in found if piece.text.strip()), None)
    if first is None:
        return "", None, None
    rest = takewhile(lambda piece: piece.element is not None, found)
    text = first.text + "".join([piece.text for piece in rest])
    return " ".join(text.split()), first.element, first.hidden_by


def _without_spaces(text: str) -> str:
    return "".join(text.split())
