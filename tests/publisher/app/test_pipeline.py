from collections.abc import Callable
from datetime import timedelta

from structlog.testing import capture_logs

from publisher.app.pipeline import CycleReport, add_reports, open_pipeline
from publisher.clock import FixedClock
from publisher.delivery.dispatcher import DeliveryReport
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome
from publisher.delivery.transports.base import OutgoingMessage
from publisher.ingest.source_pickup import PickedUp
from publisher.testing import SECRET, MemoryTransport
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import outbox, subscribe
from tests.publisher.mail.samples import parsed, raw_field
from tests.publisher.printing import URL, changes, pipeline_of, public, stamps

WARNING = "no translation of the program's own words; English will stand around the articles"


def tides(publication: PublicationFolder) -> PublicationFolder:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    publication.write("ar/tides.md", "المدّ ينتظر.", title="المدّ", date="2026-01-06")
    subscribe(publication, ("ann@example.com", "en"), ("bob@example.com", "ar"))
    return publication


def test_a_cycle_goes_from_a_file_to_mail_pages_and_feeds(
    publication: PublicationFolder,
) -> None:
    report = pipeline_of(tides(publication)).run()
    assert report.picked_up.new == 2
    assert report.issues == 2
    assert (report.written.articles, report.written.issues) == (2, 2)
    assert report.feeds == 5
    assert (report.sent.messages, report.problems) == (2, [])
    assert sorted(report.sent.issues) == ["weekly-ar-2026-01-09", "weekly-en-2026-01-09"]


def test_running_twice_changes_nothing_at_all_on_disk(publication: PublicationFolder) -> None:
    pipeline_of(tides(publication)).run()
    root = publication.settings.folders.root
    with changes(root) as found:
        report = pipeline_of(publication).run()
        pipeline_of(publication.at(NOW + timedelta(minutes=5))).run()
    assert {path for path in found if not path.startswith("var/")} == set()
    assert (report.issues, report.feeds, report.sent.messages) == (0, 0, 0)


def test_two_publications_of_the_same_content_come_out_byte_for_byte_equal(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    one, other = (tides(new_publication()) for _ in range(2))
    for publication in (one, other):
        pipeline_of(publication).run()
    for folder in ("public", "outbox"):
        contents = [
            {path: content for path, (_time, content) in stamps(root / folder).items()}
            for root in (one.settings.folders.root, other.settings.folders.root)
        ]
        assert contents[0] == contents[1] != {}


def test_when_mail_is_written_its_pages_and_feeds_exist(publication: PublicationFolder) -> None:
    def look(outgoing: OutgoingMessage) -> Outcome:
        assert (public(publication) / "feeds/en.rss.xml").is_file()
        content = outgoing.message.content
        url = raw_field(content, "Archived-At").strip("<>")
        text, _page = parsed(content).iter_parts()
        links = [ln for ln in text.get_content().splitlines() if ln.startswith(URL)]
        assert len(links) > 3
        for link in (url, *links):
            path = link.removeprefix(URL).partition("?")[0].strip("/")
            assert (public(publication) / path / "index.html").is_file(), link
        return ACCEPTED_OUTCOME

    transport = MemoryTransport(outcomes=look)
    pipeline_of(tides(publication), transport).run()
    assert len(transport.taken) == 2


def test_editing_alone_sends_nothing_and_delivering_alone_sends_what_is_ready(
    publication: PublicationFolder,
) -> None:
    machine = pipeline_of(tides(publication))
    assert machine.prepare().issues == 2
    assert outbox(publication) == {}
    assert machine.deliver().messages == 2


def test_a_source_that_can_t_be_read_stops_no_other_step(
    publication: PublicationFolder,
) -> None:
    pipeline_of(tides(publication)).prepare()
    publication.articles.rename(publication.articles.with_name("moved"))
    report = pipeline_of(publication).run()
    (problem,) = report.problems
    assert "articles" in problem
    assert report.sent.messages == 2
    assert (public(publication) / "en/stories/tides/index.html").is_file()


def test_a_language_without_a_catalogue_is_warned_of_once(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(languages=["en", "de", "fr", "ar"])
    with capture_logs() as logs:
        for day in range(3):
            pipeline_of(publication.at(NOW + timedelta(days=day))).prepare()
        publication.reload(languages=["en", "de", "fr", "ar", "es"])
        pipeline_of(publication).prepare()
    warned = [line["language"] for line in logs if line["event"] == WARNING]
    assert warned == ["de", "fr", "es"]


def test_progress_is_reported_for_reading_and_for_each_issue(
    publication: PublicationFolder,
) -> None:
    told: list[tuple[object, ...]] = []
    pipeline_of(tides(publication)).run(lambda *step: told.append(step))
    assert told[0] == ("reading articles", 2, 2)
    assert ("weekly-en-2026-01-09", 1, 1, "") in told


def test_a_pipeline_is_built_from_settings_and_releases_its_database(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    with open_pipeline(publication.settings, FixedClock(NOW)) as machine:
        assert machine.run().sent.messages == 2
    assert len(outbox(publication)) == 2


def test_the_repr_of_a_pipeline_has_no_secret(publication: PublicationFolder) -> None:
    assert SECRET not in repr(pipeline_of(publication))
    assert SECRET not in repr(publication.settings)


def test_several_cycles_add_up_and_the_last_one_says_what_is_in_quarantine() -> None:
    one = CycleReport(
        picked_up=PickedUp(new=2, moved=1, quarantined=3),
        issues=1,
        feeds=3,
        sent=DeliveryReport(messages=5),
        problems=["x"],
    )
    two = CycleReport(
        picked_up=PickedUp(new=1, changed=4, removed=2, quarantined=1),
        issues=2,
        feeds=6,
        sent=DeliveryReport(messages=7),
        problems=["y"],
    )
    total = add_reports([one, two])
    assert total.picked_up == PickedUp(new=3, changed=4, moved=1, removed=2, quarantined=1)
    assert (total.issues, total.feeds, total.sent.messages) == (3, 9, 12)
    assert total.problems == ["x", "y"]
    assert add_reports([]) == CycleReport()
