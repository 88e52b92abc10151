"""`docs/security.md` names a test for each requirement, and each of these tests is there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
ROWS = re.findall(r"(?m)^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE)


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}


def test_each_requirement_has_a_row_in_order() -> None:
    assert [int(row[0]) for row in ROWS] == [*range(17, 72)]


def test_each_named_test_exists() -> None:
    missing = []
    for number, _what, _how, named in ROWS:
        tests = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", named)
        assert len(tests) == named.count("`") // 2 > 0, number
        missing += [
            (number, path, name)
            for path, name in tests
            if not (ROOT / path).is_file() or name not in functions(ROOT / path)
        ]
    assert missing == []
