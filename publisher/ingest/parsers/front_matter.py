"""Front matter at the start of a document, as plain data: YAML, TOML or JSON.

YAML stands between `---` lines, TOML between `+++` lines, JSON is one object, or stands between
`---json` and `---`. Every scalar stays a string as written: YAML would make `no` false, `1984` a number and
`2026-13-01` an error. Tags are refused. What aliases stand for counts towards the length and the depth.
"""

import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import chain
from typing import Any, cast

import yaml

from publisher.articles.content.text import clean_characters
from publisher.errors import ArticleError
from publisher.i18n.messages import Sentence, joined, message, untranslated

_MAX_LENGTH = 64_000  # front matter is usually one or two kilobytes
_MAX_DEPTH = 10  # levels of lists and mappings; real front matter has three
_FENCES = {
    "---": re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE),
}
_OPENING = re.compile(r"\A(?P<fence>---|\+\+\+)(?P<format>yaml|toml|json)?[ \t]*\n")
_OBJECT = re.compile(r'\A\{\s*"')

YamlValue = str | list[Any] | dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The two parts of a document; `fields` is None if it has no front matter."""

    fields: dict[str, YamlValue] | None
    body: str


def split_front_matter(text: str) -> FrontMatter:
    """Split front matter (keys in lower case with underscores) from the body. Raises ArticleError with the line."""
    if _OBJECT.match(text):
        return _split_object(text)
    opening = _OPENING.match(text)
    if not opening:
        return FrontMatter(None, text)
    fence = opening["fence"]
    closing = _FENCES[fence].search(text, opening.end())
    if not closing:
        raise ArticleError.saying(
            "front matter, line 1: `%(fence)s` is never closed by another `%(fence)s`",
            fence=fence,
        )
    _check_length(closing.start())
    form = opening["format"] or ("toml" if fence == "+++" else "yaml")
    fields = _LOADERS[form](text[opening.end() : closing.start()])
    return FrontMatter(fields, text[closing.end() :].removeprefix("\n"))


def _check_length(length: float) -> None:
    if length > _MAX_LENGTH:
        raise ArticleError.saying(
            "front matter is longer than %(most)s characters", most=_MAX_LENGTH
        )


def _split_object(text: str) -> FrontMatter:
    """Split a document that begins with an object of JSON, as Hugo reads it."""
    try:
        loaded, end = json.JSONDecoder().raw_decode(text[: _MAX_LENGTH + 1])
    except (ValueError, RecursionError):
        _check_length(len(text))
        return FrontMatter(None, text)
    return FrontMatter(_plain_fields(loaded), text[end:].lstrip("\n"))


def _load_yaml(source: str) -> dict[str, YamlValue]:
    try:
        loaded = yaml.load(source, Loader=_PlainLoader)  # noqa: S506  # a SafeLoader, and stricter
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        problem = error.problem or message("not YAML")
        if not isinstance(problem, Sentence):
            problem = untranslated(" ".join(problem.split()))
        if "not allowed here" in problem or "cannot start any token" in problem:
            problem = joined(problem, message("put the value in quotes"))
        raise ArticleError.saying(
            "front matter, line %(line)s: %(problem)s", line=line, problem=problem
        ) from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ArticleError.saying("front matter, line 2: not of the form `key: value`")
    if isinstance(loaded.get("<<"), dict):
        loaded = loaded.pop("<<") | loaded
    return keyed(loaded)


def _load_toml(source: str) -> dict[str, YamlValue]:
    try:
        return _plain_fields(tomllib.loads(source))
    except (ValueError, RecursionError) as error:
        # tomllib counts lines from the one below the fence.
        problem = " ".join(str(error).split())
        match = _TOML_LINE.search(problem)
        line = int(match[1]) + 1 if match else 1
        problem = untranslated(_TOML_LINE.sub("", problem))
        raise ArticleError.saying(
            "front matter, line %(line)s: not TOML: %(problem)s", line=line, problem=problem
        ) from None


def _load_json(source: str) -> dict[str, YamlValue]:
    try:
        loaded = json.loads(source)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0) + 1
        words = getattr(error, "msg", None)
        problem = untranslated(words) if words else message("nested too deep")
        raise ArticleError.saying(
            "front matter, line %(line)s: not JSON: %(problem)s", line=line, problem=problem
        ) from None
    if not isinstance(loaded, dict):
        raise ArticleError.saying("front matter, line 2: not an object")
    return _plain_fields(loaded)


_TOML_LINE = re.compile(r" \(at line (\d+), column \d+\)")
_LOADERS = {"yaml": _load_yaml, "toml": _load_toml, "json": _load_json}


def _plain_fields(loaded: Mapping[str, Any]) -> dict[str, YamlValue]:
    return {normal_key(key): plain_value(value) for key, value in loaded.items()}


def plain_value(value: Any, depth: int = 1) -> YamlValue:
    """Return a typed value with scalars as YAML writes them. Raises ArticleError if it is nested too deep."""
    if depth > _MAX_DEPTH:
        raise ArticleError.saying(
            "front matter: nested more than %(most)s deep", most=_MAX_DEPTH
        )
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, list):
        return [plain_value(one, depth + 1) for one in value]
    if isinstance(value, dict):
        names = (clean_characters(str(key)) for key in value)
        items = (plain_value(item, depth + 1) for item in value.values())
        return dict(zip(names, items, strict=True))
    return clean_characters(str(value))


def normal_key(key: object) -> str:
    """Return a key in the spelling that is looked up: `blog_languages` for `Blog-Languages`."""
    return str(key).strip().lower().replace("-", "_").replace(" ", "_")


def keyed(value: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a mapping with its keys in the spelling that is looked up."""
    return {normal_key(key): item for key, item in value.items()}


def first_of(parts: Mapping[str, Any], names: Iterable[str]) -> Any:
    """Return the first of some values that is there and not empty, None if none is."""
    return next((parts[name] for name in names if parts.get(name)), None)


def extent(node: yaml.Node, known: dict[int, tuple[float, float]]) -> tuple[float, float]:
    """Return the levels and characters of a node without aliases, infinity for one inside itself."""
    if isinstance(node, yaml.ScalarNode):
        return 1, 1 + len(node.value)
    if id(node) not in known:
        known[id(node)] = math.inf, math.inf
        parts = chain(*node.value) if isinstance(node, yaml.MappingNode) else node.value
        levels, lengths = zip((0, 1), *(extent(part, known) for part in parts), strict=True)
        known[id(node)] = 1 + max(levels), sum(lengths)
    return known[id(node)]


class _PlainLoader(yaml.SafeLoader):
    """Loads only strings, null, lists and mappings, with aliases of them (`*name`, `<<: *name`)."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # the base class declares it so
        first: [pair for pair in pairs if pair[0] == "tag:yaml.org,2002:null"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    depth = 0

    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None:
            levels, length = extent(node, {})
            if levels > _MAX_DEPTH:
                self._refuse(message("nested more than %(most)s deep", most=_MAX_DEPTH), node)
            _check_length(length)
        return node

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it bare
        if getattr(event, "tag", None):
            self._refuse(
                message("the tag %(tag)s is refused; write a plain value", tag=event.tag), event
            )
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            self._refuse(message("nested more than %(most)s deep", most=_MAX_DEPTH), event)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_scalar(self, node: Any) -> str:
        # Escapes in double quotes may be characters that the file itself can't contain.
        return clean_characters(str(super().construct_scalar(node)))

    def _refuse(self, problem: str, event: yaml.Event | yaml.Node) -> None:
        # The stubs also allow the mark of the C loader, which is not used here.
        mark = cast("yaml.Mark", event.start_mark)
        raise yaml.composer.ComposerError(None, None, problem, mark)
