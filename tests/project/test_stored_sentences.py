"""What is stored as a sentence for people is shown, and never read again for a fact.

A fact has a column of its own: a state, or a key like that of `publisher.delivery.causes`.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.project.modules import Module, living_modules

# The columns, and attributes of rows, that hold sentences or words of others.
SENTENCES = {"reason", "last_response", "answer", "note"}
# Methods, also of SQL columns, that look for something in a text or take it apart.
READING = {
    *("startswith", "endswith", "removeprefix", "removesuffix", "partition", "rpartition"),
    *("split", "rsplit", "splitlines", "find", "rfind", "index", "rindex"),
    *("like", "ilike", "not_like", "contains", "regexp_match", "op"),
}
# Of patterns and of `re`: the text is an argument.
MATCHING = {
    *("match", "fullmatch", "search", "findall", "finditer", "split", "sub"),
    *("substr", "instr"),
}


def _is_sentence(node: ast.AST) -> bool:
    """Return whether an expression is a stored sentence, perhaps with a default."""
    if isinstance(node, ast.BoolOp):
        return any(map(_is_sentence, node.values))
    return isinstance(node, ast.Attribute) and node.attr in SENTENCES


def _is_text(node: ast.AST) -> bool:
    """Return whether an expression is a text, or a constant by its name."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(node.value)
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name.lstrip("_").isupper()


def sentences_read(code: Module) -> Iterator[int]:
    """Yield the lines that take a stored sentence apart, or compare it with another."""
    for node in code.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            # Without arguments, `split` only brings a text into one line.
            is_layout = node.func.attr == "split" and not node.args
            by_method = node.func.attr in READING and not is_layout
            by_method = by_method and _is_sentence(node.func.value)
            by_pattern = node.func.attr in MATCHING and any(map(_is_sentence, node.args))
            if by_method or by_pattern:
                yield node.lineno
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(map(_is_sentence, sides)) and any(map(_is_text, sides)):
                yield node.lineno


@pytest.mark.parametrize(
    "code",
    [
        *("row.reason.startswith('given up')", "(row.reason or '').split(' (')"),
        "PATTERN.split(row.reason or '', maxsplit=1)",
        "re.search('gone', delivery.c.reason)",
        "select(table).where(table.c.reason.like('no %'))",
        *("issue.reason == EDITION_REMOVED", "'full' in ping.last_response"),
        "func.substr(delivery.c.reason, 1, 9)",
    ],
)
def test_reading_a_stored_sentence_is_noticed(code: str) -> None:
    assert [*sentences_read(Module(code))] == [1]


@pytest.mark.parametrize(
    "code",
    [
        *("row.reason is None", "row.reason_key == 'full'", "before.reason != reason"),
        "' '.join((issue.reason or 'none was given').split())",
        "update(table).values(reason=None)",
    ],
)
def test_showing_a_stored_sentence_is_no_reading(code: str) -> None:
    assert [*sentences_read(Module(code))] == []


def test_no_code_reads_a_stored_sentence() -> None:
    found = [f"{one.path}:{line}" for one in living_modules() for line in sentences_read(one)]
    assert found == []
