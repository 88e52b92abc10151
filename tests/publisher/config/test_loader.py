from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from publisher.config import SETTINGS_FILE, Folders, LatePolicy, MissingPolicy, load_settings
from publisher.errors import ConfigError, PublisherError
from tests.publisher.config.samples import TEXT, changed, settings, write

if TYPE_CHECKING:
    from pathlib import Path

PICTURE = '"0 8 * * FRI"'  # how the schedule stands in the sample
TITLE = 'title = { en = "The week" }'
LATE = 'late = "send"'
CRON_ADVICE = 'write five fields like "0 8 * * FRI" (minute hour day month weekday)'
TAG_ADVICE = "is not a language tag; write one like en, zh-Hans or pt-BR"
URL_ADVICE = "is not a web address; write one like https://news.example.org"
MAIL_ADVICE = 'is not a mail address; write "The Lantern <digest@news.example.org>"'

# What is written instead of what, and the line that comes of it, less the file.
WRONG: list[tuple[str, str, str]] = [
    # languages
    ("zh_TW", "klingon", f"publication.languages[2]: 'klingon' {TAG_ADVICE}"),
    ("zh_TW", "", f"publication.languages[2]: '' {TAG_ADVICE}"),
    ("zh_TW", "zh_CN.UTF-8", f"publication.languages[2]: 'zh_CN.UTF-8' {TAG_ADVICE}"),
    (
        "zh_TW",
        "zh-cn",
        "publication.languages: zh-Hans is there twice; name each language once",
    ),
    (
        '["en", ',
        "[3, ",
        "publication.languages[0]: 3 is not a language tag; write one like en or zh-Hans",
    ),
    (
        '["en", "zh-Hans", "zh_TW", "ar"]',
        '"en"',
        'publication.languages: \'en\' is not a list; write one like ["en", "zh-Hans"]',
    ),
    (
        '["en", "zh-Hans", "zh_TW", "ar"]',
        "[]",
        "publication.languages: () won't do; list should have at least 1 item, not 0",
    ),
    (
        "edition.zh-Hans]",
        "edition.fr]",
        (
            "newsletter[0].edition: fr is not one of the publication's languages; write one of"
            " en, zh-Hans, zh-Hant, ar, or add it to publication.languages"
        ),
    ),
    (
        LATE,
        'fallback = ["fr"]',
        (
            "newsletter[0].fallback: fr is not one of the publication's languages; write one of"
            " en, zh-Hans, zh-Hant, ar, or add it to publication.languages"
        ),
    ),
    (
        'missing = "convert"',
        'fallback = ["en", "fr"]',
        (
            "newsletter[0].edition.zh-Hant.fallback: fr is not one of the publication's languages;"
            " write one of en, zh-Hans, zh-Hant, ar, or add it to publication.languages"
        ),
    ),
    (
        LATE,
        'languages = ["fr"]',
        (
            "newsletter[0].languages: fr is not one of the publication's languages; write one of"
            " en, zh-Hans, zh-Hant, ar, or add it to publication.languages"
        ),
    ),
    (
        LATE,
        "languages = []",
        "newsletter[0].languages: [] won't do; value should have at least 1 item, not 0",
    ),
    (
        "edition.zh-Hans]",
        "edition.frr-foo-bar]",
        f"newsletter[0].edition: 'frr-foo-bar' {TAG_ADVICE}",
    ),
    (
        "edition.zh-Hans]",
        "edition.zh_TW]",
        "newsletter[0].edition: zh-Hant is there twice; name each language once",
    ),
    # what and who
    (
        "The week",
        " ",
        'newsletter[0].title: {\'en\': \' \'} is no text; write "Title" or { en = "Title", fr = "Titre" }',
    ),
    (
        TITLE,
        "title = 3",
        'newsletter[0].title: 3 is no text; write "Title" or { en = "Title", fr = "Titre" }',
    ),
    (
        TITLE,
        "title = {}",
        'newsletter[0].title: {} is no text; write "Title" or { en = "Title", fr = "Titre" }',
    ),
    (TITLE, 'title = { xx = "A" }', f"newsletter[0].title: 'xx' {TAG_ADVICE}"),
    (
        TITLE,
        'title = { zh-TW = "A", zh-Hant = "B" }',
        "newsletter[0].title: zh-Hant is there twice; name each language once",
    ),
    (
        "The week",
        "The\\r\\nBcc: week",
        (
            "newsletter[0].title: {'en': 'The\\r\\nBcc: week'} has a line break or control"
            " character; write one line"
        ),
    ),
    (TITLE, "", "newsletter[0].title: missing; add title = ..."),
    (
        'name = "weekly"',
        'name = "The Weekly"',
        (
            "newsletter[0].name: 'The Weekly' can't be part of a URL; write small letters, digits"
            " and hyphens, like weekly"
        ),
    ),
    (
        'name = "weekly"',
        'name = "stories"',
        (
            "newsletter[0].name: 'stories' is a folder of the web root already;"
            " choose another name"
        ),
    ),
    (
        "[delivery]",
        '[[newsletter]]\nname = "weekly"\ntitle = "Two"\nschedule = "0 8 * * *"\n[delivery]',
        "newsletter: two are named 'weekly'; give each a name of its own",
    ),
    (
        "digest@news",
        "digest.news",
        f"publication.sender: 'The Lantern <digest.news.example.org>' {MAIL_ADVICE}",
    ),
    (
        "The Lantern <",
        "A\\nBcc: b@example.org <",
        f"publication.sender: 'A\\nBcc: b@example.org <digest@news.example.org>' {MAIL_ADVICE}",
    ),
    (
        "The Lantern <",
        "A\\u2028B <",
        f"publication.sender: 'A\\u2028B <digest@news.example.org>' {MAIL_ADVICE}",
    ),
    (
        'sender = "The Lantern <digest@news.example.org>"',
        "sender = 3",
        f"publication.sender: 3 {MAIL_ADVICE}",
    ),
    (
        'address = "1 Example Street, Example City"',
        "",
        "publication.address: missing; add address = ...",
    ),
    (
        "https://news.example.org",
        "htps://news.example.org",
        f"publication.url: 'htps://news.example.org' {URL_ADVICE}",
    ),
    (
        "https://news.example.org",
        "https://news.example.org\\nX: y",
        f"publication.url: 'https://news.example.org\\nX: y' {URL_ADVICE}",
    ),
    (
        "https://news.example.org",
        "https://[::1",
        f"publication.url: 'https://[::1' {URL_ADVICE}",
    ),
    (
        "https://news.example.org",
        "https://example.org:99999",
        f"publication.url: 'https://example.org:99999' {URL_ADVICE}",
    ),
    (
        "https://news.example.org",
        "https:///news",
        f"publication.url: 'https:///news' {URL_ADVICE}",
    ),
    (
        "https://news.example.org",
        "https://example.org/?a",
        f"publication.url: 'https://example.org/?a' {URL_ADVICE}",
    ),
    (
        "https://news.example.org",
        "https://me:word@example.org",
        f"publication.url: 'https://me:word@example.org' {URL_ADVICE}",
    ),
    # when
    (
        "Asia/Hong_Kong",
        "Mars/Base",
        (
            "publication.timezone: 'Mars/Base' is not a time zone; write an IANA name like"
            " Asia/Hong_Kong or UTC"
        ),
    ),
    (
        "Asia/Shanghai",
        "../zone",
        (
            "newsletter[0].edition.zh-Hans.timezone: '../zone' is not a time zone; write an IANA"
            " name like Asia/Hong_Kong or UTC"
        ),
    ),
    (
        PICTURE,
        '"0 8 * * FRO"',
        f"newsletter[0].schedule: '0 8 * * FRO' is no cron line (Bad day-of-week); {CRON_ADVICE}",
    ),
    (
        PICTURE,
        '"0 25 * * FRI"',
        f"newsletter[0].schedule: '0 25 * * FRI' is no cron line (Bad hour); {CRON_ADVICE}",
    ),
    (
        PICTURE,
        '"0 8 * *"',
        (
            f"newsletter[0].schedule: '0 8 * *' is neither cron nor RRULE; {CRON_ADVICE} or"
            " FREQ=WEEKLY;BYDAY=FR"
        ),
    ),
    (
        PICTURE,
        '"FREQ=WEEKLY;BYDAY=FR"',
        "newsletter[0].schedule: 'FREQ=WEEKLY;BYDAY=FR' has no time of day; add at = \"08:00\"",
    ),
    (
        PICTURE,
        '"0 8,9 * * FRI"',
        (
            "newsletter[0].schedule: '0 8,9 * * FRI' names more than one time a day; write one"
            ' minute and one hour, like "0 8 * * *", and a second newsletter for a second time'
        ),
    ),
    (
        LATE,
        'at = "09:00"',
        "newsletter[0].schedule: '0 8 * * FRI' says its time already; leave out at = 09:00",
    ),
    (
        'timezone = "Asia/Shanghai"',
        'schedule = "8"',
        (
            f"newsletter[0].edition.zh-Hans.schedule: '8' is neither cron nor RRULE; {CRON_ADVICE}"
            " or FREQ=WEEKLY;BYDAY=FR"
        ),
    ),
    (
        LATE,
        'at = "8 o\'clock"',
        'newsletter[0].at: "8 o\'clock" is not a time of day; write one like 08:00',
    ),
    (
        LATE,
        'at = "08:00+05:00"',
        "newsletter[0].at: '08:00+05:00' is not a time of day; write one like 08:00",
    ),
    (
        LATE,
        "at = 08:00:00.5",
        "newsletter[0].at: '08:00:00.500000' is not a time of day; write one like 08:00",
    ),
    (
        LATE,
        "skip_dates = 2026-12-25",
        "newsletter[0].skip_dates: datetime.date(2026, 12, 25) won't do; write a list like [2026-12-25, 2027-01-01]",
    ),
    # how much
    (
        "max_articles = 12",
        "max_articles = 0",
        "newsletter[0].max_articles: 0 won't do; input should be greater than or equal to 1",
    ),
    (
        LATE,
        'late = "sned"',
        "newsletter[0].late: 'sned' won't do; input should be 'send', 'skip' or 'merge'",
    ),
    (
        '"outbox"',
        '"smpt"',
        "delivery.transport: 'smpt' won't do; input should be 'outbox' or 'smtp'",
    ),
    (
        'kind = "folder"',
        'kind = "feed"',
        "source[0].kind: 'feed' won't do; input should be 'folder'",
    ),
    (
        'path = "articles"',
        "path = 3",
        "source[0].path: 3 won't do; input should be a valid string",
    ),
    # the file's own form
    (
        "max_articles = 12",
        "max_article = 12",
        "newsletter[0].max_article: unknown key; did you mean max_articles?",
    ),
    (
        'timezone = "Asia/Shanghai"',
        'timezon = "Asia/Shanghai"',
        "newsletter[0].edition.zh-Hans.timezon: unknown key; did you mean timezone?",
    ),
    (
        'transport = "outbox"',
        'colour = "red"',
        (
            "delivery.colour: unknown key; the keys here are transport, durability, outbox, smtp,"
            " rate, domain, warmup, dkim"
        ),
    ),
    (
        'transport = "outbox"',
        '"trans\\nport" = "outbox"',
        "delivery.'trans\\nport': unknown key; did you mean transport?",
    ),
    ("[publication]", "[publicaton]", "publicaton: unknown key; did you mean publication?"),
    ('[[source]]\nkind = "folder"\npath = "articles"', "", "source: missing; add [[source]]"),
    (
        "[[source]]",
        "[source]",
        "source: {'kind': 'folder', 'path': 'articles'} won't do; write a table below [[source]]",
    ),
    (
        '[delivery]\ntransport = "outbox"',
        "[feeds]\nentries = 1001",
        "feeds.entries: 1001 won't do; input should be less than or equal to 1000",
    ),
    (
        "[delivery]",
        "[delivery",
        (
            "not TOML: Expected ']' at the end of a table declaration (at line 24, column 10);"
            " mend that line"
        ),
    ),
    (
        "max_articles = 12",
        f"max_articles = {'9' * 5000}",
        (
            "not TOML: Exceeds the limit (4300 digits) for integer string conversion: value has"
            " 5000 digits; use sys.set_int_max_str_digits() to increase the limit; mend that line"
        ),
    ),
]

PARTS = {
    "publication": TEXT[: TEXT.index("[[source]]")],
    "source": TEXT[TEXT.index("[[source]]") : TEXT.index("[[newsletter]]")],
    "newsletter": TEXT[TEXT.index("[[newsletter]]") : TEXT.index("[delivery]")],
}


def refusal(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(folder, text), {})
    return caught.value


@pytest.mark.parametrize(("old", "new", "line"), WRONG, ids=[line[:60] for *_, line in WRONG])
def test_a_wrong_setting_gives_one_line(tmp_path: Path, old: str, new: str, line: str) -> None:
    error = refusal(tmp_path, changed(old, new))
    assert str(error) == f"{tmp_path / SETTINGS_FILE}: {line}"
    assert len(str(error).splitlines()) == 1
    assert error.exit_code == 2
    assert error.problem
    assert error.remedy


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("publication = 3", "publication: 3 won't do; write a table below [publication]"),
        ("feeds = 3\n" + TEXT, "feeds: 3 won't do; write a table below [feeds]"),
        ("source = [3]", "source[0]: 3 won't do; write a table below [[source]]"),
        ("newsletter = 3\n", "newsletter: 3 won't do; write a table below [[newsletter]]"),
    ],
)
def test_a_value_where_a_table_belongs_says_so(tmp_path: Path, text: str, line: str) -> None:
    rest = TEXT[TEXT.index("[delivery]") :]
    for name in ("publication", "source", "newsletter"):
        if not text.startswith(name) and TEXT not in text:
            rest += PARTS[name]
    assert str(refusal(tmp_path, text if TEXT in text else f"{text}\n{rest}")) == (
        f"{tmp_path / SETTINGS_FILE}: {line}"
    )


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path / "nowhere", {})
    assert str(caught.value) == (
        f"{tmp_path / 'nowhere' / SETTINGS_FILE}: no such file; make a publication with:"
        f" publisher new {tmp_path / 'nowhere'}"
    )


def test_a_file_that_is_not_utf_8_says_where(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_bytes(b"# \xff")
    with pytest.raises(ConfigError, match="not UTF-8 at byte 2; save the file as UTF-8"):
        load_settings(tmp_path, {})


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).mkdir()
    with pytest.raises(ConfigError, match="can't be read: Is a directory; let this user"):
        load_settings(tmp_path, {})


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(TEXT, "utf-8-sig")
    assert load_settings(tmp_path, {}).publication.languages[0] == "en"


def test_a_misspelled_key_is_named_before_what_it_left_missing(tmp_path: Path) -> None:
    error = refusal(tmp_path, changed("url =", "ulr ="))
    assert (error.key, error.remedy) == ("publication.ulr", "did you mean url?")


def test_the_sample_of_the_readme_is_read_whole(tmp_path: Path) -> None:
    house = settings(tmp_path)
    assert house.folders == Folders(tmp_path.resolve())
    assert house.publication.languages == ("en", "zh-Hans", "zh-Hant", "ar")
    assert house.publication.title("zh-Hans") == "灯笼"
    assert [source.path for source in house.sources] == ["articles"]
    (weekly,) = house.newsletters
    assert (weekly.late, weekly.max_articles) == (LatePolicy.SEND, 12)
    assert weekly.edition["zh-Hant"].missing is MissingPolicy.CONVERT
    assert house.delivery.transport == "outbox"
    assert house.feeds.entries == 50
    assert house.secret is None


@pytest.mark.parametrize(
    "place",
    [
        *(".", "..", "public", "public/en", "outbox", "var", "var/x", "templates"),
        *("templates/web", "articles/..", "articles/../public/en"),
    ],
)
def test_a_source_that_holds_what_the_program_writes_is_refused(
    tmp_path: Path, place: str
) -> None:
    folder = write(tmp_path / "news", changed('"articles"', f'"{place}"'))
    with pytest.raises(ConfigError) as caught:
        load_settings(folder, {})
    assert caught.value.exit_code == 2
    assert str(caught.value) == (
        f"{folder / SETTINGS_FILE}: source[0].path: {place!r} holds the program's own files; "
        'keep the articles in a folder of their own, like "articles"'
    )


@pytest.mark.parametrize("place", ["publications", "../articles", "articles/public", "var-x"])
def test_a_source_beside_what_the_program_writes_is_taken(tmp_path: Path, place: str) -> None:
    folder = write(tmp_path / "news", changed('"articles"', f'"{place}"'))
    assert load_settings(folder, {}).sources[0].path == place


def test_a_source_that_leads_to_what_the_program_writes_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "news")
    (folder / "public").mkdir()
    (folder / "articles").symlink_to(folder / "public")
    with pytest.raises(ConfigError, match="holds the program's own files"):
        load_settings(folder, {})


def test_a_publication_may_have_no_newsletter(tmp_path: Path) -> None:
    text = TEXT[: TEXT.index("[[newsletter]]")]
    assert load_settings(write(tmp_path, text), {}).newsletters == ()


def test_the_environment_gives_the_secret(tmp_path: Path) -> None:
    house = settings(tmp_path, {"PUBLISHER_SECRET": "0123456789abcdef"})
    assert house.secret is not None
    assert house.secret.get_secret_value() == "0123456789abcdef"


@pytest.mark.parametrize("short", ["", "0123456789abcde"])
def test_a_secret_that_can_be_guessed_is_refused_without_showing_it(
    tmp_path: Path, short: str
) -> None:
    with pytest.raises(PublisherError) as caught:
        settings(tmp_path, {"PUBLISHER_SECRET": short})
    assert str(caught.value) == (
        f"environment: PUBLISHER_SECRET: only {len(short)} characters;"
        " use 16 or more from a random source"
    )
    assert caught.value.exit_code == 2
