"""What the renderer as a whole promises."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import publisher
from publisher.rendering import Renderer
from publisher.rendering import renderer as renderer_module
from publisher.rendering.template_files import shipped_templates_folder


def test_the_fingerprint_is_stable() -> None:
    assert Renderer().fingerprint() == Renderer().fingerprint()
    assert len(Renderer().fingerprint()) == 64


def test_the_fingerprint_changes_with_templates_catalogues_and_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    renderer = Renderer(tmp_path)
    seen = {Renderer().fingerprint(), renderer.fingerprint()}
    assert len(seen) == 1
    (tmp_path / "a.html").write_text("a")
    seen.add(renderer.fingerprint())
    (tmp_path / "a.html").write_text("b")
    seen.add(renderer.fingerprint())
    (tmp_path / "a.po").write_text("b")
    seen.add(renderer.fingerprint())
    (tmp_path / "notes.md").write_text("no template")
    seen.add(renderer.fingerprint())
    assert len(seen) == 4
    monkeypatch.setattr(renderer_module, "RENDERING_VERSION", 99)
    assert renderer.fingerprint() not in seen


def test_the_renderer_knows_which_languages_have_strings(tmp_path: Path) -> None:
    known = {
        tag: Renderer(tmp_path).has_catalogue(tag) for tag in ("en", "ar", "zh-Hant", "de")
    }
    assert known == {"en": True, "ar": True, "zh-Hant": True, "de": False}


def test_templates_are_found_in_a_checkout() -> None:
    assert (shipped_templates_folder() / "email" / "digest" / "body.html").is_file()


def test_templates_inside_the_package_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "publisher"
    shutil.copytree(shipped_templates_folder(), package / "templates")
    monkeypatch.setattr(publisher, "__path__", [str(package)])
    monkeypatch.setattr("publisher.rendering.template_files.files", lambda _name: package)
    assert shipped_templates_folder.__wrapped__() == package / "templates"
