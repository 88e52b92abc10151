"""The table [publication]: its address, its languages, and how its mails look."""

import re
from pathlib import Path

import pytest
from PIL import Image

from publisher.config import load_settings
from publisher.config.choices import Content, DigestBlock
from publisher.config.design import DesignSettings
from tests.publisher.config.samples import changed, publication, refusal, settings, told, write


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://news.example.org", "news.example.org"),
        *(("https://News.Example.org:8443/a/b", "news.example.org"), ("http://[::1]/a", "::1")),
        ("http://[::1]:8000", "::1"),
    ],
)
def test_the_host_is_the_name_alone(tmp_path: Path, url: str, host: str) -> None:
    assert publication(tmp_path, url=url).host == host


def test_a_publication_serves_languages_and_finds_their_editions(tmp_path: Path) -> None:
    found = settings(tmp_path).publication
    assert found.default_language == "en"
    assert found.serves("en-GB") == "en"
    assert found.serves("zh-HK") == "zh-Hant"
    assert found.serves("uk") is None
    assert found.subscriber_tag("zh_HK") == "zh-Hant-HK"
    assert found.subscriber_tag("EN-gb") == "en-GB"
    assert found.subscriber_tag("uk") is None
    assert found.subscriber_tag("klingon") is None
    publication_settings = settings(tmp_path)
    edition = publication_settings.edition("weekly", "zh-Hant")
    assert edition is not None
    assert (edition.newsletter, edition.language) == ("weekly", "zh-Hant")
    assert publication_settings.edition("weekly", "fr") is None
    assert publication_settings.edition("hourly", "en") is None


def test_folders_are_absolute_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings(Path()).folders.root == tmp_path.resolve()


def test_an_edition_may_fall_back_to_what_its_newsletter_says(tmp_path: Path) -> None:
    text = changed('late = "send"', 'fallback = ["en"]').replace("convert", "fallback")
    assert load_settings(write(tmp_path, text), {}).newsletters[0].fallback == ("en",)


# The settings of how mails look, and of what they carry.


def with_design(*lines: str) -> str:
    return changed("[[source]]", "\n".join(("[publication.design]", *lines, "", "[[source]]")))


def designed(folder: Path, *lines: str) -> DesignSettings:
    return load_settings(write(folder, with_design(*lines)), {}).publication.design


def test_colours_and_type_are_the_program_s_or_the_publications(tmp_path: Path) -> None:
    design = settings(tmp_path).publication.design
    assert (design.accent, design.ground, design.headings) == ("#8f2f12", "#f2efe9", "serif")
    assert design.logo is None
    design = designed(tmp_path, 'accent = "#0B57D0"', 'ground = "#e8f0fe"', 'headings = "sans"')
    assert (design.accent, design.ground, design.headings) == ("#0b57d0", "#e8f0fe", "sans")


def test_mails_have_summaries_only_unless_an_edition_carries_more(tmp_path: Path) -> None:
    edition = settings(tmp_path).edition("weekly", "en")
    assert edition is not None
    assert edition.content == Content.SUMMARY
    assert edition.blocks == frozenset()
    lines = 'blocks = ["quotation", "notes"]\n[newsletter.edition.ar]\ncontent = "full"\nblocks = []'
    text = changed('late = "send"\n', "").replace(
        "max_articles = 12", f"max_articles = 12\n{lines}"
    )
    publication = load_settings(write(tmp_path, text), {})
    english, arabic = publication.edition("weekly", "en"), publication.edition("weekly", "ar")
    assert english is not None
    assert arabic is not None
    assert english.blocks == {DigestBlock.QUOTATION, DigestBlock.NOTES}
    assert (english.content, arabic.content) == (Content.SUMMARY, Content.FULL)
    assert arabic.blocks == frozenset()


def a_logo(folder: Path, name: str = "logo.png", size: tuple[int, int] = (400, 100)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "#8f2f12").save(folder / name)
    return folder / name


def test_a_logo_is_read_and_measured_with_the_settings(tmp_path: Path) -> None:
    content = a_logo(tmp_path).read_bytes()
    logo = designed(tmp_path, 'logo = "logo.png"').logo
    assert logo is not None
    assert (logo.width, logo.height, logo.content) == (400, 100, content)
    assert re.fullmatch(r"media/[0-9a-f]{16}/logo\.png", logo.target)
    assert "content" not in repr(logo)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("logo.svg", b"<svg/>", "'logo.svg' is no picture that pages and mails show"),
        ("logo.png", b"\x89PNG\r\n", "'logo.png' is no picture that pages and mails show"),
    ],
)
def test_a_logo_that_no_mail_can_show_is_refused(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    said = told(refusal(tmp_path, with_design(f'logo = "{name}"')))
    assert said.startswith("publication.design.logo: ")
    assert words in said


def test_an_icon_has_equal_sides(tmp_path: Path) -> None:
    a_logo(tmp_path, "wide.png")
    said = told(refusal(tmp_path, with_design('icon = "wide.png"')))
    assert said.startswith("publication.design.icon: 'wide.png' is 400 by 100 pixels")


def test_a_logo_that_loads_slowly_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "logo.png").open("wb") as file:
        file.write(a_logo(tmp_path / "small").read_bytes() + b"\0" * 200_000)
    assert "stay below 200000" in told(refusal(tmp_path, with_design('logo = "logo.png"')))
