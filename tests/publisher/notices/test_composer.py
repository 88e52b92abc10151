"""Every notice in every language: its links, its fields, and what the gate says of it."""

import re
from dataclasses import replace
from email.message import EmailMessage
from itertools import product
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from sqlalchemy import Connection

from publisher.config.delivery import MailboxSettings
from publisher.config.web import WebSettings
from publisher.database.retry_queue import due_items
from publisher.errors import DeliveryError, RenderingError
from publisher.mail.compose import notice_message_name, notices_of_message_ids
from publisher.mail.signed_addresses import LinkKind, find_link
from publisher.mailbox.commands import parse_command
from publisher.notices import composer as gate_samples
from publisher.notices.composer import NoticeComposer
from publisher.notices.kinds import NoticeKind
from publisher.notices.ledger import NOTICE_POLICY, QueuedNotice, enqueue_notice, queued_notices
from publisher.rendering import Digest, SystemMail
from publisher.testing import SECRET
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import ready
from tests.publisher.mail.samples import parsed
from tests.publisher.notices.people import CODE, RENDERER, add_person, enqueue, text_of
from tests.sizes import by_lane

BOX = "lists@news.example.org"
# English is that of the other tests.
LANGUAGES = by_lane(("zh-Hant", "ar"), ("en", "zh-Hans", "zh-Hant", "ar"))
PAGES = {
    NoticeKind.CONFIRM: ("confirm", "confirm", 7),
    NoticeKind.REMINDER: ("confirm", "confirm", 7),
    NoticeKind.GOODBYE: ("undo", "unsubscribe", 4),
    NoticeKind.CONFIRM_ADDRESS: ("address", "address", 5),
    NoticeKind.ADDRESS_CHANGED: ("undo-address", "address", 5),
    NoticeKind.DATA: ("data", "data", 6),
}


def due(connection: Connection) -> list[QueuedNotice]:
    return queued_notices(connection, due_items(connection, NOTICE_POLICY, NOW, 9))


def compose(
    publication: PublicationFolder,
    kind: NoticeKind,
    language: str = "en",
    to: str | None = None,
) -> bytes:
    person = add_person(publication, language=language, generation=3, name="Ann Example")
    enqueue(publication, person, kind, to=to)
    composer = NoticeComposer(publication.settings, RENDERER.system_mail, SECRET)
    with publication.database.reading() as connection:
        (row,) = due(connection)
        return composer.compose(connection, row).content


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def links(mail: EmailMessage) -> dict[str, str]:
    """Return the tokens in a mail by the path of their page."""
    found = re.findall(r"https://\S+\?t=\S+", text_of(mail))
    queries = {urlsplit(url).path: parse_qs(urlsplit(url).query) for url in found}
    return {path: query["t"][0] for path, query in queries.items()}


@pytest.mark.parametrize(("kind", "language"), [*product(NoticeKind, LANGUAGES)])
def test_every_notice_passes_the_gate_in_its_language(
    publication: PublicationFolder, kind: NoticeKind, language: str
) -> None:
    content = compose(publication, kind, language)
    composer = NoticeComposer(publication.settings, RENDERER.system_mail, SECRET)
    with publication.database.reading() as connection:
        (row,) = due(connection)
        assert composer.check(connection, row).report.findings == ()
    assert parsed(content)["Content-Language"] == language
    assert "@@" not in html_of(parsed(content)) + text_of(parsed(content))


@pytest.mark.parametrize(("kind", "expected"), PAGES.items())
def test_the_link_of_a_notice_is_signed_for_its_page_and_row(
    publication: PublicationFolder, kind: NoticeKind, expected: tuple[LinkKind, str, int]
) -> None:
    link, page, number = expected
    mail = parsed(compose(publication, kind, "ar"))
    token = links(mail)[f"/ar/{page}/"]
    assert token in html_of(mail)
    found = find_link(SECRET, link, token)
    assert found is not None
    assert (found.subscriber_id, found.generation, found.number) == (1, 3, number)


def test_the_links_mail_has_working_links_and_her_own_feed(
    publication: PublicationFolder,
) -> None:
    mail = parsed(compose(publication, NoticeKind.LINKS))
    tokens = links(mail)
    for kind in ("preferences", "unsubscribe"):
        link = find_link(SECRET, kind, tokens[f"/en/{kind}/"])
        assert link is not None
        assert (link.subscriber_id, link.newsletter) == (1, "")
    found = re.search(r"https://news\.example\.org/en/feeds/of/(\S+)\.atom", text_of(mail))
    assert found
    link = find_link(SECRET, "feed", found[1])
    assert link is not None
    assert (link.subscriber_id, link.generation, link.number) == (1, 3, 0)


@pytest.mark.parametrize(
    ("language", "zone", "line"),
    [
        ("en", None, "Next issue: Friday, January 16, 2026"),
        ("en", "Pacific/Honolulu", "Next issue: Thursday, January 15, 2026"),
        ("ar", None, "الجمعة"),
    ],
)
def test_a_welcome_says_when_the_next_issue_comes_in_the_zone_of_its_reader(
    publication: PublicationFolder, language: str, zone: str | None, line: str
) -> None:
    person = add_person(publication, language=language, timezone=zone)
    enqueue(publication, person, NoticeKind.WELCOME)
    composer = NoticeComposer(publication.settings, RENDERER.system_mail, SECRET)
    with publication.database.reading() as connection:
        (row,) = due(connection)
        mail = parsed(composer.compose(connection, row).content)
        again = replace(row, content={**row.content, "again": True})
        # Who comes back may have chosen digests instead of each issue.
        other = parsed(composer.compose(connection, again).content)
    assert line in text_of(mail)
    assert line in html_of(mail)
    assert line not in text_of(other)


def test_a_mail_says_in_which_language_its_words_are(publication: PublicationFolder) -> None:
    publication.reload(languages=["eo", "en"])
    mail = parsed(compose(publication, NoticeKind.GOODBYE, "eo"))
    assert "You are unsubscribed" in text_of(mail)
    assert mail["Content-Language"] == "en"
    assert '<html lang="eo"' in html_of(mail)


def test_a_confirmation_names_the_page_of_its_code_and_opens_the_refusal(
    publication: PublicationFolder,
) -> None:
    mail = parsed(compose(publication, NoticeKind.CONFIRM))
    assert f"{CODE}\r\nhttps://news.example.org/en/confirm/\r\n" in text_of(mail)
    for part in (text_of(mail), html_of(mail).replace("&amp;", "&")):
        assert len(re.findall(r"/confirm/\?t=[\w.-]+&choice=refuse\b", part)) == 1
        assert len(re.findall(r"/confirm/\?t=[\w.-]+(?![\w.&-])", part)) == 1


def by_mail_only(publication: PublicationFolder, address: str | None = BOX) -> None:
    box = MailboxSettings(kind="pipe", address=address) if address else None
    publication.settings = replace(
        publication.settings, web=WebSettings(enabled=False), mailbox=box
    )


@pytest.mark.parametrize(
    ("kind", "language"), [*product([kind for kind in NoticeKind if kind != "data"], LANGUAGES)]
)
def test_without_pages_every_link_of_a_notice_opens_a_mail(
    publication: PublicationFolder, kind: NoticeKind, language: str
) -> None:
    by_mail_only(publication)
    mail = parsed(compose(publication, kind, language))
    assert "?t=" not in html_of(mail) + text_of(mail)
    assert f"/{language}/confirm/" not in html_of(mail)
    assert CODE not in text_of(mail)
    commands = re.findall(rf"mailto:{BOX}\?subject=(\S+)", text_of(mail))
    assert commands
    for command in commands:
        assert parse_command(unquote(command), "")


@pytest.mark.parametrize(
    ("kind", "address", "problem"),
    [
        (NoticeKind.DATA, BOX, r"enable \[web\] or set a \[mailbox\]"),
        (NoticeKind.CONFIRM, None, "nobody could do what the mail confirm asks for"),
    ],
    ids=["only a page could", "no page and no mailbox"],
)
def test_a_notice_that_nobody_could_answer_is_not_sent(
    publication: PublicationFolder, kind: NoticeKind, address: str | None, problem: str
) -> None:
    by_mail_only(publication, address)
    with pytest.raises(DeliveryError, match=problem):
        compose(publication, kind)


@pytest.mark.parametrize("kind", NoticeKind)
def test_only_mails_to_subscribers_offer_to_unsubscribe_with_one_click_and_none_asks_for_an_answer(
    publication: PublicationFolder, kind: NoticeKind
) -> None:
    mail = parsed(compose(publication, kind))
    offers = kind in {NoticeKind.WELCOME, NoticeKind.ALREADY_SUBSCRIBED, NoticeKind.LINKS}
    assert (mail["List-Unsubscribe"] is not None) is offers
    assert (mail["List-Unsubscribe-Post"] is not None) is offers
    # There is no mailbox.
    assert "answer this mail" not in text_of(mail)
    assert "mailto:" not in text_of(mail) + html_of(mail)


def test_a_notice_that_the_gate_rejects_is_not_composed_and_the_error_says_why(
    publication: PublicationFolder,
) -> None:
    def render(mail: SystemMail) -> Digest:
        digest = RENDERER.system_mail(mail)
        return replace(digest, html=digest.html.replace("<h1", "<script></script><h1"))

    enqueue(publication, add_person(publication))
    composer = NoticeComposer(publication.settings, render, SECRET)
    with publication.database.reading() as connection:
        (row,) = due(connection)
        with pytest.raises(RenderingError) as caught:
            composer.compose(connection, row)
    problem = str(caught.value)
    assert problem.startswith("the mail confirm in en does not pass the gate, and waits: ")
    assert "script" in problem
    assert "ann@example.org" not in problem


def test_a_notice_says_that_a_program_wrote_it_and_to_whom(
    publication: PublicationFolder,
) -> None:
    mail = parsed(compose(publication, NoticeKind.CONFIRM, "fr"))
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert mail["To"] == "Ann Example <ann@example.org>"
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"] == f"<{notice_message_name(SECRET, 1)}@news.example.org>"
    assert mail["Precedence"] is None
    # A language that is not served becomes the default.
    assert mail["Content-Language"] == "en"


@pytest.mark.parametrize(
    ("kind", "to", "words"),
    [
        (NoticeKind.DATA, None, CODE),
        (NoticeKind.ADDRESS_CHANGED, None, "a•••@example.net"),
        (NoticeKind.CONFIRM_ADDRESS, "new@example.net", "new@example.net"),
    ],
)
def test_both_parts_have_the_code_and_the_address_that_a_notice_is_about(
    publication: PublicationFolder, kind: NoticeKind, to: str | None, words: str
) -> None:
    mail = parsed(compose(publication, kind, to=to))
    assert words in text_of(mail)
    assert words in html_of(mail)
    assert mail["To"] == f"Ann Example <{to or 'ann@example.org'}>"


def test_a_welcome_has_the_latest_issue_in_her_language(publication: PublicationFolder) -> None:
    ready(publication)
    ready(publication, "ar")
    text = text_of(parsed(compose(publication, NoticeKind.WELCOME, "ar")))
    assert "https://news.example.org/ar/weekly/2026-01-09/" in text
    assert "/en/weekly/" not in text


@pytest.mark.parametrize("kind", [NoticeKind.CONFIRM, NoticeKind.WELCOME])
def test_mails_about_a_beginning_say_what_the_newsletter_is(
    publication: PublicationFolder, kind: NoticeKind
) -> None:
    described = {
        "name": "weekly",
        "title": "The week",
        "description": {"en": "Fridays, by boat."},
    }
    publication.reload(newsletters=[described | {"schedule": "0 8 * * FRI"}])
    mail = parsed(compose(publication, kind))
    assert "\r\nThe week\r\nFridays, by boat.\r\n" in text_of(mail)
    assert "<strong>The week</strong><br>Fridays, by boat." in html_of(mail)


def test_a_newsletter_that_was_removed_is_called_by_its_name(
    publication: PublicationFolder,
) -> None:
    person = add_person(publication)
    with publication.database.writing() as connection:
        enqueue_notice(
            connection, NoticeKind.WELCOME, person, NOW, values={"newsletters": ["gone"]}
        )
        (row,) = due(connection)
        composer = NoticeComposer(publication.settings, RENDERER.system_mail, SECRET)
        assert "gone" in text_of(parsed(composer.compose(connection, row).content))


def test_mails_that_differ_only_in_their_recipients_are_rendered_once_and_checked_once(
    publication: PublicationFolder,
) -> None:
    gate_samples._errors.cache_clear()
    rendered: list[SystemMail] = []

    def render(mail: SystemMail) -> Digest:
        rendered.append(mail)
        return RENDERER.system_mail(mail)

    composer = NoticeComposer(publication.settings, render, SECRET)
    for address in ("ann@example.org", "bob@example.org"):
        enqueue(publication, add_person(publication, address))
    with publication.database.reading() as connection:
        rows = due(connection)
        messages = [composer.compose(connection, row).content for row in rows]
        assert len(rendered) == 1
        # Another process renders it again, and a mail that has passed the gate is not checked again.
        NoticeComposer(publication.settings, render, SECRET).compose(connection, rows[1])
    assert gate_samples._errors.cache_info().misses == 1
    assert gate_samples._errors.cache_info().hits == 1
    assert b"bob@example.org" in messages[1]
    assert b"ann@example.org" not in messages[1]


def test_only_the_message_ids_of_real_notices_are_recognised() -> None:
    name = notice_message_name(SECRET, 12)
    forged = name.replace("notice.12.", "notice.13.")
    text = f"<x@y> <{forged}@example.org>\r\n <{name}@news.example.org>"
    assert [*notices_of_message_ids(SECRET, text)] == [12]
