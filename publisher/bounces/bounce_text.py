"""Read reports of failure that are text for people only. Pure.

Servers older than RFC 3464, and some newer ones, write sentences. They have in common that the
recipients' addresses stand at the start of lines, or after a few words, and what went wrong after
them. Only the text up to the returned original is read: an original may say anything.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

# Where the returned original begins.
_ORIGINAL = re.compile(
    r"[ \t>]*(?:"
    r"[-=_*+. ]{2,80}.{0,40}\b(?:copy of|original|returned|unsent|undelivered|header of|headers"
    r"|message text|below this line)\b"
    r"|(?:this is |here is |below is )?(?:a |the )?(?:copy of )?(?:the |your )?"
    r"(?:original|returned|undelivered) (?:message|mail)\b.{0,30}(?:follows|below|:|headers?)\W*$"
    r"|message headers? follows?\W*$|original message(?: headers?)?\W*$"
    r"|below is a copy of |body of message generated response\W*$"
    r"|received: (?:from|by|\()|return-path:"
    r")",
    re.IGNORECASE,
)
# Characters of a line that are looked at, and of a text that tell whether it is about a failure.
_MAX_LINE, _MAX_START = 200, 4_000
ADDRESS = re.compile(
    r"(?<![\w.+=-])(\"[^\"\n@]{1,64}\"|[\w.!#$%&'*+/=?^`{|}~-]{1,64})@((?:[\w-]{1,63}\.)+[\w-]{1,63})"
)
_LEADING = re.compile(
    r"^[ \t>*\"'(-]*"
    r"(?:(?:rcpt )?to:? *|recipients?(?: address)?: *|user: *|unknown user: *|undeliverable to "
    r"|[^\n<>@]{0,60} (?:to|failed|recipient|address|adresse|user)s?:? |e-?mail(?: address)?:? *)?"
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
    end = 0
    for line in text.split("\n"):
        if _ORIGINAL.match(line[:_MAX_LINE]):
            return text[:end]
        end += len(line) + 1
    return text


def is_about_failure(text: str) -> bool:
    return _FAILURE.search(text[:_MAX_START]) is not None


def is_about_delay(text: str) -> bool:
    start = text[:_MAX_START]
    return _DELAY.search(start) is not None and not _GAVE_UP.search(start)


@dataclass(frozen=True, slots=True)
class FailedRecipient:
    """An address that a text is about. Some servers name the reason first, some the address."""

    address: str
    after: str  # the words from the address on
    before: str  # those before the first address


def failed_recipients(text: str, ours: frozenset[str]) -> Iterator[FailedRecipient]:
    """Yield the addresses that a report's text is about, but not `ours`: those it was sent from or to, in lower case."""
    places = list(_places(text, ours))
    for number, (start, address) in enumerate(places):
        end = places[number + 1][0] if number + 1 < len(places) else None
        words = text[start:end]
        if not _LETTER.search(ADDRESS.sub("", words)):
            # A list of addresses; the reason is after the last.
            words = text[start:]
        yield FailedRecipient(address, words, text[: places[0][0]])


def _places(text: str, ours: frozenset[str]) -> Iterator[tuple[int, str]]:
    seen = set()
    start = 0
    for line in text.split("\n"):
        start_of_line = line[:_MAX_LINE]
        lead = _LEADING.match(start_of_line)
        found = ADDRESS.match(start_of_line, lead.end()) if lead else None
        if found and found[0].lower() not in ours and found[0].lower() not in seen:
            seen.add(found[0].lower())
            yield start, found[0]
        start += len(line) + 1


def guessed_addresses(message: Message) -> list[str]:
    """Return the addresses that flufl.bounce finds. It never says what is wrong with them."""
    # Imported with the first mail: the web server has a webhook, which seldom gets one.
    from flufl.bounce import all_failures

    # It logs each detector, and its errors with the mail's content.
    logging.getLogger("flufl.bounce").disabled = True
    try:
        temporary, permanent = all_failures(message)
    except Exception:  # noqa: BLE001  # its detectors raise IndexError and others for unusual mails
        return []
    found = (one.decode("utf-8", "replace") for one in {*temporary, *permanent})
    return sorted(one for one in found if ADDRESS.fullmatch(one))
