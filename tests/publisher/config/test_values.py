"""Single values of settings, such as a sender, a host or a time: what is taken for one."""

from datetime import time
from email.message import EmailMessage

import pytest
from email_validator import EmailNotValidError, validate_email
from pydantic import TypeAdapter, ValidationError

from publisher.config import values as setting_values

SENDER: TypeAdapter[setting_values.Mailbox] = TypeAdapter(setting_values.MailboxValue)
TIME: TypeAdapter[time] = TypeAdapter(setting_values.TimeOfDay)
HOST: TypeAdapter[str] = TypeAdapter(setting_values.HostName)
ROOT: TypeAdapter[str] = TypeAdapter(setting_values.WebRoot)
TEXT: TypeAdapter[setting_values.Localised] = TypeAdapter(setting_values.LocalisedText)
TITLE: TypeAdapter[setting_values.Localised] = TypeAdapter(setting_values.LocalisedTitle)


@pytest.mark.parametrize(
    ("written", "name", "address"),
    [
        ("The Lantern <digest@news.example.org>", "The Lantern", "digest@news.example.org"),
        ('"Lantern, The" <digest@example.org>', "Lantern, The", "digest@example.org"),
        ("Lantern, The <digest@example.org>", "Lantern, The", "digest@example.org"),
        ("灯笼 <digest@example.org>", "灯笼", "digest@example.org"),
        ("digest@example.org", "", "digest@example.org"),
        ("<digest@example.org>", "", "digest@example.org"),
        (" Digest@Example.ORG ", "", "Digest@example.org"),
        ("a@bücher.example", "", "a@xn--bcher-kva.example"),
    ],
)
def test_a_sender_is_a_name_and_an_address(written: str, name: str, address: str) -> None:
    sender = SENDER.validate_python(written)
    assert sender == setting_values.Mailbox(name, address)
    assert sender.domain == address.split("@")[1]


@pytest.mark.parametrize(
    "domain", ["example.org", "a-b.test", "a.invalid", "b.local", "c.onion"]
)
@pytest.mark.parametrize("name", ["a", "A.b_c-d+e", "a..b", ".a", "a" * 60])
def test_plain_addresses_are_judged_as_email_validator_does(name: str, domain: str) -> None:
    address = f"{name}@{domain}"
    try:
        validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        with pytest.raises(ValidationError):
            SENDER.validate_python(address)
    else:
        assert SENDER.validate_python(address).address == address


@pytest.mark.parametrize(
    "written",
    [
        *("", "digest", "a@b@c.example", "A <a@example.org", "A <a@example.org> B"),
        *(
            "A <b@example.org> <c@example.org>",
            "a@example.org, b@example.org",
            "grün@example.org",
        ),
        *("A\x0bB <a@example.org>", "A\x85B <a@example.org>", "a@example.org\n"),
    ],
)
def test_what_is_no_single_mailbox_is_refused(written: str) -> None:
    with pytest.raises(ValidationError, match="is not a mail address"):
        SENDER.validate_python(written)


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("Mail.Example.org.", "mail.example.org"),
        *(("bücher.example", "xn--bcher-kva.example"), ("mail_1", "mail_1"), ("::1", "::1")),
        ("a" * 63 + ".example.org", "a" * 63 + ".example.org"),
        ("x." + "b" * 63, "x." + "b" * 63),
    ],
)
def test_a_host_is_written_in_ascii(written: str, host: str) -> None:
    assert HOST.validate_python(written) == host


@pytest.mark.parametrize(
    "written",
    ["", ".", "a..b", "-a.example", "a-.example", "a" * 64 + ".example.org", "x." + "b" * 64],
)
def test_what_the_network_can_not_look_up_is_no_host(written: str) -> None:
    with pytest.raises(ValidationError, match="is not a host"):
        HOST.validate_python(written)


def test_a_sender_is_written_as_a_header_wants_it_and_smtp_can_carry_it() -> None:
    assert str(setting_values.Mailbox("", "a@example.org")) == "a@example.org"
    assert (
        str(setting_values.Mailbox("Lantern, The", "a@example.org"))
        == '"Lantern, The" <a@example.org>'
    )
    message = EmailMessage()
    message["From"] = str(setting_values.Mailbox("灯笼", "a@example.org"))
    assert message["From"].addresses[0].display_name == "灯笼"
    assert SENDER.validate_python("x" * 64 + "@example.org").name == ""
    with pytest.raises(ValidationError, match="has more than 64 characters before the @"):
        SENDER.validate_python("A <" + "x" * 65 + "@example.org>")


def test_what_is_checked_is_taken_as_it_is_and_never_changes() -> None:
    sender, text = (
        setting_values.Mailbox("A", "a@example.org"),
        setting_values.Localised({"en": "A"}),
    )
    assert SENDER.validate_python(sender) is sender
    assert TEXT.validate_python(text) is text

    class Lamp(setting_values.ConfigTable):
        light: int

    lamp = Lamp(light=1)
    with pytest.raises(ValidationError, match="frozen"):
        lamp.light = 2  # the point of the test


@pytest.mark.parametrize(
    ("written", "told"),
    [("08:00", "08:00:00"), ("8:00", None), ("08:00:30", "08:00:30"), ("00:00", "00:00:00")],
)
def test_a_time_of_day_is_read_from_hours_and_minutes(written: str, told: str | None) -> None:
    if told is None:
        with pytest.raises(ValidationError, match="write one like 08:00"):
            TIME.validate_python(written)
    else:
        assert TIME.validate_python(written).isoformat() == told


@pytest.mark.parametrize(
    ("written", "root"),
    [
        ("https://news.example.org", "https://news.example.org"),
        ("https://news.example.org/", "https://news.example.org"),
        ("https://example.org/news//", "https://example.org/news"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000/a", "http://[::1]:8000/a"),
        ("https://xn--bcher-kva.example/%E7%81%AF", "https://xn--bcher-kva.example/%E7%81%AF"),
    ],
)
def test_a_web_root_ends_without_a_slash(written: str, root: str) -> None:
    assert ROOT.validate_python(written) == root


@pytest.mark.parametrize(
    "written",
    [
        *("", "news.example.org", "//news.example.org", "https://", "https://?a"),
        *("ftp://a.example", "https://a.example/ b", "https://a.example/\tb"),
        *("https://a.example\r\nX: y", "https://a.example/#b", "https://a.example/>"),
        *('https://a.example/"', "https://灯.example", "https://a.example:x"),
        *("https://a.example:0", "https://[1", "https://u@a.example", "https://a.example./"),
    ],
)
def test_what_could_not_stand_in_a_header_is_no_web_root(written: str) -> None:
    with pytest.raises(ValidationError, match="is not a web address"):
        ROOT.validate_python(written)


def test_a_text_is_given_in_its_language_its_script_or_as_it_was_first_written() -> None:
    text = TEXT.validate_python("The week")
    assert text("en") == text("ar") == "The week"
    text = TEXT.validate_python({"en": "Week", "zh_TW": "週", "zh": "周"})
    assert text("en-GB") == "Week"
    assert text("zh-Hant-HK") == "週"
    assert text("zh-Hans-SG") == "周"
    assert text("ar") == "Week"
    assert list(text) == ["Week", "週", "周"]
    assert TEXT.validate_python({"zh_TW": "週"}) == setting_values.Localised({"zh-Hant": "週"})
    assert repr(setting_values.Localised({"en": "A"})) == "Localised({'en': 'A'})"
    assert setting_values.Localised({"en": "A"})
    assert not setting_values.Localised({"": ""})
    written = "1 Example Street\nExample City"
    assert TEXT.validate_python(written)("en") == written
    with pytest.raises(ValidationError, match="has a line break"):
        TITLE.validate_python(written)


@pytest.mark.parametrize("written", ["", " \n", {}, {"en": ""}, {"en": 3}, 3, ["A"], None])
def test_what_says_nothing_is_no_text(written: object) -> None:
    with pytest.raises(ValidationError, match="is no text"):
        TEXT.validate_python(written)


@pytest.mark.parametrize(
    "mark", ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x00"]
)
def test_no_title_can_break_a_header(mark: str) -> None:
    with pytest.raises(ValidationError, match="has a line break"):
        TITLE.validate_python({"en": f"The{mark}week"})
