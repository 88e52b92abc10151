from __future__ import annotations

import pytest

from publisher.gate.rules import layout_tables
from tests.publisher.gate.pages import (
    Fault,
    changed,
    codes,
    with_content,
)

TABLE = '<table role="presentation" cellpadding="0" cellspacing="0" border="0"'


def without_table() -> str:
    """Limit the column by a <div>, and give Outlook's table no width."""
    page = changed(
        'align="center" dir="ltr" style="width:100%; max-width:600px"', 'dir="ltr" width="100%"'
    )
    page = page.replace('width="600" cell', "cell")
    return page.replace('<div role="article"', '<div style="max-width:600px" role="article"')


FAULTS = (
    Fault(
        "a table for layout has no role",
        "table-role",
        with_content("<table><tr><td>x</td></tr></table>"),
    ),
    Fault(
        "a table for layout has a heading",
        "table-role",
        with_content(f"{TABLE}><tr><th>x</th></tr></table>"),
    ),
    Fault(
        "a table has no cellpadding",
        "table-spacing",
        changed('cellpadding="0" cellspacing="0" border="0" align', "align"),
    ),
    Fault(
        "nothing limits the column",
        "column-width",
        changed("600", "100%").replace("max-width:100%px", "width:100%"),
    ),
    Fault("only max-width on a div limits it", "column-outlook", without_table()),
    Fault(
        "a table has a fixed width",
        "width-fixed",
        with_content(f'{TABLE} width="564"><tr><td>x</td></tr></table>'),
    ),
    Fault(
        "a style gives an image a fixed width",
        "width-fixed",
        with_content('<img style="width:500px" src="x">'),
    ),
    Fault(
        "a minimum is a fixed width",
        "width-fixed",
        changed("width:100%; max-width:600px", "width:100%; min-width:600px"),
    ),
)


def test_a_table_of_data_is_not_for_layout() -> None:
    content = "<table><tr><th>Year</th><td>1978</td></tr></table>"
    assert codes(layout_tables, with_content(content)) == []


@pytest.mark.parametrize("width", ['width="320"', 'width="100%"', 'width="46"', ""])
def test_widths_that_fit_on_a_phone_may_be_fixed(width: str) -> None:
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
