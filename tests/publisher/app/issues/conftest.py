"""Cycles of tests that look at mails, and at no pages but those of issues."""

import pytest

from publisher.app.operation import cycle
from tests.publisher.printing import write_issue_pages


@pytest.fixture
def issue_pages_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have cycles write no other pages and no feeds: these take half of their time."""
    monkeypatch.setattr(cycle, "write_site", write_issue_pages)
    monkeypatch.setattr(cycle, "publish_feeds", lambda *_all: (0, []))
