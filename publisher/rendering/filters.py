"""Values for templates as text: the filters, and a subscriber's own values. Pure.

Filters are plain functions from values to text.

A mail is rendered once for all its subscribers: their own values are placeholders, filled in when it is sent. A
template that tests, compares or changes a value gets an error that says what to do instead; it would be the same for
every subscriber.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from html import escape as html_escape
from pathlib import PurePosixPath
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

from markupsafe import Markup

from publisher.articles.model import Article, Byline, Picture
from publisher.errors import RenderingError
from publisher.i18n.messages import joined, message
from publisher.languages import direction, in_quotes, list_names, script
from publisher.mail_limits import MAIL_WIDTH
from publisher.rendering import placeholders, plaintext
from publisher.rendering.model import ArticleView
from publisher.rendering.placeholders import OPTIONAL_PLACEHOLDERS, Placeholder
from subscribers.addresses import readable_address

# Signs between a name and an affiliation, and between authors with affiliations.
_COMMAS = {"Hans": "，", "Hant": "，", "Jpan": "、", "Arab": "، "}
_SEMICOLONS = {"Hans": "；", "Hant": "；", "Jpan": "；", "Arab": "؛ "}

# Formats that Outlook on Windows or Gmail does not show (caniemail: image-svg, -webp, -avif).
UNSAFE_IN_MAIL = (".svg", ".webp", ".avif")

# An alternative text that is only a file's name. One with spaces says something.
_FILE_NAME_ALT = re.compile(
    r"\S+\.(?:png|jpe?g|jfif|gif|webp|avif|svg|bmp|tiff?|hei[cf])", re.IGNORECASE
)

# CSS pixels. Pictures from this width on are stretched to the mail's column.
_STRETCH_FROM_WIDTH = 480

# A tag with attributes, whether or not it ends. Possessive quantifiers keep it linear.
_TAG = re.compile(
    r"<[a-zA-Z][^\s<>]*+(?:\s++[^\s=<>/]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'))?+)++\s*+/?+>?"
)
# An address from the root; or the whole value of another attribute, to skip it.
_ROOT_RELATIVE = re.compile(
    r"(\s(?:src|href|poster|cite)\s*+=\s*+[\"'])(?=/(?!/))((?<=\")[^\"]*+\"|[^']*+')"
    r"|=\s*+(?:\"[^\"]*+\"|'[^']*+')"
)
_MAYBE_ROOT_RELATIVE = re.compile(r"=\s*[\"']/(?!/)")

# Characters that would end a CSS string or start an escape.
_CSS_ESCAPED = re.compile(r"[\x00-\x1f\x7f\"\\<>&]")


def start_side(language: str) -> str:
    return "right" if direction(language) == "rtl" else "left"


def end_side(language: str) -> str:
    return "left" if direction(language) == "rtl" else "right"


def arrow(language: str) -> str:
    return "←" if direction(language) == "rtl" else "→"


def byline_names(bylines: Sequence[Byline], language: str) -> str:
    """Return the authors with affiliations, with the punctuation of the language."""
    written = [byline_text(byline, language) for byline in bylines]
    if not any(byline.affiliation for byline in bylines):
        return list_names(written, language)
    return _SEMICOLONS.get(script(language), "; ").join(written)


def site_name(url: str) -> str:
    """Return the host of an address as people know it: without `www.`, and in its own script."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    return readable_address(f"@{host}").removeprefix("@")


def byline_text(byline: Byline, language: str) -> str:
    parts = [byline.name, byline.affiliation] if byline.affiliation else [byline.name]
    return comma(language).join(parts)


def title_list(names: Sequence[str], language: str) -> str:
    """Return titles as a list, each in the marks of titles in the language; English has none."""
    if language.startswith("zh"):
        marked = [f"《{name}》" for name in names]
    else:
        marked = [name if language == "en" else in_quotes(name, language) for name in names]
    return list_names(marked, language)


def comma(language: str) -> str:
    """Return the comma before an affiliation, with its space."""
    return _COMMAS.get(script(language), ", ")


def absolute_url(address: str, base: str) -> str:
    """Return a path below the web root as a URL; `base` has no slash at its end."""
    if urlsplit(address).scheme or address.startswith("//"):
        return address
    return f"{base}/{address.lstrip('/')}"


def file_name(address: str) -> str:
    path = urlsplit(address).path
    return unquote(path.rpartition("/")[2]) or address


def duration_text(seconds: int) -> str:
    """Return a duration as media players show it: `0:07`, `1:02:03`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def absolute_html(html: str, base: str) -> str:
    """Return sanitised HTML with every path below the web root as a URL."""
    if not _MAYBE_ROOT_RELATIVE.search(html):
        return html

    def attribute(found: re.Match[str]) -> str:
        return f"{found[1]}{base}{found[2]}" if found[1] else found[0]

    def tag(found: re.Match[str]) -> str:
        text = found[0]
        rooted = text[-1] == ">" and ('"/' in text or "'/" in text)
        return _ROOT_RELATIVE.sub(attribute, text) if rooted else text

    return _TAG.sub(tag, html)


def css_string(text: str) -> str:
    """Return a text as a quoted CSS string (CSS Syntax Level 3, section 4.3.5)."""
    return '"' + _CSS_ESCAPED.sub(lambda sign: f"\\{ord(sign[0]):x} ", text) + '"'


def mail_picture(picture: Picture | None) -> Picture | None:
    """Return an article's own picture in its size in a mail, or None if a mail can't show it.

    `shown_picture_problem` gives the reason. A width attribute that is larger than the column breaks
    Outlook's layout. The title beside it says what it is about, so it may lack an alternative text.
    """
    if (
        picture is None
        or not picture.width
        or not picture.height
        or shown_picture_problem(picture)
    ):
        return None
    shown = MAIL_WIDTH if picture.width >= _STRETCH_FROM_WIDTH else picture.width
    height = max(1, round(picture.height * shown / picture.width))
    alt = "" if _alt_problem(picture.alt) else picture.alt
    return replace(picture, width=shown, height=height, alt=alt)


def other_host_problem() -> str:
    """Return why a mail shows no picture of another server, and what to do."""
    return message("it lies on another server: put a copy beside the article")


def shown_picture_problem(picture: Picture) -> str | None:
    """Return why a mail can't show a picture and what to do, in English; None if it can.

    Most mail clients load pictures later or never. Some reserve a square where they know no size.
    """
    suffix = PurePosixPath(urlsplit(picture.src).path.lower()).suffix
    if suffix in UNSAFE_IN_MAIL:
        return message("mail clients don't show %(suffix)s: give a .jpg or .png", suffix=suffix)
    if not picture.width or not picture.height:
        return message("its size is unknown: give width and height")
    return None


def mail_picture_problem(picture: Picture) -> str | None:
    """Return why a mail leaves out a picture of a text, and what to do; None if it shows it.

    Without an alternative text nothing stands there until it is loaded (WCAG 2.2, 1.1.1).
    """
    problem, lacking = shown_picture_problem(picture), _alt_problem(picture.alt)
    return joined(problem, lacking) if problem and lacking else problem or lacking


def _alt_problem(alt: str) -> str | None:
    if not alt.strip():
        return message("it has no alternative text: write alt")
    if _FILE_NAME_ALT.fullmatch(alt.strip()):
        return message("its alternative text is a file's name: write what it shows")
    return None


def own_picture(article: Article) -> Picture | None:
    """Return the article's picture, unless its text shows it already."""
    picture = article.picture
    if picture is None:
        return None
    # As sanitised HTML has it (HTML standard, 13.3: double quotes).
    address = html_escape(picture.src, quote=False).replace('"', "&quot;")
    written = f'src="{address}"'
    if written not in article.html:
        return picture
    # An article about HTML may have it as text; there `<` is escaped.
    shown = re.search(rf"<img\b[^<>]*?\s{re.escape(written)}", article.html)
    return None if shown else picture


def converted_from(item: ArticleView) -> str | None:
    """Return the script that the item was converted from (`Hans`, `Hant`), or None."""
    if item.shown_as != "converted":
        return None
    return "Hans" if script(item.article.language) == "Hant" else "Hant"


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
        if self._placeholder.token not in OPTIONAL_PLACEHOLDERS or self._placeholder.otherwise:
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
        if self._placeholder.token in OPTIONAL_PLACEHOLDERS:
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
    return _variables(kind, {**_VALUES, "web": placeholders.WEB_PLACEHOLDER}, _TOP_LEVEL_VALUES)


def system_mail_values(kind: type[SubscriberValue] = SubscriberValue) -> dict[str, Any]:
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
    return {name: _refusing(function) for name, function in tests.items()}


def _refusing(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def guarded(*arguments: Any, **named: Any) -> Any:
        for value in (*arguments, *named.values()):
            if isinstance(value, SubscriberValue):
                value.refuse()
        return function(*arguments, **named)

    return guarded
