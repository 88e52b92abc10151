"""A publication's own templates: what they may replace, and what is read of them."""

import shutil
from pathlib import Path
from typing import Any

import pytest

import publisher
from publisher.errors import RenderingError
from publisher.languages.catalogues import shipped_templates_folder
from publisher.rendering import Renderer, template_files
from publisher.rendering import renderer as renderer_module
from publisher.rendering.environment import Templates
from publisher.rendering.template_files import (
    EMPTY_FOLDER,
    folder_state,
    misspelt_templates,
    read_custom_file,
    read_custom_template,
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


class _Here:
    """Calls functions in this process: the sandbox has tests of its own."""

    def __init__(self, folder: Path) -> None:
        self._templates = Templates(folder)

    def call(self, _state: object, function: Any, *arguments: Any, **named: Any) -> Any:
        return function(self._templates, *arguments, **named)


def test_broken_templates_of_pages_are_named_once_and_the_shipped_ones_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "feed/entry.html", "\n{{ item.nothing }}")
    write(tmp_path, "web/moved.html", "{% nonsense %}")
    write(tmp_path, "locale/ar/LC_MESSAGES/messages.po", "nonsense")
    write(tmp_path, "email/digest/body.txt", "{% nonsense %}")
    monkeypatch.setattr(renderer_module, "_sandbox", _Here)
    renderer = Renderer(tmp_path)
    renderer.note_faults()
    for language in ("en", "ar", "en"):
        house, item = sample.publication(language), sample.item(language)
        assert renderer.feed_texts(item, house) == Renderer().feed_texts(item, house)
        assert renderer.moved_page(house, "/x/") == Renderer().moved_page(house, "/x/")
    assert [one.partition(": ")[0] for one in renderer.take_faults()] == [
        "templates/locale/ar/LC_MESSAGES/messages.po",
        "templates/web/moved.html, line 1",
        "templates/feed/entry.html, line 2",
    ]
    assert renderer.take_faults() == []
    with pytest.raises(RenderingError, match=r"email/digest/body\.txt, line 1"):
        renderer.digest(sample.issue("en"))


def test_names_that_are_nearly_those_of_templates_are_named(tmp_path: Path) -> None:
    for name in ("templates/web/home.html", "templates/parts/motto.html", "template/a.html"):
        write(tmp_path, name, "")
    write(tmp_path, "templates/web/articel.html", "")
    write(tmp_path, "templates/emails/digest/body.html", "")
    write(tmp_path, "templates/locales/fr/LC_MESSAGES/messages.po", "")
    write(tmp_path, "templates/locale/fr/LC_MESSAGES/messages.po", "")
    assert list(misspelt_templates(tmp_path)) == [
        "template/: this folder is not read; did you mean templates/?",
        "templates/emails/digest/body.html replaces no template; did you mean email/digest/body.html?",
        "templates/locales/fr/LC_MESSAGES/messages.po is not read; a catalogue is templates/locale/<language>/LC_MESSAGES/messages.po",
        "templates/web/articel.html replaces no template; did you mean web/article.html?",
    ]


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
        tag: Renderer(tmp_path).has_catalogue(tag) for tag in ("en", "ar", "zh-Hant", "nb")
    }
    assert known == {"en": True, "ar": True, "zh-Hant": True, "nb": False}
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
    monkeypatch.setattr("publisher.languages.catalogues.files", lambda _name: package)
    assert shipped_templates_folder.__wrapped__() == package / "templates"
