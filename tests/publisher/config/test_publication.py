"""The table [publication]: its address, its languages, and how its mails look."""

import re
from pathlib import Path

import pytest
from PIL import Image

from publisher.config import load_settings
from publisher.config.choices import Content, DigestBlock
from publisher.config.design import DesignSettings
from tests.publisher.config.samples import (
    TEXT,
    changed,
    publication,
    refusal,
    settings,
    told,
    write,
)


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


# Languages that don't fit together are told at once, with the key and what would be right.


WEEKLY = TEXT.index("[newsletter.edition.zh-Hans]")
NOWHERE = 'falls back, but to which language; add fallback = ["en"], the best language first'


@pytest.mark.parametrize(
    ("terms", "editions", "expected"),
    [
        (
            'languages = ["en"]',
            '[newsletter.edition.ar]\nlate = "skip"',
            (
                "edition.ar: the newsletter has no edition in ar;"
                " add it to the newsletter's languages, or remove edition.ar"
            ),
        ),
        (
            "",
            '[newsletter.edition.ar]\nmissing = "convert"',
            (
                "edition.ar.missing: nothing can be converted into ar;"
                " use skip or fallback; only Chinese is converted, between its scripts"
            ),
        ),
        ("", '[newsletter.edition.ar]\nmissing = "fallback"', f"edition.ar.missing: {NOWHERE}"),
        ('missing = "fallback"', "", f"missing: {NOWHERE}"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, terms: str, editions: str, expected: str
) -> None:
    text = TEXT[:WEEKLY] + f"{terms}\n{editions}\n"
    assert told(refusal(tmp_path, text)) == f"newsletter[0].{expected}"


def test_an_edition_may_fall_back_to_what_its_newsletter_says(tmp_path: Path) -> None:
    text = TEXT[:WEEKLY] + 'fallback = ["en"]\n[newsletter.edition.ar]\nmissing = "fallback"\n'

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


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('accent = "red"', "'red' is not a colour; write one with six digits, like #8f2f12"),
        ('accent = "#f00"', "'#f00' is not a colour"),
        ('ground = "#12345"', "'#12345' is not a colour"),
        ('accent = "#ffcc00"', "can't be read on white (contrast 1.5:1); choose a darker one"),
        ('headings = "comic"', "'comic' won't do"),
        ('colour = "#8f2f12"', "unknown key"),
        ("accent = 5", "5 won't do"),
        ("logo = 5", "5 is no picture; write a path from here"),
    ],
)
def test_what_cannot_be_shown_is_refused_at_the_start(
    tmp_path: Path, line: str, words: str
) -> None:
    said = told(refusal(tmp_path, with_design(line)))
    assert said.startswith(f"publication.design.{line.split(maxsplit=1)[0]}: ")
    assert words in said


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


@pytest.mark.parametrize("lines", ['content = "some"', 'blocks = ["poem"]', 'blocks = "notes"'])
def test_what_no_mail_can_carry_is_refused(tmp_path: Path, lines: str) -> None:
    text = changed("max_articles = 12", f"max_articles = 12\n{lines}")
    assert told(refusal(tmp_path, text)).startswith("newsletter[0]")


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
        ("none.png", None, "'none.png' can't be read: No such file or directory"),
        ("logo.svg", b"<svg/>", "'logo.svg' is no picture that mails show"),
        ("logo.png", b"\x89PNG\r\n", "'logo.png' is no picture that mails show"),
        ("", None, "'' is no picture"),
    ],
)
def test_a_logo_that_no_mail_can_show_is_refused(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    said = told(refusal(tmp_path, with_design(f'logo = "{name}"')))
    assert said.startswith("publication.design.logo: ")
    assert words in said


def test_a_logo_that_loads_slowly_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "logo.png").open("wb") as file:
        file.write(a_logo(tmp_path / "small").read_bytes() + b"\0" * 200_000)
    assert "stay below 200000" in told(refusal(tmp_path, with_design('logo = "logo.png"')))
