"""A publication's settings as a whole: how the file is read, and what mistakes are told."""

import re
from datetime import time
from pathlib import Path

import pytest

from publisher.config import SETTINGS_FILE, Folders, LatePolicy, MissingPolicy, load_settings
from publisher.errors import ConfigError, PublisherError
from tests.publisher.config.samples import TEXT, changed, refusal, settings, told, write

SCHEDULE = '"0 8 * * FRI"'
TITLE = 'title = { en = "The week" }'
LATE = 'late = "send"'
CRON = 'write five fields like "0 8 * * FRI" (minute hour day month weekday)'
TAG = "is not a language tag; write one like en, zh-Hans or pt-BR"
URL = "is not a web address; write one like https://news.example.org"
MAIL = 'is not a mail address; write "The Lantern <digest@news.example.org>"'
NO_TEXT = 'is no text; write "Title" or { en = "Title", fr = "Titre" }'
ONCE = "is there twice; name each language once"
UNKNOWN = (
    "fr is not one of the publication's languages; write one of en, zh-Hans, zh-Hant, ar,"
    " or add it to publication.languages"
)
CONTROL = "has a line break or control character; write one line"
ZONE = "is not a time zone; write an IANA name like Asia/Hong_Kong or UTC"
LIST = '["en", "zh-Hans", "zh_TW", "ar"]'
ZONED = 'timezone = "Asia/Shanghai"'
SECOND = '[[newsletter]]\nname = "weekly"\ntitle = "Two"\nschedule = "0 8 * * *"\n[delivery]'

# By key: what is written instead of what, and what is said of the key. What is wrong with a single
# value of a type is in test_values, and with a schedule in test_recurrence.
WRONG: dict[str, list[tuple[str, str, str]]] = {
    "publication.languages[2]": [("zh_TW", "klingon", f"'klingon' {TAG}")],
    "publication.languages[0]": [
        ('["en", ', "[3, ", "3 is not a language tag; write one like en or zh-Hans")
    ],
    "publication.languages": [
        ("zh_TW", "zh-cn", f"zh-Hans {ONCE}"),
        (LIST, '"en"', '\'en\' is not a list; write one like ["en", "zh-Hans"]'),
        (LIST, "[]", "() won't do; list should have at least 1 item, not 0"),
    ],
    "publication.sender": [
        ("digest@news", "digest.news", f"'The Lantern <digest.news.example.org>' {MAIL}"),
        (
            "The Lantern <",
            "A\\nBcc: b@example.org <",
            f"'A\\nBcc: b@example.org <digest@news.example.org>' {MAIL}",
        ),
        ('sender = "The Lantern <digest@news.example.org>"', "sender = 3", f"3 {MAIL}"),
    ],
    "publication.address": [
        ('address = "1 Example Street, Example City"', "", "missing; add address = ...")
    ],
    "publication.url": [
        ("https://news", "htps://news", f"'htps://news.example.org' {URL}"),
        ("https://news", "https:///news", f"'https:///news.example.org' {URL}"),
        ("https://news", "https://me:word@news", f"'https://me:word@news.example.org' {URL}"),
        ('news.example.org"\n', '[::1"\n', f"'https://[::1' {URL}"),
        ('news.example.org"\n', 'a.example:99999"\n', f"'https://a.example:99999' {URL}"),
        ('news.example.org"\n', 'a.example/?a"\n', f"'https://a.example/?a' {URL}"),
    ],
    "publication.timezone": [("Asia/Hong_Kong", "Mars/Base", f"'Mars/Base' {ZONE}")],
    "newsletter[0].edition": [
        ("edition.zh-Hans]", "edition.fr]", UNKNOWN),
        ("edition.zh-Hans]", "edition.frr-foo-bar]", f"'frr-foo-bar' {TAG}"),
        ("edition.zh-Hans]", "edition.zh_TW]", f"zh-Hant {ONCE}"),
    ],
    "newsletter[0].fallback": [(LATE, 'fallback = ["fr"]', UNKNOWN)],
    "newsletter[0].edition.zh-Hant.fallback": [
        ('missing = "convert"', 'fallback = ["en", "fr"]', UNKNOWN)
    ],
    "newsletter[0].languages": [
        (LATE, 'languages = ["fr"]', UNKNOWN),
        (LATE, "languages = []", "[] won't do; value should have at least 1 item, not 0"),
    ],
    "newsletter[0].title": [
        ("The week", " ", f"{{'en': ' '}} {NO_TEXT}"),
        (TITLE, "title = 3", f"3 {NO_TEXT}"),
        (TITLE, 'title = { xx = "A" }', f"'xx' {TAG}"),
        (TITLE, 'title = { zh-TW = "A", zh-Hant = "B" }', f"zh-Hant {ONCE}"),
        ("The week", "The\\u202eweek", f"{{'en': 'The\\u202eweek'}} {CONTROL}"),
        ("The week", "The\\r\\nBcc: week", f"{{'en': 'The\\r\\nBcc: week'}} {CONTROL}"),
        (TITLE, "", "missing; add title = ..."),
    ],
    "source[0].problems": [
        (
            '"articles"',
            '"articles"\n[source.problems]\nempty = "hold"',
            "'empty' is no kind of problem that can be set; did you mean empty-value?",
        )
    ],
    "newsletter[0].name": [
        (
            '"weekly"',
            '"The Weekly"',
            "'The Weekly' can't be part of a URL; write small letters, digits and hyphens, like weekly",
        ),
        (
            '"weekly"',
            '"stories"',
            "'stories' is a folder of the web root already; choose another name",
        ),
    ],
    "newsletter": [
        ("[delivery]", SECOND, "two are named 'weekly'; each needs a different name")
    ],
    "newsletter[0].edition.zh-Hans.timezone": [
        ("Asia/Shanghai", "../zone", f"'../zone' {ZONE}")
    ],
    "newsletter[0].schedule": [
        ("* * FRI", "* * FRO", f"'0 8 * * FRO' is no cron line (Bad day-of-week); {CRON}"),
        (SCHEDULE, '"FREQ=DAILY"', "'FREQ=DAILY' has no time of day; add at = \"08:00\""),
        (LATE, 'at = "09:00"', "'0 8 * * FRI' has a time already; leave out at = 09:00"),
        (
            SCHEDULE,
            '"0 8,9 * * FRI"',
            (
                "'0 8,9 * * FRI' names more than one time a day; write one minute and one hour, like"
                ' "0 8 * * *", and a second newsletter for a second time'
            ),
        ),
    ],
    "newsletter[0].edition.zh-Hans.schedule": [
        (
            ZONED,
            'schedule = "8"',
            f"'8' is neither cron nor RRULE; {CRON} or FREQ=WEEKLY;BYDAY=FR",
        )
    ],
    "newsletter[0].at": [
        (LATE, f'at = "{at}"', f"'{at}' is not a time of day; write one like 08:00")
        for at in ("8 of the clock", "08:00+05:00", "08:00:00.500000")
    ],
    "newsletter[0].skip_dates": [
        (
            LATE,
            "skip_dates = 2026-12-25",
            "datetime.date(2026, 12, 25) won't do; write a list like [2026-12-25, 2027-01-01]",
        )
    ],
    "newsletter[0].max_articles": [
        ("= 12", "= 0", "0 won't do; input should be greater than or equal to 1")
    ],
    "newsletter[0].late": [
        (LATE, 'late = "no"', "'no' won't do; input should be 'send', 'skip' or 'merge'")
    ],
    "delivery.transport": [
        ('"outbox"', '"smpt"', "'smpt' won't do; input should be 'outbox' or 'smtp'")
    ],
    "source[0].kind": [
        ('"folder"', '"feed"', "'feed' is no kind of source; there are: folder"),
        ('"folder"', '"foldr"', "'foldr' is no kind of source; did you mean folder?"),
        ('"folder"', "[1]", "[1] is no kind of source; there are: folder"),
        ('kind = "folder"\n', "", "missing; add kind = ..."),
    ],
    "source[0].pth": [("path", "pth", "unknown key; did you mean path?")],
    "source[0].colour": [
        (
            'path = "articles"',
            "colour = 1",
            "unknown key; the keys here are kind, name, language, first_import, addresses, problems, path, site, static, include, exclude, shortcodes, url",
        )
    ],
    "source[0].language": [
        (
            '"articles"',
            '"articles"\nlanguage = "klingon!"',
            "'klingon!' is not a language tag; write one like en, zh-Hans or pt-BR",
        )
    ],
    "source[0].path": [('"articles"', "3", "3 won't do; input should be a valid string")],
    # The form of the file.
    "newsletter[0].max_article": [
        ("max_articles", "max_article", "unknown key; did you mean max_articles?")
    ],
    "newsletter[0].edition.zh-Hans.timezon": [
        (ZONED, 'timezon = "UTC"', "unknown key; did you mean timezone?")
    ],
    "delivery.colour": [
        (
            'transport = "outbox"',
            'colour = "red"',
            (
                "unknown key; the keys here are transport, durability, journal, witness,"
                " keep_deliveries, rate, domain, warmup, dkim, outbox, smtp"
            ),
        )
    ],
    "delivery.'trans\\nport'": [
        ("transport", '"trans\\nport"', "unknown key; did you mean transport?")
    ],
    "publicaton": [("[publication]", "[publicaton]", "unknown key; did you mean publication?")],
    "publication.ulr": [("url =", "ulr =", "unknown key; did you mean url?")],
    "source": [
        ('[[source]]\nkind = "folder"\npath = "articles"', "", "missing; add [[source]]"),
        (
            "[[source]]",
            "[source]",
            "{'kind': 'folder', 'path': 'articles'} won't do; write a table below [[source]]",
        ),
        *(
            (
                '"articles"',
                f'"articles"\n[[source]]\nkind = "folder"\n{more}',
                "two are named 'articles'; each needs a different name",
            )
            for more in ('path = "articles"', 'path = "texts"\nname = "articles"')
        ),
    ],
    "feeds.entries": [
        (
            '[delivery]\ntransport = "outbox"',
            "[feeds]\nentries = 1001",
            "1001 won't do; input should be less than or equal to 1000",
        )
    ],
    "not TOML": [
        (
            "[delivery]",
            "[delivery",
            "Expected ']' at the end of a table declaration (at line 24, column 10); correct that line",
        ),
        (
            "= 12",
            f"= {'9' * 5000}",
            (
                "Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits;"
                " use sys.set_int_max_str_digits() to increase the limit; correct that line"
            ),
        ),
    ],
}
CASES = [(old, new, f"{key}: {said}") for key, some in WRONG.items() for old, new, said in some]

PARTS = {
    "publication": TEXT[: TEXT.index("[[source]]")],
    "source": TEXT[TEXT.index("[[source]]") : TEXT.index("[[newsletter]]")],
    "newsletter": TEXT[TEXT.index("[[newsletter]]") : TEXT.index("[delivery]")],
}


@pytest.mark.parametrize(("old", "new", "line"), CASES, ids=[line[:60] for *_, line in CASES])
def test_a_wrong_setting_gives_one_line(tmp_path: Path, old: str, new: str, line: str) -> None:
    error = refusal(tmp_path, changed(old, new))
    assert str(error) == f"{tmp_path / SETTINGS_FILE}: {line}"
    assert len(str(error).splitlines()) == 1
    assert error.exit_code == 2
    assert error.problem
    assert error.remedy


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("title", "My publication"),
        ("url", "https://my-publication.example"),
        ("url", "https://news.example.org"),
        ("sender", "The Lantern <digest@example.com>"),
        ("sender", "digest@sea.test"),
        ("address", "The postal address of My publication"),
        ("address", "1 Example Street, Example City"),
    ],
)
def test_no_mail_is_sent_with_an_example_of_a_new_publication(
    tmp_path: Path, key: str, value: str
) -> None:
    text = TEXT.replace("news.example.org", "sea.internal").replace("1 Example", "1 Sea")
    text = re.sub(rf"(?m)^{key} = .*", f"{key} = {value!r}", text, count=1)
    assert load_settings(write(tmp_path, text), {}).publication.examples() == {key: value}
    error = refusal(tmp_path, text.replace('"outbox"', '"smtp"'))
    assert str(error).endswith(
        f"publication.{key}: {value!r} is an example; write your own before mail is sent"
    )
    trial = text.replace('"outbox"', '"smtp"') + "[delivery.smtp]\nport = 1025\n"
    assert load_settings(write(tmp_path, trial), {}).delivery.is_trial


def test_of_names_that_nobody_has_only_those_of_hosts_are_refused_wherever_mail_has_them(
    tmp_path: Path,
) -> None:
    text = TEXT.replace("news.example.org", "sea.internal").replace("1 Example", "1 Sea")
    text = re.sub("(?m)^title = .*", 'title = "Crash.Test"', text, count=1)
    text = text.replace('"outbox"', '"smtp"')
    assert load_settings(write(tmp_path, text), {}).publication.examples() == {}
    for table, key in (("delivery.smtp", "bounces"), ("mailbox", "address")):
        kind = 'kind = "pipe"\n' if table == "mailbox" else ""
        error = refusal(tmp_path, f'{text}[{table}]\n{kind}{key} = "in@mail.example.org"\n')
        assert f"{table}.{key}: 'in@mail.example.org' is an example" in str(error)


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


def test_a_file_that_is_not_utf_8_says_where_and_a_mark_of_it_may_be(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_bytes(b"# \xff")
    with pytest.raises(ConfigError, match="not UTF-8 at byte 2; save the file as UTF-8"):
        load_settings(tmp_path, {})
    (tmp_path / SETTINGS_FILE).write_text(TEXT, "utf-8-sig")
    assert load_settings(tmp_path, {}).publication.languages[0] == "en"


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).mkdir()
    with pytest.raises(ConfigError, match="can't be read: Is a directory; let this user"):
        load_settings(tmp_path, {})


def test_the_sample_of_the_readme_is_read_whole(tmp_path: Path) -> None:
    publication = settings(tmp_path)
    assert publication.folders == Folders(tmp_path.resolve())
    assert publication.publication.languages == ("en", "zh-Hans", "zh-Hant", "ar")
    assert publication.publication.title("zh-Hans") == "灯笼"
    assert [source.name for source in publication.sources] == ["articles"]
    (weekly,) = publication.newsletters
    assert (weekly.late, weekly.max_articles) == (LatePolicy.SEND, 12)
    assert weekly.edition["zh-Hant"].missing is MissingPolicy.CONVERT
    assert publication.delivery.transport == "outbox"
    assert publication.feeds.entries == 50
    assert publication.secret is None


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
    folder = tmp_path / "news"
    error = refusal(folder, changed('"articles"', f'"{place}"'))
    assert error.exit_code == 2
    assert str(error) == (
        f"{folder / SETTINGS_FILE}: source[0].path: {place!r} holds the program's own files; "
        'keep the articles in a folder of their own, like "articles"'
    )


@pytest.mark.parametrize("place", ["public", "public/en", "articles/../public/en"])
def test_backups_in_the_web_root_are_refused(tmp_path: Path, place: str) -> None:
    assert told(refusal(tmp_path / "news", f'{TEXT}\n[backup]\nfolder = "{place}"\n')) == (
        f"backup.folder: {place!r} lies in public/, and everybody can read "
        "what is there; name a folder on another disk"
    )


def test_backups_are_taken_at_three_and_seven_are_kept(tmp_path: Path) -> None:
    folder = write(tmp_path / "news", f'{TEXT}\n[backup]\nfolder = "backups"\n')
    chosen = load_settings(folder, {}).backup
    assert chosen
    assert (chosen.path(folder), chosen.at, chosen.keep) == (folder / "backups", time(3), 7)


@pytest.mark.parametrize("place", ["publications", "../articles", "articles/public", "var-x"])
def test_a_source_beside_what_the_program_writes_is_taken(tmp_path: Path, place: str) -> None:
    folder = write(tmp_path / "news", changed('"articles"', f'"{place}"'))
    assert load_settings(folder, {}).sources[0].name == place


def test_a_source_that_leads_to_what_the_program_writes_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "news")
    (folder / "public").mkdir()
    (folder / "articles").symlink_to(folder / "public")
    with pytest.raises(ConfigError, match="holds the program's own files"):
        load_settings(folder, {})


def test_a_publication_may_have_no_newsletter_and_a_secret_from_the_environment(
    tmp_path: Path,
) -> None:
    text = TEXT[: TEXT.index("[[newsletter]]")]
    assert load_settings(write(tmp_path, text), {}).newsletters == ()
    publication = settings(tmp_path, {"PUBLISHER_SECRET": "0123456789abcdef"})
    assert publication.secret is not None
    assert publication.secret.get_secret_value() == "0123456789abcdef"


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
