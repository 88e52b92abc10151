"""What a mail owes its recipients: an unsubscribe link, a page to read it on, an address.

The message's own header fields say which links these are, so that it works in every language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from lxml import etree

from publisher.gate.findings import Finding, html_error, html_warning
from publisher.gate.html_document import text_content
from publisher.gate.mail import CheckedMail

# What addresses and texts of unsubscribe links contain, in the languages of mailing services.
_UNSUBSCRIBE_WORDS = re.compile(
    r"unsub|opt-?_?out|abmeld|austrag|d[eé]s?-?(?:abonn|inscri|suscri)|disiscri|disiscriv"
    r"|descadastr|cancelar|afmeld|list-manage",
    re.IGNORECASE,
)
_IN_BRACKETS = re.compile(r"<\s*([^<>\s]+)\s*>")

_UNSUBSCRIBE = html_error(
    code="unsubscribe",
    fix="put a visible unsubscribe link into the mail",
    why="Gmail, Yahoo and laws require it (15 U.S.C. 7704, Directive 2002/58/EC); people who "
    "can't unsubscribe report the mail as spam.",
)
_ONLINE = html_warning(
    code="view-online",
    fix="link to the issue's page on the web",
    why="If a mail client breaks or cuts the mail, the page is still complete.",
)
_POSTAL = html_warning(
    code="postal-address",
    fix="write the publication's postal address into its settings, and show it in the footer",
    why="Laws require it (15 U.S.C. 7704(a)(5); Directive 2000/31/EC, article 5).",
)
RULES = (_UNSUBSCRIBE, _ONLINE, _POSTAL)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Check what each mail must have in its footer."""
    document = mail.document
    if not document.elements:
        return
    styles = document.styles.by_element
    links = [
        link for link in document.tagged("a") if not styles[link].is_hidden and link.get("href")
    ]
    addresses = {_without_query(one) for one in _addresses(mail, "List-Unsubscribe")}
    if not any(_unsubscribes(link, addresses) for link in links):
        yield _UNSUBSCRIBE.finding("there is no visible unsubscribe link", where="body")
    online = _addresses(mail, "Archived-At")
    if online and not any(link.get("href") in online for link in links):
        yield _ONLINE.finding("nothing links to the mail's own page", where="body")
    if not mail.address:
        yield _POSTAL.finding("the publication has no postal address", where="body")
    elif not _shows_address(mail):
        yield _POSTAL.finding("the postal address is not in the mail", where="body")


def _addresses(mail: CheckedMail, name: str) -> list[str]:
    return _IN_BRACKETS.findall(mail.header(name))


def _unsubscribes(link: etree._Element, addresses: set[str]) -> bool:
    href = link.get("href", "").strip()
    return bool(
        _without_query(href) in addresses
        or _UNSUBSCRIBE_WORDS.search(href)
        or _UNSUBSCRIBE_WORDS.search(text_content(link))
    )


def _without_query(address: str) -> str:
    try:
        return urlsplit(address)._replace(query="", fragment="").geturl()
    except ValueError:
        return address


def _shows_address(mail: CheckedMail) -> bool:
    """Return whether every line of the postal address is visible, however it is broken up."""
    shown = [one.text for one in mail.document.styles.texts]
    text = re.sub(r"\W", "", "".join(shown))
    return all(re.sub(r"\W", "", part) in text for part in mail.address.splitlines())
