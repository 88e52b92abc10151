from __future__ import annotations

from pathlib import Path

import pytest

from tests.publisher.config.samples import publication, settings


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://news.example.org", "news.example.org"),
        ("https://News.Example.org:8443/a/b", "news.example.org"),
        ("http://[::1]/a", "::1"),
        ("http://[::1]:8000", "::1"),
    ],
)
def test_the_host_is_the_name_alone(tmp_path: Path, url: str, host: str) -> None:
    assert publication(tmp_path, url=url).host == host


def test_a_publication_finds_the_edition_for_a_language(tmp_path: Path) -> None:
    found = settings(tmp_path).publication
    assert found.default_language == "en"
    assert found.serves("en-GB") == "en"
    assert found.serves("zh-HK") == "zh-Hant"
    assert found.serves("uk") is None


def test_a_subscriber_s_language_tag_is_kept_if_the_publication_has_an_edition_for_it(
    tmp_path: Path,
) -> None:
    found = settings(tmp_path).publication
    assert found.subscriber_tag("zh_HK") == "zh-Hant-HK"
    assert found.subscriber_tag("EN-gb") == "en-GB"
    assert found.subscriber_tag("uk") is None
    assert found.subscriber_tag("klingon") is None


def test_folders_are_absolute_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings(Path()).folders.root == tmp_path.resolve()


def test_an_edition_is_found_by_newsletter_and_language(tmp_path: Path) -> None:
    publication_settings = settings(tmp_path)
    found = publication_settings.edition("weekly", "zh-Hant")
    assert found is not None
    assert (found.newsletter, found.language) == ("weekly", "zh-Hant")
    assert publication_settings.edition("weekly", "fr") is None
    assert publication_settings.edition("hourly", "en") is None
