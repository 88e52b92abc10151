"""`make where WORD="deferred mail"`: list the files whose names or first lines have the words."""

import ast
import math
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("publisher", "feeds", "subscribers", "docs")
KINDS = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@cache
def _stem(word: str) -> str:
    return re.sub(r"(ing|ed|er|es|ies|e|y)?s?$", "", word.lower())


def _words(text: str) -> set[str]:
    return {_stem(one) for one in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text)}


# Words of a line are used for one another.
_SYNONYMS = """unsubscribe leave opt
retry again deferred
bounce returned undelivered
kill crash died dead
write written store record
route endpoint operation
language catalogue locale
look check recheck"""
_SAME = [_words(line) for line in _SYNONYMS.splitlines()]


def _entries() -> Iterator[tuple[str, int, str, str]]:
    """Yield file, line, name and sentence: of modules, public functions and classes, and of documents."""
    for path in sorted(one for folder in FOLDERS for one in (ROOT / folder).rglob("*.*")):
        where = str(path.relative_to(ROOT))
        if path.suffix == ".md":
            for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
                if re.match("##? ", line):
                    yield where, number, "", line.strip("# ")
        elif path.suffix == ".py":
            module = ast.parse(path.read_text("utf-8"))
            for node in (one for one in (module, *module.body) if isinstance(one, KINDS)):
                name, line = getattr(node, "name", ""), ast.get_docstring(node) or ""
                if not name.startswith("_"):
                    yield where, getattr(node, "lineno", 1), name, line.partition("\n")[0]


@cache
def _known() -> list[tuple[str, int, str, str, set[str], set[str]]]:
    return [(*one, _words(one[2] or one[0]), _words(one[3])) for one in _entries()]


def best(query: str) -> list[str]:
    """Return the best entry of each file, the best file first. A word counts the more the rarer it is."""
    known = _known()
    counts = Counter(word for *_, name, line in known for word in name | line)
    wanted = [{word}.union(*(row for row in _SAME if word in row)) for word in _words(query)]
    files: dict[str, tuple[float, str]] = {}
    for where, number, name, sentence, names, line in known:
        # What a sentence or a name says counts more than the folder that it is in.
        parts = ((0.4, _words(where)), (1.0, line), (1.3, names))
        part_of = {one: part for part, words in parts for one in words}
        worth = {one: part_of[one] * math.log(len(known) / counts[one]) ** 2 for one in part_of}
        points = sum(max(worth.get(one, 0.0) for one in same) for same in wanted)
        if points > files.get(where, (0,))[0]:
            files[where] = points, f"{where}:{number}  {name}{name and ': '}{sentence}"
    ordered = sorted(files.values(), key=lambda found: (-found[0], ":1  " not in found[1]))
    return [shown for _points, shown in ordered]


if __name__ == "__main__":
    for shown in best(" ".join(sys.argv[1:]))[:10] or ["Nothing has these words; try others."]:
        sys.stdout.write(f"{shown}\n")
