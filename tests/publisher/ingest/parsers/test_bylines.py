"""Lines of authors as people write them. The names are invented."""

from __future__ import annotations

import pytest

from publisher.ingest.parsers.bylines import split_bylines
from tests.publisher.ingest.helpers import read_text


def written(text: str) -> list[str]:
    """Give each author as name, or as name and affiliation with a bar between."""
    return [
        f"{one.name} | {one.affiliation}" if one.affiliation else one.name
        for one in split_bylines(text)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada Lark", ["Ada Lark"]),
        ("By Ada Lark", ["Ada Lark"]),
        ("Ada Lark and Ben Ruiz", ["Ada Lark", "Ben Ruiz"]),
        ("Ada Lark & Ben Ruiz", ["Ada Lark", "Ben Ruiz"]),
        ("Ada Lark, Ben Ruiz and Cy van der Moor", ["Ada Lark", "Ben Ruiz", "Cy van der Moor"]),
        ("Ada Lark, Ben Ruiz, and Cy Moor", ["Ada Lark", "Ben Ruiz", "Cy Moor"]),
        ("Ada Lark, Ben Ruiz, Cy Moor", ["Ada Lark", "Ben Ruiz", "Cy Moor"]),
        ("Ada Lark, Jr. and Ben Ruiz, PhD", ["Ada Lark, Jr.", "Ben Ruiz, PhD"]),
        ("José Ortega y Lark", ["José Ortega y Lark"]),
        ("Ada and Ben", ["Ada", "Ben"]),
        ("张三、李四", ["张三", "李四"]),
        ("张三，李四", ["张三", "李四"]),
        ("张三 李四", ["张三", "李四"]),
        ("آدا لارك، بن رويز", ["آدا لارك", "بن رويز"]),
        ("[Ada Lark](https://example.org/ada)", ["Ada Lark"]),
        ("[Ada Lark](/ada), [Ben Ruiz](/ben)", ["Ada Lark", "Ben Ruiz"]),
        ("Ada Lark; Ada Lark", ["Ada Lark"]),
        ("**Authors:** *Ada Lark*, Ben Ruiz", ["Ada Lark", "Ben Ruiz"]),
        ("**作者**：张三", ["张三"]),
        ("ada_lark_b", ["ada_lark_b"]),
    ],
)
def test_people_in_one_line_are_people(text: str, expected: list[str]) -> None:
    assert written(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wu Lark, former ambassador", ["Wu Lark | former ambassador"]),
        (
            "Wu Lark, Member on Foreign Affairs Committee, Example Conference",
            ["Wu Lark | Member on Foreign Affairs Committee, Example Conference"],
        ),
        (
            "Ada Lark, director and editor of the Harbour Review",
            ["Ada Lark | director and editor of the Harbour Review"],
        ),
        ("Ada Lark, Harbour Institute", ["Ada Lark | Harbour Institute"]),
        ("Ada Lark, Senior Fellow", ["Ada Lark | Senior Fellow"]),
        (
            "Dr. Ada Lark, Harbour Institute; Ben Ruiz, Example University",
            ["Dr. Ada Lark | Harbour Institute", "Ben Ruiz | Example University"],
        ),
        (
            "Ada Lark and Ben Ruiz, Harbour Institute",
            ["Ada Lark | Harbour Institute", "Ben Ruiz | Harbour Institute"],
        ),
        ("Ada Lark (Harbour Institute)", ["Ada Lark | Harbour Institute"]),
        ("特德·卡彭特(Ted Lark) 研究员", ["特德·卡彭特 (Ted Lark) | 研究员"]),
        ("Ted Lark（特德）", ["Ted Lark (特德)"]),
        ("张三（港口大学）", ["张三 | 港口大学"]),
        ("张三，港口大学教授", ["张三 | 港口大学教授"]),
        ("张三 教授", ["张三 | 教授"]),
        (
            "Ada Lark (Harbour, Example City), Ben Ruiz, and Cy Moor (Example University)",
            ["Ada Lark | Harbour, Example City", "Ben Ruiz", "Cy Moor | Example University"],
        ),
        ("Ada Lark (Pier) and Ben Ruiz (Quay)", ["Ada Lark | Pier", "Ben Ruiz | Quay"]),
    ],
)
def test_what_is_said_of_people_is_their_affiliation(text: str, expected: list[str]) -> None:
    assert written(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Lark, Ada",
        "Johnson & Johnson",
        "Ministry of Science and Technology",
        "The Harbour Team and contributors",
        "张 三",
        "()",
        "x" * 2000,
    ],
)
def test_what_is_not_understood_stays_as_it_was_written(text: str) -> None:
    assert written(text) == [text]


def test_front_matter_has_people_in_all_these_forms() -> None:
    article = read_text(
        "a.md",
        "---\ntitle: T\nauthors: ['[Ada Lark](/ada)', {name: Ben Ruiz, title: Editor}]\n---\nWords.\n",
    )
    assert [(one.name, one.affiliation) for one in article.bylines] == [
        ("Ada Lark", None),
        ("Ben Ruiz", "Editor"),
    ]
    article = read_text(
        "a.md",
        "---\ntitle: T\nauthor: Ada Lark and Ben Ruiz\nauthor_title: Editors\n---\nWords.\n",
    )
    assert [(one.name, one.affiliation) for one in article.bylines] == [
        ("Ada Lark", "Editors"),
        ("Ben Ruiz", "Editors"),
    ]
