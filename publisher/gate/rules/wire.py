"""A message as octets: its line ends, the length of its lines, its size.

What is wrong here is wrong for every server on the way (RFC 5321, RFC 5322). Knows no field
and no part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.mail import CheckedMail

# RFC 5322 section 2.1.1, without the line end.
LONGEST_LINE = 998
# An HTML part that is shown whole has up to 102,000 octets as sent; a text part of the same
# words is smaller.
LARGEST = 204_000

BARE_END = re.compile(rb"(?<!\r)\n|\r(?!\n)")
NOT_ASCII = re.compile(rb"[\x80-\xff]")

LINE_END = Rule(
    code="line-end",
    severity=Severity.ERROR,
    part=MailPart.MESSAGE,
    fix="end every line with CR LF",
    why="Servers refuse a bare CR or LF, or take it for the end of a message (RFC 5321 2.3.8).",
)
LINE_LENGTH = Rule(
    code="line-length",
    severity=Severity.ERROR,
    part=MailPart.MESSAGE,
    fix="encode the part as base64 or quoted-printable",
    why="A line has 998 octets at most (RFC 5322 2.1.1); servers break or refuse longer ones.",
)
EIGHT_BIT = Rule(
    code="eight-bit",
    severity=Severity.ERROR,
    part=MailPart.MESSAGE,
    fix="encode header fields (RFC 2047) and parts (base64, quoted-printable)",
    why="Not every server takes octets beyond ASCII, and signatures break where they are recoded.",
)
SIZE = Rule(
    code="message-size",
    severity=Severity.WARNING,
    part=MailPart.MESSAGE,
    fix="tell the stories more shortly, or fewer of them",
    why="Twice what Gmail shows of an HTML part; on a slow line such a mail is read last.",
)
RULES = (LINE_END, LINE_LENGTH, EIGHT_BIT, SIZE)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look at the octets; a fault of many lines is named once, with the first of them."""
    content = mail.content
    lines = re.split(rb"\r\n|\r|\n", content)
    if found := BARE_END.search(content):
        number = len(re.findall(rb"\r\n|\r|\n", content[: found.start()])) + 1
        kind = "CR" if found[0] == b"\r" else "LF"
        yield LINE_END.broken(f"a line ends with a bare {kind}", where="message", line=number)
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE:
            problem = f"a line has {len(line)} octets, and may have {LONGEST_LINE}"
            yield LINE_LENGTH.broken(problem, where="message", line=number)
            break
    for number, line in enumerate(lines, 1):
        if found := NOT_ASCII.search(line):
            problem = f"octet {found[0][0]:#04x} is beyond ASCII"
            yield EIGHT_BIT.broken(problem, where="message", line=number)
            break
    if len(content) > LARGEST:
        yield SIZE.broken(f"it has {len(content):,} octets", where="message")
