from __future__ import annotations

import re

import pytest

from publisher.gate.mail_clients.caniemail import CHECKED_CLIENTS, Support, client_feature
from publisher.gate.rules import client_support
from tests.publisher.gate.pages import (
    Fault,
    changed,
    codes,
    findings,
    with_content,
    with_style,
)

PICTURE = "https://news.example.org/x"

FAULTS = (
    Fault("words are set in <bdi>", "html-support", with_content("<bdi>x</bdi>")),
    Fault("an element is hidden by attribute", "html-support", with_content("<p hidden>x</p>")),
    Fault(
        "boxes are flexible", "css-support", with_content('<div style="display:flex">x</div>')
    ),
    Fault("a box floats", "css-support", with_content('<div style="float:left">x</div>')),
    Fault(
        "a size is reckoned", "css-support", with_content('<p style="width:calc(1px)">x</p>')
    ),
    Fault("a selector counts", "css-support", with_style("p:nth-child(2) { margin:0; }")),
    Fault("a picture is WebP", "image-support", with_content(f'<img src="{PICTURE}.webp">')),
    Fault("a picture is SVG", "image-support", with_content(f'<img src="{PICTURE}.SVG?v=1">')),
    Fault(
        "letters are made small",
        "partial-support",
        with_content('<p style="text-transform:lowercase">x</p>'),
    ),
)


def test_a_finding_names_clients_feature_and_date() -> None:
    (found,) = findings(client_support, with_content('<div style="display:flex">x</div>'))
    assert found.problem == "display:flex is not supported (css-display-flex, tested 2021-11)"
    assert found.clients == ("Outlook Windows",)


def test_partial_support_comes_with_its_note() -> None:
    (found,) = findings(
        client_support, with_content('<p style="text-transform:lowercase">x</p>')
    )
    assert "`lowercase` value is not supported" in found.problem


def test_what_only_accounts_of_other_providers_lack_is_accepted() -> None:
    feature = client_feature("css-selector-class")
    assert feature.support["gmail.ios"] == Support.PARTLY
    assert codes(client_support, with_style(".x { color:#112233; }")) == []


def test_clients_that_skip_a_media_query_skip_what_is_in_it() -> None:
    rule = ".x { display:flex; }"
    assert codes(client_support, with_style(rule)) == ["css-support"]
    # Only Outlook for Windows does not support flex, and it does not support media queries.
    assert codes(client_support, with_style(f"@media (max-width:9px) {{ {rule} }}")) == []


def test_rules_for_outlooks_dark_mode_are_checked_for_outlook_only() -> None:
    (found,) = findings(client_support, with_style("[data-ogsc] .x { color:var(--ink); }"))
    assert found.clients == ("Outlook.com", "Outlook macOS", "Outlook iOS", "Outlook Android")
    # Outlook for Windows does not support attribute selectors.
    assert codes(client_support, with_style("[data-ogsc] .x { float:left; }")) == []


@pytest.mark.parametrize("value", ["none", "normal", "auto", "0"])
def test_a_value_without_an_effect_needs_no_support(value: str) -> None:
    style = f"float:{value}; max-block-size:{value}; text-shadow:{value}"
    assert codes(client_support, with_content(f'<p style="{style}">x</p>')) == []


def test_a_forbidden_element_is_not_a_second_finding() -> None:
    assert codes(client_support, with_content("<video></video><form></form>")) == []


@pytest.mark.parametrize("slug", client_support.ACCEPTED_FEATURES)
def test_each_accepted_feature_lacks_support_somewhere(slug: str) -> None:
    support = client_feature(slug).support
    assert {support[client] for client in CHECKED_CLIENTS} & {Support.NO, Support.PARTLY}


def test_rules_that_are_said_to_check_a_feature_exist() -> None:
    from publisher.gate.checks import RULES

    known = {rule.code for rule in RULES}
    named = {
        word
        for reason in client_support.ACCEPTED_FEATURES.values()
        if "checked by" in reason
        for word in re.findall(r"[a-z]+(?:-[a-z]+)+", reason)
    }
    assert named
    assert named - {"line-height"} <= known


def test_inlined_styles_are_checked_like_those_of_rules() -> None:
    page = changed("</head>", "<style>.x { position:fixed; }</style></head>")
    inlined = with_content('<p style="position:fixed">x</p>')
    assert (
        codes(client_support, page)
        == codes(client_support, inlined)
        == ["css-support", "partial-support"]
    )
