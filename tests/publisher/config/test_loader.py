"""A publication's settings as a whole: how the file is read, and what mistakes are told."""

import re
from datetime import time
from pathlib import Path

import pytest

from publisher.config import SETTINGS_FILE, Folders, LatePolicy, MissingPolicy, load_settings
from publisher.errors import ConfigError, PublisherError
from tests.publisher.config.samples import (
    TEXT,
    changed,
    mistakes,
    refusal,
    settings,
    told,
    write,
)

# What is wrong, and below it what is said. `old => new` is one thing written otherwise; what begins with a table is
# added; all else stands in [delivery]. What is wrong with a value of a type is in test_values; which choices and
# numbers a key may have, docs/reference/settings.md says, which is written from the models.
WRONG = r"""
# languages, names and addresses of the publication
zh_TW => klingon
    publication.languages[2]: 'klingon' is not a language tag; write one like en, zh-Hans or pt-BR
["en", => [3,
    publication.languages[0]: 3 is not a language tag; write one like en or zh-Hans
zh_TW => zh-cn
    publication.languages: zh-Hans is there twice; name each language once
["en", "zh-Hans", "zh_TW", "ar"] => "en"
    publication.languages: 'en' is not a list; write one in brackets, like ["a", "b"]
["en", "zh-Hans", "zh_TW", "ar"] => []
    publication.languages: () won't do; list should have at least 1 item, not 0
"ar"] => "ar", "all"]
    publication.languages: 'all' names the feed of all languages here; leave it out
digest@news => digest.news
    publication.sender: 'The Lantern <digest.news.example.org>' is not a mail address; write "The Lantern <digest@news.example.org>"
sender = "The Lantern <digest@news.example.org>" => sender = 3
    publication.sender: 3 is not a mail address; write "The Lantern <digest@news.example.org>"
address = "1 Example Street, Example City" =>
    publication.address: missing; add address = ...
https://news => htps://news
    publication.url: 'htps://news.example.org' is not a web address; write one like https://news.example.org
Asia/Hong_Kong => Mars/Base
    publication.timezone: 'Mars/Base' is not a time zone; write an IANA name like Asia/Hong_Kong or UTC
timezone = "Asia/Hong_Kong" => people = {}
    publication.people: people have a file of their own; write them into people.toml
timezone = "Asia/Hong_Kong" => design.accent = "red"
    publication.design.accent: 'red' is not a colour; write one with six digits, like #8f2f12
timezone = "Asia/Hong_Kong" => design.accent = "#ffcc00"
    publication.design.accent: '#ffcc00' can't be read on white (contrast 1.5:1); choose a darker one, of 4.5:1 or more
timezone = "Asia/Hong_Kong" => design.logo = 5
    publication.design.logo: 5 is no picture; write a path from here, like "logo.png"
timezone = "Asia/Hong_Kong" => design.logo = "none.png"
    publication.design.logo: 'none.png' can't be read: No such file or directory; give a picture's path from here

# sources
[[source]]\nkind = "folder"\npath = "articles" =>
    source: missing; add [[source]]
[[source]] => [source]
    source: {'kind': 'folder', 'path': 'articles'} won't do; write a table below [[source]]
"articles" => "articles"\n[[source]]\nkind = "folder"\npath = "articles"
    source: two are named 'articles'; each needs a different name
"folder" => "fede"
    source[0].kind: 'fede' is no kind of source; did you mean feed?
"folder" => "foldr"
    source[0].kind: 'foldr' is no kind of source; did you mean folder?
"folder" => [1]
    source[0].kind: [1] is no kind of source; there are: folder, feed, wordpress, ghost, pages
kind = "folder"\n =>
    source[0].kind: missing; add kind = ...
"articles" => "articles"\nlanguage = "klingon!"
    source[0].language: 'klingon!' is not a language tag; write one like en, zh-Hans or pt-BR
"articles" => "articles"\nproblems.empty = "hold"
    source[0].problems: 'empty' is no kind of problem that can be set; did you mean empty-value?
path => pth
    source[0].pth: unknown key; did you mean path?

# newsletters and their editions
[delivery] => [[newsletter]]\nname = "weekly"\ntitle = "Two"\nschedule = "0 8 * * *"\n[delivery]
    newsletter: two are named 'weekly'; each needs a different name
"weekly" => "The Weekly"
    newsletter[0].name: 'The Weekly' can't be part of a URL; write small letters, digits and hyphens, like weekly
"weekly" => "stories"
    newsletter[0].name: 'stories' is a folder of the web root already; choose another name
title = { en = "The week" } => title = 3
    newsletter[0].title: 3 is no text; write "Title" or { en = "Title", fr = "Titre" }
The week => The\u202eweek
    newsletter[0].title: {'en': 'The\u202eweek'} has a line break or control character; write one line
* * FRI => * * FRO
    newsletter[0].schedule: '0 8 * * FRO' is no cron line (Bad day-of-week); write five fields like "0 8 * * FRI" (minute hour day month weekday)
"0 8 * * FRI" => "FREQ=DAILY"
    newsletter[0].schedule: 'FREQ=DAILY' has no time of day; add at = "08:00"
late = "send" => at = "09:00"
    newsletter[0].schedule: '0 8 * * FRI' has a time already; leave out at = 09:00
timezone = "Asia/Shanghai" => schedule = "8"
    newsletter[0].edition.zh-Hans.schedule: '8' is neither cron nor RRULE; write five fields like "0 8 * * FRI" (minute hour day month weekday) or FREQ=WEEKLY;BYDAY=FR
Asia/Shanghai => ../zone
    newsletter[0].edition.zh-Hans.timezone: '../zone' is not a time zone; write an IANA name like Asia/Hong_Kong or UTC
late = "send" => at = "08:00+05:00"
    newsletter[0].at: '08:00+05:00' is not a time of day; write one like 08:00
late = "send" => skip_dates = 2026-12-25
    newsletter[0].skip_dates: datetime.date(2026, 12, 25) won't do; write a list like [2026-12-25, 2027-01-01]
= 12 => = 0
    newsletter[0].max_articles: 0 won't do; input should be greater than or equal to 1
late = "send" => late = "no"
    newsletter[0].late: 'no' won't do; input should be 'send', 'skip' or 'merge'
late = "send" => blocks = "notes"
    newsletter[0].blocks: 'notes' is not a list; write one in brackets, like ["a", "b"]
edition.zh-Hans] => edition.fr]
    newsletter[0].edition: fr is not one of the publication's languages; write one of en, zh-Hans, zh-Hant, ar, or add it to publication.languages
edition.zh-Hans] => edition.zh_TW]
    newsletter[0].edition: zh-Hant is there twice; name each language once
edition.zh-Hant] => edition.ar]
    newsletter[0].edition.ar.missing: nothing can be converted into ar; use skip or fallback; only Chinese is converted, between its scripts
late = "send" => fallback = ["fr"]
    newsletter[0].fallback: fr is not one of the publication's languages; write one of en, zh-Hans, zh-Hant, ar, or add it to publication.languages
late = "send" => missing = "fallback"
    newsletter[0].missing: falls back, but to which language; add fallback = ["en"], the best language first
late = "send" => languages = ["fr"]
    newsletter[0].languages: fr is not one of the publication's languages; write one of en, zh-Hans, zh-Hant, ar, or add it to publication.languages
late = "send" => languages = ["en"]
    newsletter[0].edition.zh-Hans: the newsletter has no edition in zh-Hans; add it to the newsletter's languages, or remove edition.zh-Hans
timezone = "Asia/Shanghai" => timezon = "UTC"
    newsletter[0].edition.zh-Hans.timezon: unknown key; did you mean timezone?

# delivery
transport = "smtp"\ndurability = "normal"
    delivery.durability: "normal" won't do: after a power cut, smtp could send mails again; remove the line
keep_deliveries = 89
    delivery.keep_deliveries: 89 days are too few; write 90, or 0 to keep them
colour = "red"
    delivery.colour: unknown key; the keys here are transport, durability, journal, witness, keep_deliveries, rate, domain, warmup, dkim, outbox, smtp
"trans\tport" = "outbox"
    delivery.'trans\tport': unknown key; did you mean transport?
smtp = 3
    delivery.smtp: 3 won't do; write a table below [delivery.smtp]
dkim = { domain = "a" }
    delivery.dkim: is one table; there may be several: write its name in [[ ]]
smtp.host = "mail.example.org:587"
    delivery.smtp.host: 'mail.example.org:587' is not a host; write one like mail.example.org
smtp.key = "key.pem"
    delivery.smtp.key: a key without a certificate; add certificate = "..."
smtp = { certificate = "us.pem", tls = "none" }
    delivery.smtp.certificate: is never shown without TLS; use tls = "starttls"
smtp = { host = "mail.example.org", user = "lantern", tls = "none" }
    delivery.smtp.user: a password would cross the network in the clear; use TLS
smtp = { password = "secret", port = 0 }
    delivery.smtp.password: a password is not kept in this file; set PUBLISHER_SMTP_PASSWORD in the environment
smtp.verp = true
    delivery.smtp.verp: needs a mailbox of its own; set bounces = "bounces@..."
smtp = { verp = true, bounces = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb@example.org" }
    delivery.smtp.bounces: has 46 characters before the @, and verp adds more; use at most 45
rate.per_second = nan
    delivery.rate.per_second: nan won't do; input should be a finite number
domain = [{ names = ["*.example"] }]
    delivery.domain[0].names[0]: '*.example' is not a host; write one like mail.example.org
domain = [{ names = ["a.example"], per_hour = 1 }, { names = ["A.example."], per_hour = 2 }]
    delivery.domain: a.example is there twice; name each domain once
warmup.start = "2026-02-30"
    delivery.warmup.start: '2026-02-30' is not a day; write one like 2026-01-31
warmup.start = 20260131
    delivery.warmup.start: '20260131' is not a day; write one like 2026-01-31
warmup = { start = 2026-01-31, first = 5000, until = 1000 }
    delivery.warmup.first: 5,000 is more than `until`; begin with less

# other tables
[publication] => [publicaton]
    publicaton: unknown key; did you mean publication?
[publication] => feeds = 3\n[publication]
    feeds: 3 won't do; write a table below [feeds]
[delivery] => [delivery
    not TOML: Expected ']' at the end of a table declaration (at line 24, column 10); correct that line
[publication.renamed_topics]\nGardens = "Parks"\nparks = "Meadows"
    publication.renamed_topics: 'Parks' is a former name itself; write the present name of each topic
[feeds]\nhubs = ["hub.example.net"]
    feeds.hubs[0]: 'hub.example.net' is not a web address; write one like https://hub.example.net/
[feeds]\npodcast.category = "Arts > Poetry"
    feeds.podcast.category: 'Poetry' is no part of Arts; its parts are Books, Design, Fashion & Beauty, Food, Performing Arts, Visual Arts
[[source]]\nkind = "feed"\nurl = "https://a.example/"\nnetworks = ["127.0.0.0/8"]
    source[1].networks[0]: '127.0.0.0/8' is no part of an intranet; such are 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fc00::/7
[s3]\nbucket = "The Lantern"
    s3.bucket: 'The Lantern' is no bucket; write its name in small letters, digits and hyphens
[s3]\nbucket = "lantern"\nprefix = "a/../b"
    s3.prefix: 'a/../b' is no prefix; write one like news or sites/news
[backup]\nfolder = "public/en"
    backup.folder: 'public/en' lies in public/, and everybody can read what is there; name a folder on another disk
"""
CASES = mistakes(WRONG)


def written(mistake: str) -> str:
    old, arrow, new = mistake.partition(" =>")
    if arrow:
        return changed(old, new.removeprefix(" "))
    return f"{TEXT}{old}\n" if old.startswith("[") else changed('transport = "outbox"', old)


PARTS = {
    "publication": TEXT[: TEXT.index("[[source]]")],
    "source": TEXT[TEXT.index("[[source]]") : TEXT.index("[[newsletter]]")],
    "newsletter": TEXT[TEXT.index("[[newsletter]]") : TEXT.index("[delivery]")],
}


@pytest.mark.parametrize(("mistake", "line"), CASES, ids=[line[:60] for _, line in CASES])
def test_a_wrong_setting_gives_one_line(tmp_path: Path, mistake: str, line: str) -> None:
    error = refusal(tmp_path, written(mistake))
    assert str(error) == f"{tmp_path / SETTINGS_FILE}: {line}"
    assert error.exit_code == 2
    assert error.problem
    assert error.remedy


def test_a_number_that_is_too_long_to_be_read_is_one_line(tmp_path: Path) -> None:
    said = told(refusal(tmp_path, changed("= 12", f"= {'9' * 5000}")))
    assert said.startswith("not TOML: Exceeds the limit (4300 digits)")
    assert said.endswith("; correct that line")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("title", "My publication"), ("url", "https://my-publication.example")),
        *(("url", "https://news.example.org"), ("sender", "The Lantern <digest@example.com>")),
        *(("sender", "digest@sea.test"), ("address", "The postal address of My publication")),
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
        ("source = [3]", "source[0]: 3 won't do; write a table below [[source]]"),
        ("newsletter = 3\n", "newsletter: 3 won't do; write a table below [[newsletter]]"),
    ],
)
def test_a_value_where_a_table_belongs_says_so(tmp_path: Path, text: str, line: str) -> None:
    rest = TEXT[TEXT.index("[delivery]") :]
    others = (part for name, part in PARTS.items() if not text.startswith(name))
    assert told(refusal(tmp_path, "".join((text, "\n", rest, *others)))) == line


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
    assert publication.feeds.entries == 20
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
