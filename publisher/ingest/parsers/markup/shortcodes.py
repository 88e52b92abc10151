"""Replace Hugo's shortcodes in a document by what they show.

`{{< name arguments >}}` makes HTML, `{{% name %}}` Markdown. Both may be paired, and nested. Those
in code stay; `{{</* name */>}}` shows a shortcode instead of running it. What names stand for is in `vocabulary`.
An unknown shortcode leaves its text, picture or link, and is a problem.
"""

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from publisher.errors import RenderingError
from publisher.i18n.article_problems import ProblemKind
from publisher.ingest.parsers.document import ShortcodeRule
from publisher.ingest.parsers.markup import common, vocabulary

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
    context: vocabulary.MarkupContext,
    rules: Mapping[str, ShortcodeRule],
    log: common.ProblemLog,
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
        self,
        context: vocabulary.MarkupContext,
        rules: Mapping[str, ShortcodeRule],
        log: common.ProblemLog,
    ) -> None:
        self._context = context
        self._rules = rules
        self._log = log
        self._stack = [_Open(None)]

    def run(self) -> str:
        text = self._log.text
        regions = common.CodeRegions(text)
        escaped = [match.span() for match in _ESCAPED.finditer(text)]
        calls = [
            call
            for call in _CALL.finditer(text)
            if call.start() not in regions and common.span_end(escaped, call.start()) is None
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
        regions = common.CodeRegions(text)

        def shown(match: re.Match[str]) -> str:
            written = f"{{{{{match[1]}{match[2]}{match[3]}}}}}"
            if match.start() in regions or "\n\n" in written:
                return written
            return common.shown_as_code(written, in_html=self._context.in_html)

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
        name, start = match["name"], match.start()
        positional, named = _arguments(match["arguments"])
        rule = self._rules.get(name)
        if callable(rule):
            values = {"arguments": positional, "inside": inside, "name": name, "named": named}
            try:
                return rule(values)
            except RenderingError as error:
                self._log.add(ProblemKind.TEMPLATE_ERROR, str(error), start)
                return inside
        if rule is not None:
            return inside if rule == "keep" else ""
        tag = vocabulary.MarkupTag(name, named, positional, inside, self._context)
        shown = vocabulary.SHORTCODES[name](tag) if name in vocabulary.SHORTCODES else None
        written = " ".join(match[0].split())
        if isinstance(shown, ProblemKind):
            self._log.add_missing(shown, written, start, end)
            return ""
        if shown is None:
            self._log.add(ProblemKind.UNKNOWN_SHORTCODE, written, start)
            return vocabulary.shown_by_arguments(tag)
        return shown


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
