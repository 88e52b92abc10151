"""What a mail asks for, by its subject or its first line, in each of the program's languages. Pure."""

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from publisher.mailbox.store import MailUse


@dataclass(frozen=True, slots=True)
class MailCommand:
    """One command: what is asked for, the words after it, and the language that it was written in."""

    use: MailUse
    arguments: tuple[str, ...] = ()
    language: str = "en"


_PHRASES: Final[dict[str, dict[str, list[str]]]] = tomllib.loads(
    Path(__file__).with_name("phrases.toml").read_text("utf-8")
)
# What may be asked for, and how many words may follow: a longer line is somebody's sentence.
_MAX_ARGUMENTS: Final = {
    MailUse.UNSUBSCRIBE: 1,
    MailUse.SUBSCRIBE: 1,
    MailUse.CONFIRM: 1,
    MailUse.LANGUAGE: 2,
    MailUse.LINKS: 0,
}

_QUOTE_MARKS: Final = "\"'“”„‚‘’«»‹›「」『』《》.,!。，！،、"


def folded_words(text: str, *, with_accents: bool = False) -> tuple[str, ...]:
    """Return the words of a text without letter case, signs around them, marks of direction and, usually, accents.

    People leave accents out; the Turkish dotless i has no other form without case.
    """
    lower = text.replace("İ", "i").casefold()
    left_out = {"Cf"} if with_accents else {"Cf", "Mn"}
    signs = unicodedata.normalize("NFKC" if with_accents else "NFKD", lower)
    plain = "".join(sign for sign in signs if unicodedata.category(sign) not in left_out)
    plain = plain if with_accents else plain.replace("ı", "i")
    return tuple(filter(None, (word.strip(_QUOTE_MARKS) for word in plain.split())))


def _known(*, with_accents: bool) -> list[tuple[tuple[str, ...], MailUse, str]]:
    """Return all phrases with what they ask for and their language, the longest first: one may begin another."""
    found = [
        (folded_words(phrase, with_accents=with_accents), use, language)
        for language, phrases in _PHRASES.items()
        for use in _MAX_ARGUMENTS
        for phrase in phrases[use]
    ]
    return sorted(found, key=lambda entry: -len(entry[0]))


# Accents tell Slovak from Czech, if somebody writes them.
_KNOWN: Final = ((True, _known(with_accents=True)), (False, _known(with_accents=False)))
_YES: Final = frozenset(
    folded_words(phrase) for phrases in _PHRASES.values() for phrase in phrases["yes"]
)
# What mail programs put before the subject of an answer or a forwarded mail, in their languages.
_REPLY: Final = re.compile(
    r"\A(?:(?:re|fwd?|aw|wg|sv|vs|vb|vl|tr|rv|r|i|rif|antw|doorst|odp|pd|vá|tov|enc|res|ynt|ilt|bls|απ|πρθ|отв|пересл"
    r"|回复|回覆|答复|答覆|转发|轉寄|轉發|返信|転送|회신|전달|رد|إعادة توجيه|پاسخ|بازارسال|תשובה|הועבר|उत्तर|अग्रेषित|ตอบกลับ)\s*[:：]\s*)+",
    re.IGNORECASE,
)
_TOKEN_OR_NAME: Final = re.compile(r"[\w.~-]+")
_LONGEST_ARGUMENT: Final = 400
_DATE_OR_ADDRESS: Final = re.compile(r"[\d@]")


def parse_command(subject: str, first_line: str) -> MailCommand | None:
    """Return the command of a mail's subject, else of its first line, or None."""
    return _command(subject) or _command(first_line)


def is_assent(text: str) -> bool:
    """Return whether an answer agrees: its first line says yes, or it has no words of its own."""
    lines = [line.strip() for line in _visible(text).splitlines()]
    first = next((line for line in lines if line), "")
    says_yes = folded_words(first) in _YES
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
    for with_accents, phrases in _KNOWN:
        folded = tuple(" ".join(folded_words(one, with_accents=with_accents)) for one in words)
        for phrase, use, language in phrases:
            size = len(phrase)
            arguments = tuple(words[size:])
            fits = folded[:size] == phrase and len(arguments) <= _MAX_ARGUMENTS[use]
            if fits and all(map(_is_token_or_name, arguments)):
                return MailCommand(use, arguments, language)
    return None


def _is_token_or_name(word: str) -> bool:
    """Return whether a word may be a token, or the name of a newsletter or a language in any script."""
    # No pattern of `re` knows the vowel signs of Indian scripts as parts of words.
    letters = "".join(sign for sign in word if unicodedata.category(sign)[0] != "M")
    return len(word) <= _LONGEST_ARGUMENT and bool(_TOKEN_OR_NAME.fullmatch(letters))


def _visible(text: str) -> str:
    """Return a text without marks of direction: they are in text that was copied, and say nothing."""
    normal = unicodedata.normalize("NFKC", text)
    return "".join(sign for sign in normal if unicodedata.category(sign) != "Cf")
