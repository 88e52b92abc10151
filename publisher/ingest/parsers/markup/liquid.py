"""Fill in the Liquid templates in a document, as Jekyll does before it reads the Markdown.

python-liquid is the engine. A template has the site's values, the page's and the files that the
site includes; it opens no file. Loops, nesting, includes and output are bounded. What can't be
filled in is a problem with its line, and the rest of the document goes on.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from typing import Any

from liquid import Environment, Mode, Token
from liquid.exceptions import LiquidError, ResourceLimitError

from publisher.article_problems import ProblemKind
from publisher.ingest.parsers.document import SiteValues
from publisher.ingest.parsers.front_matter import YamlValue, normal_key
from publisher.ingest.parsers.markup.liquid_filters import add_filters
from publisher.ingest.parsers.markup.liquid_raw import show_raw_code
from publisher.ingest.parsers.markup.liquid_tags import (
    LiquidState,
    MissingList,
    MissingValue,
    add_tags,
)
from publisher.ingest.parsers.markup.problem_log import ProblemLog

# Tags that are rendered in all, with those in loops: about a second.
_MAX_RENDERED = 1_000_000
# Characters times tags: an unclosed tag is searched to the end of the text.
_MAX_SEARCHED = 100_000_000
# Characters of a document after it was filled in; its Markdown may not be longer.
_MAX_OUTPUT = 1_000_000
# Bytes of all variables that a template assigns.
_MAX_VARIABLES = 2_000_000
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
    state = LiquidState(log, values.include, values.translate, in_html=in_html)
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


def _add_lists(site: MutableMapping[str, Any], state: LiquidState) -> None:
    """Add the lists of other documents, which a document that is read alone can't have."""
    own = site.get("collections") or ()
    for name in (*_LISTS, *own):
        if isinstance(name, str) and name not in site:
            site[name] = MissingList(state, f"site.{name}")


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
        self, state: LiquidState, to_html: Callable[[str], str], iterations: int
    ) -> None:
        super().__init__(tolerance=Mode.LAX)
        # A function that makes undefined values serves as their class.
        self.undefined = partial(MissingValue, state)  # type: ignore[assignment]
        self.state = state
        vars(self)["loop_iteration_limit"] = iterations
        add_filters(self, to_html)
        add_tags(self, state)

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
