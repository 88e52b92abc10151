"""The text part as a page of lines: their width, where they break, what does not belong there.

Watches, terminals and screen readers show it as it is. Knows no story: whether both parts say
the same is another module's business (`publisher.gate.passages`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.gate import bidi
from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.html_document import clip_text
from publisher.gate.mail import CheckedMail
from publisher.gate.rules.size import DAMAGE, LOST
from publisher.gate.rules.template_leftovers import MARKER, NOTHING, is_told, squeezed
from publisher.gate.text_layout import columns
from publisher.languages import direction, script

# RFC 5322 section 2.1.1 recommends 78; two columns are left for a reply's quote mark.
COLUMNS = 76
URL = re.compile(r"https?://\S+|mailto:\S+", re.IGNORECASE)
# What only marks the beginning of a line: quote marks, bullets, numbers.
LINE_START = re.compile(r"[\s>*\-–—•·\u2066-\u2069]*")

# JIS X 4051 and GB/T 15834: closing signs begin no line, opening ones end none.
NO_START = frozenset("。，、；：？！）」』】》〉〕％")
NO_END = frozenset("（「『【《〈〔")
# These close in Chinese what they open in Swedish or German.
QUOTES_NO_START, QUOTES_NO_END = frozenset("”’"), frozenset("“‘")
CHINESE = frozenset({"Hans", "Hant", "Jpan"})

BOXES = re.compile(r"[\u2500-\u259f]")
# What gettext leaves where a value has no name that it knows.
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]")
# Beside an address that is longer than a line there is room for what it is: `[12]`, `Source:`.
LABEL_COLUMNS = 20
# Enough of a line to find it again.
SHOWN = 40

WIDTH = Rule(
    code="text-width",
    severity=Severity.WARNING,
    part=MailPart.TEXT,
    fix=f"break the line at {COLUMNS} columns; a Chinese character takes two",
    why="RFC 5322 section 2.1.1; programs that don't wrap show a part of it, and replies break it.",
)
KINSOKU = Rule(
    code="text-line-break",
    severity=Severity.WARNING,
    part=MailPart.TEXT,
    fix="break the line elsewhere",
    why="No line begins with closing punctuation or ends with an opening bracket "
    "(JIS X 4051, GB/T 15834).",
)
BOX = Rule(
    code="text-boxes",
    severity=Severity.WARNING,
    part=MailPart.TEXT,
    fix="draw no lines in text that runs from right to left",
    why="Frames fall apart where the lines within them run the other way.",
)
CONTROL = Rule(
    code="text-damage",
    severity=Severity.ERROR,
    part=MailPart.TEXT,
    fix="take out control characters, and put back what was lost",
    why="They are shown as boxes or not at all; U+FFFD stands where a character could not be read.",
)
OPEN = Rule(
    code="text-direction",
    severity=Severity.ERROR,
    part=MailPart.TEXT,
    fix="close every isolate and embedding in its own line",
    why="Each line is a paragraph to the bidirectional algorithm (UAX 9); what is left open "
    "runs on in some programs.",
)
OWN = Rule(
    code="text-direction-own",
    severity=Severity.WARNING,
    part=MailPart.TEXT,
    fix="close every isolate and embedding in the article, each in its own paragraph",
    why="It stands so in an article, and is left as it was written; what is left open runs on in "
    "some programs (UAX 9).",
)
UNFILLED = Rule(
    code="text-template",
    severity=Severity.ERROR,
    part=MailPart.TEXT,
    fix="fill in the value, or take its place out of the template",
    why="Readers would get a piece of a template instead of what it stands for.",
)
RULES = (WIDTH, KINSOKU, BOX, CONTROL, OPEN, OWN, UNFILLED)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look at the text part line by line."""
    lines = mail.text.replace("\r\n", "\n").split("\n")
    rtl, chinese = direction(mail.language) == "rtl", script(mail.language) in CHINESE
    told, signs = squeezed(mail.told), bidi.SIGNS & set(mail.told)
    lost_is_told = LOST in mail.told
    before = ""
    for number, line in enumerate(lines, 1):
        for rule, problem in _faults(line, before, rtl=rtl, chinese=chinese):
            yield rule.broken(problem, where=f"“{clip_text(line, SHOWN)}”", line=number)
        if damage := _damage(line, lost_is_told=lost_is_told):
            yield CONTROL.broken(damage, where=f"“{clip_text(line, SHOWN)}”", line=number)
        if fault := bidi.fault(line):
            rule = OWN if signs & set(line) else OPEN
            yield rule.broken(fault, where=f"“{clip_text(line, SHOWN)}”", line=number)
        for problem in _residue(line, told):
            yield UNFILLED.broken(problem, where=f"“{clip_text(line, SHOWN)}”", line=number)
        before = line


def _faults(line: str, before: str, *, rtl: bool, chinese: bool) -> Iterator[tuple[Rule, str]]:
    if (width := columns(line)) > COLUMNS and not _is_address(line):
        yield WIDTH, f"the line takes {width} columns"
    if problem := _break_fault(before, line, chinese=chinese):
        yield KINSOKU, problem
    if rtl and (found := BOXES.search(line)):
        yield BOX, f"{found[0]!r} draws a frame"


def _damage(line: str, *, lost_is_told: bool) -> str | None:
    """Name the first damaged character; U+FFFD is none where people wrote it themselves."""
    signs = (found[0] for found in DAMAGE.finditer(line))
    sign = next((sign for sign in signs if not (sign == LOST and lost_is_told)), None)
    return f"it holds U+{ord(sign):04X}" if sign else None


def _residue(line: str, told: str) -> Iterator[str]:
    """Name what a template left behind; what a story says in its own words is not residue."""
    for pattern in (MARKER, PLACEHOLDER):
        for found in pattern.finditer(line):
            if not is_told(found[0], told):
                yield f"{clip_text(found[0])} was left over"
    if line.strip().lower() in NOTHING and squeezed(line) not in told:
        yield f"{line.strip()!r} is all that it says"


def _is_address(line: str) -> bool:
    rest, count = URL.subn("", line, count=1)
    return count == 1 and columns(rest.strip()) <= LABEL_COLUMNS


def _break_fault(before: str, line: str, *, chinese: bool) -> str | None:
    """Say what is wrong about the break between two lines of one paragraph."""
    start = LINE_START.sub("", line, count=1)[:1]
    end = before.rstrip(" \u2066\u2067\u2068\u2069")[-1:]
    if not start or not end:
        return None
    if start in NO_START or (chinese and start in QUOTES_NO_START):
        return f"it begins with {start!r}"
    if end in NO_END or (chinese and end in QUOTES_NO_END):
        return f"the line before it ends with {end!r}"
    return None
