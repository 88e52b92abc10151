"""Fill in the Liquid templates in a document, as Jekyll does before it reads the Markdown.

python-liquid is the engine. A template has the site's values, the page's and the files that the site includes; it opens
no file. Loops, nesting, includes and output are bounded, also what filters make: Jekyll's but those that sort out lists
by expressions, and a few of Eleventy's. What can't be filled in is a problem with its line, and the rest of the
document goes on. Template code in `{% raw %}` is shown as code where it stands in a sentence: in a mail nobody could
tell it from a template that was not filled in. The tags are in `liquid_tags`. https://jekyllrb.com/docs/liquid/filters/
"""

import json
import re
from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping
from datetime import date, datetime
from functools import cache, partial, wraps
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

from liquid import Environment, Mode, RenderContext, Token
from liquid.exceptions import FilterValueError, LiquidError, ResourceLimitError
from liquid.filter import with_context
from slugify import slugify

from publisher.i18n.article_problems import ProblemKind
from publisher.ingest.parsers.document import SiteValues
from publisher.ingest.parsers.fields import parse_date
from publisher.ingest.parsers.front_matter import YamlValue, normal_key
from publisher.ingest.parsers.markup import liquid_tags
from publisher.ingest.parsers.markup.common import CodeRegions, ProblemLog, shown_as_code

# Characters of a text, and items of a list, that a filter may take or make.
_MAX_TEXT = 1_000_000
_MAX_ITEMS = 100_000
_WORD = re.compile(r"\w+(?:['’-]\w+)*")

Filter = Callable[..., Any]


@cache
def _bounded_filters() -> Mapping[str, Filter]:
    """Return Jekyll's filters with those of the engine, all with limits."""
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


_FILTERS: dict[str, Filter] = {
    "absolute_url": _absolute_url,
    "cgi_escape": lambda value: quote_plus(str(value)),
    "date_to_long_string": _dated("%d %B %Y"),
    "date_to_rfc822": _dated("%a, %d %b %Y %H:%M:%S +0000"),
    "date_to_string": _dated("%d %b %Y"),
    "date_to_xmlschema": _xmlschema,
    "inspect": str,
    "jsonify": lambda value: json.dumps(value, ensure_ascii=False, default=str),
    "normalize_whitespace": lambda value: " ".join(str(value).split()),
    "number_of_words": lambda value, *_mode: len(_WORD.findall(str(value))),
    "relative_url": _relative_url,
    # Of Eleventy and Nunjucks: links are followed as they are written.
    "url": lambda value, *_base: str(value),
    "inputPathToUrl": lambda value: f"/{str(value).removeprefix('./').lstrip('/')}",
    "safe": str,
    "slug": lambda value, *_options: slugify(str(value)),
    "slugify": lambda value, *_mode: re.sub(r"[\W_]+", "-", str(value)).strip("-").lower(),
    "smartify": str,
    "strip_index": lambda value: re.sub(r"/index\.html?$", "/", str(value)),
    "uri_escape": lambda value: quote(str(value), safe="!#$&'()*+,/:;=?@[]~%"),
    "xml_escape": lambda value: escape(str(value)),
}

_RAW = re.compile(r"(\{%-?\s*raw\s*-?%\})(.*?)(\{%-?\s*endraw\s*-?%\})", re.DOTALL)
_CODE = re.compile(r"(?:\{\{[^{}\n]*\}\}|\{%[^%\n]*%\})+")
_MAX_ELEMENT = 5_000  # characters before a piece of code in which an element of code may begin


def show_raw_code(text: str, *, in_html: bool = False) -> str:
    """Return a text with the same lines, with the code in its `raw` tags as Markdown shows code."""
    regions = CodeRegions(text)

    def shown(raw: re.Match[str]) -> str:
        start = raw.start(2)

        def piece(code: re.Match[str]) -> str:
            position = start + code.start()
            if position in regions or _is_in_element(text, position):
                return code[0]
            return shown_as_code(code[0], in_html=in_html)

        return f"{raw[1]}{_CODE.sub(piece, raw[2])}{raw[3]}"

    return _RAW.sub(shown, text)


def _is_in_element(text: str, position: int) -> bool:
    """Return whether a position is in an indented block, a tag, or an element of code."""
    before = text[max(0, position - _MAX_ELEMENT) : position]
    if before.rpartition("\n")[2].startswith(("    ", "\t")):
        return True
    names = ("<pre", "<code")
    is_open = any(before.rfind(name) > before.rfind(f"</{name[1:]}") for name in names)
    return is_open or before.rfind("<") > max(before.rfind(">"), before.rfind("\n"))


_MAX_RENDERED = 1_000_000  # tags that are rendered in all, with those in loops: about a second
_MAX_SEARCHED = 100_000_000  # characters times tags: an unclosed tag is searched to the end
# Characters of a document after it was filled in; its Markdown may not be longer.
_MAX_OUTPUT = 1_000_000
_MAX_VARIABLES = 2_000_000  # bytes of all variables that a template assigns
_MAX_NESTING = 30
# What `site` lists of a whole site.
_LISTS = (
    *("posts", "pages", "html_pages", "documents", "related_posts", "static_files"),
    *("tags", "categories", "collections"),
)
_OPENING = re.compile(r"\{[{%]")


def fill_liquid(
    fields: Mapping[str, YamlValue],
    values: SiteValues,
    log: ProblemLog,
    to_html: Callable[[str], str],
    *,
    bare: bool = False,
    in_html: bool = False,
) -> str:
    """Return the text of the log with its templates filled in.

    `fields` are the page's front matter; `to_html` renders Markdown for the filter `markdownify`.
    With `bare`, values are named as Eleventy does: `title` as well as `page.title`. `in_html` says that the text is no Markdown.
    A text whose templates can't be read at all is returned as it is, with a problem.
    """
    source = log.text
    tags = len(_OPENING.findall(source))
    if not tags:
        return source
    if tags * len(source) > _MAX_SEARCHED:
        log.add(ProblemKind.TEMPLATE_ERROR, f"{tags:,} Liquid tags in one document")
        return source
    if "endraw" in source:
        source = show_raw_code(source, in_html=in_html)
        log = log.reading(source)
    state = liquid_tags.LiquidState(log, values, in_html=in_html)
    engine = _Engine(state, to_html, _MAX_RENDERED // max(100, tags))
    try:
        names = _globals(fields, values, bare=bare)
        if not bare:
            _add_excerpt(names, source, to_html)
            _add_lists(names["site"], state)
        return engine.from_string(source).render(names)
    except Exception as error:  # noqa: BLE001  # filters raise anything on hostile values
        state.report(error)
        return source


def _globals(
    fields: Mapping[str, YamlValue], values: SiteValues, *, bare: bool
) -> dict[str, Any]:
    page = _PageValues(ChainMap(dict(_typed(fields)), dict(values.page)))
    # jekyll-polyglot renders a document for its own language.
    active = {"active_lang": fields["lang"]} if fields.get("lang") else {}
    site = ChainMap(active, dict(values.site), {"data": values.data, "baseurl": "", "url": ""})
    named = {**values.data, **page} if bare else {}
    return named | {"page": page, "site": site, "jekyll": {"environment": "production"}}


def _add_excerpt(names: Mapping[str, Any], source: str, to_html: Callable[[str], str]) -> None:
    """Add what Jekyll shows of the page elsewhere: its first paragraph, unless it has a template."""
    page, site = names["page"], names["site"]
    if "excerpt" not in source or page.get("excerpt"):
        return
    separator = page.get("excerpt_separator") or site.get("excerpt_separator") or "\n\n"
    first = source.lstrip().partition(str(separator))[0]
    if not _OPENING.search(first):
        page["excerpt"] = to_html(first)


def _add_lists(site: MutableMapping[str, Any], state: liquid_tags.LiquidState) -> None:
    """Add the lists of other documents, which a document that is read alone can't have."""
    own = site.get("collections") or ()
    for name in (*_LISTS, *own):
        if isinstance(name, str) and name not in site:
            site[name] = liquid_tags.MissingList(state, f"site.{name}")


class _PageValues(dict[str, Any]):
    """The page's values, found under any spelling of their keys."""

    def __missing__(self, key: str) -> Any:
        normal = normal_key(key)
        if normal == key or normal not in self:
            raise KeyError(key)
        return self[normal]

    def get(self, key: str, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default


def _typed(value: Any) -> Any:
    """Return front matter with its booleans as such; its other values are texts."""
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    return {"true": True, "false": False}.get(value, value) if value else value


class _Engine(Environment):
    """The templates of one document."""

    block_nesting_limit = _MAX_NESTING
    context_depth_limit = _MAX_NESTING
    output_stream_limit = 4 * _MAX_OUTPUT  # in bytes of UTF-8
    local_namespace_limit = _MAX_VARIABLES

    def __init__(
        self, state: liquid_tags.LiquidState, to_html: Callable[[str], str], iterations: int
    ) -> None:
        super().__init__(tolerance=Mode.LAX)
        # A function that makes undefined values serves as their class.
        self.undefined = partial(liquid_tags.MissingValue, state)  # type: ignore[assignment]
        self.state = state
        vars(self)["loop_iteration_limit"] = iterations
        markdownify = _bounded("markdownify", lambda value: to_html(str(value)))
        self.filters = {**_bounded_filters(), "markdownify": markdownify}
        liquid_tags.add_tags(self, state)

    def error(
        self,
        exc: type[LiquidError] | LiquidError,
        msg: str | None = None,
        token: Token | None = None,
    ) -> None:
        """Record an error, and go on; a limit ends the template."""
        error = exc if isinstance(exc, LiquidError) else exc(msg, token=token)
        error.token = error.token or token
        if isinstance(error, ResourceLimitError):
            raise error
        self.state.report(error)
