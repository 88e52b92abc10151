"""What `include` and `exclude` change of a site."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from publisher.ingest.sites.base import LeftOut, LeftOutReason, SitePage
from publisher.ingest.sites.configuration import ConfigurationFiles
from publisher.ingest.sites.detect import open_site
from publisher.ingest.sites.options import SiteOptions


def classified(tmp_path: Path, path: str, **options: tuple[str, ...]) -> SitePage | LeftOut:
    site = open_site(ConfigurationFiles(tmp_path), SiteOptions(**options))  # type: ignore[arg-type]
    return site.classify(PurePosixPath(path))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("README.md", LeftOutReason.README),
        ("en/readme.fr.md", LeftOutReason.README),
        ("LICENSE.txt", LeftOutReason.README),
        ("_x.md", LeftOutReason.HIDDEN),
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


def test_exclude_leaves_out_and_include_takes_only(tmp_path: Path) -> None:
    out = LeftOut(LeftOutReason.EXCLUDED, "docs")
    assert classified(tmp_path, "docs/a.md", exclude=("docs",)) == out
    assert classified(tmp_path, "docs/a.md", include=("news",)) == out
    assert isinstance(classified(tmp_path, "news/README.md", include=("news",)), SitePage)
    assert classified(tmp_path, "docs/a.md", include=("docs",), exclude=("docs",)) == out
