"""A new start when only the bucket is left of a publication."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from publisher.app.lost_state import begin_anew, refuse_lost_state
from publisher.bucket.contents import CONTENTS_KEY, StoredFile, from_json, to_json
from publisher.bucket.former_pages import fetch_issue_pages
from publisher.errors import BucketError, LostStateError
from publisher.testing import MemoryTransport
from tests.publisher.bucket.conftest import in_bucket
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of
from tests.s3 import S3, StoredObject


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


def test_it_is_refused_and_names_the_list_in_the_bucket(anew: PublicationFolder) -> None:
    with pytest.raises(
        LostStateError, match=r"s3://lantern/news/\.publisher\.json was written"
    ):
        refuse_lost_state(anew.settings, anew.database)


def test_as_a_new_start_no_issue_with_a_page_is_sent_again(anew: PublicationFolder) -> None:
    begin_anew(anew.settings, anew.database)
    assert sent_from(anew, "ann@example.org") == 0
    [page] = anew.settings.folders.public.glob("en/*/2026-*/index.html")
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
