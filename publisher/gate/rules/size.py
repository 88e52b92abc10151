"""How much of a mail arrives: its size before and after encoding, its depth."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.gate.findings import Finding, html_error, html_warning
from publisher.gate.html_document import MOST_CHARACTERS
from publisher.gate.mail import CheckedMail
from publisher.gate.mail_clients.caniemail import GMAIL
from publisher.mail_limits import MAX_HTML_BYTES, MAX_NESTING

# Bytes of the HTML part as it is sent. Gmail may count these.
_MOST_ENCODED = 102_000
# Bytes from which on there is little room left.
_NEAR = 60_000

_CLIPPED = html_error(
    code="html-size",
    fix=f"bring the HTML below {MAX_HTML_BYTES:,} bytes: fewer stories, or shorter ones",
    why="Gmail clips longer mails and hides the rest, the unsubscribe link included "
    f"(hteumeuleu/email-bugs#41). It may count what is sent: at most {_MOST_ENCODED:,} bytes.",
)
_NEARLY = html_warning(
    code="html-size-near",
    fix="remove some stories or markup before the next issue brings more",
    why=f"Gmail clips mails of more than {MAX_HTML_BYTES:,} bytes of HTML.",
)
_DEPTH = html_error(
    code="html-depth",
    fix=f"nest elements at most {MAX_NESTING} deep",
    why="Parsers drop what is nested too deep without a word, from 255 elements on (libxml2).",
)
RULES = (_CLIPPED, _NEARLY, _DEPTH)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Check the size and the depth of the HTML part."""
    size, sent = len(mail.html.encode(errors="replace")), _sent_size(mail)
    if size > MAX_HTML_BYTES:
        closer = "" if len(mail.html) <= MOST_CHARACTERS else ", too long for a closer look"
        problem = f"the HTML has {size:,} bytes{closer}"
        yield _CLIPPED.finding(problem, where="html", clients=GMAIL)
    elif sent > _MOST_ENCODED:
        problem = f"the HTML is sent as {sent:,} bytes"
        yield _CLIPPED.finding(problem, where="html", clients=GMAIL)
    elif size > _NEAR:
        yield _NEARLY.finding(f"the HTML has {size:,} bytes", where="html", clients=GMAIL)
    if (depth := mail.document.depth) > MAX_NESTING:
        yield _DEPTH.finding(f"elements are nested {depth} deep", where="html")


def _sent_size(mail: CheckedMail) -> int:
    """Return the bytes of the encoded part as SMTP carries it, with CRLF."""
    body = mail.html_part.get_payload() if mail.html_part is not None else ""
    return len(body.replace("\r\n", "\n").replace("\n", "\r\n")) if isinstance(body, str) else 0
