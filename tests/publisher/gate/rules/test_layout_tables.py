from __future__ import annotations

import pytest

from publisher.gate.rules import layout_tables
from tests.publisher.gate.pages import (
    WORDS,
    Fault,
    changed,
    codes,
    sound,
    told,
    uncovered,
    with_content,
)

TABLE = '<table role="presentation" cellpadding="0" cellspacing="0" border="0"'


def without_table() -> str:
    """Let a <div> bound the column, and Outlook's table be one of no width."""
    page = changed(
        'align="center" dir="ltr" style="width:100%; max-width:600px"', 'dir="ltr" width="100%"'
    )
    page = page.replace('width="600" cell', "cell")
    return page.replace('<div role="article"', '<div style="max-width:600px" role="article"')


FAULTS = (
    Fault(
        "a table that lays out does not say so",
        "table-role",
        with_content("<table><tr><td>x</td></tr></table>"),
    ),
    Fault(
        "a table that lays out has a heading",
        "table-role",
        with_content(f"{TABLE}><tr><th>x</th></tr></table>"),
    ),
    Fault(
        "gaps are left to Outlook",
        "table-spacing",
        changed('cellpadding="0" cellspacing="0" border="0" align', "align"),
    ),
    Fault(
        "nothing bounds the column",
        "column-width",
        changed("600", "100%").replace("max-width:100%px", "width:100%"),
    ),
    Fault("only max-width on a div bounds it", "column-outlook", without_table()),
    Fault(
        "a table is as wide everywhere",
        "width-fixed",
        with_content(f'{TABLE} width="564"><tr><td>x</td></tr></table>'),
    ),
    Fault(
        "a style makes a picture so",
        "width-fixed",
        with_content('<img style="width:500px" src="x">'),
    ),
    Fault(
        "a minimum does",
        "width-fixed",
        changed("width:100%; max-width:600px", "width:100%; min-width:600px"),
    ),
)


@pytest.mark.parametrize("fault", told(FAULTS))
def test_a_mail_is_found_in_which(fault: Fault) -> None:
    assert fault.code in codes(layout_tables, fault.html, fault.language)


@pytest.mark.parametrize("language", [*WORDS])
def test_nothing_is_found_in_a_sound_mail(language: str) -> None:
    assert codes(layout_tables, sound(language), language) == []


def test_every_rule_is_broken_by_one_of_these() -> None:
    assert uncovered(layout_tables, FAULTS) == set()


def test_a_table_of_figures_is_no_layout() -> None:
    content = "<table><tr><th>Year</th><td>1978</td></tr></table>"
    assert codes(layout_tables, with_content(content)) == []


@pytest.mark.parametrize("width", ['width="320"', 'width="100%"', 'width="46"', ""])
def test_what_fits_on_a_phone_may_be_fixed(width: str) -> None:
    content = f"{TABLE} {width}><tr><td>x</td></tr></table>"
    assert codes(layout_tables, with_content(content)) == []


def test_the_column_may_be_a_div_if_outlook_has_a_table_of_its_width() -> None:
    page = without_table().replace("<!--[if mso]><table", '<!--[if mso]><table width="600"')
    assert codes(layout_tables, page) == []


def test_a_style_sheet_that_was_not_inlined_makes_a_table_fluid() -> None:
    content = f'{TABLE} class="wide" width="564"><tr><td>x</td></tr></table>'
    page = with_content(content).replace(
        "<style>", "<style>.wide { width:100%; max-width:564px }", 1
    )
    assert codes(layout_tables, page) == []
