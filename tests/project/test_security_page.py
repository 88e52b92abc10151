"""`docs/security.md` names a test for each requirement, and each of these tests is there."""

import re
from functools import cache

from tests.project.modules import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
ROWS = re.findall(r"(?m)^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE)


@cache
def text_of(path: str) -> str:
    return (ROOT / path).read_text("utf-8") if (ROOT / path).is_file() else ""


def test_each_requirement_has_a_row_in_order() -> None:
    assert [int(row[0]) for row in ROWS] == [*range(17, 73)]


def test_each_named_test_exists() -> None:
    missing = []
    for number, _what, _how, named in ROWS:
        tests = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", named)
        assert len(tests) == named.count("`") // 2 > 0, number
        missing += [
            (number, path, name) for path, name in tests if f"def {name}(" not in text_of(path)
        ]
    assert missing == []
