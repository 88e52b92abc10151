"""Read reports of failure that are text for people only. Pure.

Servers older than RFC 3464, and some newer ones, write sentences. They have in common that the
recipients' addresses stand at the start of lines, or after a few words, and what went wrong after
them. Only the text up to the returned original is read: an original may say anything.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from email.message import Message

from flufl.bounce import all_failures

# Where the returned original begins.
_ORIGINAL = re.compile(
    r"^[ \t>]*(?:"
    r"[-=_*+. ]{2,}[^\n]{0,40}\b(?:copy of|original|returned|unsent|undelivered|header of|headers"
    r"|below this line)\b[^\n]{0,60}"
    r"|(?:this is |here is |below is )?(?:a |the )?(?:copy of )?(?:the |your )?"
    r"(?:original|returned|undelivered) (?:message|mail)\b[^\n]{0,30}(?:follows|below|:|headers?:?)\W*"
    r"|message headers? follows?\W*|original message headers?\W*|original message\W*"
    r"|below is a copy of [^\n]{0,40}|body of message generated response\W*"
    r"|received: (?:from|by|\()[^\n]*"
    r"|return-path:[^\n]*"
    r")$",
    re.IGNORECASE | re.MULTILINE,
)
ADDRESS = re.compile(
    r"(?<![\w.+=-])(\"[^\"\n@]{1,64}\"|[\w.!#$%&'*+/=?^`{|}~-]{1,64})@((?:[\w-]{1,63}\.)+[\w-]{1,63})",
)
_LEADING = re.compile(
    r"^[ \t>*\"'(-]*"
    r"(?:(?:rcpt )?to:? *|recipients?(?: address)?: *|user: *|unknown user: *|undeliverable to "
    r"|[^\n<>@]{0,60} (?:to|recipient|address|adresse|user)s?:? |e-?mail(?: address)?:? *)?"
    r"<?(?=[^\s<>@]{1,64}@)",
    re.IGNORECASE,
)
_FAILURE = re.compile(
    r"(?:un|not be |non ?-?)deliver|delivery (?:has |to |of |status |notification )*(?:fail|error|problem|status)"
    r"|deliver(?:ing|y) (?:errors|problems|your)|could ?n[o']t (?:be )?(?:deliver|send)"
    r"|(?:was|were|is|has been|been) (?:not |blocked|rejected|returned|refused)"
    r"|fail(?:ed|ure)|returned (?:mail|to sender)|permanent (?:fatal )?error|rejected|bounce"
    r"|did not reach|user unknown|unknown user|no such user|mailbox|quota|expired"
    r"|\b5\d\d[ -]\d\.\d\.\d|\b55\d\b"
    r"|退信|退回|无法投递|投递失败|発信不能|配信(?:不能|できません)|送信できません|エラー|届け|недостав|не доставл"
    r"|nicht zugestellt|unzustellbar|non remis|no se (?:pudo|ha podido) entregar",
    re.IGNORECASE,
)
_DELAY = re.compile(
    r"(?:has |have |is |been |message )delayed|delivery (?:of .{1,40} )?(?:is )?(?:temporarily )?(?:delayed|suspended)"
    r"|will (?:be |continue |keep |try|retry)[^\n.]{0,40}(?:retr|try|deliver|attempt)"
    r"|still (?:being|trying)|temporary failure report|only a warning|do not need to (?:re-?send|retry)"
    r"|(?:could not be delivered|undeliverable) for \d+ |not yet been delivered|warning: ",
    re.IGNORECASE,
)
_GAVE_UP = re.compile(
    r"giv(?:en|ing) (?:it )?up|not going to try|permanent|too long|expired|gave up|5\.\d\.\d|\b55\d\b",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W\d_]{3}")


def text_before_original(text: str) -> str:
    """Return the part of a report's text that is about the failure."""
    found = _ORIGINAL.search(text)
    return text[: found.start()] if found else text


def is_about_failure(text: str) -> bool:
    """Return whether a text or subject speaks of a mail that was not delivered."""
    return _FAILURE.search(text) is not None


def is_about_delay(text: str) -> bool:
    """Return whether a text says that the server tries on."""
    return _DELAY.search(text) is not None and not _GAVE_UP.search(text)


def failed_recipients(text: str, ours: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield each address that a report's text is about, with the words about it.

    `ours` are addresses in lower case that the report was sent to or from.
    """
    places = list(_places(text, ours))
    for number, (start, address) in enumerate(places):
        others = [other for other, found in places[number + 1 :] if found != address]
        words = text[start : others[0] if others else None]
        rest = ADDRESS.sub("", words)
        yield address, words if _LETTER.search(rest) else text[start:]


def _places(text: str, ours: frozenset[str]) -> Iterator[tuple[int, str]]:
    seen = set()
    start = 0
    for line in text.split("\n"):
        lead = _LEADING.match(line)
        found = ADDRESS.match(line, lead.end()) if lead else None
        if found and found[0].lower() not in ours and found[0].lower() not in seen:
            seen.add(found[0].lower())
            yield start, found[0]
        start += len(line) + 1


def guessed_addresses(message: Message) -> list[str]:
    """Return the addresses that flufl.bounce finds. It never says what is wrong with them."""
    # It logs each detector, and its errors with the mail's content.
    logging.getLogger("flufl.bounce").disabled = True
    try:
        temporary, permanent = all_failures(message)
    except Exception:  # noqa: BLE001  # its detectors raise IndexError and others for unusual mails
        return []
    found = (one.decode("utf-8", "replace") for one in {*temporary, *permanent})
    return sorted(one for one in found if ADDRESS.fullmatch(one))
