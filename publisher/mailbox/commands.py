"""What a mail asks for, by its subject or its first line, in each of the program's languages. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class MailUse(StrEnum):
    """What was done with a mail that came in."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto-reply"
    UNSUBSCRIBE = "unsubscribe"
    # The same without a proof of who asks: the address was mailed the link.
    ASKED = "unsubscribe, asked"
    # The same, for the owner to read: too many of these came.
    HELD = "unsubscribe, held"
    SUBSCRIBE = "subscribe"
    CONFIRM = "confirm"
    LANGUAGE = "language"
    LINKS = "links"
    # For the owner to read.
    UNKNOWN = "unknown"
    # The program failed; the mail is left for the owner, too.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class MailCommand:
    """One command: what is asked for, the words after it, and the language that it was written in."""

    use: MailUse
    arguments: tuple[str, ...] = ()
    language: str = "en"


_U, _S, _C = MailUse.UNSUBSCRIBE, MailUse.SUBSCRIBE, MailUse.CONFIRM
_L, _H = MailUse.LANGUAGE, MailUse.LINKS
# No phrase may stand for two languages, but for those that are written alike in both.
_PHRASES: Final[dict[str, dict[MailUse, tuple[str, ...]]]] = {
    "en": {
        _U: ("unsubscribe", "leave", "stop", "signoff", "remove me"),
        _S: ("subscribe", "join"),
        _C: ("confirm",),
        _L: ("language",),
        _H: ("preferences", "settings", "help"),
    },
    "zh-Hans": {
        _U: ("退订", "取消订阅"),
        _S: ("订阅",),
        _C: ("确认",),
        _L: ("语言",),
        _H: ("偏好设置", "设置", "帮助"),
    },
    "zh-Hant": {
        _U: ("退訂", "取消訂閱"),
        _S: ("訂閱",),
        _C: ("確認",),
        _L: ("語言",),
        _H: ("偏好設定", "設定", "說明"),
    },
    "ar": {
        _U: ("إلغاء الاشتراك", "الغاء الاشتراك", "إلغاء"),
        _S: ("اشتراك", "الاشتراك", "اشترك"),
        _C: ("تأكيد", "تاكيد"),
        _L: ("اللغة", "لغة"),
        _H: ("التفضيلات", "تفضيلات", "مساعدة"),
    },
}
# The longest first: one may be the beginning of another.
_ALL: Final = sorted(
    (
        (tuple(phrase.split()), use, language)
        for language, uses in _PHRASES.items()
        for use, phrases in uses.items()
        for phrase in phrases
    ),
    key=lambda entry: -len(entry[0]),
)
# Words after a command, at most; a longer line is somebody's sentence.
_MAX_ARGUMENTS: Final = {_U: 1, _S: 1, _C: 1, _L: 2, _H: 0}
_YES: Final = frozenset(
    (
        *("yes", "yes please", "yes, please", "ok", "okay", "sure", "agreed"),
        *("好", "好的", "是", "是的", "可以", "同意", "确定", "確定"),
        *("نعم", "موافق", "أوافق", "حسنا", "حسنًا"),
    )
)
_REPLY: Final = re.compile(
    r"\A(?:(?:re|fwd?|aw|wg|sv|回复|回覆|答复|答覆|转发|轉寄|轉發|رد|إعادة توجيه)\s*[:：]\s*)+",
    re.IGNORECASE,
)
_TOKEN_OR_NAME: Final = re.compile(r"[\w.~-]{1,400}")
_QUOTE_MARKS: Final = "\"'“”„«».,!。，！،"
_DATE_OR_ADDRESS: Final = re.compile(r"[\d@]")


def parse_command(subject: str, first_line: str) -> MailCommand | None:
    """Return the command of a mail's subject, else of its first line, or None."""
    return _command(subject) or _command(first_line)


def is_assent(text: str) -> bool:
    """Return whether an answer agrees: its first line says yes, or it has no words of its own.

    Other words may mean that its writer did not ask for anything.
    """
    lines = [line.strip() for line in _visible(text).splitlines()]
    first = next((line for line in lines if line), "")
    says_yes = " ".join(first.strip(f" {_QUOTE_MARKS}").casefold().split()) in _YES
    return says_yes or not _has_own_words(lines)


def _has_own_words(lines: Sequence[str]) -> bool:
    """Return whether there is more than a quotation, its introduction and a signature."""
    is_marked = any(line.startswith(">") for line in lines)
    words = ""
    for number, line in enumerate(lines):
        if words and (not line or line.startswith(">")):
            return True
        if not line or line.startswith(">"):
            continue
        if not words and line.startswith(("--", "__")):
            return False
        words = f"{words} {line}"
        if not line.endswith(":"):
            continue
        # Who wrote when, or a salutation, which ends with a colon in many languages.
        following = next((other for other in lines[number + 1 :] if other), "")
        if following.startswith(">"):
            words = ""
        elif not is_marked and _DATE_OR_ADDRESS.search(words):
            return False  # HTML: all that follows is the quotation
    return bool(words)


def _command(line: str) -> MailCommand | None:
    text = _REPLY.sub("", _visible(line).strip())
    words = [word.strip(_QUOTE_MARKS) for word in text.split()]
    folded = [word.casefold() for word in words]
    for phrase, use, language in _ALL:
        size = len(phrase)
        if tuple(folded[:size]) == phrase:
            arguments = tuple(words[size:])
            fits = len(arguments) <= _MAX_ARGUMENTS[use]
            if fits and all(map(_TOKEN_OR_NAME.fullmatch, arguments)):
                return MailCommand(use, arguments, language)
    return None


def _visible(text: str) -> str:
    """Return a text without marks of direction: they are in text that was copied, and say nothing."""
    normal = unicodedata.normalize("NFKC", text)
    return "".join(sign for sign in normal if unicodedata.category(sign) != "Cf")
