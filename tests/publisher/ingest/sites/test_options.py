"""How a site's configuration is read, and what include and exclude change."""

from pathlib import Path, PurePosixPath

import pytest

from publisher.errors import SourceError
from publisher.ingest.sites import configuration
from publisher.ingest.sites.base import LeftOut, LeftOutReason, PathPatterns, SitePage
from publisher.ingest.sites.configuration import ConfigurationFiles
from tests.publisher.ingest.sites.helpers import opened

# How a site's own configuration is read.


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


def test_aliases_are_read_and_nesting_without_end_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: [*a, *a]\n")
    table = ConfigurationFiles(tmp_path).table("a.yml")
    assert table == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": [{"x": 1}, {"x": 1}]}
    (tmp_path / "a.yml").write_text(
        "name: T # &name\nauthor: {name: *name, b: 1}\nc: [*name]\n"
    )
    table = ConfigurationFiles(tmp_path).table("a.yml")
    assert table == {"name": "T", "author": {"name": None, "b": 1}, "c": [None]}
    (tmp_path / "a.yml").write_text("x: " + "[" * 1000)
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


# Patterns of paths in `include` and `exclude`.


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        *(("docs", "docs/a.md", True), ("docs", "en/docs/deep/a.md", True)),
        *(("docs", "docs.md", False), ("/docs", "en/docs/a.md", False)),
        ("content/docs/**", "content/docs/a.md", True),
        ("content/docs/**", "content/docs", False),
        ("content/*/post", "content/en/post/2026/a.md", True),
        ("content/*/post", "content/en/de/post/a.md", False),
        *(("**/post/*.md", "content/en/post/a.md", True), ("**/post/*.md", "post/a.md", True)),
        *(("**/post/*.md", "post/a.html", False), ("*.html", "a/b.html", True)),
        *(("a?.md", "ab.md", True), ("a?.md", "a/.md", False), ("a+b.md", "aab.md", False)),
        *(("**/x.{md,mdx}", "a/x.mdx", True), ("**/x.{md,mdx}", "a/x.html", False)),
        ("a{b.md", "a{b.md", True),
    ],
)
def test_a_pattern_matches_names_and_all_below_a_folder(
    pattern: str, path: str, matches: bool
) -> None:
    assert PathPatterns([pattern]).match(PurePosixPath(path)) == matches


# What `include` and `exclude` change of a site.


def classified(tmp_path: Path, path: str, **options: tuple[str, ...]) -> SitePage | LeftOut:
    return opened(tmp_path, **options).classify(PurePosixPath(path))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        *(("README.md", LeftOutReason.README), ("en/readme.fr.md", LeftOutReason.README)),
        *(("LICENSE.txt", LeftOutReason.README), ("blog/AGENTS.md", LeftOutReason.README)),
        *(("en/CONTRIBUTING.fr.md", LeftOutReason.README), ("_x.md", LeftOutReason.HIDDEN)),
        ("a.md~", LeftOutReason.HIDDEN),
    ],
)
def test_files_that_are_no_articles_by_their_names(
    tmp_path: Path, path: str, reason: LeftOutReason
) -> None:
    found = classified(tmp_path, path)
    assert isinstance(found, LeftOut)
    assert found.reason is reason


@pytest.mark.parametrize("path", ["license.md", "en/Security.md", "changes-in-may.md"])
def test_an_article_may_have_the_name_of_such_a_file(tmp_path: Path, path: str) -> None:
    assert isinstance(classified(tmp_path, path), SitePage)


@pytest.mark.parametrize(
    ("path", "include", "stated", "language"),
    [
        *(("content/blog/a.md", (), "de", "de"), ("content/blog/a.en.md", (), "de", "en")),
        *(("content/blog/en/a.md", (), "de", "en"), ("content/french/a.md", (), "de", "fr")),
        ("content/french/a.md", ("content/*",), "de", "fr"),
        ("content/french/a.md", ("content/french/2026", "content/french/a.md"), "fr-CA", "fr-CA"),
        ("content/french/a.en.md", ("content/french",), "fr-CA", "en"),
        ("content/blog/ja/a.md", ("content/blog/ja",), "ja", "ja"),
        ("content/blog/ja/a.md", (), "", "en"),
        ("content/blog/a.md", ("**/*.md",), "de", "de"),
        ("content/blog/a.md", ("*.md",), "de", "de"),
    ],
)  # fmt: skip
def test_the_language_of_a_source_counts_before_what_its_site_declares(
    tmp_path: Path, path: str, include: tuple[str, ...], stated: str, language: str
) -> None:
    config = '[languages.en]\n[languages.fr]\ncontentDir = "content/french"\n'
    (tmp_path / "hugo.toml").write_text(config)
    chosen = {"language": stated} if stated else {}
    page = opened(tmp_path, include=include, **chosen).classify(PurePosixPath(path))
    assert isinstance(page, SitePage)
    assert page.language == language


def test_exclude_leaves_out_and_include_takes_only_what_matches(tmp_path: Path) -> None:
    out = LeftOut(LeftOutReason.EXCLUDED, "docs")
    assert classified(tmp_path, "docs/a.md", exclude=("docs",)) == out
    assert classified(tmp_path, "docs/a.md", include=("news",)) == out
    assert isinstance(classified(tmp_path, "news/README.md", include=("news",)), SitePage)
    agents = LeftOut(LeftOutReason.README, "AGENTS.md")
    assert classified(tmp_path, "news/AGENTS.md", include=("news",)) == agents
    named = ("news/AGENTS.md",)
    assert isinstance(classified(tmp_path, "news/AGENTS.md", include=named), SitePage)
    assert classified(tmp_path, "docs/a.md", include=("docs",), exclude=("docs",)) == out
    assert not PathPatterns([])
    assert not PathPatterns([]).match(PurePosixPath("a.md"))
