from __future__ import annotations

import pytest

from publisher.errors import ArticleError
from publisher.ingest.parsers.front_matter import split_front_matter


@pytest.mark.parametrize(
    ("text", "fields", "body"),
    [
        ("no front matter", None, "no front matter"),
        ("---\n---\nx", {}, "x"),
        ("---\na: b\n...\nx\n---\n", {"a": "b"}, "x\n---\n"),
        ("--- \na: b\n---\t", {"a": "b"}, ""),
        (
            "---\nlang: no\ny: 1984\nd: 2026-13-01\n---\n",
            {"lang": "no", "y": "1984", "d": "2026-13-01"},
            "",
        ),
        (
            "---\na:\nb: ~\nc: null\nd: 'null'\n---\n",
            {"a": None, "b": None, "c": None, "d": "null"},
            "",
        ),
        (
            "---\nBlog-In Language: [a, {b: c}]\n---\n",
            {"blog_in_language": ["a", {"b": "c"}]},
            "",
        ),
        ('---\na: "\\uD800\\u0007e\\u0301"\n---\n', {"a": "é"}, ""),
        ("---\n<<: x\n1: y\n---\n", {"<<": "x", "1": "y"}, ""),
    ],
)
def test_front_matter_is_plain_data(text: str, fields: object, body: str) -> None:
    parts = split_front_matter(text)

    assert parts.fields == fields
    assert parts.body == body


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("---\na: b\n", "line 1: `---` is never closed"),
        ("---\nx: 1\na: b: c\n---\n", "line 3: .* put the value in quotes"),
        ("---\na: `x`\n---\n", "line 2: .* put the value in quotes"),
        ("---\na: 'x\n---\n", "line 3: found unexpected end of stream"),
        ("---\n- a\n---\n", "not of the form"),
        ("---\njust text\n---\n", "not of the form"),
        ("---\na: &a [x]\nb: *a\n---\n", "line 3: aliases"),
        ("---\na: !!python/object/apply:os.system [x]\n---\n", "line 2: the tag .* is refused"),
        ("---\na: !!binary aGk=\n---\n", "the tag .* is refused"),
        ("---\n? [a]\n: b\n---\n", "line 2: found unhashable key"),
        ("---\n" + "[" * 5000 + "\n---\n", "nested more than 10 deep"),
        ("---\na: " + "x" * 70_000 + "\n---\n", "longer than 64,000 characters"),
        ("---\n%YAML 9.0\n---\n", "line"),
    ],
)
def test_errors_in_front_matter_name_the_line(text: str, reason: str) -> None:
    with pytest.raises(ArticleError, match=reason) as caught:
        split_front_matter(text)

    assert "\n" not in str(caught.value)


def test_yaml_aliases_are_refused_at_once() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9))

    with pytest.raises(ArticleError, match="aliases"):
        split_front_matter(f"---\nl0: &l0 [x]\n{levels}---\n")
