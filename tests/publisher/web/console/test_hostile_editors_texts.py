"""What editors write into fields is text on the site and in feeds, whatever it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flask
import lxml.etree
import lxml.html
import pytest

from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.console.conftest import SignIn
from tests.publisher.web.hostile_texts import HOSTILE_TEXTS, MARK

PAGE = "/issues/weekly-en-2026-01-09/"
PERSON = """\
[mira]
name = "Mira"
"""


@pytest.fixture
def folder(publication: PublicationFolder, console: flask.Flask) -> PublicationFolder:  # noqa: ARG001  # it sets the languages
    """An issue that is ready, and a person whose name is in feeds and on pages."""
    (publication.settings.folders.root / "people.toml").write_text(PERSON, "utf-8")
    publication.reload(languages=["en", "zh-Hant", "ar"])
    publication.write("en/tides.md", "Words.", title="Tides", date="2026-01-05", author="Mira")
    subscribe(publication, ("ann@example.com", "en"))
    pipeline_of(publication).prepare()
    return publication


def active(root: Any) -> list[str]:
    """Give elements and attributes that a marked text has become."""
    found = []
    for one in root.iter():
        if not isinstance(one.tag, str):
            found += [f"comment {one.text}"] if MARK in (one.text or "") else []
            continue
        if lxml.etree.QName(one).localname in {"script", "style"} and "ld+json" not in str(
            one.get("type")
        ):
            found += [f"{one.tag} {one.text}"] if MARK in (one.text or "") else []
        names = {"title", "content", "alt", "value", "aria-label", "term", "label"}
        found += [
            f"{one.tag} {name}"
            for name, value in one.attrib.items()
            if MARK in f"{name}{value}" and name not in names
        ]
    return found


def active_in(path: Path) -> list[str]:
    """Give what is active in a file, and in the HTML that a feed carries as text."""
    content = path.read_bytes()
    if path.suffix == ".html":
        return active(lxml.html.document_fromstring(content))
    root = lxml.etree.fromstring(content)
    found = active(root)
    for one in root.iter("*"):
        if one.text and one.get("type") == "html" and "<" in one.text:
            found += active(lxml.html.document_fromstring(f"<p>{one.text}"))
    return found


@pytest.mark.parametrize("text", HOSTILE_TEXTS[::60])
def test_fields_of_editors_are_text_on_the_site_and_in_feeds(
    folder: PublicationFolder, sign_in: SignIn, text: str
) -> None:
    client = sign_in()
    for kind in ("subject", "preheader", "opening"):
        client.post(f"{PAGE}edits/", data={"kind": kind, "value": text})
    changed = client.post(
        "/people/mira/", data={"name.en": text, "name.": "", "seen.name.": "Mira"}
    )
    assert changed.status_code < 500
    folder.reload(languages=["en", "zh-Hant", "ar"])
    pipeline_of(folder).run()
    files = [
        one
        for kind in ("*.html", "*.xml")
        for one in folder.settings.folders.public.rglob(kind)
    ]
    assert any(one.name.endswith(".atom.xml") for one in files)
    marked = [one for one in files if MARK.encode() in one.read_bytes()]
    assert {one.name: active_in(one) for one in marked if active_in(one)} == {}
