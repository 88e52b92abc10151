"""Text that every format can carry, so that one bad article never breaks a feed.

The same rules hold for XML and JSON: the formats must agree on every character. Knows
nothing of entries, formats or languages, and repairs no markup. Nearly all text is clean
already, so each function asks first, which is far cheaper than putting right.
"""

import re
import unicodedata

# What XML 1.0 section 2.2 leaves out (control characters, lone surrogates, FFFE, FFFF) and what
# its note discourages (C1 controls, noncharacters): HTML parsers call those errors too. U+FFFD
# says only that somebody lost a character.
_PLANES = "".join(f"{chr(at)}-{chr(at + 0xFFFD)}" for at in range(0x10000, 0x110000, 0x10000))
_TEXT = f"\t\n\u0020-\u007e\u00a0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffc{_PLANES}"
_UNCLEAN = re.compile(f"[^{_TEXT}]")
_NOT_TEXT = re.compile(f"[^{_TEXT}\r\u0085]")
_LINE_END = re.compile("\r\n?|\u0085")
# The same in UTF-8: deleting bytes is the quickest way to learn that there are none. Where one
# of these begins a character, it may be one of them, and the pattern has to look.
_CONTROLS = bytes({*range(0x20), 0x7F} - {0x09, 0x0A})
_SUSPECTS = _CONTROLS + bytes({0xC2, *range(0xF0, 0xF5)})
_MARKUP = re.compile("([<=>])")
# NBSP and the ideographic space are typography and stay.
_BREAKS = re.compile("[\t\n \u2028\u2029]+")

# Unicode Standard Annex 9: what opens a run of text with a direction, and what closes it.
_POP_EMBEDDING, _POP_ISOLATE = "\u202c", "\u2069"
_CLOSERS = dict.fromkeys("\u202a\u202b\u202d\u202e", _POP_EMBEDDING)
_CLOSERS |= dict.fromkeys("\u2066\u2067\u2068", _POP_ISOLATE)
_BIDI = re.compile("([\u202a-\u202e\u2066-\u2069])")
# A name made of nothing else would be a link that nobody can see, let alone follow: controls,
# joiners and selectors (Default_Ignorable_Code_Point), Hangul fillers, the blank in Braille.
_INVISIBLE = (
    r"\s"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff"
)
_NOTHING_TO_SEE = re.compile(f"[{_INVISIBLE}]*")


def clean_text(text: str) -> str:
    """Return text in NFC, without what is no text, and with line ends as LF."""
    return unicodedata.normalize("NFC", _permitted(text))


def clean_html(html: str) -> str:
    """Return HTML cleaned like text, with its markup left whole.

    NFC would melt `>` and a following U+0338 into one character and so eat the end of a
    tag; therefore it is applied between markup characters only.
    """
    permitted = _permitted(html)
    if permitted.isascii() or unicodedata.is_normalized("NFC", permitted):
        return permitted
    return "".join(unicodedata.normalize("NFC", part) for part in _MARKUP.split(permitted))


def single_line(text: str) -> str:
    """Return cleaned text as one line: an address, an id, a media type."""
    if _is_plain_line(text):
        return text.strip(" ")
    return _BREAKS.sub(" ", clean_text(text)).strip(" ")


def label(text: str) -> str:
    """Return a line that people read among others: a title, a name, a topic.

    What it does to the direction of text ends with it; one that cannot be seen is empty.
    """
    if _is_plain_line(text):
        # Some of what cannot be seen counts as printable.
        return "" if _NOTHING_TO_SEE.fullmatch(text) else text.strip(" ")
    return _visible(single_line(text))


def prose(text: str) -> str:
    """Return text of several lines that people read: a summary. The rules are those of labels."""
    return _visible(clean_text(text).strip())


def balance_bidi(text: str) -> str:
    """Return text whose directional controls end with it (Unicode Standard Annex 9).

    What it leaves open is closed, for it would turn round what a reader shows behind it;
    what it closes without having opened it is dropped, for that may be the reader's own.
    """
    if text.isascii() or not _BIDI.search(text):
        return text
    parts = _BIDI.split(text)
    opened: list[str] = []
    isolates = 0
    for place in range(1, len(parts), 2):
        control = parts[place]
        if closer := _CLOSERS.get(control):
            opened.append(closer)
            isolates += closer == _POP_ISOLATE
        elif control == _POP_ISOLATE and isolates:
            isolates -= 1
            while opened.pop() != _POP_ISOLATE:  # it closes the embeddings inside it too
                pass
        elif opened and opened[-1] == control:
            opened.pop()
        else:
            parts[place] = ""
    return "".join(parts) + "".join(reversed(opened))


def _visible(text: str) -> str:
    if text.isascii():
        return text
    return "" if _NOTHING_TO_SEE.fullmatch(text) else balance_bidi(text)


def _is_plain_line(text: str) -> bool:
    """Say whether a text is a clean line already, except for blanks around it.

    What Python calls printable is no control, no surrogate, no separator but the blank, and
    nothing that is invisible.
    """
    return (
        text.isprintable()
        and "  " not in text
        and "\ufffd" not in text
        and (text.isascii() or unicodedata.is_normalized("NFC", text))
    )


def _permitted(text: str) -> str:
    if _is_permitted(text):
        return text
    return _LINE_END.sub("\n", _NOT_TEXT.sub("", text))


def _is_permitted(text: str) -> bool:
    if text.isascii():
        return len(text.encode().translate(None, _CONTROLS)) == len(text)
    return _is_surely_permitted(text) or _UNCLEAN.search(text) is None


def _is_surely_permitted(text: str) -> bool:
    """Say quickly that a text is clean, as most are; what is false has to be looked at."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    if len(encoded.translate(None, _SUSPECTS)) != len(encoded) or b"\xef\xb7" in encoded:
        return False
    return not ("\ufffd" in text or "\ufffe" in text or "\uffff" in text)
