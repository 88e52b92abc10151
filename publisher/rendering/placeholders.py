"""Placeholders in a finished mail, where a subscriber's own values are filled in.

Plain ASCII, so that neither escaping, inlining nor percent-encoding changes them. A placeholder may carry words for
subscribers without a value: `@@SUBSCRIBER_NAME_OR@@` and the words in hexadecimal, so that nothing escapes, wraps or
translates them. Rendered texts are checked here: placeholders stand where values can be filled in, and are whole.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from lxml import etree

from publisher.errors import RenderingError
from publisher.rendering.model import Digest

# Controls, marks and overrides of direction. Joiners are not among them: words need them.
INVISIBLE_CHARACTERS = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)

UNSUBSCRIBE_PLACEHOLDER = "@@UNSUBSCRIBE@@"
PREFERENCES_PLACEHOLDER = "@@PREFERENCES@@"
WEB_PLACEHOLDER = "@@SUBSCRIBER_WEB@@"
# Of mails about a subscription: the link that a mail is about, the subscriber's own feed, and a token
# for commands by mail.
ACTION_PLACEHOLDER = "@@ACTION@@"
FEED_PLACEHOLDER = "@@FEED@@"
COMMAND_PLACEHOLDER = "@@COMMAND_TOKEN@@"
NAME_PLACEHOLDER = "@@SUBSCRIBER_NAME@@"
ADDRESS_PLACEHOLDER = "@@ADDRESS@@"
LANGUAGE_PLACEHOLDER = "@@SUBSCRIBER_LANGUAGE@@"
TIMEZONE_PLACEHOLDER = "@@SUBSCRIBER_TIMEZONE@@"
# Of mails about a subscription: six digits, and an address that takes the place of another.
CODE_PLACEHOLDER = "@@CODE@@"
CHANGED_PLACEHOLDER = "@@NEW_ADDRESS@@"

LINK_PLACEHOLDERS = (
    UNSUBSCRIBE_PLACEHOLDER,
    PREFERENCES_PLACEHOLDER,
    WEB_PLACEHOLDER,
    ACTION_PLACEHOLDER,
    FEED_PLACEHOLDER,
    COMMAND_PLACEHOLDER,
)
WORD_PLACEHOLDERS = (
    NAME_PLACEHOLDER,
    ADDRESS_PLACEHOLDER,
    LANGUAGE_PLACEHOLDER,
    TIMEZONE_PLACEHOLDER,
    CODE_PLACEHOLDER,
    CHANGED_PLACEHOLDER,
)
# Values that a subscriber may lack, and the start of a placeholder with words for that.
OPTIONAL_PLACEHOLDERS = (NAME_PLACEHOLDER, TIMEZONE_PLACEHOLDER)
_FALLBACK_OPENINGS = tuple(f"{token[:-2]}_OR@@" for token in OPTIONAL_PLACEHOLDERS)
ALL_PLACEHOLDERS = (*LINK_PLACEHOLDERS, *WORD_PLACEHOLDERS, *_FALLBACK_OPENINGS)

PLACEHOLDER_PATTERN = re.compile(
    rf"(?P<token>{'|'.join((*LINK_PLACEHOLDERS, *WORD_PLACEHOLDERS))})"
    rf"|(?P<opening>{'|'.join(_FALLBACK_OPENINGS)})(?P<words>(?:[0-9A-F]{{2}})*)@@"
)

_TOKEN_NAMES = frozenset(token.strip("@") for token in ALL_PLACEHOLDERS)
# Zero-width non-joiner: invisible, survives escaping and inlining, and breaks a placeholder.
NON_JOINER = "\u200c"
# What may be removed from a text later: invisible characters and tags.
_GAP = rf"(?:{INVISIBLE_CHARACTERS.pattern}|<[^<>]*+>)*+"
# At most as long as the longest name, so that matching takes linear time.
_WORD = rf"((?:\w{_GAP}){{0,{max(map(len, _TOKEN_NAMES))}}}+)"
_WHOLE_TOKEN = re.compile(rf"@(?={_GAP}@{_GAP}{_WORD}@{_GAP}@)")
_TOKEN_START = re.compile(rf"@(?={_GAP}(?:@{_GAP}{_WORD}(?:@{_GAP})?)?\Z)")
_TOKEN_END = re.compile(rf"{_GAP}(?:@{_GAP})?{_WORD}@{_GAP}@")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One of LINK_PLACEHOLDERS or WORD_PLACEHOLDERS, with words for subscribers without a value."""

    token: str
    otherwise: str = ""

    @property
    def is_link(self) -> bool:
        return self.token in LINK_PLACEHOLDERS

    def __str__(self) -> str:
        if not self.otherwise:
            return self.token
        return f"{self.token[:-2]}_OR@@{self.otherwise.encode().hex().upper()}@@"


def split_at_placeholders(text: str) -> Iterator[str | Placeholder]:
    """Split a text into the placeholders and the texts between them; no text is empty."""
    done = 0
    for found in PLACEHOLDER_PATTERN.finditer(text):
        placeholder = _placeholder(found)
        if placeholder is None:
            continue  # not ours: it stays, and the gate reports it
        if found.start() > done:
            yield text[done : found.start()]
        yield placeholder
        done = found.end()
    if done < len(text):
        yield text[done:]


def find_placeholders(text: str) -> Iterator[Placeholder]:
    return (part for part in split_at_placeholders(text) if isinstance(part, Placeholder))


def _placeholder(found: re.Match[str]) -> Placeholder | None:
    if found["token"]:
        return Placeholder(found["token"])
    try:
        words = bytes.fromhex(found["words"]).decode()
    except UnicodeDecodeError:
        return None
    return Placeholder(OPTIONAL_PLACEHOLDERS[_FALLBACK_OPENINGS.index(found["opening"])], words)


def neutralise_placeholders(text: str) -> str:
    """Return a text in which nothing is, or could become, a placeholder.

    An article must not read its subscribers' values: not after invisible characters, tags or case are changed later,
    nor when a template writes two texts side by side. Other uses of the signs (`@@ROWCOUNT`, `@@ -1,3 +1,4 @@`) stay.
    """
    if "@" not in text:
        return text
    beginning = _TOKEN_END.match(text)
    text = _TOKEN_START.sub(_break_start, _WHOLE_TOKEN.sub(_break_token, text))
    return f"{NON_JOINER}{text}" if beginning and _word(beginning) in _TOKEN_NAMES else text


def _break_token(found: re.Match[str]) -> str:
    return f"@{NON_JOINER}" if _word(found) in _TOKEN_NAMES else "@"


def _break_start(found: re.Match[str]) -> str:
    word = _word(found)
    return f"@{NON_JOINER}" if any(name.startswith(word) for name in _TOKEN_NAMES) else "@"


def _word(found: re.Match[str]) -> str:
    """Return the word without gaps, in capitals (`ß` becomes `SS`)."""
    return re.sub(rf"{INVISIBLE_CHARACTERS.pattern}|<[^<>]*+>", "", found[1] or "").upper()


# Attributes with an address that is followed or loaded: words would have to be encoded there.
_URL_ATTRIBUTES = frozenset(
    {"href", "src", "srcset", "background", "action", "cite", "poster", "longdesc", "data"}
    | {"formaction", "lowsrc", "dynsrc", "imagesrcset", "ping", "codebase", "xlink:href"}
)
# Attributes in a language of their own, where HTML's escapes do not protect.
_CODE_ATTRIBUTES = re.compile("style|srcdoc|on.*")
# A placeholder in other letters was changed by a filter, and would not be filled in.
_ANY_CASE = re.compile("|".join(ALL_PLACEHOLDERS), re.IGNORECASE)
_ADVICE = (
    'write {{ subscriber.name | otherwise("...") }}, or make another edition or newsletter'
)


class MailParts:
    """The texts of a rendered mail, each with the name of its template."""

    def __init__(
        self, subject: tuple[str, str], html: tuple[str, str], text: tuple[str, str]
    ) -> None:
        """Check the texts; raises RenderingError."""
        self._subject, self._html, self._text = subject[1], html[1], text[1]
        _check_subject(*subject)
        _check_html(*html)
        _check_text(*text)

    def check_same_for_all(
        self, rendered: Mapping[str, str], render_empty: Callable[[str], str]
    ) -> None:
        """Compare texts with what the templates make for a subscriber without values.

        They must be the same around the values. This finds a template that tests a text which it made of a value: `{%
        set whom %}{{ subscriber.name }}{% endset %}{% if whom %}`. Raises RenderingError.
        """
        for name, text in rendered.items():
            ours, theirs = (_words(name, one) for one in (text, render_empty(name)))
            for one, other in zip_longest(ours, theirs, fillvalue=""):
                if one != other:
                    raise RenderingError(
                        f"templates/{name}: it says {one!r:.60} to some subscribers and {other!r:.60} "
                        f"to others, but a mail is rendered once for all of them: {_ADVICE}"
                    )

    def digest(self, preheader: str = "", **fields: Any) -> Digest:
        """Return the mail; `fields` are the other fields of Digest."""
        return Digest(
            subject=self._subject,
            preheader=preheader,
            html=self._html,
            text=self._text,
            **fields,
        )


def _check_subject(name: str, subject: str) -> None:
    link = next((one for one in find_placeholders(subject) if one.is_link), None)
    if link:
        raise RenderingError(f"templates/{name}: a subject can't hold a link such as {link}")
    _check_text(name, subject)


def _check_text(name: str, text: str) -> None:
    """Raise RenderingError if a template has changed a subscriber's value."""
    for found in _ANY_CASE.finditer(text):
        if found[0] not in ALL_PLACEHOLDERS:
            raise RenderingError(
                f"templates/{name}: a subscriber's value was changed to {found[0]}, but values are "
                "filled in after rendering: write them as they are"
            )


def _check_html(name: str, html: str) -> None:
    """Raise RenderingError if a value stands where it can't be filled in."""
    tree = etree.fromstring(html, etree.HTMLParser(huge_tree=True))
    for element in tree.iter("*"):
        for place, placeholder in _misplaced(element):
            raise RenderingError(f"templates/{name}: {placeholder} can't stand in {place}")
    _check_text(name, html)


def _words(name: str, text: str) -> list[str]:
    _check_text(name, text)
    return PLACEHOLDER_PATTERN.sub("", text).split()


def _misplaced(element: etree._Element) -> Iterator[tuple[str, Placeholder]]:
    tag = str(element.tag)
    if tag in {"style", "script"}:
        found = find_placeholders(element.text or "")
        yield from ((f"<{tag}>", placeholder) for placeholder in found)
    for name, value in element.items():
        attribute = str(name)
        for placeholder in find_placeholders(str(value)):
            is_url = attribute in _URL_ATTRIBUTES or (tag, attribute) == ("meta", "content")
            if _CODE_ATTRIBUTES.fullmatch(attribute) or (is_url and not placeholder.is_link):
                yield f'{attribute}="..." of <{tag}>', placeholder
