"""A publication's own templates: what they may replace, and what is read of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import publisher
from publisher.errors import RenderingError
from publisher.rendering import Renderer, template_files
from publisher.rendering import renderer as renderer_module
from publisher.rendering.template_files import (
    EMPTY_FOLDER,
    folder_state,
    read_custom_file,
    read_custom_template,
    shipped_templates_folder,
)
from tests.publisher.rendering import sample
from tests.publisher.rendering.sandbox_helpers import write


def test_a_folder_that_is_hidden_empty_or_not_there_has_nothing_in_it(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", "")
    write(tmp_path, ".git/HEAD", "")
    assert folder_state(tmp_path) == EMPTY_FOLDER
    write(tmp_path, "file", "no folder")
    (tmp_path / "empty").mkdir()
    for name in ("none", "empty", "file"):
        assert folder_state(tmp_path / name) == EMPTY_FOLDER


def test_every_change_shows(tmp_path: Path) -> None:
    seen = {folder_state(tmp_path)}
    file = write(tmp_path, "web/a.html", "a")
    seen.add(folder_state(tmp_path))
    write(tmp_path, "web/a.html", "ab")
    seen.add(folder_state(tmp_path))
    write(tmp_path, "web/b.html", "b")
    seen.add(folder_state(tmp_path))
    file.rename(tmp_path / "a.html")
    seen.add(folder_state(tmp_path))
    assert len(seen) == 5
    assert folder_state(tmp_path) == folder_state(tmp_path)


def test_what_links_lead_to_is_not_looked_through(tmp_path: Path) -> None:
    write(tmp_path, "elsewhere/deep/a.html", "a")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "round").symlink_to(tmp_path / "own")
    (tmp_path / "own" / "out").symlink_to(tmp_path / "elsewhere")
    assert {Path(name).name for name, _time, _size in folder_state(tmp_path / "own")} == {
        "round",
        "out",
    }


def test_a_thousand_files_are_the_most(tmp_path: Path) -> None:
    for number in range(template_files.MAX_TEMPLATE_FILES):
        write(tmp_path, str(number), "")
    assert len(folder_state(tmp_path)) == template_files.MAX_TEMPLATE_FILES
    write(tmp_path, "one more", "")
    with pytest.raises(RenderingError, match=r"^templates/ holds more than 1000 files"):
        folder_state(tmp_path)


def test_a_file_may_be_as_large_as_that(tmp_path: Path) -> None:
    write(tmp_path, "a.html", b"x" * template_files.MAX_TEMPLATE_BYTES)
    assert len(read_custom_file(tmp_path, "a.html")) == template_files.MAX_TEMPLATE_BYTES
    write(tmp_path, "a.html", b"x" * (template_files.MAX_TEMPLATE_BYTES + 1))
    with pytest.raises(
        RenderingError, match=r"^a\.html has more than 1,000,000 bytes; shorten it$"
    ):
        read_custom_file(tmp_path, "a.html")


def test_a_mark_of_the_encoding_is_no_part_of_a_template(tmp_path: Path) -> None:
    write(tmp_path, "a.html", "\ufeff<!DOCTYPE html>\r\n")
    assert read_custom_template(tmp_path, "a.html") == "<!DOCTYPE html>\r\n"


def test_the_renderer_needs_no_folder_and_knows_which_languages_have_strings(
    tmp_path: Path,
) -> None:
    issue = sample.issue("en")
    assert Renderer(tmp_path / "none").digest(issue) == Renderer().digest(issue)
    assert Renderer().fingerprint() == Renderer().fingerprint()
    assert len(Renderer().fingerprint()) == 64
    known = {
        tag: Renderer(tmp_path).has_catalogue(tag) for tag in ("en", "ar", "zh-Hant", "de")
    }
    assert known == {"en": True, "ar": True, "zh-Hant": True, "de": False}
    assert (shipped_templates_folder() / "email" / "digest" / "body.html").is_file()


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


def test_templates_inside_the_package_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "publisher"
    shutil.copytree(shipped_templates_folder(), package / "templates")
    monkeypatch.setattr(publisher, "__path__", [str(package)])
    monkeypatch.setattr("publisher.rendering.template_files.files", lambda _name: package)
    assert shipped_templates_folder.__wrapped__() == package / "templates"
