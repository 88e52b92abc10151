"""Plain data in a configuration that is JavaScript or TypeScript: strings, lists, nested objects.

The script is not run. Comments are taken out, and values are looked up by the names of their keys;
what is computed is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Characters. Configurations have some thousands; more are bundled programs.
_MAX_LENGTH = 300_000
_TOKEN = re.compile(
    r"(?P<string>'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|`(?:[^`\\]|\\.)*`)"
    r"|(?P<comment>//[^\n]*|/\*.*?\*/)",
    re.DOTALL,
)
_STRING = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|`[^`$\\]*`")
# A key with a text, a word, or the beginning of something that nests.
_ENTRY = re.compile(
    r"(?<![\w$])(?:"
    rf"(?P<key>[\w$]{{1,60}})['\"]?\s*:\s*(?:(?P<value>{_STRING.pattern}|true\b|false\b|\d+\b)|(?P<opening>[\[{{]))"
    r"|(?P<function>[\w$]{1,60}\s*(?::\s*(?:async\s+)?function\s*\w*\s*)?\([^()\n]*\)\s*(?:=>\s*)?\{))"
)
_OPENING, _CLOSING = "{[(", "}])"


class ScriptObject:
    """The text of an object in a script, without comments."""

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def of_script(cls, source: str) -> ScriptObject:
        """Return a whole script; one that is too long is empty."""
        kept = source if len(source) <= _MAX_LENGTH else ""
        return cls(_TOKEN.sub(lambda token: token["string"] or " ", kept))

    def string(self, key: str) -> str | None:
        """Return the string of a key, wherever it stands, None if there is none."""
        match = re.search(rf"{_key(key)}(?:'([^'\n]*)'|\"([^\"\n]*)\"|`([^`$]*)`)", self.text)
        return next((one for one in match.groups() if one is not None), None) if match else None

    def strings(self, key: str, script: ScriptObject | None = None) -> tuple[str, ...]:
        """Return the strings of the list of a key, also of a list that has a name in `script`."""
        found = next(_parts(self.text, rf"{_key(key)}\["), "")
        named = re.search(rf"{_key(key)}([A-Za-z_$][\w$]*)", self.text)
        if named and script and not found:
            found = next(_parts(script.text, rf"\b{re.escape(named[1])}\s*=\s*\["), "")
        return tuple(
            one or two for one, two in re.findall(r"'([^'\n]*)'|\"([^\"\n]*)\"", found)
        )

    def without_inner_objects(self) -> ScriptObject:
        """Return this object without the objects in it: their keys are theirs."""
        kept, depth = list[str](), 0
        for token in re.finditer(rf"{_STRING.pattern}|[^{{}}'\"`]+|.", self.text, re.DOTALL):
            depth -= token[0] == "}"
            if depth <= 1:
                kept.append(token[0])
            depth += token[0] == "{"
        return ScriptObject("".join(kept))

    def is_true(self, key: str) -> bool:
        """Return whether a key has the word true."""
        return re.search(rf"{_key(key)}true\b", self.text) is not None

    def is_false(self, key: str) -> bool:
        """Return whether a key has the word false."""
        return re.search(rf"{_key(key)}false\b", self.text) is not None

    def objects(self, key: str) -> Iterator[ScriptObject]:
        """Yield the objects that a key has, in order."""
        yield from map(ScriptObject, _parts(self.text, rf"{_key(key)}\{{"))

    def objects_after(self, text: str) -> Iterator[ScriptObject]:
        """Yield the object behind each occurrence of a text, as in `["plugin", {...}]`."""
        yield from map(ScriptObject, _parts(self.text, rf"{re.escape(text)}['\"`)\s,]*\{{"))

    def own_objects(self) -> Iterator[tuple[str, ScriptObject]]:
        """Yield the objects directly in this one, by their keys."""
        position = 1
        pattern = re.compile(r"['\"]?([\w-]+)['\"]?\s*:\s*\{")
        while match := pattern.search(self.text, position):
            inner = _balanced(self.text, match.end() - 1)
            yield match[1], ScriptObject(inner)
            position = match.end() - 1 + len(inner)

    def exported_values(self) -> dict[str, str | list[str]]:
        """Return the texts, lists of texts, and words directly in the object that a script exports."""
        exported = re.search(r"(?:module\.exports\s*=|export\s+default)\s*\(?\s*\{", self.text)
        if exported is None:
            return {}
        inside = _balanced(self.text, exported.end() - 1)
        found: dict[str, str | list[str]] = {}
        position = 1
        while entry := _ENTRY.search(inside, position):
            position = entry.end()
            if entry["function"]:
                position += len(_balanced(inside, position - 1)) - 1
            elif entry["opening"]:
                part = _balanced(inside, position - 1)
                position += len(part) - 1
                texts = [_unquoted(one) for one in _STRING.findall(part)]
                if entry["opening"] == "[":
                    found[entry["key"]] = texts
            else:
                found[entry["key"]] = _unquoted(entry["value"])
        return found


def _parts(text: str, pattern: str) -> Iterator[str]:
    for match in re.finditer(pattern, text):
        yield _balanced(text, match.end() - 1)


def _key(name: str) -> str:
    return rf"(?<![\w$.-])['\"]?{re.escape(name)}['\"]?\s*:\s*"


def _balanced(text: str, start: int) -> str:
    """Return a text from an opening bracket to its closing one; strings are skipped."""
    depth = 0
    position = start
    while position < len(text):
        string = _TOKEN.match(text, position)
        if string:
            position = string.end()
            continue
        depth += (text[position] in _OPENING) - (text[position] in _CLOSING)
        position += 1
        if depth == 0:
            break
    return text[start:position]


def _unquoted(value: str) -> str:
    return value[1:-1] if value[:1] in {"'", '"', "`"} else value
