"""What a mail owes its readers: a way to leave, a page to read it on, an address.

Knows no layout. Goes by the message's own header, so that it works in every language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from lxml import etree

from publisher.gate.css.computed_style import looks
from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.header_fields import fields_named, header_fields
from publisher.gate.html_document import page, text_of
from publisher.gate.mail import CheckedMail

# What addresses for leaving hold, in the languages whose programs make them.
LEAVING = re.compile(
    r"unsub|opt-?_?out|abmeld|austrag|d[eé]s?-?(?:abonn|inscri|suscri)|disiscri|disiscriv"
    r"|descadastr|cancelar|afmeld|list-manage",
    re.IGNORECASE,
)
IN_BRACKETS = re.compile(r"<\s*([^<>\s]+)\s*>")

LEAVE = Rule(
    code="unsubscribe",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="put a link for leaving into the mail, where it is seen",
    why="Gmail and Yahoo ask for it, and laws do (15 U.S.C. 7704, Directive 2002/58/EC); who "
    "can't leave reports the mail as spam.",
)
ONLINE = Rule(
    code="view-online",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="link to the issue's page on the web",
    why="Where a mail program breaks or cuts the mail, its page is whole.",
)
POSTAL = Rule(
    code="postal-address",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="say where the publication can be reached by post, in its settings and in the footer",
    why="Laws ask for it (15 U.S.C. 7704(a)(5); Directive 2000/31/EC, article 5).",
)
RULES = (LEAVE, ONLINE, POSTAL)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look for what each mail must have."""
    seen = page(mail)
    if not seen.elements:
        return
    shown = looks(mail).by_element
    links = [link for link in seen.tagged("a") if not shown[link].hidden and link.get("href")]
    leaving = {_without_query(one) for one in _addresses(mail, "list-unsubscribe")}
    if not any(_leaves(link, leaving) for link in links):
        yield LEAVE.broken("no link that is seen leads out of the list", where="body")
    online = _addresses(mail, "archived-at")
    if online and not any(link.get("href") in online for link in links):
        yield ONLINE.broken("nothing links to the mail's own page", where="body")
    if not mail.address:
        yield POSTAL.broken("the publication has no postal address", where="body")
    elif not _says(mail):
        yield POSTAL.broken("the postal address is not in the mail", where="body")


def _addresses(mail: CheckedMail, name: str) -> frozenset[str]:
    return frozenset(
        address
        for field in fields_named(header_fields(mail.content), name)
        for address in IN_BRACKETS.findall(field.value)
    )


def _leaves(link: etree._Element, addresses: set[str]) -> bool:
    href = link.get("href", "").strip()
    return bool(
        _without_query(href) in addresses
        or LEAVING.search(href)
        or LEAVING.search(text_of(link))
    )


def _without_query(address: str) -> str:
    try:
        return urlsplit(address)._replace(query="", fragment="").geturl()
    except ValueError:
        return address


def _says(mail: CheckedMail) -> bool:
    """Tell whether every line of the address is seen, however it is broken up."""
    text = re.sub(r"\W", "", "".join(shown.text for shown in looks(mail).texts))
    return all(re.sub(r"\W", "", part) in text for part in mail.address.splitlines())
