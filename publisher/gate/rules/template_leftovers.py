"""What templates and broken encodings leave in a mail: placeholders, lost characters.

What people wrote themselves is not a leftover: an article on templates may show a placeholder.
"""

import re
import unicodedata
from collections.abc import Iterator

from lxml import etree

from publisher.gate import mail as mails
from publisher.gate.findings import Finding
from publisher.gate.mail import clip_text
from publisher.i18n.messages import counted, message

# Jinja and Liquid; our own tokens; Mailchimp; Salesforce and ERB.
_MARKER = re.compile(
    r"\{\{[^{}]{0,200}(?:\}\})?|\{%[^{}]{0,200}(?:%\})?|\{#[^{}]{0,200}#\}"
    r"|@@[A-Z_]{2,40}@@|\*\|[A-Z0-9_:]{1,60}\|\*"
    r"|%%[A-Za-z_]{2,60}%%|<%[^<>]{0,200}%>"
)
_MARKER_START = re.compile(r"[{%@*<]")  # what every marker begins with; faster to look for
# White space and marks that a mail sets anew: directions, places where a line may break.
_LAYOUT = re.compile(r"[\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")
# The start of a marker up to its first word; what follows may be the template's again.
_OPENING = re.compile(r"\{[{%]\s*[^\s\u2069]*")
_CLOSINGS = ("}}", "%}", "#}", "%>")
# A placeholder that is percent-encoded; most likely an article is about templates.
_ENCODED = re.compile(r"%7[bB](?:%7[bB]|%25)")
# The words of several languages for a missing value, if there is no other text.
_NOTHING = frozenset({"none", "undefined", "null", "nan", "[object object]"})
_TEXT_ATTRIBUTES = ("alt", "title", "aria-label", "summary")
_ADDRESS_ATTRIBUTES = ("href", "src", "background", "style", "srcset")
_SEGMENT = re.compile(r"(?:[/=])(None|undefined|NaN|%5Bobject%20Object%5D)(?=[/?&#]|$)")
_GETTEXT = re.compile(r"%\([a-z_]+\)[sd]")  # what gettext leaves if it does not find a value
_DAMAGE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ufffe\uffff\ud800-\udfff]")
_REPLACEMENT = "\ufffd"  # stands for a character that could not be read
# What a line needs for any of these; most lines have none of it.
_MAYBE_LEFTOVER = re.compile(
    rf"{_MARKER_START.pattern}|{_DAMAGE.pattern}|(?:none|undefined|null|nan|object\])\W*$",
    re.IGNORECASE,
)
_QUOTED = 40  # characters of a line that are quoted


def check(mail: mails.CheckedMail) -> Iterator[Finding]:
    by_people = _without_layout(mail.written_by_people)
    document = mail.document
    for element, texts in document.own_texts.items():
        for text in texts:
            if _MAYBE_LEFTOVER.search(text) and element.tag not in {"style", "script"}:
                for problem in _in_text(text, by_people, is_alone=len(element) == 0):
                    yield mails.finding_of("html-template", element, problem)
    yield from _attributes(document, by_people)
    is_quoted = _REPLACEMENT in mail.written_by_people  # as in an article on encodings
    yield from _damaged_html(mail.html, is_quoted=is_quoted)
    yield from _text_part(mail.text, by_people, is_quoted=is_quoted)


def _in_text(text: str, by_people: str, *, is_alone: bool = True) -> list[str]:
    """Describe the leftovers of a text; `is_alone` says that its element has no other."""
    found: list[str] = []
    if _MARKER_START.search(text):
        found = _left_over(_MARKER, text, by_people)
    if is_alone and text.strip().lower() in _NOTHING and _without_layout(text) not in by_people:
        found.append(message("%(text)s is the only text", text=repr(text.strip())))
    return found


def _attributes(document: mails.HtmlDocument, by_people: str) -> Iterator[Finding]:
    for element in document.elements:
        attributes = element.attrib
        for name in _TEXT_ATTRIBUTES:
            if name in attributes:
                for problem in _in_text(element.get(name, ""), by_people):
                    yield _of_attribute("html-template", element, name, problem)
        yield from _addresses(element)


def _of_attribute(code: str, element: etree._Element, name: str, problem: str) -> Finding:
    return mails.finding(code, element, "%(name)s: %(problem)s", name=name, problem=problem)


def _addresses(element: etree._Element) -> Iterator[Finding]:
    for name in _ADDRESS_ATTRIBUTES:
        if name not in element.attrib:
            continue
        if found := _MARKER.search(element.get(name, "")):
            problem = message("%(marker)s was left over", marker=clip_text(found[0]))
            yield _of_attribute("html-template", element, name, problem)
        elif found := _ENCODED.search(element.get(name, "")):
            problem = message("the address contains %(found)s", found=repr(found[0]))
            yield _of_attribute("url-template", element, name, problem)
    if found := _SEGMENT.search(element.get("href") or element.get("src") or ""):
        yield mails.finding(
            "url-template", element, "the address contains %(found)s", found=repr(found[1])
        )


def _damaged_html(html: str, *, is_quoted: bool) -> Iterator[Finding]:
    found = list(_DAMAGE.finditer(html[: mails.MOST_CHARACTERS]))
    for sign in dict.fromkeys([one[0] for one in found]):
        if sign == _REPLACEMENT and is_quoted:
            continue
        places = [one for one in found if one[0] == sign]
        yield mails.finding_of(
            "html-damage",
            "html",
            counted(
                "%(sign)s is in the text, %(count)s time in all",
                "%(sign)s is in the text, %(count)s times in all",
                len(places),
                sign=_code_point(sign),
            ),
            line=html.count("\n", 0, places[0].start()) + 1,
        )


def _text_part(text: str, by_people: str, *, is_quoted: bool) -> Iterator[Finding]:
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not _MAYBE_LEFTOVER.search(line):
            continue
        leftovers = _in_text(line, by_people) + _left_over(_GETTEXT, line, by_people)
        problems = [("text-template", leftover) for leftover in leftovers]
        signs = dict.fromkeys(_DAMAGE.findall(line))
        if is_quoted:
            signs.pop(_REPLACEMENT, None)
        if signs:
            problems.append(
                (
                    "text-damage",
                    message("it contains %(control)s", control=_code_point(next(iter(signs)))),
                )
            )
        for code, problem in problems:
            yield mails.finding_of(code, f"“{clip_text(line, _QUOTED)}”", problem, line=number)


def _left_over(pattern: re.Pattern[str], text: str, by_people: str) -> list[str]:
    """Describe the markers of a text that people did not write themselves."""
    found = [one[0] for one in pattern.finditer(text) if not _is_by_people(one[0], by_people)]
    return [message("%(marker)s was left over", marker=clip_text(marker)) for marker in found]


def _without_layout(text: str) -> str:
    """Return a text in NFC without white space and direction marks, to compare it."""
    return _LAYOUT.sub("", unicodedata.normalize("NFC", text))


def _is_by_people(marker: str, by_people: str) -> bool:
    """Return whether people wrote a marker themselves.

    `by_people` is everything that they wrote, `_without_layout`. A marker without an end is compared by its first
    word: it may be cut (`…`), and what follows it need not be theirs.
    """
    if _without_layout(marker) in by_people:
        return True
    opening = _OPENING.match(marker)
    if not opening or marker.endswith(_CLOSINGS):
        return False
    return _without_layout(opening[0]).rstrip("…") in by_people


def _code_point(sign: str) -> str:
    return f"U+{ord(sign):04X}"
