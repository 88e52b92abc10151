"""A subscriber's own values in templates: placeholders that are filled in when a mail is sent.

A mail is rendered once for all its subscribers. A template that tests, compares or changes a value
gets an error that says what to do instead; it would be the same for every subscriber.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NoReturn

from markupsafe import Markup

from publisher.errors import RenderingError
from publisher.rendering import placeholders, plaintext
from publisher.rendering.placeholders import Placeholder

# Filters that write a value as it is.
_OUTPUT_FILTERS = frozenset(
    {"e", "escape", "forceescape", "format", "isolate", "otherwise", "safe", "string"}
)
# Whatever else a template can do to a value.
_REFUSED_METHODS = (
    *("__bool__", "__len__", "__iter__", "__reversed__", "__contains__"),
    *("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__", "__call__"),
    *("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__mod__"),
    *("__truediv__", "__floordiv__", "__pow__", "__neg__", "__pos__", "__abs__", "__int__"),
    *("__float__", "__index__", "__round__"),
)


class SubscriberValue:
    """A value in a template that can be written, and nothing else."""

    __slots__ = ("_name", "_placeholder")

    def __init__(self, name: str, placeholder: Placeholder) -> None:
        self._name = name
        self._placeholder = placeholder

    def otherwise(self, words: object) -> SubscriberValue:
        """Return the value with words for subscribers without one; raises RenderingError."""
        if (
            self._placeholder.token not in placeholders.OPTIONAL_PLACEHOLDERS
            or self._placeholder.otherwise
        ):
            raise RenderingError(
                f"{self._name} | otherwise(): only a name or time zone takes it, and once"
            )
        text = words.unescape() if isinstance(words, Markup) else words
        if not isinstance(text, str) or any(placeholders.find_placeholders(text)):
            raise RenderingError(
                f"{self._name}: otherwise() takes a text without subscribers' values"
            )
        line = plaintext.to_one_line(text)
        return type(self)(self._name, Placeholder(self._placeholder.token, line))

    def refuse(self, *_arguments: object, **_named: object) -> NoReturn:
        """Raise RenderingError for whatever a template does besides writing the value."""
        advice = "write it as it is"
        if self._placeholder.token in placeholders.OPTIONAL_PLACEHOLDERS:
            advice = (
                f'write {{{{ {self._name} | otherwise("...") }}}} for subscribers without one'
            )
        raise RenderingError(
            f"{self._name} can't be tested, compared or changed, since a mail is rendered once for "
            f"all its subscribers: {advice}, or make another edition or newsletter"
        )

    def __str__(self) -> str:
        return str(self._placeholder)

    __html__ = __str__

    def __format__(self, form: str) -> str:
        return self.refuse() if form else str(self)

    def __getitem__(self, _key: object) -> NoReturn:
        self.refuse()

    def __getattr__(self, name: str) -> Any:
        # Python and Jinja look for methods of other types.
        if name.startswith("_") or name == "jinja_pass_arg":
            raise AttributeError(name)
        self.refuse()


class EmptyValue(SubscriberValue):
    """The same for a subscriber without any values: writes nothing."""

    __slots__ = ()

    def __str__(self) -> str:
        return ""

    __html__ = __str__


class TemplateSubscriber:
    """The variable `subscriber` of templates: values by name."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, SubscriberValue]) -> None:
        self._values = values

    def __getattr__(self, name: str) -> SubscriberValue:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._values:
            known = ", ".join(self._values)
            raise RenderingError(f"there is no subscriber.{name} here; there are {known}")
        return self._values[name]

    def refuse(self, *_arguments: object, **_named: object) -> NoReturn:
        """Raise RenderingError for whatever a template does besides naming a value."""
        raise RenderingError(
            "a mail is rendered once for all its subscribers: write one of the values, such as "
            "{{ subscriber.name }}, and test nothing"
        )

    __str__ = __html__ = refuse


for _method in _REFUSED_METHODS:
    setattr(SubscriberValue, _method, SubscriberValue.refuse)
    setattr(TemplateSubscriber, _method, TemplateSubscriber.refuse)

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
    "subscriber_address": placeholders.ADDRESS_PLACEHOLDER,
}

_SYSTEM_MAIL_VALUES = {
    "action": placeholders.ACTION_PLACEHOLDER,
    "feed": placeholders.FEED_PLACEHOLDER,
    "command_token": placeholders.COMMAND_PLACEHOLDER,
    "code": placeholders.CODE_PLACEHOLDER,
    "new_address": placeholders.CHANGED_PLACEHOLDER,
}


def digest_values(kind: type[SubscriberValue] = SubscriberValue) -> dict[str, Any]:
    """Return the variables of a digest's templates that differ between subscribers."""
    return _variables(kind, {**_VALUES, "web": placeholders.WEB_PLACEHOLDER}, _TOP_LEVEL_VALUES)


def system_mail_values(kind: type[SubscriberValue] = SubscriberValue) -> dict[str, Any]:
    """Return the variables of a system mail's templates that differ between subscribers."""
    return _variables(kind, _VALUES, _TOP_LEVEL_VALUES | _SYSTEM_MAIL_VALUES)


def _variables(
    kind: type[SubscriberValue], own: Mapping[str, str], top_level: Mapping[str, str]
) -> dict[str, Any]:
    values = {n: kind(f"subscriber.{n}", Placeholder(token)) for n, token in own.items()}
    others = {name: kind(name, Placeholder(token)) for name, token in top_level.items()}
    return {"subscriber": TemplateSubscriber(values), **others}


def otherwise(value: object, words: object) -> SubscriberValue:
    """Return a value with words for subscribers without one; raises RenderingError."""
    if not isinstance(value, SubscriberValue):
        raise RenderingError("otherwise is for a subscriber's values, such as subscriber.name")
    return value.otherwise(words)


def guarded_filters(filters: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    """Return filters that refuse subscribers' values, except those that only write them."""
    return {
        name: function if name in _OUTPUT_FILTERS else _refusing(function)
        for name, function in filters.items()
    }


def guarded_tests(tests: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    """Return tests (`is defined`) that refuse subscribers' values."""
    return {name: _refusing(function) for name, function in tests.items()}


def _refusing(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def guarded(*arguments: Any, **named: Any) -> Any:
        for value in (*arguments, *named.values()):
            if isinstance(value, SubscriberValue):
                value.refuse()
        return function(*arguments, **named)

    return guarded
