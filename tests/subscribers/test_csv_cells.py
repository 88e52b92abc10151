from __future__ import annotations

from io import BytesIO, StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.csv_cells import read_cells, write_cells
from subscribers.errors import BadFileError

# NUL is refused in a file, and a row of white space alone counts as empty.
CELL = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
ROWS = st.lists(st.lists(CELL, min_size=2, max_size=4).filter(lambda row: "".join(row).strip()))


def written(*rows: list[str]) -> str:
    out = StringIO(newline="")
    write_cells(rows, out)
    return out.getvalue()


@given(ROWS)
def test_cells_are_read_as_they_were_written(rows: list[list[str]]) -> None:
    content = written(*rows).encode()
    assert [cells for _, cells in read_cells(BytesIO(b"\xef\xbb\xbf" + content))] == rows


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1", "'=1", "''@"])
def test_formulas_are_escaped(cell: str) -> None:
    assert written([cell]).lstrip('"').startswith(f"'{cell}")


@pytest.mark.parametrize("cell", ["'Abd", "a=1", "O'Example", "''", ""])
def test_other_cells_are_not_changed(cell: str) -> None:
    assert written(["x", cell]) == f"x,{cell}\r\n"


def test_an_unescaped_formula_is_read_unchanged() -> None:
    assert list(read_cells(["=1\n"])) == [(1, ["=1"])]


def test_rows_are_numbered_by_lines_of_the_file() -> None:
    lines = b'a,b\r\n\r\n"two\r\nlines",c\n , \nd,e'
    assert list(read_cells(BytesIO(lines))) == [
        (1, ["a", "b"]),
        (3, ["two\r\nlines", "c"]),
        (6, ["d", "e"]),
    ]


def test_bytes_that_are_not_utf_8_become_lone_surrogates() -> None:
    lines = "a,Zo\u00eb\n".encode("latin-1") + "b,Zo\u00eb\n".encode()
    assert list(read_cells(BytesIO(lines))) == [(1, ["a", "Zo\udceb"]), (2, ["b", "Zo\u00eb"])]


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"email\nann\0@example.org\n", 2, "NUL"),
        ("email\n".encode("utf-16-le"), 1, "NUL"),
        (b'email\na\n"b\nc\nd\n', 3, "never closed"),
        (b'email\n"a"b\n', 2, "follows a closing quote"),
        (b"email\ra@example.org\rb@example.org\r", 1, "CR alone"),
        (b'email\n"' + b"x\n" * 100_000, 2, "128 KiB"),
    ],
)
def test_a_file_that_is_not_csv_is_an_error_with_its_line(
    content: bytes, line: int, reason: str
) -> None:
    with pytest.raises(BadFileError, match=reason) as caught:
        list(read_cells(BytesIO(content)))
    assert caught.value.line == line
