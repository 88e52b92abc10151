"""Sentences of the engine that pages show in other languages: a template, and the values in it.

A Sentence is its English text, so logs, the command line and the API use it as any text. The console
translates the template by its catalogue, and sets the values in. Formatting one into an f-string leaves
the English text only; join Sentences by `joined`.
"""

import json
import re
from collections.abc import Mapping
from functools import reduce
from typing import Any, Self

# A value: text, such as a name, a number, a Sentence, or several of these.
SentenceValue = str | int | tuple[str, ...]

# A value in a template. Nothing else of Python's formats: a stored template may be anybody's words.
_PLACE = re.compile(r"%\((\w+)\)s")
ENGLISH = "%(english)s"  # the template of a text that stays English


class Sentence(str):
    """An English sentence that knows its template and values. `str()` of it, or of an error with it, keeps both."""

    __slots__ = ("plural", "template", "values")

    template: str
    values: Mapping[str, SentenceValue]
    plural: str | None

    def __new__(
        cls, template: str, values: Mapping[str, SentenceValue], plural: str | None = None
    ) -> Self:
        """Make a message; `%(name)s` in the template is a value.

        With a `plural`, the template is for one, and the number `count` of the values decides.
        """
        written = {name: _english(value) for name, value in values.items()}
        english = template if plural is None else _counted(template, plural, values["count"])
        made = super().__new__(cls, _PLACE.sub(lambda found: written[found[1]], english))
        made.template, made.values, made.plural = template, values, plural
        return made

    def __str__(self) -> str:
        """Return the message itself, so that errors keep it."""
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        """Return what a copy is made from."""
        return self.template, self.values, self.plural


def _counted(one: str, many: str, count: object) -> str:
    if not isinstance(count, int) or not isinstance(many, str):
        raise TypeError("a number decides between two texts")
    return one if count == 1 else many


def message(template: str, **values: object) -> Sentence:
    """Return a sentence. Numbers are shown with separators of thousands; sequences are lists of words.

    `tests/publisher/rendering/test_console_catalogues.py` finds templates by this name, by that of `counted`, and by that of
    `PublisherError.saying`.
    """
    return Sentence(template, {name: _value(one) for name, one in values.items()})


def counted(one: str, many: str, count: int, **values: object) -> Sentence:
    """Return a sentence about a number of things, `%(count)s` in both templates.

    Languages choose among their own forms by the number, as gettext has it; Arabic has six.
    """
    given = {name: _value(value) for name, value in values.items()}
    return Sentence(one, {"count": count, **given}, many)


def untranslated(text: str) -> Sentence:
    """Return a text that stays English, such as a server's, as a value that pages mark as such."""
    return Sentence(ENGLISH, {"english": text})


def joined(*parts: str) -> str:
    """Return several sentences as one, separated by semicolons."""
    return reduce(
        lambda first, then: message("%(first)s; %(then)s", first=first, then=then), parts
    )


def parts_of(text: str) -> tuple[str, str] | None:
    """Return the two parts of a sentence that `joined` made; None for any other text."""
    if not isinstance(text, Sentence) or text.template != "%(first)s; %(then)s":
        return None
    return str(text.values["first"]), str(text.values["then"])


def _value(value: object) -> SentenceValue:
    if isinstance(value, list | tuple):
        return tuple(map(str, value))
    return value if isinstance(value, int) else str(value)


def _english(value: SentenceValue) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return ", ".join(value) if isinstance(value, tuple) else value


_STORED = '{"template": '  # how a stored message begins


def packed(text: str) -> str:
    """Return a message with its template and values as one text, to be stored; any other text as it is.

    Words of a person that look like a stored message are stored as the value of one.
    """
    if not isinstance(text, Sentence) and text.startswith(_STORED):
        text = untranslated(text)
    return json.dumps(_packed(text), ensure_ascii=False) if isinstance(text, Sentence) else text


def unpacked(stored: str) -> str:
    """Return the message that a text has stored; the text itself if it has none."""
    if not stored.startswith(_STORED):
        return stored
    try:
        return str(_unpack(json.loads(stored)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return stored  # somebody's own words that begin like one


def _packed(value: Any) -> Any:
    if isinstance(value, Sentence):
        values = {name: _packed(one) for name, one in value.values.items()}
        plural = {} if value.plural is None else {"plural": value.plural}
        return {"template": value.template, **plural, "values": values}
    return [_packed(one) for one in value] if isinstance(value, tuple) else value


def _unpack(data: Any) -> Any:
    if isinstance(data, dict):
        values = {name: _unpack(one) for name, one in data["values"].items()}
        return Sentence(data["template"], values, data.get("plural"))
    return tuple(_unpack(one) for one in data) if isinstance(data, list) else data
