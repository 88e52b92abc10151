"""Front matter: the YAML between `---` lines at a document's head, as plain data.

Every value stays a string as it is written (or None, a list, a mapping): YAML would make
`no` false, `1984` a number and `2026-13-01` an error. Aliases and tags are refused, so
what is read is never larger than what is written. Knows no field's meaning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast

import yaml

from publisher.articles.content.characters import clean_text
from publisher.errors import ArticleError

# A page of metadata is one or two kilobytes.
MAX_CHARACTERS = 64_000
# Lists of mappings are three deep.
MAX_DEPTH = 10
CLOSING = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
OPENING = re.compile(r"\A---[ \t]*\n")

YamlValue = str | list[Any] | dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """A document in two; `fields` is None if it has no front matter at all."""

    fields: dict[str, YamlValue] | None
    body: str


def split_front_matter(text: str) -> FrontMatter:
    """Part a document into front matter and body.

    Keys come in lower case with underscores. Raises ArticleError naming the line.
    """
    opening = OPENING.match(text)
    if not opening:
        return FrontMatter(None, text)
    closing = CLOSING.search(text, opening.end())
    if not closing:
        raise ArticleError("front matter, line 1: `---` is never closed by another `---`")
    if closing.start() > MAX_CHARACTERS:
        raise ArticleError(f"front matter is longer than {MAX_CHARACTERS:,} characters")
    fields = _load(text[opening.end() : closing.start()])
    return FrontMatter(fields, text[closing.end() :].removeprefix("\n"))


def _load(source: str) -> dict[str, YamlValue]:
    try:
        loaded = yaml.load(source, Loader=_PlainLoader)  # noqa: S506  # a SafeLoader, and stricter
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        problem = " ".join((error.problem or "not YAML").split())
        if "not allowed here" in problem or "cannot start any token" in problem:
            problem = f"{problem}; put the value in quotes"
        raise ArticleError(f"front matter, line {line}: {problem}") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ArticleError("front matter, line 2: not of the form `key: value`")
    return {normal_key(key): value for key, value in loaded.items()}


def normal_key(key: object) -> str:
    """Give a key in the one spelling that is looked up: `Blog-Languages` is `blog_languages`."""
    return str(key).strip().lower().replace("-", "_").replace(" ", "_")


class _PlainLoader(yaml.SafeLoader):
    """Knows strings, null, lists and mappings."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # the base class declares it so
        first: [pair for pair in pairs if pair[0] == "tag:yaml.org,2002:null"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it bare
        if isinstance(event, yaml.AliasEvent):
            self._refuse("aliases (*name) are refused; write the value out", event)
        if getattr(event, "tag", None):
            self._refuse(f"the tag {event.tag} is refused; write a plain value", event)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self._refuse(f"nested more than {MAX_DEPTH} deep", event)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_scalar(self, node: Any) -> str:
        # Escapes in double quotes can spell characters that the file itself can't hold.
        return clean_text(str(super().construct_scalar(node)))

    def _refuse(self, problem: str, event: yaml.Event) -> None:
        # A plain mark: the stubs' other kind is that of the C loader, which is not ours.
        mark = cast("yaml.Mark", event.start_mark)
        raise yaml.composer.ComposerError(None, None, problem, mark)
