"""An announcement is an issue of words alone: counted before it is stored, approved, sent once each, and taken for no issue of the schedule."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from publisher.app.editing_state import Actor, EditingState, Grant, Role, find_terminal_actor
from publisher.app.issues.announcements import (
    AnnouncementRequest,
    AnnouncementTime,
    AnnouncementWords,
    announce,
    plan_announcement,
)
from publisher.app.issues.approvals import (
    ShownPlan,
    read_approvals,
    read_plan_to_sign,
)
from publisher.app.issues.audience_plan import AudiencePlan, plan_audience
from publisher.app.issues.corrections import can_be_corrected
from publisher.app.issues.deliveries import report_issue
from publisher.app.issues.edits import EditRequest, edit_issue
from publisher.app.issues.listing import LINE_FILTERS, read_issue_month
from publisher.app.issues.lookup import find_issue_group
from publisher.app.issues.overview import read_issue_overview
from publisher.app.issues.sending import schedule_issue
from publisher.app.operation.today import read_today
from publisher.config import load_settings
from publisher.config.newsletters import EditionSettings
from publisher.config.web import SubscriberSettings
from publisher.errors import ConfigError, ForbiddenError, IssueError, UsageError
from publisher.issues.editing import EditKind
from publisher.issues.tables import issue_table
from subscribers.consent_records import (
    ConsentChannel,
    ConsentEvent,
    ConsentOrigin,
    append_consent_record,
)
from subscribers.model import JoinWish
from subscribers.preferences import (
    Preferences,
    pause_subscriber,
    store_fields,
    store_preferences,
)
from subscribers.store import known_subscriber
from tests.publisher.app.approving import TERMINAL, approve_issue, issue_of
from tests.publisher.app.editing import account, audit_log
from tests.publisher.conftest import NOW, Make, PublicationFolder, editing_state
from tests.publisher.delivery.mailing import number_of, outbox, subscribe
from tests.publisher.printing import pipeline_of, public
from tools.feed_validator import faults

# The week's issue is due at 18:00.
EARLY = NOW - timedelta(hours=2)
WEEKLY = {"name": "weekly", "schedule": "0 18 * * FRI", "timezone": "UTC"}
ENGLISH = ("ann", "bob", "dan", "gil")
ARABIC = ("cyd", "hal")
WORDS = AnnouncementWords("The office is closed", "No mail *next week*: see [why](/en/).")
ARABIC_WORDS = AnnouncementWords("المكتب مغلق", "لا بريد الأسبوع المقبل.", "إلى اللقاء")


def address(name: str) -> str:
    return f"{name}@example.com"


@pytest.fixture
def waiting(prepared_publication: Make) -> PublicationFolder:
    """Six subscribers, and an issue of the week that is still to come; Bob wants one topic, Gil has paused."""
    made = prepared_publication(_prepare, languages=["en", "ar"], newsletters=[WEEKLY])
    return made.at(EARLY)


def _prepare(publication: PublicationFolder) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(publication, *((address(one), "en") for one in ENGLISH))
    subscribe(publication, *((address(one), "ar") for one in ARABIC))
    bob, gil = (number_of(publication.database, address(one)) for one in ("bob", "gil"))
    with publication.database.writing() as connection:
        store_preferences(
            connection, bob, Preferences(languages=("en",), topics=("ships",)), EARLY
        )
        pause_subscriber(connection, gil, EARLY + timedelta(days=9), EARLY)


def wanted(**changes: Any) -> AnnouncementRequest:
    words = {"en": WORDS, "ar": ARABIC_WORDS}
    values: dict[str, Any] = {"newsletter": "weekly", "words": words}
    values["when"] = AnnouncementTime.NOW
    return AnnouncementRequest(**values | changes)


def said(publication: PublicationFolder, request: AnnouncementRequest) -> list[str]:
    state = editing_state(publication)
    done = announce(state, find_terminal_actor(state, None), request)
    assert [one.problem for one in done] == [None] * len(done)
    return [one.issue.name for one in done]


def run(publication: PublicationFolder, at: datetime) -> None:
    pipeline_of(publication.at(at)).run()


def page(publication: PublicationFolder, path: str) -> str:
    return (public(publication) / path).read_text("utf-8")


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def mails(publication: PublicationFolder) -> list[tuple[str, EmailMessage]]:
    """Return the mails to subscribers with their addresses."""
    return [one for one in _mails(publication) if one[0].endswith("@example.com")]


def _mails(publication: PublicationFolder) -> Iterator[tuple[str, EmailMessage]]:
    for content in outbox(publication).values():
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        yield mail["To"].addresses[0].addr_spec, mail


EN = "weekly-en-2026-01-09-announcement"
AR = "weekly-ar-2026-01-09-announcement"
SENT_AT = EARLY + timedelta(minutes=30)


def test_everybody_who_gets_the_newsletter_gets_an_announcement_once_in_words_of_its_language(
    waiting: PublicationFolder,
) -> None:
    assert said(waiting, wanted()) == [EN, AR]
    run(waiting, EARLY)
    run(waiting, SENT_AT)
    run(waiting, SENT_AT)
    found = mails(waiting)
    # Bob's topic chooses among articles; Gil has paused.
    assert sorted(to for to, _mail in found) == sorted(
        map(address, ["ann", "bob", "dan", "cyd", "hal"])
    )
    by_address = dict(found)
    english, arabic = by_address[address("bob")], by_address[address("cyd")]
    assert english["Subject"] == WORDS.subject
    assert arabic["Subject"] == ARABIC_WORDS.subject
    text = " ".join(text_of(english).split())
    assert "No mail next week: see why." in text
    assert "is subscribed to" in text
    assert "Correction" not in english.as_string()
    assert text_of(arabic).lstrip("\u2067\u200f").startswith("إلى اللقاء")
    assert "List-Unsubscribe-Post" in english
    assert WORDS.subject in page(waiting, "en/weekly/2026-01-09/announcement/index.html")
    report = report_issue(editing_state(waiting), EN).as_dict()
    assert (report["planned"], report["sent"]) == (3, 3)


def test_an_announcement_is_counted_before_it_is_stored(waiting: PublicationFolder) -> None:
    state = editing_state(waiting)
    actor = find_terminal_actor(state, None)
    request = wanted(words={"en": WORDS}, when=AnnouncementTime.HELD)
    plan = plan_announcement(state, actor, request)
    assert plan.recipients == {"en": 3}
    assert plan.reasons == {"paused": 1, "other-edition": 2}
    assert plan.subscribers == 6
    assert waiting.rows(issue_table) == []
    said(waiting, request)
    stored = read_plan(state)
    assert stored.as_dict() == plan.as_dict()


def read_plan(state: EditingState, suffix: str = "announcement") -> AudiencePlan:
    return plan_audience(state, "weekly", EARLY.date(), suffix=suffix)


def test_the_issue_of_the_week_is_the_same_with_and_without_an_announcement(
    waiting: PublicationFolder,
) -> None:
    said(waiting, wanted())
    run(waiting, SENT_AT)
    run(waiting, EARLY + timedelta(hours=9))
    names = {
        row["newsletter"] + row["kind"] + row["language"] for row in waiting.rows(issue_table)
    }
    assert "weeklyregularen" in names
    subjects = [mail["Subject"] for to, mail in mails(waiting) if to == address("ann")]
    assert len(subjects) == 2
    assert any("Tides" in one for one in subjects)
    issue = page(waiting, "en/weekly/2026-01-09/index.html")
    assert "announcement" not in issue
    assert not can_be_corrected(editing_state(waiting), issue_of(waiting, EN))


LISTED_IN = (
    "en/weekly/index.html",
    "en/index.html",
    "feeds/en/issues/weekly.atom.xml",
    "sitemap-en-pages.xml",
)


@pytest.mark.parametrize(
    ("changes", "is_set", "is_listed"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"only": ("topic is ships",)}, True, False),
        ({"only": ("topic is ships",), "listed": True}, False, True),
    ],
)
def test_it_is_in_lists_of_issues_and_feeds_as_the_newsletter_or_its_author_says(
    waiting: PublicationFolder, changes: dict[str, Any], is_set: bool, is_listed: bool
) -> None:
    waiting.reload(
        languages=["en", "ar"], newsletters=[WEEKLY | {"list_announcements": is_set}]
    )
    said(waiting, wanted(**changes))
    run(waiting, EARLY)
    # Its page is not public before it may be sent.
    assert not (public(waiting) / "en/weekly/2026-01-09/announcement/index.html").exists()
    assert "announcement" not in page(waiting, "en/weekly/index.html")
    run(waiting, SENT_AT)
    run(waiting, EARLY + timedelta(hours=9))
    for name in LISTED_IN:
        text = page(waiting, name)
        assert "2026-01-09/" in text
        assert ("2026-01-09/announcement/" in text) == is_listed, name
        if not name.startswith("sitemap"):
            assert (WORDS.subject in text) == is_listed
    feed = page(waiting, LISTED_IN[2])
    assert faults(feed.encode(), "atom") == []
    assert ("No mail &lt;em&gt;next week&lt;/em&gt;" in feed) == is_listed
    assert feed.count("<entry>") == 1 + is_listed
    # The mail and the page that it names are the same.
    assert WORDS.subject in page(waiting, "en/weekly/2026-01-09/announcement/index.html")


def test_its_page_leads_to_the_same_in_other_languages_and_to_their_lists_while_it_is_held(
    waiting: PublicationFolder,
) -> None:
    said(waiting, wanted())
    said(waiting, wanted(when=AnnouncementTime.HELD))
    state = editing_state(waiting)
    schedule_issue(state, find_terminal_actor(state, None), f"{EN}-2", SENT_AT)
    run(waiting, SENT_AT)
    for name, leads_to in (("announcement/", "announcement/"), ("announcement-2/", None)):
        text = page(waiting, f"en/weekly/2026-01-09/{name}index.html")
        place = f"weekly/2026-01-09/{leads_to}" if leads_to else "weekly/"
        assert f'hreflang="ar" href="https://news.example.org/ar/{place}"' in text
    assert not (public(waiting) / "ar/weekly/2026-01-09/announcement-2/index.html").exists()


def test_a_second_announcement_of_a_day_has_a_number_that_is_the_same_in_all_languages(
    waiting: PublicationFolder,
) -> None:
    said(waiting, wanted(words={"en": WORDS}))
    assert said(waiting, wanted()) == [f"{EN}-2", f"{AR}-2"]
    group, found = find_issue_group(editing_state(waiting), f"{AR}-2")
    assert [one.issue.name for one in group.issues] == [f"{EN}-2", f"{AR}-2"]
    assert (found.kind, found.serial, found.corrects_id) == ("announcement", 2, None)
    with pytest.raises(UsageError, match="no such issue"):
        read_issue_overview(
            editing_state(waiting),
            find_terminal_actor(editing_state(waiting), None),
            "weekly-en-2026-01-09-correction",
        )


def test_it_is_held_until_somebody_schedules_it(waiting: PublicationFolder) -> None:
    said(waiting, wanted(when=AnnouncementTime.HELD))
    run(waiting, SENT_AT)
    assert mails(waiting) == []
    state = editing_state(waiting)
    schedule_issue(state, find_terminal_actor(state, None), EN, SENT_AT + timedelta(days=1))
    run(waiting, SENT_AT + timedelta(hours=23))
    assert not any(mail["Subject"] == WORDS.subject for _to, mail in mails(waiting))
    run(waiting, SENT_AT + timedelta(days=1, minutes=1))
    sent = [to for to, mail in mails(waiting) if mail["Subject"] == WORDS.subject]
    assert sorted(sent) == [address("ann"), address("bob"), address("dan")]


def test_words_are_edited_as_those_of_any_issue_but_never_taken_away(
    waiting: PublicationFolder,
) -> None:
    said(waiting, wanted(words={"en": WORDS}, when=AnnouncementTime.HELD))
    state = editing_state(waiting)
    actor = find_terminal_actor(state, None)
    edited = edit_issue(state, actor, EN, EditRequest(EditKind.SUBJECT, "Open again"))
    assert (edited.problem, edited.issue.revision) == (None, 1)
    overview = read_issue_overview(state, actor, EN)
    assert overview.combined.subject == "Open again"
    assert overview.further == ()
    for request, why in (
        (EditRequest(EditKind.OPENING, " "), "has a subject and a text"),
        (EditRequest(EditKind.NUMBER, "3"), "has no articles"),
        (EditRequest(EditKind.PIN, "1", 1), "has no articles"),
    ):
        with pytest.raises(IssueError, match=why):
            edit_issue(state, actor, EN, request)
    opening = next(one.id for one in overview.edits if one.kind == EditKind.OPENING)
    with pytest.raises(IssueError, match="has a subject and a text"):
        edit_issue(state, actor, EN, opening)


REFUSED = [
    (wanted(words={}), "at least one language"),
    (wanted(words={"en": replace(WORDS, subject=" ")}), "a subject and a text"),
    (wanted(words={"en": replace(WORDS, text="")}), "a subject and a text"),
    (wanted(words={"en": replace(WORDS, subject="x" * 300)}), "longer than"),
    (wanted(words={"en": replace(WORDS, text="x" * 5001)}), "longer than"),
    (wanted(words={"fr": WORDS}), "no edition in fr"),
    (wanted(words={"en": WORDS, "EN": ARABIC_WORDS}), "EN: the words of en are there twice"),
    (wanted(newsletter="daily"), "no such newsletter"),
    (wanted(when=AnnouncementTime.AT), "say when"),
    (wanted(at=SENT_AT), "say when"),
    (wanted(when=AnnouncementTime.AT, at=EARLY - timedelta(hours=1)), "is to come"),
    (wanted(when=AnnouncementTime.AT, at=EARLY + timedelta(days=400)), "is to come"),
]


@pytest.mark.parametrize(("request_", "why"), REFUSED, ids=[why for _one, why in REFUSED])
def test_what_can_not_be_announced_is_refused_in_all_languages(
    waiting: PublicationFolder, request_: AnnouncementRequest, why: str
) -> None:
    state = editing_state(waiting)
    with pytest.raises((UsageError, IssueError), match=why):
        announce(state, find_terminal_actor(state, None), request_)
    assert waiting.rows(issue_table) == []


def test_an_editor_writes_and_schedules_it_and_does_not_send_it_now(
    waiting: PublicationFolder,
) -> None:
    state = editing_state(waiting)
    editor = account(state, "eve@example.org", Grant(Role.EDITOR, "en"))
    for request in (wanted(), wanted(words={"en": WORDS})):
        with pytest.raises(ForbiddenError):
            announce(state, editor, request)
    with pytest.raises(ForbiddenError):
        announce(state, editor, wanted(when=AnnouncementTime.HELD))
    own = wanted(words={"en": WORDS}, when=AnnouncementTime.AT, at=SENT_AT)
    (done,) = announce(state, editor, own)
    assert done.issue.send_at == SENT_AT
    entry = audit_log(state)[-1]
    assert (entry.verb, entry.object, entry.details["issues"]) == ("announce", "weekly", [EN])


def test_what_is_approved_is_what_is_sent_and_its_author_is_not_its_approver(
    prepared_publication: Make,
) -> None:
    made = prepared_publication(
        _prepare, languages=["en", "ar"], newsletters=[WEEKLY | {"approval": "one"}]
    ).at(EARLY)
    state = editing_state(made)
    eve = account(state, "eve@example.org", Grant(Role.ADMINISTRATOR))
    amy = account(state, "amy@example.org", Grant(Role.APPROVER))
    announce(state, eve, wanted(words={"en": WORDS}))
    run(made, SENT_AT)
    assert mails(made) == []
    assert "you have edited it" in read_approvals(state, eve, EN).why_not
    before = approve(state, amy)
    edit_issue(state, eve, EN, EditRequest(EditKind.OPENING, "Open *again*."))
    run(made, SENT_AT)
    assert mails(made) == []
    with pytest.raises(IssueError):
        approve_issue(state, amy, EN, before)
    approve(state, amy)
    run(made, SENT_AT + timedelta(hours=1))
    found = mails(made)
    assert sorted(to for to, _mail in found) == [address("ann"), address("bob"), address("dan")]
    assert all("Open again." in text_of(mail) for _to, mail in found)


def approve(state: EditingState, actor: Actor) -> str:
    """Approve the announcement as it is, with the plan that is shown; return what it was."""
    view = read_approvals(state, actor, EN)
    plan = read_plan_to_sign(state, view)
    assert plan is not None
    assert plan.recipients == 3
    assert view.manifest is not None
    approve_issue(state, actor, EN, view.manifest, plan=ShownPlan(plan.hash, plan.recipients))
    return view.manifest


def test_an_announcement_settles_nothing_of_what_a_pause_has_left_owed(
    waiting: PublicationFolder,
) -> None:
    # The week's issue goes out while Gil has paused; the announcement comes after that, before the next issue.
    run(waiting, EARLY + timedelta(hours=9))
    later = EARLY + timedelta(days=10)
    said(waiting.at(later), wanted(words={"en": WORDS}))
    run(waiting, later + timedelta(minutes=30))
    waiting.write("en/gales.md", "It blows.", title="Gales", date="2026-01-20")
    run(waiting, EARLY + timedelta(days=14, hours=9))
    texts = [text_of(mail) for to, mail in mails(waiting) if to == address("gil")]
    assert any("Tides" in text and "Gales" in text for text in texts)


def test_an_announcement_goes_at_its_own_time_and_not_at_each_subscriber_s_hour(
    prepared_publication: Make,
) -> None:
    made = prepared_publication(
        _prepare, languages=["en", "ar"], newsletters=[WEEKLY | {"local_time": True}]
    ).at(EARLY)
    said(made, wanted(words={"en": WORDS}))
    plan = read_plan(editing_state(made))
    assert [len(one.instants) for one in plan.editions] == [1]
    run(made, SENT_AT)
    assert len(mails(made)) == 3


FIELDS = SubscriberSettings.model_validate(
    {
        "field": [
            {"name": "city", "label": "City"},
            {"name": "age", "label": "Age", "type": "number"},
            {"name": "since", "label": "Since", "type": "date"},
            {"name": "donor", "label": "Donor", "type": "yes/no"},
        ]
    }
)
# Text where a number is expected is of a time when the field had another type.
VALUES: dict[str, dict[str, str]] = {
    "ann": {"city": "Berlin", "age": "9", "since": "2020-05-01", "donor": "yes"},
    "bob": {"city": "Bonn", "age": "30.5", "since": "2026-01-01"},
    "dan": {"city": 'Köln "N"', "age": "old", "donor": "no"},
    "gil": {"city": "Berlin"},
    "cyd": {},
    "hal": {"city": "berlin", "age": "-3"},
}


def with_fields(publication: PublicationFolder, **only: list[str]) -> PublicationFolder:
    """Give subscribers fields, and the editions of some languages conditions."""
    settings = replace(publication.settings, subscribers=FIELDS)
    if only:
        (weekly,) = settings.newsletters
        tables = {tag: EditionSettings(only=tuple(texts)) for tag, texts in only.items()}
        settings = replace(
            settings, newsletters=(weekly.model_copy(update={"edition": tables}),)
        )
    with publication.database.writing() as connection:
        for name, values in VALUES.items():
            number = known_subscriber(connection, address(name)).id
            store_fields(connection, number, values, EARLY)
    return replace(publication, settings=settings)


LIMITS = [
    ("city is Berlin", "ann"),
    ("city is not  Berlin", "bob cyd dan hal"),
    ("city is set", "ann bob dan hal"),
    ('city is Köln "N"', "dan"),
    ("age at least 9", "ann bob"),
    ("age at most 9.0", "ann hal"),
    ("since at most 2025-12-31", "ann"),
    ("since at least 2020-05-01", "ann bob"),
    ("donor is yes", "ann"),
    ("donor is not yes", "bob cyd dan hal"),
    ("topic is SHIPS", "bob"),
    ("topic is not ships", "ann cyd dan hal"),
    ("topic is ship", ""),
    ("newsletter is weekly", "ann bob cyd dan hal"),
    ("newsletter is not weekly", ""),
    ("page is subscribe", "cyd"),
]


@pytest.mark.parametrize(("limit", "names"), LIMITS, ids=[one for one, _names in LIMITS])
def test_an_announcement_goes_to_those_who_meet_its_conditions_and_is_counted_so(
    waiting: PublicationFolder, limit: str, names: str
) -> None:
    limited = with_fields(waiting)
    with waiting.database.writing() as connection:
        cyd = number_of(waiting.database, address("cyd"))
        append_consent_record(
            connection,
            cyd,
            ConsentEvent.CONFIRMED,
            JoinWish(("weekly",), "ar"),
            ConsentOrigin(page="subscribe", source=ConsentChannel.LINK),
            EARLY,
        )
    expected = sorted(map(address, names.split()))
    said(limited, wanted(only=(limit,)))
    plan = read_plan(editing_state(limited))
    assert sum(plan.recipients.values()) == len(expected)
    assert plan.reasons["not-in-audience"] == 5 - len(expected)
    assert sum(plan.reasons.values()) + len(expected) == plan.subscribers
    run(limited, SENT_AT)
    assert sorted(to for to, _mail in mails(limited)) == expected


def test_all_conditions_count_as_fields_are_when_the_ledger_is_opened(
    waiting: PublicationFolder,
) -> None:
    limited = with_fields(waiting)
    both = wanted(only=("city is Berlin", "age at most 18"))
    said(limited, both)
    with waiting.database.writing() as connection:
        for name, values in (("ann", {"age": "20"}), ("hal", {"city": "Berlin", "age": "3"})):
            number = known_subscriber(connection, address(name)).id
            store_fields(connection, number, values, EARLY)
    run(limited, SENT_AT)
    assert [to for to, _mail in mails(limited)] == [address("hal")]


@pytest.mark.parametrize(
    "limit",
    [
        "town is Berlin",
        "city",
        "city at least 3",
        "age is many",
        "topic is set",
        "newsletter is not weekley",
        "city is ",
        "1=1",
    ],
)
def test_a_condition_that_can_not_be_is_refused(waiting: PublicationFolder, limit: str) -> None:
    limited = with_fields(waiting)
    state = editing_state(limited)
    with pytest.raises(UsageError, match="the audience of the announcement"):
        announce(state, find_terminal_actor(state, None), wanted(only=(limit,)))


def test_an_announcement_waits_if_a_field_of_its_audience_is_gone(
    waiting: PublicationFolder,
) -> None:
    said(with_fields(waiting), wanted(words={"en": WORDS}, only=("city is Berlin",)))
    run(waiting, SENT_AT)
    assert mails(waiting) == []
    assert issue_of(waiting, EN).state == "ready"
    run(with_fields(waiting), SENT_AT + timedelta(minutes=5))
    assert [to for to, _mail in mails(waiting)] == [address("ann")]


def test_an_edition_is_limited_and_so_are_its_announcements(
    waiting: PublicationFolder,
) -> None:
    limited = with_fields(waiting, en=["city is not Bonn"])
    said(limited, wanted(only=("city is set",)))
    # How many get it is counted by its plan, and not taken for all readers of the language.
    month = read_issue_month(
        editing_state(limited), EARLY.date(), dict.fromkeys(LINE_FILTERS, "")
    )
    assert [one.recipients for one in month.lines if one.issue.serial] == [0]
    assert {*read_today(editing_state(limited), TERMINAL).subscribers} == {("weekly", "ar")}
    run(limited, SENT_AT)
    assert sorted(to for to, _mail in mails(limited)) == [
        address("ann"),
        address("dan"),
        address("hal"),
    ]
    plan = plan_audience(editing_state(limited), "weekly", None, ["en"])
    assert plan.reasons["not-in-audience"] == 1
    assert plan.recipients == {"en": 2}
    run(limited, EARLY + timedelta(hours=9))
    tides = [to for to, mail in mails(limited) if "Tides" in mail["Subject"]]
    assert sorted(tides) == [address("ann"), address("dan")]


def test_an_edition_with_an_unknown_field_is_refused(waiting: PublicationFolder) -> None:
    text = waiting.settings.folders.root / "publication.toml"
    content = text.read_text("utf-8").replace(
        '"name": "weekly"', '"only": ["city is Berlin"], "name": "weekly"'
    )
    content = content.replace(
        '"name" = "weekly"', '"only" = ["city is Berlin"], "name" = "weekly"'
    )
    with pytest.raises(ConfigError, match="city"):
        load_settings(text.parent, {}, content.encode())


def test_an_announcement_under_a_former_name_is_one_of_the_newsletter(
    waiting: PublicationFolder,
) -> None:
    (weekly,) = waiting.settings.newsletters
    renamed = weekly.model_copy(update={"formerly": ("tides",)})
    made = replace(waiting, settings=replace(waiting.settings, newsletters=(renamed,)))
    assert said(made, wanted(newsletter="tides")) == [EN, AR]
