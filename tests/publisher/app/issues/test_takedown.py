"""The words of a withdrawn article, and the old words of a corrected one, leave every copy and every mail."""

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from threading import Event
from typing import Any

import brotli
import pytest
from sqlalchemy import update

from publisher.app.operation.cycle import CycleReport
from publisher.assembly.revise import revised_content
from publisher.config import Settings
from publisher.config.delivery import SmtpSettings, Tls
from publisher.database import Database
from publisher.delivery import job, worker_pool
from publisher.delivery.job import replace_withdrawn
from publisher.delivery.rates import limits as throttle
from publisher.delivery.transports.base import ACCEPTED_OUTCOME, Outcome, OutgoingMessage
from publisher.delivery.transports.smtp.transport import SmtpTransport
from publisher.errors import RenderingError
from publisher.ingest.sources.base import Item, RawItem
from publisher.ingest.sources.folder import FolderSource
from publisher.issues.model import IssueReason, IssueState
from publisher.issues.tables import digest_table, issue_table
from publisher.rendering import Renderer
from publisher.site.removal import mark_media_due, remove_unused_media
from publisher.site.writer import write_site
from publisher.testing import MemoryTransport
from publisher.web_files import write_page
from tests.publisher.app.reading import Reading
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.ingest.helpers import png
from tests.publisher.mail.samples import parsed
from tests.publisher.printing import pipeline_of, public
from tools.servers import MailServer, Phase, Reply, addressed, always

HOUR = timedelta(hours=1)
DAILY = [{"name": "daily", "schedule": "0 8 * * *", "title": {"en": "The morning lamp"}}]
PAGE = "en/daily/2026-01-09/index.html"
# The articles that go or are corrected; each has words of its own in title, summary and text.
NAMES = ("removed", "drafted", "withdrawn", "embargoed", "corrected")
CHANGES: dict[str, dict[str, Any]] = {
    "drafted": {"draft": "true"},
    "withdrawn": {"status": "withdrawn"},
    "embargoed": {"date": "2027-01-01"},
}


def words_of(name: str) -> tuple[str, str, str]:
    return f"zanthoxyl{name}x", f"quokkaline{name}x", f"brumosity{name}x"


ALL_WORDS = tuple(word for name in NAMES for word in words_of(name))
# Each article has pictures of its own, and old addresses; a picture's name and description have words.
PICTURED = ("removed", "drafted", "withdrawn", "corrected")


def picture_words(name: str) -> tuple[str, str]:
    return f"glimmerfile{name}x", f"lanternview{name}x"


def draw(name: str, width: int) -> bytes:
    return png(width, 2 + len(name))


@pytest.fixture
def publication(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    """A publication whose feeds have archives with texts, with a translation of an article that goes."""
    publication = new_publication(newsletters=DAILY, languages=["en", "ar"])
    feeds = publication.settings.feeds.model_copy(update={"entries": 3, "content": "archives"})
    object.__setattr__(publication.settings, "feeds", feeds)
    for name in NAMES:
        write(publication, name)
    publication.write("ar/corrected.md", "كلمات.", title="قديم", date="2026-01-01")
    for number in range(3):
        matter = {"title": f"Lamp {number}", "date": "2026-01-08", "topics": "[Rivers]"}
        publication.write(f"en/lamp-{number}.md", "The lamp burns.", **matter)
    return publication


@pytest.fixture
def plain(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    return new_publication(newsletters=DAILY, languages=["en"])


def write(publication: PublicationFolder, name: str, **changes: Any) -> None:
    title, summary, text = words_of(name)
    matter = {
        "title": f"The {title} tree",
        "summary": f"A {summary} tale.",
        "date": "2026-01-01",
        "topics": "[Rivers]",
        "author": "Ada Lark",
    }
    text = changes.pop("text", f"Words of {text}.")
    publication.write(f"en/{name}.md", text, **matter | changes)


def illustrate(publication: PublicationFolder) -> None:
    """Give articles a picture of their own and one that all share, and a translation with both."""
    publication.write("en/shared.png", draw("shared", 300))
    for number, name in enumerate(PICTURED):
        file, alt = picture_words(name)
        publication.write(f"en/{file}.png", draw(name, 300 + number))
        publication.write(f"en/{file}-2.png", draw(name, 400 + number))
        matter = {
            "image": f"{{src: /en/{file}.png, alt: {alt}}}",
            "aliases": f"[/alias-{name}/]",
        }
        text = (
            f"![{alt}](/en/{file}-2.png) ![All](/en/shared.png) Words of {words_of(name)[2]}."
        )
        write(publication, name, text=text, **matter)
        publication.write(
            f"ar/{name}.md",
            f"![{alt}](/en/{file}-2.png) {words_of(name)[2]} كلمات.",
            title=f"{words_of(name)[0]} شجرة",
            date="2026-01-02",
            **matter | {"aliases": f"[/ar/alias-{name}/]"},
        )
    publication.write("en/keeps.md", "![All](/en/shared.png)", title="Keeps", date="2026-01-03")


def media(publication: PublicationFolder) -> set[str]:
    """Return the names of the files below `public/media`."""
    return {file.name for file in (public(publication) / "media").rglob("*") if file.is_file()}


def take_down(publication: PublicationFolder) -> None:
    """Withdraw an article in each of the ways, and correct one."""
    (publication.articles / "en/removed.md").unlink()
    for name, changes in CHANGES.items():
        write(publication, name, **changes)
    write(publication, "corrected", title="Mended", summary="A tale.", text="Mended words.")


def run(publication: PublicationFolder, hours: int = 0) -> list[str]:
    """Run one cycle some hours later, and return its problems."""
    return pipeline_of(publication.at(NOW + hours * HOUR)).run().problems


def found(publication: PublicationFolder, *words: str) -> dict[str, list[str]]:
    """Return the files below the web root that have one of the words, in whatever encoding."""
    folder = public(publication)
    files = {file: _text(file) for file in sorted(folder.rglob("*")) if file.is_file()}
    return {
        file.relative_to(folder).as_posix(): [word for word in words if word in text]
        for file, text in files.items()
        if any(word in text for word in words)
    }


def _text(file: Path) -> str:
    content = file.read_bytes()
    if file.suffix == ".gz":
        content = gzip.decompress(content)
    elif file.suffix == ".br":
        content = brotli.decompress(content)
    text = content.decode("utf-8", "replace")
    return json.dumps(json.loads(text), ensure_ascii=False) if file.suffix == ".json" else text


def page(publication: PublicationFolder) -> str:
    return (public(publication) / PAGE).read_text("utf-8")


def test_words_that_are_taken_back_are_in_no_file_after_one_cycle(
    publication: PublicationFolder,
) -> None:
    assert run(publication) == []
    places = found(publication, *ALL_WORDS)
    assert {PAGE, "en/stories/removed/index.html", "en/stories/lamp-0/index.html"} <= {*places}
    assert any(path.endswith(".br") for path in places)
    sent, before = publication.rows(digest_table), page(publication)
    take_down(publication)
    assert run(publication, 1) == []
    assert found(publication, *ALL_WORDS) == {}
    # What was sent stays in the database as it was.
    assert publication.rows(digest_table) == sent
    text = page(publication)
    assert text.count("This article was withdrawn.") == 4
    assert text.count("Corrected on") == 1
    assert '<a href="/en/stories/lamp-0/">Lamp 0</a>' in text
    assert any("/archive/" in path for path in found(publication, "Mended words."))
    # Nothing is written twice.
    assert pipeline_of(publication.at(NOW + 2 * HOUR)).run().written.issues == 0
    # What is published again stands on the page as it was sent.
    for name in NAMES:
        write(publication, name)
    assert run(publication, 3) == []
    assert page(publication) == before


def test_pictures_names_of_files_and_descriptions_go_with_their_articles(
    publication: PublicationFolder,
) -> None:
    illustrate(publication)
    assert run(publication) == []
    words = [word for name in PICTURED for word in (*words_of(name), *picture_words(name))]
    places = found(publication, *words)
    assert {PAGE, "ar/stories/removed/index.html", "feeds/ar.json"} <= {*places}
    assert {f"{picture_words(name)[0]}.png" for name in PICTURED} <= media(publication)
    assert (public(publication) / "alias-removed/index.html").is_file()
    for language in ("en", "ar"):
        (publication.articles / language / "removed.md").unlink()
        for name, change in (("drafted", "draft: true"), ("withdrawn", "status: withdrawn")):
            file = publication.articles / language / f"{name}.md"
            file.write_text(
                file.read_text("utf-8").replace("---", f"---\n{change}", 1), "utf-8"
            )
        matter = {"title": f"Mended {language}", "date": "2026-01-01"}
        publication.write(f"{language}/corrected.md", f"Mended words {language}.", **matter)
    assert run(publication, 1) == []
    assert found(publication, *words) == {}
    names = [*map(str, public(publication).rglob("*"))]
    assert [path for path in names if any(word in path for word in words)] == []
    # What a published article shows stays, though the others showed it, too.
    assert media(publication) == {"shared.png"}
    assert not (public(publication) / "alias-removed/index.html").exists()
    # It comes back with its article.
    write(publication, "drafted", text=f"![All](/en/{picture_words('drafted')[0]}.png)")
    assert run(publication, 2) == []
    assert f"{picture_words('drafted')[0]}.png" in media(publication)


def test_a_picture_stays_while_the_page_of_an_issue_shows_it(plain: PublicationFolder) -> None:
    for name in ("old", "new"):
        plain.write(f"en/{name}.png", draw(name, 300 + len(name) * ord(name[0])))
    for name in ("old", "new"):
        write(plain, "removed", text=f"![Tree](/en/{name}.png) Words.")
        assert run(plain, 1) == []
    assert media(plain) == {"old.png", "new.png"}
    (plain.articles / "en/removed.md").unlink()
    assert run(plain, 2) == []
    assert media(plain) == set()


def test_a_picture_that_is_replaced_stays_while_mails_wait_that_show_it(
    plain: PublicationFolder,
) -> None:
    for name in ("old", "new", "last"):
        plain.write(f"en/{name}.png", draw(name, 300 + len(name) * ord(name[0])))
    write(plain, "corrected", text="![Tree](/en/old.png) Words.")
    assert run(plain) == []
    for state, name, stay in (
        (IssueState.PAUSED, "new", {"old.png", "new.png"}),
        (IssueState.SENT, "last", {"last.png"}),
    ):
        with plain.database.writing() as connection:
            connection.execute(update(issue_table).values(state=state))
        write(plain, "corrected", text=f"![Tree](/en/{name}.png) Words of {name}.")
        assert run(plain, 1) == []
        assert media(plain) == stay


def test_a_picture_that_its_page_lost_goes_in_the_run_after_a_killed_one(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Stands for a kill."""

    def write_and_die(settings: Settings, file: PurePosixPath, content: str) -> bool:
        write_page(settings, file, content)
        raise Killed

    publication.write("en/old.png", draw("old", 300))
    write(publication, "lamp-0", text="![Tree](/en/old.png) Words.")
    assert run(publication) == []
    assert media(publication) == {"old.png"}
    write(publication, "lamp-0", text="Words.")
    publication.at(NOW + HOUR).pick_up()
    monkeypatch.setattr("publisher.web_files.write_page", write_and_die)
    with pytest.raises(Killed):
        write_site(publication.settings, publication.database, Renderer(), NOW + HOUR)
    monkeypatch.undo()
    assert media(publication) == {"old.png"}
    assert run(publication, 2) == []
    assert media(publication) == set()


def test_an_issue_of_which_nothing_was_sent_is_assembled_again(
    plain: PublicationFolder,
) -> None:
    for name in ("removed", "corrected"):
        write(plain, name)
    pipeline_of(plain).prepare()
    assert [row["state"] for row in plain.rows(issue_table)] == [IssueState.READY]
    (plain.articles / "en/removed.md").unlink()
    write(plain, "corrected", title="Mended", text="Mended words.")
    assert run(plain, 1) == []
    (digest,) = plain.rows(digest_table)
    parts = digest["subject"] + digest["html"] + digest["text"] + digest["page"]
    assert not any(word in parts for word in words_of("removed"))
    assert "Mended" in digest["subject"] + digest["html"]
    # Nobody got the other words, so there is nothing to be said about them.
    assert "withdrawn" not in page(plain)
    assert "Corrected" not in page(plain)


def test_the_page_of_an_issue_with_nothing_left_says_so(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(newsletters=DAILY, languages=["ar"])
    publication.write("ar/a.md", "كلمات.", title="قديم", date="2026-01-08")
    run(publication)
    (publication.articles / "ar/a.md").unlink()
    assert run(publication, 1) == []
    text = (public(publication) / PAGE.replace("en/", "ar/")).read_text("utf-8")
    assert "سُحِبت هذه المقالة." in text
    assert "قديم" not in text


def pictured(publication: PublicationFolder, name: str, **matter: Any) -> str:
    """Write an article that shows a picture of its own; return the name of the file."""
    publication.write(f"en/{name}.png", draw(name, 300 + sum(map(ord, name))))
    text = f"![Tree](/en/{name}.png) Words of {name}."
    publication.write(f"en/{name}.md", text, **{"title": name, "date": "2026-01-01"} | matter)
    return f"{name}.png"


def test_a_picture_of_an_embargoed_or_withdrawn_article_is_nowhere_below_the_web_root(
    plain: PublicationFolder,
) -> None:
    pictured(plain, "corrected")
    pictured(plain, "embargoed", date="2026-01-09T15:00:00Z")
    pictured(plain, "withdrawn", status="withdrawn")
    assert run(plain) == []
    assert media(plain) == {"corrected.png"}
    # What was published may get a date that is to come, and be removed meanwhile.
    pictured(plain, "corrected", date="2026-01-09T22:00:00Z")
    assert run(plain, 1) == []
    assert media(plain) == set()
    assert run(plain, 7) == []
    assert media(plain) == {"embargoed.png"}
    (plain.articles / "en/corrected.md").unlink()
    pictured(plain, "embargoed", title="Again")
    assert run(plain, 9) == []
    assert media(plain) == {"embargoed.png"}
    kept = plain.settings.folders.embargoed
    assert [*kept.rglob("*")] == []


def test_a_page_that_cannot_be_written_keeps_its_former_picture(
    plain: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = pictured(plain, "corrected")
    gone = pictured(plain, "removed")
    assert run(plain) == []

    def fail(*_: object) -> str:
        raise RenderingError("division by zero")

    monkeypatch.setattr(Renderer, "article_page", fail)
    plain.write("en/new.png", draw("new", 700))
    plain.write("en/corrected.md", "![Tree](/en/new.png) W.", title="C", date="2026-01-01")
    (plain.articles / "en/removed.md").unlink()
    assert run(plain, 1) != []
    # That of a withdrawn article goes all the same.
    assert media(plain) == {old, "new.png"}
    assert gone not in media(plain)
    monkeypatch.undo()
    assert run(plain, 2) == []
    assert media(plain) == {"new.png"}


def test_a_folder_of_pictures_on_another_disk_is_cleared_like_any_other(
    plain: PublicationFolder, tmp_path: Path
) -> None:
    disk, other = tmp_path / "disk", tmp_path / "other"
    (other / "private").mkdir(parents=True)
    (other / "private/notes.png").write_bytes(b"mine")
    disk.mkdir()
    public(plain).mkdir(exist_ok=True)
    (public(plain) / "media").symlink_to(disk)
    pictured(plain, "removed")
    assert run(plain) == []
    assert [file.name for file in disk.glob("*/*")] == ["removed.png"]
    # Somebody has linked a folder of theirs under a name like ours.
    (disk / "0123456789abcdef").symlink_to(other / "private")
    (plain.articles / "en/removed.md").unlink()
    assert run(plain, 1) == []
    assert [*disk.iterdir()] == []
    assert (public(plain) / "media").is_symlink()
    assert (other / "private/notes.png").read_bytes() == b"mine"


def test_a_picture_that_another_process_removed_before_its_article_was_stored_is_copied_again(
    plain: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictured(plain, "removed")
    assert run(plain) == []
    (plain.articles / "en/removed.md").unlink()
    assert run(plain, 1) == []
    # `a` is read, and its picture copied, when the other process looks through the files.
    pictured(plain, "a")
    pictured(plain, "b")
    read, cleaned = FolderSource.read, []

    def read_beside_another(source: FolderSource, item: Item) -> RawItem:
        if item.key == "en/b.md":
            with plain.database.writing() as connection:
                mark_media_due(connection)
            cleaned.append(remove_unused_media(plain.settings, plain.database, NOW))
        return read(source, item)

    monkeypatch.setattr(FolderSource, "read", read_beside_another)
    assert run(plain, 2) == []
    assert cleaned[0] == 1
    assert media(plain) == {"a.png", "b.png"}


# --- a withdrawn article is in no mail that had not left, whatever it was rendered from


ISSUE = "daily-en-2026-01-09"
LATER = Reply("451 4.3.0 try again later")


@pytest.fixture
def reading(
    new_publication: Callable[..., PublicationFolder], monkeypatch: pytest.MonkeyPatch
) -> Reading:
    """Three subscribers, one of whom wants one topic only, and an issue of two stories."""
    # A server that puts a mail off slows down the next ones, by real seconds.
    monkeypatch.setattr(throttle, "_DEFAULT_RATE", 1000.0)
    reading = Reading(new_publication(languages=["en"], newsletters=DAILY))
    reading.join("ann", "en")
    reading.join("bob", "en")
    reading.join("cyd", "en", topics=("Rivers",))
    for story in (1, 2):
        reading.write(story, "en", topics="[Rivers]" if story == 1 else "[Hills]")
    return reading


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that puts two of the subscribers off."""
    later = addressed(dict.fromkeys(("bob@example.com", "cyd@example.com"), LATER))
    with MailServer(later) as server:
        yield server


def run_by_smtp(reading: Reading, server: MailServer, hours: int = 0) -> CycleReport:
    smtp = SmtpSettings(host=server.host, port=server.port, tls=Tls.NONE)
    transport = SmtpTransport(smtp, reading.publication.settings.folders.root, None)
    return pipeline_of(reading.publication.at(NOW + hours * HOUR), transport).run()


def withdraw(reading: Reading, story: int) -> None:
    (reading.publication.articles / f"en/s{story}.md").unlink()


def text_for(server: MailServer, name: str) -> str:
    (mail,) = (one for one in server.messages if one.recipient == f"{name}@example.com")
    return text_of(mail.content)


def text_of(content: bytes) -> str:
    message = parsed(content)
    bodies = [message.get_body((kind,)) for kind in ("plain", "html")]
    return str(message["Subject"]) + "".join(body.get_content() for body in bodies if body)


def test_mails_that_wait_are_made_again_without_a_withdrawn_article(
    reading: Reading, server: MailServer
) -> None:
    run_by_smtp(reading, server)
    assert reading.counts(ISSUE) == {"sent": 1, "deferred": 2}
    assert "Story 1" in text_for(server, "ann")
    withdraw(reading, 1)
    server.behaviour = None
    assert run_by_smtp(reading, server, 1).problems == []
    mail = text_for(server, "bob")
    assert "Story 1" not in mail
    assert "Story 2" in mail
    # She wanted nothing else.
    assert reading.counts(ISSUE) == {"sent": 2, "cancelled": 1}
    assert reading.issue(ISSUE).reason == (
        "1 not sent: all articles for the subscriber were withdrawn before the mail was made"
    )


def test_a_clock_that_goes_back_takes_no_article_out_of_mails_and_pages(
    reading: Reading, server: MailServer
) -> None:
    run_by_smtp(reading, server)
    settings, database = reading.publication.settings, reading.publication.database
    assert not replace_withdrawn(settings, database, NOW - HOUR)
    with database.reading() as connection:
        assert revised_content(connection, settings, reading.issue(ISSUE), NOW - HOUR) is None


def test_an_issue_without_a_story_is_cancelled_for_those_who_have_not_got_it(
    reading: Reading, server: MailServer
) -> None:
    run_by_smtp(reading, server)
    server.behaviour = None
    # Others stay, so that the source has not lost everything at once.
    for story in (1, 2):
        withdraw(reading, story)
    run_by_smtp(reading, server, 1)
    found = reading.issue(ISSUE)
    assert reading.counts(ISSUE) == {"sent": 1, "cancelled": 2}
    assert (found.state, found.reason_key) == (IssueState.SENT, IssueReason.ALL_WITHDRAWN)
    assert reading.causes(ISSUE) == {"withdrawn": 2}
    assert len(server.messages) == 1


def test_a_mail_that_only_recommends_a_withdrawn_article_is_made_again(
    reading: Reading, server: MailServer
) -> None:
    reading.write(3, "en", topics="[Rivers]", date="2025-11-01")
    run_by_smtp(reading, server)
    assert "Story 3" in text_for(server, "ann")
    withdraw(reading, 3)
    server.behaviour = None
    assert run_by_smtp(reading, server, 1).problems == []
    assert "Story 3" not in text_for(server, "bob")
    assert {"Story 1", "Story 2"} <= {
        name for name in ("Story 1", "Story 2") if name in text_for(server, "bob")
    }
    assert reading.counts(ISSUE) == {"sent": 3}


def test_a_mail_is_made_again_once_for_each_withdrawal(reading: Reading) -> None:
    reading.write(3, "en")
    with MailServer(always(Phase.RCPT, LATER)) as server:
        run_by_smtp(reading, server)
        for hours, story in ((1, 3), (2, 1)):
            withdraw(reading, story)
            run_by_smtp(reading, server, hours)
        server.behaviour = None
        run_by_smtp(reading, server, 6)
        assert [text_for(server, name).count("Story 3") for name in ("ann", "bob")] == [0, 0]
        assert "Story 1" not in text_for(server, "ann")
        assert "Story 2" in text_for(server, "ann")


def test_mails_of_a_long_run_are_made_again_when_an_article_is_withdrawn_during_it(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_looked = Event()

    def look(settings: Settings, database: Database, now: datetime) -> bool:
        is_moved = replace_withdrawn(settings, database, now)
        if is_moved:
            is_looked.set()
        return is_moved

    monkeypatch.setattr(worker_pool, "NEW_WORK_INTERVAL", 0.0)
    monkeypatch.setattr(job, "replace_withdrawn", look)

    def outcome(_outgoing: OutgoingMessage) -> Outcome:
        if not is_looked.is_set():
            withdraw(reading, 1)
            pipeline_of(reading.publication).prepare()
            assert is_looked.wait(60)
        return ACCEPTED_OUTCOME

    for number in range(5):
        reading.join(f"dan{number}", "en")
    transport = MemoryTransport("ambiguous", outcomes=outcome)
    assert pipeline_of(reading.publication, transport).run().problems == []
    first, *others = [text_of(one.message.content) for one in transport.taken]
    assert "Story 1" in first
    assert [one.count("Story 1") for one in others] == [0] * 6
    assert reading.counts(ISSUE) == {"sent": 7, "cancelled": 1}
