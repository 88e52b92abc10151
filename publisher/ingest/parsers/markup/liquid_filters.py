"""Jekyll's filters for python-liquid, a few of Eleventy's, and limits on what filters make.

https://jekyllrb.com/docs/liquid/filters/
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import cache, wraps
from html import escape
from itertools import groupby
from typing import Any
from urllib.parse import quote, quote_plus

from liquid import Environment, RenderContext, Token, TokenStream
from liquid.builtin.expressions import BooleanExpression, tokenize
from liquid.exceptions import FilterValueError
from liquid.filter import with_context
from liquid.token import TOKEN_EXPRESSION
from slugify import slugify

from publisher.ingest.parsers.fields import parse_date

# Characters of a text, and items of a list, that a filter may take or make.
_MAX_TEXT = 1_000_000
_MAX_ITEMS = 100_000
_WORD = re.compile(r"\w+(?:['’-]\w+)*")

Filter = Callable[..., Any]


def add_filters(env: Environment, to_html: Callable[[str], str]) -> None:
    """Give an environment Jekyll's filters, and limits to all."""
    env.filters = dict(_bounded_filters())
    env.add_filter("markdownify", _bounded("markdownify", lambda value: to_html(str(value))))


@cache
def _bounded_filters() -> Mapping[str, Filter]:
    # Made once: a document has an environment of its own, and there are a hundred filters.
    every = Environment().filters | _FILTERS
    return {name: _bounded(name, function) for name, function in every.items()}


def _bounded(name: str, function: Filter) -> Filter:
    @wraps(function)
    def bounded(value: Any, *arguments: Any, **named: Any) -> Any:
        for one in (value, *arguments):
            _check_size(one)
        if name in _MULTIPLYING:
            _check_product(value, arguments)
        result = function(value, *arguments, **named)
        _check_size(result)
        return result

    return bounded


# Filters whose result may be as long as the product of two arguments.
_MULTIPLYING = frozenset({"replace", "replace_first", "replace_last", "join", "times"})


def _check_size(value: Any) -> None:
    too_long = isinstance(value, str) and len(value) > _MAX_TEXT
    too_many = isinstance(value, list | tuple | range) and len(value) > _MAX_ITEMS
    too_great = isinstance(value, int) and value.bit_length() > _MAX_ITEMS
    if too_long or too_many or too_great:
        raise FilterValueError("a value is too large", token=None)


def _check_product(value: Any, arguments: tuple[Any, ...]) -> None:
    length = len(value) if isinstance(value, str | list | tuple) else 1
    longest = max((len(one) for one in arguments if isinstance(one, str)), default=1)
    if length * longest > 10 * _MAX_TEXT:
        raise FilterValueError("a value is too large", token=None)


def _site(context: RenderContext, name: str) -> str:
    site = context.resolve("site", default={})
    return str(site.get(name) or "") if isinstance(site, Mapping) else ""


@with_context
def _relative_url(value: Any, *, context: RenderContext) -> str:
    path = str(value)
    if re.match(r"[a-z][a-z0-9+.-]*:|//|#", path, re.IGNORECASE):
        return path
    base = _site(context, "baseurl").strip("/")
    return f"/{base}/{path.lstrip('/')}" if base else f"/{path.lstrip('/')}"


@with_context
def _absolute_url(value: Any, *, context: RenderContext) -> str:
    path = str(_relative_url(value, context=context))
    return _site(context, "url").rstrip("/") + path if path.startswith("/") else path


def _as_date(value: Any) -> date | None:
    if isinstance(value, date):
        return value
    return parse_date(str(value))


def _dated(pattern: str) -> Filter:
    def written(value: Any, *_style: Any) -> str:
        found = _as_date(value)
        return found.strftime(pattern) if found else str(value)

    return written


def _xmlschema(value: Any) -> str:
    found = _as_date(value)
    if found is None:
        return str(value)
    return found.isoformat() if isinstance(found, datetime) else f"{found}T00:00:00+00:00"


def _slugify(value: Any, mode: str = "default") -> str:
    if mode == "latin":
        return slugify(str(value))
    if mode == "none":
        return str(value)
    kept = {"raw": r"\s+", "pretty": r"[^\w._~!$&'()+,;=@-]+", "ascii": r"[^A-Za-z0-9]+"}
    pattern = kept.get(mode, r"[\W_]+")
    return re.sub(pattern, "-", str(value)).strip("-").lower()


def _sentence(value: Any, connector: str = "and") -> str:
    items = [str(item) for item in _items(value)]
    if len(items) < 3:  # noqa: PLR2004  # "a and b"
        return f" {connector} ".join(items)
    return f"{', '.join(items[:-1])}, {connector} {items[-1]}"


def _items(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else []


def _condition(context: RenderContext, name: str, source: str) -> Callable[[Any], Any]:
    """Return a function that says whether an expression is true of an item."""
    token = Token(TOKEN_EXPRESSION, source, -1, "")
    parsed = BooleanExpression.parse(context.env, TokenStream(tokenize(source, token)))

    def is_true(item: Any) -> Any:
        with context.extend({name: item}):
            return parsed.evaluate(context)

    return is_true


@with_context
def _where_exp(value: Any, name: str, source: str, *, context: RenderContext) -> list[Any]:
    return list(filter(_condition(context, name, source), _items(value)))


@with_context
def _find_exp(value: Any, name: str, source: str, *, context: RenderContext) -> Any:
    return next(filter(_condition(context, name, source), _items(value)), None)


def _property(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, Mapping) else None


def _where(value: Any, name: str, wanted: Any = None) -> list[Any]:
    def matches(item: Any) -> bool:
        found = _property(item, name)
        if wanted is None:
            return bool(found)
        many = found if isinstance(found, list) else [found]
        return any(one == wanted or str(one) == str(wanted) for one in many)

    return [item for item in _items(value) if matches(item)]


def _find(value: Any, name: str, wanted: Any) -> Any:
    return next(iter(_where(value, name, wanted)), None)


def _group_by(value: Any, name: str) -> list[dict[str, Any]]:
    def key(item: Any) -> str:
        return str(_property(item, name) or "")

    groups: dict[str, list[Any]] = {}
    for found, items in groupby(_items(value), key):
        groups.setdefault(found, []).extend(items)
    return [
        {"name": found, "items": items, "size": len(items)} for found, items in groups.items()
    ]


def _to_integer(value: Any) -> int:
    try:
        return int(float(str(value)))
    except (ValueError, OverflowError):
        return 0


_FILTERS: dict[str, Filter] = {
    "absolute_url": _absolute_url,
    "array_to_sentence_string": _sentence,
    "cgi_escape": lambda value: quote_plus(str(value)),
    "date_to_long_string": _dated("%d %B %Y"),
    "date_to_rfc822": _dated("%a, %d %b %Y %H:%M:%S +0000"),
    "date_to_string": _dated("%d %b %Y"),
    "date_to_xmlschema": _xmlschema,
    "find": _find,
    "find_exp": _find_exp,
    "group_by": _group_by,
    "inspect": str,
    "jsonify": lambda value: json.dumps(value, ensure_ascii=False, default=str),
    "normalize_whitespace": lambda value: " ".join(str(value).split()),
    "number_of_words": lambda value, *_mode: len(_WORD.findall(str(value))),
    "pop": lambda value, count=1: _items(value)[: -int(count) or None],
    "push": lambda value, item: [*_items(value), item],
    "relative_url": _relative_url,
    # Of Eleventy and Nunjucks: links are followed as they are written.
    "url": lambda value, *_base: str(value),
    "inputPathToUrl": lambda value: f"/{str(value).removeprefix('./').lstrip('/')}",
    "safe": str,
    "slug": lambda value, *_options: slugify(str(value)),
    "sample": lambda value, *_count: next(iter(_items(value)), None),
    "shift": lambda value, count=1: _items(value)[int(count) :],
    "slugify": _slugify,
    "smartify": str,
    "strip_index": lambda value: re.sub(r"/index\.html?$", "/", str(value)),
    "to_integer": _to_integer,
    "unshift": lambda value, item: [item, *_items(value)],
    "uri_escape": lambda value: quote(str(value), safe="!#$&'()*+,/:;=?@[]~%"),
    "where": _where,
    "where_exp": _where_exp,
    "xml_escape": lambda value: escape(str(value)),
}
