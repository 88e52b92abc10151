"""A mail as a document for a frame: its looks, and where its pictures come from."""

from __future__ import annotations

import pytest

from publisher.app.preview_documents import LOOKS, frame_document, with_scheme

BASE = "https://news.example.org"
MAIL = (
    "<!DOCTYPE html><html><head><meta charset='utf-8'><style>"
    "@media (prefers-color-scheme:dark) { p { color:#fff } }"
    "@media screen and ( prefers-color-scheme : LIGHT ) { p { color:#000 } }"
    "</style></head><body><p>Write (prefers-color-scheme:dark) into a sheet.</p>"
    f'<img src="{BASE}/media/a%20b.png" alt=""><img src="https://elsewhere.example/x.png" alt="">'
    "</body></html>"
)


def shown(look: str) -> str:
    (chosen,) = [one for one in LOOKS if one == look]
    return frame_document(MAIL, chosen, BASE, lambda path: f"/-/pictures/{path}")


def test_conditions_of_the_colour_scheme_are_resolved_in_sheets_only() -> None:
    light, dark = shown("light"), shown("dark")
    assert "@media (max-width:0px) { p { color:#fff } }" in light
    assert "@media screen and (min-width:0px) { p { color:#000 } }" in light
    assert "@media (min-width:0px) { p { color:#fff } }" in dark
    assert "@media screen and (max-width:0px) { p { color:#000 } }" in dark
    for document in (light, dark):
        assert "Write (prefers-color-scheme:dark) into a sheet." in document


def test_the_attribute_media_is_resolved_too() -> None:
    source = '<source media="(prefers-color-scheme: dark)" srcset="x">'
    assert with_scheme(source, "dark") == '<source media="(min-width:0px)" srcset="x">'
    assert with_scheme(source, "light") == '<source media="(max-width:0px)" srcset="x">'


@pytest.mark.parametrize(("look", "scheme"), [("light", "light"), ("dark", "dark")])
def test_the_scheme_is_set_at_the_head(look: str, scheme: str) -> None:
    start = shown(look).partition("<meta charset")[0]
    assert start.endswith(f"<head><style>:root{{color-scheme:{scheme}!important}}</style>")


def test_inverted_is_light_turned_round() -> None:
    inverted = shown("inverted")
    assert "color-scheme:light!important" in inverted
    assert "filter:invert(1)" in inverted
    assert "filter" not in shown("dark")


def test_pictures_of_the_publication_come_from_the_console() -> None:
    document = shown("light")
    assert 'src="/-/pictures/media/a%20b.png"' in document
    assert 'src="https://elsewhere.example/x.png"' in document


def test_a_document_without_a_head_gets_its_style_first() -> None:
    found = frame_document("<p>Words", "light", BASE, lambda _path: None)
    assert found == "<style>:root{color-scheme:light!important}</style><p>Words"
