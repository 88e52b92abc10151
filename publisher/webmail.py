"""The largest webmail services: their domains, and where their users read mail."""

from __future__ import annotations

from typing import Final

_GOOGLE = "https://mail.google.com/"
_MICROSOFT = "https://outlook.live.com/mail/"
_YAHOO = "https://mail.yahoo.com/"
_APPLE = "https://www.icloud.com/mail"

INBOXES: Final = {
    "gmail.com": _GOOGLE,
    "googlemail.com": _GOOGLE,
    "outlook.com": _MICROSOFT,
    "hotmail.com": _MICROSOFT,
    "live.com": _MICROSOFT,
    "yahoo.com": _YAHOO,
    "icloud.com": _APPLE,
    "me.com": _APPLE,
    "qq.com": "https://mail.qq.com/",
    "163.com": "https://mail.163.com/",
    "126.com": "https://mail.126.com/",
    "gmx.net": "https://www.gmx.net/",
    "gmx.de": "https://www.gmx.net/",
    "web.de": "https://web.de/",
    "mail.ru": "https://e.mail.ru/",
    "proton.me": "https://mail.proton.me/",
}
"""The page of the inbox for each domain. So many people have such an address that requests for
these domains say nothing about an attack."""
