"""A turn of the leader fills the bucket; what mails and hubs refer to is there before they hear of it."""

import shutil
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from publisher.app.operation.status import take_snapshot
from publisher.app.start_checks import begin_anew, refuse_lost_state
from publisher.bucket.contents import CONTENTS_KEY, StoredFile, from_json, to_json
from publisher.bucket.upload import fetch_issue_pages
from publisher.cli.operation.status import bucket_lines, status_as_json
from publisher.database.retry_queue import queue_item
from publisher.errors import BucketError, LostStateError
from publisher.issues.tables import issue_table
from publisher.leader import holder
from publisher.leader import store as leaders_store
from publisher.testing import MemoryTransport
from tests.processes import tree
from tests.publisher.bucket.conftest import in_bucket
from tests.publisher.bucket.test_upload import contents, seen
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of
from tools.servers.s3 import S3, StoredObject

# Seconds. So long that no test outlives it, however slow its machine is.
LEASE = 100_000
DENIED = "s3://lantern/news: answered 403 Forbidden (AccessDenied); let this key list"


def write_articles(publication: PublicationFolder) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    publication.write("ar/tides.md", "المد ينتظر.", title="المد والجزر", date="2026-01-05")


@pytest.fixture(autouse=True)
def few_languages_and_a_long_lease(
    lantern: PublicationFolder, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (holder, leaders_store):
        monkeypatch.setattr(module, "LEADER_SECONDS", LEASE)
    lantern.reload(languages=["en", "ar"])
    lantern.settings = in_bucket(lantern.settings, s3)


def local(publication: PublicationFolder) -> dict[str, bytes]:
    files = tree(publication.settings.folders.public)
    shown = {k: v for k, v in files.items() if not k.rpartition("/")[2].startswith(".")}
    return {k: v for k, v in shown.items() if k[-3:] not in (".gz", ".br")}


def copies(s3: S3) -> dict[str, bytes]:
    return {name: content for name, (content, _fields) in seen(s3).items()}


def test_a_turn_fills_the_bucket_and_the_next_one_puts_only_what_changed(
    lantern: PublicationFolder, s3: S3
) -> None:
    write_articles(lantern)
    pipeline = pipeline_of(lantern)
    assert pipeline.prepare().problems == []
    assert copies(s3) == local(lantern)
    assert len(copies(s3)) > 20
    before = dict(s3.objects)
    s3.requests.clear()
    assert pipeline.prepare().problems == []
    assert (s3.objects, s3.changes()) == (before, [])
    (lantern.articles / "en" / "tides.md").unlink()
    assert "en/stories/tides/index.html" in copies(s3)
    pipeline.prepare()
    assert "en/stories/tides/index.html" not in copies(s3)
    assert copies(s3) == local(lantern)
    assert contents(s3).keys() == copies(s3).keys()


def test_a_web_root_that_was_emptied_empties_no_bucket(
    lantern: PublicationFolder, s3: S3
) -> None:
    write_articles(lantern)
    pipeline = pipeline_of(lantern)
    pipeline.prepare()
    before = copies(s3)
    # A disk that is not mounted.
    shutil.rmtree(lantern.settings.folders.public)
    lantern.settings.folders.public.mkdir()
    s3.requests.clear()
    assert pipeline.prepare().problems == []
    assert copies(s3) == before == local(lantern)
    assert {method for method, key in s3.changes() if "json" not in key} == set()


def issue_states(publication: PublicationFolder) -> set[str]:
    with publication.database.reading() as connection:
        return set(connection.execute(select(issue_table.c.state)).scalars())


def attempts(publication: PublicationFolder) -> set[int]:
    with publication.database.reading() as connection:
        return set(connection.execute(select(queue_item.c.attempts)).scalars())


def test_mails_and_pings_wait_while_the_bucket_can_not_be_written(
    lantern: PublicationFolder, s3: S3
) -> None:
    lantern.settings = replace(
        lantern.settings,
        feeds=lantern.settings.feeds.model_copy(update={"hubs": ("http://127.0.0.1:1/",)}),
    )
    write_articles(lantern)
    subscribe(lantern, ("reader@example.org", "en"))
    transport = MemoryTransport("ambiguous")
    pipeline = pipeline_of(lantern, transport)
    s3.fault = lambda _method, _key: (403, "AccessDenied")
    report = pipeline.run()
    (problem,) = report.problems
    assert problem.startswith(DENIED)
    # Pages and feeds are there locally.
    assert "en/stories/tides/index.html" in local(lantern)
    assert (report.feeds > 0, transport.messages) == (True, [])
    assert issue_states(lantern) == {"ready"}
    assert attempts(lantern) == {0}
    status = take_snapshot(lantern.settings, lantern.database, lantern.clock.now())
    assert list(bucket_lines(status)) == [f"The bucket lacks files: {problem}"]
    said = status_as_json(lantern.settings, status)["bucket"]
    assert said == {"problem": problem, "complete_at": None}
    s3.fault = lambda _method, _key: None
    report = pipeline.run()
    assert copies(s3) == local(lantern)
    assert len(transport.messages) == 1
    assert issue_states(lantern) == {"sent"}
    assert attempts(lantern) == {1}
    status = take_snapshot(lantern.settings, lantern.database, lantern.clock.now())
    assert list(bucket_lines(status)) == []
    assert status.bucket
    assert (status.bucket.problem, status.bucket.complete_at) == (None, lantern.clock.now())


def test_without_a_bucket_status_says_nothing_of_it(publication: PublicationFolder) -> None:
    settings = replace(publication.settings, s3=None)
    status = take_snapshot(settings, publication.database, publication.clock.now())
    assert (status.bucket, list(bucket_lines(status))) == (None, [])
    assert status_as_json(settings, status)["bucket"] is None


# --- a new start when only the bucket is left of a publication


def sent_from(publication: PublicationFolder, *addresses: str) -> int:
    for address in addresses:
        subscribe(publication, (address, "en"))
    transport = MemoryTransport("ambiguous")
    report = pipeline_of(publication, transport).run()
    assert report.problems == []
    return len(transport.messages)


@pytest.fixture
def anew(
    lantern: PublicationFolder, s3: S3, new_publication: Callable[..., PublicationFolder]
) -> PublicationFolder:
    """Give a publication that has its articles, subscribers and bucket, and nothing else."""
    lantern.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    assert sent_from(lantern, "ann@example.org") == 1
    other = new_publication()
    other.settings = in_bucket(other.settings, s3)
    other.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    return other


def test_an_empty_database_is_refused_and_as_a_new_start_sends_no_issue_with_a_page_again(
    anew: PublicationFolder,
) -> None:
    with pytest.raises(
        LostStateError, match=r"s3://lantern/news/\.publisher\.json was written"
    ):
        refuse_lost_state(anew.settings, anew.database)
    begin_anew(anew.settings, anew.database)
    assert sent_from(anew, "ann@example.org") == 0
    [page] = anew.settings.folders.public.glob("en/weekly/2026-*/index.html")
    assert "Tides" in page.read_text()


def test_a_bucket_without_files_refuses_nothing(lantern: PublicationFolder) -> None:
    refuse_lost_state(lantern.settings, lantern.database)
    begin_anew(lantern.settings, lantern.database)


def test_a_bucket_that_can_t_be_asked_or_read_is_an_error(
    anew: PublicationFolder, s3: S3
) -> None:
    s3.objects[f"news/{CONTENTS_KEY}"] = StoredObject(b'{"version": 2}', {})
    with pytest.raises(BucketError, match="format that this version does not know"):
        begin_anew(anew.settings, anew.database)
    s3.fault = lambda _method, _key: (403, "AccessDenied")
    with pytest.raises(BucketError, match="answered 403"):
        refuse_lost_state(anew.settings, anew.database)


def test_only_pages_of_issues_of_this_publication_are_written(
    anew: PublicationFolder, s3: S3
) -> None:
    key = f"news/{CONTENTS_KEY}"
    contents = from_json(s3.objects[key].content)
    names = ("../../2026-01-02/index.html", "en/../2026-01-02/index.html")
    hostile = contents.with_files(dict.fromkeys(names, StoredFile()))
    s3.objects[key] = StoredObject(to_json(hostile), {})
    assert fetch_issue_pages(anew.settings) == 1
    assert not list(anew.settings.folders.root.glob("**/2026-01-02"))
    other = replace(contents, url="https://other.example/")
    s3.objects[key] = StoredObject(to_json(other), {})
    with pytest.raises(BucketError, match=r"files of https://other\.example/"):
        begin_anew(anew.settings, anew.database)
