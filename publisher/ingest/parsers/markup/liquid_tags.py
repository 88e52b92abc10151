"""Jekyll's tags for python-liquid: include, highlight, link, post_url; and what is missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TextIO, cast

from liquid import Environment, RenderContext, Tag, Token, TokenStream, Undefined
from liquid.ast import BlockNode, Node
from liquid.builtin.expressions import FilteredExpression, tokenize
from liquid.builtin.output import Output, OutputNode
from liquid.exceptions import LiquidError, LiquidSyntaxError, ResourceLimitError
from liquid.parser import get_parser
from liquid.stringify import to_liquid_string
from liquid.token import TOKEN_EXPRESSION, TOKEN_ILLEGAL, TOKEN_TAG

from publisher.i18n.article_problems import ProblemKind
from publisher.ingest.parsers.document import SiteValues
from publisher.ingest.parsers.markup import common

_MAX_INCLUDES = 500  # files that one document includes, counted as often as they are rendered
_ARGUMENT = re.compile(
    r"""([\w-]+)\s*=\s*("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^\s"'=]+)""", re.DOTALL
)
# They write something for the head of the page, or change what is inside them for the site alone.
_SILENT = frozenset({"i18n_headers", "static_href", "endstatic_href", "seo", "feed_meta"})
_END = re.compile(r"end\w+")  # a name with its end is the end of a tag that is not known either
# The text is at most as long as `liquid` allows for its number of tags.
_HIGHLIGHTED = re.compile(r"\{%-?\s*highlight\b.*?%\}.*?(?=\{%-?\s*endhighlight\b)", re.DOTALL)


@dataclass(slots=True)
class LiquidState:
    """What the tags of one document share.

    `holes` are the first names of undefined values that became text, `included_at` the positions in the document of
    the tags that include the file that is being rendered.
    """

    log: common.ProblemLog
    values: SiteValues
    holes: list[str] = field(default_factory=list)
    included_at: list[int] = field(default_factory=list)
    includes: int = 0
    code: common.CodeRegions | None = None
    highlighted: list[tuple[int, int]] = field(default_factory=list)
    ended: frozenset[str] | None = None
    in_html: bool = False

    @property
    def paired(self) -> frozenset[str]:
        """The names of tags that have an end somewhere in the document."""
        if self.ended is None:
            self.ended = frozenset(re.findall(r"\{%-?\s*end(\w+)", self.log.text))
        return self.ended

    def position(self, token: Token | None) -> int | None:
        if self.included_at:
            return self.included_at[0]
        if token is None or token.start_index < 0 or token.source != self.log.text:
            return None
        return token.start_index

    def is_code(self, token: Token) -> bool:
        """Return whether a token is in a code block or span of the document itself."""
        if self.code is None:
            self.code = common.CodeRegions(self.log.text)
            self.highlighted = [entry.span() for entry in _HIGHLIGHTED.finditer(self.log.text)]
        position = self.position(token)
        if position is None or self.included_at:
            return False
        return position in self.code or common.span_end(self.highlighted, position) is not None

    def report(self, error: Exception) -> None:
        token = error.token if isinstance(error, LiquidError) else None
        message = error.message if isinstance(error, LiquidError) else type(error).__name__
        self.log.add(ProblemKind.TEMPLATE_ERROR, str(message), self.position(token))

    def report_missing(self, kind: ProblemKind, what: str, token: Token) -> None:
        position = self.position(token)
        if position is None:
            self.log.add(kind, what)
            return
        text = self.log.text
        start, end = text.rfind("{%", 0, position + 2), text.find("%}", position)
        self.log.add_missing(kind, what, max(start, 0), end + 2 if end >= 0 else len(text))


class MissingValue(Undefined):
    """A value that is not defined; the state learns of it when it becomes text."""

    __slots__ = ("state",)

    def __init__(self, state: LiquidState, name: str, **details: Any) -> None:
        super().__init__(name, **details)
        self.state = state

    def __str__(self) -> str:
        self.state.holes.append(str(self.name))
        return ""


class MissingList(MissingValue):
    """A list of the site's documents, which is not known; the log learns of each use of it."""

    __slots__ = ()

    def __len__(self) -> int:
        self._report()
        return 0

    def __iter__(self) -> Iterator[Any]:
        self._report()
        return iter([])

    def _report(self) -> None:
        log = self.state.log
        if all(problem.what != self.name for problem in log.found):
            log.add(ProblemKind.EMPTY_VALUE, str(self.name))


def add_tags(env: Environment, state: LiquidState) -> None:
    output = _OutputTag(env)
    output.state = state
    env.tags[output.name] = output
    for name, write in _WRITERS.items():
        env.tags[name] = (_HighlightTag if write is _write_code else _Tag)(env, state, write)


class _OutputNode(OutputNode):
    __slots__ = ("state",)
    state: LiquidState

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        holes = self.state.holes
        holes.clear()
        text = to_liquid_string(self.expression.evaluate(context), context.autoescape)
        if not text.strip() and not holes:
            self._note_hole(context)
        # A parameter that is not given to an included file is optional there.
        if holes and not text.strip() and self.state.is_code(self.token):
            # Jekyll shows nothing here; the author forgot `raw`.
            text = self.token.value
        elif holes and not text.strip() and holes[0] != "include":
            position = self.state.position(self.token)
            what = " ".join(str(self).split())
            self.state.log.add(ProblemKind.EMPTY_VALUE, what, position)
        return buffer.write(text)

    def _note_hole(self, context: RenderContext) -> None:
        """Have it known that a filter made nothing of an undefined value."""
        expression = self.expression
        if not isinstance(expression, FilteredExpression):
            return
        names = {entry.name for entry in expression.filters or []}
        value = expression.left.evaluate(context)
        if isinstance(value, MissingValue) and "default" not in names:
            self.state.holes.append(str(value.name))


class _OutputTag(Output):
    state: LiquidState

    def parse(self, stream: TokenStream) -> OutputNode:
        parsed = super().parse(stream)
        node = _OutputNode(parsed.token, parsed.expression)
        node.state = self.state
        return node


class _Tag(Tag):
    """A tag with one node, which a function writes."""

    block = False

    def __init__(self, env: Environment, state: LiquidState, write: _Writer) -> None:
        super().__init__(env)
        self.state = state
        self.write = write

    def parse(self, stream: TokenStream) -> Node:
        token = stream.expect(TOKEN_TAG)
        argument = ""
        if stream.peek.kind == TOKEN_EXPRESSION:
            next(stream)
            argument = str(stream.current.value)
        return _TagNode(token, self, argument)


class _HighlightTag(_Tag):
    block = True
    end = "endhighlight"

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        argument = ""
        if stream.current.kind == TOKEN_EXPRESSION:
            argument = str(next(stream).value)
        inside = get_parser(self.env).parse_block(stream, (self.end,))
        stream.expect(TOKEN_TAG, value=self.end)
        return _TagNode(token, self, argument, inside)


class _TagNode(Node):
    __slots__ = ("argument", "inside", "state", "tag")

    def __init__(
        self, token: Token, tag: _Tag, argument: str, inside: BlockNode | None = None
    ) -> None:
        super().__init__(token)
        self.tag = tag
        self.state = tag.state
        self.argument = argument
        self.inside = inside
        self.blank = False

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(self.tag.write(self, context))


def _write_link(node: _TagNode, context: RenderContext) -> str:
    """`{% link _posts/2026-01-09-a.md %}`: the address of a file, found when links are followed."""
    return f"/{_filled(node.argument, context, node.token).lstrip('/')}"


def _write_post_url(node: _TagNode, _context: RenderContext) -> str:
    """`{% post_url 2026-01-09-a %}`: the address of a post, as that of a file in `_posts`."""
    folder, _slash, name = node.argument.strip("/ ").rpartition("/")
    within = f"{folder}/" if folder else ""
    return f"/{within}_posts/{name}.md"


def _write_translated(node: _TagNode, context: RenderContext) -> str:
    """`{% t nav.home %}` of jekyll-multiple-languages-plugin: words for a key, or for a value that is one."""
    key = node.argument.strip()
    translate = node.state.values.translate
    text = translate(key)
    if text is None:
        value = _value_of(key, context, node.token)
        text = translate(value) if isinstance(value, str) else None
    if text is None:
        what = f"{{% {node.token.value} {key} %}}"
        node.state.report_missing(ProblemKind.UNKNOWN_TAG, what, node.token)
    return text or ""


def _write_included(node: _TagNode, context: RenderContext) -> str:
    """`{% include note.html type="tip" text=page.tip %}`: another file, with its parameters."""
    state, token = node.state, node.token
    written = re.match(r"(?:\{\{.*?\}\}|[^\s{}])+", node.argument, re.DOTALL)
    name = _filled(written[0] if written else "", context, token)
    source = state.values.include(name.strip("\"'"))
    if source is None:
        state.report_missing(ProblemKind.MISSING_INCLUDE, f"{{% include {name} %}}", token)
        return ""
    source = common.without_comments(source)
    state.includes += 1
    if state.includes > _MAX_INCLUDES:
        raise ResourceLimitError(f"more than {_MAX_INCLUDES} files are included", token=token)
    rest = node.argument[written.end() if written else 0 :]
    given = {key: _value_of(text, context, token) for key, text in _ARGUMENT.findall(rest)}
    buffer = context.get_buffer()
    state.included_at.append(state.position(token) or 0)
    try:
        template = context.env.from_string(source)
        with context.extend({"include": given}, template=template):
            template.render_with_context(context, buffer, partial=True)
    finally:
        state.included_at.pop()
    return buffer.getvalue()


def _write_code(node: _TagNode, context: RenderContext) -> str:
    """`{% highlight ruby linenos %}...{% endhighlight %}`: a block of code."""
    inner = context.get_buffer()
    cast("BlockNode", node.inside).render(context, inner)
    language = (*node.argument.split(), "")[0]
    return f"\n{common.code_block(inner.getvalue(), language, in_html=node.state.in_html)}\n"


def _write_unknown(node: _TagNode, _context: RenderContext) -> str:
    """Any tag that is not known: what is inside it stays."""
    state, name = node.state, str(node.token.value)
    what = f"{{% {name} {node.argument}".rstrip() + " %}"
    if state.is_code(node.token):
        return what
    if _END.fullmatch(name) or name.lower() in _SILENT:
        return ""
    if name in state.paired:
        # What is inside it stays, so no sentence has a hole.
        state.log.add(ProblemKind.UNKNOWN_TAG, what, state.position(node.token))
    else:
        state.report_missing(ProblemKind.UNKNOWN_TAG, what, node.token)
    return ""


_Writer = Callable[[_TagNode, RenderContext], str]
_WRITERS: dict[str, _Writer] = {
    "link": _write_link,
    "post_url": _write_post_url,
    **dict.fromkeys(("t", "translate"), _write_translated),
    **dict.fromkeys(
        ("include", "include_cached", "include_relative", "tf", "translate_file"),
        _write_included,
    ),
    "highlight": _write_code,
    TOKEN_ILLEGAL: _write_unknown,
}


def _filled(text: str, context: RenderContext, token: Token) -> str:
    def value(match: re.Match[str]) -> str:
        return str(_value_of(match[1], context, token))

    return re.sub(r"\{\{(.*?)\}\}", value, text.strip(), flags=re.DOTALL)


def _value_of(text: str, context: RenderContext, token: Token) -> Any:
    """Return the value of a parameter: a text in quotes, or a path to a value."""
    text = text.strip()
    if text[:1] in {'"', "'"} and text[-1:] == text[:1] and "\\" in text:
        text = text.replace(f"\\{text[0]}", "\u2019" if text[0] == "'" else "\u201d")
    parent = Token(TOKEN_EXPRESSION, text, token.start_index, token.source)
    try:
        expression = FilteredExpression.parse(context.env, TokenStream(tokenize(text, parent)))
    except LiquidSyntaxError as error:
        error.token = token
        raise
    return expression.evaluate(context)
