"""Chromium, and the mails that are opened in it: a test with the fixture `mails` runs on every edition."""

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import pytest

from tests.publisher.conftest import (  # fixtures here as well
    corpus as corpus,  # noqa: PLC0414
)
from tests.publisher.conftest import empty_database as empty_database  # noqa: PLC0414
from tests.publisher.conftest import new_publication as new_publication  # noqa: PLC0414
from tests.sizes import at_night, by_lane
from tests.slow.browser import hostile, publications
from tests.slow.browser.mails import Mail, shared
from tools.browser.chromium import MISSING, Chromium, find_chromium

Published = Callable[[str], list[Mail]]

EDITIONS = {
    "demo": publications.demo_editions(),
    "system": publications.system_editions(),
    **{
        kind: [f"weekly-{language}" for language in hostile.LANGUAGES] for kind in hostile.KINDS
    },
}
if at_night():
    EDITIONS["real"] = [f"weekly-{language}" for language in publications.LANGUAGES.values()]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs Chromium where there is none; from one line, so that it is told once."""
    if "chromium" in getattr(item, "fixturenames", ()) and find_chromium() is None:
        pytest.skip(MISSING)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """Start Chromium when it is first needed."""
    program = find_chromium()
    assert program is not None, MISSING
    with Chromium(program) as running:
        yield running


@pytest.fixture(scope="session")
def published(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Published:
    """Print each publication once, however many tests and processes ask for its mails."""

    def make(name: str, folder: Path) -> list[Mail]:
        if name == "demo":
            return publications.demo_mails(folder)
        if name == "system":
            return publications.system_mails(folder)
        if name == "real":
            return publications.real_mails(folder, request.getfixturevalue("corpus"))
        return publications.hostile_mails(folder, name)

    return cache(lambda name: shared(tmp_path_factory, name, partial(make, name)))


@pytest.fixture(
    params=[(name, edition) for name, editions in EDITIONS.items() for edition in editions],
    ids="-".join,
)
def mails(request: pytest.FixtureRequest, published: Published) -> list[Mail]:
    """Give the mails of an edition, one of each issue; in the lane the first and the last of a daily."""
    name, edition = request.param
    if name == "real":
        # Skip here: a skip while the mails are made would count as a failure of the other tests.
        request.getfixturevalue("corpus")
    found = [mail for mail in published(name) if mail.edition == edition]
    assert found, f"no mail of {edition}"
    is_daily = edition.startswith("daily-")
    return by_lane([found[0], found[-1]] if is_daily else found, found)
