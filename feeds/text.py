"""Text that every format can carry, so that one bad article never breaks a feed.

The same rules hold for XML and JSON: the formats must agree on every character. Knows
nothing of entries, formats or languages, and repairs no markup.
"""

import re
import unicodedata

# What XML 1.0 section 2.2 (Char) leaves out: control characters, lone surrogates, FFFE, FFFF.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_END = re.compile("\r\n?")
_MARKUP = re.compile("([<=>])")
# NBSP and the ideographic space are typography and stay.
_BREAKS = re.compile("[\t\n \u0085\u2028\u2029]+")


def clean(text: str) -> str:
    """Return text in NFC with what XML 1.0 forbids removed and line ends as LF."""
    return unicodedata.normalize("NFC", _permitted(text))


def clean_html(html: str) -> str:
    """Return HTML cleaned like text, with its markup left whole.

    NFC would melt `>` and a following U+0338 into one character and so eat the end of a
    tag; therefore it is applied between markup characters only.
    """
    permitted = _permitted(html)
    if unicodedata.is_normalized("NFC", permitted):
        return permitted
    return "".join(unicodedata.normalize("NFC", part) for part in _MARKUP.split(permitted))


def line(text: str) -> str:
    """Return cleaned text as one line: a title, a name, a topic."""
    return _BREAKS.sub(" ", clean(text)).strip(" ")


def _permitted(text: str) -> str:
    return _LINE_END.sub("\n", _NOT_XML.sub("", text))
