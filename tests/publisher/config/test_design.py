"""The settings of how mails look, and of what they carry."""

import re
from pathlib import Path

import pytest
from PIL import Image

from publisher.config import Settings, load_settings
from publisher.config.policies import Content, DigestBlock
from publisher.errors import ConfigError
from tests.publisher.config.samples import changed, settings, write


def designed(folder: Path, *lines: str) -> Settings:
    table = "\n".join(("[publication.design]", *lines, "", "[[source]]"))
    return load_settings(write(folder, changed("[[source]]", table)), {})


def with_newsletter(folder: Path, lines: str) -> Settings:
    return load_settings(
        write(folder, changed("max_articles = 12", f"max_articles = 12\n{lines}")), {}
    )


def test_a_publication_that_says_nothing_looks_as_the_program_does(tmp_path: Path) -> None:
    design = settings(tmp_path).publication.design
    assert (design.accent, design.ground, design.headings) == ("#8f2f12", "#f2efe9", "serif")
    assert design.logo is None


def test_colours_and_type_are_the_publications(tmp_path: Path) -> None:
    design = designed(
        tmp_path, 'accent = "#0B57D0"', 'ground = "#e8f0fe"', 'headings = "sans"'
    ).publication.design
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
    ],
)
def test_what_cannot_be_shown_is_refused_at_the_start(
    tmp_path: Path, line: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        designed(tmp_path, line)
    assert f"publication.design.{line.split(maxsplit=1)[0]}: " in str(caught.value)
    assert words in str(caught.value)


def test_mails_have_summaries_only_by_default(tmp_path: Path) -> None:
    edition = settings(tmp_path).edition("weekly", "en")
    assert edition is not None
    assert edition.content == Content.SUMMARY
    assert edition.blocks == frozenset()


def test_an_edition_may_carry_more_than_its_newsletter(tmp_path: Path) -> None:
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
    with pytest.raises(ConfigError, match=r"newsletter\[0\]"):
        with_newsletter(tmp_path, lines)


def a_logo(folder: Path, name: str = "logo.png", size: tuple[int, int] = (400, 100)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "#8f2f12").save(folder / name)
    return folder / name


def test_a_logo_is_read_and_measured_with_the_settings(tmp_path: Path) -> None:
    content = a_logo(tmp_path).read_bytes()
    logo = designed(tmp_path, 'logo = "logo.png"').publication.design.logo
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
    with pytest.raises(ConfigError) as caught:
        designed(tmp_path, f'logo = "{name}"')
    assert "publication.design.logo: " in str(caught.value)
    assert words in str(caught.value)


def test_a_logo_that_loads_slowly_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "logo.png").open("wb") as file:
        file.write(a_logo(tmp_path / "small").read_bytes() + b"\0" * 200_000)
    with pytest.raises(ConfigError, match="stay below 200000"):
        designed(tmp_path, 'logo = "logo.png"')


def test_a_logo_that_is_no_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="5 is no picture; write a path from here"):
        designed(tmp_path, "logo = 5")
