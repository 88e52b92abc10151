"""How mail leaves, as it stands in publication.toml: what is taken, and what each mistake is told."""

from datetime import date
from pathlib import Path

import pytest

from publisher.config import SETTINGS_FILE, InDoubtPolicy, load_settings
from publisher.config.delivery import (
    TRANSPORT_KINDS,
    DeliverySettings,
    OutboxLayoutKind,
    Tls,
    resolve_file,
)
from publisher.config.values import Mailbox
from publisher.delivery.transports.outbox import OutboxTransport
from publisher.delivery.transports.smtp.transport import SmtpTransport
from tests.publisher.config.samples import TEXT, changed, refusal, settings, write

BEFORE = TEXT[: TEXT.index("[delivery]")]
SMTP, RATE, DOMAIN, DKIM, WARMUP = (
    "[delivery.smtp]\n",
    "[delivery.rate]\n",
    "[[delivery.domain]]\n",
    "[[delivery.dkim]]\n",
    "[delivery.warmup]\n",
)
SMTP_KEYS = (
    "host, port, tls, authorities, certificate, key, user, hello, bounces, verp,"
    " verp_separator, connections, promised, timeout"
)
HOST_ADVICE = "is not a host; write one like mail.example.org"
MAIL_ADVICE = 'is not a mail address; write "The Lantern <digest@news.example.org>"'

# What stands in the file, and the line that comes of it, less the file and `delivery.`.
WRONG: list[tuple[str, str]] = [
    # the table itself
    (
        '[delivery]\ntransport = "postfix"',
        "transport: 'postfix' won't do; input should be 'outbox' or 'smtp'",
    ),
    (
        '[delivery]\ndurability = "none"',
        "durability: 'none' won't do; input should be 'full' or 'normal'",
    ),
    (
        '[delivery]\ntransport = "smtp"\ndurability = "normal"',
        'durability: "normal" won\'t do: after a power cut, smtp could send mails again; remove the line',
    ),
    ("[delivery.smpt]\n", "smpt: unknown key; did you mean smtp?"),
    ("[delivery]\nsmtp = 3", "smtp: 3 won't do; write a table below [delivery.smtp]"),
    ("[[delivery.smtp]]\n", "smtp: [{}] won't do; write a table below [delivery.smtp]"),
    ("[delivery]\nrate = 3", "rate: 3 won't do; write a table below [delivery.rate]"),
    # the outbox
    (
        '[delivery.outbox]\nlayout = "mbox"',
        "outbox.layout: 'mbox' won't do; input should be 'files' or 'maildir'",
    ),
    ('[delivery.outbox]\nfolder = "x"', "outbox.folder: unknown key; the keys here are layout"),
    # the server
    (f'{SMTP}host = ""', f"smtp.host: '' {HOST_ADVICE}"),
    (
        f'{SMTP}host = "mail.example.org:587"',
        f"smtp.host: 'mail.example.org:587' {HOST_ADVICE}",
    ),
    (f"{SMTP}host = 3", "smtp.host: 3 won't do; input should be a valid string"),
    (f'{SMTP}hello = "me@here"', f"smtp.hello: 'me@here' {HOST_ADVICE}"),
    (f"{SMTP}port = 0", "smtp.port: 0 won't do; input should be greater than or equal to 1"),
    (
        f'{SMTP}tls = "ssl"',
        "smtp.tls: 'ssl' won't do; input should be 'implicit', 'starttls' or 'none'",
    ),
    (
        f'{SMTP}key = "key.pem"',
        'smtp.key: a key without a certificate; add certificate = "..."',
    ),
    (
        f'{SMTP}certificate = "us.pem"\ntls = "none"',
        'smtp.certificate: is never shown without TLS; use tls = "starttls"',
    ),
    (
        f'{SMTP}host = "mail.example.org"\nuser = "lantern"\ntls = "none"',
        "smtp.user: a password would cross the network in the clear; use TLS",
    ),
    (
        f'{SMTP}password = "secret"\nport = 0',
        (
            "smtp.password: a password is not kept in this file;"
            " set PUBLISHER_SMTP_PASSWORD in the environment"
        ),
    ),
    (f'{SMTP}charm = "secret"', f"smtp.charm: unknown key; the keys here are {SMTP_KEYS}"),
    (
        f"{SMTP}verp = true",
        'smtp.verp: needs a mailbox of its own; set bounces = "bounces@..."',
    ),
    (
        f'{SMTP}verp = true\nbounces = "{46 * "b"}@example.org"',
        "smtp.bounces: has 46 characters before the @, and verp adds more; use at most 45",
    ),
    (f'{SMTP}bounces = "nobody"', f"smtp.bounces: 'nobody' {MAIL_ADVICE}"),
    (
        f"{SMTP}connections = 101",
        "smtp.connections: 101 won't do; input should be less than or equal to 100",
    ),
    # rates
    *(
        (
            f"{table}per_second = {rate}",
            (
                f"{name}.per_second: {rate} won't do;"
                " input should be greater than or equal to 0.001"
            ),
        )
        for table, name, rate in (
            (RATE, "rate", "0"),
            (RATE, "rate", "-1"),
            (f'{DOMAIN}names = ["a.example"]\n', "domain[0]", "1e-12"),
        )
    ),
    (
        f"{RATE}per_second = nan",
        "rate.per_second: nan won't do; input should be a finite number",
    ),
    (
        f"{RATE}per_hour = 0.5",
        (
            "rate.per_hour: 0.5 won't do; input should be a valid integer, got a number with a"
            " fractional part"
        ),
    ),
    (
        f"{RATE}per_minute = 5",
        "rate.per_minute: unknown key; the keys here are per_second, per_hour",
    ),
    (f"{DOMAIN}per_second = 1", "domain[0].names: missing; add names = ..."),
    (
        f"{DOMAIN}names = []",
        "domain[0].names: () won't do; list should have at least 1 item, not 0",
    ),
    (f'{DOMAIN}names = ["*.example"]', f"domain[0].names[0]: '*.example' {HOST_ADVICE}"),
    (
        f'{DOMAIN}names = ["a.example"]\nper_hour = 1\n{DOMAIN}names = ["A.example."]\nper_hour = 2',
        "domain: a.example is there twice; name each domain once",
    ),
    # signatures
    (f'{DKIM}selector = "s1"\nkey = "k"', "dkim[0].domain: missing; add domain = ..."),
    (f'{DKIM}domain = "a.example"\nkey = "k"', "dkim[0].selector: missing; add selector = ..."),
    (f'{DKIM}domain = "a.example"\nselector = "s1"', "dkim[0].key: missing; add key = ..."),
    (
        f'{DKIM}domain = "a.example"\nselector = ""\nkey = "k"',
        "dkim[0].selector: '' won't do; string should have at least 1 character",
    ),
    # the warm-up
    *(
        (
            f"{WARMUP}start = {written}",
            f"warmup.start: {shown!r} is not a day; write one like 2026-01-31",
        )
        for written, shown in (
            ('"2026-02-30"', "2026-02-30"),
            ('"tomorrow"', "tomorrow"),
            ('"20260131"', "20260131"),
            ("2026-01-31T08:00:00", "2026-01-31 08:00:00"),
            ("20260131", "20260131"),
            ("true", "True"),
            ('""', ""),
        )
    ),
    (f"{WARMUP}first = 100", "warmup.start: missing; add start = ..."),
    (
        f"{WARMUP}start = 2026-01-31\nfirst = 5000\nuntil = 1000",
        "warmup.first: 5,000 is more than `until`; begin with less",
    ),
    # It would never end.
    (
        f"{WARMUP}start = 2026-01-31\ngrowth = 1",
        "warmup.growth: 1 won't do; input should be greater than 1",
    ),
]


def delivery(folder: Path, text: str) -> DeliverySettings:
    return load_settings(write(folder, BEFORE + text + "\n"), {}).delivery


@pytest.mark.parametrize(("text", "line"), WRONG, ids=[line[:60] for _, line in WRONG])
def test_a_wrong_setting_gives_one_line_with_a_remedy(
    tmp_path: Path, text: str, line: str
) -> None:
    error = refusal(tmp_path, f"{BEFORE}{text}\n")
    assert str(error) == f"{tmp_path / SETTINGS_FILE}: delivery.{line}"
    assert len(str(error).splitlines()) == 1
    assert error.remedy
    assert error.exit_code == 2


def test_what_is_not_said_is_an_outbox_or_the_machines_own_server(tmp_path: Path) -> None:
    found = delivery(tmp_path, "")
    assert found == DeliverySettings()
    assert (found.transport, found.durability) == ("outbox", "full")
    assert found.table("outbox").layout is OutboxLayoutKind.FILES
    assert (found.rate.per_second, found.rate.per_hour) == (None, None)
    assert (found.domain, found.warmup, found.dkim) == ((), None, ())
    smtp = delivery(tmp_path, '[delivery]\ntransport = "outbox"').table("smtp")
    assert (smtp.host, smtp.tls, smtp.port_used) == ("localhost", Tls.STARTTLS, 587)
    assert (smtp.connections, smtp.promised, smtp.timeout) == (8, 8, 60)
    assert (smtp.user, smtp.hello, smtp.bounces) == (None, None, None)


def test_the_outbox_alone_may_lose_commits_with_the_power(tmp_path: Path) -> None:
    assert delivery(tmp_path, '[delivery]\ndurability = "normal"').durability == "normal"
    guarantees = {"outbox": OutboxTransport.guarantee, "smtp": SmtpTransport.guarantee}
    stated = {name: kind.is_idempotent for name, kind in TRANSPORT_KINDS.items()}
    assert stated == {name: one == "idempotent" for name, one in guarantees.items()}


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ('tls = "implicit"', 465),
        ('tls = "starttls"', 587),
        ('tls = "none"', 25),
        ('tls = "implicit"\nport = 2465', 2465),
    ],
)
def test_the_port_goes_with_the_kind_of_tls_unless_said(
    tmp_path: Path, text: str, port: int
) -> None:
    assert delivery(tmp_path, SMTP + text).table("smtp").port_used == port


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "LOCALHOST."])
def test_a_password_may_go_in_the_clear_where_no_network_is(tmp_path: Path, host: str) -> None:
    smtp = delivery(tmp_path, f'{SMTP}host = "{host}"\nuser = "me"\ntls = "none"').table("smtp")
    assert smtp.user == "me"


def test_certificates_may_bring_their_key_and_bounces_go_elsewhere(tmp_path: Path) -> None:
    smtp = delivery(tmp_path, f'{SMTP}certificate = "us.pem"').table("smtp")
    assert (smtp.certificate, smtp.key) == ("us.pem", None)
    smtp = delivery(tmp_path, f'{SMTP}bounces = "bounces@news.example.org"').table("smtp")
    assert smtp.bounces == Mailbox("", "bounces@news.example.org")


def test_a_file_is_below_the_folder_elsewhere_or_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert resolve_file(tmp_path, "keys/s1.pem") == tmp_path / "keys/s1.pem"
    assert resolve_file(tmp_path, "/etc/s1.pem") == Path("/etc/s1.pem")
    assert resolve_file(tmp_path, "~/s1.pem") == Path("/home/ann/s1.pem")
    assert resolve_file(tmp_path, "~nobody.here/s1.pem") == tmp_path / "~nobody.here/s1.pem"


def test_domains_and_signatures_are_lists_of_tables(tmp_path: Path) -> None:
    found = delivery(
        tmp_path,
        f'{DOMAIN}names = ["Gmail.com", "googlemail.com"]\nper_second = 2.5\n'
        f'{DOMAIN}names = ["example.net"]\nper_hour = 100\n'
        f'{DKIM}domain = "news.example.org"\nselector = "s1"\nkey = "keys/s1.pem"\n'
        f'{DKIM}domain = "news.example.org"\nselector = "s2"\nkey = "keys/s2.pem"\n',
    )
    assert [one.names for one in found.domain] == [
        ("gmail.com", "googlemail.com"),
        ("example.net",),
    ]
    assert [(one.per_second, one.per_hour) for one in found.domain] == [
        (2.5, None),
        (None, 100),
    ]
    assert [(one.selector, one.key) for one in found.dkim] == [
        ("s1", "keys/s1.pem"),
        ("s2", "keys/s2.pem"),
    ]


@pytest.mark.parametrize("day", ["2026-01-31", '"2026-01-31"'])
def test_a_warm_up_begins_on_a_day_written_either_way(tmp_path: Path, day: str) -> None:
    warmup = delivery(tmp_path, f"{WARMUP}start = {day}").warmup
    assert warmup is not None
    assert warmup.start == date(2026, 1, 31)
    assert (warmup.first, warmup.until) == (200, 100_000)


# --- what goes with it, elsewhere in the file and outside


def test_the_password_comes_from_the_environment_and_is_never_shown(tmp_path: Path) -> None:
    publication = settings(tmp_path, {"PUBLISHER_SMTP_PASSWORD": "open sesame"})
    assert publication.secrets["PUBLISHER_SMTP_PASSWORD"].get_secret_value() == "open sesame"
    assert "sesame" not in repr(publication)
    assert settings(tmp_path).secrets == {}
    assert settings(tmp_path, {"PUBLISHER_SMTP_PASSWORD": ""}).secrets == {}


def test_an_edition_says_what_becomes_of_doubts_and_when_to_give_up(tmp_path: Path) -> None:
    text = changed('late = "send"', 'in_doubt = "resend"\ngive_up_after = 12')
    text = text.replace('missing = "convert"', 'in_doubt = "hold"')
    publication = load_settings(write(tmp_path, text), {})
    english, hant = (
        publication.edition("weekly", "en"),
        publication.edition("weekly", "zh-Hant"),
    )
    assert english
    assert hant
    assert (english.in_doubt, english.give_up_after.total_seconds()) == (
        InDoubtPolicy.RESEND,
        12 * 3600,
    )
    assert (hant.in_doubt, hant.give_up_after) == (InDoubtPolicy.HOLD, english.give_up_after)


def test_doubts_are_held_and_tries_go_on_for_two_days_unless_said(tmp_path: Path) -> None:
    edition = settings(tmp_path).edition("weekly", "en")
    assert edition
    assert (edition.in_doubt, edition.give_up_after.days) == (InDoubtPolicy.HOLD, 2)


@pytest.mark.parametrize(
    ("new", "line"),
    [
        ('in_doubt = "drop"', "in_doubt: 'drop' won't do; input should be 'hold' or 'resend'"),
        (
            "give_up_after = 721",
            "give_up_after: 721 won't do; input should be less than or equal to 720",
        ),
    ],
)
def test_a_wrong_promise_gives_one_line_with_a_remedy(
    tmp_path: Path, new: str, line: str
) -> None:
    error = refusal(tmp_path, changed('late = "send"', new))
    assert str(error) == f"{tmp_path / SETTINGS_FILE}: newsletter[0].{line}"
