"""The reader as templates see her: values that are written now and filled in when mail is sent.

A mail is rendered once for all its readers. So whoever asks about a value, compares or changes
it gets an error that says what to do instead, rather than the same answer for everybody. Knows
no reader and no template engine but for the names of its filters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NoReturn

from markupsafe import Markup

from publisher.errors import RenderingError
from publisher.rendering import placeholders, plaintext
from publisher.rendering.placeholders import Placeholder

# Filters that write a value as it is, whatever it will be.
_OUTPUT_FILTERS = frozenset(
    {"e", "escape", "forceescape", "format", "isolate", "otherwise", "safe", "string"}
)
# What templates can do to a value besides writing it.
_REFUSED_METHODS = (
    *("__bool__", "__len__", "__iter__", "__reversed__", "__contains__"),
    *("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__", "__call__"),
    *("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__mod__"),
    *("__truediv__", "__floordiv__", "__pow__", "__neg__", "__pos__", "__abs__", "__int__"),
    *("__float__", "__index__", "__round__"),
)


class SubscriberValue:
    """A reader's value in a template: it can be written, and nothing else."""

    __slots__ = ("_said", "_slot")

    def __init__(self, said: str, slot: Placeholder) -> None:
        self._said = said
        self._slot = slot

    def otherwise(self, words: object) -> SubscriberValue:
        """Give the place with words for readers who have no such value; raises RenderingError."""
        if self._slot.token not in placeholders.OPTIONAL_PLACEHOLDERS or self._slot.otherwise:
            raise RenderingError(
                f"{self._said} needs no otherwise(): it is for what a reader may lack, and once"
            )
        text = words.unescape() if isinstance(words, Markup) else words
        if not isinstance(text, str) or any(placeholders.find_placeholders(text)):
            raise RenderingError(
                f"{self._said}: otherwise() takes words, the same for everybody"
            )
        return type(self)(
            self._said, Placeholder(self._slot.token, plaintext.to_one_line(text))
        )

    def refused(self, *_arguments: object, **_named: object) -> NoReturn:
        """Refuse whatever is asked."""
        instead = "write it as it is"
        if self._slot.token in placeholders.OPTIONAL_PLACEHOLDERS:
            instead = f'write {{{{ {self._said} | otherwise("...") }}}} for readers without one'
        raise RenderingError(
            f"a mail is made once for all its readers, so {self._said} can't be asked about, "
            f"compared or changed: {instead}, or make another edition or newsletter"
        )

    def __str__(self) -> str:
        return str(self._slot)

    __html__ = __str__

    def __format__(self, form: str) -> str:
        return self.refused() if form else str(self)

    def __getitem__(self, _key: object) -> NoReturn:
        self.refused()

    def __getattr__(self, name: str) -> Any:
        # Python and Jinja look for what objects of other kinds have.
        if name.startswith("_") or name == "jinja_pass_arg":
            raise AttributeError(name)
        self.refused()


class EmptyValue(SubscriberValue):
    """The same for a reader who has nothing: none of her values is written."""

    __slots__ = ()

    def __str__(self) -> str:
        return ""

    __html__ = __str__


class TemplateSubscriber:
    """The reader in a template: her values, by name."""

    __slots__ = ("_places",)

    def __init__(self, places: Mapping[str, SubscriberValue]) -> None:
        self._places = places

    def __getattr__(self, name: str) -> SubscriberValue:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._places:
            known = ", ".join(self._places)
            raise RenderingError(f"there is no reader.{name} here, but there are {known}")
        return self._places[name]

    def refused(self, *_arguments: object, **_named: object) -> NoReturn:
        """Refuse whatever is asked."""
        raise RenderingError(
            "a mail is made once for all its readers: write one of reader's values, such as "
            "{{ reader.name }}, and ask nothing about her"
        )

    __str__ = __html__ = refused


for _question in _REFUSED_METHODS:
    setattr(SubscriberValue, _question, SubscriberValue.refused)
    setattr(TemplateSubscriber, _question, TemplateSubscriber.refused)

_VALUES = {
    "name": placeholders.NAME_PLACEHOLDER,
    "address": placeholders.ADDRESS_PLACEHOLDER,
    "language": placeholders.LANGUAGE_PLACEHOLDER,
    "timezone": placeholders.TIMEZONE_PLACEHOLDER,
    "unsubscribe": placeholders.UNSUBSCRIBE_PLACEHOLDER,
    "preferences": placeholders.PREFERENCES_PLACEHOLDER,
}
_TOP_LEVEL_VALUES = {
    "unsubscribe": placeholders.UNSUBSCRIBE_PLACEHOLDER,
    "preferences": placeholders.PREFERENCES_PLACEHOLDER,
    "reader_address": placeholders.ADDRESS_PLACEHOLDER,
}


def digest_values(kind: type[SubscriberValue] = SubscriberValue) -> dict[str, Any]:
    """Give what templates of digests are given of a reader."""
    return _given(kind, {**_VALUES, "web": placeholders.WEB_PLACEHOLDER}, _TOP_LEVEL_VALUES)


def system_mail_values(kind: type[SubscriberValue] = SubscriberValue) -> dict[str, Any]:
    """Give what templates of mails about a subscription are given of a reader."""
    return _given(
        kind, _VALUES, {**_TOP_LEVEL_VALUES, "confirm": placeholders.CONFIRM_PLACEHOLDER}
    )


def _given(
    kind: type[SubscriberValue], own: Mapping[str, str], beside: Mapping[str, str]
) -> dict[str, Any]:
    places = {name: kind(f"reader.{name}", Placeholder(token)) for name, token in own.items()}
    others = {name: kind(name, Placeholder(token)) for name, token in beside.items()}
    return {"reader": TemplateSubscriber(places), **others}


def otherwise(value: object, words: object) -> SubscriberValue:
    """Give words to a reader's value, for readers who have none; raises RenderingError."""
    if not isinstance(value, SubscriberValue):
        raise RenderingError("otherwise is for a reader's own values, as reader.name")
    return value.otherwise(words)


def guarded_filters(filters: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    """Have filters refuse a reader's values, but for those that only write them."""
    return {
        name: function if name in _OUTPUT_FILTERS else _refusing(function)
        for name, function in filters.items()
    }


def guarded_tests(tests: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    """Have tests (`is defined`) refuse a reader's values."""
    return {name: _refusing(function) for name, function in tests.items()}


def _refusing(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def asked(*arguments: Any, **named: Any) -> Any:
        for value in (*arguments, *named.values()):
            if isinstance(value, SubscriberValue):
                value.refused()
        return function(*arguments, **named)

    return asked
