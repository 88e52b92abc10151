"""How header fields and bodies are encoded (RFC 5322, RFC 2047, RFC 2045). Pure.

The standard library folds some header fields so that no mail program can read them: it turns long `List-Unsubscribe`
addresses into encoded words, loses the spaces between encoded words of a subject, and decodes text that only looks
like one, line ends included, so that a name could become a header field.

Bodies are encoded in pieces that can be joined. Each piece of quoted-printable (RFC 2045 section 6.7) starts at the
beginning of a line and ends with a line break. No line begins with a full stop (RFC 5321 section 4.5.2) or with `From
` (mbox). How base64 goes on after a value depends on how many octets are left over before it, so each fixed text is
encoded three times.
"""

import re
from base64 import b64encode
from binascii import b2a_base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.headerregistry import Address

from publisher.errors import DeliveryError
from publisher.languages.locales import with_end_mark
from publisher.mail_limits import MAX_LINE_LENGTH, MIME_COLUMNS

# Makes encoded words of 60 characters, which fit on one line with `Subject: `; RFC 2047 allows 75.
_ENCODED_BYTES = 36
# What needs no quotes in a display name (RFC 5322 section 3.2.3).
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
# Nearly every address (RFC 5322 sections 3.2.3 and 3.4.1), which then needs no parser. Without
# `?`, which begins and ends encoded words.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=^_`{|}~-]+"
PLAIN_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
# Spaces, controls and all that some program takes for a line end.
BLANKS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")


def encode_field(name: str, value: str) -> bytes:
    """Return a field, folded, with its line end; its value is ASCII. Raise DeliveryError for one that can't be."""
    if not value.isascii() or not value.isprintable():
        raise DeliveryError(f"{name} holds what a header can't: {value!r}")
    if value and len(name) + len(value) + 2 <= MIME_COLUMNS:
        return f"{name}: {value}\r\n".encode("ascii")
    lines = _folded(f"{name}: {value}")
    if max(map(len, lines)) > MAX_LINE_LENGTH:
        raise DeliveryError(
            f"{name} needs a line of more than {MAX_LINE_LENGTH} characters, which no mail may have; "
            "shorten its address or longest word"
        )
    # An empty value leaves no blank at the line's end, which a relay might remove.
    return "".join(f"{line.rstrip()}\r\n" for line in lines).encode("ascii")


def encode_text(text: str) -> str:
    """Return the value of a field that is free text: as it is, or in encoded words (RFC 2047)."""
    line = with_end_mark(single_line(text))
    return line if _is_plain(line) else _encoded(line)


def encode_mailbox(name: str, address: str) -> str:
    """Return a display name and an address (RFC 5322 section 3.4). Raise ValueError if the address can't be written."""
    if not PLAIN_ADDRESS.fullmatch(address):
        address = _checked_address(address)
    return encode_named(name, address) if single_line(name) else address


def encode_named(name: str, identifier: str) -> str:
    line = single_line(name)
    if not _is_plain(line):
        line = _encoded(line)
    elif not _ATOMS.fullmatch(line):
        escaped = line.replace("\\", r"\\").replace('"', r"\"")
        line = f'"{escaped}"' if line else ""
    return f"{line} <{identifier}>".lstrip()


def _checked_address(address: str) -> str:
    """Return the address if the standard library reads it unchanged. Slow; raises ValueError."""
    try:
        read = Address(addr_spec=address).addr_spec
    except Exception as error:  # its parser raises errors of many types
        raise ValueError(f"{address!r} is no address: {error}") from error
    if read != address:
        raise ValueError(f"mail programs read another address in {address!r}")
    return address


def single_line(text: str) -> str:
    if not text.isprintable() or "  " in text:
        text = BLANKS.sub(" ", text)
    return text.strip()


def _is_plain(line: str) -> bool:
    # Mail programs would decode what looks like an encoded word. And one word that is too long
    # for a line can be folded only as encoded words.
    if not line.isascii() or "=?" in line:
        return False
    return len(line) <= MIME_COLUMNS or max(map(len, line.split(" "))) <= MIME_COLUMNS


def _encoded(line: str) -> str:
    words = []
    while len(line.encode()) > _ENCODED_BYTES:
        end = _word_end(line)
        words.append(_base64(line[:end]) if end else _quoted(line[0]))
        line = line[end or 1 :]
    return " ".join([*words, _base64(line)])


def _base64(text: str) -> str:
    return f"=?utf-8?b?{b64encode(text.encode()).decode('ascii')}?="


def _word_end(line: str) -> int:
    """Return after how many characters a word may end that others follow; 0 if after none.

    Whole groups of three bytes have no padding: GMime up to 3.2.13 (Geary, notmuch, mu) ends the text at the first `=`.
    """
    end = size = 0
    for number, character in enumerate(line, 1):
        size += len(character.encode())
        if size > _ENCODED_BYTES:
            break
        end = end if size % 3 else number
    return end


def _quoted(character: str) -> str:
    """Return an encoded word of one character, for a line that has no group of whole characters."""
    return f"=?utf-8?q?{''.join(f'={octet:02X}' for octet in character.encode())}?="


def _folded(text: str) -> list[str]:
    """Break long lines before a space, but never between a field's name and its value."""
    name, first, *rest = text.split(" ")
    lines = [f"{name} {first}"]
    for word in rest:
        if len(lines[-1]) + 1 + len(word) > MIME_COLUMNS:
            lines.append("")
        lines[-1] += f" {word}"
    return lines


_SOFT_BREAK = b"=\r\n"
_HARD_BREAK = b"\r\n"
# All but printable ASCII; blanks only before a line end, where relays may drop them (rule 3).
_ESCAPED = re.compile(rb"[^\n\t -<>-~]|[\t ](?=\n)")
# A value that fits one line and needs no escape.
_UNCHANGED = re.compile(rb"(?!\.|From )[ -<>-~]{1,75}")
_ESCAPES = [b"=%02X" % octet for octet in range(256)]

# A body cut at its values: fixed text as UTF-8 with LF, and the numbers of values between. No two
# texts stand side by side.
BodyPieces = Sequence[bytes | int]


class QuotedPrintablePart:
    """A part whose fixed text is encoded already."""

    def __init__(self, pieces: BodyPieces) -> None:
        self._pieces = [
            b"" if isinstance(piece, int) else quoted_printable(piece) for piece in pieces
        ]
        self._places = [
            (place, piece) for place, piece in enumerate(pieces) if isinstance(piece, int)
        ]

    def filled(self, values: Sequence[bytes]) -> list[bytes]:
        filled = self._pieces.copy()
        for place, number in self._places:
            value = values[number]
            if _UNCHANGED.fullmatch(value):
                filled[place] = value + _SOFT_BREAK
            elif value:
                filled[place] = quoted_printable(value)
        return filled


def quoted_printable(text: bytes) -> bytes:
    """Encode text whose line ends are LF; a last line without one ends with a soft break."""
    *whole, rest = _ESCAPED.sub(lambda found: _ESCAPES[found[0][0]], text).split(b"\n")
    lines = [piece for line in whole for piece in _wrapped(line, _HARD_BREAK)]
    if rest:
        lines += _wrapped(rest, _SOFT_BREAK)
    return b"".join(lines)


def _wrapped(line: bytes, end: bytes) -> Iterator[bytes]:
    """Yield an encoded line in lines that are short enough, with their ends."""
    longest = MIME_COLUMNS + len(_HARD_BREAK) - len(end)
    line = _safe_start(line)
    while len(line) > longest:
        cut = MIME_COLUMNS - 1
        # Never within the three characters of an octet.
        escape = line.rfind(b"=", cut - 2, cut)
        cut = escape if escape >= 0 else cut
        yield line[:cut] + _SOFT_BREAK
        line = _safe_start(line[cut:])
    yield line + end


def _safe_start(line: bytes) -> bytes:
    """Escape a first character that no line should begin with."""
    return _ESCAPES[line[0]] + line[1:] if line.startswith((b".", b"From ")) else line


_GROUP = 3  # so many octets make four characters
_LINE_OCTETS = 19 * _GROUP  # octets of a line of 76 characters, the maximum
_LINE_END = b"\r\n"


@dataclass(frozen=True, slots=True)
class _Variant:
    """A fixed text, encoded without its first octets."""

    first: bytes  # encoded together with the value before this text
    lines: bytes
    # What remains of the last group of three; encoded together with the value after this text.
    last: bytes


# A value's number; what else is encoded with it (octets too short for a group, further numbers);
# and the three variants of the text that follows.
_Run = tuple[int, tuple[bytes | int, ...], tuple[_Variant, ...]]


class Base64Part:
    """A part whose fixed text is encoded already. Its last piece must be fixed text."""

    def __init__(self, pieces: BodyPieces) -> None:
        texts = [
            one if isinstance(one, int) else one.replace(b"\n", _LINE_END) for one in pieces
        ]
        opening, *others = texts if isinstance(texts[0], bytes) else (b"", *texts)
        first = _variant(opening if isinstance(opening, bytes) else b"", 0, ends=not others)
        self._opening, self._left = first.lines, first.last
        self._runs = _runs(others)

    def filled(self, values: Sequence[bytes]) -> list[bytes]:
        """Return the whole part with a recipient's values, in segments to be joined."""
        filled, octets = [self._opening], self._left
        for number, more, variants in self._runs:
            octets += values[number]
            for piece in more:
                octets += values[piece] if isinstance(piece, int) else piece
            variant = variants[-len(octets) % _GROUP]
            octets += variant.first
            if octets:
                filled.append(base64_lines(octets))
            filled.append(variant.lines)
            octets = variant.last
        return filled


def base64_lines(octets: bytes) -> bytes:
    """Encode octets in lines that end with CRLF; padded unless they make whole groups of three."""
    if len(octets) <= _LINE_OCTETS:
        return b2a_base64(octets, newline=False) + _LINE_END
    starts = range(0, len(octets), _LINE_OCTETS)
    lines = (b2a_base64(octets[at : at + _LINE_OCTETS], newline=False) for at in starts)
    return b"".join(line + _LINE_END for line in lines)


def _runs(pieces: Sequence[bytes | int]) -> list[_Run]:
    """Group what is encoded together: values, and the short texts between them."""
    runs: list[_Run] = []
    number, more = -1, list[bytes | int]()
    for place, piece in enumerate(pieces, 1):
        ends = place == len(pieces)
        if number < 0 and isinstance(piece, int):
            number = piece
        elif isinstance(piece, int) or (len(piece) < _GROUP and not ends):
            more.append(piece)
        else:
            variants = tuple(_variant(piece, count, ends=ends) for count in range(_GROUP))
            runs.append((number, tuple(more), variants))
            number, more = -1, []
    return runs


def _variant(text: bytes, count: int, *, ends: bool) -> _Variant:
    rest = text[count:]
    whole = len(rest) if ends else len(rest) // _GROUP * _GROUP
    lines = base64_lines(rest[:whole]) if whole else b""
    return _Variant(text[:count], lines, rest[whole:])
