"""How files are answered: which form, which headers, and whether they changed."""

import os
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from io import SEEK_CUR, SEEK_END
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.config import FeedSettings, Settings
from publisher.serving.files import (
    FileRange,
    Validators,
    available_codings,
    evaluate_preconditions,
    locate_file,
    open_representation,
    requested_range,
)
from publisher.serving.headers import (
    _CODINGS,
    choose_coding,
    document_kind,
    headers_for,
    is_hidden,
    media_type,
)
from tests.publisher.serving.samples import (
    AFTER,
    BEFORE,
    CHANGED,
    LAST_MODIFIED,
    make_settings,
    make_site,
    write,
    write_packed,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_site(tmp_path).folders.public


def test_a_file_or_a_folders_page_answers(root: Path) -> None:
    assert locate_file(root, "") == "index.html"
    assert locate_file(root, "en/") == "en/index.html"
    assert locate_file(root, "en") == "en/"
    assert locate_file(root, "feeds/en.json") == "feeds/en.json"


def test_a_copy_that_is_older_than_its_file_is_none(tmp_path: Path) -> None:
    file = tmp_path / "en.json"
    write_packed(file, b"{}")
    assert available_codings(file) == ["br", "gzip", "identity"]

    write(file, b"[]", CHANGED + timedelta(seconds=1))
    assert available_codings(file) == ["identity"]

    write(tmp_path / "en.json.gz", b"new", CHANGED + timedelta(seconds=2))
    assert available_codings(file) == ["gzip", "identity"]

    file.unlink()
    assert available_codings(file) == []


def test_a_change_within_a_second_is_another_tag(tmp_path: Path) -> None:
    file = tmp_path / "en.json"
    tags = set()
    for nanoseconds in (1, 2):
        file.write_bytes(b"same")
        os.utime(file, ns=(0, nanoseconds))
        opened = open_representation(file, "identity")
        assert opened
        tags.add(opened.validators.etag)
        opened.file.close()

    assert len(tags) == 2


def test_a_file_that_is_replaced_meanwhile_is_sent_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "en.json"
    write(file, b"before")
    opened = open_representation(file, "identity")
    assert opened
    write(tmp_path / "new", b"a longer state afterwards")
    (tmp_path / "new").replace(file)

    part = FileRange(opened.file, range(opened.size))
    assert b"".join(part) == b"before"
    part.close()
    assert opened.file.closed


def test_a_large_part_comes_in_blocks(tmp_path: Path) -> None:
    write(tmp_path / "sound", bytes(200_000))
    opened = open_representation(tmp_path / "sound", "identity")
    assert opened
    blocks = list(FileRange(opened.file, range(10, 190_000)))
    opened.file.close()

    assert sum(map(len, blocks)) == 189_990
    assert max(map(len, blocks)) == 65_536


def test_a_part_is_a_file_of_its_own(tmp_path: Path) -> None:
    write(tmp_path / "sound", b"0123456789")
    opened = open_representation(tmp_path / "sound", "identity")
    assert opened
    part = FileRange(opened.file, range(2, 7))

    assert part.seekable()
    assert part.size == 5
    assert (part.tell(), part.read(2), part.tell()) == (0, b"23", 2)
    assert (part.read(), part.read(), part.read(1)) == (b"456", b"", b"")
    assert (part.seek(0, SEEK_END), part.seek(-4, SEEK_CUR), part.read(100)) == (5, 1, b"3456")
    assert (part.seek(1), part.read(1)) == (1, b"3")
    assert (part.seek(100), part.read()) == (100, b"")
    part.close()


def test_what_has_gone_or_become_a_folder_meanwhile_is_not_opened(tmp_path: Path) -> None:
    write(tmp_path / "en.json", b"{}")
    (tmp_path / "folder").mkdir()

    assert open_representation(tmp_path / "gone", "identity") is None
    assert open_representation(tmp_path / "folder", "identity") is None
    assert open_representation(tmp_path / "en.json" / "more", "identity") is None


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("feeds/en.rss.xml", "feed"),
        ("feeds/en/authors/a-writer.json", "feed"),
        ("feeds/en/topics/archive.atom.xml", "feed"),
        ("feeds/en/archive/12.json", "archive"),
        ("feeds/en/topics/archive/archive/1.rss.xml", "archive"),
        ("feeds/en/archive/latest.json", "feed"),
        ("feeds/index.opml", "list"),
        ("feeds/style.zh-Hant.css", "list"),
        ("feeds/index.html", "page"),
        ("feeds/", "page"),
        ("en/feeds/index.html", "page"),
        ("en/data.json", "page"),
        ("media/0a1b2c/feeds.json", "media"),
        ("media", "page"),
        ("feeds/en\r\nSet-Cookie: a=b.json", "page"),
        ("feeds/<x>.json", "page"),
    ],
)
def test_a_path_tells_the_kind(settings: Settings, path: str, name: str) -> None:
    assert document_kind(path, settings).name == name


def test_a_type_goes_by_the_end_of_the_name() -> None:
    assert media_type("data/table.json") == "application/json; charset=utf-8"
    assert media_type("en.rss.xml") == "application/xml; charset=utf-8"
    assert media_type("media/0a/LICENCE") == "application/octet-stream"
    assert media_type("feeds/rss.xml") == "application/xml; charset=utf-8"


def test_there_may_be_many_hubs_or_none(settings: Settings) -> None:
    hubs = ("https://one.example.net/", "https://two.example.net/?a=b&c=d")
    path = "feeds/en.json"
    many = replace(settings, feeds=FeedSettings(hubs=hubs))
    none = replace(settings, feeds=FeedSettings())
    own = '<https://news.example.org/feeds/en.json>; rel="self"'

    assert dict(headers_for(path, many))["Link"] == (
        f'<{hubs[0]}>; rel="hub", <{hubs[1]}>; rel="hub", {own}'
    )
    assert dict(headers_for(path, none))["Link"] == own


def test_no_address_can_add_to_a_header(settings: Settings) -> None:
    hub = 'https://hub.example.net/?a="b">, <https://x.example.com>;\r\nSet-Cookie: $c{d}\\'
    hostile = replace(settings, feeds=settings.feeds.model_copy(update={"hubs": (hub,)}))
    link = dict(headers_for("feeds/en.json", hostile))["Link"]

    assert link.count("<") == link.count(">") == 2
    assert link.count('"') == 4
    assert not set("\r\n\\${}") & set(link)


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        (".secret", True),
        ("en/.git/config", True),
        ("feeds/.en.json.part", True),
        ("en/page.part", True),
        ("feeds/en.json.gz", True),
        ("feeds/en/archive/1.json.br", True),
        ("..", True),
        (".well-known/security.txt", False),
        ("media/0a/data.tar.gz", False),
        ("en/apart/", False),
        ("feeds/en.json", False),
        ("", False),
    ],
)
def test_what_is_half_written_or_private_is_hidden(path: str, hidden: bool) -> None:
    assert is_hidden(path) is hidden


ALL = ("br", "gzip", "identity")


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip", "gzip"),
        ("gzip, br", "br"),
        ("gzip;q=1.0, br;q=0.9", "gzip"),
        ("gzip;q=0.5, br;q=0.5, identity;q=0.5", "br"),
        ("gzip;q=0.5, identity", "identity"),
        ("gzip;q=0.001", "gzip"),
        ("*", "br"),
        ("*;q=0.1, gzip;q=0.2", "gzip"),
        ("br;q=0, *", "gzip"),
        ("*;q=0", None),
        ("*;q=0, identity", "identity"),
        ("*;q=0, identity;q=0.1", "identity"),
        ("identity;q=0", None),
        ("gzip, identity;q=0", "gzip"),
        ("br;q=0.0, gzip;q=0.00, identity", "identity"),
        ("x-gzip", "gzip"),
        ("Br", "br"),
        ("gzip ; q=0.8 ,\tbr ; Q=0.9", "br"),
        ("deflate, zstd", "identity"),
        ("gzip;q=2, br;q=much", "identity"),
        ("gzipped", "identity"),
        (",, gzip,", "gzip"),
    ],
)
def test_the_best_of_what_the_client_takes_is_chosen(header: str, chosen: str) -> None:
    assert choose_coding(header, ALL) == chosen


def test_what_is_not_at_hand_is_not_chosen() -> None:
    assert choose_coding("br, gzip;q=0.5", ("gzip", "identity")) == "gzip"
    assert choose_coding("br, gzip", ("identity",)) == "identity"
    assert choose_coding("br, identity;q=0", ("identity",)) is None
    assert choose_coding("br", ()) is None


@given(st.text(), st.sets(st.sampled_from(_CODINGS)))
def test_nothing_that_a_client_says_gets_what_is_not_there(
    header: str, available: set[str]
) -> None:
    assert choose_coding(header, available) in {None, *available}


STATE = Validators('"now"', int(CHANGED.timestamp()))
OK, KNOWN, FAILED = HTTPStatus.OK, HTTPStatus.NOT_MODIFIED, HTTPStatus.PRECONDITION_FAILED


def test_a_variant_has_a_tag_of_its_own_and_a_date_of_http() -> None:
    assert STATE.last_modified == LAST_MODIFIED
    variant = STATE.of_variant("page")

    assert variant == Validators('"now-page"', STATE.modified)
    assert evaluate_preconditions({"if-none-match": '"now"'}, variant) is OK


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, OK),
        ({"if-none-match": '"now"'}, KNOWN),
        ({"if-none-match": 'W/"now"'}, KNOWN),
        ({"if-none-match": '"then", "now"'}, KNOWN),
        ({"if-none-match": '"then","a, b",W/"now"'}, KNOWN),
        ({"if-none-match": " * "}, KNOWN),
        ({"if-none-match": '"*"'}, OK),
        ({"if-none-match": "now"}, OK),
        ({"if-none-match": '"now'}, OK),
        ({"if-none-match": ""}, OK),
        ({"if-modified-since": LAST_MODIFIED}, KNOWN),
        ({"if-modified-since": AFTER}, KNOWN),
        ({"if-modified-since": BEFORE}, OK),
        ({"if-modified-since": "Friday, 09-Jan-26 12:30:00 GMT"}, KNOWN),
        ({"if-modified-since": "Fri Jan  9 12:30:00 2026"}, KNOWN),
        ({"if-modified-since": "Fri, 99 Foo 2026 12:30:00 GMT"}, OK),
        ({"if-modified-since": "Fri, 31 Feb 99999 12:30:00 GMT"}, OK),
        ({"if-modified-since": "yesterday"}, OK),
        ({"if-none-match": '"then"', "if-modified-since": AFTER}, OK),
        ({"if-none-match": '"now"', "if-modified-since": BEFORE}, KNOWN),
        ({"if-match": '"now"'}, OK),
        ({"if-match": "*"}, OK),
        ({"if-match": '"then"'}, FAILED),
        ({"if-match": 'W/"now"'}, FAILED),
        ({"if-match": '"now"', "if-none-match": '"now"'}, KNOWN),
        ({"if-match": '"now"', "if-unmodified-since": BEFORE}, OK),
        ({"if-unmodified-since": LAST_MODIFIED}, OK),
        ({"if-unmodified-since": BEFORE}, FAILED),
        ({"if-unmodified-since": "some day"}, OK),
    ],
    ids=str,
)
def test_preconditions_are_taken_in_their_order(
    fields: dict[str, str], status: HTTPStatus
) -> None:
    assert evaluate_preconditions(fields, STATE) is status


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=2-5", range(2, 6)),
        ("bytes=2-", range(2, 10)),
        ("bytes=2-99", range(2, 10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=-99", range(10)),
        ("Bytes= 2-5 ", range(2, 6)),
        ("bytes=10-", range(10, 10)),
        ("bytes=-0", range(10, 10)),
        ("bytes=5-2", None),
        ("bytes=0-1,4-5", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("lines=1-2", None),
        ("bytes=" + 5000 * "9" + "-", None),
    ],
)
def test_one_part_can_be_wanted(value: str, wanted: range | None) -> None:
    assert requested_range({"range": value}, STATE, 10) == wanted


@pytest.mark.parametrize(
    ("condition", "whole"),
    [
        ('"now"', False),
        (LAST_MODIFIED, False),
        ('"then"', True),
        ('W/"now"', True),
        (AFTER, True),
    ],
)
def test_a_part_of_another_state_is_not_given(condition: str, whole: bool) -> None:
    found = requested_range({"range": "bytes=2-5", "if-range": condition}, STATE, 10)

    assert found == (None if whole else range(2, 6))


NAMES = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range")


@given(st.dictionaries(st.sampled_from(NAMES), st.text()), st.text())
def test_no_nonsense_is_an_error(fields: dict[str, str], wanted: str) -> None:
    evaluate_preconditions(fields, STATE)
    found = requested_range(fields | {"range": f"bytes={wanted}"}, STATE, 10)

    assert found is None or found.stop <= 10
