import os
from datetime import timedelta
from io import SEEK_CUR, SEEK_END
from pathlib import Path

import pytest

from publisher.serving.files import (
    FileRange,
    available_codings,
    locate_file,
    open_representation,
)
from tests.publisher.serving.samples import CHANGED, make_site, write, write_packed


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
