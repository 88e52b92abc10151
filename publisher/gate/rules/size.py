"""How much of a mail arrives: size before and after encoding, damage, depth.

Knows no element by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.html_document import MOST_CHARACTERS, page
from publisher.gate.mail import CheckedMail

# Gmail clips at about 102 kB. Nobody outside knows of what: base64 makes 101,300 bytes of
# 74,000, so that a mail within both limits is safe whatever is counted.
MOST_BYTES = 74_000
MOST_ENCODED = 102_000
NEAR = 60_000
# Mail programs give up at some hundred; older parsers lose what lies deeper than 255.
MOST_DEPTH = 100

DAMAGE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ufffe\uffff\ud800-\udfff]")
# What stands for a character that could not be read.
LOST = "\ufffd"
GMAIL = ("Gmail web", "Gmail iOS", "Gmail Android", "Gmail mobile web")

SIZE = Rule(
    code="html-size",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix=f"bring the HTML below {MOST_BYTES:,} bytes: tell fewer stories, or shorter ones",
    why="Gmail cuts what is longer and hides the rest, the unsubscribe link with it "
    "(hteumeuleu/email-bugs#41).",
)
NEARLY = Rule(
    code="html-size-near",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="take some stories or markup out before the next issue brings more",
    why=f"Gmail cuts mails of more than {MOST_BYTES:,} bytes of HTML.",
)
ENCODED = Rule(
    code="html-size-encoded",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="shorten the HTML, or choose the transfer encoding that makes it smaller",
    why=f"Gmail cuts at about {MOST_ENCODED:,} bytes, and may count what is sent.",
)
DAMAGED = Rule(
    code="html-damage",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="take out control characters, and put back what was lost",
    why="Gmail cuts a mail at some of them (hteumeuleu/email-bugs#140); U+FFFD stands where a "
    "character could not be read.",
)
DEPTH = Rule(
    code="html-depth",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix=f"nest elements at most {MOST_DEPTH} deep",
    why="Parsers drop what lies too deep without a word, from 255 elements on (libxml2).",
)
RULES = (SIZE, NEARLY, ENCODED, DAMAGED, DEPTH)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Weigh the HTML part."""
    size = len(mail.html.encode(errors="replace"))
    if size > MOST_BYTES:
        closer = "" if len(mail.html) <= MOST_CHARACTERS else ", too long for a closer look"
        yield SIZE.broken(f"the HTML has {size:,} bytes{closer}", where="html", clients=GMAIL)
    elif size > NEAR:
        yield NEARLY.broken(f"the HTML has {size:,} bytes", where="html", clients=GMAIL)
    if (encoded := _encoded(mail)) > MOST_ENCODED:
        problem = f"the HTML is sent as {encoded:,} bytes"
        yield ENCODED.broken(problem, where="html", clients=GMAIL)
    if (depth := page(mail).depth) > MOST_DEPTH:
        yield DEPTH.broken(f"elements are nested {depth} deep", where="html")
    yield from _damage(mail.html, mail.told)


def _encoded(mail: CheckedMail) -> int:
    """Count the octets of the part's body as SMTP carries it, with CRLF."""
    body = mail.html_part.get_payload() if mail.html_part is not None else ""
    if not isinstance(body, str):
        return 0
    return len(body) + len(re.findall(r"(?<!\r)\n", body))


def _damage(html: str, told: str) -> Iterator[Finding]:
    found = list(DAMAGE.finditer(html[:MOST_CHARACTERS]))
    for sign in dict.fromkeys(one[0] for one in found):
        if sign == LOST and LOST in told:  # as in an article on encodings
            continue
        places = [one for one in found if one[0] == sign]
        yield DAMAGED.broken(
            f"U+{ord(sign):04X} stands in the text, {len(places)} times in all",
            where="html",
            line=html.count("\n", 0, places[0].start()) + 1,
        )
