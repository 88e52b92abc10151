"""`publisher web` as a process that is killed, and beside an import."""

from pathlib import Path

import pytest

from tools.bench.web import clicked, importing
from tools.bench.web_server import make_audience

POSTS = 300


@pytest.mark.sqlite("the file, in a folder of its own")
def test_what_was_answered_is_stored_when_it_is_killed(tmp_path: Path) -> None:
    clicks, lost = clicked(make_audience(tmp_path / "one", POSTS), POSTS, threads=16, kills=2)
    assert sorted(clicks.answered) == list(range(1, POSTS + 1))
    assert lost == 0


@pytest.mark.sqlite("the file, in a folder of its own")
def test_requests_are_answered_while_subscribers_are_imported(tmp_path: Path) -> None:
    settings = make_audience(tmp_path / "one", POSTS)
    with importing(settings):
        clicks, lost = clicked(settings, POSTS, threads=16)
    assert len(clicks.answered) == POSTS
    assert lost == 0
