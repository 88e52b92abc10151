"""Passwords, kept by Argon2id, and one-time passwords by time (TOTP, RFC 6238).

A password that is refused as common is one that zxcvbn guesses soon. It tries its 30,000 most
common passwords, words and names, alone and in a row, with dates, repetitions and rows of keys. No
list of common passwords has 3,000 that are long enough for us.

Parameters are those of OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane. At most
two are hashed at a time, so that sign-ins never take the memory of the machine.

One-time passwords are those that authenticator programs make. No other module imports argon2, zxcvbn, pyotp and segno.
"""

import io
import re
from collections.abc import Iterable
from datetime import datetime
from threading import Semaphore

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# Characters (OWASP ASVS 5.0, 6.2.1 and 6.2.9). Long ones need no other rules.
SHORTEST, LONGEST = 15, 1024
_DISTINCT = 6
_OWN_LETTERS = 8  # letters that words which others know must leave over
# Guesses that a password has to withstand: those of its score 4, safe if hashes are stolen.
_GUESSES = 10**10
# Characters that are looked at. The time grows with the square of them; more make no password weaker.
_LOOKED_AT = 72
# Examples of good passwords, and lines that everybody knows: zxcvbn knows their words alone, which are many.
_PHRASES = (
    "correcthorsebatterystaple",
    "thequickbrownfoxjumpsoverthelazydog",
    "loremipsumdolorsitamet",
    "tobeornottobethatisthequestion",
    "maytheforcebewithyou",
    "onceuponatimeinafarawayland",
    "iloveyoutothemoonandback",
    "alohomoraopensesame",
    "winteriscoming",
    "inthebeginningwastheword",
)
_WORD = re.compile(r"\w{3,}")

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_at_once = Semaphore(2)
# Of a password that nobody has, by these parameters: whoever has none takes as long as whoever has one.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$qaNwPmPdnwwXV/t8+RsoAA$RdrvfeT5QYaURNT8TPHTmHsDwUfdJNnkt6V8CW4+IOY"


def password_fault(password: str, known: Iterable[str]) -> str | None:
    """Return why a password is refused, as a key, or None if it is good.

    Keys are too-short, too-long, repetitive, guessable and common. `known` has what others know:
    address, name, title of the publication. A password may have such words, but has to have enough
    besides. Blanks count, at the ends as well.
    """
    if len(password) < SHORTEST:
        return "too-short"
    if len(password) > LONGEST:
        return "too-long"
    if len(set(password)) < _DISTINCT:
        return "repetitive"
    left = password.casefold()
    for word in _WORD.findall(" ".join(known).casefold()):
        left = left.replace(word, "")
    if len(left) < _OWN_LETTERS:
        return "guessable"
    return "common" if _is_phrase(password.casefold()) or _is_common(password) else None


def _is_phrase(text: str) -> bool:
    """Return whether a text is little more than a phrase that everybody knows."""
    own = letters = "".join(filter(str.isalnum, text))
    for phrase in _PHRASES:
        own = own.replace(phrase, "")
    return own != letters and len(own) < _OWN_LETTERS


def _is_common(password: str) -> bool:
    # Its lists take 20 MB: most processes check no password.
    from zxcvbn import zxcvbn

    return bool(zxcvbn(password[:_LOOKED_AT])["guesses"] < _GUESSES)


def hash_password(password: str) -> str:
    """Return the hash to store, in Argon2's own notation."""
    with _at_once:
        return _hasher.hash(password)


def is_password(stored: str | None, password: str) -> bool:
    """Return whether a password is the right one. It takes as long if there is none (None)."""
    with _at_once:
        try:
            _hasher.verify(stored or _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    return _hasher.check_needs_rehash(stored)


# Steps of 30 seconds that a clock may be wrong by.
_WINDOW = 1
_STEP_SECONDS = 30


def new_totp_secret() -> str:
    """Return a shared secret of 160 bits, in base32."""
    return pyotp.random_base32()


def totp_uri(shared: str, email: str, issuer: str) -> str:
    """Return the address that an authenticator program reads, also from a QR code."""
    return pyotp.TOTP(shared).provisioning_uri(name=email, issuer_name=issuer)


def totp_picture(uri: str) -> bytes:
    """Return the QR code of an address, as SVG: dark on light, whatever the page's colours are."""
    import segno

    out = io.BytesIO()
    segno.make_qr(uri, error="m").save(
        out, kind="svg", omitsize=True, dark="#000", light="#fff", svgclass=None, lineclass=None
    )
    return out.getvalue()


def accepted_step(shared: str, code: str, last_step: int | None, now: datetime) -> int | None:
    """Return the time step of a code, or None if it is wrong or was used before.

    Store the step that is returned: no code of it or of earlier ones is good again.
    """
    digits = code.replace(" ", "")
    generator = pyotp.TOTP(shared)
    current = int(now.timestamp()) // _STEP_SECONDS
    for step in range(current - _WINDOW, current + _WINDOW + 1):
        is_new = last_step is None or step > last_step
        expected = generator.at(step * _STEP_SECONDS)
        if is_new and pyotp.utils.strings_equal(digits, expected):
            return step
    return None
