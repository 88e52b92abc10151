"""What a mail asks for, by its subject or its first line, in each of the program's languages. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class MailUse(StrEnum):
    """What was done with a mail that came in."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto-reply"
    UNSUBSCRIBE = "unsubscribe"
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
_QUOTE_MARKS: Final = "\"'“”„«».,!。，！"


def parse_command(subject: str, first_line: str) -> MailCommand | None:
    """Return the command of a mail's subject, else of its first line, or None."""
    return _command(subject) or _command(first_line)


def is_assent(first_line: str) -> bool:
    """Return whether an answer agrees: it has no words of its own, or one that says yes.

    Other words may mean that its writer did not ask for anything.
    """
    text = unicodedata.normalize("NFKC", first_line).strip(f" {_QUOTE_MARKS}").casefold()
    # The first line of what was quoted, of a signature, or of a quotation's introduction.
    has_no_words = not text or text.startswith((">", "-- ", "--")) or text.endswith(":")
    return has_no_words or " ".join(text.split()) in _YES


def _command(line: str) -> MailCommand | None:
    text = _REPLY.sub("", unicodedata.normalize("NFKC", line).strip())
    # Marks of direction are in text that was copied; they say nothing.
    visible = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    words = [word.strip(_QUOTE_MARKS) for word in visible.split()]
    folded = [word.casefold() for word in words]
    for phrase, use, language in _ALL:
        size = len(phrase)
        if tuple(folded[:size]) == phrase:
            arguments = tuple(words[size:])
            fits = len(arguments) <= _MAX_ARGUMENTS[use]
            if fits and all(map(_TOKEN_OR_NAME.fullmatch, arguments)):
                return MailCommand(use, arguments, language)
    return None
