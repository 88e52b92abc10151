from __future__ import annotations

from publisher.gate.rules import style_blocks
from tests.publisher.gate.pages import (
    Fault,
    changed,
    codes,
    findings,
    with_content,
    with_style,
)

PHONES = "@media (max-width:600px) { .item { padding:0 !important; } }"


def filled(size: int) -> str:
    return with_style("/* " + "x" * size + " */")


FAULTS = (
    Fault(
        "a style sheet stands in the body",
        "style-place",
        with_content("<style>p { margin:0; }</style>"),
    ),
    Fault("the styles have over 16 kB", "style-size", filled(16_384)),
    Fault("they have over 8 kB", "style-size-near", filled(8_000)),
    Fault(
        "an @ rule is in another",
        "style-nested",
        with_style("@media all { @media (max-width:9px) { p { margin:0; } } }"),
    ),
    Fault(
        "a rule is in a rule",
        "style-nested",
        with_style("p { margin:0; & b { color:#112233; } }"),
    ),
    Fault(
        "it imports a style sheet",
        "style-import",
        with_style('@import "https://news.example.org/x.css";'),
    ),
    Fault("a declaration is none", "style-syntax", with_style("p { margin 0; }")),
    Fault("it has a comment of HTML", "style-syntax", with_style("<!-- p { margin:0; } -->")),
    Fault(
        "a web font stands beside the phones",
        "style-risk",
        with_style(f"{PHONES} @font-face {{ font-family:X; }}"),
    ),
    Fault(
        "dark mode stands beside the phones",
        "style-risk",
        with_style(f"{PHONES} @media (prefers-color-scheme:dark) {{ p {{ color:#ffffff; }} }}"),
    ),
    Fault(
        "Outlook's dark mode does",
        "style-risk",
        with_style(f"{PHONES} [data-ogsc] p {{ color:#ffffff; }}"),
    ),
    Fault(
        "!important follows without a space",
        "important-form",
        with_style("p { margin:0!important; }"),
    ),
    Fault("it is in capitals", "important-form", with_style("p { margin:0 !IMPORTANT; }")),
    Fault("it is torn apart", "important-form", with_style("p { margin:0 ! important; }")),
)


def test_the_attribute_selector_that_gmail_supports_is_accepted() -> None:
    assert codes(style_blocks, with_style(f"{PHONES} [class~=x] {{ margin:0; }}")) == []


def test_comments_of_css_are_not_checked() -> None:
    assert codes(style_blocks, with_style("/* p { margin:0!important; } */")) == []


def test_a_finding_has_its_line_in_the_part() -> None:
    page = with_style("p { margin:0 !important; }\np { margin:0!important; }")
    (found,) = findings(style_blocks, page)
    lines = page.splitlines()
    assert found.line is not None
    assert lines[found.line - 1] == "p { margin:0!important; }"


def test_styles_in_outlooks_comments_do_not_count_for_gmails_limit() -> None:
    comment = f"<!--[if mso]><style>{'p { margin:0; }' * 1000}</style><![endif]-->"
    assert codes(style_blocks, changed("</head>", f"{comment}</head>")) == []
