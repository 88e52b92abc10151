from __future__ import annotations

import pytest

from publisher.gate.css.stylesheet import parse_declarations
from publisher.gate.mail_clients import features
from publisher.gate.mail_clients.caniemail import feature_slugs
from publisher.gate.mail_clients.features import (
    FeatureUse,
    declaration_features,
    used_features,
)
from tests.publisher.gate.pages import mail_of

# What a style attribute, an element or a rule uses; the features by their slugs.
STYLES = [
    ("padding-left:4px", "css-padding css-unit-px"),
    ("border-top-left-radius:4px", "css-border-radius css-unit-px"),
    ("border-left:1px solid", "css-border css-unit-px"),
    ("font:bold 1em Arial", "css-font css-unit-em"),
    ("font-family:system-ui", "css-sytem-ui"),
    ("display:inline-block", ""),
    ("display:grid", "css-display-grid"),
    ("background:url(x.webp) #fff", "css-background image-webp"),
    ("background-image:linear-gradient(red,blue)", "css-background-image css-linear-gradient"),
    ("color:rgba(0,0,0,.5)", "css-rgba"),
    ("--ink:#123456", "css-variables"),
    ("color:var(--ink)", "css-variables"),
    ("width:min(1vw,50%)", "css-width css-function-min css-unit-vw css-unit-percent"),
    ("margin-inline-start:1px", "css-margin-inline-start-end css-unit-px"),
    ("top:0; inset:0", ""),
    ("left:4px", "css-left-right-top-bottom css-unit-px"),
    ("mso-line-height-rule:exactly; -webkit-hyphens:auto", ""),
    ("not-a-property:1", ""),
]


@pytest.mark.parametrize(("style", "slugs"), STYLES)
def test_declarations_use_features(style: str, slugs: str) -> None:
    found = {
        slug
        for declared in parse_declarations(style)
        for slug in declaration_features(declared)
    }
    assert found == set(slugs.split())


def uses(html: str) -> list[FeatureUse]:
    return used_features(mail_of(html).document)


@pytest.mark.parametrize(
    ("html", "slug"),
    [
        ("<h2>x</h2>", "html-h1-h6"),
        ("<ul></ul>", "html-lists"),
        ("<section>x</section>", "html-semantics"),
        ("<map></map>", "html-image-maps"),
        ('<td align="left">x', "html-align"),
        ('<p aria-live="off">x', "html-aria-live"),
        ('<img srcset="x.png 2x">', "html-srcset"),
        ('<img loading="lazy">', "html-loading-attribute"),
        ('<img src="https://x.example/a.JPEG?w=1">', "image-jpg"),
        ('<img src="data:image/png;base64,AA">', "image-base64"),
        ('<table background="x.svg">', "image-svg"),
        ("<style>a > b { }</style>", "css-selector-child"),
        ("<style>a + b { }</style>", "css-selector-adjacent-sibling"),
        ("<style>a ~ b { }</style>", "css-selector-general-sibling"),
        ("<style>a b { }</style>", "css-selector-descendant"),
        ("<style>.a.b { }</style>", "css-selector-chaining"),
        ("<style>* { }</style>", "css-selector-universal"),
        ("<style>#a { }</style>", "css-selector-id"),
        ("<style>[a] { }</style>", "css-selector-attribute"),
        ("<style>a:hover { }</style>", "css-pseudo-class-hover"),
        ("<style>a:not(.b) { }</style>", "css-pseudo-class-not"),
        ("<style>a:before { }</style>", "css-pseudo-element-before"),
        ("<style>a::after { }</style>", "css-pseudo-element-after"),
        ("<style>@keyframes x { }</style>", "css-at-keyframes"),
        ("<style>@media (orientation:landscape) { }</style>", "css-at-media-orientation"),
        ("<style>a { b & { } }</style>", "css-nesting"),
    ],
)
def test_elements_and_rules_use_features(html: str, slug: str) -> None:
    assert slug in {use.slug for use in uses(f"<html><body>{html}")}


def test_a_use_in_a_style_sheet_has_the_features_around_it() -> None:
    html = "<style>\n@media (prefers-color-scheme:dark) {\n.x { float:left; }\n}</style>"
    (found,) = (use for use in uses(html) if use.slug == "css-float")
    assert found.within == (
        "html-style",
        "css-at-media",
        "css-at-media-prefers-color-scheme",
    )
    assert (found.where, found.line) == ("style", 3)


def test_caniemail_has_every_feature_of_our_tables() -> None:
    named = {
        slug
        for table in (
            features._FUNCTIONS,
            features._WORDS,
            features._MEDIA,
            features._COMBINATORS,
        )
        for slug in table.values()
    }
    named |= set(features._PROPERTIES.values()) | set(features._TAGS.values())
    named |= {slug for slug in features._VALUES.values() if slug}
    named |= {f"html-{name}" for name in features._ATTRIBUTES}
    assert named <= feature_slugs()
