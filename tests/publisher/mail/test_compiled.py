"""An issue's mail, compiled once and written to many recipients."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors import DeliveryError
from publisher.mail import compile_mail
from publisher.mail.signed_addresses import MailLinkKind, SignedLink, find_link
from publisher.rendering.placeholders import (
    ADDRESS_PLACEHOLDER,
    LANGUAGE_PLACEHOLDER,
    NAME_PLACEHOLDER,
    PREFERENCES_PLACEHOLDER,
    TIMEZONE_PLACEHOLDER,
    UNSUBSCRIBE_PLACEHOLDER,
    WEB_PLACEHOLDER,
    Placeholder,
)
from publisher.testing import SECRET
from tests.publisher.mail.dkim_verification import accepts, dkimpy_accepts, records
from tests.publisher.mail.keys import ED25519, RSA, signer
from tests.publisher.mail.samples import (
    MADE_AT,
    a_publication,
    a_recipient,
    an_issue_mail,
    parsed,
    raw_field,
)

WHOM = str(Placeholder(NAME_PLACEHOLDER, "dear <friend> & member"))
BOTH = (signer(RSA), signer(ED25519, selector="ed-2026"))
KNOWN = records(*BOTH)


def bodies(content: bytes) -> tuple[str, str]:
    text, html = (
        part.get_content().removesuffix("\r\n") for part in parsed(content).iter_parts()
    )
    return text, html


def test_each_recipient_gets_their_own_values() -> None:
    places = f"{NAME_PLACEHOLDER}|{ADDRESS_PLACEHOLDER}|{LANGUAGE_PLACEHOLDER}|{TIMEZONE_PLACEHOLDER}"
    compiled = compile_mail(an_issue_mail(text=places, html=places), SECRET)
    ann = a_recipient(1, "Ann <3", language="de-AT", timezone="Europe/Vienna")
    assert bodies(compiled.message(ann, MADE_AT).content) == (
        "Ann <3|subscriber.1@example.com|de-AT|Europe/Vienna",
        "Ann &lt;3|subscriber.1@example.com|de-AT|Europe/Vienna",
    )
    bob = a_recipient(2, "", address="bob@xn--bcher-kva.example")
    message = compiled.message(bob, MADE_AT).content
    assert bodies(message) == ("|bob@bücher.example|en|",) * 2
    assert parsed(message)["To"] == "bob@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("name", "text", "html"),
    [
        ("Ann", "Ann", "Ann"),
        ("", "dear <friend> & member", "dear &lt;friend&gt; &amp; member"),
        (" \t\r\n\u200b", "dear <friend> & member", "dear &lt;friend&gt; &amp; member"),
        ("\u200b \u200b", "dear <friend> & member", "dear &lt;friend&gt; &amp; member"),
        ("\u200d \u200c", "dear <friend> & member", "dear &lt;friend&gt; &amp; member"),
        ("\u200b Ann \u200b E. ", "Ann E.", "Ann E."),
    ],
)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_placeholder_s_fallback_stands_where_a_recipient_has_no_value(
    language: str, name: str, text: str, html: str
) -> None:
    compiled = compile_mail(an_issue_mail(language, text=WHOM, html=WHOM), SECRET)
    content = compiled.message(a_recipient(name=name), MADE_AT).content
    assert bodies(content) == (text, html)


@pytest.mark.parametrize(
    "name", ["Ann\r\n\r\nBcc: x", "Ann\u2028Bcc: x", "\u202eAnn\nBcc: x\u200f", "Ann\x00Bcc: x"]
)
def test_a_value_stays_on_its_line(name: str) -> None:
    mail = an_issue_mail(
        subject=f"For {NAME_PLACEHOLDER}", text=f"<{NAME_PLACEHOLDER}>", html=NAME_PLACEHOLDER
    )
    content = compile_mail(mail, SECRET).message(a_recipient(name=name), MADE_AT).content
    assert bodies(content) == ("<Ann Bcc: x>", "Ann Bcc: x")
    assert parsed(content)["Subject"] == "For Ann Bcc: x"
    assert parsed(content)["Bcc"] is None


def test_each_kind_of_link_has_its_own_signature() -> None:
    mail = an_issue_mail(
        text=f"{UNSUBSCRIBE_PLACEHOLDER}\n{PREFERENCES_PLACEHOLDER}\n{WEB_PLACEHOLDER}",
        html=f"<a href='{WEB_PLACEHOLDER}'>x</a>",
    )
    content = compile_mail(mail, SECRET).message(a_recipient(42, generation=3), MADE_AT).content
    text, html = bodies(content)
    leave, change, web = text.split()
    assert f"<{leave}>" in raw_field(content, "List-Unsubscribe")
    links: dict[MailLinkKind, str] = {"unsubscribe": leave, "preferences": change, "web": web}
    for kind, url in links.items():
        found = find_link(SECRET, kind, url.partition("?t=")[2])
        assert found == SignedLink(kind, 42, "weekly", generation=3)
    page = raw_field(content, "Archived-At").strip("<>")
    assert web.startswith(f"{page}?t=")
    assert html == f"<a href='{web}'>x</a>"


@pytest.mark.parametrize(
    "link", [UNSUBSCRIBE_PLACEHOLDER, PREFERENCES_PLACEHOLDER, WEB_PLACEHOLDER]
)
def test_a_subject_with_a_personal_link_is_refused(link: str) -> None:
    with pytest.raises(
        DeliveryError, match=f"^Subject can't hold a subscriber's link, {link}$"
    ):
        compile_mail(an_issue_mail(subject=f"Look: {link}"), SECRET)


@pytest.mark.parametrize("place", [ADDRESS_PLACEHOLDER, UNSUBSCRIBE_PLACEHOLDER, WHOM])
def test_no_other_field_may_contain_a_personal_value(place: str) -> None:
    publication = a_publication()
    sender = publication.sender._replace(name=f"x {place}")
    mail = an_issue_mail(publication=publication.model_copy(update={"sender": sender}))
    with pytest.raises(DeliveryError, match=r"^From can't hold a subscriber's value, as in "):
        compile_mail(mail, SECRET)


def test_half_a_surrogate_pair_is_refused_also_in_a_value() -> None:
    with pytest.raises(DeliveryError, match=r"^no message can be written: the text/html part"):
        compile_mail(an_issue_mail(html="\ud800"), SECRET)
    with pytest.raises(DeliveryError, match=r"^no message can be written: the subject holds"):
        compile_mail(an_issue_mail(subject=f"a\ud800 {NAME_PLACEHOLDER}"), SECRET)
    compiled = compile_mail(an_issue_mail(html=LANGUAGE_PLACEHOLDER), SECRET)
    with pytest.raises(
        DeliveryError, match=r"^subscriber 3 can't be written to: .* is not text$"
    ):
        compiled.message(a_recipient(3, language="\ud800"), MADE_AT)


def test_signatures_stand_above_the_header_and_verify() -> None:
    mail = an_issue_mail("ar", text=f"{'x' * 100}{NAME_PLACEHOLDER}\n\n\n")
    compiled = compile_mail(mail, SECRET, BOTH)
    for number in (1, 2):
        content = compiled.message(a_recipient(number, "样例甲" * 9), MADE_AT).content
        parsed(content)
        assert content.startswith(b"DKIM-Signature:")
        assert accepts(content, KNOWN) == [True, True]
        assert dkimpy_accepts(content, KNOWN)
        unsigned = compile_mail(mail, SECRET).message(
            a_recipient(number, "样例甲" * 9), MADE_AT
        )
        assert content.endswith(b"\r\n" + unsigned.content)


def test_signatures_cover_the_personal_fields_and_those_of_one_click_unsubscribing() -> None:
    compiled = compile_mail(an_issue_mail(), SECRET, BOTH)
    content = compiled.message(a_recipient(), MADE_AT).content
    personal = (b"To: Ann", b"Subject: T", b"Date: F", b"<weekly-en", b"/unsubscribe/")
    leaving = (b"List-Unsubscribe: <", b"List-Unsubscribe=One-Click", b"unsubscribe%20v2")
    for field in (*personal, *leaving):
        assert accepts(content.replace(field, field + b"x", 1), KNOWN) == [False, False]
    assert SECRET not in repr(compile_mail(an_issue_mail(), SECRET))


def test_many_threads_can_write_messages_at_once() -> None:
    compiled = compile_mail(an_issue_mail(), SECRET)
    jobs = [
        (a_recipient(number), datetime(2026, 1, 1 + number % 9, tzinfo=UTC))
        for number in range(400)
    ]
    alone = [compiled.message(*job) for job in jobs]
    with ThreadPoolExecutor(8) as threads:
        together = [*threads.map(lambda job: compiled.message(*job), jobs)]
    assert together == alone


@given(
    st.text(),
    st.text(st.sampled_from('aZ1.@-_+ "()<>,;:\\[]é\r\n\x00'))
    | st.from_regex(r"[a-z.+\"]{1,3}@[a-z.\[-]{1,4}", fullmatch=True),
)
def test_every_recipient_gets_a_well_formed_message_or_an_error(
    name: str, address: str
) -> None:
    recipient = a_recipient(name=name, address=address)
    try:
        content = compile_mail(an_issue_mail(), SECRET).message(recipient, MADE_AT).content
    except DeliveryError:
        return
    assert [one.addr_spec for one in parsed(content)["To"].addresses] == [address]
