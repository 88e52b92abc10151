"""How mail leaves, as it stands in publication.toml. What each mistake is told is in test_loader."""

from datetime import date
from pathlib import Path

import pytest

from publisher.config import InDoubtPolicy, load_settings
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
from tests.publisher.config.samples import TEXT, changed, settings, write

BEFORE = TEXT[: TEXT.index("[delivery]")]
SMTP, DOMAIN, DKIM, WARMUP = (
    "[delivery.smtp]\n",
    "[[delivery.domain]]\n",
    "[[delivery.dkim]]\n",
    "[delivery.warmup]\n",
)


def delivery(folder: Path, text: str) -> DeliverySettings:
    return load_settings(write(folder, BEFORE + text + "\n"), {}).delivery


def test_what_is_not_said_is_an_outbox_or_the_machines_own_server(tmp_path: Path) -> None:
    found = delivery(tmp_path, "")
    assert found == DeliverySettings()
    assert (found.transport, found.durability) == ("outbox", "full")
    assert found.table("outbox").layout is OutboxLayoutKind.FILES
    assert (found.rate.per_second, found.rate.per_hour) == (None, None)
    assert (found.domain, found.warmup, found.dkim) == ((), None, ())
    smtp = delivery(tmp_path, '[delivery]\ntransport = "outbox"').table("smtp")
    assert (smtp.host, smtp.tls, smtp.port) == ("localhost", Tls.STARTTLS, 587)
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
        *(('tls = "implicit"', 465), ('tls = "starttls"', 587), ('tls = "none"', 25)),
        ('tls = "implicit"\nport = 2465', 2465),
    ],
)
def test_the_port_goes_with_the_kind_of_tls_unless_said(
    tmp_path: Path, text: str, port: int
) -> None:
    assert delivery(tmp_path, SMTP + text).table("smtp").port == port


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
