"""A morning of an editor in four languages, step by step, as five people click it through the console.

The test looks at what subscribers get; `make pictures` photographs the same steps for the tutorial. Time
stands still but for `Morning.at`, which also runs a cycle of the service.
"""

import email
import email.policy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from playwright.sync_api import CDPSession, Locator, Page, expect

from publisher.accounts.model import Grant, Role, terminal_actor
from publisher.accounts.sessions import Browser, begin_session, complete_session
from publisher.accounts.store import NewAccount, add_account
from publisher.app.accounts.administration import create_account
from publisher.app.operation.run import run_cycle
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.console.conftest import COOKIE
from tests.publisher.web.console.running import running_console
from tools.browser.chromium import AUTHENTICATOR, press

# A page, the name of its picture, and what of it has to be in view; nothing: its top.
Camera = Callable[[Page, str, Locator | None], None]

WINDOW = {"width": 1100, "height": 760}
PHONE = {"width": 390, "height": 760}
ENGLISH, ARABIC = "weekly-en-2026-01-16", "weekly-ar-2026-01-16"
SUBJECT = "From Monday, be at the pier by eight"
ERRATUM = "The ferry leaves at nine"
ANNOUNCED = "No ferry on Sunday"
SETTINGS: dict[str, Any] = {
    "title": {"en": "The Lantern", "zh-Hans": "灯笼", "zh-Hant": "燈籠", "ar": "الفانوس"},
    "languages": ["en", "zh-Hans", "zh-Hant", "ar"],
    "sources": [{"kind": "folder", "path": "articles", "editable": True}],
    "newsletters": [
        {
            "title": {"en": "The week", "zh-Hans": "一周", "zh-Hant": "一週", "ar": "الأسبوع"},
            "schedule": "0 12 * * FRI",
            "lead": 4,
            "approval": "one",
            "undo": 5,
            "edition": {"en": {"approval": "two"}, "ar": {"wait_for_translations": 6}},
        }
    ],
}
FERRY = {
    "en": (
        "The ferry to the lighthouse leaves earlier",
        "From Monday the ferry to the lighthouse leaves at eight in the morning.",
    ),
    "zh-Hans": ("去灯塔的渡船提前开船", "从星期一起，去灯塔的渡船早上八点开船。"),
    "zh-Hant": ("去燈塔的渡船提前開船", "從星期一起，去燈塔的渡船早上八點開船。"),
    "ar": (
        "عبّارة المنارة تغادر أبكر",
        "ابتداءً من يوم الاثنين تغادر عبّارة المنارة في الثامنة صباحًا.",
    ),
}
TIDES = {
    "en": (
        "The harbour's tide clock runs again after a year",
        "The clock in the harbour shows the tides again, after a year of repairs.",
    ),
    "zh-Hans": ("港口的潮汐钟修理了整整一年，今天又走起来了", "港口的潮汐钟修了一年，又走了。"),
    "zh-Hant": ("港口的潮汐鐘修理了整整一年，今天又走起來了", "港口的潮汐鐘修了一年，又走了。"),
    "ar": (
        "ساعة المدّ في المرفأ تعمل من جديد بعد عام من الإصلاح",
        "عادت ساعة المدّ في المرفأ إلى العمل بعد عام من الإصلاح.",
    ),
}
READERS = {
    "ann-one@example.com": "en",
    "ann-two@example.com": "en",
    "hans@example.com": "zh-Hans",
    "hant@example.com": "zh-Hant",
    "noor@example.com": "ar",
}


@dataclass
class Clock:
    """The time of the publication, for the console."""

    publication: PublicationFolder

    def now(self) -> datetime:
        return self.publication.clock.now()


@dataclass
class Morning:
    """The publication, its console, who works there, and what browsers complained of."""

    publication: PublicationFolder
    url: str
    camera: Camera
    complaints: list[str] = field(default_factory=list)
    passkeys: list[object] = field(default_factory=list)

    def at(self, hour: int, minute: int = 0) -> None:
        """Let it be another time, at which the service has just run a cycle."""
        self.publication.at(datetime(2026, 1, 16, hour, minute, tzinfo=UTC))
        run_cycle(pipeline_of(self.publication), lambda *_progress: None)

    def write(self, story: str, texts: dict[str, tuple[str, str]], *languages: str) -> None:
        """Let a story arrive in some languages."""
        for tag in languages:
            title, words = texts[tag]
            self.publication.write(f"{tag}/{story}.md", words, title=title, date="2026-01-15")

    def mails(self, address: str) -> list[EmailMessage]:
        """Return the mails that an address got, in the order of their dates."""
        folder = self.publication.settings.folders.outbox
        found = [
            email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            for path in folder.rglob("*.eml")
        ]
        mine = [one for one in found if address in str(one["To"])]
        return sorted(mine, key=lambda one: str(one["Date"].datetime))

    def subjects(self) -> dict[str, list[str]]:
        """Return the subjects of the mails of each subscriber who got any."""
        found = {who: [str(one["Subject"]) for one in self.mails(who)] for who in READERS}
        return {who: subjects for who, subjects in found.items() if subjects}

    def watch(self, page: Page) -> Page:
        """Note what a browser says in its console, errors and refusals of the policy among it."""
        page.on("console", lambda one: self.complaints.append(one.text))
        return page

    def sign_in(self, page: Page, who: NewAccount, view: dict[str, int], scheme: str) -> Page:
        """Open a window of somebody who is signed in."""
        now = self.publication.clock.now()
        with self.publication.database.writing() as connection:
            account = add_account(connection, who, now)
            token = begin_session(connection, Browser("Firefox, Linux", "192.0.2.0/24"), now)
            token = complete_session(connection, token, account.id, now)
        browser = page.context.browser
        assert browser is not None
        context = browser.new_context(viewport=view, color_scheme=scheme)  # type: ignore[arg-type]
        cookie = {"name": COOKIE, "value": token, "url": "https://localhost/", "secure": True}
        context.add_cookies([cookie])  # type: ignore[list-item]
        return self.watch(context.new_page())


@contextmanager
def begun(publication: PublicationFolder, camera: Camera) -> Iterator[Morning]:
    """Serve the console of a publication with subscribers and yesterday's story."""
    for address, tag in READERS.items():
        subscribe(publication, (address, tag))
    publication.at(datetime(2026, 1, 16, 6, tzinfo=UTC))
    with running_console(publication.settings, Clock(publication)) as settings:
        publication.settings = settings
        morning = Morning(publication, settings.console.url, camera)
        morning.write("tides", TIDES, *TIDES)
        morning.at(6)
        yield morning


def post(page: Page, verb: str) -> None:
    """Press the button of the form that a verb is posted by, in whatever language."""
    press(page.locator(f'form[action*="/{verb}/"] button').first)


def state_of(page: Page, language: str) -> Locator:
    """Return the tab with the state of an issue in a language."""
    return page.locator(f'#tabs a[href="/issues/weekly-{language}-2026-01-16/"]')


def add_device(
    page: Page, passkeys: Sequence[object] = ()
) -> tuple[CDPSession, dict[str, Any]]:
    """Give a window a device that makes and shows passkeys. Chromium has one for each window."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    device = session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    for one in passkeys:
        session.send("WebAuthn.addCredential", device | {"credential": one})
    return session, device


def ann_makes_a_passkey(morning: Morning, page: Page) -> None:
    """Open the link that the terminal printed, and name no device."""
    roles = (Grant(Role.ADMINISTRATOR),)
    new = NewAccount("ann@example.org", "Ann Example", "en", roles)
    link = create_account(editing_state(morning.publication), terminal_actor(), new).link(
        morning.url
    )
    page.set_viewport_size(WINDOW)  # type: ignore[arg-type]
    session, device = add_device(morning.watch(page))
    page.goto(link)
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    morning.passkeys = session.send("WebAuthn.getCredentials", device)["credentials"]


def others_sign_in(morning: Morning, page: Page) -> tuple[Page, Page, Page, Page]:
    """Give the windows of Ben, Lin, Mei and Omar."""
    ben = NewAccount("ben@example.org", "Ben Example", "en", (Grant(Role.APPROVER, "en"),))
    lin = NewAccount("lin@example.org", "林例", "zh-Hant", (Grant(Role.APPROVER),))
    mei = NewAccount("mei@example.org", "梅例", "zh-Hans", (Grant(Role.TRANSLATOR, "zh-Hans"),))
    omar = NewAccount("omar@example.org", "عمر مثال", "ar", (Grant(Role.APPROVER, "ar"),))
    return (
        morning.sign_in(page, ben, WINDOW, "dark"),
        morning.sign_in(page, lin, WINDOW, "light"),
        morning.sign_in(page, mei, WINDOW, "light"),
        morning.sign_in(page, omar, PHONE, "light"),
    )


def a_story_arrives(morning: Morning, ann: Page) -> None:
    """At half past seven there is an original; nobody has translated it."""
    morning.write("ferry", FERRY, "en")
    morning.at(7, 30)
    ann.get_by_role("link", name="Translations").click()
    expect(ann.get_by_role("row").filter(has_text=FERRY["en"][0])).to_contain_text("missing")


def two_translations_come(morning: Morning, ann: Page, mei: Page, omar: Page) -> None:
    """Mei sees what lacks her language and writes it, Omar is at work; the Chinese ones are there before eight."""
    mei.goto(f"{morning.url}/translations/?language=zh-Hans&state=missing")
    expect(mei.get_by_role("row").filter(has_text=FERRY["en"][0])).to_contain_text("缺")
    expect(mei.get_by_role("row").filter(has_text=TIDES["en"][0])).to_have_count(0)
    morning.camera(mei, "translations-zh-hans", None)
    omar.goto(f"{morning.url}/translations/?language=ar")
    omar.get_by_role("row").filter(has_text=FERRY["en"][0]).get_by_role("link").first.click()
    morning.camera(omar, "translator-phone-ar", None)
    post(omar, "start")
    mei_writes(morning, mei)
    morning.write("ferry", FERRY, "zh-Hant")
    morning.at(7, 50)
    ann.reload()
    row = ann.get_by_role("row").filter(has_text=FERRY["en"][0])
    expect(row.locator("td")).to_contain_text(
        ["original", "translation", "translation", "in work"]
    )
    morning.camera(ann, "translations", None)


def mei_writes(morning: Morning, mei: Page) -> None:
    """The original stands beside the fields; what is published is a file of the source."""
    press(mei.get_by_role("row").filter(has_text=FERRY["en"][0]).get_by_role("link").first)
    post(mei, "write")
    title, words = FERRY["zh-Hans"]
    mei.locator("#title").fill(title)
    mei.locator(".CodeMirror").click()
    expect(mei.locator(".CodeMirror-focused")).to_be_visible()
    mei.keyboard.insert_text(words)
    expect(mei.locator(".CodeMirror")).to_contain_text(words)
    morning.camera(mei, "write-zh-hans", mei.locator(".columns"))
    press(mei.locator('button[value="publish"]'))
    expect(mei.get_by_role("status")).to_be_visible()
    assert words in (morning.publication.articles / "zh-Hans/ferry.md").read_text("utf-8")


def issues_are_made(morning: Morning, ann: Page) -> None:
    """Four hours before they are due: three await approval, Arabic waits for its translation."""
    morning.at(8)
    ann.get_by_role("link", name="Today").click()
    morning.camera(ann, "today", None)
    ann.goto(f"{morning.url}/issues/{ENGLISH}/")
    expect(state_of(ann, "zh-Hans")).to_contain_text("awaits approval")
    expect(state_of(ann, "ar")).to_contain_text("scheduled")
    assert morning.subjects() == {}


def lin_approves_what_she_may(morning: Morning, lin: Page) -> None:
    """Three languages at once; English needs a second person."""
    lin.goto(f"{morning.url}/issues/weekly-zh-Hant-2026-01-16/languages/")
    morning.camera(lin, "approve-all-zh-hant", None)
    post(lin, "approve-all")
    expect(state_of(lin, "zh-Hant")).to_contain_text("就緒")
    expect(state_of(lin, "en")).not_to_contain_text("就緒")


def the_subject_is_rewritten(morning: Morning, ann: Page) -> None:
    """The approval of what the issue was is struck, and the editor can't give one herself."""
    morning.at(8, 10)
    ann.reload()
    ann.get_by_label("Subject").fill(SUBJECT)
    ann.locator("form").filter(has=ann.get_by_label("Subject")).get_by_role("button").click()
    expect(ann.get_by_text("approved what it was before.")).to_be_visible()
    morning.camera(ann, "struck", ann.locator("#notices"))
    expect(ann.get_by_text("Your approval would not count:")).to_contain_text(
        "you have edited it"
    )


def a_test_mail_is_sent(morning: Morning, ann: Page) -> None:
    """The mail is looked at in all languages, and sent to the editor alone."""
    ann.goto(f"{morning.url}/issues/{ENGLISH}/preview/")
    ann.get_by_role("link", name="All", exact=True).click()
    ann.emulate_media(color_scheme="dark")
    morning.camera(ann, "preview-dark", ann.locator(".chooser"))
    ann.emulate_media(color_scheme="light")
    ann.get_by_text("Send a test mail").click()
    expect(ann.get_by_label("Addresses")).to_have_value("ann@example.org")
    post(ann, "preview/test")
    expect(ann.get_by_role("status")).to_be_visible()
    assert f"[Test] {SUBJECT}" in [
        str(one["Subject"]) for one in morning.mails("ann@example.org")
    ]
    assert morning.subjects() == {}


def english_is_approved_by_two(morning: Morning, ben: Page, lin: Page) -> None:
    """Each reads the issue as it is now."""
    morning.at(8, 30)
    ben.goto(f"{morning.url}/issues/{ENGLISH}/")
    post(ben, "approve")
    expect(state_of(ben, "en")).to_contain_text("awaits approval")
    lin.goto(f"{morning.url}/issues/{ENGLISH}/")
    post(lin, "approve")
    ben.reload()
    expect(state_of(ben, "en")).to_contain_text("ready")
    morning.camera(ben, "approved-dark", ben.locator("#approvals"))


def it_is_sent_now_and_undone(morning: Morning, ann: Page) -> None:
    """The first mail would leave after five minutes; nothing does."""
    morning.at(8, 40)
    ann.goto(f"{morning.url}/issues/{ENGLISH}/")
    ann.get_by_text("Send, schedule, hold, skip").click()
    ann.get_by_role("button", name="Send now").click()
    undo = ann.get_by_role("button", name="Undo: do not send it now")
    expect(undo).to_be_visible()
    morning.camera(ann, "undo", None)
    undo.click()
    expect(undo).to_be_hidden()
    morning.at(8, 50)
    assert morning.subjects() == {}


def it_is_sent(morning: Morning, ann: Page) -> None:
    """English goes out before its hour, once, under the subject that two have approved."""
    ann.get_by_text("Send, schedule, hold, skip").click()
    ann.get_by_role("button", name="Send now").click()
    expect(ann.get_by_role("button", name="Undo: do not send it now")).to_be_visible()
    morning.at(9)
    one, two = (f"ann-{number}@example.com" for number in ("one", "two"))
    assert morning.subjects() == {one: [SUBJECT], two: [SUBJECT]}


def the_late_translation_comes(morning: Morning, omar: Page) -> None:
    """Its issue is made at once, approved on a phone, and goes out at noon with the others."""
    morning.write("ferry", FERRY, "ar")
    morning.at(9, 30)
    omar.goto(f"{morning.url}/issues/{ARABIC}/")
    morning.camera(omar, "approve-phone-ar", omar.locator("#approvals"))
    post(omar, "approve")
    morning.at(11, 59)
    assert len(morning.subjects()) == 2
    morning.at(12)
    for address, tag in READERS.items():
        (mail,) = morning.mails(address)
        body = mail.get_body(("plain",))
        assert body is not None
        text = body.get_content()
        assert FERRY[tag][0] in text or FERRY[tag][0] in str(mail["Subject"])
        assert TIDES[tag][0] in text


def a_correction_follows(morning: Morning, ann: Page, ben: Page, lin: Page) -> None:
    """Whoever got the English issue gets it; who came later, or reads another language, does not."""
    subscribe(morning.publication, ("late@example.com", "en"))
    ann.goto(f"{morning.url}/issues/{ENGLISH}/")
    ann.get_by_role("link", name="Correct an issue").click()
    write_correction(ann)
    # Hours have passed since she showed her passkey. What she wrote stays meanwhile.
    with ann.expect_popup() as opened:
        ann.get_by_role("link", name="Confirm your identity").click()
    proof = opened.value
    add_device(proof, morning.passkeys)
    proof.locator("form[data-passkey] button").click()
    expect(proof.get_by_label("What is corrected, in a line")).to_be_visible()
    morning.camera(ann, "correction", None)
    ann.get_by_role("button", name="Mail it to 2 subscribers").click()
    expect(ann.get_by_role("status")).to_be_visible()
    morning.at(12, 30)
    for page in (ben, lin):
        page.goto(morning.url)
        page.locator(f'a[href="/issues/{ENGLISH}-correction/"]').first.click()
        post(page, "approve")
    morning.at(12, 45)
    assert morning.mails("late@example.com") == []
    corrected = f"Correction: {ERRATUM}"
    for address, tag in READERS.items():
        subjects = morning.subjects()[address]
        assert subjects[1:] == ([corrected] if tag == "en" else []), address


def write_correction(ann: Page) -> None:
    """Write it and send the form."""
    ann.get_by_label("What is corrected, in a line").fill(ERRATUM)
    words = "The first ferry leaves at **nine**, not at eight. We are sorry."
    ann.get_by_label("Words of the correction").fill(words)
    ann.get_by_role("button", name="Mail it to 2 subscribers").click()


def an_announcement_goes_out(morning: Morning, ann: Page, ben: Page, lin: Page) -> None:
    """It needs no schedule but the two approvals, and goes to all who get the English newsletter by then."""
    morning.at(13)
    ann.get_by_role("link", name="Issues").click()
    ann.get_by_role("link", name="New announcement").click()
    ann.locator("#subject-en").fill(ANNOUNCED)
    ann.locator("#text-en").fill(
        "The ferry is repaired **on Sunday**, and sails again on Monday."
    )
    ann.locator("#when").select_option("now")
    press(ann.get_by_role("button", name="Count who gets it"))
    morning.camera(ann, "announcement", None)
    press(ann.get_by_role("button", name="Make the announcement"))
    for page in (ben, lin):
        page.goto(ann.url)
        post(page, "approve")
    morning.at(13, 10)
    subjects = [str(one["Subject"]) for one in morning.mails("late@example.com")]
    assert subjects == [ANNOUNCED]
    for address, tag in READERS.items():
        assert (morning.subjects()[address][-1] == ANNOUNCED) is (tag == "en"), address


def play(morning: Morning, ann: Page) -> None:
    """Play the whole morning; `ann` is the window of the editor."""
    ann_makes_a_passkey(morning, ann)
    ben, lin, mei, omar = others_sign_in(morning, ann)
    a_story_arrives(morning, ann)
    two_translations_come(morning, ann, mei, omar)
    issues_are_made(morning, ann)
    lin_approves_what_she_may(morning, lin)
    the_subject_is_rewritten(morning, ann)
    a_test_mail_is_sent(morning, ann)
    english_is_approved_by_two(morning, ben, lin)
    it_is_sent_now_and_undone(morning, ann)
    it_is_sent(morning, ann)
    the_late_translation_comes(morning, omar)
    a_correction_follows(morning, ann, ben, lin)
    an_announcement_goes_out(morning, ann, ben, lin)
