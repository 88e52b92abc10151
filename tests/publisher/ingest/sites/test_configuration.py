"""How a site's own configuration is read."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from publisher.errors import SourceError
from publisher.ingest.sites import configuration
from publisher.ingest.sites.configuration import ConfigurationFiles


def test_the_digest_changes_with_any_file_that_was_read(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("x: 1")
    files = ConfigurationFiles(tmp_path)
    assert files.digest == ""
    assert files.table("a.yml") == {"x": 1}
    before = files.digest
    (tmp_path / "a.yml").write_text("x: 2")
    again = ConfigurationFiles(tmp_path)
    assert again.first_table("b.toml", "a.yml") == {"x": 2}
    assert again.digest != before


@pytest.mark.parametrize(
    ("name", "text"), [("a.toml", "x = "), ("a.json", "{"), ("a.yml", "x: [")]
)
def test_a_malformed_file_is_named(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match=name):
        ConfigurationFiles(tmp_path).table(name)


def test_a_link_out_of_the_site_and_bytes_that_are_no_text_are_no_configuration(
    tmp_path: Path,
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "secret.yml").write_text("x: 1")
    (tmp_path / "site/a.yml").symlink_to(tmp_path / "secret.yml")
    (tmp_path / "site/b.yml").write_bytes(b"\xff\xfe")
    files = ConfigurationFiles(tmp_path / "site")
    assert files.text("a.yml") is files.text("b.yml") is files.text("../secret.yml") is None


def test_aliases_and_merged_mappings_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: [*a, *a]\n")
    table = ConfigurationFiles(tmp_path).table("a.yml")
    assert table == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": [{"x": 1}, {"x": 1}]}


def test_nesting_without_end_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("x: " + "[" * 5000)
    with pytest.raises(SourceError, match=r"a\.yml"):
        ConfigurationFiles(tmp_path).table("a.yml")


def test_large_files_and_many_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration, "_MAX_FILE", 3)
    monkeypatch.setattr(configuration, "_MAX_FILES", 1)
    (tmp_path / "a.yml").write_text("x: 1")
    (tmp_path / "b.yml").write_text("x")
    files = ConfigurationFiles(tmp_path)
    with pytest.raises(SourceError, match="too large"):
        files.text("a.yml")
    with pytest.raises(SourceError, match="more than 1 files"):
        list(files.below("", (".yml",)))


def test_what_a_document_includes_is_in_the_folder_and_not_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "secret.md").write_text("x")
    (tmp_path / "site/a.md").write_text("Ebb.")
    (tmp_path / "site/large.md").write_text("x" * 100)
    monkeypatch.setattr(configuration, "_MAX_FILE", 50)
    files = ConfigurationFiles(tmp_path / "site")
    names = ("../a.md", "@/a.md", "@site/a.md", "../../secret.md", "/a.md", "@/large.md")
    found = [files.included(PurePosixPath("blog"), PurePosixPath(), one) for one in names]
    assert found == ["Ebb.", "Ebb.", "Ebb.", None, None, None]
    assert files.digest == ""
