"""Replace Hugo's shortcodes in a document by what they show.

`{{< name arguments >}}` makes HTML, `{{% name %}}` Markdown. Both may be paired, and nested. Those
in code stay; `{{</* name */>}}` shows a shortcode instead of running it. Known are Hugo's own
(https://gohugo.io/shortcodes/), and those that many themes have under the same names: notes become quotes with
their title, tabs sections, buttons links. Films and frames become links: mails and feeds can't show them.
Addresses of other documents are written as Hugo has them, and followed with all other links. An unknown
shortcode leaves its text, picture or link, and is a problem.
"""

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from publisher.errors import RenderingError
from publisher.i18n.article_problems import ProblemKind
from publisher.ingest.parsers.document import ShortcodeRule
from publisher.ingest.parsers.markup.common import (
    CodeRegions,
    ProblemLog,
    code_block,
    link_html,
    shown_as_code,
    span_end,
    summary_html,
)


@dataclass(frozen=True, slots=True)
class ShortcodeContext:
    """The values that shortcodes can show: the page's front matter, and the site's parameters."""

    page: Mapping[str, Any] = field(default_factory=dict)
    site: Mapping[str, Any] = field(default_factory=dict)
    # Whether the document is a page of HTML.
    in_html: bool = False
    # The address of the page that a path means; a language's code may say in which language.
    reference: Callable[[str, str], str] = lambda path, _language: path
    to_html: Callable[[str], str] = escape
    # The word for a kind of note in the document's language.
    note_title: Callable[[str], str] = str.capitalize

    def line_html(self, text: str) -> str:
        """Return a line of Markdown as HTML without a paragraph around it."""
        shown = self.to_html(text).strip()
        inside = shown.removeprefix("<p>").removesuffix("</p>")
        return inside if shown == f"<p>{inside}</p>" and "<p>" not in inside else escape(text)

    def value(self, name: str) -> Any:
        """Return a value of the page, else of the site; `a.b` is inside of `a`. None if absent."""
        inside = self.page.get("params")
        params = {str(key).lower(): value for key, value in self.site.items()}.get("params")
        for values in (self.page, inside, params):
            found: Any = values
            for key in name.lower().split("."):
                found = _item(found, key)
            if found is not None:
                return found
        return None


def _item(values: Any, key: str) -> Any:
    if not isinstance(values, Mapping):
        return None
    return next((value for name, value in values.items() if str(name).lower() == key), None)


@dataclass(frozen=True, slots=True)
class ShortcodeCall:
    """A shortcode with its arguments; `span` is where it stands in the text of the log."""

    name: str
    positional: tuple[str, ...]
    named: Mapping[str, str]
    inside: str
    span: tuple[int, int]
    context: ShortcodeContext
    log: ProblemLog

    def argument(self, key: str | int, *others: str | int) -> str:
        """Return the first argument that is given, by its name or its position; else nothing."""
        for one in (key, *others):
            if isinstance(one, str) and self.named.get(one):
                return self.named[one]
            if isinstance(one, int) and one < len(self.positional):
                return self.positional[one]
        return ""

    @property
    def values(self) -> dict[str, Any]:
        """The values for a template of the publication's own."""
        numbered = {"arguments": self.positional, "inside": self.inside, "name": self.name}
        return {**numbered, "named": dict(self.named)}

    def missing(self, kind: ProblemKind, what: str) -> str:
        """Record that nothing stands here, and return nothing."""
        self.log.add_missing(kind, what, *self.span)
        return ""


def _figure(call: ShortcodeCall) -> str:
    source = call.argument("src", 0)
    attributes = {name: call.argument(name) for name in ("alt", "width", "height")}
    title, caption = call.argument("title"), call.argument("caption")
    attributes["alt"] = attributes["alt"] or title or caption
    written = "".join(
        f' {name}="{escape(value)}"' for name, value in attributes.items() if value
    )
    shown = f'<img src="{escape(source)}"{written}>'
    if address := call.argument("link"):
        shown = f'<a href="{escape(address)}">{shown}</a>'
    texts = [f"<strong>{title}</strong>"] if title else []
    line = call.context.line_html
    texts += [line(caption)] if caption else []
    if text := call.argument("attr"):
        texts.append(link_html(call.argument("attrlink"), line(text)))
    below = f"<figcaption>{' '.join(texts)}</figcaption>" if texts else ""
    return f"<figure>{shown}{below}</figure>"


def _reference(call: ShortcodeCall) -> str:
    path = call.argument("path", 0)
    if path:
        return call.context.reference(path, call.argument("lang", 1))
    return call.missing(ProblemKind.EMPTY_VALUE, f"{{{{< {call.name} >}}}}")


def _param(call: ShortcodeCall) -> str:
    name = call.argument("name", 0)
    value = call.context.value(name)
    if value is None:
        return call.missing(ProblemKind.EMPTY_VALUE, f"{{{{< param {name} >}}}}")
    return str(value)


def _highlight(call: ShortcodeCall) -> str:
    return code_block(call.inside, call.argument("lang", 0), in_html=call.context.in_html)


def _details(call: ShortcodeCall) -> str:
    return f"{summary_html(call.argument('summary', 'title', 0))}\n\n{call.inside}\n\n"


def _film(address: str) -> Callable[[ShortcodeCall], str]:
    def link(call: ShortcodeCall) -> str:
        number = call.argument("id", 0)
        if not number:
            return call.missing(ProblemKind.REMOVED_FRAME, f"{{{{< {call.name} >}}}}")
        where = address.format(escape(number))
        return link_html(where, escape(call.argument("title", "caption")) or where)

    return link


def _gist(call: ShortcodeCall) -> str:
    where = "https://gist.github.com/" + "/".join(map(escape, call.positional[:2]))
    file = f" {escape(call.positional[2])}" if call.positional[2:] else ""
    return link_html(where, f"{where}{file}")


def _post(call: ShortcodeCall) -> str:
    user, number = call.argument("user"), call.argument("id", 0)
    where = f"https://x.com/{escape(user or 'i')}/status/{escape(number)}"
    return link_html(where, f"@{escape(user)}: {where}" if user else where)


def _qr(call: ShortcodeCall) -> str:
    text = (call.argument("text") or call.inside).strip()
    return link_html(text if "://" in text else "", escape(text))


def _nothing(_call: ShortcodeCall) -> str:
    return ""


HUGO_SHORTCODES: Mapping[str, Callable[[ShortcodeCall], str]] = {
    "comment": _nothing,
    "details": _details,
    "figure": _figure,
    "gist": _gist,
    "highlight": _highlight,
    "instagram": _film("https://www.instagram.com/p/{}/"),
    "instagram_simple": _film("https://www.instagram.com/p/{}/"),
    "param": _param,
    "qr": _qr,
    "ref": _reference,
    "relref": _reference,
    "tweet": _post,
    "twitter": _post,
    "twitter_simple": _post,
    "vimeo": _film("https://vimeo.com/{}"),
    "vimeo_simple": _film("https://vimeo.com/{}"),
    "x": _post,
    "x_simple": _post,
    "youtube": _film("https://www.youtube.com/watch?v={}"),
}

_PICTURE = re.compile(r"\S+\.(?:png|jpe?g|gif|webp|avif|svg)(?:[?#]\S*)?", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?:|mailto:|[./#])\S*", re.IGNORECASE)
_TEXT_KEYS = ("text", "content", "label", "title", "name", "caption")
_ADDRESS_KEYS = ("href", "link", "url")
# Kinds of notes that have their own shortcode, and shortcodes that take the kind as an argument.
_KINDS = (
    "note",
    "tip",
    "info",
    "warning",
    "caution",
    "important",
    "danger",
    "attention",
)
_NOTES = ("admonition", "callout", "notice", "alert", "hint", "message")
# The shortest word that is a kind; some themes have letters for it.
_SHORTEST_KIND = 3


def _note(call: ShortcodeCall) -> str:
    if not call.inside.strip():
        return shown_by_arguments(call)
    is_kind = call.name in _KINDS
    kind = call.name if is_kind else call.argument("type", "kind", "color", 0) or "note"
    stated = call.argument("title", 0) if is_kind else call.argument("title", 1)
    named = (
        call.context.note_title(kind) if len(kind) >= _SHORTEST_KIND and kind.isalpha() else ""
    )
    return f"<blockquote>\n{summary_html(stated or named)}\n\n{call.inside}\n\n</blockquote>"


def _tab(call: ShortcodeCall) -> str:
    label = summary_html(call.argument("name", "title", "header", "label", 0))
    language = call.argument("codelang", "lang")
    inside = (
        code_block(call.inside, language, in_html=call.context.in_html)
        if language
        else call.inside
    )
    return f"{label}\n\n{inside}\n\n"


def _inside(call: ShortcodeCall) -> str:
    return call.inside


def _theme_details(call: ShortcodeCall) -> str:
    label = call.argument("summary", "title", "label", "name", 0)
    return f"{summary_html(label)}\n\n{call.inside}\n\n"


def _picture(call: ShortcodeCall) -> str:
    named = {"src": call.argument("src", 0), "alt": call.argument("alt", 1), **call.named}
    if not named["src"]:
        return _unknown(call)
    named.setdefault("caption", call.argument(2))
    figure = ShortcodeCall(call.name, (), named, "", call.span, call.context, call.log)
    return HUGO_SHORTCODES["figure"](figure)


def _link(call: ShortcodeCall) -> str:
    address = call.argument(*_ADDRESS_KEYS, 0)
    if not _ADDRESS.fullmatch(address):
        return _unknown(call)
    text = call.inside.strip() or escape(call.argument(*_TEXT_KEYS, 1) or address)
    return link_html(address, text)


def _data(call: ShortcodeCall) -> str:
    """Show nothing of what a script of the site draws, or runs."""
    call.log.add(ProblemKind.UNKNOWN_SHORTCODE, _written(call), call.span[0])
    return ""


def _unknown(call: ShortcodeCall) -> str:
    call.log.add(ProblemKind.UNKNOWN_SHORTCODE, _written(call), call.span[0])
    return shown_by_arguments(call)


def _written(call: ShortcodeCall) -> str:
    start = call.span[0]
    end = call.log.text.find("}}", start) + 2
    return " ".join(call.log.text[start:end].split())


def shown_by_arguments(call: ShortcodeCall) -> str:
    """Return what a shortcode of an unknown name most likely shows: its text, picture or link."""
    if call.inside or call.named.get("text"):
        return call.inside or call.named["text"]
    src = call.argument("src", 0)
    if _PICTURE.fullmatch(src):
        return HUGO_SHORTCODES["figure"](call)
    address = call.argument(*_ADDRESS_KEYS)
    if _ADDRESS.fullmatch(address):
        return link_html(address, escape(call.argument(*_TEXT_KEYS) or address))
    return ""


THEME_SHORTCODES: Mapping[str, Callable[[ShortcodeCall], str]] = {
    **dict.fromkeys((*_NOTES, *_KINDS), _note),
    **dict.fromkeys(("tab", "tabitem"), _tab),
    **dict.fromkeys(("tabs", "tabpane", "tabgroup", "center", "lead"), _inside),
    **dict.fromkeys(("expand", "collapse", "accordion", "spoiler"), _theme_details),
    **dict.fromkeys(("code", "mermaid"), _highlight),
    **dict.fromkeys(("image", "img", "picture", "imgproc"), _picture),
    **dict.fromkeys(("button", "btn", "link"), _link),
    **dict.fromkeys(("chart", "echarts", "script", "mapbox", "css"), _data),
}

# Shortcodes inside each other; themes use three.
_MAX_NESTING = 30
# A string may hold anything; nothing reads past the next opening, so the time is linear.
_CALL = re.compile(
    r"""\{\{(?P<mark>[<%])\s*(?P<closing>/)?\s*(?P<name>[\w./-]*[\w-])"""
    r"""(?P<arguments>(?:\s(?:"(?:\\.|(?!\{\{[<%])[^"\\])*"|`[^`]*`|(?!\{\{[<%]|/?\s*[>%]\}\})[^"`])*)?)"""
    r"""\s*(?P<single>/)?\s*[>%]\}\}""",
    re.DOTALL,
)
_ESCAPED = re.compile(
    r"\{\{([<%])\s*/\*((?:(?!\{\{[<%]\s*/\*|\*/).)*)\*/\s*([>%])\}\}", re.DOTALL
)
_ARGUMENT = re.compile(
    r"""(?:(?P<key>[\w-]+)\s*=\s*)?(?:"(?P<quoted>(?:\\.|[^"\\])*)"|`(?P<raw>[^`]*)`|(?P<bare>[^\s"`]+))""",
    re.DOTALL,
)


def replace_shortcodes(
    context: ShortcodeContext, rules: Mapping[str, ShortcodeRule], log: ProblemLog
) -> str:
    """Return the text of the log with its shortcodes replaced."""
    text = log.text
    if "{{<" not in text and "{{%" not in text:
        return text
    return _ShortcodeReplacer(context, rules, log).run()


@dataclass(slots=True)
class _Open:
    """A shortcode whose end is looked for; `pieces` is what was written since its beginning."""

    match: re.Match[str] | None
    pieces: list[str] = field(default_factory=list)


class _ShortcodeReplacer:
    """Goes through a document once, with a stack of the shortcodes that are open."""

    def __init__(
        self, context: ShortcodeContext, rules: Mapping[str, ShortcodeRule], log: ProblemLog
    ) -> None:
        self._context = context
        self._rules = rules
        self._log = log
        self._stack = [_Open(None)]

    def run(self) -> str:
        text = self._log.text
        regions = CodeRegions(text)
        escaped = [match.span() for match in _ESCAPED.finditer(text)]
        calls = [
            call
            for call in _CALL.finditer(text)
            if call.start() not in regions and span_end(escaped, call.start()) is None
        ]
        paired = _paired(calls)
        position = 0
        for call in calls:
            self._write(text[position : call.start()])
            position = call.end()
            if call["closing"]:
                self._close(call)
            elif call.start() in paired:
                self._stack.append(_Open(call))
                if len(self._stack) > _MAX_NESTING:
                    what = f"shortcodes are nested more than {_MAX_NESTING} deep"
                    self._log.add(ProblemKind.TEMPLATE_ERROR, what, call.start())
                    return text
            else:
                self._write(self._shown(call, "", call.end()))
        self._write(text[position:])
        return self._with_escaped("".join(self._stack[0].pieces))

    def _with_escaped(self, text: str) -> str:
        """Return a text that shows the shortcodes which are written to be shown: as code."""
        regions = CodeRegions(text)

        def shown(match: re.Match[str]) -> str:
            written = f"{{{{{match[1]}{match[2]}{match[3]}}}}}"
            if match.start() in regions or "\n\n" in written:
                return written
            return shown_as_code(written, in_html=self._context.in_html)

        return _ESCAPED.sub(shown, text)

    def _write(self, text: str) -> None:
        self._stack[-1].pieces.append(text)

    def _close(self, call: re.Match[str]) -> None:
        opened = self._stack[-1].match
        if opened is None or opened["name"] != call["name"]:
            return  # an end without a beginning shows nothing
        inside = "".join(self._stack.pop().pieces)
        self._write(self._shown(opened, inside, call.end()))

    def _shown(self, match: re.Match[str], inside: str, end: int) -> str:
        """Return what a shortcode shows; as a block of its own if it has its lines to itself."""
        shown = self._result(match, inside, end)
        start = match.start()
        if not self._log.stands_alone(start, end) or not shown.strip():
            return shown
        before = self._log.text[self._log.text.rfind("\n", 0, start) + 1 : start]
        if before.strip():  # the first line of a quote or a list item
            return shown
        return f"\n\n{textwrap.indent(shown.strip(chr(10)), before)}\n\n"

    def _result(self, match: re.Match[str], inside: str, end: int) -> str:
        name = match["name"]
        positional, named = _arguments(match["arguments"])
        call = ShortcodeCall(
            name, positional, named, inside, (match.start(), end), self._context, self._log
        )
        rule = self._rules.get(name)
        if callable(rule):
            try:
                return rule(call.values)
            except RenderingError as error:
                self._log.add(ProblemKind.TEMPLATE_ERROR, str(error), match.start())
                return inside
        if rule is not None:
            return inside if rule == "keep" else ""
        known = HUGO_SHORTCODES.get(name) or THEME_SHORTCODES.get(name)
        if known is not None:
            return known(call)
        written = " ".join(match[0].split())
        self._log.add(ProblemKind.UNKNOWN_SHORTCODE, written, match.start())
        return shown_by_arguments(call)


def _paired(calls: Sequence[re.Match[str]]) -> frozenset[int]:
    """Return where the shortcodes begin that have an end; pairs don't cross each other."""
    paired: list[int] = []
    opened: list[re.Match[str]] = []
    waiting: dict[str, int] = {}
    for call in calls:
        name = call["name"]
        if call["single"]:
            continue
        if not call["closing"]:
            opened.append(call)
            waiting[name] = waiting.get(name, 0) + 1
            continue
        while waiting.get(name):
            last = opened.pop()
            waiting[last["name"]] -= 1
            if last["name"] == name:
                paired.append(last.start())
                break
    return frozenset(paired)


def _arguments(text: str) -> tuple[tuple[str, ...], dict[str, str]]:
    positional: list[str] = []
    named: dict[str, str] = {}
    for match in _ARGUMENT.finditer(text):
        value = match["quoted"]
        if value is not None:
            value = re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)
        else:
            value = match["raw"] if match["raw"] is not None else match["bare"]
        if match["key"]:
            named[match["key"].lower()] = value
        else:
            positional.append(value)
    return tuple(positional), named
